/* Tiers (semantics §8), one member: each test tells a short story and what the law makes of it. */
#include <criterion/criterion.h>

#include "engine/core/calendar.h"
#include "tests/unit/fold_rig.h"

static struct rig rig;
static struct program program;
static struct program_group *group;
static unsigned told;

/* Silver from 100.00, gold from 500.00, in a calendar year, down to what is qualified. */
static void
begin(void)
{
    rig_open(&rig);
    told = 0;
    program = rig_program();
    group = &program.groups[0];
    *group = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {.line_kinds = 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .window = WINDOW_CALENDAR_YEAR,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_TO_QUALIFIED,
        .levels = {{BYTES_LITERAL("blue"), {0}, {1, 1}},
                   {BYTES_LITERAL("silver"), {10000}, {1, 1}},
                   {BYTES_LITERAL("gold"), {50000}, {2, 1}}},
        .level_count = 3,
    };
    program.group_count = 1;
}

static void
end(void)
{
    rig_checkpoint(&rig);
    rig_verify(&rig);
    rig_close(&rig);
}

TestSuite(law_tiers, .init = begin, .fini = end);

static void
again(void)
{
    rig_close(&rig);
    begin();
}

/* ---- The words of a story ---- */

static struct event
order_of(const char *occurred, int64_t minor)
{
    static struct event_line line;
    static char ids[64][8];
    char *id = ids[told++ % 64];
    id[0] = 'O';
    id[1] = (char)('0' + told / 10);
    id[2] = (char)('0' + told % 10);
    line = (struct event_line){
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = minor};
    return (struct event){
        .kind = EVENT_PURCHASE,
        .member = BYTES_LITERAL("ann"),
        .occurred_at = rig_at(occurred),
        .purchase = {.order_id = bytes_of((const uint8_t *)id, 3),
                     .currency = RIG_GBP,
                     .lines = &line,
                     .line_count = 1},
    };
}

/* An order that arrives later than it happened. */
static void
late(const char *occurred, const char *arrived, int64_t minor)
{
    rig.now_ms = rig_at(arrived).ms;
    cr_assert_eq(rig_event(&rig, order_of(occurred, minor)), VERDICT_ACCEPTED);
}

static void
spend(const char *at, int64_t minor)
{
    late(at, at, minor);
}

static enum verdict
override(const char *at, const char *tier, const char *until)
{
    rig.now_ms = rig_at(at).ms;
    return rig_event(&rig, (struct event){
                               .kind = EVENT_TIER_OVERRIDE,
                               .member = BYTES_LITERAL("ann"),
                               .tier_override = {.tier = bytes_from_cstr(tier),
                                                 .until.ms = until == NULL ? 0 : rig_at(until).ms,
                                                 .reason = BYTES_LITERAL("a gift"),
                                                 .actor = BYTES_LITERAL("boss")},
                           });
}

static enum verdict
end_override(const char *at)
{
    rig.now_ms = rig_at(at).ms;
    return rig_event(&rig, (struct event){.kind = EVENT_END_TIER_OVERRIDE,
                                          .member = BYTES_LITERAL("ann"),
                                          .end_tier_override = {.reason = BYTES_LITERAL("over"),
                                                                .actor = BYTES_LITERAL("boss")}});
}

static bool
level_at(const char *at, const char *level)
{
    rig_tick(&rig, at);
    return rig_level_is(&rig, "ann", level);
}

static const struct tier_change *
last_change(void)
{
    return &rig_effect(&rig, TOPIC_TIERS, rig_effect_count(&rig, TOPIC_TIERS) - 1)->tier_change;
}

static bool
last_is(enum tier_direction direction, const char *from, const char *to, const char *effective)
{
    const struct tier_change *change = last_change();
    return change->direction == direction && bytes_equal(change->from, bytes_from_cstr(from)) &&
           bytes_equal(change->to, bytes_from_cstr(to)) &&
           change->effective_at.ms == rig_at(effective).ms;
}

/* ---- Windows ---- */

/* 120.00 spent once: silver at once. The review at the end of that window confirms it for the next
 * one, in which nothing is spent. A rolling level looks back from its own review. */
