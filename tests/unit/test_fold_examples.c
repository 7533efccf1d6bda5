/* The worked examples of semantics §11 that this fold covers: the same numbers, the same figures.
 */
#include <criterion/criterion.h>

#include "engine/core/calendar.h"
#include "tests/unit/fold_rig.h"

static struct rig rig;
static struct program program;

static void
begin(void)
{
    rig_open(&rig);
    program = rig_program();
}

static void
end(void)
{
    rig_checkpoint(&rig);
    rig_verify(&rig);
    rig_close(&rig);
}

TestSuite(fold_examples, .init = begin, .fini = end);

/* Lots live for `amount` units of calendar time, to the end of a bucket. */
static void
set_expiry(int32_t amount, enum calendar_unit unit, enum calendar_unit round_up_to)
{
    program.currencies[0].expiry =
        (struct program_expiry){EXPIRY_PERIOD, amount, unit, round_up_to};
}

/* A new version from `text` on. */
static void
activate_from(uint32_t version, const char *text)
{
    program.version = version;
    program.effective_from = rig_at(text);
    rig_activate(&rig, &program);
}

static enum verdict
buy_at(const char *text, const char *order, int64_t minor)
{
    rig.now_ms = rig_at(text).ms;
    return rig_buy(&rig, "ann", order, minor);
}

Test(fold_examples, spend_order)
{
    rig_start(&rig, &program);
    buy_at("2026-01-01T00:00:00Z", "X", 10000);
    set_expiry(0, CALENDAR_DAY, CALENDAR_MONTH);
    activate_from(2, "2026-01-15T00:00:00Z");
    buy_at("2026-02-01T00:00:00Z", "Y", 10000);
    rig.now_ms = rig_at("2026-02-15T00:00:00Z").ms;
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", 100), VERDICT_ACCEPTED);
    rig_tick(&rig, "2026-03-01T00:00:00Z");
    cr_assert_eq(rig_active(&rig, "ann"), 100);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_POSTINGS), 3, "nothing was left to expire");
}

Test(fold_examples, claw_back_after_a_rule_change)
{
    struct program_rule doubled = program.rules[0];
    doubled.rate = (struct rate){1, 50};
    for (uint32_t rules = 0; rules < 2; rules++) {
        if (rules == 1) {
            rig_close(&rig);
            begin();
        }
        rig_start(&rig, &program);
        buy_at("2026-01-01T00:00:00Z", "O1", 5000);
        program.rules = &doubled;
        program.rule_count = rules;
        activate_from(2, "2026-01-02T00:00:00Z");
        rig.now_ms = rig_at("2026-01-03T00:00:00Z").ms;
        cr_assert_eq(rig_refund(&rig, "ann", "O1", "R1", 5000), VERDICT_ACCEPTED);
        cr_assert_eq(rig_outcome(&rig)->amounts[0].granted.units, 50, "%u rules", rules);
        cr_assert_eq(rig_active(&rig, "ann"), 0);
        cr_assert_eq(rig_arrears(&rig, "ann"), 0);
    }
}

