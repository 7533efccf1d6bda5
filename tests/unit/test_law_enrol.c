/* Enrolment, and events of somebody who is not enrolled (semantics §4). */
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
    law_award(&law, "welcome", AWARD_SIGN_UP, 100);
    law_at(&law, "2026-03-10T10:00:00Z");
}

static void
end(void)
{
    law_close(&law);
}

TestSuite(law_enrol, .init = begin, .fini = end);

/* The i-th outcome of all. */
static const struct outcome *
outcome(size_t index)
{
    const struct effect *effect = rig_effect(&law.rig, TOPIC_OUTCOMES, index);
    cr_assert_not_null(effect);
    return &effect->outcome;
}

static struct event
simple(enum event_kind kind, const char *member)
{
    return (struct event){.kind = kind, .member = bytes_from_cstr(member)};
}

Test(law_enrol, who_is_unknown_under_each_policy)
{
    static const struct {
        const char *what;
        enum event_kind kind;
        enum verdict verdicts[3]; /* auto-enrol, park, reject */
    } rows[] = {
        {"activity", EVENT_ACTIVITY, {VERDICT_ACCEPTED, VERDICT_PARKED, VERDICT_UNKNOWN_MEMBER}},
        {"profile",
         EVENT_PROFILE_UPDATE,
         {VERDICT_UNKNOWN_MEMBER, VERDICT_PARKED, VERDICT_UNKNOWN_MEMBER}},
        {"release",
         EVENT_RELEASE_QUARANTINE,
         {VERDICT_UNKNOWN_MEMBER, VERDICT_PARKED, VERDICT_UNKNOWN_MEMBER}},
        {"enrol", EVENT_ENROL, {VERDICT_ACCEPTED, VERDICT_ACCEPTED, VERDICT_ACCEPTED}},
    };
    static const enum unknown_member policies[] = {UNKNOWN_AUTO_ENROL, UNKNOWN_PARK,
                                                   UNKNOWN_REJECT};
    for (size_t p = 0; p < 3; p++) {
        law.program.unknown_member = policies[p];
        law_start(&law);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            char member[16];
            snprintf(member, sizeof member, "m%zu-%zu", p, i);
            struct event event = simple(rows[i].kind, member);
            if (rows[i].kind == EVENT_ACTIVITY) event.activity.kind = ACTIVITY_REVIEW;
            if (rows[i].kind == EVENT_RELEASE_QUARANTINE)
                event.quarantine_end.granted_by =
                    (struct event_ref){BYTES_LITERAL("shop"), BYTES_LITERAL("e1")};
            cr_assert_eq(rig_event(&law.rig, event), rows[i].verdicts[p], "%s under %zu",
                         rows[i].what, p);
        }
    }
}

Test(law_enrol, enrolment_is_dated_by_the_event)
{
    law_start(&law);
    cr_assert_eq(law_do_at(&law, "ann", "review", "2026-03-01T00:00:00Z"), VERDICT_ACCEPTED);
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    cr_assert_eq(view.enrolled_at.ms, rig_at("2026-03-01T00:00:00Z").ms);
}

Test(law_enrol, an_enrolment_may_tell_a_birthday)
{
    law_award(&law, "cake", AWARD_BIRTHDAY, 20);
    law_start(&law);
    struct event event = simple(EVENT_ENROL, "ann");
    event.enrol.birthday = (struct birthday){3, 12};
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED);
    rig_tick(&law.rig, "2026-03-12T00:00:00Z");
    cr_assert_eq(law_active(&law, "ann"), 120);
}

/* What waits: an order (60), a review (5), a spend of 50. Enrolment pays 100; then in order of
 * arrival 60, 5, and the spend finds 165. */
static void
park_three(void)
{
    law_award(&law, "thanks", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("review");
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 6000), VERDICT_PARKED);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_PARKED);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 50), VERDICT_PARKED);
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_POSTINGS), 0);
    struct member_view view;
    cr_assert_not(rig_view(&law.rig, "ann", &view), "who is parked is not enrolled");
}

