/* Velocity limits, anomalies and quarantine (semantics §10). All figures are worked out by hand in
 * the comments beside them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/calendar.h"
#include "engine/core/state_priv.h"
#include "tests/unit/law_rig.h"

static struct law law;

static void
begin(void)
{
    law_open(&law);
    law_award(&law, "thanks", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("review");
    law_at(&law, "2026-03-10T10:00:00Z");
}

static void
end(void)
{
    law_close(&law);
}

TestSuite(law_limits, .init = begin, .fini = end);

/* ---- Velocity ---- */

/* At most 2 in 24 hours, (t − 24 h, t], by occurred_at. */
Test(law_limits, a_count_in_a_rolling_window)
{
    static const struct {
        const char *what, *at;
        bool accepted;
    } rows[] = {
        {"the first", "2026-03-08T10:00:00Z", true},
        {"the second", "2026-03-08T12:00:00Z", true},
        {"a third within the day", "2026-03-09T09:59:59.999Z", false},
        {"the first is 24 h ago by now", "2026-03-09T10:00:00Z", true},
        {"the second is not", "2026-03-09T11:59:59.999Z", false},
        {"now it is", "2026-03-09T12:00:00Z", true},
        {"late: two stand before it within the day", "2026-03-08T13:00:00Z", false},
        {"late: one stands before it", "2026-03-08T11:00:00Z", true},
        {"late: nothing stands before it", "2026-03-07T12:00:00Z", true},
    };
    law_limit(&law, "two-a-day", LIMITED_ACTIVITY, 2, LIMIT_REFUSE);
    law_start(&law);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum verdict verdict = law_do_at(&law, "ann", "review", rows[i].at);
        cr_assert_eq(verdict, rows[i].accepted ? VERDICT_ACCEPTED : VERDICT_LIMIT_REACHED, "%s",
                     rows[i].what);
        if (i == 4) {
            rig_checkpoint(&law.rig);
            rig_restart(&law.rig);
        }
    }
}

Test(law_limits, two_at_one_instant_are_two)
{
    law_limit(&law, "two-a-day", LIMITED_ACTIVITY, 2, LIMIT_REFUSE);
    law_start(&law);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_LIMIT_REACHED);
    cr_assert_eq(law_do(&law, "bob", "review"), VERDICT_ACCEPTED, "each member has its own");
}

Test(law_limits, what_a_limit_counts)
{
    law_limit(&law, "reviews", LIMITED_ACTIVITY, 1, LIMIT_REFUSE)->activity =
        BYTES_LITERAL("review");
    law_start(&law);
    cr_assert_eq(law_do(&law, "ann", "share"), VERDICT_ACCEPTED, "another kind");
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_REFERENCE_SEEN);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R2"), VERDICT_LIMIT_REACHED);
    cr_assert_eq(law_do(&law, "ann", "share"), VERDICT_ACCEPTED);
    cr_assert_eq(law_buy(&law, "ann", "O1", 100), VERDICT_ACCEPTED, "another kind of event");
}

/* 100.00 of money in a day: 60.00 and 40.00 are just it, 0.01 is over; euros are another money. */
Test(law_limits, a_sum_of_money)
{
    struct program_limit *limit = law_limit(&law, "money", LIMITED_PURCHASE, 10000, LIMIT_REFUSE);
    limit->measure = MEASURE_MONEY;
    limit->money = RIG_GBP;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 6000), VERDICT_ACCEPTED);
    cr_assert_eq(law_buy(&law, "ann", "O2", 4001), VERDICT_LIMIT_REACHED);
    cr_assert_eq(law_buy(&law, "ann", "O2", 4000), VERDICT_ACCEPTED, "a refused one counts not");
    cr_assert_eq(law_buy(&law, "ann", "O3", 1), VERDICT_LIMIT_REACHED);
    struct event_line line = {.line_id = BYTES_LITERAL("1"),
                              .kind = LINE_GOODS,
                              .amount_minor = 100,
                              .discount_minor = 100};
    struct event event = {
        .kind = EVENT_PURCHASE,
        .member = BYTES_LITERAL("ann"),
        .purchase = {
            .order_id = BYTES_LITERAL("O4"), .currency = RIG_GBP, .lines = &line, .line_count = 1}};
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED, "net of discount it is nothing");
    event.purchase.order_id = BYTES_LITERAL("O5");
    event.purchase.currency = RIG_EUR;
    line.discount_minor = 0;
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED, "another money");
}