Test(fold_examples, partial_refund_after_spend_after_partial_expiry)
{
    set_expiry(0, CALENDAR_DAY, CALENDAR_MONTH);
    rig_start(&rig, &program);
    buy_at("2026-01-01T00:00:00Z", "O1", 10000);
    set_expiry(1, CALENDAR_MONTH, CALENDAR_MONTH);
    activate_from(2, "2026-01-02T00:00:00Z");
    buy_at("2026-01-05T00:00:00Z", "O2", 6000);
    rig.now_ms = rig_at("2026-01-25T00:00:00Z").ms;
    rig_redeem(&rig, "ann", "S1", 80);
    cr_assert_eq(rig_active(&rig, "ann"), 80);
    rig_tick(&rig, "2026-02-01T00:00:00Z");
    cr_assert_eq(rig_active(&rig, "ann"), 60);
    rig.now_ms = rig_at("2026-02-05T00:00:00Z").ms;
    cr_assert_eq(rig_refund(&rig, "ann", "O2", "R1", 3000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann"), 30);
    /* The spend stands here, so 80 of O1 were used and 20 are gone: the 80 are owed, never the 20.
     */
    rig.now_ms = rig_at("2026-02-10T00:00:00Z").ms;
    cr_assert_eq(rig_refund(&rig, "ann", "O1", "R2", 10000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_outcome(&rig)->amounts[0].granted.units, 80);
    cr_assert_eq(rig_active(&rig, "ann"), 0);
    cr_assert_eq(rig_arrears(&rig, "ann"), 50);
}

/* All of an order's points expired before it is returned: nothing is clawed back (the end of
 * example 3). */
Test(fold_examples, what_expired_is_not_clawed_back)
{
    for (int cold = 0; cold < 2; cold++) {
        if (cold == 1) {
            rig_close(&rig);
            begin();
            rig.cold = true;
        }
        set_expiry(0, CALENDAR_DAY, CALENDAR_MONTH);
        rig_start(&rig, &program);
        buy_at("2026-01-01T00:00:00Z", "O1", 10000);
        rig_tick(&rig, "2026-02-02T00:00:00Z");
        buy_at("2026-02-03T00:00:00Z", "O2", 3000);
        cr_assert_eq(rig_refund(&rig, "ann", "O1", "R1", 10000), VERDICT_ACCEPTED);
        cr_assert_eq(rig_active(&rig, "ann"), 30);
        cr_assert_eq(rig_arrears(&rig, "ann"), 0);
        cr_assert_eq(rig_outcome(&rig)->amount_count, 0);
    }
}

Test(fold_examples, arrears)
{
    rig_start(&rig, &program);
    buy_at("2026-01-01T00:00:00Z", "O1", 7000);
    buy_at("2026-01-02T00:00:00Z", "O2", 5000);
    rig_redeem(&rig, "ann", "S1", 70);
    cr_assert_eq(rig_active(&rig, "ann"), 50);
    rig_refund(&rig, "ann", "O1", "R1", 7000);
    cr_assert_eq(rig_active(&rig, "ann"), 0);
    cr_assert_eq(rig_arrears(&rig, "ann"), 20);
    cr_assert_eq(rig_redeem(&rig, "ann", "S2", 1), VERDICT_ARREARS_OPEN);
    buy_at("2026-01-03T00:00:00Z", "O3", 3000);
    cr_assert_eq(rig_active(&rig, "ann"), 10);
    cr_assert_eq(rig_arrears(&rig, "ann"), 0);
}

static struct program_rule tiered_rule;

static void
set_tiers(int64_t silver, int64_t gold)
{
    tiered_rule = program.rules[0];
    tiered_rule.tier_group = 0;
    program.rules = &tiered_rule;
    program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .upgrade = UPGRADE_IMMEDIATE,
        .window = WINDOW_CALENDAR_YEAR,
        .downgrade = DOWNGRADE_TO_QUALIFIED,
        .levels = {{BYTES_LITERAL("blue"), {0}, {1, 1}},
                   {BYTES_LITERAL("silver"), {silver}, {1, 1}},
                   {BYTES_LITERAL("gold"), {gold}, {2, 1}}},
        .level_count = 3,
    };
    program.group_count = 1;
}

Test(fold_examples, tier_at_the_events_own_time)
{
    set_tiers(1000, 10000);
    rig_start(&rig, &program);
    buy_at("2026-01-01T09:00:00Z", "O1", 1000);
    cr_assert(rig_level_is(&rig, "ann", "silver"));
    buy_at("2026-01-01T10:05:00Z", "O2", 10000);
    cr_assert(rig_level_is(&rig, "ann", "gold"));
    int64_t before = rig_active(&rig, "ann");
    rig.now_ms = rig_at("2026-01-01T10:10:00Z").ms;
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 10000};
    struct event late = {.kind = EVENT_PURCHASE,
                         .member = BYTES_LITERAL("ann"),
                         .occurred_at = rig_at("2026-01-01T10:00:00Z"),
                         .purchase = {BYTES_LITERAL("O3"), RIG_GBP, {0}, {0}, 0, 0, &line, 1}};
    rig_event(&rig, late);
    cr_assert_eq(rig_active(&rig, "ann") - before, 100, "as silver");
    rig_buy(&rig, "ann", "O4", 10000);
    cr_assert_eq(rig_active(&rig, "ann") - before, 300, "and now as gold");
}

Test(fold_examples, month_ends)
{
    static const struct {
        const char *what;
        int32_t amount;
        const char *earned, *last, *gone;
    } rows[] = {
        {"one month from 31 January", 1, "2027-01-31T10:00:00Z", "2027-02-28T23:59:59.999Z",
         "2027-03-01T00:00:00Z"},
        {"twelve months from 29 February", 12, "2028-02-29T10:00:00Z", "2029-02-28T23:59:59.999Z",
         "2029-03-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) {
            rig_close(&rig);
            begin();
        }
        set_expiry(rows[i].amount, CALENDAR_MONTH, CALENDAR_DAY);
        rig_start(&rig, &program);
        buy_at(rows[i].earned, "O1", 5000);
        rig_tick(&rig, rows[i].last);
        cr_assert_eq(rig_active(&rig, "ann"), 50, "%s", rows[i].what);
        rig_tick(&rig, rows[i].gone);
        cr_assert_eq(rig_active(&rig, "ann"), 0, "%s", rows[i].what);
    }
}

Test(fold_examples, whose_midnight)
{
    struct member_view view;
    program.zone_name = BYTES_LITERAL("Asia/Tokyo");
    program.zone.initial_offset_ms = 9 * 3600 * 1000;
    set_expiry(0, CALENDAR_DAY, CALENDAR_MONTH);
    rig_start(&rig, &program);
    buy_at("2026-01-31T15:30:00Z", "O1", 5000);
    cr_assert(rig_view(&rig, "ann", &view));
    cr_assert_eq(view.lots[0].expires_at.ms, rig_at("2026-02-28T15:00:00Z").ms);
}

Test(fold_examples, rounding)
{
    static const struct {
        const char *what;
        int64_t minor, multiplier_numerator, multiplier_denominator, points;
    } rows[] = {
        {"4 × 1.5", 400, 3, 2, 6},
        {"5 × 1.5", 500, 3, 2, 7},
        {"19.99 doubled, one rounding at the end", 1999, 2, 1, 39},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) {
            rig_close(&rig);
            begin();
        }
        set_tiers(1, INT64_MAX);
        program.groups[0].levels[1].multiplier =
            (struct rate){rows[i].multiplier_numerator, rows[i].multiplier_denominator};
        rig_start(&rig, &program);
        buy_at("2026-01-01T00:00:00Z", "O0", 1); /* no point, but silver */
        buy_at("2026-01-02T00:00:00Z", "O1", rows[i].minor);
        cr_assert_eq(rig_active(&rig, "ann"), rows[i].points, "%s", rows[i].what);
    }
}

