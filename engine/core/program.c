/*
 * The normalised form of a rulebook, byte by byte. "varint" is unsigned LEB128 in its shortest
 * form, "zigzag" a signed varint, "text" a varint length and that many bytes. Everything has
 * exactly one encoding.
 *
 *   u8      PROGRAM_FORMAT
 *   text    name                         1–64 bytes
 *   varint  version                      from 1
 *   zigzag  effective_from               milliseconds
 *   text    zone name
 *   zigzag  the zone's initial offset    milliseconds, below 24 h
 *   varint  transitions, then for each:  zigzag instant less the one before (0 for the first),
 * zigzag offset varint  accept_future_ms, accept_past_ms u8      unknown_member, arrears,
 * line_combine varint  currencies, then for each: text id, u8 scale, u8 qualifying (0, 1), u8
 * rounding, u8 expiry kind, and for EXPIRY_PERIOD varint amount, u8 unit, u8 round_up_to; varint
 * notice_days varint  tier groups, then for each: text id, u8 metric; METRIC_SPEND: varint money,
 * u8 basis flags, varint line kinds; METRIC_POINTS: varint currency; u8 window, u8 downgrade;
 * varint levels, then for each: text id, varint threshold, varint numerator and denominator varint
 * rules, then for each: text id, varint currency, zigzag priority, varint money, varint numerator
 * and denominator, varint categories and each as text, u8 basis flags, varint line kinds, varint
 * tier group + 1 (0 = none)
 */
#include "engine/core/program.h"

#include "engine/base/check.h"

enum {
    ID_BYTES_MAX = 64,      /* ids of rulebooks, currencies, groups, levels, rules and categories */
    TRANSITIONS_MAX = 4096, /* two a year for two thousand years */
    MONEY_NUMERIC_MAX = 999, /* ISO 4217 */
    NOTICE_DAYS_MAX = 3660,
    PERIOD_AMOUNT_MAX = 12000, /* a thousand years of months: calendar_period_end judges the year */
    LINE_KINDS_MASK =
        1 << LINE_GOODS | 1 << LINE_SHIPPING | 1 << LINE_TAX | 1 << LINE_FEE | 1 << LINE_GIFT_CARD,
    BASIS_FLAGS_MASK = BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX | BASIS_WITHOUT_TENDER,
};

static const int64_t ACCEPT_MS_MAX = INT64_C(100) * 366 * CALENDAR_DAY_MS;

static void
write_rate(struct rate rate, struct writer *writer)
{
    writer_varint(writer, (uint64_t)rate.numerator);
    writer_varint(writer, (uint64_t)rate.denominator);
}

static void
write_basis(struct program_basis basis, struct writer *writer)
{
    writer_u8(writer, (uint8_t)basis.flags);
    writer_varint(writer, basis.line_kinds);
}

static void
write_currency(const struct program_currency *currency, struct writer *writer)
{
    writer_prefixed(writer, currency->id);
    writer_u8(writer, currency->scale);
    writer_u8(writer, currency->qualifying);
    writer_u8(writer, (uint8_t)currency->rounding);
    writer_u8(writer, (uint8_t)currency->expiry.kind);
    if (currency->expiry.kind == EXPIRY_PERIOD) {
        writer_varint(writer, (uint64_t)currency->expiry.amount);
        writer_u8(writer, (uint8_t)currency->expiry.unit);
        writer_u8(writer, (uint8_t)currency->expiry.round_up_to);
    }
    writer_varint(writer, (uint64_t)currency->notice_days);
}

static void
write_group(const struct program_group *group, struct writer *writer)
{
    writer_prefixed(writer, group->id);
    writer_u8(writer, (uint8_t)group->metric);
    if (group->metric == METRIC_SPEND) {
        writer_varint(writer, group->money);
        write_basis(group->basis, writer);
    } else {
        writer_varint(writer, group->currency);
    }
    writer_u8(writer, (uint8_t)group->window);
    writer_u8(writer, (uint8_t)group->downgrade);
    writer_varint(writer, group->level_count);
    for (uint32_t i = 0; i < group->level_count; i++) {
        writer_prefixed(writer, group->levels[i].id);
        writer_varint(writer, (uint64_t)group->levels[i].threshold);
        write_rate(group->levels[i].multiplier, writer);
    }
}

