#include "tests/unit/fold_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"

enum {
    SLAB_BYTES = 256 << 20,
    TEXTS_BYTES = 512 << 20,
    VIEW_BYTES = 64 << 20,
    PROGRAM_BYTES = 1 << 20
};

static const uint8_t JOURNAL_ID[JOURNAL_ID_BYTES] = "rig journal 0001";

struct instant
rig_at(const char *text)
{
    struct instant instant;
    CHECK_MSG(instant_parse(bytes_from_cstr(text), &instant) == INSTANT_OK, "%s", text);
    return instant;
}

struct program
rig_program(void)
{
    static const struct program_rule rules[] = {{
        .id = BYTES_LITERAL("base"),
        .money = RIG_GBP,
        .rate = {1, 100},
        .basis = {.flags = BASIS_LESS_DISCOUNT, .line_kinds = 1 << LINE_GOODS},
        .kind = RULE_RATE,
        .filter = PROGRAM_FILTER_NONE,
        .tier_group = -1,
        .funder = PROGRAM_NONE,
        .pending = {.kind = PENDING_NONE},
    }};
    return (struct program){
        .name = BYTES_LITERAL("rig"),
        .version = 1,
        .zone_name = BYTES_LITERAL("UTC"),
        .accept_future_ms = 5 * 60 * 1000,
        .accept_past_ms = INT64_C(366) * CALENDAR_DAY_MS,
        .unknown_member = UNKNOWN_AUTO_ENROL,
        .line_combine = COMBINE_MAX,
        .order_combine = COMBINE_MAX,
        .stacking = STACKING_ADD,
        .currencies = {{.id = BYTES_LITERAL("points"),
                        .rounding = ROUNDING_FLOOR,
                        .expiry = {.kind = EXPIRY_NONE}}},
        .currency_count = 1,
        .rules = rules,
        .rule_count = 1,
        .spending = {.hold_timeout_ms = INT64_C(15) * 60 * 1000},
        .returns = {.method = CLAW_ITEM, .arrears = ARREARS_ALLOW, .wait_days = 30},
        .quarantine_days = 30,
        .approval_days = 7,
        .approval_above = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
                           INT64_MAX, INT64_MAX},
    };
}

static void
map(size_t size, struct region *out_region)
{
    struct fault fault;
    CHECK_MSG(region_map(size, out_region, &fault), "%s", fault.text);
}

static void
open_state(struct rig *rig)
{
    struct state_options options = {.expected_members = 64, .expected_identities = 64};
    CHECK_MSG(state_open(&rig->slab, &options, &rig->state, &rig->fault), "%s", rig->fault.text);
}

void
rig_open(struct rig *rig)
{
    *rig = (struct rig){.slice = 1000, .now_ms = rig_at("2026-01-01T00:00:00Z").ms};
    map(SLAB_BYTES, &rig->slab_region);
    map(EFFECTS_CAPACITY * sizeof(struct effect), &rig->effects_region);
    map(TEXTS_BYTES, &rig->texts_region);
    map(VIEW_BYTES, &rig->view_region);
    slab_init(&rig->slab, rig->slab_region.memory, rig->slab_region.size);
    arena_init(&rig->texts, rig->texts_region.memory, rig->texts_region.size);
    arena_init(&rig->view, rig->view_region.memory, rig->view_region.size);
    rig->effects = (struct effects){rig->effects_region.memory, 0, EFFECTS_CAPACITY, &rig->texts};
    open_state(rig);
}

void
rig_close(struct rig *rig)
{
    state_close(rig->state);
    CHECK(slab_used_bytes(&rig->slab) == 0); /* a state gives back everything it took */
    memory_store_fini(&rig->store);
    region_unmap(&rig->slab_region);
    region_unmap(&rig->effects_region);
    region_unmap(&rig->texts_region);
    region_unmap(&rig->view_region);
    free(rig->log);
}

static void
drain(struct rig *rig)
{
    for (size_t i = 0; i < rig->effects.count; i++) {
        if (rig->log_count == rig->log_capacity) {
            rig->log_capacity = rig->log_capacity == 0 ? 256 : 2 * rig->log_capacity;
            rig->log = realloc(rig->log, rig->log_capacity * sizeof rig->log[0]);
            CHECK(rig->log != NULL);
        }
        rig->log[rig->log_count++] = rig->effects.items[i];
    }
    rig->effects.count = 0;
}

