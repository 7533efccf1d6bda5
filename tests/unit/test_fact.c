/* Facts of a member's row, what of them is due, and members that are not enrolled. */
#include "engine/core/fact.h"
#include "engine/core/order.h"

#include <criterion/criterion.h>

#include "engine/core/due.h"
#include "engine/core/lot.h"
#include "engine/core/state_priv.h"
#include "tests/unit/fold_rig.h"

static struct rig rig;
static struct program program;
static struct member *ann;

static struct member *
find(const char *key)
{
    bool known;
    return members_find(&rig.state->members, bytes_from_cstr(key), NULL, &known);
}

static void
begin(void)
{
    rig_open(&rig);
    program = rig_program();
    rig_start(&rig, &program);
    rig_buy(&rig, "ann", "O1", 1000);
    ann = find("ann");
    members_write(&rig.state->members, ann); /* what enrolment and order have left is not ours */
    facts_remove(&rig.state->members, &ann, (struct facts){member_facts(ann), ann->fact_count});
}

static void
end(void)
{
    rig_checkpoint(&rig);
    rig_verify(&rig);
    rig_close(&rig);
}

TestSuite(fact, .init = begin, .fini = end);

static void
set(enum fact_kind kind, uint32_t slot, int64_t key, uint32_t index, int64_t a)
{
    struct fact fact = {
        .kind = (uint8_t)kind, .slot = (uint16_t)slot, .index = index, .key = key, .a = a};
    members_write(&rig.state->members, ann);
    fact_set(&rig.state->members, &ann, &fact);
}

Test(fact, stand_in_order_whatever_order_they_come_in)
{
    static const struct {
        enum fact_kind kind;
        uint32_t slot, index;
        int64_t key;
    } rows[] = {
        {FACT_CAP_USE, 1, 0, 5},      {FACT_CAP_USE, 0, 0, 9},
        {FACT_CAP_USE, 0, 1, 9},      {FACT_SCHEDULE, 3, 0, 0},
        {FACT_CAP_USE, 0, 0, -4},     {FACT_FROZEN, 0, 0, 0},
        {FACT_CAP_USE, 1, 7, 4},      {FACT_MISSION, 65535, 0, 1},
        {FACT_HOLD, 0, 0, INT64_MAX}, {FACT_MISSION, 65535, 0, INT64_MAX},
    };
    enum { COUNT = sizeof rows / sizeof rows[0] };
    for (size_t i = 0; i < COUNT; i++)
        set(rows[i].kind, rows[i].slot, rows[i].key, rows[i].index, (int64_t)i + 1);
    cr_assert_eq(ann->fact_count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq(fact_value(ann, rows[i].kind, rows[i].slot, rows[i].key, rows[i].index),
                     (int64_t)i + 1, "row %zu", i);
    }
    for (uint32_t i = 1; i < COUNT; i++)
        cr_assert_lt(fact_compare(&member_facts(ann)[i - 1], &member_facts(ann)[i]), 0);
    cr_assert_eq(member_lots(ann)->granted, 10, "the sections behind them moved along");

    cr_assert_eq(facts_of_kind(ann, FACT_CAP_USE).count, 5);
    cr_assert_eq(facts_of_slot(ann, FACT_CAP_USE, 0).count, 3);
    cr_assert_eq(facts_of_slot(ann, FACT_MISSION, 65535).count, 2);
    cr_assert_eq(facts_between(ann, FACT_CAP_USE, 0, -4, 9).count, 1, "half open");
    cr_assert_eq(facts_between(ann, FACT_CAP_USE, 0, -3, 10).count, 2);
    cr_assert_eq(facts_of_kind(ann, FACT_STREAK).count, 0);
    cr_assert_null(fact_find(ann, FACT_CAP_USE, 2, 5, 0));

    facts_remove(&rig.state->members, &ann, facts_of_slot(ann, FACT_CAP_USE, 0));
    cr_assert_eq(ann->fact_count, COUNT - 3);
    cr_assert_eq(fact_value(ann, FACT_CAP_USE, 1, 4, 7), 7);
    cr_assert(fact_remove(&rig.state->members, &ann, FACT_HOLD, 0, INT64_MAX, 0));
    cr_assert_not(fact_remove(&rig.state->members, &ann, FACT_HOLD, 0, INT64_MAX, 0));
    cr_assert_eq(member_lots(ann)->granted, 10);
}

