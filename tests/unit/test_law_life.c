/* Members' lives and points by hand (semantics §10). 1 point per 1.00. */
#include <criterion/criterion.h>

#include "engine/core/calendar.h"
#include "tests/unit/law_rig.h"

static struct law law;

static void
begin(void)
{
    law_open(&law);
    law.program.currencies[0].expiry = (struct program_expiry){
        .kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_MONTH, .round_up_to = CALENDAR_MONTH};
    law_at(&law, "2026-01-10T12:00:00Z");
}

static void
end(void)
{
    law_close(&law);
}

TestSuite(law_life, .init = begin, .fini = end);

static enum verdict
tell(const char *at, struct event event)
{
    law_at(&law, at);
    event.member = BYTES_LITERAL("ann");
    return rig_event(&law.rig, event);
}

static enum verdict
change(const char *at, enum event_kind kind)
{
    return tell(at, (struct event){.kind = kind,
                                   .state_change = {.reason = BYTES_LITERAL("because"),
                                                    .actor = BYTES_LITERAL("boss")}});
}

static enum verdict
buy(const char *at, const char *order, int64_t minor)
{
    law_at(&law, at);
    return law_buy(&law, "ann", order, minor);
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

/* ---- States ---- */

Test(law_life, each_state_allows_what_it_allows)
{
    static const struct {
        enum event_kind before; /* 0: active */
        enum verdict buys, spends, suspend, resume, freeze, unfreeze, reopen;
    } rows[] = {
        {0, VERDICT_ACCEPTED, VERDICT_ACCEPTED, VERDICT_ACCEPTED, VERDICT_WRONG_STATE,
         VERDICT_ACCEPTED, VERDICT_WRONG_STATE, VERDICT_WRONG_STATE},
        {EVENT_SUSPEND, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_WRONG_STATE,
         VERDICT_ACCEPTED, VERDICT_ACCEPTED, VERDICT_WRONG_STATE, VERDICT_WRONG_STATE},
        {EVENT_FREEZE, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_WRONG_STATE,
         VERDICT_WRONG_STATE, VERDICT_WRONG_STATE, VERDICT_ACCEPTED, VERDICT_WRONG_STATE},
        {EVENT_CLOSE, VERDICT_MEMBER_CLOSED, VERDICT_MEMBER_CLOSED, VERDICT_MEMBER_CLOSED,
         VERDICT_MEMBER_CLOSED, VERDICT_MEMBER_CLOSED, VERDICT_MEMBER_CLOSED, VERDICT_ACCEPTED},
    };
    static const enum event_kind changes[] = {EVENT_SUSPEND, EVENT_RESUME, EVENT_FREEZE,
                                              EVENT_UNFREEZE, EVENT_REOPEN};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const enum verdict expected[] = {rows[i].suspend, rows[i].resume, rows[i].freeze,
                                         rows[i].unfreeze, rows[i].reopen};
        for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
            if (i + c > 0) {
                law_close(&law);
                begin();
            }
            law_start(&law);
            cr_assert_eq(change("2026-01-10T12:00:00Z", EVENT_CLOSE), VERDICT_UNKNOWN_MEMBER);
            buy("2026-01-10T12:00:00Z", "O1", 10000);
            if (rows[i].before != 0)
                cr_assert_eq(change("2026-01-11T00:00:00Z", rows[i].before), VERDICT_ACCEPTED);
            cr_assert_eq(buy("2026-01-12T00:00:00Z", "O2", 100), rows[i].buys, "row %zu", i);
            cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 10), rows[i].spends, "row %zu", i);
            cr_assert_eq(change("2026-01-13T00:00:00Z", changes[c]), expected[c], "row %zu, %zu", i,
                         c);
        }
    }
}

Test(law_life, a_suspended_members_clocks_run)
{
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000); /* to 1 March */
    change("2026-02-01T00:00:00Z", EVENT_SUSPEND);
    cr_assert_eq(active_at("2026-03-01T00:00:00Z"), 0);
}