/* 12 points in a day: 5 + 5 are granted, a third 5 would be 15; a share grants none and is free. */
Test(law_limits, a_sum_of_points)
{
    law_limit(&law, "points", LIMITED_ACTIVITY, 12, LIMIT_REFUSE)->measure = MEASURE_POINTS;
    law_start(&law);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_LIMIT_REACHED);
    cr_assert_eq(law_do(&law, "ann", "share"), VERDICT_ACCEPTED);
}

Test(law_limits, flags_are_told_and_nothing_else)
{
    law_limit(&law, "b-flag", LIMITED_ACTIVITY, 1, LIMIT_FLAG);
    law_limit(&law, "a-flag", LIMITED_ACTIVITY, 2, LIMIT_FLAG);
    law_limit(&law, "c-refuse", LIMITED_ACTIVITY, 3, LIMIT_REFUSE);
    law_start(&law);
    for (int i = 1; i <= 3; i++) {
        cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
        cr_assert_eq(law_paid(&law), 5);
    }
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_LIMIT_REACHED);
    cr_assert_eq(law_notices(&law, NOTICE_LIMIT_FLAGGED), 3, "2nd: b; 3rd: a and b");
    const struct notice *notice = law_notice(&law, NOTICE_LIMIT_FLAGGED, 1);
    const struct evidence *evidence = &notice->limit_flagged.evidence;
    cr_assert(bytes_equal(evidence->limit, BYTES_LITERAL("a-flag")), "in order of judgement");
    cr_assert_eq(evidence->value, 3);
    cr_assert_eq(evidence->threshold, 2);
    cr_assert_eq(evidence->window_end.ms, law.rig.now_ms);
    cr_assert_eq(evidence->window_start.ms, law.rig.now_ms - CALENDAR_DAY_MS);
    cr_assert_eq(evidence->event_count, 1);
    cr_assert(bytes_equal(evidence->events[0].id, BYTES_LITERAL("e3")));
    cr_assert_eq(evidence->ordinal_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(evidence->ordinals[i], 3 - i);
}

Test(law_limits, a_new_version_goes_on_counting_by_name)
{
    law_limit(&law, "reviews", LIMITED_ACTIVITY, 2, LIMIT_REFUSE);
    law_start(&law);
    law_do(&law, "ann", "review");
    law_do(&law, "ann", "review");
    law_limit(&law, "all", LIMITED_ACTIVITY, 1, LIMIT_REFUSE)->priority = 1;
    law_start(&law);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_LIMIT_REACHED);
    cr_assert(
        bytes_equal(rig_outcome(&law.rig)->detail, BYTES_LITERAL("the limit reviews is used up")),
        "the new one begins with nothing");
}

Test(law_limits, uses_out_of_reach_are_forgotten)
{
    law_limit(&law, "many", LIMITED_ACTIVITY, 3, LIMIT_REFUSE);
    law.program.accept_past_ms = 2 * CALENDAR_DAY_MS;
    law_start(&law);
    for (int day = 0; day < 300; day++) {
        law.rig.now_ms += CALENDAR_DAY_MS;
        for (int i = 0; i < 3; i++)
            cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
        cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_LIMIT_REACHED);
    }
    bool known;
    const struct member *member =
        members_find(&law.rig.state->members, BYTES_LITERAL("ann"), &law.rig.needs, &known);
    cr_assert_lt(member->fact_count, 3 * 4 + 2, "three days in reach and the one behind them");
}

