/* Due work: its instants, its order, its budget, and tiers' reviews (semantics §2, §7, §8). */
#include <criterion/criterion.h>
#include <stdio.h>

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

TestSuite(fold_due, .init = begin, .fini = end);

static enum verdict
buy_at(const char *text, const char *order, int64_t minor)
{
    rig.now_ms = rig_at(text).ms;
    return rig_buy(&rig, "ann", order, minor);
}

static void
end_of_next_month(void)
{
    program.currencies[0].expiry =
        (struct program_expiry){EXPIRY_PERIOD, 1, CALENDAR_MONTH, CALENDAR_MONTH};
}

Test(fold_due, expiry_is_dated_at_its_instant)
{
    end_of_next_month();
    rig_start(&rig, &program);
    buy_at("2026-01-10T00:00:00Z", "O1", 5000);
    rig_tick(&rig, "2026-03-05T07:00:00Z");
    const struct posting *posting = &rig_effect(&rig, TOPIC_POSTINGS, 1)->posting;
    cr_assert_eq(posting->kind, POSTING_EXPIRE);
    cr_assert_eq(posting->effective_at.ms, rig_at("2026-03-01T00:00:00Z").ms);
    cr_assert_eq(posting->journal_time.ms, rig_at("2026-03-05T07:00:00Z").ms);
    cr_assert_eq(posting->active_after.units, 0);
    cr_assert_eq(posting->event_id.size, 0, "no event caused it");
    cr_assert(bytes_equal(posting->rule, BYTES_LITERAL("base")));
}

Test(fold_due, a_members_due_work_is_done_before_its_event)
{
    end_of_next_month();
    rig_start(&rig, &program);
    buy_at("2026-01-10T00:00:00Z", "O1", 5000);
    rig.now_ms = rig_at("2026-03-01T00:00:00Z").ms;
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", 10), VERDICT_INSUFFICIENT_POINTS);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_POSTINGS), 2);
}

Test(fold_due, a_lot_past_its_instant_expires_inside_its_own_event_and_pays_no_arrears)
{
    end_of_next_month();
    rig_start(&rig, &program);
    buy_at("2026-01-10T00:00:00Z", "O1", 5000);
    rig_redeem(&rig, "ann", "S1", 50);
    rig_refund(&rig, "ann", "O1", "R1", 5000);
    cr_assert_eq(rig_arrears(&rig, "ann"), 50);
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 3000};
    struct event late = {.kind = EVENT_PURCHASE,
                         .member = BYTES_LITERAL("ann"),
                         .occurred_at = rig_at("2026-01-11T00:00:00Z"),
                         .purchase = {BYTES_LITERAL("O2"), RIG_GBP, {0}, {0}, 0, 0, &line, 1}};
    rig.now_ms = rig_at("2026-06-01T00:00:00Z").ms;
    cr_assert_eq(rig_event(&rig, late), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann"), 0);
    cr_assert_eq(rig_arrears(&rig, "ann"), 50);
    size_t count = rig_effect_count(&rig, TOPIC_POSTINGS);
    cr_assert_eq(rig_effect(&rig, TOPIC_POSTINGS, count - 2)->posting.kind, POSTING_GRANT);
    cr_assert_eq(rig_effect(&rig, TOPIC_POSTINGS, count - 1)->posting.kind, POSTING_EXPIRE);
    cr_assert_eq(rig_cancel(&rig, "ann", "O2"), VERDICT_ACCEPTED);
    cr_assert_eq(rig_arrears(&rig, "ann"), 50, "what expired is not clawed back");
}