Test(law_tiers, levels_last_to_the_end_of_the_next_window)
{
    static const struct {
        enum window_kind window;
        int32_t rolling;
        const char *spent, *review, *last, *over;
    } rows[] = {
        {WINDOW_CALENDAR_WEEK, 0, "2026-03-04T10:00:00Z", "2026-03-09T00:00:00Z",
         "2026-03-15T23:59:59Z", "2026-03-16T00:00:00Z"},
        {WINDOW_CALENDAR_MONTH, 0, "2026-01-10T10:00:00Z", "2026-02-01T00:00:00Z",
         "2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z"},
        {WINDOW_CALENDAR_QUARTER, 0, "2026-05-10T10:00:00Z", "2026-07-01T00:00:00Z",
         "2026-09-30T23:59:59Z", "2026-10-01T00:00:00Z"},
        {WINDOW_CALENDAR_YEAR, 0, "2026-05-10T10:00:00Z", "2027-01-01T00:00:00Z",
         "2027-12-31T23:59:59Z", "2028-01-01T00:00:00Z"},
        {WINDOW_ANNIVERSARY, 0, "2026-05-10T10:00:00Z", "2027-05-10T00:00:00Z",
         "2028-05-09T23:59:59Z", "2028-05-10T00:00:00Z"},
        {WINDOW_ANNIVERSARY, 0, "2028-02-29T10:00:00Z", "2029-02-28T00:00:00Z",
         "2030-02-27T23:59:59Z", "2030-02-28T00:00:00Z"},
        {WINDOW_ROLLING_DAYS, 30, "2026-02-10T10:00:00Z", "2026-03-12T10:00:00Z",
         "2026-03-12T09:59:59Z", "2026-03-12T10:00:00Z"},
        {WINDOW_ROLLING_MONTHS, 1, "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z",
         "2026-03-28T09:59:59Z", "2026-03-28T10:00:00Z"}, /* (28 January, 28 February] has it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        group->window = rows[i].window;
        group->rolling = rows[i].rolling;
        rig_start(&rig, &program);
        spend(rows[i].spent, 12000);
        cr_assert(rig_level_is(&rig, "ann", "silver"), "row %zu", i);
        cr_assert_eq(last_change()->valid_until.ms, rig_at(rows[i].review).ms, "row %zu", i);
        cr_assert(level_at(rows[i].last, "silver"), "row %zu", i);
        cr_assert(level_at(rows[i].over, "blue"), "row %zu", i);
        cr_assert(last_is(TIER_DOWNGRADED, "silver", "blue", rows[i].over), "row %zu", i);
    }
}

/* Rolling 30 days: 60.00 on 1 March and 60.00 on 20 March make silver on the 20th, valid to 19
 * April; by then only what was spent after 20 March counts. */
Test(law_tiers, a_rolling_level_is_reviewed_after_its_attainment)
{
    group->window = WINDOW_ROLLING_DAYS;
    group->rolling = 30;
    rig_start(&rig, &program);
    spend("2026-03-01T12:00:00Z", 6000);
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    spend("2026-03-20T12:00:00Z", 6000);
    cr_assert(rig_level_is(&rig, "ann", "silver"));
    cr_assert(level_at("2026-04-05T00:00:00Z", "silver"), "the first order has left the window");
    spend("2026-04-10T12:00:00Z", 10000);
    cr_assert(level_at("2026-04-19T12:00:00Z", "silver"));
    cr_assert(last_is(TIER_RENEWED, "silver", "silver", "2026-04-19T12:00:00Z"));
    cr_assert_eq(last_change()->metric_value, 10000, "(20 March 12:00, 19 April 12:00]");
    cr_assert(level_at("2026-05-19T12:00:00Z", "blue"));
}

Test(law_tiers, an_order_at_the_very_edge_of_a_rolling_window)
{
    group->window = WINDOW_ROLLING_DAYS;
    group->rolling = 10;
    rig_start(&rig, &program);
    spend("2026-03-01T00:00:00Z", 6000);
    spend("2026-03-11T00:00:00Z", 6000); /* (1 March 00:00, 11 March 00:00]: the first is out */
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    late("2026-03-01T00:00:01Z", "2026-03-11T00:00:00Z", 4000);
    cr_assert(rig_level_is(&rig, "ann", "silver"));
}

Test(law_tiers, lifetime_is_never_reviewed)
{
    group->window = WINDOW_LIFETIME;
    group->downgrade = DOWNGRADE_NONE;
    rig_start(&rig, &program);
    spend("2026-01-10T10:00:00Z", 6000);
    spend("2026-12-10T10:00:00Z", 6000);
    cr_assert(rig_level_is(&rig, "ann", "silver"));
    cr_assert_eq(last_change()->valid_until.ms, INT64_MAX);
    cr_assert(level_at("2036-01-01T00:00:00Z", "silver"));
}

/* ---- Metrics ---- */

Test(law_tiers, all_metrics_or_any)
{
    for (unsigned any = 0; any < 2; any++) {
        if (any > 0) again();
        group->metrics[0].id = BYTES_LITERAL("spent");
        group->metrics[1] = (struct program_metric){
            .id = BYTES_LITERAL("points"), .kind = METRIC_POINTS, .mission = PROGRAM_NONE};
        group->metric_count = 2;
        group->match_any = any;
        group->levels[1].thresholds[1] = 300;
        group->levels[2].thresholds[1] = 900;
        rig_start(&rig, &program);
        spend("2026-01-10T10:00:00Z", 12000); /* 120.00, 120 points */
        cr_assert(rig_level_is(&rig, "ann", any ? "silver" : "blue"));
        spend("2026-01-11T10:00:00Z", 20000);
        cr_assert(rig_level_is(&rig, "ann", "silver"));
        const struct tier_change *change = last_change();
        cr_assert_eq(change->metric_count, 2);
        cr_assert(bytes_equal(change->metrics[1].metric, BYTES_LITERAL("points")));
        cr_assert_eq(change->metrics[1].threshold, 300);
        spend("2026-01-12T10:00:00Z", 20000); /* 520.00, 520 points */
        cr_assert(rig_level_is(&rig, "ann", any ? "gold" : "silver"));
    }
}

/* What can be spent decides: 250 points that go and 300 that come are 50 more. */
Test(law_tiers, the_balance_metric_has_no_window)
{
    group->metrics[0] = (struct program_metric){.kind = METRIC_BALANCE, .mission = PROGRAM_NONE};
    group->levels[1].thresholds[0] = 100;
    group->levels[2].thresholds[0] = 500;
    rig_start(&rig, &program);
    spend("2026-01-10T10:00:00Z", 9900);
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    spend("2026-01-11T10:00:00Z", 100);
    cr_assert(rig_level_is(&rig, "ann", "silver"), "at the very threshold");
    rig_redeem(&rig, "ann", "S1", 60);
    cr_assert(rig_level_is(&rig, "ann", "silver"), "never lowered before a review");
    cr_assert(level_at("2027-01-01T00:00:00Z", "blue"));
    cr_assert_eq(last_change()->metric_value, 40);
}

/* ---- Upgrades ---- */

Test(law_tiers, an_upgrade_takes_effect_at_its_cause)
{
    rig_start(&rig, &program);
    late("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", 12000);
    cr_assert(last_is(TIER_UPGRADED, "blue", "silver", "2026-03-01T10:00:00Z"));
    late("2026-02-01T10:00:00Z", "2026-03-02T10:00:00Z", 40000);
    cr_assert(last_is(TIER_UPGRADED, "silver", "gold", "2026-03-01T10:00:00Z"),
              "never before the change before it");
}

/* Example 5 and five variations. 100.00 at ×1 or ×2: what the member held at 10:00. */
Test(law_tiers, the_tier_at_the_events_own_time)
{
    static const struct {
        const char *what;
        int64_t first;
        const char *upgraded, *occurred, *arrived;
        int64_t minor, points;
    } rows[] = {
        {"silver at 10:00, gold at 10:05, told at 10:10", 50000, "2026-05-01T10:05:00Z",
         "2026-05-01T10:00:00Z", "2026-05-01T10:10:00Z", 10000, 100},
        {"gold a second before", 50000, "2026-05-01T09:59:59Z", "2026-05-01T10:00:00Z",
         "2026-05-01T10:10:00Z", 10000, 200},
        {"gold at that very instant", 50000, "2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z",
         "2026-05-01T10:10:00Z", 10000, 200},
        {"a millisecond earlier it was silver", 50000, "2026-05-01T10:00:00.001Z",
         "2026-05-01T10:00:00Z", "2026-05-01T10:10:00Z", 10000, 100},
        {"odd money: 99.99 × 2 is 199.98", 50000, "2026-05-01T09:00:00Z", "2026-05-01T10:00:00Z",
         "2026-05-02T10:10:00Z", 9999, 199},
        {"not gold at all: 499.99 before", 49999, "2026-05-01T09:00:00Z", "2026-05-01T10:00:00Z",
         "2026-05-01T10:10:00Z", 10000, 100},
    };
    struct program_rule rule = program.rules[0];
    rule.tier_group = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        program.rules = &rule;
        rig_start(&rig, &program);
        spend(rows[i].upgraded, rows[i].first);
        int64_t before = rig_active(&rig, "ann");
        late(rows[i].occurred, rows[i].arrived, rows[i].minor);
        cr_assert_eq(rig_active(&rig, "ann") - before, rows[i].points, "%s", rows[i].what);
    }
}

Test(law_tiers, upgrades_that_wait_for_the_next_period)
{
    group->upgrade = UPGRADE_NEXT_PERIOD;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 60000);
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    cr_assert(level_at("2026-12-31T23:59:59Z", "blue"));
    cr_assert(level_at("2027-01-01T00:00:00Z", "gold"));
    cr_assert(last_is(TIER_UPGRADED, "blue", "gold", "2027-01-01T00:00:00Z"));
    cr_assert(level_at("2028-01-01T00:00:00Z", "blue"));
}