/* ---- Anomalies ---- */

/* A review a day. Of the first days the mean over thirty days is small, and five times it less than
 * one: 5 × d ÷ 30 after d days, until d is 6. After 30 days it is 5 × 1: five on one day are not
 * above it, the sixth is. */
Test(law_limits, an_anomaly_is_above_the_own_mean)
{
    struct program_limit *limit = law_limit(&law, "growth", LIMITED_ACTIVITY, 0, LIMIT_FLAG);
    limit->window_ms = 0;
    limit->own_mean = (struct rate){5, 1};
    law_start(&law);
    for (int i = 0; i < 40; i++)
        law_do(&law, "new", "review");
    cr_assert_eq(law_notices(&law, NOTICE_LIMIT_FLAGGED), 0, "without a past nobody is judged");
    for (int day = 0; day < 30; day++) {
        law_do(&law, "ann", "review");
        law.rig.now_ms += CALENDAR_DAY_MS;
    }
    cr_assert_eq(law_notices(&law, NOTICE_LIMIT_FLAGGED), 5, "of the days 1 to 5");
    for (int i = 1; i <= 6; i++) {
        law_do(&law, "ann", "review");
        cr_assert_eq(law_notices(&law, NOTICE_LIMIT_FLAGGED), i == 6 ? 6 : 5, "review %d", i);
    }
    const struct evidence *evidence =
        &law_notice(&law, NOTICE_LIMIT_FLAGGED, 5)->limit_flagged.evidence;
    cr_assert_eq(evidence->value, 6);
    cr_assert_eq(evidence->threshold, 5);
}

/* The 30 days before the last 24 hours: one review 31 × 24 h ago is just outside, and one a
 * millisecond later inside. Twice its mean, 2 ÷ 30, is less than one review. */
Test(law_limits, the_past_of_an_anomaly)
{
    struct program_limit *limit = law_limit(&law, "growth", LIMITED_ACTIVITY, 0, LIMIT_REFUSE);
    limit->window_ms = 0;
    limit->own_mean = (struct rate){2, 1};
    law_start(&law);
    law_do(&law, "ann", "review");
    law_do(&law, "bob", "review");
    law.rig.now_ms += 31 * CALENDAR_DAY_MS;
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    law.rig.now_ms -= 1;
    struct event event = {.kind = EVENT_ACTIVITY,
                          .member = BYTES_LITERAL("bob"),
                          .occurred_at.ms = law.rig.now_ms,
                          .activity.kind = ACTIVITY_REVIEW};
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_LIMIT_REACHED);
}

/* ---- Quarantine ---- */

static void
quarantine_reviews(int64_t max)
{
    law_limit(&law, "reviews", LIMITED_ACTIVITY, max, LIMIT_QUARANTINE);
    law.program.quarantine_days = 30;
    law_start(&law);
}

Test(law_limits, a_quarantined_grant_waits)
{
    quarantine_reviews(1);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
    cr_assert_eq(law_paid(&law), 5, "it is granted");
    cr_assert_eq(law_active(&law, "ann"), 5);
    cr_assert_eq(law_pending(&law, "ann"), 5);
    const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, 1)->posting;
    cr_assert_eq(posting->kind, POSTING_QUARANTINE);
    cr_assert_eq(posting->from, ACCOUNT_ISSUED);
    cr_assert_eq(posting->to, ACCOUNT_PENDING);
    cr_assert_eq(law_notices(&law, NOTICE_QUARANTINED), 1);
    const struct notice *notice = law_notice(&law, NOTICE_QUARANTINED, 0);
    cr_assert_eq(notice->quarantined.points.units, 5);
    cr_assert(bytes_equal(notice->quarantined.currency, BYTES_LITERAL("points")));
    cr_assert_eq(notice->quarantined.undecided_until.ms, rig_at("2026-04-09T10:00:00Z").ms);
    cr_assert_eq(notice->quarantined.evidence.value, 2);
    cr_assert_eq(notice->quarantined.evidence.threshold, 1);
    cr_assert_eq(law_do(&law, "ann", "share"), VERDICT_ACCEPTED);
    cr_assert_eq(law_notices(&law, NOTICE_QUARANTINED), 1, "what grants nothing is not held");
}