Test(fact, adding_makes_sums_and_takes_away_what_comes_to_nothing)
{
    struct fact fact = {.kind = FACT_CAP_USE, .slot = 2, .key = 7, .a = 5};
    members_write(&rig.state->members, ann);
    for (unsigned i = 0; i < 3; i++)
        fact_add(&rig.state->members, &ann, &fact);
    cr_assert_eq(fact_value(ann, FACT_CAP_USE, 2, 7, 0), 15);
    fact.a = -15;
    fact_add(&rig.state->members, &ann, &fact);
    cr_assert_null(fact_find(ann, FACT_CAP_USE, 2, 7, 0));
}

Test(fact, survive_a_restart)
{
    set(FACT_CAP_USE, 2, 7, 0, 5);
    struct hash128 before = rig_digest(&rig);
    rig_checkpoint(&rig);
    rig_restart(&rig);
    cr_assert(hash128_equal(before, rig_digest(&rig)));
    struct member_view view;
    cr_assert(rig_view(&rig, "ann", &view), "loads the row");
    ann = find("ann");
    cr_assert_eq(fact_value(ann, FACT_CAP_USE, 2, 7, 0), 5);
}

Test(fact, the_earliest_is_due_and_at_one_instant_the_kinds_have_an_order)
{
    static const struct {
        const char *what;
        enum fact_kind kind;
        int64_t at;
        enum due_kind due; /* of the earliest by then */
    } rows[] = {
        {"a waiting refund", FACT_WAITING, 500, DUE_GIVE_UP},
        {"an override that ends with it", FACT_OVERRIDE, 500, DUE_REVIEW},
        {"a later hold", FACT_HOLD, 501, DUE_REVIEW},
        {"a date", FACT_SCHEDULE, 500, DUE_ROLL},
        {"one that is never", FACT_AWAITING, INT64_MAX, DUE_ROLL},
        {"a clock of inactivity", FACT_INACTIVITY, 500, DUE_EXPIRY},
        {"a grant in quarantine", FACT_QUARANTINE, 500, DUE_TIMEOUT},
        {"an earlier date of another kind", FACT_WAITING, 499, DUE_GIVE_UP},
    };
    struct due due;
    cr_assert_not(due_next(rig.state, ann, &due));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set(rows[i].kind, 0, (int64_t)i, 0, rows[i].at);
        cr_assert(due_next(rig.state, ann, &due));
        cr_assert_eq(due.kind, rows[i].due, "%s", rows[i].what);
        cr_assert_eq(due.of, DUE_OF_FACT);
        cr_assert_eq(due.fact.a, due.ms);
    }
    ann->status = MEMBER_FROZEN;
    fact_remove(&rig.state->members, &ann, FACT_WAITING, 0, 7, 0);
    fact_remove(&rig.state->members, &ann, FACT_QUARANTINE, 0, 6, 0);
    cr_assert(due_next(rig.state, ann, &due));
    cr_assert_eq(due.kind, DUE_ROLL, "clocks of expiry stand");
    ann->status = MEMBER_ACTIVE;
    facts_remove(&rig.state->members, &ann, (struct facts){member_facts(ann), ann->fact_count});
}

/* ---- Not enrolled ---- */

static struct apply
apply_for(const struct event *event)
{
    struct apply apply = apply_of(rig.state, &rig.effects, event);
    apply.ordinal = rig.state->identities.next;
    return apply;
}