/* ---- Grace, rollover ---- */

/* Gold in 2026 and, confirmed, in 2027; the review of 1 January 2028 would lower it; the grace ends
 * on 31 January. */
Test(law_tiers, a_downgrade_waits_for_the_grace)
{
    static const struct {
        const char *what;
        int64_t january, february;
        const char *on_30, *on_31, *change;
        enum tier_direction direction;
    } rows[] = {
        {"nothing spent", 0, 0, "gold", "blue", "blue", TIER_DOWNGRADED},
        {"qualified again in time", 50000, 0, "gold", "gold", "gold", TIER_RENEWED},
        {"qualified for silver by then", 10000, 0, "gold", "silver", "silver", TIER_DOWNGRADED},
        {"a penny short", 49999, 0, "gold", "silver", "silver", TIER_DOWNGRADED},
        {"too late", 0, 50000, "gold", "blue", "blue", TIER_DOWNGRADED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        group->grace_days = 30;
        rig_start(&rig, &program);
        spend("2026-05-01T10:00:00Z", 60000);
        rig_tick(&rig, "2028-01-01T00:00:00Z");
        if (rows[i].january > 0) spend("2028-01-20T10:00:00Z", rows[i].january);
        cr_assert(level_at("2028-01-30T23:59:59Z", rows[i].on_30), "%s", rows[i].what);
        cr_assert(level_at("2028-01-31T00:00:00Z", rows[i].on_31), "%s", rows[i].what);
        cr_assert(last_is(rows[i].direction, "gold", rows[i].change, "2028-01-31T00:00:00Z"), "%s",
                  rows[i].what);
        if (rows[i].february > 0) {
            spend("2028-02-01T10:00:00Z", rows[i].february);
            cr_assert(rig_level_is(&rig, "ann", "gold"), "%s", rows[i].what);
        }
    }
}

/* 170.00 in 2026 is silver and 70.00 over; with 30.00 more 2027 is silver again; the 70.00 are used
 * first and never carried again, so 2028 begins with nothing but what 2027 itself had too much. */
Test(law_tiers, the_excess_rolls_over_once)
{
    group->rollover = true;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 17000);
    cr_assert(level_at("2027-01-01T00:00:00Z", "silver"));
    spend("2027-05-01T10:00:00Z", 3000);
    cr_assert(level_at("2028-01-01T00:00:00Z", "silver"), "70.00 + 30.00");
    cr_assert_eq(last_change()->metric_value, 10000);
    spend("2028-05-01T10:00:00Z", 9999);
    cr_assert(level_at("2029-01-01T00:00:00Z", "blue"), "nothing was left to carry");
}

