/* Every verdict of verdict.def is reached, and the order in which refusals win is semantics §3's.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/core/calendar.h"
#include "engine/core/state_priv.h"
#include "tests/unit/fold_rig.h"

static struct rig rig;
static struct program program;

static void
begin(void)
{
    rig_open(&rig);
    program = rig_program();
    program.currencies[1] = (struct program_currency){.id = BYTES_LITERAL("growth"),
                                                      .qualifying = true,
                                                      .rounding = ROUNDING_FLOOR,
                                                      .expiry = {.kind = EXPIRY_NONE}};
    program.currency_count = 2;
}

static void
end(void)
{
    rig_close(&rig);
}

TestSuite(fold_verdicts, .init = begin, .fini = end);

static struct event
redeem(const char *member, const char *id, const char *currency, int64_t points)
{
    static struct bytes names[1];
    names[0] = bytes_from_cstr(currency);
    return (struct event){.kind = EVENT_REDEEM,
                          .member = bytes_from_cstr(member),
                          .redeem = {.spend_id = bytes_from_cstr(id),
                                     .request = {.currencies = names,
                                                 .currency_count = 1,
                                                 .what = SPEND_POINTS,
                                                 .points = {points}}}};
}

static struct event
enrol(const char *member)
{
    return (struct event){.kind = EVENT_ENROL, .member = bytes_from_cstr(member)};
}

static void
set_status(const char *member, enum member_status status)
{
    bool known;
    struct member *found =
        members_find(&rig.state->members, bytes_from_cstr(member), &rig.needs, &known);
    cr_assert_not_null(found);
    members_write(&rig.state->members, found);
    found->status = (uint8_t)status;
}

Test(fold_verdicts, table_is_found_by_number_and_in_order)
{
    uint32_t count;
    const struct verdict_info *table = verdict_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert_eq(verdict_find(table[i].verdict), &table[i]);
        cr_assert(i == 0 || table[i - 1].verdict < table[i].verdict);
        cr_assert(table[i].name[0] != 0 && table[i].meaning[0] != 0 && table[i].remedy[0] != 0);
    }
    cr_assert_null(verdict_find(0));
    cr_assert_null(verdict_find(255));
}

Test(fold_verdicts, before_a_rulebook)
{
    rig_start(&rig, NULL);
    cr_assert_eq(rig_buy(&rig, "ann", "O1", 100), VERDICT_NO_RULEBOOK);
    cr_assert_eq(rig_outcome(&rig)->ordinal, 1);
    program.effective_from = rig_at("2026-02-01T00:00:00Z");
    rig_activate(&rig, &program);
    cr_assert_eq(rig_buy(&rig, "ann", "O2", 100), VERDICT_NO_RULEBOOK, "not in effect yet");
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", 1), VERDICT_NO_RULEBOOK,
                 "form cannot be judged without one");
    rig.now_ms = rig_at("2026-02-01T00:00:00Z").ms;
    cr_assert_eq(rig_buy(&rig, "ann", "O1", 100), VERDICT_ACCEPTED, "a refused order's id is free");
}

Test(fold_verdicts, form)
{
    rig_start(&rig, &program);
    rig_buy(&rig, "ann", "O1", 10000);
    cr_assert_eq(rig_event(&rig, redeem("ann", "S1", "miles", 1)), VERDICT_UNKNOWN_POINTS_CURRENCY);
    cr_assert_eq(rig_outcome(&rig)->ordinal, 0, "a refusal of form takes no ordinal");
    cr_assert_eq(rig_event(&rig, redeem("ann", "S1", "growth", 1)), VERDICT_MALFORMED);
    cr_assert_eq(rig_event(&rig, redeem("ann", "S1", "points", 0)), VERDICT_MALFORMED);
    cr_assert_eq(rig_event(&rig, redeem("ann", "S0", "", 1)), VERDICT_ACCEPTED,
                 "left out: the rulebook's first currency");
    cr_assert_eq(rig_active(&rig, "ann"), 99);
    struct event event = redeem("ann", "S1", "miles", 1);
    event.id = BYTES_LITERAL("kept");
    rig_event(&rig, event);
    event.redeem.request.currency_count = 0;
    event.content_hash = 99;
    cr_assert_eq(rig_event(&rig, event), VERDICT_ACCEPTED, "a refusal of form leaves the id free");
    struct entry refused = {.kind = ENTRY_REFUSED,
                            .refused = {.source = BYTES_LITERAL("shop"),
                                        .id = BYTES_LITERAL("bad"),
                                        .member = BYTES_LITERAL("ann"),
                                        .verdict = VERDICT_UNKNOWN_CURRENCY,
                                        .detail = BYTES_LITERAL("money 'XXQ'")}};
    cr_assert(rig_entry(&rig, &refused));
    cr_assert_eq(rig_outcome(&rig)->verdict, VERDICT_UNKNOWN_CURRENCY);
    cr_assert(bytes_equal(rig_outcome(&rig)->detail, BYTES_LITERAL("money 'XXQ'")));
    refused.refused.verdict = VERDICT_ACCEPTED;
    cr_assert(rig_entry(&rig, &refused));
    cr_assert_eq(rig_outcome(&rig)->verdict, VERDICT_MALFORMED,
                 "only a verdict of form can be told so");
}

Test(fold_verdicts, time_allows_equality)
{
    static const struct {
        const char *what;
        int64_t offset_ms;
        enum verdict verdict;
    } rows[] = {
        {"five minutes ahead", 300000, VERDICT_ACCEPTED},
        {"a millisecond more", 300001, VERDICT_OCCURRED_IN_FUTURE},
        {"366 days ago", -INT64_C(366) * CALENDAR_DAY_MS, VERDICT_ACCEPTED},
        {"a millisecond more", -INT64_C(366) * CALENDAR_DAY_MS - 1, VERDICT_TOO_OLD},
    };
    rig_start(&rig, &program);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char member[8] = {'m', (char)('0' + i), 0};
        struct event event = enrol(member);
        event.occurred_at.ms = rig.now_ms + rows[i].offset_ms;
        cr_assert_eq(rig_event(&rig, event), rows[i].verdict, "%s", rows[i].what);
    }
    struct event forwarded = enrol("far");
    forwarded.occurred_at.ms = rig.now_ms - INT64_C(400) * CALENDAR_DAY_MS;
    forwarded.first_append = forwarded.occurred_at;
    cr_assert_eq(rig_event(&rig, forwarded), VERDICT_ACCEPTED,
                 "judged by when it was first appended");
}

Test(fold_verdicts, identity)
{
    rig_start(&rig, &program);
    struct event event = enrol("ann");
    event.id = BYTES_LITERAL("x");
    event.content_hash = 7;
    cr_assert_eq(rig_event(&rig, event), VERDICT_ACCEPTED);
    for (int cold = 0; cold < 2; cold++) {
        cr_assert_eq(rig_event(&rig, event), VERDICT_DUPLICATE);
        cr_assert_eq(rig_outcome(&rig)->first_verdict, VERDICT_ACCEPTED);
        cr_assert_eq(rig_outcome(&rig)->ordinal, 1);
        struct event other = event;
        other.content_hash = 8;
        cr_assert_eq(rig_event(&rig, other), VERDICT_CONFLICTING_DUPLICATE);
        cr_assert_eq(rig_outcome(&rig)->ordinal, 0);
        rig_checkpoint(&rig);
        rig_restart(&rig);
    }
    struct event again = enrol("ann");
    again.id = BYTES_LITERAL("y");
    cr_assert_eq(rig_event(&rig, again), VERDICT_ALREADY_ENROLLED);
    cr_assert_eq(rig_outcome(&rig)->ordinal, 2, "repeats took no ordinal");
    cr_assert_eq(rig_event(&rig, again), VERDICT_DUPLICATE);
    cr_assert_eq(rig_outcome(&rig)->first_verdict, VERDICT_ALREADY_ENROLLED,
                 "a refused id is used up");
    struct event same_id = enrol("bob");
    same_id.source = BYTES_LITERAL("till");
    same_id.id = BYTES_LITERAL("x");
    cr_assert_eq(rig_event(&rig, same_id), VERDICT_ACCEPTED, "ids belong to their source");
}

Test(fold_verdicts, unknown_members)
{
    program.unknown_member = UNKNOWN_REJECT;
    rig_start(&rig, &program);
    cr_assert_eq(rig_buy(&rig, "ann", "O1", 100), VERDICT_UNKNOWN_MEMBER);
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", 1), VERDICT_UNKNOWN_MEMBER);
    cr_assert_eq(rig_refund(&rig, "ann", "", "R1", 1), VERDICT_UNKNOWN_MEMBER);
    cr_assert_eq(rig_refund(&rig, "ann", "O2", "R1", 1), VERDICT_ACCEPTED);
    cr_assert(rig_outcome(&rig)->waiting, "what names an order waits without enrolling");
    cr_assert_eq(rig_cancel(&rig, "ann", "O3"), VERDICT_ACCEPTED);
    cr_assert_eq(rig_buy(&rig, "ann", "O1", 100), VERDICT_UNKNOWN_MEMBER);
    cr_assert_eq(rig_event(&rig, enrol("ann")), VERDICT_ACCEPTED);
    cr_assert_eq(rig_buy(&rig, "ann", "O1", 100), VERDICT_ACCEPTED);
}

Test(fold_verdicts, references)
{
    rig_start(&rig, &program);
    for (int cold = 0; cold < 2; cold++) {
        const char *member = cold == 0 ? "ann" : "bob";
        cr_assert_eq(rig_buy(&rig, member, "O1", 10000), VERDICT_ACCEPTED);
        cr_assert_eq(rig_redeem(&rig, member, "S1", 10), VERDICT_ACCEPTED);
        cr_assert_eq(rig_refund(&rig, member, "", "R0", 100), VERDICT_ACCEPTED);
        cr_assert_eq(rig_refund(&rig, member, "O1", "R1", 500), VERDICT_ACCEPTED);
        if (cold == 1) {
            rig_checkpoint(&rig);
            rig_restart(&rig);
        }
        cr_assert_eq(rig_buy(&rig, member, "O1", 10000), VERDICT_ORDER_EXISTS);
        cr_assert_eq(rig_redeem(&rig, member, "S1", 10), VERDICT_ID_IN_USE);
        cr_assert_eq(rig_refund(&rig, member, "O2", "R2", 1), VERDICT_ACCEPTED);
        cr_assert(rig_outcome(&rig)->waiting, "a refund waits for its order");
        cr_assert_eq(rig_refund(&rig, member, "O2", "R2", 2), VERDICT_CONFLICTING_REFUND);
        cr_assert_eq(rig_cancel(&rig, member, "O2"), VERDICT_ACCEPTED);
        int64_t before = rig_active(&rig, member);
        cr_assert_eq(rig_refund(&rig, member, "", "R0", 100), VERDICT_ACCEPTED, "told again");
        cr_assert_eq(rig_refund(&rig, member, "", "R0", 101), VERDICT_CONFLICTING_REFUND);
        cr_assert_eq(rig_refund(&rig, member, "O1", "R1", 500), VERDICT_ACCEPTED, "told again");
        cr_assert_eq(rig_refund(&rig, member, "O1", "R1", 501), VERDICT_CONFLICTING_REFUND);
        cr_assert_eq(rig_active(&rig, member), before, "repeats move nothing");
        struct event euro = {
            .kind = EVENT_REFUND,
            .member = bytes_from_cstr(member),
            .refund = {BYTES_LITERAL("O1"), BYTES_LITERAL("R9"), RIG_EUR, 100, NULL, 0}};
        cr_assert_eq(rig_event(&rig, euro), VERDICT_UNKNOWN_ORDER, "another currency");
        cr_assert_eq(rig_cancel(&rig, member, "O1"), VERDICT_ACCEPTED);
        cr_assert_eq(rig_cancel(&rig, member, "O1"), VERDICT_ORDER_CANCELLED);
        cr_assert_eq(rig_refund(&rig, member, "O1", "R5", 100), VERDICT_ACCEPTED,
                     "after a cancellation nothing is left");
        cr_assert_eq(rig_active(&rig, member), 0);
        cr_assert_eq(rig_arrears(&rig, member), 11);
    }
}

Test(fold_verdicts, member_states)
{
    static const struct {
        enum member_status status;
        enum verdict buys, redeems, refunds, cancels;
    } rows[] = {
        {MEMBER_SUSPENDED, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_ACCEPTED,
         VERDICT_ACCEPTED},
        {MEMBER_FROZEN, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_MEMBER_NOT_ACTIVE, VERDICT_ACCEPTED,
         VERDICT_ACCEPTED},
        {MEMBER_CLOSED, VERDICT_MEMBER_CLOSED, VERDICT_MEMBER_CLOSED, VERDICT_MEMBER_CLOSED,
         VERDICT_MEMBER_CLOSED},
    };
    rig_start(&rig, &program);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char member[8] = {'m', (char)('0' + i), 0};
        rig_buy(&rig, member, "O1", 10000);
        set_status(member, rows[i].status);
        cr_assert_eq(rig_buy(&rig, member, "O1", 1), VERDICT_ORDER_EXISTS,
                     "the reference is judged before the state");
        cr_assert_eq(rig_buy(&rig, member, "O2", 1), rows[i].buys);
        cr_assert_eq(rig_redeem(&rig, member, "S1", 1000), rows[i].redeems,
                     "the state is judged before the balance");
        cr_assert_eq(rig_refund(&rig, member, "O1", "R1", 100), rows[i].refunds);
        cr_assert_eq(rig_refund(&rig, member, "", "R1", 100), rows[i].refunds);
        cr_assert_eq(rig_cancel(&rig, member, "O1"), rows[i].cancels);
    }
}

Test(fold_verdicts, guests_earn_but_do_not_spend)
{
    rig_start(&rig, &program);
    cr_assert_eq(rig_buy(&rig, KEY_GUEST_PREFIX "77", "O1", 10000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, KEY_GUEST_PREFIX "77"), 100);
    cr_assert_eq(rig_redeem(&rig, KEY_GUEST_PREFIX "77", "S1", 10), VERDICT_GUEST_CANNOT_SPEND);
}

Test(fold_verdicts, balances)
{
    rig_start(&rig, &program);
    rig_event(&rig, enrol("ann"));
    cr_assert_eq(rig_redeem(&rig, "ann", "S1", 1), VERDICT_INSUFFICIENT_POINTS, "no wallet yet");
    rig_buy(&rig, "ann", "O1", 10000);
    cr_assert_eq(rig_redeem(&rig, "ann", "S2", 101), VERDICT_INSUFFICIENT_POINTS);
    cr_assert_eq(rig_redeem(&rig, "ann", "S3", 100), VERDICT_ACCEPTED);
    rig_refund(&rig, "ann", "", "R1", 500);
    cr_assert_eq(rig_arrears(&rig, "ann"), 5);
    cr_assert_eq(rig_redeem(&rig, "ann", "S4", 100), VERDICT_ARREARS_OPEN,
                 "arrears are judged before the balance");
}

Test(fold_verdicts, overflow_moves_nothing)
{
    struct program_rule rules[2] = {program.rules[0], program.rules[0]};
    rules[0].rate = (struct rate){1, 1};
    program.rules = rules;
    rig_start(&rig, &program);
    cr_assert_eq(rig_buy(&rig, "ann", "O1", INT64_MAX - 5), VERDICT_ACCEPTED);
    struct hash128 before = rig_digest(&rig);
    cr_assert_eq(rig_buy(&rig, "ann", "O2", 6), VERDICT_OVERFLOW, "the member's balance");
    cr_assert_eq(rig_buy(&rig, "bob", "O2", 6), VERDICT_OVERFLOW, "the programme's total");
    struct member_view view;
    cr_assert_not(rig_view(&rig, "bob", &view), "who is refused is not enrolled");
    cr_assert_eq(rig_active(&rig, "ann"), INT64_MAX - 5);
    cr_assert_not(hash128_equal(before, rig_digest(&rig)), "the ids are used up");
    cr_assert_eq(rig_buy(&rig, "ann", "O2", 5), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&rig, "ann", "", "R1", INT64_MAX), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&rig, "ann", "", "R2", 1), VERDICT_OVERFLOW,
                 "what was taken back in all");
    struct event_line lines[2] = {
        {.line_id = BYTES_LITERAL("1"), .kind = LINE_GOODS, .amount_minor = INT64_MAX},
        {.line_id = BYTES_LITERAL("2"), .kind = LINE_GOODS, .amount_minor = 1}};
    struct event event = {.kind = EVENT_PURCHASE,
                          .member = BYTES_LITERAL("ann"),
                          .purchase = {BYTES_LITERAL("O9"), RIG_GBP, {0}, {0}, 0, 0, lines, 2}};
    cr_assert_eq(rig_event(&rig, event), VERDICT_OVERFLOW, "the lines' sum");
}

/* What ann owes leaves 5 until what was ever taken back has 63 bits: bob's points, which nobody
 * delivers, could not be cancelled were they more. */