Test(fold_due, notices_go_out_once_an_instant_grouped)
{
    end_of_next_month();
    program.currencies[0].notice_days = 7;
    rig_start(&rig, &program);
    buy_at("2026-01-10T00:00:00Z", "O1", 5000);
    buy_at("2026-01-12T00:00:00Z", "O2", 1000);
    rig_tick(&rig, "2026-02-21T23:59:59Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), 0);
    rig_tick(&rig, "2026-02-22T00:00:00Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), 1);
    const struct notice *notice = &rig_effect(&rig, TOPIC_NOTICES, 0)->notice;
    cr_assert_eq(notice->expiring_soon.points.units, 60);
    cr_assert_eq(notice->expiring_soon.expires_at.ms, rig_at("2026-03-01T00:00:00Z").ms);
    cr_assert_eq(notice->effective_at.ms, rig_at("2026-02-22T00:00:00Z").ms);
    /* A late lot for the same instant is not told again; one for another instant is. */
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 700};
    struct event late = {.kind = EVENT_PURCHASE,
                         .member = BYTES_LITERAL("ann"),
                         .occurred_at = rig_at("2026-01-20T00:00:00Z"),
                         .purchase = {BYTES_LITERAL("O3"), RIG_GBP, {0}, {0}, 0, 0, &line, 1}};
    rig_event(&rig, late);
    rig_tick(&rig, "2026-02-28T00:00:00Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), 1);
    rig_tick(&rig, "2026-03-01T00:00:00Z");
    cr_assert_eq(rig_active(&rig, "ann"), 0);
    buy_at("2026-03-02T00:00:00Z", "O4", 1000);
    rig_tick(&rig, "2026-04-24T00:00:00Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), 2);
}

Test(fold_due, a_notice_is_not_older_than_its_lot)
{
    program.currencies[0].expiry =
        (struct program_expiry){EXPIRY_PERIOD, 3, CALENDAR_DAY, CALENDAR_NONE};
    program.currencies[0].notice_days = 30;
    rig_start(&rig, &program);
    buy_at("2026-01-10T00:00:00Z", "O1", 5000);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), 1, "due at once");
    cr_assert_eq(rig_effect(&rig, TOPIC_NOTICES, 0)->notice.effective_at.ms,
                 rig_at("2026-01-10T00:00:00Z").ms);
}

/* 200 members' lots at one instant: 64 after an event, in order of enrolment, the rest later, also
 * across a restart. */
Test(fold_due, other_members_due_work_is_bounded_and_ordered)
{
    enum { MEMBERS = 200 };
    end_of_next_month();
    rig_start(&rig, &program);
    for (unsigned i = 0; i < MEMBERS; i++) {
        char member[16];
        snprintf(member, sizeof member, "m%03u", i);
        rig_buy(&rig, member, "O1", 10000);
    }
    rig.now_ms = rig_at("2026-03-01T00:00:00Z").ms;
    size_t before = rig_effect_count(&rig, TOPIC_POSTINGS);
    for (unsigned round = 1; round <= 4; round++) {
        rig_event(&rig, (struct event){.kind = EVENT_ENROL, .member = BYTES_LITERAL("late")});
        unsigned expired = (unsigned)(rig_effect_count(&rig, TOPIC_POSTINGS) - before);
        cr_assert_eq(expired, round < 4 ? 64 * round : MEMBERS, "round %u", round);
        struct state_info info;
        state_info(rig.state, &info);
        cr_assert_eq(info.due_backlog, MEMBERS - expired);
        if (round == 2) {
            rig_checkpoint(&rig);
            rig_restart(&rig);
            rig_tick(&rig,
                     "2026-02-01T00:00:00Z"); /* loads the hints; the clock does not go back */
            cr_assert_eq(rig_effect_count(&rig, TOPIC_POSTINGS) - before, MEMBERS,
                         "a tick does up to 65,536");
            break;
        }
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        char member[16];
        snprintf(member, sizeof member, "m%03u", i);
        cr_assert(bytes_equal(rig_effect(&rig, TOPIC_POSTINGS, before + i)->posting.member,
                              bytes_from_cstr(member)));
    }
}

/* ---- Tiers ---- */

static void
set_tiers(enum downgrade downgrade, enum window_kind window)
{
    program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("club"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {BASIS_LESS_DISCOUNT, 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .upgrade = UPGRADE_IMMEDIATE,
        .window = window,
        .downgrade = downgrade,
        .levels = {{BYTES_LITERAL("blue"), {0}, {1, 1}},
                   {BYTES_LITERAL("silver"), {10000}, {1, 1}},
                   {BYTES_LITERAL("gold"), {50000}, {1, 1}}},
        .level_count = 3,
    };
    program.group_count = 1;
}

Test(fold_due, reviews_by_policy)
{
    static const struct {
        const char *what;
        enum downgrade downgrade;
        int64_t second_year; /* spent in 2027 */
        const char *after_one, *after_two;
        size_t changes; /* besides the upgrade */
    } rows[] = {
        {"none", DOWNGRADE_NONE, 0, "gold", "gold", 0},
        {"one step", DOWNGRADE_ONE_STEP, 0, "gold", "silver", 2},
        {"one step, half way", DOWNGRADE_ONE_STEP, 12000, "gold", "silver", 2},
        {"to qualified", DOWNGRADE_TO_QUALIFIED, 0, "gold", "blue", 2},
        {"to qualified, half way", DOWNGRADE_TO_QUALIFIED, 12000, "gold", "silver", 2},
        {"renewed twice", DOWNGRADE_TO_QUALIFIED, 50000, "gold", "gold", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) {
            rig_close(&rig);
            begin();
        }
        set_tiers(rows[i].downgrade, WINDOW_CALENDAR_YEAR);
        rig_start(&rig, &program);
        buy_at("2026-05-01T00:00:00Z", "O1", 60000);
        cr_assert(rig_level_is(&rig, "ann", "gold"), "%s: several levels at once", rows[i].what);
        cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), 1);
        rig_tick(&rig, "2027-01-01T00:00:00Z");
        cr_assert(rig_level_is(&rig, "ann", rows[i].after_one), "%s", rows[i].what);
        if (rows[i].second_year > 0) buy_at("2027-05-01T00:00:00Z", "O2", rows[i].second_year);
        rig_tick(&rig, "2028-01-01T00:00:00Z");
        cr_assert(rig_level_is(&rig, "ann", rows[i].after_two), "%s", rows[i].what);
        cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), 1 + rows[i].changes, "%s", rows[i].what);
    }
}

