/*
 * A rulebook's row, the content of family 'b': u8 format (1), u8 retroactive, then as texts (varint
 * length) the rulebook as its author wrote it, and the program. Name, version and effective_from
 * are the program's.
 */
#include "engine/core/rulebook.h"

#include <string.h>

enum { RULEBOOK_FORMAT = 1, CAPACITY_FIRST = 8, TEXT_FRAME_BYTES = 2 + 2 * BYTES_VARINT_MAX };

void
rulebooks_open(struct rulebooks *rulebooks, struct memo *memo)
{
    *rulebooks = (struct rulebooks){.memo = memo, .capacity = CAPACITY_FIRST};
    rulebooks->items = memo_take(memo, CAPACITY_FIRST * sizeof(struct rulebook *));
}

static void
rulebook_free(struct memo *memo, struct rulebook *rulebook)
{
    if (rulebook->lists != NULL) memo_give(memo, rulebook->lists, rulebook->lists_bytes);
    if (rulebook->content != NULL) memo_give(memo, rulebook->content, rulebook->content_bytes);
    memo_give(memo, rulebook, sizeof *rulebook);
}

void
rulebooks_close(struct rulebooks *rulebooks)
{
    if (rulebooks->items == NULL) return;
    for (size_t i = 0; i < rulebooks->count; i++)
        rulebook_free(rulebooks->memo, rulebooks->items[i]);
    for (size_t kind = 0; kind < NAME_KINDS; kind++) {
        struct names *names = &rulebooks->names[kind];
        if (names->capacity == 0) continue;
        memo_give(rulebooks->memo, names->ids, names->capacity * sizeof names->ids[0]);
        memo_give(rulebooks->memo, names->sorted, names->capacity * sizeof names->sorted[0]);
    }
    memo_give(rulebooks->memo, rulebooks->items, rulebooks->capacity * sizeof(struct rulebook *));
    rulebooks->items = NULL;
}

static bool
rulebook_parse(struct memo *memo, struct rulebook *rulebook, struct fault *out_fault)
{
    struct reader reader = reader_of(bytes_of(rulebook->content, rulebook->content_bytes));
    uint8_t format = reader_u8(&reader);
    reader_u8(&reader);
    reader_prefixed(&reader);
    struct bytes program = reader_prefixed(&reader);
    if (!reader_done(&reader) || format != RULEBOOK_FORMAT) {
        return fault_set(out_fault, FAULT_DATA, "the row of rulebook %u is damaged",
                         rulebook->index);
    }
    struct arena arena;
    rulebook->lists_bytes = program_lists_bytes(program.size);
    rulebook->lists = memo_take(memo, rulebook->lists_bytes);
    arena_init(&arena, rulebook->lists, rulebook->lists_bytes);
    if (!program_decode(program, &arena, &rulebook->program, out_fault)) {
        return fault_wrap(out_fault, "an activated program");
    }
    return true;
}

static uint8_t
rulebook_basis(struct rulebook *rulebook, struct program_basis basis)
{
    for (uint32_t i = 0; i < rulebook->basis_count; i++) {
        const struct program_basis *known = &rulebook->bases[i];
        if (known->flags == basis.flags && known->line_kinds == basis.line_kinds) return (uint8_t)i;
    }
    CHECK(rulebook->basis_count < BASES_MAX);
    rulebook->bases[rulebook->basis_count] = basis;
    return (uint8_t)rulebook->basis_count++;
}

static uint32_t
find_id(const struct bytes *ids, uint32_t count, struct bytes id)
{
    uint32_t i = 0;
    while (i < count && !bytes_equal(ids[i], id))
        i++;
    return i;
}

static uint32_t
find_group(const struct rulebooks *rulebooks, struct bytes id)
{
    uint32_t i = 0;
    while (i < rulebooks->group_count && !bytes_equal(rulebooks->groups[i].id, id))
        i++;
    return i;
}

/* ---- Names ---- */

