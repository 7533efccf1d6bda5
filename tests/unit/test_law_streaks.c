/* Streaks and missions (semantics §4, §11 example 19). All figures are worked out by hand in the
 * comments beside them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/calendar.h"
#include "engine/core/state_priv.h"
#include "tests/unit/law_rig.h"

static struct law law;
static const int64_t ONE_TWO_THREE[] = {1, 2, 3};

static void
begin(void)
{
    law_open(&law);
    law_at(&law, "2026-03-31T12:00:00Z");
}

static void
end(void)
{
    law_close(&law);
}

TestSuite(law_streaks, .init = begin, .fini = end);

/* ---- Streaks ---- */

static int64_t
check_in(int day)
{
    char at[32];
    snprintf(at, sizeof at, "2026-03-%02dT09:00:00Z", day);
    cr_assert_eq(law_do_at(&law, "ann", "check_in", at), VERDICT_ACCEPTED);
    return law_paid(&law);
}

/* Days in order of arrival and what each pays; 0 ends both. */
struct story {
    const char *what;
    int days[12];
    int64_t paid[12], sum;
};

static void
tell(const struct story *story)
{
    int64_t sum = 0;
    for (size_t i = 0; story->days[i] != 0; i++) {
        int64_t paid = check_in(story->days[i]);
        cr_assert_eq(paid, story->paid[i], "%s: day %d paid %lld", story->what, story->days[i],
                     (long long)paid);
        sum += paid;
        if (i % 3 == 2) {
            rig_checkpoint(&law.rig);
            rig_restart(&law.rig);
        }
    }
    cr_assert_eq(sum, story->sum);
    cr_assert_eq(law_active(&law, "ann"), sum);
}

static void
tell_by(const int64_t *points, uint32_t count, struct story story)
{
    law_streak(&law, "daily", CALENDAR_DAY, points, count);
    law_start(&law);
    tell(&story);
}

/* §11 example 19: awards 1, 2, 3 then 3 each; days 1, 2, 3, 4, 6: 1 + 2 + 3 + 3 + 1 = 10. */
Test(law_streaks, example_19)
{
    tell_by(ONE_TWO_THREE, 3, (struct story){"example 19", {1, 2, 3, 4, 6}, {1, 2, 3, 3, 1}, 10});
}

/* Its second sentence: two check-ins on one day pay once. Day 1 twice, day 2, day 2 again: 1 + 2.
 */
Test(law_streaks, example_19_two_on_one_day)
{
    tell_by(ONE_TWO_THREE, 3, (struct story){"twice", {1, 1, 2, 2, 3}, {1, 0, 2, 0, 3}, 6});
}

/* §4: days 1, 2, 4, then 3, 5: 1, 2, 1, then 3 by the run 1–3 that ends at day 3, then that of the
 * run of 5, which day 3 has healed. */
Test(law_streaks, example_19_a_late_check_in_heals)
{
    static const int64_t points[] = {1, 2, 3, 4, 5};
    tell_by(points, 5, (struct story){"late", {1, 2, 4, 3, 5}, {1, 2, 1, 3, 5}, 12});
}

/* Told backwards each day is the first of its run as then known; day 5 then ends a run of 5, of
 * which the last award repeats: 1 + 1 + 1 + 1 + 3. */
Test(law_streaks, example_19_told_backwards)
{
    tell_by(ONE_TWO_THREE, 3, (struct story){"backwards", {4, 3, 2, 1, 5}, {1, 1, 1, 1, 3}, 7});
}

/* A step of nothing: 0, 0, 10, then 10 each; days 1 to 4 and after a gap 6, 7, 8: 20 + 10. */
Test(law_streaks, example_19_steps_of_nothing)
{
    static const int64_t points[] = {0, 0, 10};
    tell_by(
        points, 3,
        (struct story){"nothing at first", {1, 2, 3, 4, 6, 7, 8}, {0, 0, 10, 10, 0, 0, 10}, 30});
}

