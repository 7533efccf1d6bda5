#include "tests/unit/fold_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"
#include "tests/unit/property.h"

enum { TEXTS_BYTES = 64 << 20, MEMBERS = 12, LINES_MAX = 5, ORDERS = 40 };

static const struct zone_transition TRANSITIONS[] = {
    {INT64_C(1774746000000), 7200000}, /* 2026-03-29T01:00Z */
    {INT64_C(1792890000000), 3600000}, /* 2026-10-25T01:00Z */
};

static const struct bytes BOOKS[] = {BYTES_LITERAL("books")};

static const struct program_rule RULES[] = {
    {.id = BYTES_LITERAL("books-double"),
     .kind = RULE_RATE,
     .funder = PROGRAM_NONE,
     .pending = {.kind = PENDING_NONE},
     .currency = 0,
     .priority = 10,
     .money = RIG_GBP,
     .rate = {1, 50},
     .filter = {.categories = {BOOKS, 1}, .window = {{INT64_MIN}, {INT64_MAX}}},
     .basis = {BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX | BASIS_WITHOUT_TENDER, 1 << LINE_GOODS},
     .tier_group = 0},
    {.id = BYTES_LITERAL("base"),
     .kind = RULE_RATE,
     .funder = PROGRAM_NONE,
     .pending = {.kind = PENDING_NONE},
     .filter = PROGRAM_FILTER_NONE,
     .currency = 0,
     .money = RIG_GBP,
     .rate = {1, 100},
     .basis = {BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX | BASIS_WITHOUT_TENDER, 1 << LINE_GOODS},
     .tier_group = 0},
    {.id = BYTES_LITERAL("growth"),
     .kind = RULE_RATE,
     .funder = PROGRAM_NONE,
     .pending = {.kind = PENDING_NONE},
     .filter = PROGRAM_FILTER_NONE,
     .currency = 1,
     .money = RIG_GBP,
     .rate = {3, 200},
     .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS | 1 << LINE_SHIPPING},
     .tier_group = -1},
};

/* What the second version has besides: lots that wait for their delivery, bonuses by order, a
 * campaign on toys, a cap, and an award on the balance. */
static const struct bytes TOYS[] = {BYTES_LITERAL("toys")};

static const struct program_rule MORE_RULES[] = {
    {.id = BYTES_LITERAL("books-double"),
     .kind = RULE_RATE,
     .funder = PROGRAM_NONE,
     .pending = {PENDING_DELIVERED, {20, CALENDAR_DAY}, {0}},
     .currency = 0,
     .priority = 10,
     .money = RIG_GBP,
     .rate = {1, 50},
     .filter = {.categories = {BOOKS, 1}, .window = {{INT64_MIN}, {INT64_MAX}}},
     .basis = {BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX | BASIS_WITHOUT_TENDER, 1 << LINE_GOODS},
     .tier_group = 0},
    {.id = BYTES_LITERAL("base"),
     .kind = RULE_RATE,
     .funder = PROGRAM_NONE,
     .pending = {PENDING_AFTER, {3, CALENDAR_DAY}, {0}},
     .filter = PROGRAM_FILTER_NONE,
     .currency = 0,
     .money = RIG_GBP,
     .rate = {1, 100},
     .basis = {BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX | BASIS_WITHOUT_TENDER, 1 << LINE_GOODS},
     .tier_group = 0},
    {.id = BYTES_LITERAL("bonus"),
     .kind = RULE_FLAT,
     .per_order = true,
     .flat = 5,
     .funder = PROGRAM_NONE,
     .pending = {.kind = PENDING_NONE},
     .filter = PROGRAM_FILTER_NONE,
     .currency = 0,
     .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
     .tier_group = -1},
    {.id = BYTES_LITERAL("growth"),
     .kind = RULE_RATE,
     .funder = PROGRAM_NONE,
     .pending = {.kind = PENDING_NONE},
     .filter = PROGRAM_FILTER_NONE,
     .currency = 1,
     .money = RIG_GBP,
     .rate = {3, 200},
     .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS | 1 << LINE_SHIPPING},
     .tier_group = -1},
};

