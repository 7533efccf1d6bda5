/* Expiry of every kind (semantics §7), graces, inactivity, and lots by hand. Zone UTC unless a row
 * says otherwise; 1 point per 1.00. */
#include <criterion/criterion.h>

#include "engine/core/calendar.h"
#include "tests/unit/law_rig.h"

static struct law law;
static struct program_expiry *expiry;

static void
begin(void)
{
    law_open(&law);
    expiry = &law.program.currencies[0].expiry;
}

static void
end(void)
{
    law_close(&law);
}

TestSuite(law_expiry, .init = begin, .fini = end);

static void
again(void)
{
    law_close(&law);
    begin();
}

static struct program_expiry
period(int32_t amount, enum calendar_unit unit, enum calendar_unit round)
{
    return (struct program_expiry){
        .kind = EXPIRY_PERIOD, .amount = amount, .unit = unit, .round_up_to = round};
}

static void
buy(const char *at, const char *order, int64_t minor)
{
    law_at(&law, at);
    cr_assert_eq(law_buy(&law, "ann", order, minor), VERDICT_ACCEPTED);
}

static int64_t
active_at(const char *at)
{
    rig_tick(&law.rig, at);
    return law_active(&law, "ann");
}

static const struct posting *
posting(size_t from_end)
{
    size_t count = rig_effect_count(&law.rig, TOPIC_POSTINGS);
    return &rig_effect(&law.rig, TOPIC_POSTINGS, count - 1 - from_end)->posting;
}

static enum verdict
tell(const char *at, struct event event)
{
    law_at(&law, at);
    event.member = BYTES_LITERAL("ann");
    return rig_event(&law.rig, event);
}

/* ---- Instants ---- */

