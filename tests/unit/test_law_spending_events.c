/* Spends, holds and undoing told event by event (semantics §5): what postings say, very many lots,
 * batches, and the limits of 63 bits. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/calendar.h"
#include "tests/unit/story.h"

static struct program program;

static void
begin(void)
{
    program = rig_program();
}

TestSuite(law_spending_events, .init = begin);

static struct rig rig;

static enum verdict
tell_event(struct event event)
{
    event.member = BYTES_LITERAL("ann");
    return rig_event(&rig, event);
}

static void
grant(int64_t points, const char *until)
{
    struct event event = {.kind = EVENT_GRANT, .grant = {.points = {points}}};
    event.grant.never_expires = until == NULL;
    if (until != NULL) event.grant.expires_at = rig_at(until);
    cr_assert_eq(tell_event(event), VERDICT_ACCEPTED);
}

static void
open_with_ann(void)
{
    rig_open(&rig);
    rig_start(&rig, &program);
    cr_assert_eq(tell_event((struct event){.kind = EVENT_ENROL}), VERDICT_ACCEPTED);
}

static void
close_rig(void)
{
    rig_checkpoint(&rig);
    rig_verify(&rig);
    rig_close(&rig);
}

static const struct posting *
last_posting(void)
{
    return &rig_effect(&rig, TOPIC_POSTINGS, rig_effect_count(&rig, TOPIC_POSTINGS) - 1)->posting;
}

/* Kind, accounts, ids, reason and actor of the last posting. */
static void
expect_posting(enum posting_kind kind, const char *spend, const char *hold, const char *order,
               const char *reason, const char *actor)
{
    const struct posting *posting = last_posting();
    cr_expect_eq(posting->kind, kind);
    cr_expect(bytes_equal(posting->spend_id, bytes_from_cstr(spend)), "spend of %d", kind);
    cr_expect(bytes_equal(posting->hold_id, bytes_from_cstr(hold)), "hold of %d", kind);
    cr_expect(bytes_equal(posting->order_id, bytes_from_cstr(order)), "order of %d", kind);
    cr_expect(bytes_equal(posting->reason, bytes_from_cstr(reason)), "reason of %d", kind);
    cr_expect(bytes_equal(posting->actor, bytes_from_cstr(actor)), "actor of %d", kind);
}

Test(law_spending_events, postings_say_what_they_belong_to)
{
    static const struct program_payment payment = {.money = RIG_GBP, .rate = {1, 1}};
    struct spend_request request = {
        .what = SPEND_PAYMENT,
        .payment = {.order_id = BYTES_LITERAL("O9"), .currency = RIG_GBP, .amount_minor = 40},
        .reason = BYTES_LITERAL("lunch"),
        .actor = BYTES_LITERAL("till 7"),
    };
    program.spending.payments = &payment;
    program.spending.payment_count = 1;
    open_with_ann();
    grant(200, NULL);
    tell_event((struct event){.kind = EVENT_REDEEM, .redeem = {BYTES_LITERAL("S1"), request}});
    expect_posting(POSTING_REDEEM, "S1", "", "O9", "lunch", "till 7");
    tell_event((struct event){.kind = EVENT_CANCEL_REDEMPTION,
                              .cancel_redemption = {.spend_id = BYTES_LITERAL("S1"),
                                                    .points = {10},
                                                    .reason = BYTES_LITERAL("cold"),
                                                    .actor = BYTES_LITERAL("chef")}});
    expect_posting(POSTING_UNDO, "S1", "", "O9", "cold", "chef");
    for (int i = 0; i < 3; i++) {
        static const char *const ids[] = {"H0", "H1", "H2"};
        tell_event((struct event){
            .kind = EVENT_HOLD, .hold = {.hold_id = bytes_from_cstr(ids[i]), .request = request}});
        expect_posting(POSTING_HOLD, "", ids[i], "O9", "lunch", "till 7");
    }
    tell_event((struct event){
        .kind = EVENT_CAPTURE_HOLD,
        .capture_hold = {.hold_id = BYTES_LITERAL("H0"), .reason = BYTES_LITERAL("eaten")}});
    expect_posting(POSTING_CAPTURE, "", "H0", "O9", "eaten", "");
    tell_event((struct event){.kind = EVENT_CANCEL_REDEMPTION,
                              .cancel_redemption = {.spend_id = BYTES_LITERAL("H0")}});
    expect_posting(POSTING_UNDO, "", "H0", "O9", "", "");
    tell_event((struct event){
        .kind = EVENT_RELEASE_HOLD,
        .release_hold = {.hold_id = BYTES_LITERAL("H1"), .reason = BYTES_LITERAL("gone")}});
    expect_posting(POSTING_RELEASE, "", "H1", "O9", "gone", "");
    rig_tick(&rig, "2026-01-01T00:20:00Z");
    expect_posting(POSTING_RELEASE, "", "H2", "O9", "", "");
    cr_assert_eq(last_posting()->event_id.size, 0, "time did it");
    cr_assert_eq(last_posting()->effective_at.ms, rig_at("2026-01-01T00:15:00Z").ms);
    const struct notice *notice = &rig_effect(&rig, TOPIC_NOTICES, 0)->notice;
    cr_assert_eq(notice->kind, NOTICE_HOLD_TIMED_OUT);
    cr_assert_eq(notice->effective_at.ms, rig_at("2026-01-01T00:15:00Z").ms);
    cr_assert(bytes_equal(notice->hold_timed_out.hold_id, BYTES_LITERAL("H2")));
    cr_assert(bytes_equal(notice->hold_timed_out.currency, BYTES_LITERAL("points")));
    cr_assert_eq(notice->hold_timed_out.points.units, 40);
    close_rig();
}