/* Frozen from 1 to 11 February: ten days are added to every instant that was not reached. */
Test(law_life, freezing_pauses_expiry)
{
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000); /* to 1 March */
    change("2026-02-01T00:00:00Z", EVENT_FREEZE);
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    change("2026-02-11T00:00:00Z", EVENT_UNFREEZE);
    cr_assert_eq(active_at("2026-03-10T23:59:59Z"), 100);
    cr_assert_eq(active_at("2026-03-11T00:00:00Z"), 0);
}

Test(law_life, a_frozen_member_is_past_no_instant)
{
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000); /* to 1 March */
    change("2026-02-15T00:00:00Z", EVENT_FREEZE);
    cr_assert_eq(active_at("2026-06-01T00:00:00Z"), 100);
    change("2026-06-01T00:00:00Z", EVENT_UNFREEZE); /* 106 days on: 15 June */
    cr_assert_eq(active_at("2026-06-14T23:59:59Z"), 100);
    cr_assert_eq(active_at("2026-06-15T00:00:00Z"), 0);
}

/* Granted while frozen: only the time since the grant is added. */
Test(law_life, what_is_adjusted_while_frozen_moves_by_its_own_time)
{
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 100);
    change("2026-02-01T00:00:00Z", EVENT_FREEZE);
    struct event adjust = {.kind = EVENT_ADJUST,
                           .adjust = {.points.units = 50,
                                      .expires_at = rig_at("2026-03-01T00:00:00Z"),
                                      .reason = BYTES_LITERAL("r"),
                                      .actor = BYTES_LITERAL("a")}};
    cr_assert_eq(tell("2026-02-06T00:00:00Z", adjust), VERDICT_ACCEPTED);
    change("2026-02-11T00:00:00Z", EVENT_UNFREEZE);
    cr_assert_eq(active_at("2026-03-06T00:00:00Z"), 1, "five days for the 50, ten for the 1");
    cr_assert_eq(active_at("2026-03-11T00:00:00Z"), 0);
}

Test(law_life, unfreezing_returns_to_the_state_before)
{
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 100);
    change("2026-02-01T00:00:00Z", EVENT_SUSPEND);
    change("2026-02-02T00:00:00Z", EVENT_FREEZE);
    change("2026-02-03T00:00:00Z", EVENT_UNFREEZE);
    cr_assert_eq(buy("2026-02-04T00:00:00Z", "O2", 100), VERDICT_MEMBER_NOT_ACTIVE);
}

Test(law_life, closing_forfeits_and_writes_off)
{
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000);
    cr_assert_eq(change("2026-01-11T00:00:00Z", EVENT_CLOSE), VERDICT_ACCEPTED);
    cr_assert_eq(posting(0)->kind, POSTING_FORFEIT);
    cr_assert_eq(posting(0)->amount.units, 100);
    cr_assert_eq(law_active(&law, "ann"), 0);
    cr_assert_eq(change("2026-01-12T00:00:00Z", EVENT_REOPEN), VERDICT_ACCEPTED);
    buy("2026-01-13T00:00:00Z", "O2", 10000);
    rig_redeem(&law.rig, "ann", "S1", 100);
    rig_refund(&law.rig, "ann", "O2", "R1", 10000);
    cr_assert_eq(rig_arrears(&law.rig, "ann"), 100);
    change("2026-01-14T00:00:00Z", EVENT_CLOSE);
    cr_assert_eq(posting(0)->kind, POSTING_WRITE_OFF);
    cr_assert_eq(rig_arrears(&law.rig, "ann"), 0);
    cr_assert_eq(buy("2026-01-15T00:00:00Z", "O3", 100), VERDICT_MEMBER_CLOSED);
}

/* ---- Grants ---- */

static struct event
grant(int64_t points)
{
    return (struct event){.kind = EVENT_GRANT,
                          .grant = {.points.units = points,
                                    .reason = BYTES_LITERAL("campaign"),
                                    .actor = BYTES_LITERAL("boss")}};
}