/* How many of the ids in order stand before this one. */
static uint32_t
name_position(const struct names *names, struct bytes id)
{
    uint32_t low = 0, high = names->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_compare(names->ids[names->sorted[middle]], id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
name_is_at(const struct names *names, uint32_t at, struct bytes id)
{
    return at < names->count && bytes_equal(names->ids[names->sorted[at]], id);
}

/* The slot of an id, given now when it has none. slots_suffice has seen that there is one. */
static uint16_t
take_name(struct rulebooks *rulebooks, enum name_kind kind, struct bytes id)
{
    struct names *names = &rulebooks->names[kind];
    uint32_t at = name_position(names, id);
    if (name_is_at(names, at, id)) return names->sorted[at];
    CHECK(names->count < NAME_SLOTS_MAX);
    if (names->count == names->capacity) {
        struct memo *memo = rulebooks->memo;
        size_t old = names->capacity, capacity = old == 0 ? CAPACITY_FIRST : 2 * old;
        struct names grown = {.count = names->count, .capacity = (uint32_t)capacity};
        grown.ids = memo_take(memo, capacity * sizeof grown.ids[0]);
        grown.sorted = memo_take(memo, capacity * sizeof grown.sorted[0]);
        if (old > 0) {
            memcpy(grown.ids, names->ids, old * sizeof grown.ids[0]);
            memcpy(grown.sorted, names->sorted, old * sizeof grown.sorted[0]);
            memo_give(memo, names->ids, old * sizeof grown.ids[0]);
            memo_give(memo, names->sorted, old * sizeof grown.sorted[0]);
        }
        *names = grown;
    }
    uint16_t slot = (uint16_t)names->count++;
    names->ids[slot] = id;
    memmove(&names->sorted[at + 1], &names->sorted[at], (slot - at) * sizeof names->sorted[0]);
    names->sorted[at] = slot;
    return slot;
}

uint32_t
rulebooks_slot(const struct rulebooks *rulebooks, enum name_kind kind, struct bytes id)
{
    uint32_t slot;
    if (kind == NAME_CURRENCY) {
        slot = find_id(rulebooks->currencies, rulebooks->currency_count, id);
        return slot == rulebooks->currency_count ? NAME_NONE : slot;
    }
    if (kind == NAME_GROUP) {
        slot = find_group(rulebooks, id);
        return slot == rulebooks->group_count ? NAME_NONE : slot;
    }
    const struct names *names = &rulebooks->names[kind];
    uint32_t at = name_position(names, id);
    return name_is_at(names, at, id) ? names->sorted[at] : NAME_NONE;
}

struct bytes
rulebooks_name(const struct rulebooks *rulebooks, enum name_kind kind, uint32_t slot)
{
    if (kind == NAME_CURRENCY) {
        CHECK(slot < rulebooks->currency_count);
        return rulebooks->currencies[slot];
    }
    if (kind == NAME_GROUP) {
        CHECK(slot < rulebooks->group_count);
        return rulebooks->groups[slot].id;
    }
    CHECK(slot < rulebooks->names[kind].count);
    return rulebooks->names[kind].ids[slot];
}

/* Whether all ids of the program find a slot. */
static bool
slots_suffice(const struct rulebooks *rulebooks, const struct program *program)
{
    uint32_t currencies = rulebooks->currency_count, groups = rulebooks->group_count;
    for (uint32_t i = 0; i < program->currency_count; i++) {
        uint32_t slot =
            find_id(rulebooks->currencies, rulebooks->currency_count, program->currencies[i].id);
        if (slot == rulebooks->currency_count) {
            currencies++;
        } else if (rulebooks->scales[slot] != program->currencies[i].scale) {
            return false; /* a currency that an older version had keeps its scale, too */
        }
    }
    for (uint32_t i = 0; i < program->group_count; i++) {
        uint32_t slot = find_group(rulebooks, program->groups[i].id);
        if (slot == rulebooks->group_count) {
            groups++;
            continue;
        }
        const struct group_names *names = &rulebooks->groups[slot];
        uint32_t levels = names->level_count;
        for (uint32_t k = 0; k < program->groups[i].level_count; k++) {
            levels += find_id(names->levels, names->level_count, program->groups[i].levels[k].id) ==
                      names->level_count;
        }
        if (levels > LEVEL_SLOTS_MAX) return false;
    }
    if (currencies > CURRENCY_SLOTS_MAX || groups > GROUP_SLOTS_MAX) return false;
    const uint32_t more[NAME_KINDS] = {
        [NAME_SOURCE] = program->rule_count + program->campaign_count + program->award_count +
                        program->streak_count + program->mission_count,
        [NAME_CAP] = program->cap_count,
        [NAME_LIMIT] = program->limit_count,
        [NAME_FUNDER] = program->funder_count,
        [NAME_REWARD] = program->spending.reward_count,
        [NAME_ACTIVITY] = PROGRAM_GROUPS_MAX * PROGRAM_METRICS_MAX + program->mission_count,
    };
    for (size_t kind = 0; kind < NAME_KINDS; kind++) {
        if (rulebooks->names[kind].count + more[kind] > NAME_SLOTS_MAX) return false;
    }
    return true;
}

static void
take_group(struct rulebooks *rulebooks, struct rulebook *rulebook, uint32_t index)
{
    const struct program_group *group = &rulebook->program.groups[index];
    uint32_t slot = find_group(rulebooks, group->id);
    struct group_names *names = &rulebooks->groups[slot];
    if (slot == rulebooks->group_count) {
        rulebooks->group_count++;
        names->id = group->id;
    }
    rulebook->group_slot[index] = (uint8_t)slot;
    rulebook->group_at[slot] = (int8_t)index;
    for (uint32_t k = 0; k < group->level_count; k++) {
        uint32_t level = find_id(names->levels, names->level_count, group->levels[k].id);
        if (level == names->level_count) names->levels[names->level_count++] = group->levels[k].id;
        rulebook->level_slot[index][k] = (uint8_t)level;
    }
}

/* Days and months of the longest, with clocks that go back and dates that a zone skips. */
static int64_t
rolling_ms(const struct program_group *group)
{
    int64_t days = 0;
    if (group->window == WINDOW_ROLLING_DAYS) days = group->rolling;
    if (group->window == WINDOW_ROLLING_MONTHS) days = group->rolling * INT64_C(31);
    return (days + 2) * CALENDAR_DAY_MS;
}

static void
take_metrics(struct rulebooks *rulebooks, struct rulebook *rulebook, uint32_t index)
{
    const struct program_group *group = &rulebook->program.groups[index];
    if (rolling_ms(group) > rulebooks->rolling_max_ms)
        rulebooks->rolling_max_ms = rolling_ms(group);
    for (uint32_t m = 0; m < group->metric_count; m++) {
        const struct program_metric *metric = &group->metrics[m];
        uint32_t *name = &rulebook->metric_name[index][m];
        if (metric->kind == METRIC_SPEND)
            rulebook->metric_basis[index][m] = rulebook_basis(rulebook, metric->basis);
        if (metric->kind == METRIC_VISITS && !metric->of_purchases)
            *name = take_name(rulebooks, NAME_ACTIVITY, metric->activity) + 1u;
        if (metric->kind == METRIC_MISSIONS && metric->mission != PROGRAM_NONE)
            *name = rulebook->mission_slot[metric->mission] + 1u;
    }
}

/* Slots for the ids of one list of the program. */
static void
take_names(struct rulebooks *rulebooks, enum name_kind kind, const void *items, uint32_t count,
           size_t item_bytes, uint16_t *out_slots)
{
    const uint8_t *item = items; /* every item begins with its id */
    for (uint32_t i = 0; i < count; i++, item += item_bytes) {
        struct bytes id;
        memcpy(&id, item, sizeof id);
        out_slots[i] = take_name(rulebooks, kind, id);
    }
}

#define TAKE_NAMES(kind, list, list_count, slots)                                                  \
    take_names(rulebooks, kind, list, list_count, sizeof *(list), slots)

static void
take_program_names(struct rulebooks *rulebooks, struct rulebook *rulebook)
{
    const struct program *program = &rulebook->program;
    TAKE_NAMES(NAME_SOURCE, program->rules, program->rule_count, rulebook->rule_slot);
    TAKE_NAMES(NAME_SOURCE, program->campaigns, program->campaign_count, rulebook->campaign_slot);
    TAKE_NAMES(NAME_SOURCE, program->awards, program->award_count, rulebook->award_slot);
    TAKE_NAMES(NAME_SOURCE, program->streaks, program->streak_count, rulebook->streak_slot);
    TAKE_NAMES(NAME_SOURCE, program->missions, program->mission_count, rulebook->mission_slot);
    TAKE_NAMES(NAME_CAP, program->caps, program->cap_count, rulebook->cap_slot);
    TAKE_NAMES(NAME_LIMIT, program->limits, program->limit_count, rulebook->limit_slot);
    TAKE_NAMES(NAME_FUNDER, program->funders, program->funder_count, rulebook->funder_slot);
    TAKE_NAMES(NAME_REWARD, program->spending.rewards, program->spending.reward_count,
               rulebook->reward_slot);
}

static void
take_slots(struct rulebooks *rulebooks, struct rulebook *rulebook)
{
    const struct program *program = &rulebook->program;
    memset(rulebook->currency_at, -1, sizeof rulebook->currency_at);
    memset(rulebook->group_at, -1, sizeof rulebook->group_at);
    for (uint32_t i = 0; i < program->currency_count; i++) {
        const struct program_currency *currency = &program->currencies[i];
        uint32_t slot = find_id(rulebooks->currencies, rulebooks->currency_count, currency->id);
        if (slot == rulebooks->currency_count) {
            rulebooks->currency_count++;
            rulebooks->currencies[slot] = currency->id;
            rulebooks->scales[slot] = currency->scale;
        }
        rulebook->currency_slot[i] = (uint8_t)slot;
        rulebook->currency_at[slot] = (int8_t)i;
        if (currency->notice_days > rulebooks->notice_days_max)
            rulebooks->notice_days_max = currency->notice_days;
    }
    if (program->accept_past_ms > rulebooks->accept_past_max_ms)
        rulebooks->accept_past_max_ms = program->accept_past_ms;
    take_program_names(rulebooks, rulebook);
    for (uint32_t i = 0; i < program->group_count; i++) {
        take_group(rulebooks, rulebook, i);
        take_metrics(rulebooks, rulebook, i);
    }
    for (uint32_t i = 0; i < program->rule_count; i++)
        rulebook->rule_basis[i] = rulebook_basis(rulebook, program->rules[i].basis);
    for (uint32_t i = 0; i < program->mission_count; i++) {
        const struct program_mission *mission = &program->missions[i];
        rulebook->mission_basis[i] = rulebook_basis(rulebook, mission->basis);
        rulebook->mission_counts[i] = mission->of == COUNTED_ACTIVITY
                                          ? take_name(rulebooks, NAME_ACTIVITY, mission->activity)
                                          : mission->money;
    }
}

static void
put_in_force(struct rulebooks *rulebooks, struct rulebook *rulebook)
{
    if (rulebooks->count == rulebooks->capacity) {
        size_t bytes = rulebooks->capacity * sizeof(struct rulebook *);
        rulebooks->items = memo_resize(rulebooks->memo, rulebooks->items, bytes, 2 * bytes);
        rulebooks->capacity *= 2;
    }
    take_slots(rulebooks, rulebook);
    for (uint32_t g = 0; g < PROGRAM_GROUPS_MAX; g++)
        rulebook->window[g] = (struct span){INT64_MIN, INT64_MIN};
    rulebooks->items[rulebooks->count++] = rulebook;
}

static struct rulebook *
rulebook_make(struct rulebooks *rulebooks, size_t content_bytes)
{
    struct rulebook *rulebook = memo_take(rulebooks->memo, sizeof *rulebook);
    memset(rulebook, 0, sizeof *rulebook);
    rulebook->index = (uint32_t)rulebooks->count;
    rulebook->content = memo_take(rulebooks->memo, content_bytes);
    rulebook->content_bytes = content_bytes;
    return rulebook;
}

static bool
follows(const struct rulebooks *rulebooks, const struct rulebook *rulebook)
{
    struct fault reason;
    if (rulebooks->count == RULEBOOKS_MAX) return false;
    if (!slots_suffice(rulebooks, &rulebook->program)) return false;
    if (rulebooks->count == 0) return true;
    return program_follows(&rulebook->program, &rulebooks->items[rulebooks->count - 1]->program,
                           &reason);
}

bool
rulebooks_activate(struct rulebooks *rulebooks, const struct activation *activation,
                   struct fault *out_fault)
{
    size_t bytes = activation->yaml.size + activation->program.size + TEXT_FRAME_BYTES;
    if (bytes > SLAB_SIZE_MAX)
        return fault_set(out_fault, FAULT_DATA, "an activated rulebook is too large");
    struct rulebook *rulebook = rulebook_make(rulebooks, bytes);
    struct writer writer = writer_of(rulebook->content, bytes);
    writer_u8(&writer, RULEBOOK_FORMAT);
    writer_u8(&writer, activation->retroactive);
    writer_prefixed(&writer, activation->yaml);
    writer_prefixed(&writer, activation->program);
    CHECK(!writer.overflow);
    rulebook->content = memo_resize(rulebooks->memo, rulebook->content, bytes, writer.size);
    rulebook->content_bytes = writer.size;
    bool parsed = rulebook_parse(rulebooks->memo, rulebook, out_fault);
    if (!parsed || !follows(rulebooks, rulebook)) {
        rulebooks->ignored += parsed;
        rulebook_free(rulebooks->memo, rulebook);
        return parsed;
    }
    put_in_force(rulebooks, rulebook);
    struct memo *memo = rulebooks->memo;
    struct row_key key = row_key_u32(ROW_RULEBOOK, rulebook->index);
    struct bytes content = bytes_of(rulebook->content, rulebook->content_bytes);
    memo->digest = hash128_add(memo->digest, memo_share(memo->seed, row_key_span(&key), content));
    memo->dirty_bytes += content.size;
    return true;
}

bool
rulebooks_load(struct rulebooks *rulebooks, struct row row, struct fault *out_fault)
{
    struct bytes content;
    struct row_key key = row_key_u32(ROW_RULEBOOK, (uint32_t)rulebooks->count);
    if (!bytes_equal(row.key, row_key_span(&key))) {
        return fault_set(out_fault, FAULT_DATA, "the row of rulebook %zu is missing",
                         rulebooks->count);
    }
    if (!row_open(row, &content, out_fault)) return false;
    struct rulebook *rulebook = rulebook_make(rulebooks, content.size);
    memcpy(rulebook->content, content.data, content.size);
    if (!rulebook_parse(rulebooks->memo, rulebook, out_fault)) {
        rulebook_free(rulebooks->memo, rulebook);
        return false;
    }
    put_in_force(rulebooks, rulebook);
    rulebooks->stored_count = rulebooks->count;
    return true;
}

struct rulebook *
rulebooks_at(const struct rulebooks *rulebooks, struct instant instant)
{
    for (size_t i = rulebooks->count; i > 0; i--) {
        if (rulebooks->items[i - 1]->program.effective_from.ms <= instant.ms)
            return rulebooks->items[i - 1];
    }
    return NULL;
}

bool
rulebooks_next(const struct rulebooks *rulebooks, uint64_t *cursor, struct row_key *out_key,
               struct writer *writer)
{
    uint64_t index = *cursor == 0 ? rulebooks->stored_count : *cursor;
    if (index >= rulebooks->frozen_count) return false;
    const struct rulebook *rulebook = rulebooks->items[index];
    *out_key = row_key_u32(ROW_RULEBOOK, (uint32_t)index);
    writer_bytes(writer, bytes_of(rulebook->content, rulebook->content_bytes));
    *cursor = index + 1;
    return true;
}

static uint32_t
level_by_id(const struct program_group *group, struct bytes id)
{
    uint32_t i = 0;
    while (i < group->level_count && !bytes_equal(group->levels[i].id, id))
        i++;
    return i;
}

uint32_t
rulebook_level(const struct rulebooks *rulebooks, const struct rulebook *rulebook, uint32_t group,
               uint32_t level_slot)
{
    uint32_t slot = rulebook->group_slot[group];
    const struct program_group *wanted = &rulebook->program.groups[group];
    for (uint32_t i = 0; i < wanted->level_count; i++) {
        if (rulebook->level_slot[group][i] == level_slot) return i;
    }
    struct bytes id = rulebooks->groups[slot].levels[level_slot];
    for (size_t r = rulebooks->count; r > 0; r--) {
        const struct rulebook *other = rulebooks->items[r - 1];
        if (other->group_at[slot] < 0) continue;
        const struct program_group *had = &other->program.groups[other->group_at[slot]];
        uint32_t at = level_by_id(had, id);
        if (at == had->level_count) continue;
        for (; at > 0; at--) {
            uint32_t lower = level_by_id(wanted, had->levels[at - 1].id);
            if (lower < wanted->level_count) return lower;
        }
        return 0;
    }
    return 0;
}

bool
rulebook_currency(const struct rulebook *rulebook, struct bytes id, uint32_t *out_index)
{
    if (id.size == 0 && rulebook->program.currency_count > 0) {
        *out_index = 0;
        return true;
    }
    for (uint32_t i = 0; i < rulebook->program.currency_count; i++) {
        if (!bytes_equal(rulebook->program.currencies[i].id, id)) continue;
        *out_index = i;
        return true;
    }
    return false;
}

void
rulebook_activation(const struct rulebook *rulebook, struct activation *out_activation)
{
    struct reader reader = reader_of(bytes_of(rulebook->content, rulebook->content_bytes));
    reader_u8(&reader);
    bool retroactive = reader_u8(&reader) != 0;
    struct bytes yaml = reader_prefixed(&reader);
    struct bytes program = reader_prefixed(&reader);
    CHECK(reader_done(&reader));
    *out_activation = (struct activation){
        .name = rulebook->program.name,
        .version = rulebook->program.version,
        .effective_from = rulebook->program.effective_from,
        .retroactive = retroactive,
        .yaml = yaml,
        .program = program,
    };
}