static void
write_rule(const struct program_rule *rule, struct writer *writer)
{
    writer_prefixed(writer, rule->id);
    writer_varint(writer, rule->currency);
    writer_zigzag(writer, rule->priority);
    writer_varint(writer, rule->money);
    write_rate(rule->rate, writer);
    writer_varint(writer, rule->category_count);
    for (uint32_t i = 0; i < rule->category_count; i++) {
        writer_prefixed(writer, rule->categories[i]);
    }
    write_basis(rule->basis, writer);
    writer_varint(writer, (uint64_t)(rule->tier_group + 1));
}

void
program_encode(const struct program *program, struct writer *writer)
{
    writer_u8(writer, PROGRAM_FORMAT);
    writer_prefixed(writer, program->name);
    writer_varint(writer, program->version);
    writer_zigzag(writer, program->effective_from.ms);
    writer_prefixed(writer, program->zone_name);
    writer_zigzag(writer, program->zone.initial_offset_ms);
    writer_varint(writer, program->zone.count);
    int64_t before_ms = 0;
    for (uint32_t i = 0; i < program->zone.count; i++) {
        writer_zigzag(writer, program->zone.transitions[i].at_ms - before_ms);
        writer_zigzag(writer, program->zone.transitions[i].offset_ms);
        before_ms = program->zone.transitions[i].at_ms;
    }
    writer_varint(writer, (uint64_t)program->accept_future_ms);
    writer_varint(writer, (uint64_t)program->accept_past_ms);
    writer_u8(writer, (uint8_t)program->unknown_member);
    writer_u8(writer, (uint8_t)program->arrears);
    writer_u8(writer, (uint8_t)program->line_combine);
    writer_varint(writer, program->currency_count);
    for (uint32_t i = 0; i < program->currency_count; i++) {
        write_currency(&program->currencies[i], writer);
    }
    writer_varint(writer, program->group_count);
    for (uint32_t i = 0; i < program->group_count; i++) {
        write_group(&program->groups[i], writer);
    }
    writer_varint(writer, program->rule_count);
    for (uint32_t i = 0; i < program->rule_count; i++) {
        write_rule(&program->rules[i], writer);
    }
}

/* What a decoder carries: where it reads, where it puts lists, and whom it tells what is wrong. */
struct decoder {
    struct reader reader;
    struct arena *arena;
    struct fault *out_fault;
};

#define REFUSE(decoder, ...) return fault_set((decoder)->out_fault, FAULT_DATA, __VA_ARGS__)

static bool
read_number(struct decoder *decoder, uint64_t min, uint64_t max, const char *what, uint64_t *out)
{
    uint64_t value = reader_varint(&decoder->reader);
    if (decoder->reader.failed) REFUSE(decoder, "the program ends or breaks off in %s", what);
    if (value < min || value > max) {
        REFUSE(decoder, "%s is %llu, allowed are %llu to %llu", what, (unsigned long long)value,
               (unsigned long long)min, (unsigned long long)max);
    }
    *out = value;
    return true;
}

static bool
read_signed(struct decoder *decoder, int64_t min, int64_t max, const char *what, int64_t *out)
{
    int64_t value = reader_zigzag(&decoder->reader);
    if (decoder->reader.failed) REFUSE(decoder, "the program ends or breaks off in %s", what);
    if (value < min || value > max) {
        REFUSE(decoder, "%s is %lld, allowed are %lld to %lld", what, (long long)value,
               (long long)min, (long long)max);
    }
    *out = value;
    return true;
}

/* One byte, from min to max: enums and flags. */
static bool
read_code(struct decoder *decoder, unsigned min, unsigned max, const char *what, unsigned *out)
{
    unsigned value = reader_u8(&decoder->reader);
    if (decoder->reader.failed) REFUSE(decoder, "the program ends in %s", what);
    if (value < min || value > max) REFUSE(decoder, "%s has the unknown code %u", what, value);
    *out = value;
    return true;
}