Test(law_tiers, what_was_carried_in_is_used_first)
{
    group->rollover = true;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 17000); /* carries 70.00 */
    rig_tick(&rig, "2027-01-01T00:00:00Z");
    spend("2027-05-01T10:00:00Z", 8000); /* 150.00: 50.00 over, all of it its own */
    cr_assert(level_at("2028-01-01T00:00:00Z", "silver"));
    spend("2028-05-01T10:00:00Z", 5000);
    cr_assert(level_at("2029-01-01T00:00:00Z", "silver"), "50.00 + 50.00");
    cr_assert(level_at("2030-01-01T00:00:00Z", "blue"));
}

/* ---- Corrections ---- */

Test(law_tiers, late_events_correct_the_latest_closed_period_only)
{
    static const struct {
        const char *what, *occurred;
        int64_t minor;
        const char *level;
        bool corrected;
    } rows[] = {
        {"of the closed year, enough for gold", "2026-12-31T23:59:59Z", 40000, "gold", true},
        {"of the closed year, not enough", "2026-12-31T23:59:59Z", 100, "silver", false},
        {"of the current year", "2027-01-01T00:00:00Z", 40000, "silver", false},
        {"of the current year, enough by itself", "2027-01-01T00:00:00Z", 50000, "gold", false},
        {"of an older year", "2025-12-31T23:59:59Z", 90000, "silver", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        program.accept_past_ms = INT64_C(1000) * CALENDAR_DAY_MS;
        rig_start(&rig, &program);
        spend("2026-05-01T10:00:00Z", 12000);
        rig_tick(&rig, "2027-01-05T00:00:00Z");
        late(rows[i].occurred, "2027-01-05T08:00:00Z", rows[i].minor);
        cr_assert(rig_level_is(&rig, "ann", rows[i].level), "%s", rows[i].what);
        cr_assert_eq(last_change()->direction == TIER_CORRECTED, rows[i].corrected, "%s",
                     rows[i].what);
        if (rows[i].corrected)
            cr_assert(last_is(TIER_CORRECTED, "silver", "gold", "2027-01-05T08:00:00Z"), "%s",
                      rows[i].what);
    }
}

Test(law_tiers, a_refund_of_the_closed_period_corrects_downwards)
{
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    spend("2026-06-01T10:00:00Z", 1000);
    cr_assert(level_at("2027-01-05T00:00:00Z", "silver"));
    rig.now_ms = rig_at("2027-01-06T00:00:00Z").ms;
    cr_assert_eq(rig_refund(&rig, "ann", "O01", "R1", 5000), VERDICT_ACCEPTED);
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    cr_assert(last_is(TIER_CORRECTED, "silver", "blue", "2027-01-06T00:00:00Z"));
}

Test(law_tiers, a_correction_does_not_take_what_the_new_period_has_earned)
{
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    rig_tick(&rig, "2027-01-01T00:00:00Z");
    spend("2027-01-03T10:00:00Z", 60000);
    cr_assert(rig_level_is(&rig, "ann", "gold"));
    rig.now_ms = rig_at("2027-01-06T00:00:00Z").ms;
    rig_refund(&rig, "ann", "O01", "R1", 12000);
    cr_assert(rig_level_is(&rig, "ann", "gold"));
    rig_refund(&rig, "ann", "O02", "R2", 60000);
    cr_assert(rig_level_is(&rig, "ann", "gold"), "a refund lowers no tier before its review");
    cr_assert(level_at("2028-01-01T00:00:00Z", "blue"));
}

/* ---- Overrides ---- */

Test(law_tiers, an_override_beats_the_metric_until_its_end)
{
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    cr_assert_eq(override("2026-06-01T10:00:00Z", "blue", "2026-09-01T00:00:00Z"),
                 VERDICT_ACCEPTED);
    cr_assert(last_is(TIER_DOWNGRADED, "silver", "blue", "2026-06-01T10:00:00Z"));
    cr_assert_eq(last_change()->reason, TIER_BY_OVERRIDE);
    cr_assert(bytes_equal(last_change()->actor, BYTES_LITERAL("boss")));
    cr_assert_eq(last_change()->valid_until.ms, rig_at("2026-09-01T00:00:00Z").ms);
    spend("2026-07-01T10:00:00Z", 60000);
    cr_assert(level_at("2026-08-31T23:59:59Z", "blue"));
    cr_assert(level_at("2026-09-01T00:00:00Z", "gold"), "what qualifies");
    cr_assert_eq(last_change()->reason, TIER_BY_OVERRIDE_END);
}

Test(law_tiers, after_an_override_the_last_review_still_counts)
{
    group->downgrade = DOWNGRADE_ONE_STEP;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 60000);
    override("2026-12-01T10:00:00Z", "blue", "2027-03-01T00:00:00Z");
    cr_assert(level_at("2027-02-01T00:00:00Z", "blue"), "the review of 1 January was silent");
    cr_assert(level_at("2027-03-01T00:00:00Z", "gold"), "renewed by 2026, though 2027 has nothing");
    cr_assert(level_at("2028-01-01T00:00:00Z", "silver"));
}