/* Zone nine hours east: 14:59 in Greenwich is 23:59 of the same day, 15:00 the next one. */
Test(law_streaks, example_19_in_another_zone)
{
    law_streak(&law, "daily", CALENDAR_DAY, ONE_TWO_THREE, 3);
    law_zone(&law, 9);
    law_start(&law);
    law_do_at(&law, "ann", "check_in", "2026-03-01T14:59:59Z");
    cr_assert_eq(law_paid(&law), 1, "1 March");
    law_do_at(&law, "ann", "check_in", "2026-03-01T15:00:00Z");
    cr_assert_eq(law_paid(&law), 2, "2 March");
    law_do_at(&law, "ann", "check_in", "2026-03-02T14:00:00Z");
    cr_assert_eq(law_paid(&law), 0, "2 March again");
    law_do_at(&law, "ann", "check_in", "2026-03-03T15:00:00Z");
    cr_assert_eq(law_paid(&law), 1, "4 March: the 3rd is missing");
}

/* Weeks begin on Monday and run on over the end of the year: 29 December 2025 is a Monday. */
Test(law_streaks, example_19_by_weeks)
{
    law_streak(&law, "weekly", CALENDAR_WEEK, ONE_TWO_THREE, 3);
    law_start(&law);
    law_do_at(&law, "ann", "check_in", "2025-12-28T23:00:00Z");
    cr_assert_eq(law_paid(&law), 1);
    law_do_at(&law, "ann", "check_in", "2025-12-29T00:00:00Z");
    cr_assert_eq(law_paid(&law), 2);
    law_do_at(&law, "ann", "check_in", "2026-01-04T23:59:59Z");
    cr_assert_eq(law_paid(&law), 0, "still the same week");
    law_do_at(&law, "ann", "check_in", "2026-01-05T00:00:00Z");
    cr_assert_eq(law_paid(&law), 3);
    law_do_at(&law, "ann", "check_in", "2026-01-19T00:00:00Z");
    cr_assert_eq(law_paid(&law), 1, "a week was left out");
}

Test(law_streaks, a_streak_has_its_window_and_its_activity)
{
    struct program_streak *streak = law_streak(&law, "daily", CALENDAR_DAY, ONE_TWO_THREE, 3);
    streak->activity = BYTES_LITERAL("pages_read");
    streak->window =
        (struct program_window){rig_at("2026-03-02T00:00:00Z"), rig_at("2026-03-04T00:00:00Z")};
    law_start(&law);
    static const struct {
        const char *activity, *at;
        int64_t paid;
    } rows[] = {
        {"check_in", "2026-03-02T09:00:00Z", 0},   {"pages_read", "2026-03-01T09:00:00Z", 0},
        {"pages_read", "2026-03-02T09:00:00Z", 1}, {"pages_read", "2026-03-03T09:00:00Z", 2},
        {"pages_read", "2026-03-04T09:00:00Z", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        law_do_at(&law, "ann", rows[i].activity, rows[i].at);
        cr_assert_eq(law_paid(&law), rows[i].paid, "row %zu", i);
    }
}

Test(law_streaks, years_of_check_ins_stay_small)
{
    static const int64_t points[] = {1, 1, 1, 1, 1, 1, 10, 1};
    law_streak(&law, "daily", CALENDAR_DAY, points, 8);
    law.program.accept_past_ms = 3 * CALENDAR_DAY_MS;
    law_start(&law);
    for (int day = 0; day < 1000; day++) {
        law.rig.now_ms += CALENDAR_DAY_MS;
        if (day % 9 == 8) continue; /* runs of eight days */
        cr_assert_eq(law_do(&law, "ann", "check_in"), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), day % 9 == 6 ? 10 : 1);
    }
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    bool known;
    const struct member *member =
        members_find(&law.rig.state->members, BYTES_LITERAL("ann"), &law.rig.needs, &known);
    cr_assert_lt(member->fact_count, 6, "an anniversary and at most two runs in reach");
}

/* ---- Missions ---- */