static void
check_three(void)
{
    cr_assert_eq(law_active(&law, "ann"), 115);
    const enum event_kind kinds[] = {EVENT_ENROL, EVENT_PURCHASE, EVENT_ACTIVITY, EVENT_REDEEM};
    for (size_t i = 0; i < 4; i++) {
        const struct outcome *told = outcome(3 + i);
        cr_assert_eq(told->event_kind, kinds[i]);
        cr_assert_eq(told->verdict, VERDICT_ACCEPTED);
        cr_assert_eq(told->further, i > 0);
        cr_assert_eq(told->ordinal, i == 0 ? 4 : i, "each keeps its own ordinal");
    }
    cr_assert_eq(outcome(4)->amounts[0].granted.units, 60);
    const struct posting *posting = &rig_effect(&law.rig, TOPIC_POSTINGS, 1)->posting;
    cr_assert_eq(posting->lot.ordinal, 1, "a lot is numbered by its event");
    cr_assert_eq(law_buy(&law, "ann", "O1", 6000), VERDICT_ORDER_EXISTS);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_REFERENCE_SEEN);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 50), VERDICT_ID_IN_USE);
    cr_assert_eq(rig_cancel(&law.rig, "ann", "O1"), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 55);
}

Test(law_enrol, what_was_parked_is_judged_on_enrolment)
{
    park_three();
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
    check_three();
}

Test(law_enrol, parked_events_survive_a_restart)
{
    park_three();
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
    rig_checkpoint(&law.rig);
    rig_restart(&law.rig);
    check_three();
}

Test(law_enrol, a_repeat_of_a_parked_event_repeats_parked)
{
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    struct event event = simple(EVENT_ACTIVITY, "ann");
    event.activity.kind = ACTIVITY_REVIEW;
    event.id = BYTES_LITERAL("x");
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_PARKED);
    for (int enrolled = 0; enrolled < 2; enrolled++) {
        cr_assert_eq(rig_event(&law.rig, event), VERDICT_DUPLICATE);
        cr_assert_eq(rig_outcome(&law.rig)->first_verdict, VERDICT_PARKED);
        cr_assert_eq(rig_outcome(&law.rig)->ordinal, 1);
        law_enrol(&law, "ann");
    }
}

/* Parked under version 1, judged by what is active at the enrolment: version 2 has been in effect
 * since the order. Its age is not judged again. */
Test(law_enrol, parked_events_are_judged_by_the_versions_then_active)
{
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 6000), VERDICT_PARKED);
    struct program_rule rule = law.program.rules[0];
    rule.rate = (struct rate){1, 50};
    law.program.rules = &rule;
    law_start(&law);
    law_at(&law, "2028-03-10T10:00:00Z");
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 220);
}

Test(law_enrol, a_refused_parked_event_gets_its_refusal)
{
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 500), VERDICT_PARKED);
    cr_assert_eq(law_buy(&law, "ann", "O1", 1000), VERDICT_PARKED);
    cr_assert_eq(law_buy(&law, "ann", "O1", 2000), VERDICT_PARKED);
    law_enrol(&law, "ann");
    cr_assert_eq(outcome(3)->verdict, VERDICT_ACCEPTED);
    cr_assert_not(outcome(3)->further);
    cr_assert_eq(outcome(4)->verdict, VERDICT_INSUFFICIENT_POINTS);
    cr_assert(outcome(4)->further);
    cr_assert_eq(outcome(5)->verdict, VERDICT_ACCEPTED);
    cr_assert_eq(outcome(6)->verdict, VERDICT_ORDER_EXISTS);
    cr_assert_eq(law_active(&law, "ann"), 110);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 5), VERDICT_ACCEPTED,
                 "a refused spend's id is free");
}

/* A refund told before its order and one behind it, 30.00 of 60.00 in all, and a spend between
 * them: on enrolment 100 for signing up, 60 for the order less 30 for what waited for it, and the
 * spend of 150 finds 130. Once these are spent, the other 30 are owed. */