static const struct program_campaign CAMPAIGNS[] = {{
    .id = BYTES_LITERAL("toy-week"),
    .factor = {3, 2},
    .filter = {.categories = {TOYS, 1}, .window = {{INT64_MIN}, {INT64_MAX}}},
    .local_from = {INT64_MIN},
    .local_until = {INT64_MAX},
    .until_minute = 1440,
    .funder = PROGRAM_NONE,
}};

static const struct program_cap CAPS[] = {
    {.id = BYTES_LITERAL("monthly"), .max = 400, .per = PER_MONTH, .gives_back = true},
    {.id = BYTES_LITERAL("rolling"),
     .max = 600,
     .per = PER_ROLLING,
     .rolling_days = 60,
     .gives_back = true},
};

static const struct program_award AWARDS[] = {{
    .id = BYTES_LITERAL("hundred"),
    .kind = AWARD_BALANCE,
    .points = 20,
    .balance = 100,
    .times = {2, PER_MONTH},
    .filter = PROGRAM_FILTER_NONE,
    .tier_group = 0,
    .funder = PROGRAM_NONE,
    .pending = {.kind = PENDING_NONE},
}};

static void
add_more(struct program *program)
{
    program->rules = MORE_RULES;
    program->rule_count = 4;
    program->campaigns = CAMPAIGNS;
    program->campaign_count = 1;
    program->caps = CAPS;
    program->cap_count = 2;
    program->awards = AWARDS;
    program->award_count = 1;
    program->returns.method = CLAW_RECOMPUTE;
    program->returns.arrears = ARREARS_WITHIN_BALANCE;
}