Test(law_limits, released_it_activates_at_the_release)
{
    law.program.currencies[0].expiry =
        (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_MONTH};
    quarantine_reviews(0);
    law_do(&law, "ann", "review");
    law_at(&law, "2026-03-20T10:00:00Z");
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    cr_assert_eq(law_decide(&law, "ann", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 5);
    cr_assert_eq(law_pending(&law, "ann"), 0);
    const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, 1)->posting;
    cr_assert_eq(posting->kind, POSTING_QUARANTINE_RELEASE);
    cr_assert_eq(posting->effective_at.ms, law.rig.now_ms);
    cr_assert_eq(posting->lot_expires_at.ms, rig_at("2026-04-20T10:00:00Z").ms,
                 "its month begins with the release");
    cr_assert(bytes_equal(posting->actor, BYTES_LITERAL("eve")));
    cr_assert_eq(law_decide(&law, "ann", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_NOT_QUARANTINED);
    cr_assert_eq(law_decide(&law, "ann", EVENT_REJECT_QUARANTINE, "e1"), VERDICT_NOT_QUARANTINED);
}

Test(law_limits, released_before_its_own_instant_it_waits_on)
{
    law.awards[0].pending = (struct program_pending){PENDING_AFTER, {14, CALENDAR_DAY}, {0}};
    quarantine_reviews(0);
    law_do(&law, "ann", "review");
    law_at(&law, "2026-03-20T10:00:00Z");
    cr_assert_eq(law_decide(&law, "ann", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_pending(&law, "ann"), 5);
    rig_tick(&law.rig, "2026-03-24T09:59:59.999Z");
    cr_assert_eq(law_active(&law, "ann"), 0);
    rig_tick(&law.rig, "2026-03-24T10:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 5);
    const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, 1)->posting;
    cr_assert_eq(posting->kind, POSTING_ACTIVATE);
}

/* Nobody knew when it would activate; then its month begins with its own instant. */
Test(law_limits, released_before_its_own_instant_it_is_known_when_it_expires)
{
    law.awards[0].pending = (struct program_pending){PENDING_AFTER, {14, CALENDAR_DAY}, {0}};
    law.program.currencies[0].expiry =
        (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_MONTH};
    quarantine_reviews(0);
    law_do(&law, "ann", "review");
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.lots[0].expires_at.ms, INT64_MAX);
    law_at(&law, "2026-03-20T10:00:00Z");
    cr_assert_eq(law_decide(&law, "ann", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_ACCEPTED);
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.lots[0].expires_at.ms, rig_at("2026-04-24T10:00:00Z").ms);
}

Test(law_limits, its_own_instant_does_not_end_a_quarantine)
{
    law.awards[0].pending = (struct program_pending){PENDING_AFTER, {14, CALENDAR_DAY}, {0}};
    quarantine_reviews(0);
    law_do(&law, "ann", "review");
    rig_tick(&law.rig, "2026-03-25T10:00:00Z");
    cr_assert_eq(law_pending(&law, "ann"), 5);
    cr_assert_eq(law_decide(&law, "ann", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 5);
}

Test(law_limits, rejected_it_is_cancelled)
{
    quarantine_reviews(0);
    law_do(&law, "ann", "review");
    cr_assert_eq(law_decide(&law, "ann", EVENT_REJECT_QUARANTINE, "e1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_pending(&law, "ann"), 0);
    cr_assert_eq(law_active(&law, "ann"), 0);
    const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, 1)->posting;
    cr_assert_eq(posting->kind, POSTING_CANCEL);
    cr_assert_eq(posting->from, ACCOUNT_PENDING);
    cr_assert_eq(posting->to, ACCOUNT_REVERSED);
    rig_tick(&law.rig, "2026-04-10T10:00:00Z");
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_POSTINGS), 2, "it is over");
}

Test(law_limits, undecided_it_ends_by_itself)
{
    for (int rejects = 0; rejects < 2; rejects++) {
        const char *member = rejects ? "bob" : "ann";
        law_at(&law, rejects ? "2026-06-10T10:00:00Z" : "2026-03-10T10:00:00Z");
        law.program.quarantine_rejects = rejects;
        if (rejects) {
            law_start(&law);
        } else {
            quarantine_reviews(0);
        }
        law_do(&law, member, "review");
        rig_tick(&law.rig, rejects ? "2026-07-10T09:59:59.999Z" : "2026-04-09T09:59:59.999Z");
        cr_assert_eq(law_pending(&law, member), 5);
        rig_tick(&law.rig, rejects ? "2026-07-10T12:00:00Z" : "2026-04-09T12:00:00Z");
        cr_assert_eq(law_pending(&law, member), 0);
        cr_assert_eq(law_active(&law, member), rejects ? 0 : 5);
        size_t last = rig_effect_count(&law.rig, TOPIC_POSTINGS) - 1;
        const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, last)->posting;
        cr_assert_eq(posting->kind, rejects ? POSTING_CANCEL : POSTING_QUARANTINE_RELEASE);
        cr_assert_eq(posting->effective_at.ms,
                     rig_at(rejects ? "2026-07-10T10:00:00Z" : "2026-04-09T10:00:00Z").ms);
    }
}