Test(law_life, grants_by_hand)
{
    law_start(&law);
    cr_assert_eq(tell("2026-01-10T12:00:00Z", grant(5)), VERDICT_UNKNOWN_MEMBER);
    buy("2026-01-10T12:00:00Z", "O1", 100);
    cr_assert_eq(tell("2026-01-11T00:00:00Z", grant(5)), VERDICT_ACCEPTED);
    cr_assert_eq(posting(0)->kind, POSTING_GRANT);
    cr_assert_eq(posting(0)->rule.size, 0, "no rule has granted them");
    cr_assert_eq(posting(0)->lot_expires_at.ms, rig_at("2026-03-01T00:00:00Z").ms);
    struct event never = grant(7);
    never.grant.never_expires = true;
    never.grant.activates_at = rig_at("2026-01-20T00:00:00Z");
    cr_assert_eq(tell("2026-01-12T00:00:00Z", never), VERDICT_ACCEPTED);
    cr_assert_eq(law_pending(&law, "ann"), 7);
    cr_assert_eq(active_at("2026-01-20T00:00:00Z"), 13);
    cr_assert_eq(active_at("2030-01-01T00:00:00Z"), 7);
    struct event of_order = grant(1);
    of_order.grant.order_id = BYTES_LITERAL("O9");
    cr_assert_eq(tell("2030-01-02T00:00:00Z", of_order), VERDICT_UNKNOWN_ORDER);
    struct event funded = grant(1);
    funded.grant.funder = BYTES_LITERAL("nobody");
    cr_assert_eq(tell("2030-01-03T00:00:00Z", funded), VERDICT_MALFORMED);
    struct event other = grant(1);
    other.grant.currency = BYTES_LITERAL("miles");
    cr_assert_eq(tell("2030-01-04T00:00:00Z", other), VERDICT_UNKNOWN_POINTS_CURRENCY);
    cr_assert_eq(tell("2030-01-05T00:00:00Z", grant(INT64_MAX)), VERDICT_OVERFLOW);
}

/* ---- Adjustments and approvals ---- */

static struct event
adjust(int64_t points, bool may_owe)
{
    return (struct event){.kind = EVENT_ADJUST,
                          .id = BYTES_LITERAL("A1"),
                          .source = BYTES_LITERAL("desk"),
                          .adjust = {.points.units = points,
                                     .may_owe = may_owe,
                                     .reason = BYTES_LITERAL("a mistake"),
                                     .actor = BYTES_LITERAL("amy")}};
}

static struct event
approve(const char *actor)
{
    return (struct event){.kind = EVENT_APPROVE,
                          .approve = {.awaiting = {BYTES_LITERAL("desk"), BYTES_LITERAL("A1")},
                                      .actor = bytes_from_cstr(actor)}};
}

Test(law_life, adjustments)
{
    static const struct {
        const char *what;
        int64_t points;
        bool may_owe;
        enum verdict verdict;
        int64_t active, arrears;
    } rows[] = {
        {"more", 50, false, VERDICT_ACCEPTED, 150, 0},
        {"less", -60, false, VERDICT_ACCEPTED, 40, 0},
        {"all", -100, false, VERDICT_ACCEPTED, 0, 0},
        {"below the balance", -101, false, VERDICT_INSUFFICIENT_POINTS, 100, 0},
        {"below the balance, and that is meant", -130, true, VERDICT_ACCEPTED, 0, 30},
        {"beyond 63 bits", INT64_MAX, false, VERDICT_OVERFLOW, 100, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0) {
            law_close(&law);
            begin();
        }
        law_start(&law);
        cr_assert_eq(tell("2026-01-10T12:00:00Z", adjust(1, false)), VERDICT_UNKNOWN_MEMBER);
        buy("2026-01-10T12:00:00Z", "O1", 10000);
        struct event event = adjust(rows[i].points, rows[i].may_owe);
        event.id = BYTES_LITERAL("A2");
        cr_assert_eq(tell("2026-01-11T00:00:00Z", event), rows[i].verdict, "%s", rows[i].what);
        cr_assert_eq(law_active(&law, "ann"), rows[i].active, "%s", rows[i].what);
        cr_assert_eq(rig_arrears(&law.rig, "ann"), rows[i].arrears, "%s", rows[i].what);
    }
}