static struct program
stream_program(uint32_t version, int64_t effective_ms)
{
    struct program program = rig_program();
    program.version = version;
    program.effective_from.ms = effective_ms;
    program.zone_name = BYTES_LITERAL("Europe/Berlin");
    program.zone = (struct zone){TRANSITIONS, 2, 3600000};
    program.line_combine = version == 1 ? COMBINE_MAX : COMBINE_SUM;
    program.currencies[0].expiry = (struct program_expiry){
        EXPIRY_PERIOD, version == 1 ? 2 : 45, version == 1 ? CALENDAR_MONTH : CALENDAR_DAY,
        version == 1 ? CALENDAR_DAY : CALENDAR_NONE};
    program.currencies[0].notice_days = version == 1 ? 10 : 5;
    program.currencies[1] = (struct program_currency){
        .id = BYTES_LITERAL("growth"),
        .scale = 1,
        .qualifying = true,
        .rounding = ROUNDING_HALF_EVEN,
        .expiry = {EXPIRY_PERIOD, 1, CALENDAR_YEAR, CALENDAR_MONTH},
    };
    program.currency_count = 2;
    program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("spend"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {BASIS_LESS_DISCOUNT | BASIS_WITHOUT_TAX, 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .upgrade = UPGRADE_IMMEDIATE,
        .window = WINDOW_CALENDAR_YEAR,
        .downgrade = version == 1 ? DOWNGRADE_ONE_STEP : DOWNGRADE_TO_QUALIFIED,
        .levels = {{BYTES_LITERAL("blue"), {0}, {1, 1}},
                   {BYTES_LITERAL("silver"), {50000}, {3, 2}},
                   {BYTES_LITERAL("gold"), {150000}, {2, 1}}},
        .level_count = 3,
    };
    program.groups[1] = (struct program_group){
        .id = BYTES_LITERAL("growth"),
        .metrics = {{.kind = METRIC_POINTS, .currency = 1, .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .upgrade = UPGRADE_IMMEDIATE,
        .window = WINDOW_LIFETIME,
        .downgrade = DOWNGRADE_NONE,
        .levels = {{BYTES_LITERAL("seed"), {0}, {1, 1}}, {BYTES_LITERAL("tree"), {30000}, {1, 1}}},
        .level_count = 2,
    };
    program.group_count = 2;
    program.rules = RULES;
    program.rule_count = 3;
    if (version == 2) add_more(&program);
    return program;
}

static struct bytes
text(struct stream *stream, const char *prefix, unsigned number)
{
    char buffer[64];
    struct bytes copy;
    snprintf(buffer, sizeof buffer, "%s%u", prefix, number);
    CHECK(arena_copy_bytes(&stream->texts, bytes_from_cstr(buffer), &copy));
    return copy;
}

static struct entry
activation(struct stream *stream, uint32_t version, int64_t effective_ms)
{
    struct program program = stream_program(version, effective_ms);
    uint8_t *memory = arena_alloc(&stream->texts, 65536);
    struct writer writer = writer_of(memory, 65536);
    program_encode(&program, &writer);
    return (struct entry){
        .kind = ENTRY_ACTIVATION,
        .activation = {.name = program.name,
                       .version = version,
                       .effective_from = program.effective_from,
                       .yaml = BYTES_LITERAL("name: rig"),
                       .program = writer_span(&writer)},
    };
}

static const struct event_line *
make_lines(struct stream *stream, struct property *random, uint32_t *out_count, int64_t *out_sum)
{
    static const struct bytes categories[] = {BYTES_LITERAL("books"), BYTES_LITERAL("toys"), {0}};
    uint32_t count = 1 + (uint32_t)property_below(random, LINES_MAX);
    struct event_line *lines = arena_alloc(&stream->texts, count * sizeof *lines);
    *out_sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t amount = (int64_t)property_below(random, 20000);
        int64_t discount = property_below(random, 3) == 0
                               ? (int64_t)property_below(random, (uint64_t)amount / 2 + 1)
                               : 0;
        lines[i] = (struct event_line){
            .line_id =
                property_below(random, 4) == 0 ? text(stream, "l", i) : text(stream, "", i + 1),
            .category = categories[property_below(random, 3)],
            .kind = property_below(random, 5) == 0 ? LINE_SHIPPING : LINE_GOODS,
            .quantity_milli = 1000,
            .amount_minor = amount,
            .discount_minor = discount,
            .tax_minor = (amount - discount) / 6,
        };
        *out_sum += amount - discount;
    }
    *out_count = count;
    return lines;
}

static void
make_purchase(struct stream *stream, struct property *random, struct event *event)
{
    int64_t sum;
    event->kind = EVENT_PURCHASE;
    event->purchase.order_id = text(stream, "O", (unsigned)property_below(random, ORDERS));
    event->purchase.currency = property_below(random, 20) == 0 ? RIG_EUR : RIG_GBP;
    event->purchase.lines = make_lines(stream, random, &event->purchase.line_count, &sum);
    if (property_below(random, 4) == 0)
        event->purchase.points_tender_minor = (int64_t)property_below(random, (uint64_t)sum + 1);
}

static void
make_refund(struct stream *stream, struct property *random, struct event *event)
{
    event->kind = EVENT_REFUND;
    event->refund.currency = RIG_GBP;
    event->refund.refund_id = text(stream, "R", (unsigned)property_below(random, 60));
    if (property_below(random, 3) != 0)
        event->refund.order_id = text(stream, "O", (unsigned)property_below(random, ORDERS));
    if (property_below(random, 2) == 0) {
        event->refund.lines =
            make_lines(stream, random, &event->refund.line_count, &event->refund.amount_minor);
    } else {
        event->refund.amount_minor = (int64_t)property_below(random, 15000);
    }
    if (event->refund.order_id.size > 0 && property_below(random, 3) == 0) {
        event->refund.style = REFUND_CUMULATIVE;
        event->refund.refund_id = (struct bytes){0};
    }
}

static const struct bytes points_currency = {(const uint8_t *)"points", 6};

static struct event
make_event(struct stream *stream, struct property *random, int64_t now_ms, unsigned number)
{
    struct event event = {
        .source = BYTES_LITERAL("shop"),
        .id = text(stream, "e", number),
        .occurred_at.ms = now_ms,
        .content_hash = number,
    };
    unsigned member = (unsigned)property_below(random, MEMBERS);
    event.member =
        member == 0 ? BYTES_LITERAL(KEY_GUEST_PREFIX "g") : text(stream, "member-", member);
    if (property_below(random, 6) == 0)
        event.occurred_at.ms -= (int64_t)property_below(random, 400) * CALENDAR_DAY_MS;
    if (property_below(random, 30) == 0)
        event.occurred_at.ms += (int64_t)property_below(random, 600000);
    switch (property_below(random, 10)) {
    case 0: make_refund(stream, random, &event); break;
    case 1:
        event.kind = EVENT_CANCELLATION;
        event.cancellation.order_id = text(stream, "O", (unsigned)property_below(random, ORDERS));
        break;
    case 2:
    case 3:
        event.kind = EVENT_REDEEM;
        event.redeem =
            (struct redeem){.spend_id = text(stream, "S", (unsigned)property_below(random, 200)),
                            .request = {.currencies = &points_currency,
                                        .currency_count = 1,
                                        .what = SPEND_POINTS,
                                        .points = {1 + (int64_t)property_below(random, 300)}}};
        break;
    case 4: event.kind = EVENT_ENROL; break;
    case 5:
        event.kind = EVENT_DELIVERED;
        event.delivered.order_id = text(stream, "O", (unsigned)property_below(random, ORDERS));
        break;
    default: make_purchase(stream, random, &event); break;
    }
    return event;
}

static struct entry
make_entry(struct stream *stream, struct property *random, int64_t now_ms, size_t i)
{
    struct entry entry = {.kind = ENTRY_TICK};
    if (property_below(random, 8) == 0) return entry;
    entry.kind = ENTRY_EVENT;
    entry.event = make_event(stream, random, now_ms, (unsigned)i);
    if (property_below(random, 12) != 0) return entry;
    const struct entry *seen = &stream->entries[property_below(random, i)].entry;
    if (seen->kind != ENTRY_EVENT) return entry;
    entry = *seen;
    if (property_below(random, 3) == 0) entry.event.content_hash++;
    return entry;
}

void
stream_make(struct stream *stream, uint64_t seed, size_t count)
{
    struct property random = {seed, seed};
    struct fault fault;
    int64_t now_ms = rig_at("2026-01-10T12:00:00Z").ms;
    *stream = (struct stream){.count = count + 2};
    CHECK(region_map(TEXTS_BYTES, &stream->texts_region, &fault));
    arena_init(&stream->texts, stream->texts_region.memory, stream->texts_region.size);
    stream->entries = calloc(stream->count, sizeof *stream->entries);
    CHECK(stream->entries != NULL);
    stream->entries[0] = (struct stream_entry){
        now_ms,
        {.kind = ENTRY_GENESIS,
         .genesis = {JOURNAL_FORMAT, LAW_VERSION, "rig journal 0001", BYTES_LITERAL("rig"), 1, 0,
                     TIME_APPEND}},
    };
    stream->entries[1] = (struct stream_entry){now_ms, activation(stream, 1, 0)};
    for (size_t i = 2; i < stream->count; i++) {
        uint64_t pace = property_below(&random, 10);
        if (pace < 7) {
            now_ms += (int64_t)property_below(&random, 3600000);
        } else if (pace < 9) {
            now_ms += (int64_t)property_below(&random, 6) * CALENDAR_DAY_MS;
        } else {
            now_ms += (int64_t)property_below(&random, 20) * CALENDAR_DAY_MS;
        }
        stream->entries[i].append_ms = now_ms;
        stream->entries[i].entry = i == stream->count / 2
                                       ? activation(stream, 2, now_ms - 3 * CALENDAR_DAY_MS)
                                       : make_entry(stream, &random, now_ms, i);
    }
}

void
stream_free(struct stream *stream)
{
    free(stream->entries);
    region_unmap(&stream->texts_region);
}

void
stream_run(const struct stream *stream, struct rig *rig, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        rig->now_ms = stream->entries[i].append_ms;
        CHECK_MSG(rig_entry(rig, &stream->entries[i].entry), "entry %zu: %s", i, rig->fault.text);
    }
}