Test(law_tiers, overrides_are_refused_by_name)
{
    rig_start(&rig, &program);
    cr_assert_eq(override("2026-01-01T10:00:00Z", "gold", NULL), VERDICT_UNKNOWN_MEMBER);
    spend("2026-05-01T10:00:00Z", 100);
    cr_assert_eq(override("2026-05-02T10:00:00Z", "platinum", NULL), VERDICT_UNKNOWN_TIER);
    cr_assert_eq(end_override("2026-05-02T10:00:00Z"), VERDICT_NO_OVERRIDE);
    cr_assert_eq(override("2026-05-02T10:00:00Z", "gold", NULL), VERDICT_ACCEPTED);
    cr_assert(level_at("2031-01-01T00:00:00Z", "gold"), "without an end");
    cr_assert_eq(end_override("2031-01-02T10:00:00Z"), VERDICT_ACCEPTED);
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    cr_assert_eq(end_override("2031-01-02T10:00:00Z"), VERDICT_NO_OVERRIDE);
}

/* The clock jumps over all of it: the 120 points of 15 December lie in the 30 days before 5
 * January, and so does what the anniversary paid on the 1st. Whatever the clock says by then. */
Test(law_tiers, what_was_due_long_ago_forgets_nothing_that_comes_behind_it)
{
    static const struct program_award ANNIVERSARY = {.id = BYTES_LITERAL("year"),
                                                     .kind = AWARD_ANNIVERSARY,
                                                     .points = 7,
                                                     .times = {0, PER_LIFETIME},
                                                     .filter = PROGRAM_FILTER_NONE,
                                                     .tier_group = -1,
                                                     .funder = PROGRAM_NONE,
                                                     .pending = {.kind = PENDING_NONE}};
    program.awards = &ANNIVERSARY;
    program.award_count = 1;
    program.accept_past_ms = CALENDAR_DAY_MS;
    group->metrics[0] = (struct program_metric){.kind = METRIC_POINTS, .mission = PROGRAM_NONE};
    group->window = WINDOW_ROLLING_DAYS;
    group->rolling = 30;
    group->levels[1].thresholds[0] = 127;
    group->levels[2].thresholds[0] = 500;
    rig_start(&rig, &program);
    spend("2026-01-01T00:00:00Z", 100);
    spend("2026-12-15T00:00:00Z", 12000);
    cr_assert_eq(override("2026-12-20T00:00:00Z", "gold", "2027-01-05T00:00:00Z"),
                 VERDICT_ACCEPTED);
    rig_tick(&rig, "2028-01-02T00:00:00Z");
    const struct tier_change *ended = &rig_effect(&rig, TOPIC_TIERS, 1)->tier_change;
    cr_assert_eq(ended->reason, TIER_BY_OVERRIDE_END);
    cr_assert_eq(ended->effective_at.ms, rig_at("2027-01-05T00:00:00Z").ms);
    cr_assert_eq(ended->metric_value, 127);
    cr_assert(bytes_equal(ended->to, BYTES_LITERAL("silver")));
}