/* Points are spent at 10:00: refunds until a millisecond before 12:00 follow it. A hold counts when
 * it is captured. */
Test(law_limits, a_refund_that_follows_a_redemption)
{
    static const struct {
        const char *what, *at;
        size_t flagged; /* so far */
    } rows[] = {
        {"before it", "2026-03-10T09:59:59.999Z", 0},
        {"at once", "2026-03-10T10:00:00Z", 1},
        {"just so", "2026-03-10T11:59:59.999Z", 2},
        {"two hours later", "2026-03-10T12:00:00Z", 2},
        {"while points are held", "2026-03-10T13:00:00Z", 2},
        {"after the capture", "2026-03-10T14:30:00Z", 3},
        {"late, before that", "2026-03-10T13:30:00Z", 3},
    };
    struct program_limit *limit = law_limit(&law, "gone", LIMITED_REFUND, 0, LIMIT_FLAG);
    limit->after_redeem_ms = 2 * INT64_C(3600000);
    law_start(&law);
    cr_assert_eq(law_buy_at(&law, "ann", "O1", 100000, "2026-03-10T08:00:00Z"), VERDICT_ACCEPTED);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 10), VERDICT_ACCEPTED);
    law_at(&law, "2026-03-10T13:00:00Z");
    struct event hold = {
        .kind = EVENT_HOLD,
        .member = BYTES_LITERAL("ann"),
        .hold = {BYTES_LITERAL("H1"), {.what = SPEND_POINTS, .points = {10}}, 86400000}};
    cr_assert_eq(rig_event(&law.rig, hold), VERDICT_ACCEPTED);
    law_at(&law, "2026-03-10T14:00:00Z");
    struct event capture = {.kind = EVENT_CAPTURE_HOLD,
                            .member = BYTES_LITERAL("ann"),
                            .capture_hold = {.hold_id = BYTES_LITERAL("H1")}};
    cr_assert_eq(rig_event(&law.rig, capture), VERDICT_ACCEPTED);
    law_at(&law, "2026-03-10T15:00:00Z");
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char id[] = {'R', (char)('0' + i), 0};
        struct event refund = {.kind = EVENT_REFUND,
                               .member = BYTES_LITERAL("ann"),
                               .occurred_at = rig_at(rows[i].at),
                               .refund = {.order_id = BYTES_LITERAL("O1"),
                                          .refund_id = bytes_of((const uint8_t *)id, 2),
                                          .currency = RIG_GBP,
                                          .amount_minor = 100}};
        cr_assert_eq(rig_event(&law.rig, refund), VERDICT_ACCEPTED);
        cr_assert_eq(law_notices(&law, NOTICE_LIMIT_FLAGGED), rows[i].flagged, "%s", rows[i].what);
    }
    const struct notice *notice = law_notice(&law, NOTICE_LIMIT_FLAGGED, 1);
    cr_assert_eq(notice->limit_flagged.evidence.value, 2, "refunds that follow are counted");
    cr_assert_eq(notice->limit_flagged.evidence.threshold, 0);
}