Test(fold_examples, deltas_in_any_order_with_repeats)
{
    static const char *const orders[][4] = {
        {"a", "b", "a", "b"}, {"b", "a", "a", "b"}, {"b", "b", "b", "a"}};
    for (size_t i = 0; i < 3; i++) {
        char order[8] = {'O', (char)('0' + i), 0};
        int64_t before = i == 0 ? 0 : rig_active(&rig, "ann");
        if (i == 0) rig_start(&rig, &program);
        buy_at("2026-01-01T00:00:00Z", order, 10000);
        for (size_t k = 0; k < 4; k++) {
            int64_t minor = orders[i][k][0] == 'a' ? 1000 : 1500;
            cr_assert_eq(rig_refund(&rig, "ann", order, orders[i][k], minor), VERDICT_ACCEPTED);
        }
        cr_assert_eq(rig_active(&rig, "ann") - before, 75, "order %zu", i);
    }
}

/* Of two lines only the first earns. What names no line goes where the named refund leaves room. */
Test(fold_examples, refunds_by_line_and_of_the_whole_in_any_order)
{
    static const struct {
        const char *what;
        bool whole_first;
    } rows[] = {{"by line, then of the whole", false}, {"of the whole, then by line", true}};
    const struct event_line lines[] = {
        {.line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 1000},
        {.line_id = BYTES_LITERAL("2"), .kind = LINE_SHIPPING, .amount_minor = 1000},
    };
    rig_start(&rig, &program);
    rig.now_ms = rig_at("2026-01-02T00:00:00Z").ms;
    for (size_t i = 0; i < 2; i++) {
        struct bytes order = bytes_of((const uint8_t *)rows[i].what, 4);
        int64_t before = i == 0 ? 0 : rig_active(&rig, "ann");
        struct event buy = {
            .kind = EVENT_PURCHASE,
            .member = BYTES_LITERAL("ann"),
            .purchase = {.order_id = order, .currency = RIG_GBP, .lines = lines, .line_count = 2}};
        cr_assert_eq(rig_event(&rig, buy), VERDICT_ACCEPTED);
        for (size_t k = 0; k < 2; k++) {
            bool whole = (k == 0) == rows[i].whole_first;
            struct event_line back = {.line_id = BYTES_LITERAL("2"), .amount_minor = 1000};
            struct event refund = {.kind = EVENT_REFUND, .member = BYTES_LITERAL("ann")};
            refund.refund =
                (struct refund){.order_id = order,
                                .refund_id = whole ? BYTES_LITERAL("W") : BYTES_LITERAL("L"),
                                .currency = RIG_GBP,
                                .amount_minor = whole ? 600 : 1000,
                                .lines = &back,
                                .line_count = whole ? 0 : 1};
            cr_assert_eq(rig_event(&rig, refund), VERDICT_ACCEPTED);
        }
        cr_assert_eq(rig_active(&rig, "ann") - before, 4, "%s", rows[i].what);
    }
}