Test(law_streaks, a_count_is_completed_once)
{
    struct program_mission *mission = law_mission(&law, "reader", GOAL_COUNT, COUNTED_ACTIVITY, 3);
    mission->badge = BYTES_LITERAL("bookworm");
    law_start(&law);
    for (int i = 1; i <= 7; i++) {
        law_do(&law, "ann", "review");
        cr_assert_eq(law_paid(&law), i == 3 ? 50 : 0, "review %d", i);
        law_do(&law, "ann", "share");
        cr_assert_eq(law_paid(&law), 0, "another activity");
    }
    cr_assert_eq(law_notices(&law, NOTICE_MISSION_COMPLETED), 1);
    cr_assert_eq(law_notices(&law, NOTICE_BADGE_AWARDED), 1);
    const struct notice *notice = law_notice(&law, NOTICE_MISSION_COMPLETED, 0);
    cr_assert(bytes_equal(notice->mission_completed.mission, BYTES_LITERAL("reader")));
    cr_assert_eq(notice->mission_completed.repetition, 1);
    cr_assert_eq(notice->mission_completed.window_start.ms, 0);
    cr_assert_eq(notice->mission_completed.rule_version, 1);
    cr_assert(bytes_equal(notice->cause.id, BYTES_LITERAL("e5")), "reviews are e1, e3, e5");
    notice = law_notice(&law, NOTICE_BADGE_AWARDED, 0);
    cr_assert(bytes_equal(notice->badge_awarded.badge, BYTES_LITERAL("bookworm")));
}

Test(law_streaks, a_mission_may_give_a_badge_alone)
{
    struct program_mission *mission = law_mission(&law, "reader", GOAL_COUNT, COUNTED_ACTIVITY, 1);
    mission->badge = BYTES_LITERAL("bookworm");
    mission->currency = PROGRAM_NONE;
    mission->points = 0;
    law_start(&law);
    law_do(&law, "ann", "review");
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_POSTINGS), 0);
    cr_assert_eq(law_notices(&law, NOTICE_BADGE_AWARDED), 1);
}

/* 4 times of 3, at most 2 repetitions in each month: March 3 and 6, April 3. */
Test(law_streaks, windows_and_repetitions)
{
    struct program_mission *mission = law_mission(&law, "reader", GOAL_COUNT, COUNTED_ACTIVITY, 3);
    mission->per = PER_MONTH;
    mission->repeats = 2;
    law_start(&law);
    law_at(&law, "2026-04-15T00:00:00Z");
    for (int i = 1; i <= 10; i++) {
        law_do_at(&law, "ann", "review", "2026-03-10T00:00:00Z");
        cr_assert_eq(law_paid(&law), i == 3 || i == 6 ? 50 : 0, "review %d of March", i);
    }
    for (int i = 1; i <= 4; i++) {
        law_do_at(&law, "ann", "review", "2026-04-01T00:00:00Z");
        cr_assert_eq(law_paid(&law), i == 3 ? 50 : 0, "review %d of April", i);
    }
    const struct notice *notice = law_notice(&law, NOTICE_MISSION_COMPLETED, 2);
    cr_assert_eq(notice->mission_completed.window_start.ms, rig_at("2026-04-01T00:00:00Z").ms);
    cr_assert_eq(notice->mission_completed.repetition, 1);
}

/* 100.00 in orders: 60.00 + 30.00 are not enough, 10.00 more is; 230.00 at once completes the
 * second and the third. Euros and shipping do not count. */
Test(law_streaks, a_sum_of_purchases)
{
    law_mission(&law, "spender", GOAL_SUM, COUNTED_PURCHASE, 10000)->repeats = 10;
    law.program.rule_count = 0;
    law_start(&law);
    static const struct {
        int64_t minor, paid;
    } rows[] = {{6000, 0}, {3000, 0}, {999, 0}, {1, 50}, {23000, 100}, {6999, 0}, {1, 50}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char order[8];
        snprintf(order, sizeof order, "O%zu", i);
        cr_assert_eq(law_buy(&law, "ann", order, rows[i].minor), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), rows[i].paid, "order %zu", i);
    }
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 100000};
    struct event event = {
        .kind = EVENT_PURCHASE,
        .member = BYTES_LITERAL("ann"),
        .purchase = {
            .order_id = BYTES_LITERAL("E"), .currency = RIG_EUR, .lines = &line, .line_count = 1}};
    rig_event(&law.rig, event);
    cr_assert_eq(law_paid(&law), 0, "another money");
    line.kind = LINE_SHIPPING;
    event.purchase.order_id = BYTES_LITERAL("S");
    event.purchase.currency = RIG_GBP;
    rig_event(&law.rig, event);
    cr_assert_eq(law_paid(&law), 0, "what the basis masks");
}