/* Silver asks for 100.00 spent in the week and 200 points in hand. In the week from 9 March ann has
 * the first, but her 200 points are held; in the next she has them back, but has spent nothing.
 * That they expire soon was due on 11 March, and is told behind the release. */
Test(law_tiers, a_notice_due_long_behind_judges_nobody)
{
    program.currencies[0].expiry =
        (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_MONTH};
    program.currencies[0].notice_days = 23;
    group->window = WINDOW_CALENDAR_WEEK;
    group->metrics[0].id = BYTES_LITERAL("spent");
    group->metrics[1] = (struct program_metric){
        .id = BYTES_LITERAL("balance"), .kind = METRIC_BALANCE, .mission = PROGRAM_NONE};
    group->metric_count = 2;
    group->levels[1].thresholds[1] = 200;
    group->levels[2].thresholds[1] = 900;
    rig_start(&rig, &program);
    spend("2026-03-03T00:00:00Z", 100);
    struct event grant = {.kind = EVENT_GRANT,
                          .member = BYTES_LITERAL("ann"),
                          .grant = {.points.units = 200,
                                    .reason = BYTES_LITERAL("campaign"),
                                    .actor = BYTES_LITERAL("boss")}};
    cr_assert_eq(rig_event(&rig, grant), VERDICT_ACCEPTED);
    rig.now_ms = rig_at("2026-03-04T00:00:00Z").ms;
    struct event hold = {.kind = EVENT_HOLD,
                         .member = BYTES_LITERAL("ann"),
                         .hold = {.hold_id = BYTES_LITERAL("H1"),
                                  .request = {.what = SPEND_POINTS, .points = {201}},
                                  .timeout_ms = 14 * CALENDAR_DAY_MS}};
    cr_assert_eq(rig_event(&rig, hold), VERDICT_ACCEPTED);
    spend("2026-03-10T00:00:00Z", 12000);
    cr_assert(level_at("2026-03-17T23:59:59Z", "blue"));
    rig_tick(&rig, "2026-03-18T00:00:00Z");
    cr_assert_eq(rig_active(&rig, "ann"), 321);
    bool told_late = false;
    for (size_t i = 0; i < rig_effect_count(&rig, TOPIC_NOTICES); i++) {
        const struct notice *notice = &rig_effect(&rig, TOPIC_NOTICES, i)->notice;
        told_late = told_late || (notice->kind == NOTICE_EXPIRING_SOON &&
                                  notice->effective_at.ms == rig_at("2026-03-11T00:00:00Z").ms);
    }
    cr_assert(told_late);
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), 0);
}

/* ---- Notices, new rulebooks ---- */

static const struct notice *
at_risk(void)
{
    for (size_t i = rig_effect_count(&rig, TOPIC_NOTICES); i > 0; i--) {
        const struct notice *notice = &rig_effect(&rig, TOPIC_NOTICES, i - 1)->notice;
        if (notice->kind == NOTICE_TIER_AT_RISK) return notice;
    }
    return NULL;
}

