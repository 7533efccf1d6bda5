/* What a member's row keeps stays bounded: what no event can ask for any more is forgotten, and not
 * a millisecond earlier (semantics §2: events are accepted for 366 days). */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/calendar.h"
#include "engine/core/fact.h"
#include "engine/core/state_priv.h"
#include "tests/unit/law_rig.h"

static struct law law;

static void
begin(void)
{
    law_open(&law);
    law_at(&law, "2026-01-01T12:00:00Z");
}

static void
end(void)
{
    law_close(&law);
}

TestSuite(law_forgotten, .init = begin, .fini = end);

static const struct member *
find_ann(void)
{
    bool known;
    struct member *ann =
        members_find(&law.rig.state->members, BYTES_LITERAL("ann"), &law.rig.needs, &known);
    cr_assert_not_null(ann);
    return ann;
}

static uint32_t
kept(enum fact_kind kind)
{
    return facts_of_kind(find_ann(), kind).count;
}

static int64_t
buy(int64_t minor)
{
    static char id[32];
    snprintf(id, sizeof id, "O%llu", (unsigned long long)law.rig.events);
    cr_assert_eq(law_buy(&law, "ann", id, minor), VERDICT_ACCEPTED);
    return law_paid(&law);
}

static int64_t
buy_before(int64_t ms, int64_t minor)
{
    static struct event_line line;
    line = (struct event_line){
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = minor};
    static char id[32];
    snprintf(id, sizeof id, "L%llu", (unsigned long long)law.rig.events);
    struct event event = {
        .kind = EVENT_PURCHASE,
        .member = BYTES_LITERAL("ann"),
        .occurred_at = {law.rig.now_ms - ms},
        .purchase = {
            .order_id = bytes_from_cstr(id), .currency = RIG_GBP, .lines = &line, .line_count = 1}};
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED);
    return law_paid(&law);
}

/* An order of 10.00 each day, of which 6 points are granted: after two years a year and a day are
 * kept, with both days at its ends. */
Test(law_forgotten, buckets_of_a_cap)
{
    law_cap(&law, "daily", 6, PER_DAY);
    law_start(&law);
    for (int day = 0; day < 800; day++) {
        cr_assert_eq(buy(1000), 6);
        law.rig.now_ms += CALENDAR_DAY_MS;
        cr_assert(kept(FACT_CAP_USE) <= 367, "%u after day %d", kept(FACT_CAP_USE), day);
    }
    cr_assert_eq(kept(FACT_CAP_USE), 367);
    law.rig.now_ms -= CALENDAR_DAY_MS;
    cr_assert_eq(buy_before(INT64_C(366) * CALENDAR_DAY_MS, 1000), 0, "that day is used up still");
    cr_assert_eq(law_asked(&law), 10);
}

/* In 30 days 100 points: what is older than 396 days nobody can look back to. */
Test(law_forgotten, uses_of_a_rolling_cap)
{
    law_cap(&law, "rolling", 100, PER_ROLLING)->rolling_days = 30;
    law_start(&law);
    for (int day = 0; day < 800; day++) {
        buy(100);
        law.rig.now_ms += CALENDAR_DAY_MS;
        cr_assert(kept(FACT_CAP_USE) <= 396, "%u after day %d", kept(FACT_CAP_USE), day);
    }
    cr_assert_eq(kept(FACT_CAP_USE), 396);
    /* The oldest moment that is accepted looks back on 30 days with a point each. */
    law.rig.now_ms -= CALENDAR_DAY_MS;
    cr_assert_eq(buy_before(INT64_C(366) * CALENDAR_DAY_MS, 10000), 70);
}

Test(law_forgotten, a_lifetime_is_never_over)
{
    law_cap(&law, "once", 15, PER_LIFETIME);
    law_cap(&law, "yearly", 1000, PER_YEAR);
    law_start(&law);
    cr_assert_eq(buy(1000), 10);
    law_at(&law, "2030-01-01T12:00:00Z");
    cr_assert_eq(buy(1000), 5);
    cr_assert_eq(kept(FACT_CAP_USE), 2, "the lifetime, and this year");
}

/* The order's day is forgotten when it is returned: nothing is given back, to nobody. */
Test(law_forgotten, a_late_return_gives_back_to_no_bucket)
{
    law_cap(&law, "daily", 6, PER_DAY);
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "old", 1000), VERDICT_ACCEPTED);
    law_at(&law, "2027-06-01T12:00:00Z");
    cr_assert_eq(buy(1000), 6);
    cr_assert_eq(kept(FACT_CAP_USE), 1);
    cr_assert_eq(rig_cancel(&law.rig, "ann", "old"), VERDICT_ACCEPTED);
    cr_assert_eq(kept(FACT_CAP_USE), 1);
    cr_assert_eq(law_active(&law, "ann"), 6);
    cr_assert_eq(buy(1000), 0, "today's is used up as before");
}

/* "50 more when you stand at 1", once a day. */
Test(law_forgotten, times_of_awards_after_earning)
{
    struct program_award *award = law_award(&law, "more", AWARD_BALANCE, 50);
    award->balance = 1;
    award->times = (struct program_times){1, PER_DAY};
    law_start(&law);
    for (int day = 0; day < 500; day++) {
        cr_assert_eq(buy(100), 51);
        cr_assert_eq(buy(100), 1);
        law.rig.now_ms += CALENDAR_DAY_MS;
    }
    cr_assert_eq(kept(FACT_AWARD_PAID), 367);
}

/* Two orders a day are flagged above 1: a day before the oldest moment that is accepted is kept. */
Test(law_forgotten, uses_of_a_limit)
{
    law_limit(&law, "flag", LIMITED_PURCHASE, 1, LIMIT_FLAG);
    law_start(&law);
    for (int day = 0; day < 500; day++) {
        buy(100);
        law.rig.now_ms += CALENDAR_DAY_MS;
    }
    cr_assert_eq(kept(FACT_LIMIT_USE), 367);
}

/* A spending each day, that a limit on refunds within two days asks for. */
Test(law_forgotten, redemptions_that_refunds_may_follow)
{
    law_limit(&law, "flag", LIMITED_REFUND, 0, LIMIT_FLAG)->after_redeem_ms = 2 * CALENDAR_DAY_MS;
    law_start(&law);
    for (int day = 0; day < 500; day++) {
        static char id[32];
        snprintf(id, sizeof id, "S%d", day);
        buy(100);
        cr_assert_eq(rig_redeem(&law.rig, "ann", id, 1), VERDICT_ACCEPTED);
        law.rig.now_ms += CALENDAR_DAY_MS;
    }
    cr_assert_eq(kept(FACT_REDEEMED), 368);
}

/* Who stays at the lowest level has no review that would drop the windows behind it. */
Test(law_forgotten, metrics_of_members_without_a_review)
{
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {.line_kinds = 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .window = WINDOW_CALENDAR_WEEK,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_TO_QUALIFIED,
        .levels = {{BYTES_LITERAL("blue"), {0}, {1, 1}}, {BYTES_LITERAL("gold"), {5000}, {1, 1}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law_start(&law);
    for (int week = 0; week < 400; week++) {
        buy(100);
        law.rig.now_ms += 7 * CALENDAR_DAY_MS;
        cr_assert(kept(FACT_METRIC) < 200, "%u after week %d", kept(FACT_METRIC), week);
    }
    cr_assert(rig_level_is(&law.rig, "ann", "blue"));
    buy(4900);
    cr_assert(rig_level_is(&law.rig, "ann", "blue"), "49.00 in this week");
    buy(100);
    cr_assert(rig_level_is(&law.rig, "ann", "gold"));
}