Test(law_streaks, a_sum_of_activities)
{
    law_mission(&law, "walker", GOAL_SUM, COUNTED_ACTIVITY, 1000);
    law_start(&law);
    struct event event = {.kind = EVENT_ACTIVITY,
                          .member = BYTES_LITERAL("ann"),
                          .activity = {.kind = ACTIVITY_REVIEW, .value = 999}};
    rig_event(&law.rig, event);
    cr_assert_eq(law_paid(&law), 0);
    event.activity.value = 0;
    rig_event(&law.rig, event);
    cr_assert_eq(law_paid(&law), 0);
    event.activity.value = 1;
    rig_event(&law.rig, event);
    cr_assert_eq(law_paid(&law), 50);
    event.activity.value = INT64_MAX;
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_OVERFLOW);
}

static enum verdict
review_in(const char *month)
{
    char at[32];
    snprintf(at, sizeof at, "%s-15T00:00:00Z", month);
    return law_do_at(&law, "ann", "review", at);
}

/* Three months in a row: December and January, a second time in January, not March; February joins
 * what is before and behind it: December to March are four, one time three. April is the fifth, May
 * the sixth, of which the second three are complete. */
Test(law_streaks, consecutive_periods)
{
    law_mission(&law, "steady", GOAL_CONSECUTIVE, COUNTED_ACTIVITY, 3)->repeats = 2;
    law_start(&law);
    law_at(&law, "2026-10-01T00:00:00Z");
    static const struct {
        const char *month;
        int64_t paid;
    } rows[] = {{"2025-12", 0}, {"2026-01", 0},  {"2026-01", 0}, {"2026-03", 0}, {"2026-02", 50},
                {"2026-04", 0}, {"2026-05", 50}, {"2026-06", 0}, {"2026-07", 0}, {"2026-08", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(review_in(rows[i].month), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), rows[i].paid, "%s", rows[i].month);
    }
    cr_assert_eq(law_notices(&law, NOTICE_MISSION_COMPLETED), 2, "at most two");
}

Test(law_streaks, years_of_periods_stay_small)
{
    struct program_mission *mission =
        law_mission(&law, "steady", GOAL_CONSECUTIVE, COUNTED_ACTIVITY, 7);
    mission->every = CALENDAR_DAY;
    mission->repeats = 1000;
    law.program.accept_past_ms = 3 * CALENDAR_DAY_MS;
    law_start(&law);
    int64_t sum = 0;
    for (int day = 0; day < 800; day++) {
        law.rig.now_ms += CALENDAR_DAY_MS;
        if (day % 8 == 7) continue;
        law_do(&law, "ann", "review");
        sum += law_paid(&law);
    }
    cr_assert_eq(sum, 100 * 50, "each of a hundred runs of seven days is one completion");
    bool known;
    const struct member *member =
        members_find(&law.rig.state->members, BYTES_LITERAL("ann"), &law.rig.needs, &known);
    cr_assert_lt(member->fact_count, 6);
}

/* Two reviews are told; then the name means shares, of which three are wanted, and then reviews
 * again, which go on from two. */
Test(law_streaks, a_name_that_means_something_else_begins_anew)
{
    struct program_mission *mission = law_mission(&law, "busy", GOAL_COUNT, COUNTED_ACTIVITY, 3);
    law_start(&law);
    law_do(&law, "ann", "review");
    law_do(&law, "ann", "review");
    mission->activity = BYTES_LITERAL("share");
    law_start(&law);
    for (int i = 1; i <= 3; i++) {
        law_do(&law, "ann", "review");
        cr_assert_eq(law_paid(&law), 0);
        law_do(&law, "ann", "share");
        cr_assert_eq(law_paid(&law), i == 3 ? 50 : 0, "share %d", i);
    }
    mission->activity = BYTES_LITERAL("review");
    law_start(&law);
    law_do(&law, "ann", "review");
    cr_assert_eq(law_paid(&law), 50);
}