Test(fold_verdicts, what_a_deadline_cancels_has_room)
{
    struct program_rule rule = program.rules[0];
    rule.rate = (struct rate){1, 1};
    rule.pending = (struct program_pending){.kind = PENDING_DELIVERED,
                                            .period = {.amount = 1, .unit = CALENDAR_DAY}};
    program.rules = &rule;
    rig_start(&rig, &program);
    cr_assert_eq(
        rig_event(&rig, (struct event){.kind = EVENT_ENROL, .member = BYTES_LITERAL("ann")}),
        VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&rig, "ann", "", "R1", INT64_MAX - 5), VERDICT_ACCEPTED);
    cr_assert_eq(rig_arrears(&rig, "ann"), INT64_MAX - 5);
    cr_assert_eq(rig_buy(&rig, "bob", "O1", 6), VERDICT_OVERFLOW);
    cr_assert_eq(rig_buy(&rig, "bob", "O2", 5), VERDICT_ACCEPTED);
    rig_tick(&rig, "2026-01-03T00:00:00Z");
    size_t count = rig_effect_count(&rig, TOPIC_POSTINGS);
    const struct posting *posting = &rig_effect(&rig, TOPIC_POSTINGS, count - 1)->posting;
    cr_assert_eq(posting->kind, POSTING_CANCEL);
    cr_assert_eq(posting->amount.units, 5);
}