Test(fold_due, a_change_names_cause_metric_and_validity)
{
    set_tiers(DOWNGRADE_TO_QUALIFIED, WINDOW_CALENDAR_YEAR);
    rig_start(&rig, &program);
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 20000};
    struct event event = {.kind = EVENT_PURCHASE,
                          .id = BYTES_LITERAL("cause"),
                          .traceparent = BYTES_LITERAL("00-1"),
                          .member = BYTES_LITERAL("ann"),
                          .occurred_at = rig_at("2026-01-01T00:00:00Z"),
                          .purchase = {BYTES_LITERAL("O1"), RIG_GBP, {0}, {0}, 0, 0, &line, 1}};
    rig.now_ms = rig_at("2026-01-01T05:00:00Z").ms;
    rig_event(&rig, event);
    const struct tier_change *change = &rig_effect(&rig, TOPIC_TIERS, 0)->tier_change;
    cr_assert_eq(change->direction, TIER_UPGRADED);
    cr_assert(bytes_equal(change->from, BYTES_LITERAL("blue")) &&
              bytes_equal(change->to, BYTES_LITERAL("silver")));
    cr_assert(bytes_equal(change->cause_id, BYTES_LITERAL("cause")));
    cr_assert(bytes_equal(change->traceparent, BYTES_LITERAL("00-1")));
    cr_assert_eq(change->metric_value, 20000);
    cr_assert_eq(change->effective_at.ms, rig_at("2026-01-01T00:00:00Z").ms);
    cr_assert_eq(change->valid_until.ms, rig_at("2027-01-01T00:00:00Z").ms);
    rig_tick(&rig, "2027-06-01T00:00:00Z");
    change = &rig_effect(&rig, TOPIC_TIERS, 1)->tier_change;
    cr_assert_eq(change->direction, TIER_RENEWED);
    rig_tick(&rig, "2028-06-01T00:00:00Z");
    change = &rig_effect(&rig, TOPIC_TIERS, 2)->tier_change;
    cr_assert_eq(change->direction, TIER_DOWNGRADED);
    cr_assert_eq(change->effective_at.ms, rig_at("2028-01-01T00:00:00Z").ms);
    cr_assert_eq(change->cause_id.size, 0, "a review decided");
    cr_assert_eq(change->valid_until.ms, INT64_MAX, "the lowest level has no end");
    rig_tick(&rig, "2030-01-01T00:00:00Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), 3, "the lowest level is not renewed");
}