Test(law_limits, without_a_redemption_no_refund_follows_one)
{
    struct program_limit *limit = law_limit(&law, "gone", LIMITED_REFUND, 0, LIMIT_REFUSE);
    limit->after_redeem_ms = INT64_C(3600000);
    law_start(&law);
    law_buy(&law, "ann", "O1", 10000);
    law_buy(&law, "bob", "O1", 10000);
    cr_assert_eq(rig_redeem(&law.rig, "bob", "S1", 10), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&law.rig, "zoe", "O1", "R1", 1), VERDICT_ACCEPTED, "it waits");
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R1", 1), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&law.rig, "bob", "O1", "R1", 1), VERDICT_LIMIT_REACHED);
}

/* One review each 20 minutes, told in order but for the last, which is an hour late: 72 fill a day,
 * and of these the 32 newest are named. */
Test(law_limits, evidence_names_the_newest_events_that_made_the_figure)
{
    law_limit(&law, "flag", LIMITED_ACTIVITY, 71, LIMIT_FLAG);
    law_start(&law);
    for (int i = 0; i < 80; i++) {
        cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_ACCEPTED);
        law.rig.now_ms += 20 * 60000;
    }
    /* The 80th, ordinal 80, at 12:20 of the next day; the first within its day is the 9th. */
    size_t count = law_notices(&law, NOTICE_LIMIT_FLAGGED);
    const struct evidence *evidence =
        &law_notice(&law, NOTICE_LIMIT_FLAGGED, count - 1)->limit_flagged.evidence;
    cr_assert_eq(evidence->value, 72);
    cr_assert_eq(evidence->ordinal_count, EVIDENCE_ORDINALS_MAX);
    for (uint32_t i = 0; i < EVIDENCE_ORDINALS_MAX; i++)
        cr_assert_eq(evidence->ordinals[i], 80 - i);
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    /* 11:20 is the instant of the 77th: of one instant the later told comes first. */
    cr_assert_eq(law_do_at(&law, "ann", "review", "2026-03-11T11:20:00Z"), VERDICT_ACCEPTED);
    evidence = &law_notice(&law, NOTICE_LIMIT_FLAGGED, count)->limit_flagged.evidence;
    cr_assert_eq(evidence->value, 73);
    cr_assert_eq(evidence->ordinals[0], 81);
    cr_assert_eq(evidence->ordinals[1], 77);
}

Test(law_limits, only_the_first_quarantine_gives_evidence)
{
    law_limit(&law, "b", LIMITED_ACTIVITY, 0, LIMIT_QUARANTINE);
    law_limit(&law, "a", LIMITED_ACTIVITY, 0, LIMIT_QUARANTINE);
    law_start(&law);
    law_do(&law, "ann", "review");
    cr_assert_eq(law_notices(&law, NOTICE_QUARANTINED), 1);
    cr_assert(bytes_equal(law_notice(&law, NOTICE_QUARANTINED, 0)->quarantined.evidence.limit,
                          BYTES_LITERAL("a")));
}

Test(law_limits, refusal_wins_over_quarantine)
{
    law_limit(&law, "z-refuse", LIMITED_ACTIVITY, 0, LIMIT_REFUSE);
    law_limit(&law, "a-hold", LIMITED_ACTIVITY, 0, LIMIT_QUARANTINE);
    law_start(&law);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_LIMIT_REACHED);
    cr_assert_eq(law_notices(&law, NOTICE_QUARANTINED), 0);
}