/* Examples 6 and 7 with variations: earned, and the exclusive instant until which it is usable. */
Test(law_expiry, month_ends_and_midnights)
{
    static const struct {
        const char *what;
        int hours; /* east of UTC */
        int32_t amount;
        enum calendar_unit unit, round;
        const char *earned, *usable, *gone;
    } rows[] = {
        {"one month, end of day: through 28 February", 0, 1, CALENDAR_MONTH, CALENDAR_DAY,
         "2027-01-31T12:00:00Z", "2027-02-28T23:59:59Z", "2027-03-01T00:00:00Z"},
        {"12 months from a leap day: through 28 February", 0, 12, CALENDAR_MONTH, CALENDAR_DAY,
         "2028-02-29T12:00:00Z", "2029-02-28T23:59:59Z", "2029-03-01T00:00:00Z"},
        {"four years from a leap day: through 29 February", 0, 4, CALENDAR_YEAR, CALENDAR_DAY,
         "2028-02-29T12:00:00Z", "2032-02-29T23:59:59Z", "2032-03-01T00:00:00Z"},
        {"one month from 31 March: through 30 April", 0, 1, CALENDAR_MONTH, CALENDAR_DAY,
         "2027-03-31T00:00:00Z", "2027-04-30T23:59:59Z", "2027-05-01T00:00:00Z"},
        {"one month, to the instant", 0, 1, CALENDAR_MONTH, CALENDAR_NONE, "2027-01-31T12:00:00Z",
         "2027-02-28T11:59:59Z", "2027-02-28T12:00:00Z"},
        {"quarter's end", 0, 1, CALENDAR_MONTH, CALENDAR_QUARTER, "2027-02-10T12:00:00Z",
         "2027-03-31T23:59:59Z", "2027-04-01T00:00:00Z"},
        {"Tokyo: 15:30 UTC on 31 January is 1 February", 9, 0, CALENDAR_MONTH, CALENDAR_MONTH,
         "2026-01-31T15:30:00Z", "2026-02-28T14:59:59Z", "2026-02-28T15:00:00Z"},
        {"Tokyo: 14:59 UTC is still January", 9, 0, CALENDAR_MONTH, CALENDAR_MONTH,
         "2026-01-31T14:59:00Z", "2026-01-31T14:59:59Z", "2026-01-31T15:00:00Z"},
        {"five hours west: 04:30 UTC on 1 February is January", -5, 0, CALENDAR_MONTH,
         CALENDAR_MONTH, "2026-02-01T04:30:00Z", "2026-02-01T04:59:59Z", "2026-02-01T05:00:00Z"},
        {"the very midnight belongs to the new month", 9, 0, CALENDAR_MONTH, CALENDAR_MONTH,
         "2026-01-31T15:00:00Z", "2026-02-28T14:59:59Z", "2026-02-28T15:00:00Z"},
        {"a week's end: Wednesday to Sunday", 0, 0, CALENDAR_DAY, CALENDAR_WEEK,
         "2026-03-04T08:00:00Z", "2026-03-08T23:59:59Z", "2026-03-09T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        if (rows[i].hours != 0) law_zone(&law, rows[i].hours);
        *expiry = period(rows[i].amount, rows[i].unit, rows[i].round);
        law_start(&law);
        buy(rows[i].earned, "O1", 5000);
        cr_assert_eq(active_at(rows[i].usable), 50, "%s", rows[i].what);
        cr_assert_eq(active_at(rows[i].gone), 0, "%s", rows[i].what);
        cr_assert_eq(posting(0)->effective_at.ms, rig_at(rows[i].gone).ms, "%s", rows[i].what);
    }
}

/* The next end of the chosen month at or after 12 months. */
Test(law_expiry, the_end_of_a_chosen_month)
{
    static const struct {
        uint8_t month;
        const char *earned, *gone;
    } rows[] = {
        {3, "2026-01-10T12:00:00Z", "2027-04-01T00:00:00Z"},
        {3, "2026-03-31T23:59:59Z", "2027-04-01T00:00:00Z"},
        {3, "2026-04-01T00:00:00Z", "2028-04-01T00:00:00Z"},
        {12, "2026-01-10T12:00:00Z", "2028-01-01T00:00:00Z"},
        {12, "2026-12-31T23:00:00Z", "2028-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        *expiry = period(12, CALENDAR_MONTH, CALENDAR_NONE);
        expiry->round_month = rows[i].month;
        law_start(&law);
        buy(rows[i].earned, "O1", 100);
        rig_tick(&law.rig, "2030-01-01T00:00:00Z");
        cr_assert_eq(posting(0)->effective_at.ms, rig_at(rows[i].gone).ms, "row %zu", i);
    }
}

Test(law_expiry, fixed_dates)
{
    static const struct program_date dates[] = {{2, 29}, {6, 30}};
    static const struct {
        const char *earned, *gone;
    } rows[] = {
        {"2027-01-10T12:00:00Z", "2027-03-01T00:00:00Z"}, /* 29 February is the 28th in 2027 */
        {"2028-01-10T12:00:00Z", "2028-03-01T00:00:00Z"},
        {"2027-02-28T23:59:59Z", "2027-03-01T00:00:00Z"}, /* the day itself still counts */
        {"2027-03-01T00:00:00Z", "2027-07-01T00:00:00Z"},
        {"2027-07-01T00:00:00Z", "2028-03-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        *expiry = (struct program_expiry){.kind = EXPIRY_DATES, .dates = dates, .date_count = 2};
        law_start(&law);
        buy(rows[i].earned, "O1", 100);
        rig_tick(&law.rig, "2030-01-01T00:00:00Z");
        cr_assert_eq(posting(0)->effective_at.ms, rig_at(rows[i].gone).ms, "row %zu", i);
    }
}

Test(law_expiry, the_members_anniversary)
{
    *expiry = (struct program_expiry){.kind = EXPIRY_ANNIVERSARY};
    law_start(&law);
    buy("2028-02-29T12:00:00Z", "O1", 100); /* enrols */
    cr_assert_eq(active_at("2029-02-27T23:59:59Z"), 1);
    cr_assert_eq(active_at("2029-02-28T00:00:00Z"), 0);
    buy("2029-02-28T00:00:00Z", "O2", 200); /* on the anniversary itself: to the next */
    cr_assert_eq(active_at("2030-02-27T23:59:59Z"), 2);
    cr_assert_eq(active_at("2030-02-28T00:00:00Z"), 0);
}

/* Two weeks of pending; the month runs from the activation, or from the earning. */
Test(law_expiry, the_period_starts_at_activation_or_earning)
{
    for (unsigned from_earning = 0; from_earning < 2; from_earning++) {
        if (from_earning > 0) again();
        struct program_rule rule = law.program.rules[0];
        rule.pending =
            (struct program_pending){.kind = PENDING_AFTER, .period = {14, CALENDAR_DAY}};
        law.program.rules = &rule;
        law.program.rule_count = 1;
        *expiry = period(1, CALENDAR_MONTH, CALENDAR_NONE);
        expiry->from_earning = from_earning;
        law_start(&law);
        buy("2026-03-01T12:00:00Z", "O1", 1000);
        cr_assert_eq(active_at("2026-03-15T11:59:59Z"), 0);
        cr_assert_eq(active_at("2026-03-15T12:00:00Z"), 10);
        cr_assert_eq(active_at("2026-04-01T11:59:59Z"), 10);
        cr_assert_eq(active_at("2026-04-01T12:00:00Z"), from_earning ? 0 : 10);
        cr_assert_eq(active_at("2026-04-15T12:00:00Z"), 0);
    }
}

/* ---- Grace ---- */

static struct wallet_view
wallet(void)
{
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    return view.wallets[0];
}

Test(law_expiry, a_lot_lapses_through_its_grace)
{
    *expiry = period(1, CALENDAR_MONTH, CALENDAR_MONTH);
    expiry->grace_days = 7;
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000); /* to 1 March, lapsing to 8 March */
    cr_assert_eq(active_at("2026-03-01T00:00:00Z"), 0);
    cr_assert_eq(wallet().lapsing.units, 100);
    cr_assert_eq(posting(0)->kind, POSTING_LAPSE);
    cr_assert_eq(posting(0)->to, ACCOUNT_LAPSING);
    rig_tick(&law.rig, "2026-03-07T23:59:59Z");
    cr_assert_eq(wallet().lapsing.units, 100);
    rig_tick(&law.rig, "2026-03-08T00:00:00Z");
    cr_assert_eq(wallet().lapsing.units, 0);
    cr_assert_eq(posting(0)->kind, POSTING_LAPSE_END);
    cr_assert_eq(posting(0)->effective_at.ms, rig_at("2026-03-01T00:00:00Z").ms,
                 "dated at the instant");
}

/* ---- Inactivity ---- */

static void
inactive_after(int32_t months, uint32_t counts)
{
    *expiry = (struct program_expiry){
        .kind = EXPIRY_INACTIVITY, .amount = months, .unit = CALENDAR_MONTH, .counts = counts};
}

Test(law_expiry, activity_that_counts_pushes_the_clock)
{
    inactive_after(3, COUNTS_PURCHASE);
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 1000);
    buy("2026-03-10T12:00:00Z", "O2", 2000);
    cr_assert_eq(active_at("2026-06-10T11:59:59Z"), 30);
    cr_assert_eq(active_at("2026-06-10T12:00:00Z"), 0, "both, by one clock");
    cr_assert_eq(posting(0)->effective_at.ms, rig_at("2026-06-10T12:00:00Z").ms);
}

Test(law_expiry, activity_that_is_not_on_the_list_pushes_nothing)
{
    inactive_after(3, COUNTS_PURCHASE);
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 1000);
    law_at(&law, "2026-03-10T12:00:00Z");
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(active_at("2026-04-10T12:00:00Z"), 0);
}