/* The better rule says nothing about shipping, so the next one is asked. */
Test(fold_examples, first_passes_over_a_rule_that_masks_the_kind_of_line)
{
    struct program_rule rules[2] = {program.rules[0], program.rules[0]};
    const struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_SHIPPING, .amount_minor = 1000};
    rules[0].priority = 1;
    rules[1].id = BYTES_LITERAL("shipping");
    rules[1].basis.line_kinds = UINT32_C(1) << LINE_SHIPPING;
    program.rules = rules;
    program.rule_count = 2;
    program.line_combine = COMBINE_FIRST;
    rig_start(&rig, &program);
    rig.now_ms = rig_at("2026-01-02T00:00:00Z").ms;
    struct event buy = {
        .kind = EVENT_PURCHASE,
        .member = BYTES_LITERAL("ann"),
        .purchase = {
            .order_id = BYTES_LITERAL("O1"), .currency = RIG_GBP, .lines = &line, .line_count = 1}};
    cr_assert_eq(rig_event(&rig, buy), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann"), 10);
}

Test(fold_examples, regression_credit_spend_credit_then_the_first_instant_passes)
{
    set_expiry(0, CALENDAR_DAY, CALENDAR_MONTH);
    rig_start(&rig, &program);
    buy_at("2026-01-01T00:00:00Z", "O1", 10000);
    rig_redeem(&rig, "ann", "S1", 100);
    set_expiry(1, CALENDAR_YEAR, CALENDAR_NONE);
    activate_from(2, "2026-01-02T00:00:00Z");
    buy_at("2026-01-03T00:00:00Z", "O2", 8000);
    rig_tick(&rig, "2026-02-02T00:00:00Z");
    cr_assert_eq(rig_active(&rig, "ann"), 80);
}