static bool
read_id(struct decoder *decoder, const char *what, struct bytes *out)
{
    struct bytes id = reader_prefixed(&decoder->reader);
    if (decoder->reader.failed) REFUSE(decoder, "the program ends in %s", what);
    if (id.size == 0 || id.size > ID_BYTES_MAX)
        REFUSE(decoder, "%s is empty or longer than %d bytes", what, ID_BYTES_MAX);
    *out = id;
    return true;
}

static bool
read_rate(struct decoder *decoder, const char *what, struct rate *out)
{
    uint64_t numerator, denominator;
    if (!read_number(decoder, 1, INT64_MAX, what, &numerator)) return false;
    if (!read_number(decoder, 1, INT64_MAX, what, &denominator)) return false;
    struct rate rate;
    if (!rate_make((int64_t)numerator, (int64_t)denominator, &rate) ||
        rate.numerator != (int64_t)numerator) {
        REFUSE(decoder, "%s is not reduced", what);
    }
    *out = rate;
    return true;
}

static bool
read_money(struct decoder *decoder, const char *what, uint16_t *out)
{
    uint64_t money;
    if (!read_number(decoder, 1, MONEY_NUMERIC_MAX, what, &money)) return false;
    if (currency_find((uint16_t)money) == NULL) REFUSE(decoder, "%s is no ISO 4217 currency", what);
    *out = (uint16_t)money;
    return true;
}

static bool
read_basis(struct decoder *decoder, struct program_basis *out)
{
    unsigned flags = 0;
    uint64_t kinds;
    if (!read_code(decoder, 0, BASIS_FLAGS_MASK, "a basis", &flags)) return false;
    if (!read_number(decoder, 0, LINE_KINDS_MASK, "the line kinds of a basis", &kinds))
        return false;
    if ((kinds & ~(uint64_t)LINE_KINDS_MASK) != 0)
        REFUSE(decoder, "a basis names an unknown line kind");
    *out = (struct program_basis){.flags = flags, .line_kinds = (uint32_t)kinds};
    return true;
}

static bool
read_zone(struct decoder *decoder, struct program *program)
{
    int64_t offset_ms;
    uint64_t count;
    if (!read_id(decoder, "the zone's name", &program->zone_name)) return false;
    if (!read_signed(decoder, 1 - CALENDAR_DAY_MS, CALENDAR_DAY_MS - 1, "the zone's offset",
                     &offset_ms))
        return false;
    if (!read_number(decoder, 0, TRANSITIONS_MAX, "the number of zone transitions", &count))
        return false;
    program->zone =
        (struct zone){.initial_offset_ms = (int32_t)offset_ms, .count = (uint32_t)count};
    if (count == 0) return true;
    struct zone_transition *transitions = arena_alloc(decoder->arena, count * sizeof *transitions);
    if (transitions == NULL) REFUSE(decoder, "no memory for the zone's transitions");
    int64_t at_ms = 0;
    for (uint64_t i = 0; i < count; i++) {
        int64_t step_ms;
        if (!read_signed(decoder, i == 0 ? -INSTANT_MAX_MS : 1, INSTANT_MAX_MS, "a zone transition",
                         &step_ms))
            return false;
        if (!read_signed(decoder, 1 - CALENDAR_DAY_MS, CALENDAR_DAY_MS - 1, "a zone offset",
                         &offset_ms))
            return false;
        at_ms += step_ms;
        if (at_ms > INSTANT_MAX_MS) REFUSE(decoder, "a zone transition lies after the year 9999");
        transitions[i] = (struct zone_transition){.at_ms = at_ms, .offset_ms = (int32_t)offset_ms};
    }
    program->zone.transitions = transitions;
    return true;
}