Test(law_expiry, kinds_of_activity_by_name)
{
    static const struct bytes kinds[] = {BYTES_LITERAL("check_in")};
    inactive_after(3, 0);
    expiry->count_kinds = (struct program_texts){kinds, 1};
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 1000);
    law_at(&law, "2026-02-10T12:00:00Z");
    law_do(&law, "ann", "check_in");
    law_at(&law, "2026-03-10T12:00:00Z");
    law_do(&law, "ann", "review");
    cr_assert_eq(active_at("2026-05-10T11:59:59Z"), 10);
    cr_assert_eq(active_at("2026-05-10T12:00:00Z"), 0);
}

/* All 10 are spent on 1 February, so the clock starts anew with the 20 of 1 March. */
Test(law_expiry, an_empty_balance_starts_the_clock_anew)
{
    inactive_after(3, COUNTS_ACTIVITY);
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 1000);
    law_at(&law, "2026-02-01T12:00:00Z");
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 10), VERDICT_ACCEPTED);
    buy("2026-03-01T12:00:00Z", "O2", 2000);
    cr_assert_eq(active_at("2026-05-31T12:00:00Z"), 20);
    cr_assert_eq(active_at("2026-06-01T12:00:00Z"), 0);
}

Test(law_expiry, a_clock_tells_before_it_runs_out)
{
    inactive_after(3, COUNTS_PURCHASE);
    law.program.currencies[0].notice_days = 30;
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 1000);
    rig_tick(&law.rig, "2026-03-11T11:59:59Z");
    cr_assert_eq(law_notices(&law, NOTICE_EXPIRING_SOON), 0);
    rig_tick(&law.rig, "2026-03-11T12:00:00Z");
    cr_assert_eq(law_notices(&law, NOTICE_EXPIRING_SOON), 1);
    const struct notice *notice = law_notice(&law, NOTICE_EXPIRING_SOON, 0);
    cr_assert_eq(notice->expiring_soon.points.units, 10);
    cr_assert_eq(notice->expiring_soon.expires_at.ms, rig_at("2026-04-10T12:00:00Z").ms);
    buy("2026-03-20T12:00:00Z", "O2", 1000);
    rig_tick(&law.rig, "2026-05-21T12:00:00Z");
    cr_assert_eq(law_notices(&law, NOTICE_EXPIRING_SOON), 2, "of the new instant");
    cr_assert_eq(law_notice(&law, NOTICE_EXPIRING_SOON, 1)->expiring_soon.points.units, 20);
}