static void
fetch(struct rig *rig)
{
    CHECK_MSG(memory_store_fetch(&rig->store, rig->state, &rig->needs, &rig->fault), "%s",
              rig->fault.text);
    rig->needs.count = 0;
}

void
rig_load(struct rig *rig, const struct entry *entry)
{
    rig->needs.count = 0;
    for (;;) {
        fold_needs(rig->state, entry, rig->now_ms, &rig->needs);
        if (rig->needs.count == 0) return;
        fetch(rig);
    }
}

bool
rig_apply(struct rig *rig, const struct entry *entry)
{
    struct position position = {.offset = rig->offset};
    struct entry ahead = *entry;
    fold_prefetch(rig->state, &ahead, 1);
    if (!fold_apply(rig->state, &ahead, position, rig->now_ms, &rig->effects, &rig->fault))
        return false;
    drain(rig);
    for (enum due_result result = DUE_MORE; result != DUE_DONE;) {
        result = fold_due(rig->state, rig->slice, &rig->effects, &rig->needs);
        if (result == DUE_NEEDS) fetch(rig);
        drain(rig);
    }
    state_record_done(rig->state, rig->offset++, 0);
    return true;
}

bool
rig_entry(struct rig *rig, const struct entry *entry)
{
    if (rig->cold) {
        rig_checkpoint(rig);
        state_evict(rig->state, SIZE_MAX);
    }
    CHECK(state_reserve(rig->state, 1, &rig->fault));
    rig_load(rig, entry);
    return rig_apply(rig, entry);
}

void
rig_activate(struct rig *rig, const struct program *program)
{
    static uint8_t bytes[PROGRAM_BYTES];
    struct writer writer = writer_of(bytes, sizeof bytes);
    program_encode(program, &writer);
    struct entry entry = {
        .kind = ENTRY_ACTIVATION,
        .activation = {.name = program->name,
                       .version = program->version,
                       .effective_from = program->effective_from,
                       .yaml = BYTES_LITERAL("# as written"),
                       .program = writer_span(&writer)},
    };
    CHECK_MSG(rig_entry(rig, &entry), "%s", rig->fault.text);
}

void
rig_start(struct rig *rig, const struct program *program)
{
    struct entry entry = {
        .kind = ENTRY_GENESIS,
        .genesis = {.format = JOURNAL_FORMAT,
                    .law = LAW_VERSION,
                    .programme = BYTES_LITERAL("rig"),
                    .partition_count = 1,
                    .time_kind = TIME_APPEND},
    };
    memcpy(entry.genesis.journal_id, JOURNAL_ID, JOURNAL_ID_BYTES);
    CHECK_MSG(rig_entry(rig, &entry), "%s", rig->fault.text);
    if (program != NULL) rig_activate(rig, program);
}

void
rig_tick(struct rig *rig, const char *text)
{
    int64_t next_ms;
    rig->now_ms = rig_at(text).ms;
    do {
        struct entry entry = {.kind = ENTRY_TICK};
        CHECK_MSG(rig_entry(rig, &entry), "%s", rig->fault.text);
    } while (state_due_by(rig->state, rig->now_ms, &next_ms));
}

void
rig_checkpoint(struct rig *rig)
{
    state_checkpoint_begin(rig->state);
    memory_store_take(&rig->store, rig->state);
    state_checkpoint_end(rig->state);
}

void
rig_restart(struct rig *rig)
{
    struct state_info info;
    state_close(rig->state);
    open_state(rig);
    CHECK_MSG(memory_store_restore(&rig->store, rig->state, &rig->fault), "%s", rig->fault.text);
    state_info(rig->state, &info);
    rig->offset = info.next_offset;
}

enum verdict
rig_event(struct rig *rig, struct event event)
{
    char id[32];
    struct entry entry = {.kind = ENTRY_EVENT, .event = event};
    snprintf(id, sizeof id, "e%llu", (unsigned long long)++rig->events);
    if (event.source.size == 0) entry.event.source = BYTES_LITERAL("shop");
    if (event.id.size == 0) entry.event.id = bytes_from_cstr(id);
    if (event.occurred_at.ms == 0) entry.event.occurred_at.ms = rig->now_ms;
    CHECK_MSG(rig_entry(rig, &entry), "%s", rig->fault.text);
    return rig_outcome(rig)->verdict;
}