Test(law_limits, whose_quarantine_it_is)
{
    quarantine_reviews(0);
    law_do(&law, "ann", "review");
    law_do(&law, "bob", "share");
    cr_assert_eq(law_decide(&law, "bob", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_NOT_QUARANTINED);
    cr_assert_eq(law_decide(&law, "bob", EVENT_RELEASE_QUARANTINE, "e2"), VERDICT_NOT_QUARANTINED);
    cr_assert_eq(law_decide(&law, "ann", EVENT_RELEASE_QUARANTINE, "e9"), VERDICT_NOT_QUARANTINED);
    cr_assert_eq(law_decide(&law, "cat", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_UNKNOWN_MEMBER);
    cr_assert_eq(law_decide(&law, "ann", EVENT_RELEASE_QUARANTINE, "e1"), VERDICT_ACCEPTED);
}

/* Gold from 50 growth, which the order earns at once although its points wait; rejected, the metric
 * falls by all of it and what the order returns later changes nothing more. */
Test(law_limits, a_rejected_order_counts_no_more)
{
    struct program_limit *limit = law_limit(&law, "big", LIMITED_PURCHASE, 5000, LIMIT_QUARANTINE);
    limit->measure = MEASURE_MONEY;
    limit->money = RIG_GBP;
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics[0] = {.kind = METRIC_SPEND,
                       .money = RIG_GBP,
                       .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
                       .mission = PROGRAM_NONE},
        .metric_count = 1,
        .window = WINDOW_LIFETIME,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_NONE,
        .levels = {{.id = BYTES_LITERAL("basic"), .multiplier = {1, 1}},
                   {.id = BYTES_LITERAL("gold"), .thresholds = {20000}, .multiplier = {1, 1}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 10000), VERDICT_ACCEPTED);
    cr_assert_eq(law_pending(&law, "ann"), 100);
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.tiers[0].metrics[0].value, 10000);
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    cr_assert_eq(law_decide(&law, "ann", EVENT_REJECT_QUARANTINE, "e1"), VERDICT_ACCEPTED);
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.tiers[0].metrics[0].value, 0);
    cr_assert_eq(law_pending(&law, "ann"), 0);
    cr_assert_eq(rig_cancel(&law.rig, "ann", "O1"), VERDICT_ACCEPTED);
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.tiers[0].metrics[0].value, 0, "it has fallen already");
    cr_assert_eq(rig_arrears(&law.rig, "ann"), 0, "and nothing is owed for it");
}

/* The order of March is silver from April on. Nobody decides upon it until 9 April: then it counts
 * no more, and April begins as if it had not been. */
Test(law_limits, what_time_rejects_corrects_the_closed_period)
{
    law_limit(&law, "orders", LIMITED_PURCHASE, 0, LIMIT_QUARANTINE);
    law.program.quarantine_rejects = true;
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics[0] = {.kind = METRIC_SPEND,
                       .money = RIG_GBP,
                       .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
                       .mission = PROGRAM_NONE},
        .metric_count = 1,
        .window = WINDOW_CALENDAR_MONTH,
        .upgrade = UPGRADE_NEXT_PERIOD,
        .downgrade = DOWNGRADE_TO_QUALIFIED,
        .levels = {{.id = BYTES_LITERAL("blue"), .multiplier = {1, 1}},
                   {.id = BYTES_LITERAL("silver"), .thresholds = {10000}, .multiplier = {1, 1}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 10000), VERDICT_ACCEPTED);
    rig_tick(&law.rig, "2026-04-01T00:00:00Z");
    cr_assert(rig_level_is(&law.rig, "ann", "silver"));
    rig_tick(&law.rig, "2026-04-09T10:00:00Z");
    cr_assert_eq(law_pending(&law, "ann"), 0);
    cr_assert(rig_level_is(&law.rig, "ann", "blue"));
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_TIERS), 2);
    const struct tier_change *change = &rig_effect(&law.rig, TOPIC_TIERS, 1)->tier_change;
    cr_assert_eq(change->direction, TIER_CORRECTED);
    cr_assert_eq(change->reason, TIER_BY_REVIEW);
    cr_assert_eq(change->cause_id.size, 0, "time did it");
}