Test(law_tiers, at_risk_thirty_days_before_a_review)
{
    group->at_risk_days = 30;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    rig_tick(&rig, "2026-12-31T00:00:00Z");
    cr_assert_null(at_risk(), "met in this year");
    spend("2027-05-01T10:00:00Z", 4000);
    rig_tick(&rig, "2027-12-01T23:59:59Z");
    cr_assert_null(at_risk());
    rig_tick(&rig, "2027-12-02T00:00:00Z");
    const struct notice *notice = at_risk();
    cr_assert_not_null(notice);
    cr_assert_eq(notice->effective_at.ms, rig_at("2027-12-02T00:00:00Z").ms);
    cr_assert_eq(notice->tier_at_risk.review_at.ms, rig_at("2028-01-01T00:00:00Z").ms);
    cr_assert_eq(notice->tier_at_risk.metrics[0].value, 4000);
    cr_assert_eq(notice->tier_at_risk.metrics[0].threshold, 10000);
    size_t notices = rig_effect_count(&rig, TOPIC_NOTICES);
    rig_tick(&rig, "2027-12-31T00:00:00Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), notices, "one a review");
}

/* Silver of one week is confirmed at the start of the next, in which nothing is spent yet. */
Test(law_tiers, at_risk_not_before_the_period_begins)
{
    group->at_risk_days = 30;
    group->window = WINDOW_CALENDAR_WEEK;
    rig_start(&rig, &program);
    spend("2026-03-04T10:00:00Z", 12000);
    rig_tick(&rig, "2026-03-08T23:59:59Z");
    cr_assert_null(at_risk());
    rig_tick(&rig, "2026-03-09T00:00:00Z");
    cr_assert_not_null(at_risk());
    cr_assert_eq(at_risk()->effective_at.ms, rig_at("2026-03-09T00:00:00Z").ms);
    cr_assert_eq(at_risk()->tier_at_risk.review_at.ms, rig_at("2026-03-16T00:00:00Z").ms);
}

static void
activate_from(uint32_t version, const char *from)
{
    program.version = version;
    program.effective_from = rig_at(from);
    rig_activate(&rig, &program);
}

Test(law_tiers, a_new_rulebook_judges_once)
{
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    rig.now_ms = rig_at("2026-05-10T00:00:00Z").ms;
    group->levels[2].thresholds[0] = 12000;
    activate_from(2, "2026-06-01T00:00:00Z");
    cr_assert(level_at("2026-05-31T23:59:59Z", "silver"));
    cr_assert(level_at("2026-06-01T00:00:00Z", "gold"));
    cr_assert(last_is(TIER_UPGRADED, "silver", "gold", "2026-06-01T00:00:00Z"));
    cr_assert_eq(last_change()->reason, TIER_BY_RULEBOOK);
    rig.now_ms = rig_at("2026-06-10T00:00:00Z").ms;
    group->levels[2].thresholds[0] = 90000;
    activate_from(3, "2026-06-01T00:00:00Z");
    cr_assert(level_at("2026-12-31T00:00:00Z", "gold"), "downgrades wait for the review");
    cr_assert(level_at("2027-01-01T00:00:00Z", "silver"));
}

/* The i-th announcement of a rulebook; NULL at the end. */
static const struct notice *
announcement(size_t wanted)
{
    for (size_t i = 0; i < rig_effect_count(&rig, TOPIC_NOTICES); i++) {
        const struct notice *notice = &rig_effect(&rig, TOPIC_NOTICES, i)->notice;
        if (notice->kind == NOTICE_TIERS_REEVALUATED && wanted-- == 0) return notice;
    }
    return NULL;
}

static void
announces(size_t i, uint32_t version, const char *effective, const char *journal)
{
    const struct notice *notice = announcement(i);
    cr_assert_not_null(notice, "version %u", version);
    cr_assert_eq(notice->tiers_reevaluated.version, version);
    cr_assert(bytes_equal(notice->tiers_reevaluated.rulebook, BYTES_LITERAL("rig")));
    cr_assert_eq(notice->effective_at.ms, rig_at(effective).ms);
    cr_assert_eq(notice->journal_time.ms, rig_at(journal).ms);
    cr_assert_eq(notice->member.size, 0, "it is about nobody");
    cr_assert_eq(notice->cause.id.size, 0, "time did it");
}

/* Version 1 finds nobody, version 2 waits for June, version 3 is in effect as it is activated. */
Test(law_tiers, a_new_rulebook_is_announced_once)
{
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    rig.now_ms = rig_at("2026-05-10T00:00:00Z").ms;
    activate_from(2, "2026-06-01T00:00:00Z");
    activate_from(3, "2026-05-02T00:00:00Z");
    announces(0, 3, "2026-05-10T00:00:00Z", "2026-05-10T00:00:00Z");
    cr_assert_null(announcement(1));
    rig_checkpoint(&rig);
    rig_restart(&rig);
    spend("2026-06-03T00:00:00Z", 1);
    announces(1, 2, "2026-06-01T00:00:00Z", "2026-06-03T00:00:00Z");
    rig_checkpoint(&rig);
    rig_restart(&rig);
    rig_tick(&rig, "2026-07-01T00:00:00Z");
    cr_assert_null(announcement(2));
}

Test(law_tiers, without_tiers_there_is_nothing_to_announce)
{
    program.group_count = 0;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    activate_from(2, "2026-05-01T00:00:00Z");
    cr_assert_null(announcement(0));
    program.group_count = 1;
    activate_from(3, "2026-05-01T00:00:00Z");
    announces(0, 3, "2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z");
    program.group_count = 0;
    activate_from(4, "2026-05-01T00:00:00Z");
    announces(1, 4, "2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z");
}

Test(law_tiers, a_level_that_is_removed_maps_to_the_next_lower)
{
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 60000);
    rig.now_ms = rig_at("2026-05-10T00:00:00Z").ms;
    group->level_count = 2;
    activate_from(2, "2026-05-10T00:00:00Z");
    cr_assert(level_at("2026-05-10T00:00:00Z", "silver"));
    cr_assert(last_is(TIER_DOWNGRADED, "gold", "silver", "2026-05-10T00:00:00Z"));
    cr_assert_eq(last_change()->reason, TIER_BY_RULEBOOK);
}