/* ---- By hand ---- */

static struct event
extend(const char *to, uint32_t days)
{
    return (struct event){
        .kind = EVENT_EXTEND_LOTS,
        .extend_lots = {.expires_at.ms = to == NULL ? 0 : rig_at(to).ms,
                        .days = days,
                        .reason = BYTES_LITERAL("sorry"),
                        .actor = BYTES_LITERAL("boss")},
    };
}

static struct event
reinstate(const char *to)
{
    return (struct event){
        .kind = EVENT_REINSTATE_LOTS,
        .reinstate_lots = {.expires_at = rig_at(to), .reason = BYTES_LITERAL("sorry")},
    };
}

Test(law_expiry, extending_moves_the_instant)
{
    *expiry = period(1, CALENDAR_MONTH, CALENDAR_MONTH);
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000); /* to 1 March */
    cr_assert_eq(tell("2026-02-01T00:00:00Z", extend(NULL, 10)), VERDICT_ACCEPTED);
    cr_assert_eq(posting(0)->kind, POSTING_EXTEND);
    cr_assert_eq(posting(0)->amount.units, 0);
    cr_assert_eq(posting(0)->lot_expired_before.ms, rig_at("2026-03-01T00:00:00Z").ms);
    cr_assert_eq(posting(0)->lot_expires_at.ms, rig_at("2026-03-11T00:00:00Z").ms);
    cr_assert(bytes_equal(posting(0)->actor, BYTES_LITERAL("boss")));
    size_t postings = rig_effect_count(&law.rig, TOPIC_POSTINGS);
    cr_assert_eq(tell("2026-02-02T00:00:00Z", extend("2026-03-05T00:00:00Z", 0)), VERDICT_ACCEPTED);
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_POSTINGS), postings, "never earlier");
    cr_assert_eq(active_at("2026-03-10T23:59:59Z"), 100);
    cr_assert_eq(active_at("2026-03-11T00:00:00Z"), 0);
    cr_assert_eq(tell("2026-03-12T00:00:00Z", extend(NULL, 10)), VERDICT_UNKNOWN_LOT);
}

Test(law_expiry, a_used_up_lot_keeps_the_instant_it_was_given)
{
    *expiry = period(1, CALENDAR_MONTH, CALENDAR_MONTH);
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000);
    tell("2026-02-01T00:00:00Z", extend(NULL, 10));
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    cr_assert_eq(active_at("2026-03-10T00:00:00Z"), 100);
}

Test(law_expiry, expired_points_are_reinstated)
{
    *expiry = period(1, CALENDAR_MONTH, CALENDAR_MONTH);
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000);
    cr_assert_eq(tell("2026-02-01T00:00:00Z", reinstate("2026-06-01T00:00:00Z")),
                 VERDICT_UNKNOWN_LOT, "nothing has expired");
    cr_assert_eq(active_at("2026-03-01T00:00:00Z"), 0);
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    cr_assert_eq(tell("2026-03-05T00:00:00Z", reinstate("2026-06-01T00:00:00Z")), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 100);
    cr_assert_eq(posting(0)->kind, POSTING_REINSTATE);
    cr_assert_eq(active_at("2026-05-31T23:59:59Z"), 100);
    cr_assert_eq(active_at("2026-06-01T00:00:00Z"), 0);
    cr_assert_eq(tell("2026-06-02T00:00:00Z", reinstate("2026-05-01T00:00:00Z")), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 0, "an instant that is past expires at once");
}

/* 40 of 100 are held, while they can be spent or by a late hold while they lapse; the other 60 end
 * with the grace, on 8 March. What comes back has the new instant, and so has what is released. */