Test(fact, what_waits_for_somebody_moves_over_when_he_enrols)
{
    struct state_info before, after;
    struct event event = {.kind = EVENT_ENROL, .member = BYTES_LITERAL("bob")};
    struct apply apply = apply_for(&event);
    state_info(rig.state, &before);
    cr_assert(state_reserve(rig.state, 8, &rig.fault));
    struct member *waiting = apply_waiting_room(&apply);
    cr_assert_eq(apply_waiting_room(&apply), waiting, "made once");
    cr_assert_eq(waiting->status, MEMBER_UNKNOWN);
    struct fact fact = {.kind = FACT_DELIVERED, .key = 3, .a = 77};
    fact_set(&rig.state->members, &waiting, &fact);
    state_info(rig.state, &after);
    cr_assert_eq(after.members, before.members, "nobody enrolled");
    struct member_view view;
    cr_assert_not(rig_view(&rig, "bob", &view));
    cr_assert_eq(rig_redeem(&rig, "bob", "S1", 1), VERDICT_UNKNOWN_MEMBER);

    uint64_t placeholder = waiting->number;
    rig_checkpoint(&rig);
    rig_restart(&rig);
    cr_assert_eq(rig_buy(&rig, "cem", "O1", 1000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_buy(&rig, "bob", "O1", 1000), VERDICT_ACCEPTED);
    cr_assert(rig_view(&rig, "bob", &view));
    cr_assert_gt(view.number, find("cem")->number, "numbers are the order of enrolment");
    const struct member *bob = find("bob");
    cr_assert_eq(fact_value(bob, FACT_DELIVERED, 0, 3, 0), 77);
    cr_assert_eq(fact_value(bob, FACT_FORMER, 0, 0, 0), (int64_t)placeholder);
    cr_assert_eq(members_warm(&rig.state->members, placeholder)->key_bytes, 0);
    state_info(rig.state, &after);
    cr_assert_eq(after.members, before.members + 2);
    rig_checkpoint(&rig);
    rig_restart(&rig);
    cr_assert(rig_view(&rig, "bob", &view));
    cr_assert_eq(rig_active(&rig, "bob"), 10);
}

/* A row of before the enrolment is found under the old number. */
Test(fact, references_are_found_by_all_their_matches_in_order)
{
    struct event event = {.kind = EVENT_ENROL, .member = BYTES_LITERAL("bob")};
    struct apply apply = apply_for(&event);
    struct bytes id = BYTES_LITERAL("X");
    cr_assert(state_reserve(rig.state, 8, &rig.fault));
    uint64_t hash = reference_hash(&rig.state->memo, REFERENCE_REFUND, event.member, id);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t content[64];
        struct writer writer = writer_of(content, sizeof content);
        if (i == 1) apply_enrol(&apply, 0);
        uint64_t number = i == 0 ? apply_waiting_room(&apply)->number : apply.member->number;
        reference_write_head(REFERENCE_REFUND, number, id, &writer);
        struct identity identity = {.hash = {i + 1, i + 1}, .verdict_and_reference = hash | 1};
        uint64_t ordinal = identities_add(&rig.state->identities, &identity);
        references_add(&rig.state->references, ordinal, hash, writer_span(&writer));
    }
    struct reference *found[STATE_REFERENCES_MAX];
    cr_assert_eq(state_references(rig.state, REFERENCE_REFUND, apply.member, id, found), 2);
    cr_assert_lt(found[0]->node.key, found[1]->node.key);
    cr_assert_eq(state_reference(rig.state, REFERENCE_REFUND, apply.member, id), found[0]);
    cr_assert_eq(state_references(rig.state, REFERENCE_REFUND, ann, id, found), 0);
    cr_assert_eq(state_references(rig.state, REFERENCE_SPEND, apply.member, id, found), 0);
    cr_assert_eq(state_references(rig.state, REFERENCE_REFUND, NULL, id, found), 0);
}

/* ---- Names ---- */

Test(fact, ids_keep_their_slots_over_versions)
{
    static const char *const ids[] = {"zeta", "base", "alpha", "mid"};
    struct program_rule rules[4];
    for (unsigned i = 0; i < 4; i++) {
        rules[i] = program.rules[0];
        rules[i].id = bytes_from_cstr(ids[i]);
        rules[i].priority = 4 - (int32_t)i;
    }
    program.version = 2;
    program.rules = rules;
    program.rule_count = 4;
    rig_activate(&rig, &program);
    const struct rulebooks *rulebooks = &rig.state->rulebooks;
    cr_assert_eq(rulebooks_slot(rulebooks, NAME_SOURCE, BYTES_LITERAL("base")), 0,
                 "the first version had it");
    for (unsigned i = 0; i < 4; i++) {
        uint32_t slot = rulebooks_slot(rulebooks, NAME_SOURCE, bytes_from_cstr(ids[i]));
        cr_assert_eq(slot, rulebooks->items[1]->rule_slot[i]);
        cr_assert(
            bytes_equal(rulebooks_name(rulebooks, NAME_SOURCE, slot), bytes_from_cstr(ids[i])));
    }
    cr_assert_eq(rulebooks_slot(rulebooks, NAME_SOURCE, BYTES_LITERAL("gone")), NAME_NONE);
    cr_assert_eq(rulebooks_slot(rulebooks, NAME_CURRENCY, BYTES_LITERAL("points")), 0);
    cr_assert_eq(rulebooks_slot(rulebooks, NAME_GROUP, BYTES_LITERAL("club")), NAME_NONE);
    struct member_view view;
    cr_assert(rig_view(&rig, "ann", &view));
    cr_assert(bytes_equal(view.lots[0].rule, BYTES_LITERAL("base")));
}

Test(fact, room_is_kept_for_what_comes_unasked)
{
    struct member full = {.fact_count = MEMBER_FACTS_MAX - MEMBER_FACTS_UNASKED - 2};
    cr_assert(facts_fit(NULL, 2), "who has none has room");
    cr_assert(facts_fit(&full, 2));
    cr_assert_not(facts_fit(&full, 3));
}