/* The override ends while no version has the group, so that nobody is told of it. */
Test(law_tiers, a_removed_level_is_an_upgrade_where_an_override_had_said_less)
{
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 60000);
    override("2026-05-02T10:00:00Z", "blue", "2026-05-20T00:00:00Z");
    rig.now_ms = rig_at("2026-05-10T00:00:00Z").ms;
    program.group_count = 0;
    activate_from(2, "2026-05-10T00:00:00Z");
    rig_tick(&rig, "2026-05-21T00:00:00Z");
    program.group_count = 1;
    group->level_count = 2;
    activate_from(3, "2026-05-21T00:00:00Z");
    cr_assert(level_at("2026-05-21T00:00:00Z", "silver"));
    cr_assert(last_is(TIER_UPGRADED, "blue", "silver", "2026-05-21T00:00:00Z"));
    cr_assert_eq(last_change()->reason, TIER_BY_RULEBOOK);
}

/* The member's own event comes before the cursor has passed: the rulebook comes first. */
Test(law_tiers, a_new_rulebook_judges_before_the_members_next_event)
{
    struct program_rule rule = program.rules[0];
    rule.tier_group = 0;
    program.rules = &rule;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    rig.now_ms = rig_at("2026-05-10T00:00:00Z").ms;
    group->levels[2].thresholds[0] = 12000;
    activate_from(2, "2026-06-01T00:00:00Z");
    int64_t before = rig_active(&rig, "ann");
    spend("2026-06-01T00:00:00Z", 1000);
    cr_assert_eq(rig_active(&rig, "ann") - before, 20, "gold doubles from that very instant");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), 2);
    rig_tick(&rig, "2026-06-02T00:00:00Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), 2, "once");
}

/* Version 3 was activated last and takes effect first. As version 2 takes effect everybody is
 * judged again, by version 3, which is the later one: upgrades wait for the period, but not for
 * that. */
Test(law_tiers, a_version_takes_effect_behind_one_activated_later)
{
    group->upgrade = UPGRADE_NEXT_PERIOD;
    rig_start(&rig, &program);
    spend("2026-05-01T10:00:00Z", 12000);
    rig.now_ms = rig_at("2026-05-10T00:00:00Z").ms;
    activate_from(2, "2026-06-01T00:00:00Z");
    activate_from(3, "2026-05-15T00:00:00Z");
    cr_assert(level_at("2026-05-14T23:59:59Z", "blue"));
    cr_assert(level_at("2026-05-15T00:00:00Z", "silver"));
    spend("2026-05-20T10:00:00Z", 40000);
    rig_checkpoint(&rig);
    rig_restart(&rig);
    cr_assert(level_at("2026-05-31T23:59:59Z", "silver"));
    cr_assert(level_at("2026-06-01T00:00:00Z", "gold"));
    cr_assert(last_is(TIER_UPGRADED, "silver", "gold", "2026-06-01T00:00:00Z"));
    cr_assert_eq(last_change()->reason, TIER_BY_RULEBOOK);
    cr_assert_eq(last_change()->rule_version, 3);
}

/* Example 8 and variations: what expires and what activates at one instant is judged together. */
Test(law_tiers, one_evaluation_an_instant)
{
    static const struct {
        const char *what;
        int64_t expiring, pending;
        int64_t after;
        const char *level;
    } rows[] = {
        {"250 go, 300 come", 25000, 30000, 300, "blue"},
        {"1 goes, 499 come", 100, 49900, 499, "blue"},
        {"250 go, 500 come", 25000, 50000, 500, "gold"},
        {"499 go, 499 come", 49900, 49900, 499, "blue"},
        {"nothing goes, 500 come", 0, 50000, 500, "gold"},
        {"400 go, 1 comes", 40000, 100, 1, "blue"},
    };
    struct program_rule rules[2] = {program.rules[0], program.rules[0]};
    rules[0].pending =
        (struct program_pending){.kind = PENDING_UNTIL, .until = rig_at("2026-02-01T00:00:00Z")};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        program.currencies[0].expiry = (struct program_expiry){.kind = EXPIRY_PERIOD,
                                                               .amount = 0,
                                                               .unit = CALENDAR_MONTH,
                                                               .round_up_to = CALENDAR_MONTH};
        group->metrics[0] =
            (struct program_metric){.kind = METRIC_BALANCE, .mission = PROGRAM_NONE};
        group->levels[1].thresholds[0] = group->levels[2].thresholds[0] = 500;
        group->levels[1] = group->levels[2];
        group->level_count = 2;
        program.rules = &rules[1];
        rig_start(&rig, &program);
        if (rows[i].expiring > 0) spend("2026-01-05T00:00:00Z", rows[i].expiring);
        rig.now_ms = rig_at("2026-01-06T00:00:00Z").ms;
        program.rules = &rules[0];
        activate_from(2, "2026-01-06T00:00:00Z");
        spend("2026-01-10T00:00:00Z", rows[i].pending);
        rig_tick(&rig, "2026-02-01T00:00:00Z");
        cr_assert_eq(rig_active(&rig, "ann"), rows[i].after, "%s", rows[i].what);
        bool gold = rows[i].after >= 500;
        cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), gold ? 1 : 0, "%s", rows[i].what);
        cr_assert(rig_level_is(&rig, "ann", rows[i].level), "%s", rows[i].what);
    }
}