enum verdict
rig_buy(struct rig *rig, const char *member, const char *order, int64_t minor)
{
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"),
        .kind = LINE_GOODS,
        .quantity_milli = 1000,
        .amount_minor = minor,
    };
    return rig_event(rig, (struct event){
                              .kind = EVENT_PURCHASE,
                              .member = bytes_from_cstr(member),
                              .purchase = {.order_id = bytes_from_cstr(order),
                                           .currency = RIG_GBP,
                                           .lines = &line,
                                           .line_count = 1},
                          });
}

enum verdict
rig_redeem(struct rig *rig, const char *member, const char *id, int64_t points)
{
    static const struct bytes currency = {(const uint8_t *)"points", 6};
    return rig_event(rig, (struct event){
                              .kind = EVENT_REDEEM,
                              .member = bytes_from_cstr(member),
                              .redeem = {.spend_id = bytes_from_cstr(id),
                                         .request = {.currencies = &currency,
                                                     .currency_count = 1,
                                                     .what = SPEND_POINTS,
                                                     .points = {points}}},
                          });
}

enum verdict
rig_refund(struct rig *rig, const char *member, const char *order, const char *id, int64_t minor)
{
    return rig_event(rig, (struct event){
                              .kind = EVENT_REFUND,
                              .member = bytes_from_cstr(member),
                              .refund = {.order_id = bytes_from_cstr(order),
                                         .refund_id = bytes_from_cstr(id),
                                         .currency = RIG_GBP,
                                         .amount_minor = minor},
                          });
}

enum verdict
rig_cancel(struct rig *rig, const char *member, const char *order)
{
    return rig_event(rig, (struct event){
                              .kind = EVENT_CANCELLATION,
                              .member = bytes_from_cstr(member),
                              .cancellation = {.order_id = bytes_from_cstr(order)},
                          });
}

bool
rig_view(struct rig *rig, const char *member, struct member_view *out_view)
{
    arena_reset_to(&rig->view, 0);
    for (;;) {
        rig->needs.count = 0;
        switch (
            member_lookup(rig->state, bytes_from_cstr(member), &rig->view, out_view, &rig->needs)) {
        case LOOKUP_FOUND: return true;
        case LOOKUP_UNKNOWN: return false;
        case LOOKUP_NEEDS: fetch(rig);
        }
    }
}

int64_t
rig_active(struct rig *rig, const char *member)
{
    struct member_view view;
    CHECK(rig_view(rig, member, &view));
    return view.wallet_count == 0 ? 0 : view.wallets[0].active.units;
}

int64_t
rig_arrears(struct rig *rig, const char *member)
{
    struct member_view view;
    CHECK(rig_view(rig, member, &view));
    return view.wallet_count == 0 ? 0 : view.wallets[0].arrears.units;
}

bool
rig_level_is(struct rig *rig, const char *member, const char *level)
{
    struct member_view view;
    CHECK(rig_view(rig, member, &view) && view.tier_count > 0);
    return bytes_equal(view.tiers[0].level, bytes_from_cstr(level));
}

const struct outcome *
rig_outcome(const struct rig *rig)
{
    for (size_t i = rig->log_count; i > 0; i--) {
        if (rig->log[i - 1].topic == TOPIC_OUTCOMES) return &rig->log[i - 1].outcome;
    }
    UNREACHABLE();
}

const struct effect *
rig_effect(const struct rig *rig, enum topic topic, size_t index)
{
    for (size_t i = 0; i < rig->log_count; i++) {
        if (rig->log[i].topic == topic && index-- == 0) return &rig->log[i];
    }
    return NULL;
}

size_t
rig_effect_count(const struct rig *rig, enum topic topic)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->log_count; i++)
        count += rig->log[i].topic == topic;
    return count;
}

struct hash128
rig_digest(const struct rig *rig)
{
    struct state_info info;
    state_info(rig->state, &info);
    return info.digest;
}

void
rig_verify(struct rig *rig)
{
    struct state_info info;
    state_info(rig->state, &info);
    struct hash128 rows = memory_store_digest(&rig->store, info.genesis.journal_id);
    CHECK(hash128_equal(hash128_add(rows, state_meta_digest(rig->state)), rig_digest(rig)));
    struct totals totals[8];
    size_t count = state_totals(rig->state, totals, 8);
    for (size_t i = 0; i < count; i++) {
        const struct totals *t = &totals[i];
        /* Each fits, their sum on the way may not. */
        __int128 parts = (__int128)t->pending + t->active + t->held + t->lapsing - t->arrears +
                         t->clearing + t->redeemed + t->expired + t->reversed + t->forfeited +
                         t->adjusted;
        CHECK(t->issued == parts);
    }
}