Test(fold_due, refunds_lower_the_metric_but_no_tier_before_its_review)
{
    set_tiers(DOWNGRADE_TO_QUALIFIED, WINDOW_CALENDAR_YEAR);
    rig_start(&rig, &program);
    buy_at("2026-05-01T00:00:00Z", "O1", 60000);
    rig_refund(&rig, "ann", "O1", "R1", 55000);
    cr_assert(rig_level_is(&rig, "ann", "gold"));
    rig_tick(&rig, "2027-01-01T00:00:00Z");
    cr_assert(rig_level_is(&rig, "ann", "blue"));
    cr_assert_eq(rig_effect(&rig, TOPIC_TIERS, 1)->tier_change.metric_value, 5000);
}

/* The order of December raises the closed year's metric above gold; its notice is due in that year.
 */
Test(fold_due, a_late_event_corrects_the_latest_closed_period)
{
    end_of_next_month();
    program.currencies[0].notice_days = 40;
    set_tiers(DOWNGRADE_TO_QUALIFIED, WINDOW_CALENDAR_YEAR);
    rig_start(&rig, &program);
    buy_at("2026-05-01T00:00:00Z", "O1", 20000);
    rig_tick(&rig, "2027-01-10T00:00:00Z");
    size_t before = rig_effect_count(&rig, TOPIC_TIERS);
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 60000};
    struct event late = {
        .kind = EVENT_PURCHASE,
        .member = BYTES_LITERAL("ann"),
        .occurred_at = rig_at("2026-12-20T00:00:00Z"),
        .purchase = {
            .order_id = BYTES_LITERAL("O2"), .currency = RIG_GBP, .lines = &line, .line_count = 1}};
    size_t notices = rig_effect_count(&rig, TOPIC_NOTICES);
    cr_assert_eq(rig_event(&rig, late), VERDICT_ACCEPTED);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_NOTICES), notices + 1);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS), before + 1);
    const struct tier_change *change = &rig_effect(&rig, TOPIC_TIERS, before)->tier_change;
    cr_assert_eq(change->direction, TIER_CORRECTED);
    cr_assert_eq(change->effective_at.ms, rig_at("2027-01-10T00:00:00Z").ms);
    cr_assert(rig_level_is(&rig, "ann", "gold"));
}