/* A refund leaves tier value standing until the period ends; a rejection takes all of it. */
Test(law_limits, a_rejected_order_takes_also_the_tier_value_that_refunds_left)
{
    law_limit(&law, "orders", LIMITED_PURCHASE, 0, LIMIT_QUARANTINE);
    law.program.returns.keeps_tier_value = true;
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics = {{.id = BYTES_LITERAL("spent"),
                     .kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE},
                    {.id = BYTES_LITERAL("points"),
                     .kind = METRIC_POINTS,
                     .mission = PROGRAM_NONE}},
        .metric_count = 2,
        .window = WINDOW_CALENDAR_YEAR,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_TO_QUALIFIED,
        .levels = {{.id = BYTES_LITERAL("blue"), .multiplier = {1, 1}},
                   {.id = BYTES_LITERAL("gold"), .thresholds = {50000, 500}, .multiplier = {1, 1}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 10000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R1", 4000), VERDICT_ACCEPTED);
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.tiers[0].metrics[0].value, 10000);
    cr_assert_eq(view.tiers[0].metrics[1].value, 100);
    cr_assert_eq(law_decide(&law, "ann", EVENT_REJECT_QUARANTINE, "e1"), VERDICT_ACCEPTED);
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.tiers[0].metrics[0].value, 0);
    cr_assert_eq(view.tiers[0].metrics[1].value, 0);
}

static int64_t
visits(const char *member)
{
    struct member_view view;
    cr_assert(rig_view(&law.rig, member, &view));
    return view.tiers[0].metrics[0].value;
}

/* One visit each; an order of which everything came back is none before it is rejected. */
Test(law_limits, a_rejected_order_was_no_visit)
{
    static const struct {
        const char *what, *member, *order;
        int64_t returned, left; /* of 100.00; visits before it is rejected */
    } rows[] = {
        {"nothing came back", "ann", "O1", 0, 1},
        {"a part came back", "bob", "O2", 4000, 1},
        {"all came back", "cid", "O3", 10000, 0},
    };
    struct program_limit *limit = law_limit(&law, "big", LIMITED_PURCHASE, 5000, LIMIT_QUARANTINE);
    limit->measure = MEASURE_MONEY;
    limit->money = RIG_GBP;
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics[0] = {.kind = METRIC_VISITS, .of_purchases = true, .mission = PROGRAM_NONE},
        .metric_count = 1,
        .window = WINDOW_LIFETIME,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_NONE,
        .levels = {{.id = BYTES_LITERAL("basic"), .multiplier = {1, 1}},
                   {.id = BYTES_LITERAL("gold"), .thresholds = {9}, .multiplier = {1, 1}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law_start(&law);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bought[32];
        cr_assert_eq(law_buy(&law, rows[i].member, rows[i].order, 10000), VERDICT_ACCEPTED);
        snprintf(bought, sizeof bought, "%s", law_last_event(&law));
        if (rows[i].returned > 0)
            rig_refund(&law.rig, rows[i].member, rows[i].order, "R1", rows[i].returned);
        cr_assert_eq(visits(rows[i].member), rows[i].left, "%s", rows[i].what);
        enum verdict verdict = law_decide(&law, rows[i].member, EVENT_REJECT_QUARANTINE, bought);
        cr_assert_eq(verdict, rows[i].left > 0 ? VERDICT_ACCEPTED : VERDICT_NOT_QUARANTINED, "%s",
                     rows[i].what);
        cr_assert_eq(visits(rows[i].member), 0, "%s", rows[i].what);
    }
}