/* What was spent is counted in minor units, far more than the points that it earns. */
Test(fold_verdicts, a_metric_may_overflow_alone)
{
    struct program_rule rule = program.rules[0];
    rule.rate = (struct rate){1, 1000000};
    program.rules = &rule;
    program.groups[0] = (struct program_group){
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
    program.group_count = 1;
    rig_start(&rig, &program);
    cr_assert_eq(rig_buy(&rig, "ann", "O1", INT64_MAX - 5), VERDICT_ACCEPTED);
    int64_t before = rig_active(&rig, "ann");
    cr_assert_eq(rig_buy(&rig, "ann", "O2", 6), VERDICT_OVERFLOW);
    cr_assert_eq(rig_buy(&rig, "ann", "O3", 5), VERDICT_ACCEPTED);
    cr_assert_eq(rig_active(&rig, "ann"), before, "5 earn nothing");
    cr_assert_eq(rig_buy(&rig, "bob", "O2", 6), VERDICT_ACCEPTED, "it is each one's own");
}

Test(fold_verdicts, a_member_has_a_limit_of_lots, .timeout = 120)
{
    rig_start(&rig, &program);
    rig_buy(&rig, "ann", "O1", 100);
    bool known;
    struct member *member =
        members_find(&rig.state->members, BYTES_LITERAL("ann"), &rig.needs, &known);
    uint32_t lots = member->lot_count;
    member->lot_count = MEMBER_LOTS_MAX;
    cr_assert_eq(rig_buy(&rig, "ann", "O2", 100), VERDICT_LIMIT_REACHED);
    member->lot_count = lots;
    cr_assert_eq(rig_buy(&rig, "ann", "O3", 100), VERDICT_ACCEPTED);
}