static bool
read_expiry(struct decoder *decoder, struct program_expiry *out)
{
    unsigned kind, unit, round_up_to;
    uint64_t amount;
    if (!read_code(decoder, EXPIRY_NONE, EXPIRY_PERIOD, "an expiry", &kind)) return false;
    *out = (struct program_expiry){.kind = kind};
    if (kind == EXPIRY_NONE) return true;
    if (!read_number(decoder, 0, PERIOD_AMOUNT_MAX, "an expiry period", &amount)) return false;
    if (!read_code(decoder, CALENDAR_DAY, CALENDAR_YEAR, "the unit of an expiry period", &unit))
        return false;
    if (!read_code(decoder, CALENDAR_NONE, CALENDAR_YEAR, "the rounding of an expiry period",
                   &round_up_to))
        return false;
    if (unit == CALENDAR_WEEK || unit == CALENDAR_QUARTER)
        REFUSE(decoder, "an expiry period counts days, months or years");
    if (amount == 0 && round_up_to == CALENDAR_NONE)
        REFUSE(decoder, "an expiry period of nothing, to the end of nothing");
    out->amount = (int32_t)amount;
    out->unit = unit;
    out->round_up_to = round_up_to;
    return true;
}

static bool
read_currency(struct decoder *decoder, struct program *program)
{
    struct program_currency *currency = &program->currencies[program->currency_count];
    unsigned scale, qualifying, rounding;
    uint64_t notice_days;
    if (!read_id(decoder, "a currency's id", &currency->id)) return false;
    if (!read_code(decoder, 0, 6, "a currency's scale", &scale)) return false;
    if (!read_code(decoder, 0, 1, "a currency's kind", &qualifying)) return false;
    if (!read_code(decoder, ROUNDING_FLOOR, ROUNDING_HALF_EVEN, "a rounding", &rounding))
        return false;
    if (!read_expiry(decoder, &currency->expiry)) return false;
    if (!read_number(decoder, 0, NOTICE_DAYS_MAX, "the days of a notice", &notice_days))
        return false;
    for (uint32_t i = 0; i < program->currency_count; i++) {
        if (bytes_equal(program->currencies[i].id, currency->id))
            REFUSE(decoder, "two currencies have one id");
    }
    currency->scale = (uint8_t)scale;
    currency->qualifying = qualifying != 0;
    currency->rounding = rounding;
    currency->notice_days = (int32_t)notice_days;
    program->currency_count++;
    return true;
}

static bool
read_levels(struct decoder *decoder, struct program_group *group)
{
    uint64_t count;
    if (!read_number(decoder, 1, PROGRAM_LEVELS_MAX, "the number of levels", &count)) return false;
    for (uint64_t i = 0; i < count; i++) {
        struct program_level *level = &group->levels[i];
        uint64_t threshold;
        if (!read_id(decoder, "a level's id", &level->id)) return false;
        if (!read_number(decoder, 0, INT64_MAX, "a threshold", &threshold)) return false;
        if (!read_rate(decoder, "a multiplier", &level->multiplier)) return false;
        level->threshold = (int64_t)threshold;
        if (i == 0 && threshold != 0) REFUSE(decoder, "the first level's threshold is not 0");
        if (i != 0 && level->threshold <= group->levels[i - 1].threshold)
            REFUSE(decoder, "thresholds do not rise");
        for (uint64_t j = 0; j < i; j++) {
            if (bytes_equal(group->levels[j].id, level->id))
                REFUSE(decoder, "two levels of a group have one id");
        }
    }
    group->level_count = (uint32_t)count;
    return true;
}