/* Points of guest orders wait until a member claims them; whoever is not known has none. */
Test(law_spending_events, guests_and_strangers_cannot_spend)
{
    static const struct bytes guest = BYTES_LITERAL(KEY_GUEST_PREFIX "g1");
    open_with_ann();
    struct spend_request request = {.what = SPEND_POINTS, .points = {1}};
    struct event hold = {
        .kind = EVENT_HOLD,
        .member = guest,
        .hold = {.hold_id = BYTES_LITERAL("H1"), .request = request},
    };
    cr_assert_eq(rig_event(&rig, hold), VERDICT_UNKNOWN_MEMBER);
    cr_assert_eq(rig_buy(&rig, KEY_GUEST_PREFIX "g1", "O1", 1000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_event(&rig, hold), VERDICT_GUEST_CANNOT_SPEND);
    cr_assert_eq(rig_redeem(&rig, KEY_GUEST_PREFIX "g1", "S1", 1), VERDICT_GUEST_CANNOT_SPEND);
    struct event undo = {
        .kind = EVENT_CANCEL_REDEMPTION,
        .member = BYTES_LITERAL("bob"),
        .cancel_redemption = {.spend_id = BYTES_LITERAL("S1")},
    };
    cr_assert_eq(rig_event(&rig, undo), VERDICT_UNKNOWN_MEMBER);
    close_rig();
}

/* A grant looks through the lots that are there: under a sanitizer 35,000 take a minute. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LOTS = 3500 };
#else
enum { LOTS = 35000 };
#endif

/* A row of very many parts; all of it is taken, held, released, and undone again. */
Test(law_spending_events, a_spend_may_draw_on_very_many_lots)
{
    struct event hold = {
        .kind = EVENT_HOLD,
        .hold = {.hold_id = BYTES_LITERAL("H1"),
                 .request = {.what = SPEND_POINTS, .points = {LOTS - 1}}},
    };
    open_with_ann();
    for (int i = 0; i < LOTS; i++)
        grant(1, NULL);
    cr_assert_eq(tell_event(hold), VERDICT_ACCEPTED);
    rig_tick(&rig, "2026-01-02T00:00:00Z");
    cr_assert_eq(rig_active(&rig, "ann"), LOTS);
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", LOTS), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann"), 0);
    rig_checkpoint(&rig);
    rig_restart(&rig);
    struct event undo = {.kind = EVENT_CANCEL_REDEMPTION,
                         .cancel_redemption = {.spend_id = BYTES_LITERAL("S1")}};
    cr_assert_eq(tell_event(undo), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann"), LOTS);
    close_rig();
}

/* Ten lots come back at once, between others that were never spent; those past their instant live
 * until the grace ends, behind lots that they were spent before. The checkpoint looks at their
 * order. */
Test(law_spending_events, lots_that_come_back_stand_in_spend_order)
{
    static const struct {
        const char *what, *from;
        int64_t grace_ms, active;
    } rows[] = {
        {"all before their instants", "2026-01-02T00:00:00Z", 0, 110},
        {"some past them", "2026-01-05T12:00:00Z", 0, 70},
        {"some past them, with a grace", "2026-01-05T12:00:00Z", INT64_C(30) * 86400000, 110},
        {"all past them, with a grace", "2026-01-20T12:00:00Z", INT64_C(30) * 86400000, 110},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event undo = {.kind = EVENT_CANCEL_REDEMPTION,
                             .cancel_redemption = {.spend_id = BYTES_LITERAL("S1")}};
        program.spending.restore_grace_ms = rows[i].grace_ms;
        open_with_ann();
        grant(10, NULL);
        for (int day = 11; day > 1; day--) {
            char until[] = "2026-01-00T00:00:00Z";
            until[8] = (char)('0' + day / 10);
            until[9] = (char)('0' + day % 10);
            until[12] = '1';
            grant(10, until);
        }
        cr_assert_eq(rig_redeem(&rig, "ann", "S1", 100), VERDICT_ACCEPTED);
        rig_tick(&rig, rows[i].from);
        cr_assert_eq(tell_event(undo), VERDICT_ACCEPTED);
        cr_expect_eq(rig_active(&rig, "ann"), rows[i].active, "%s", rows[i].what);
        rig_checkpoint(&rig);
        if (rows[i].grace_ms == 0) {
            cr_expect_eq(rig_redeem(&rig, "ann", "S2", 10), VERDICT_ACCEPTED);
            int64_t first_ms = last_posting()->lot_expires_at.ms;
            cr_expect_eq(rig_redeem(&rig, "ann", "S3", 10), VERDICT_ACCEPTED);
            cr_expect_gt(last_posting()->lot_expires_at.ms, first_ms, "%s", rows[i].what);
        }
        close_rig();
    }
}