Test(law_enrol, returns_of_parked_orders)
{
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    law.rig.cold = true;
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R1", 1000), VERDICT_ACCEPTED);
    cr_assert(rig_outcome(&law.rig)->waiting);
    cr_assert_eq(law_buy(&law, "ann", "O1", 6000), VERDICT_PARKED);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 150), VERDICT_PARKED);
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R2", 2000), VERDICT_ACCEPTED);
    cr_assert(rig_outcome(&law.rig)->waiting, "its order waits, too");
    law_enrol(&law, "ann");
    cr_assert_eq(rig_outcome(&law.rig)->verdict, VERDICT_INSUFFICIENT_POINTS);
    cr_assert_eq(law_active(&law, "ann"), 130);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S2", 130), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R3", 3000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_arrears(&law.rig, "ann"), 30);
}

/* A lot of one month, parked for three, expires on arrival; what comes back of its order finds
 * nothing of it left. */
Test(law_enrol, parked_orders_may_be_past_everything)
{
    law.program.unknown_member = UNKNOWN_PARK;
    law.program.currencies[0].expiry =
        (struct program_expiry){.kind = EXPIRY_PERIOD, .amount = 1, .unit = CALENDAR_MONTH};
    law_start(&law);
    law.rig.cold = true;
    cr_assert_eq(law_buy(&law, "ann", "O1", 6000), VERDICT_PARKED);
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R1", 6000), VERDICT_ACCEPTED);
    law_at(&law, "2026-06-10T10:00:00Z");
    law_enrol(&law, "ann");
    cr_assert_eq(rig_outcome(&law.rig)->verdict, VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 100);
    cr_assert_eq(rig_arrears(&law.rig, "ann"), 0);
}

Test(law_enrol, a_later_version_may_enrol_by_earning)
{
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O1", 1000), VERDICT_PARKED);
    law.program.unknown_member = UNKNOWN_AUTO_ENROL;
    law_start(&law);
    cr_assert_eq(law_buy(&law, "ann", "O2", 2000), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 130);
}

Test(law_enrol, not_everything_is_kept)
{
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    for (int i = 0; i < 16; i++)
        cr_assert_eq(law_buy(&law, "ann", "O1", 1000 + i), VERDICT_PARKED);
    cr_assert_eq(law_buy(&law, "ann", "O1", 5000), VERDICT_LIMIT_REACHED, "of one order");
    for (int i = 16; i < 100; i++)
        cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_PARKED);
    cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_LIMIT_REACHED, "of one member");
    cr_assert_eq(law_do(&law, "bob", "review"), VERDICT_PARKED);
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
    cr_assert_eq(rig_effect_count(&law.rig, TOPIC_OUTCOMES), 100 + 2 + 1 + 1 + 100);
}

Test(law_enrol, lots_of_time_do_not_take_the_names_of_parked_ones)
{
    law_award(&law, "cake", AWARD_BIRTHDAY, 20);
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    law_enrol(&law, "ann");
    law_tell_birthday(&law, "ann", 3, 12);
    cr_assert_eq(law_buy(&law, "bob", "O1", 1000), VERDICT_PARKED);
    rig_tick(&law.rig, "2026-03-12T00:00:00Z");
    law_enrol(&law, "bob");
    struct lot_id by_time = rig_effect(&law.rig, TOPIC_POSTINGS, 1)->posting.lot;
    struct lot_id parked = rig_effect(&law.rig, TOPIC_POSTINGS, 3)->posting.lot;
    cr_assert_eq(by_time.ordinal, 3);
    cr_assert_eq(parked.ordinal, 3);
    cr_assert_neq(by_time.index, parked.index);
}

Test(law_enrol, the_reach_of_counts_does_not_bind_parked_events)
{
    struct program_award *award = law_award(&law, "thanks", AWARD_ACTIVITY, 5);
    award->activity = BYTES_LITERAL("review");
    award->times = (struct program_times){1, PER_DAY};
    law.program.unknown_member = UNKNOWN_PARK;
    law_start(&law);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(law_do(&law, "ann", "review"), VERDICT_PARKED);
    law_at(&law, "2028-03-10T10:00:00Z");
    cr_assert_eq(law_enrol(&law, "ann"), VERDICT_ACCEPTED);
    cr_assert_eq(law_active(&law, "ann"), 105, "three on one day pay once, however old they are");
}