/* ---- Missions and returns ---- */

/* Three orders complete; one is returned and the count falls to 2; another order brings it to 3
 * again, which is not paid twice; at 6 the second repetition is paid. */
Test(law_streaks, a_completed_award_stands_and_is_not_paid_twice)
{
    law_mission(&law, "shopper", GOAL_COUNT, COUNTED_PURCHASE, 3)->repeats = 2;
    law.program.rule_count = 0;
    law_start(&law);
    static const int64_t paid[] = {0, 0, 50, 0, 0, 0, 50};
    for (int i = 0; i < 7; i++) {
        char order[8];
        snprintf(order, sizeof order, "O%d", i);
        cr_assert_eq(law_buy(&law, "ann", order, 1000), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), paid[i], "order %d", i);
        if (i == 2) {
            rig_refund(&law.rig, "ann", "O0", "R1", 999);
            rig_refund(&law.rig, "ann", "O0", "R2", 1);
            cr_assert_eq(law_active(&law, "ann"), 50, "what was completed stands");
            rig_checkpoint(&law.rig);
            rig_restart(&law.rig);
        }
    }
}

/* 100.00: 90.00, of which 40.00 come back, leave 50.00; 49.99 more are not enough, 0.01 is. */
Test(law_streaks, a_refund_lowers_a_sum)
{
    law_mission(&law, "spender", GOAL_SUM, COUNTED_PURCHASE, 10000);
    law.program.rule_count = 0;
    law_start(&law);
    law_buy(&law, "ann", "O1", 9000);
    rig_refund(&law.rig, "ann", "O1", "R1", 4000);
    law_buy(&law, "ann", "O2", 4999);
    cr_assert_eq(law_paid(&law), 0);
    law_buy(&law, "ann", "O3", 1);
    cr_assert_eq(law_paid(&law), 50);
    rig_cancel(&law.rig, "ann", "O2");
    law_buy(&law, "ann", "O4", 20000);
    cr_assert_eq(law_paid(&law), 0, "completed once");
}

/* January has two orders, February one, and March would be the third month. One order of January
 * returned leaves the month; the second takes it, so that March is the second in a row, and April
 * the third. */
Test(law_streaks, a_period_goes_with_its_last_order)
{
    law_mission(&law, "steady", GOAL_CONSECUTIVE, COUNTED_PURCHASE, 3);
    law.program.rule_count = 0;
    law_start(&law);
    law_at(&law, "2026-05-01T00:00:00Z");
    law_buy_at(&law, "ann", "J1", 1000, "2026-01-10T00:00:00Z");
    law_buy_at(&law, "ann", "J2", 1000, "2026-01-11T00:00:00Z");
    law_buy_at(&law, "ann", "F1", 1000, "2026-02-10T00:00:00Z");
    rig_cancel(&law.rig, "ann", "J1");
    rig_cancel(&law.rig, "ann", "J2");
    law_buy_at(&law, "ann", "M1", 1000, "2026-03-10T00:00:00Z");
    cr_assert_eq(law_paid(&law), 0);
    law_buy_at(&law, "ann", "A1", 1000, "2026-04-10T00:00:00Z");
    cr_assert_eq(law_paid(&law), 50);
}

Test(law_streaks, thousands_of_completions_at_once_are_refused)
{
    law_mission(&law, "spender", GOAL_SUM, COUNTED_PURCHASE, 1)->repeats = 1000000;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 4097), VERDICT_OVERFLOW);
    cr_assert_eq(law_buy(&law, "ann", "O1", 4096), VERDICT_ACCEPTED);
    cr_assert_eq(law_notices(&law, NOTICE_MISSION_COMPLETED), 4096);
}