Test(law_expiry, what_ended_of_a_lot_that_is_partly_held_is_reinstated)
{
    static const char *const HELD_AT[] = {"2026-02-20T00:00:00Z", "2026-03-03T00:00:00Z"};
    for (size_t i = 0; i < sizeof HELD_AT / sizeof *HELD_AT; i++) {
        if (i > 0) {
            end();
            begin();
        }
        *expiry = period(1, CALENDAR_MONTH, CALENDAR_MONTH);
        expiry->grace_days = 7;
        law_start(&law);
        buy("2026-01-10T12:00:00Z", "O1", 10000);
        struct event hold = {.kind = EVENT_HOLD,
                             .occurred_at = rig_at("2026-02-20T00:00:00Z"),
                             .hold = {.hold_id = BYTES_LITERAL("H1"),
                                      .request = {.what = SPEND_POINTS, .points = {40}},
                                      .timeout_ms = 60 * CALENDAR_DAY_MS}};
        cr_assert_eq(tell(HELD_AT[i], hold), VERDICT_ACCEPTED, "row %zu", i);
        cr_assert_eq(active_at("2026-03-08T00:00:00Z"), 0);
        cr_assert_eq(posting(0)->kind, POSTING_LAPSE_END);
        cr_assert_eq(posting(0)->amount.units, 60);
        cr_assert_eq(tell("2026-03-10T00:00:00Z", reinstate("2026-06-01T00:00:00Z")),
                     VERDICT_ACCEPTED, "row %zu", i);
        cr_assert_eq(law_active(&law, "ann"), 60, "row %zu", i);
        struct event release = {.kind = EVENT_RELEASE_HOLD,
                                .release_hold.hold_id = BYTES_LITERAL("H1")};
        cr_assert_eq(tell("2026-03-11T00:00:00Z", release), VERDICT_ACCEPTED);
        cr_assert_eq(law_active(&law, "ann"), 100, "row %zu", i);
        cr_assert_eq(active_at("2026-05-31T23:59:59Z"), 100, "row %zu", i);
        cr_assert_eq(active_at("2026-06-01T00:00:00Z"), 0, "row %zu", i);
    }
}

/* 70 and 35 have expired; a third of 105 is 35: 23.33 and 11.66 by largest remainder 23 and 12. */
Test(law_expiry, a_share_is_renewed_rounded_down)
{
    static const struct {
        struct rate share;
        int64_t renewed, first, second;
    } rows[] = {
        {{1, 3}, 35, 23, 12},  {{1, 2}, 52, 35, 17}, /* 52.5; 34.66 and 17.33 */
        {{1, 1}, 105, 70, 35}, {{1, 100}, 1, 1, 0},  {{1, 1000}, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) again();
        *expiry = period(1, CALENDAR_MONTH, CALENDAR_MONTH);
        law_start(&law);
        buy("2026-01-10T12:00:00Z", "O1", 7000);
        buy("2026-01-11T12:00:00Z", "O2", 3500);
        rig_tick(&law.rig, "2026-03-01T00:00:00Z");
        struct event renew = {
            .kind = EVENT_RENEW_LOTS,
            .renew_lots = {.share = rows[i].share, .expires_at = rig_at("2026-06-01T00:00:00Z")},
        };
        cr_assert_eq(tell("2026-03-02T00:00:00Z", renew), VERDICT_ACCEPTED);
        cr_assert_eq(law_active(&law, "ann"), rows[i].renewed, "row %zu", i);
        if (rows[i].second > 0) {
            cr_assert_eq(posting(1)->amount.units, rows[i].first, "row %zu", i);
            cr_assert_eq(posting(0)->amount.units, rows[i].second, "row %zu", i);
        }
    }
}

/* The refund has taken the points that were spent: what comes back pays for them first. */
Test(law_expiry, reinstated_points_pay_arrears_first)
{
    *expiry = period(1, CALENDAR_MONTH, CALENDAR_MONTH);
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000);
    rig_tick(&law.rig, "2026-03-01T00:00:00Z");
    buy("2026-03-02T00:00:00Z", "O2", 6000);
    law_at(&law, "2026-03-03T00:00:00Z");
    rig_redeem(&law.rig, "ann", "S1", 60);
    rig_refund(&law.rig, "ann", "O2", "R1", 6000);
    cr_assert_eq(rig_arrears(&law.rig, "ann"), 60);
    tell("2026-03-05T00:00:00Z", reinstate("2026-06-01T00:00:00Z"));
    cr_assert_eq(rig_arrears(&law.rig, "ann"), 0);
    cr_assert_eq(law_active(&law, "ann"), 40);
}