static bool
read_group(struct decoder *decoder, struct program *program)
{
    struct program_group *group = &program->groups[program->group_count];
    unsigned metric, window, downgrade;
    if (!read_id(decoder, "a tier group's id", &group->id)) return false;
    if (!read_code(decoder, METRIC_SPEND, METRIC_POINTS, "a metric", &metric)) return false;
    group->metric = metric;
    if (metric == METRIC_SPEND) {
        if (!read_money(decoder, "a tier group's money", &group->money)) return false;
        if (!read_basis(decoder, &group->basis)) return false;
    } else {
        uint64_t currency;
        if (program->currency_count == 0)
            REFUSE(decoder, "a tier group counts points, but there is no currency");
        if (!read_number(decoder, 0, program->currency_count - 1, "a tier group's currency",
                         &currency))
            return false;
        group->currency = (uint32_t)currency;
    }
    if (!read_code(decoder, WINDOW_CALENDAR_YEAR, WINDOW_LIFETIME, "a window", &window))
        return false;
    if (!read_code(decoder, DOWNGRADE_NONE, DOWNGRADE_TO_QUALIFIED, "a downgrade", &downgrade))
        return false;
    group->window = window;
    group->downgrade = downgrade;
    if (!read_levels(decoder, group)) return false;
    for (uint32_t i = 0; i < program->group_count; i++) {
        if (bytes_equal(program->groups[i].id, group->id))
            REFUSE(decoder, "two tier groups have one id");
    }
    program->group_count++;
    return true;
}

static bool
read_categories(struct decoder *decoder, struct program_rule *rule)
{
    uint64_t count;
    if (!read_number(decoder, 0, PROGRAM_CATEGORIES_MAX, "the number of categories", &count))
        return false;
    rule->category_count = (uint32_t)count;
    if (count == 0) return true;
    struct bytes *categories = arena_alloc(decoder->arena, count * sizeof *categories);
    if (categories == NULL) REFUSE(decoder, "no memory for the categories of a rule");
    for (uint64_t i = 0; i < count; i++) {
        struct bytes category = reader_prefixed(&decoder->reader);
        if (decoder->reader.failed) REFUSE(decoder, "the program ends in a category");
        if (category.size == 0 || category.size > EVENT_ID_BYTES_MAX)
            REFUSE(decoder, "a category is empty or too long");
        categories[i] = category;
    }
    rule->categories = categories;
    return true;
}

static bool
read_rule(struct decoder *decoder, const struct program *program, struct program_rule *rule)
{
    uint64_t currency, tier_group;
    int64_t priority;
    *rule = (struct program_rule){0};
    if (!read_id(decoder, "a rule's id", &rule->id)) return false;
    if (program->currency_count == 0)
        REFUSE(decoder, "a rule grants points, but there is no currency");
    if (!read_number(decoder, 0, program->currency_count - 1, "a rule's currency", &currency))
        return false;
    if (!read_signed(decoder, INT32_MIN, INT32_MAX, "a priority", &priority)) return false;
    if (!read_money(decoder, "a rule's money", &rule->money)) return false;
    if (!read_rate(decoder, "a rule's rate", &rule->rate)) return false;
    if (!read_categories(decoder, rule)) return false;
    if (!read_basis(decoder, &rule->basis)) return false;
    if (!read_number(decoder, 0, program->group_count, "a rule's tier group", &tier_group))
        return false;
    rule->currency = (uint32_t)currency;
    rule->priority = (int32_t)priority;
    rule->tier_group = (int32_t)tier_group - 1;
    return true;
}

/* Ids are compared with all rules before, for two rules of different priority may not share one
 * either. */
static bool
read_rules(struct decoder *decoder, struct program *program)
{
    uint64_t count;
    if (!read_number(decoder, 0, PROGRAM_RULES_MAX, "the number of rules", &count)) return false;
    if (count == 0) return true;
    struct program_rule *rules = arena_alloc(decoder->arena, count * sizeof *rules);
    if (rules == NULL) REFUSE(decoder, "no memory for the rules");
    for (uint64_t i = 0; i < count; i++) {
        if (!read_rule(decoder, program, &rules[i])) return false;
        for (uint64_t j = 0; j < i; j++) {
            if (bytes_equal(rules[j].id, rules[i].id)) REFUSE(decoder, "two rules have one id");
        }
        if (i == 0) continue;
        const struct program_rule *before = &rules[i - 1];
        bool in_order =
            before->priority > rules[i].priority ||
            (before->priority == rules[i].priority && bytes_compare(before->id, rules[i].id) < 0);
        if (!in_order) REFUSE(decoder, "rules are not in order of priority and id");
    }
    program->rules = rules;
    program->rule_count = (uint32_t)count;
    return true;
}