static struct entry
entry_of(struct event event, const char *id)
{
    event.member = BYTES_LITERAL("ann");
    event.source = BYTES_LITERAL("batch");
    event.id = bytes_from_cstr(id);
    event.occurred_at.ms = rig.now_ms;
    return (struct entry){.kind = ENTRY_EVENT, .event = event};
}

/* What a batch needs is loaded before any of it is applied: then there is no spend yet of which an
 * undoing could ask for lots, and the capture's is a hold. */
Test(law_spending_events, a_batch_may_undo_what_it_spends)
{
    struct spend_request request = {.what = SPEND_POINTS, .points = {100}};
    struct entry batch[] = {
        entry_of((struct event){.kind = EVENT_CAPTURE_HOLD,
                                .capture_hold = {.hold_id = BYTES_LITERAL("H1")}},
                 "capture"),
        entry_of((struct event){.kind = EVENT_CANCEL_REDEMPTION,
                                .cancel_redemption = {.spend_id = BYTES_LITERAL("H1")}},
                 "undo capture"),
        entry_of((struct event){.kind = EVENT_REDEEM, .redeem = {BYTES_LITERAL("S1"), request}},
                 "spend"),
        entry_of((struct event){.kind = EVENT_CANCEL_REDEMPTION,
                                .cancel_redemption = {.spend_id = BYTES_LITERAL("S1")}},
                 "undo spend"),
    };
    const size_t count = sizeof batch / sizeof batch[0];
    open_with_ann();
    grant(100, NULL);
    tell_event((struct event){.kind = EVENT_HOLD, .hold = {BYTES_LITERAL("H1"), request, 0}});
    rig_checkpoint(&rig);
    rig_restart(&rig);
    cr_assert(state_reserve(rig.state, count, &rig.fault));
    for (size_t i = 0; i < count; i++) {
        batch[i].event.occurred_at.ms = rig.now_ms;
        rig_load(&rig, &batch[i]);
    }
    for (size_t i = 0; i < count; i++) {
        cr_assert(rig_apply(&rig, &batch[i]));
        cr_assert_eq(rig_outcome(&rig)->verdict, VERDICT_ACCEPTED, "%zu", i);
    }
    cr_assert_eq(rig_active(&rig, "ann"), 100);
    close_rig();
}

/* What comes back finds as little room as anything that comes: 63 bits. */
Test(law_spending_events, what_comes_back_may_overflow)
{
    const int64_t most = INT64_MAX;
    open_with_ann();
    grant(most - 10, NULL);
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", most - 10), VERDICT_ACCEPTED);
    struct event adjust = {.kind = EVENT_ADJUST,
                           .adjust = {.points = {100},
                                      .reason = BYTES_LITERAL("r"),
                                      .actor = BYTES_LITERAL("a"),
                                      .never_expires = true}};
    struct event undo = {.kind = EVENT_CANCEL_REDEMPTION,
                         .cancel_redemption = {.spend_id = BYTES_LITERAL("S1")}};
    cr_assert_eq(tell_event(adjust), VERDICT_ACCEPTED);
    cr_assert_eq(tell_event(undo), VERDICT_OVERFLOW);
    cr_assert_eq(rig_active(&rig, "ann"), 100);
    undo.cancel_redemption.points.units = most - 100;
    cr_assert_eq(tell_event(undo), VERDICT_ACCEPTED);
    /* Held points count: they come back by themselves. */
    struct event hold = {.kind = EVENT_HOLD,
                         .hold = {.hold_id = BYTES_LITERAL("H1"),
                                  .request = {.what = SPEND_POINTS, .points = {most}}}};
    cr_assert_eq(tell_event(hold), VERDICT_ACCEPTED);
    cr_assert_eq(tell_event(adjust), VERDICT_OVERFLOW);
    /* 90 are redeemed by now: with all of these they have 63 bits no more. */
    struct event capture = {.kind = EVENT_CAPTURE_HOLD,
                            .capture_hold = {.hold_id = BYTES_LITERAL("H1")}};
    cr_assert_eq(tell_event(capture), VERDICT_OVERFLOW);
    rig_tick(&rig, "2026-01-02T00:00:00Z");
    cr_assert_eq(rig_active(&rig, "ann"), most);
    close_rig();
}