/* The newer version takes only events of the last hour; the older one still judges older events. */
Test(fold_due, an_old_event_finds_its_tier_also_when_newer_versions_take_none_as_old)
{
    set_tiers(DOWNGRADE_TO_QUALIFIED, WINDOW_CALENDAR_YEAR);
    program.groups[0].levels[1].multiplier = (struct rate){2, 1};
    struct program_rule rule = program.rules[0];
    rule.tier_group = 0;
    program.rules = &rule;
    rig_start(&rig, &program);
    buy_at("2026-02-01T00:00:00Z", "O1", 20000);
    buy_at("2026-03-01T00:00:00Z", "O2", 40000);
    rig_refund(&rig, "ann", "O2", "R1", 40000);
    program.version = 2;
    program.effective_from = rig_at("2026-06-01T00:00:00Z");
    program.accept_past_ms = INT64_C(60) * 60 * 1000;
    rig_activate(&rig, &program);
    rig_tick(&rig, "2027-01-02T00:00:00Z");
    cr_assert(rig_level_is(&rig, "ann", "silver"), "gold ended with the year");
    int64_t before = rig_active(&rig, "ann");
    struct event_line line = {
        .line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = 1000};
    struct event late = {
        .kind = EVENT_PURCHASE,
        .member = BYTES_LITERAL("ann"),
        .occurred_at = rig_at("2026-02-15T00:00:00Z"),
        .purchase = {
            .order_id = BYTES_LITERAL("O3"), .currency = RIG_GBP, .lines = &line, .line_count = 1}};
    cr_assert_eq(rig_event(&rig, late), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann") - before, 20);
}

Test(fold_due, lifetime_tiers_by_points_are_not_reviewed)
{
    set_tiers(DOWNGRADE_TO_QUALIFIED, WINDOW_LIFETIME);
    program.groups[0].metrics[0].kind = METRIC_POINTS;
    program.groups[0].levels[1].thresholds[0] = 100;
    program.groups[0].levels[2].thresholds[0] = 200;
    rig_start(&rig, &program);
    buy_at("2026-05-01T00:00:00Z", "O1", 15000);
    cr_assert(rig_level_is(&rig, "ann", "silver"));
    buy_at("2027-05-01T00:00:00Z", "O2", 4900);
    cr_assert(rig_level_is(&rig, "ann", "silver"));
    rig_redeem(&rig, "ann", "S1", 199);
    buy_at("2028-05-01T00:00:00Z", "O3", 100);
    cr_assert(rig_level_is(&rig, "ann", "gold"), "what is spent still counts");
    rig_cancel(&rig, "ann", "O1");
    rig_tick(&rig, "2029-02-01T00:00:00Z");
    cr_assert(rig_level_is(&rig, "ann", "gold"));
    struct member_view view;
    cr_assert(rig_view(&rig, "ann", &view));
    cr_assert_eq(view.tiers[0].metrics[0].value, 50);
    cr_assert_eq(view.tiers[0].valid_until.ms, INT64_MAX);
}

/* A level that a later version no longer has counts as the next lower one. */
Test(fold_due, a_removed_level_maps_to_the_next_lower)
{
    set_tiers(DOWNGRADE_NONE, WINDOW_CALENDAR_YEAR);
    rig_start(&rig, &program);
    buy_at("2026-05-01T00:00:00Z", "O1", 60000);
    program.version = 2;
    program.groups[0].level_count = 2;
    program.effective_from = rig_at("2026-05-02T00:00:00Z");
    rig.now_ms = rig_at("2026-05-02T00:00:00Z").ms;
    rig_activate(&rig, &program);
    cr_assert(rig_level_is(&rig, "ann", "silver"));
}

/* 100 members to be judged by a new version: the first by its own event, and 64 more after it. */
Test(fold_due, who_was_judged_by_an_own_event_is_no_item_of_the_cursor)
{
    enum { MEMBERS = 100 };
    set_tiers(DOWNGRADE_TO_QUALIFIED, WINDOW_CALENDAR_YEAR);
    rig_start(&rig, &program);
    for (unsigned i = 0; i < MEMBERS; i++) {
        char member[16];
        snprintf(member, sizeof member, "m%03u", i);
        rig_buy(&rig, member, "O1", 20000);
    }
    program.version = 2;
    program.groups[0].levels[2].thresholds[0] = 20000;
    program.effective_from = rig_at("2026-06-01T00:00:00Z");
    rig_activate(&rig, &program);
    size_t before = rig_effect_count(&rig, TOPIC_TIERS);
    rig.now_ms = rig_at("2026-06-01T00:00:00Z").ms;
    cr_assert_eq(rig_buy(&rig, "m000", "O2", 100), VERDICT_ACCEPTED);
    cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS) - before, 1 + 64);
    rig_tick(&rig, "2026-06-01T00:00:01Z");
    cr_assert_eq(rig_effect_count(&rig, TOPIC_TIERS) - before, MEMBERS, "each once");
}