static bool
read_head(struct decoder *decoder, struct program *program)
{
    unsigned format, unknown_member, arrears, line_combine;
    uint64_t version, future_ms, past_ms;
    if (!read_code(decoder, PROGRAM_FORMAT, PROGRAM_FORMAT, "the program's format", &format))
        return false;
    if (!read_id(decoder, "the rulebook's name", &program->name)) return false;
    if (!read_number(decoder, 1, UINT32_MAX, "the rulebook's version", &version)) return false;
    if (!read_signed(decoder, INSTANT_MIN_MS, INSTANT_MAX_MS, "effective_from",
                     &program->effective_from.ms))
        return false;
    if (!read_zone(decoder, program)) return false;
    if (!read_number(decoder, 0, (uint64_t)ACCEPT_MS_MAX, "accept_future", &future_ms))
        return false;
    if (!read_number(decoder, 0, (uint64_t)ACCEPT_MS_MAX, "accept_past", &past_ms)) return false;
    if (!read_code(decoder, UNKNOWN_AUTO_ENROL, UNKNOWN_REJECT, "unknown_member", &unknown_member))
        return false;
    if (!read_code(decoder, ARREARS_ALLOW, ARREARS_ALLOW, "arrears", &arrears)) return false;
    if (!read_code(decoder, COMBINE_MAX, COMBINE_FIRST, "line_combine", &line_combine))
        return false;
    program->version = (uint32_t)version;
    program->accept_future_ms = (int64_t)future_ms;
    program->accept_past_ms = (int64_t)past_ms;
    program->unknown_member = unknown_member;
    program->arrears = arrears;
    program->line_combine = line_combine;
    return true;
}

bool
program_decode(struct bytes bytes, struct arena *arena, struct program *out_program,
               struct fault *out_fault)
{
    struct decoder decoder = {reader_of(bytes), arena, out_fault};
    struct program program = {0};
    uint64_t count;
    if (bytes.size > PROGRAM_BYTES_MAX)
        REFUSE(&decoder, "the program is larger than %d bytes", PROGRAM_BYTES_MAX);
    if (!read_head(&decoder, &program)) return false;
    if (!read_number(&decoder, 0, PROGRAM_CURRENCIES_MAX, "the number of currencies", &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (!read_currency(&decoder, &program)) return false;
    }
    if (!read_number(&decoder, 0, PROGRAM_GROUPS_MAX, "the number of tier groups", &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (!read_group(&decoder, &program)) return false;
    }
    if (!read_rules(&decoder, &program)) return false;
    if (!reader_done(&decoder.reader)) REFUSE(&decoder, "the program has bytes after its end");
    *out_program = program;
    return true;
}

bool
program_follows(const struct program *next, const struct program *previous, struct fault *out_fault)
{
    if (next->version <= previous->version) {
        return fault_set(out_fault, FAULT_DATA,
                         "version %u does not rise: version %u is activated already", next->version,
                         previous->version);
    }
    if (!bytes_equal(next->zone_name, previous->zone_name)) {
        return fault_set(out_fault, FAULT_DATA,
                         "the zone changes from %.*s to %.*s: a programme keeps its zone",
                         (int)previous->zone_name.size, (const char *)previous->zone_name.data,
                         (int)next->zone_name.size, (const char *)next->zone_name.data);
    }
    for (uint32_t i = 0; i < previous->currency_count; i++) {
        const struct program_currency *before = &previous->currencies[i];
        for (uint32_t j = 0; j < next->currency_count; j++) {
            const struct program_currency *now = &next->currencies[j];
            if (!bytes_equal(before->id, now->id) || before->scale == now->scale) continue;
            return fault_set(out_fault, FAULT_DATA,
                             "the scale of %.*s changes from %u to %u: a currency keeps its scale",
                             (int)now->id.size, (const char *)now->id.data, before->scale,
                             now->scale);
        }
    }
    return true;
}