Test(law_life, two_pairs_of_eyes)
{
    law.program.approval_above[0] = 100;
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000);
    struct event small = adjust(100, false);
    small.id = BYTES_LITERAL("A0");
    cr_assert_eq(tell("2026-01-11T00:00:00Z", small), VERDICT_ACCEPTED, "equality is allowed");
    cr_assert_eq(tell("2026-01-11T00:00:00Z", adjust(101, false)), VERDICT_AWAITING_APPROVAL);
    cr_assert_eq(law_active(&law, "ann"), 200);
    const struct notice *notice = law_notice(&law, NOTICE_APPROVAL_WANTED, 0);
    cr_assert_eq(notice->approval_wanted.points.units, 101);
    cr_assert_eq(notice->approval_wanted.lapses_at.ms, rig_at("2026-01-18T00:00:00Z").ms);
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.waiting_count, 1);
    cr_assert(bytes_equal(view.waiting[0].id, BYTES_LITERAL("desk/A1")));
    cr_assert_eq(view.waiting[0].until.ms, rig_at("2026-01-18T00:00:00Z").ms);
    cr_assert_eq(tell("2026-01-12T00:00:00Z", approve("amy")), VERDICT_SAME_ACTOR);
    size_t outcomes = rig_effect_count(&law.rig, TOPIC_OUTCOMES);
    cr_assert_eq(tell("2026-01-13T00:00:00Z", approve("bob")), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 301);
    const struct outcome *further = &rig_effect(&law.rig, TOPIC_OUTCOMES, outcomes)->outcome;
    cr_assert(further->further && bytes_equal(further->id, BYTES_LITERAL("A1")));
    cr_assert_eq(further->verdict, VERDICT_ACCEPTED);
    cr_assert_eq(tell("2026-01-14T00:00:00Z", approve("bob")), VERDICT_NOT_AWAITING);
}

Test(law_life, nobody_approves)
{
    law.program.approval_above[0] = 100;
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000);
    tell("2026-01-11T00:00:00Z", adjust(101, false));
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    law.rig.cold = true;
    rig_tick(&law.rig, "2026-01-17T23:59:59Z");
    cr_assert_eq(law_notices(&law, NOTICE_APPROVAL_LAPSED), 0);
    rig_tick(&law.rig, "2026-01-18T00:00:00Z");
    cr_assert_eq(law_notices(&law, NOTICE_APPROVAL_LAPSED), 1);
    cr_assert(bytes_equal(law_notice(&law, NOTICE_APPROVAL_LAPSED, 0)->approval_lapsed.awaiting.id,
                          BYTES_LITERAL("A1")));
    cr_assert_eq(tell("2026-01-18T00:00:01Z", approve("bob")), VERDICT_NOT_AWAITING);
}

Test(law_life, an_approval_is_judged_when_it_comes)
{
    law.program.approval_above[0] = 50;
    law_start(&law);
    buy("2026-01-10T12:00:00Z", "O1", 10000);
    cr_assert_eq(tell("2026-01-11T00:00:00Z", adjust(-80, false)), VERDICT_AWAITING_APPROVAL);
    rig_redeem(&law.rig, "ann", "S1", 30);
    cr_assert_eq(tell("2026-01-12T00:00:00Z", approve("bob")), VERDICT_INSUFFICIENT_POINTS);
    buy("2026-01-13T00:00:00Z", "O2", 1000);
    cr_assert_eq(tell("2026-01-14T00:00:00Z", approve("bob")), VERDICT_ACCEPTED, "it still waits");
    cr_assert_eq(law_active(&law, "ann"), 0);
}
