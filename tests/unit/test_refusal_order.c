/* Which refusal wins when several hold (semantics §3): form, identity, rule version, time, member
 * known, reference, member state, arrears, limits, balance, overflow. Each kind of event meets its
 * troubles one by one, and then two by two: the earlier stage gives the verdict. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "engine/core/calendar.h"
#include "engine/core/state_priv.h"
#include "tests/unit/law_rig.h"

enum trouble {
    BAD_TIME = 1 << 0, /* an occurred_at that no calendar has */
    CURRENCY = 1 << 1, /* a points currency that the rulebook does not have */
    USED_ID = 1 << 2,
    NO_RULES = 1 << 3, /* before the rulebook */
    TOO_LATE = 1 << 4, /* more than 366 days ago */
    NOBODY = 1 << 5,
    REFERENCE = 1 << 6,
    STATE = 1 << 7,
    ARREARS = 1 << 8,
    LIMIT = 1 << 9,
    BALANCE = 1 << 10,
    TOO_MUCH = 1 << 11, /* overflow */
};

struct stage {
    unsigned trouble;
    enum verdict verdict;
};

enum { STAGES_MAX = 12 };

struct subject {
    const char *what;
    struct event (*make)(unsigned troubles);
    struct stage stages[STAGES_MAX]; /* in the law's order, but those that all kinds have */
    unsigned blind; /* troubles under which nobody can see that the currency is unknown */
    bool full;      /* its limit is the room for lots */
};

static struct law law;

/* ---- The world ---- */

static const struct program_rule DOUBLE[] = {{
    .id = BYTES_LITERAL("base"),
    .money = RIG_GBP,
    .rate = {2, 1}, /* points for a minor unit: the largest amount leaves 63 bits */
    .basis = {.flags = BASIS_LESS_DISCOUNT, .line_kinds = 1 << LINE_GOODS},
    .kind = RULE_RATE,
    .filter = PROGRAM_FILTER_NONE,
    .tier_group = -1,
    .funder = PROGRAM_NONE,
    .pending = {.kind = PENDING_NONE},
}};

static void
write_program(void)
{
    law.program.effective_from = rig_at("2020-01-01T00:00:00Z");
    law.program.rules = DOUBLE;
    law.program.approval_above[1] = 1000; /* growth */
    law.program.groups[0] = (struct program_group){
        .id = BYTES_LITERAL("status"),
        .metrics = {{.kind = METRIC_SPEND,
                     .money = RIG_GBP,
                     .basis = {.line_kinds = 1 << LINE_GOODS},
                     .mission = PROGRAM_NONE}},
        .metric_count = 1,
        .window = WINDOW_LIFETIME,
        .upgrade = UPGRADE_IMMEDIATE,
        .downgrade = DOWNGRADE_NONE,
        .levels = {{BYTES_LITERAL("blue"), {0}, {1, 1}},
                   {BYTES_LITERAL("gold"), {INT64_MAX}, {1, 1}}},
        .level_count = 2,
    };
    law.program.group_count = 1;
    law_award(&law, "share", AWARD_ACTIVITY, 5)->activity = BYTES_LITERAL("share");
    law_limit(&law, "held-back", LIMITED_ACTIVITY, 0, LIMIT_QUARANTINE)->activity =
        BYTES_LITERAL("share");
}

/* The next version brings the troubles that rules make. */
static void
write_troubles(unsigned troubles)
{
    if (troubles & NOBODY) law.program.unknown_member = UNKNOWN_REJECT;
    if (troubles & LIMIT) {
        law_limit(&law, "purchases", LIMITED_PURCHASE, 0, LIMIT_REFUSE);
        law_limit(&law, "activities", LIMITED_ACTIVITY, 0, LIMIT_REFUSE);
        law_limit(&law, "spends", LIMITED_REDEEM, 0, LIMIT_REFUSE);
        law_limit(&law, "holds", LIMITED_HOLD, 0, LIMIT_REFUSE);
        law_limit(&law, "refunds", LIMITED_REFUND, 0, LIMIT_REFUSE);
        law.program.approval_above[0] = 5;
    }
    if (troubles & TOO_MUCH) {
        for (int i = 0; i < 2; i++) {
            law_award(&law, i == 0 ? "a" : "b", AWARD_ACTIVITY, INT64_MAX)->activity =
                BYTES_LITERAL("review");
            law_award(&law, i == 0 ? "c" : "d", AWARD_SIGN_UP, INT64_MAX);
        }
    }
    if (troubles & CURRENCY) law.program.currency_count = 1; /* no growth any more */
}

static void
accept(struct event event)
{
    if (event.member.size == 0) event.member = BYTES_LITERAL("ann");
    cr_assert_eq(rig_event(&law.rig, event), VERDICT_ACCEPTED, "event of kind %d", event.kind);
}

static void
adjust_points(const char *member, int64_t points)
{
    accept((struct event){.kind = EVENT_ADJUST,
                          .member = bytes_from_cstr(member),
                          .adjust = {.points = {points},
                                     .may_owe = true,
                                     .reason = BYTES_LITERAL("so"),
                                     .actor = BYTES_LITERAL("amy")}});
}

static void
grant_until(const char *until)
{
    accept((struct event){.kind = EVENT_GRANT,
                          .grant = {.points = {10}, .expires_at = rig_at(until)}});
}

static struct spend_request
points_of(int64_t points)
{
    return (struct spend_request){.what = SPEND_POINTS, .points = {points}};
}

static char held_back[32]; /* the event whose grant is in quarantine */

/* Ann has bought, told, spent, held, returned and waited. */
static void
live(void)
{
    law_at(&law, "2026-02-10T10:00:00Z");
    accept((struct event){.kind = EVENT_ENROL, .id = BYTES_LITERAL("used"), .content_hash = 1});
    cr_assert_eq(law_buy(&law, "ann", "O1", 1000), VERDICT_ACCEPTED);
    cr_assert_eq(law_buy(&law, "ann", "O2", 1000), VERDICT_ACCEPTED);
    cr_assert_eq(rig_cancel(&law.rig, "ann", "O2"), VERDICT_ACCEPTED);
    cr_assert_eq(law_do_to(&law, "ann", "review", "R1"), VERDICT_ACCEPTED);
    cr_assert_eq(rig_redeem(&law.rig, "ann", "S1", 10), VERDICT_ACCEPTED);
    accept((struct event){.kind = EVENT_HOLD, .hold = {BYTES_LITERAL("H2"), points_of(10), 0}});
    accept((struct event){.kind = EVENT_RELEASE_HOLD,
                          .release_hold = {.hold_id = BYTES_LITERAL("H2")}});
    cr_assert_eq(rig_refund(&law.rig, "ann", "O1", "R1", 5), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&law.rig, "ann", "", "R1", 5), VERDICT_ACCEPTED);
    cr_assert_eq(rig_refund(&law.rig, "ann", "O9", "R1", 5), VERDICT_ACCEPTED);
    accept((struct event){.kind = EVENT_DELIVERED, .delivered = {BYTES_LITERAL("O1")}});
    grant_until("2026-02-20T00:00:00Z");
    rig_tick(&law.rig, "2026-03-10T10:00:00Z");
    grant_until("2027-01-01T00:00:00Z");
    accept((struct event){
        .kind = EVENT_HOLD,
        .hold = {BYTES_LITERAL("H1"), points_of(10), INT64_C(90) * CALENDAR_DAY_MS}});
    cr_assert_eq(law_do(&law, "ann", "share"), VERDICT_ACCEPTED);
    snprintf(held_back, sizeof held_back, "%s", law_last_event(&law));
    struct event asked = {.kind = EVENT_ADJUST,
                          .member = BYTES_LITERAL("ann"),
                          .id = BYTES_LITERAL("A1"),
                          .adjust = {.currency = BYTES_LITERAL("growth"),
                                     .points = {-5000},
                                     .reason = BYTES_LITERAL("so"),
                                     .actor = BYTES_LITERAL("amy")}};
    cr_assert_eq(rig_event(&law.rig, asked), VERDICT_AWAITING_APPROVAL);
}

static struct member *
find_ann(void)
{
    bool known;
    struct member *ann =
        members_find(&law.rig.state->members, BYTES_LITERAL("ann"), &law.rig.needs, &known);
    cr_assert_not_null(ann);
    return ann;
}

/* As it is, with all that closing it would have ended. */
static void
call_closed(void)
{
    struct member *ann = find_ann();
    members_write(&law.rig.state->members, ann);
    ann->status = MEMBER_CLOSED;
}

static void
change_state(enum event_kind kind)
{
    accept((struct event){.kind = kind});
}

/* So many points more can be redeemed by all members together. */
static void
redeem_all_but(int64_t left)
{
    const int64_t million = 1000000, redeemed = 10; /* by ann */
    accept((struct event){.kind = EVENT_ENROL, .member = BYTES_LITERAL("bob")});
    adjust_points("bob", INT64_MAX - million);
    cr_assert_eq(rig_redeem(&law.rig, "bob", "S1", INT64_MAX - million), VERDICT_ACCEPTED);
    adjust_points("bob", million - redeemed - left);
    cr_assert_eq(rig_redeem(&law.rig, "bob", "S2", million - redeemed - left), VERDICT_ACCEPTED);
}

/* ---- Purchases and what else earns ---- */

static struct event_line lines[2];

static struct event
make_purchase(unsigned troubles)
{
    if (troubles & STATE) change_state(EVENT_SUSPEND);
    lines[0] = (struct event_line){
        .line_id = BYTES_LITERAL("1"),
        .kind = LINE_GOODS,
        .amount_minor = troubles & TOO_MUCH ? INT64_MAX : 100,
    };
    struct bytes order = troubles & REFERENCE ? BYTES_LITERAL("O1") : BYTES_LITERAL("O5");
    return (struct event){
        .kind = EVENT_PURCHASE,
        .purchase = {.order_id = order, .currency = RIG_GBP, .lines = lines, .line_count = 1}};
}

/* The lines' sum leaves 63 bits, before anything is earned. */
static struct event
make_purchase_of_lines(unsigned troubles)
{
    struct event event = make_purchase(troubles);
    lines[1] = lines[0];
    lines[1].line_id = BYTES_LITERAL("2");
    event.purchase.line_count = 2;
    return event;
}

static struct event
make_activity(unsigned troubles)
{
    if (troubles & STATE) change_state(EVENT_FREEZE);
    struct event event = {.kind = EVENT_ACTIVITY, .activity.kind = ACTIVITY_REVIEW};
    event.activity.reference = troubles & REFERENCE ? BYTES_LITERAL("R1") : BYTES_LITERAL("R5");
    return event;
}

static struct event
make_enrolment(unsigned troubles)
{
    struct event event = {.kind = EVENT_ENROL};
    if ((troubles & REFERENCE) == 0) event.member = BYTES_LITERAL("zoe");
    return event;
}

static struct event
make_profile(unsigned troubles)
{
    if (troubles & STATE) call_closed();
    return (struct event){.kind = EVENT_PROFILE_UPDATE, .profile_update.birthday = {6, 1}};
}

/* ---- Returns ---- */

static struct event
make_refund_of(const char *order, unsigned troubles)
{
    if (troubles & STATE) call_closed();
    struct event event = {.kind = EVENT_REFUND,
                          .refund = {.order_id = bytes_from_cstr(order),
                                     .refund_id = BYTES_LITERAL("R5"),
                                     .currency = RIG_GBP,
                                     .amount_minor = 6}};
    if (troubles & REFERENCE) event.refund.refund_id = BYTES_LITERAL("R1"); /* it said 5 */
    if (troubles & TOO_MUCH) {
        lines[0] = (struct event_line){.line_id = BYTES_LITERAL("1"), .amount_minor = INT64_MAX};
        lines[1] = (struct event_line){.line_id = BYTES_LITERAL("2"), .amount_minor = 1};
        event.refund.lines = lines;
        event.refund.line_count = 2;
    }
    return event;
}

static struct event
make_refund(unsigned troubles)
{
    return make_refund_of("O1", troubles);
}

static struct event
make_waiting_refund(unsigned troubles)
{
    return make_refund_of("O9", troubles);
}

static struct event
make_loose_refund(unsigned troubles)
{
    return make_refund_of("", troubles);
}

static struct event
make_cancellation(unsigned troubles)
{
    if (troubles & STATE) call_closed();
    struct bytes order = troubles & REFERENCE ? BYTES_LITERAL("O2") : BYTES_LITERAL("O1");
    return (struct event){.kind = EVENT_CANCELLATION, .cancellation = {.order_id = order}};
}

static struct event
make_delivery(unsigned troubles)
{
    if (troubles & STATE) call_closed();
    return (struct event){.kind = EVENT_DELIVERED, .delivered = {BYTES_LITERAL("O1")}};
}

/* ---- Spending ---- */

static const struct bytes MILES[] = {BYTES_LITERAL("miles")};

static struct spend_request
make_request(unsigned troubles)
{
    struct spend_request request = points_of(200);
    if (troubles & CURRENCY) {
        request.currencies = MILES;
        request.currency_count = 1;
    }
    if (troubles & ARREARS) adjust_points("ann", -(INT64_C(1) << 30));
    if (troubles & STATE) change_state(EVENT_SUSPEND);
    if (troubles & BALANCE) request.points.units = INT64_C(1) << 40;
    return request;
}

static struct event
make_redeem(unsigned troubles)
{
    struct bytes id = troubles & REFERENCE ? BYTES_LITERAL("S1") : BYTES_LITERAL("S5");
    if (troubles & TOO_MUCH) redeem_all_but(100);
    return (struct event){.kind = EVENT_REDEEM, .redeem = {id, make_request(troubles)}};
}

static struct event
make_reward(unsigned troubles)
{
    struct event event = make_redeem(troubles & ~(unsigned)REFERENCE);
    if ((troubles & REFERENCE) == 0) return event;
    event.redeem.request.what = SPEND_REWARD;
    event.redeem.request.reward = (struct spend_reward){BYTES_LITERAL("no such mug"), 1};
    return event;
}

static struct event
make_hold(unsigned troubles)
{
    struct bytes id = troubles & REFERENCE ? BYTES_LITERAL("H1") : BYTES_LITERAL("H5");
    return (struct event){.kind = EVENT_HOLD, .hold = {id, make_request(troubles), 0}};
}

static struct event
make_capture(unsigned troubles)
{
    struct bytes id = troubles & REFERENCE ? BYTES_LITERAL("H2") : BYTES_LITERAL("H1");
    if (troubles & TOO_MUCH) redeem_all_but(5);
    return (struct event){.kind = EVENT_CAPTURE_HOLD,
                          .capture_hold = {id, {troubles & BALANCE ? 11 : 10}, {0}}};
}

static struct event
make_release(unsigned troubles)
{
    struct bytes id = troubles & REFERENCE ? BYTES_LITERAL("H9") : BYTES_LITERAL("H1");
    return (struct event){.kind = EVENT_RELEASE_HOLD, .release_hold = {id, {0}}};
}

static struct event
make_undo(unsigned troubles)
{
    struct member_view view;
    cr_assert(rig_view(&law.rig, "ann", &view));
    int64_t points =
        view.wallets[0].pending.units + view.wallets[0].active.units + view.wallets[0].held.units;
    /* All that members have must fit on top of what is gone. */
    const int64_t *balances = law.rig.state->balances[0];
    int64_t gone = balances[ACCOUNT_EXPIRED] > balances[ACCOUNT_REVERSED]
                       ? balances[ACCOUNT_EXPIRED]
                       : balances[ACCOUNT_REVERSED];
    if (troubles & TOO_MUCH) adjust_points("ann", INT64_MAX - points - gone - 5);
    if (troubles & STATE) call_closed();
    struct bytes id = troubles & REFERENCE ? BYTES_LITERAL("S9") : BYTES_LITERAL("S1");
    return (struct event){.kind = EVENT_CANCEL_REDEMPTION, .cancel_redemption = {.spend_id = id}};
}

/* ---- By hand ---- */

static struct bytes
currency_for(unsigned troubles)
{
    return troubles & CURRENCY ? BYTES_LITERAL("miles") : BYTES_LITERAL("points");
}

static struct event
make_grant(unsigned troubles)
{
    if (troubles & STATE) change_state(EVENT_SUSPEND);
    struct event event = {.kind = EVENT_GRANT,
                          .grant = {.currency = currency_for(troubles),
                                    .points = {troubles & TOO_MUCH ? INT64_MAX : 5},
                                    .never_expires = true}};
    if (troubles & REFERENCE) event.grant.order_id = BYTES_LITERAL("O7");
    return event;
}

static struct event
make_adjustment(unsigned troubles)
{
    if (troubles & STATE) call_closed();
    struct event event = {.kind = EVENT_ADJUST,
                          .adjust = {.currency = currency_for(troubles),
                                     .points = {10},
                                     .reason = BYTES_LITERAL("so"),
                                     .actor = BYTES_LITERAL("amy")}};
    if (troubles & TOO_MUCH) event.adjust.points.units = INT64_MAX;
    if (troubles & BALANCE) event.adjust.points.units = -(INT64_C(1) << 40);
    return event;
}

static struct event
make_approval(unsigned troubles)
{
    if ((troubles & BALANCE) == 0) {
        accept((struct event){.kind = EVENT_GRANT,
                              .grant = {.currency = BYTES_LITERAL("growth"),
                                        .points = {5000},
                                        .never_expires = true}});
    }
    if (troubles & STATE) call_closed();
    return (struct event){
        .kind = EVENT_APPROVE,
        .approve = {.awaiting = {BYTES_LITERAL("shop"), BYTES_LITERAL("A1")},
                    .actor = troubles & REFERENCE ? BYTES_LITERAL("amy") : BYTES_LITERAL("bob")}};
}

static struct lot_choice
choose(unsigned troubles)
{
    if (troubles & STATE) call_closed();
    struct lot_choice choice = {.currency = currency_for(troubles)};
    if (troubles & REFERENCE) choice.from = rig_at("2090-01-01T00:00:00Z");
    return choice;
}

static struct event
make_extension(unsigned troubles)
{
    return (struct event){.kind = EVENT_EXTEND_LOTS,
                          .extend_lots = {.choice = choose(troubles), .days = 10}};
}

static struct event
make_reinstatement(unsigned troubles)
{
    return (struct event){.kind = EVENT_REINSTATE_LOTS,
                          .reinstate_lots = {.choice = choose(troubles),
                                             .expires_at = rig_at("2027-02-01T00:00:00Z")}};
}

static struct event
make_renewal(unsigned troubles)
{
    return (struct event){.kind = EVENT_RENEW_LOTS,
                          .renew_lots = {.choice = choose(troubles),
                                         .share = {1, 2},
                                         .expires_at = rig_at("2027-02-01T00:00:00Z")}};
}

static struct event
make_override(unsigned troubles)
{
    if (troubles & STATE) call_closed();
    struct bytes tier = troubles & REFERENCE ? BYTES_LITERAL("mud") : BYTES_LITERAL("gold");
    return (struct event){.kind = EVENT_TIER_OVERRIDE, .tier_override = {.tier = tier}};
}

static struct event
make_override_end(unsigned troubles)
{
    if ((troubles & REFERENCE) == 0) {
        accept((struct event){.kind = EVENT_TIER_OVERRIDE,
                              .tier_override = {.tier = BYTES_LITERAL("gold")}});
    }
    if (troubles & STATE) call_closed();
    return (struct event){.kind = EVENT_END_TIER_OVERRIDE};
}

static struct event
make_quarantine_end(enum event_kind kind, unsigned troubles)
{
    struct event event = {.kind = kind};
    event.quarantine_end.granted_by.source = BYTES_LITERAL("shop");
    event.quarantine_end.granted_by.id =
        troubles & REFERENCE ? BYTES_LITERAL("used") : bytes_from_cstr(held_back);
    return event;
}

static struct event
make_quarantine_release(unsigned troubles)
{
    return make_quarantine_end(EVENT_RELEASE_QUARANTINE, troubles);
}

static struct event
make_quarantine_rejection(unsigned troubles)
{
    return make_quarantine_end(EVENT_REJECT_QUARANTINE, troubles);
}

static struct event
make_suspension(unsigned troubles)
{
    if (troubles & STATE) change_state(EVENT_SUSPEND);
    return (struct event){.kind = EVENT_SUSPEND};
}

static struct event
make_resumption(unsigned troubles)
{
    if ((troubles & STATE) == 0) change_state(EVENT_SUSPEND);
    return (struct event){.kind = EVENT_RESUME};
}

static struct event
make_freeze(unsigned troubles)
{
    if (troubles & STATE) change_state(EVENT_FREEZE);
    return (struct event){.kind = EVENT_FREEZE};
}

static struct event
make_thaw(unsigned troubles)
{
    if ((troubles & STATE) == 0) change_state(EVENT_FREEZE);
    return (struct event){.kind = EVENT_UNFREEZE};
}

static struct event
make_closing(unsigned troubles)
{
    if (troubles & STATE) change_state(EVENT_CLOSE);
    return (struct event){.kind = EVENT_CLOSE};
}

static struct event
make_reopening(unsigned troubles)
{
    if ((troubles & STATE) == 0) change_state(EVENT_CLOSE);
    return (struct event){.kind = EVENT_REOPEN};
}

/* ---- The table ---- */

#define NOBODY_THERE                                                                               \
    {                                                                                              \
        NOBODY, VERDICT_UNKNOWN_MEMBER                                                             \
    }
#define CLOSED                                                                                     \
    {                                                                                              \
        STATE, VERDICT_MEMBER_CLOSED                                                               \
    }
#define INACTIVE                                                                                   \
    {                                                                                              \
        STATE, VERDICT_MEMBER_NOT_ACTIVE                                                           \
    }
#define LIMITED                                                                                    \
    {                                                                                              \
        LIMIT, VERDICT_LIMIT_REACHED                                                               \
    }
#define OVERFLOWING                                                                                \
    {                                                                                              \
        TOO_MUCH, VERDICT_OVERFLOW                                                                 \
    }
#define MISSING                                                                                    \
    {                                                                                              \
        BALANCE, VERDICT_INSUFFICIENT_POINTS                                                       \
    }
#define NAMELESS                                                                                   \
    {                                                                                              \
        CURRENCY, VERDICT_UNKNOWN_POINTS_CURRENCY                                                  \
    }

static const struct subject SUBJECTS[] = {
    {"purchase",
     make_purchase,
     {NOBODY_THERE, {REFERENCE, VERDICT_ORDER_EXISTS}, INACTIVE, LIMITED, OVERFLOWING}},
    {"purchase of many lines",
     make_purchase_of_lines,
     {NOBODY_THERE, {REFERENCE, VERDICT_ORDER_EXISTS}, INACTIVE, LIMITED, OVERFLOWING}},
    {"activity",
     make_activity,
     {NOBODY_THERE, {REFERENCE, VERDICT_REFERENCE_SEEN}, INACTIVE, LIMITED, OVERFLOWING}},
    {"enrol", make_enrolment, {{REFERENCE, VERDICT_ALREADY_ENROLLED}, OVERFLOWING}},
    {"profile_update", make_profile, {NOBODY_THERE, CLOSED}},
    {"refund",
     make_refund,
     {{REFERENCE, VERDICT_CONFLICTING_REFUND}, CLOSED, LIMITED, OVERFLOWING}},
    {"refund before its order",
     make_waiting_refund,
     {{REFERENCE, VERDICT_CONFLICTING_REFUND}, CLOSED, LIMITED, OVERFLOWING}},
    {"refund without an order",
     make_loose_refund,
     {NOBODY_THERE, {REFERENCE, VERDICT_CONFLICTING_REFUND}, CLOSED, LIMITED, OVERFLOWING}},
    {"cancellation", make_cancellation, {{REFERENCE, VERDICT_ORDER_CANCELLED}, CLOSED}},
    {"delivered", make_delivery, {CLOSED}},
    {"redeem",
     make_redeem,
     {NAMELESS,
      NOBODY_THERE,
      {REFERENCE, VERDICT_ID_IN_USE},
      INACTIVE,
      {ARREARS, VERDICT_ARREARS_OPEN},
      LIMITED,
      MISSING,
      OVERFLOWING},
     .blind = NO_RULES},
    {"redeem of a reward",
     make_reward,
     {NAMELESS, NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_REWARD}, INACTIVE, LIMITED, MISSING},
     .blind = NO_RULES},
    {"hold",
     make_hold,
     {NAMELESS,
      NOBODY_THERE,
      {REFERENCE, VERDICT_ID_IN_USE},
      INACTIVE,
      {ARREARS, VERDICT_ARREARS_OPEN},
      LIMITED,
      MISSING},
     .blind = NO_RULES},
    {"capture_hold",
     make_capture,
     {NOBODY_THERE, {REFERENCE, VERDICT_HOLD_CLOSED}, MISSING, OVERFLOWING}},
    {"release_hold", make_release, {NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_HOLD}}},
    {"cancel_redemption",
     make_undo,
     {NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_SPEND}, CLOSED, LIMITED, OVERFLOWING},
     .full = true},
    {"grant",
     make_grant,
     {NAMELESS, NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_ORDER}, INACTIVE, LIMITED, OVERFLOWING},
     .blind = NO_RULES,
     .full = true},
    {"adjust",
     make_adjustment,
     {NAMELESS, NOBODY_THERE, CLOSED, {LIMIT, VERDICT_AWAITING_APPROVAL}, OVERFLOWING},
     .blind = NO_RULES},
    {"adjust below the balance",
     make_adjustment,
     {NAMELESS, NOBODY_THERE, CLOSED, {LIMIT, VERDICT_AWAITING_APPROVAL}, MISSING},
     .blind = NO_RULES},
    {"approve",
     make_approval,
     {NAMELESS, NOBODY_THERE, {REFERENCE, VERDICT_SAME_ACTOR}, CLOSED, MISSING},
     .blind = NO_RULES | NOBODY},
    {"extend_lots",
     make_extension,
     {NAMELESS, NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_LOT}, CLOSED},
     .blind = NO_RULES},
    {"reinstate_lots",
     make_reinstatement,
     {NAMELESS, NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_LOT}, CLOSED},
     .blind = NO_RULES},
    {"renew_lots",
     make_renewal,
     {NAMELESS, NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_LOT}, CLOSED},
     .blind = NO_RULES},
    {"tier_override", make_override, {NOBODY_THERE, {REFERENCE, VERDICT_UNKNOWN_TIER}, CLOSED}},
    {"end_tier_override",
     make_override_end,
     {NOBODY_THERE, {REFERENCE, VERDICT_NO_OVERRIDE}, CLOSED}},
    {"release_quarantine",
     make_quarantine_release,
     {NOBODY_THERE, {REFERENCE, VERDICT_NOT_QUARANTINED}}},
    {"reject_quarantine",
     make_quarantine_rejection,
     {NOBODY_THERE, {REFERENCE, VERDICT_NOT_QUARANTINED}}},
    {"suspend", make_suspension, {NOBODY_THERE, {STATE, VERDICT_WRONG_STATE}}},
    {"resume", make_resumption, {NOBODY_THERE, {STATE, VERDICT_WRONG_STATE}}},
    {"freeze", make_freeze, {NOBODY_THERE, {STATE, VERDICT_WRONG_STATE}}},
    {"unfreeze", make_thaw, {NOBODY_THERE, {STATE, VERDICT_WRONG_STATE}}},
    {"close", make_closing, {NOBODY_THERE, CLOSED}},
    {"reopen", make_reopening, {NOBODY_THERE, {STATE, VERDICT_WRONG_STATE}}},
};

/* What every kind may meet before the member is looked for; a currency stands behind the time. */
static const struct stage COMMON[] = {
    {BAD_TIME, VERDICT_MALFORMED},
    {USED_ID, VERDICT_CONFLICTING_DUPLICATE},
    {NO_RULES, VERDICT_NO_RULEBOOK},
    {TOO_LATE, VERDICT_TOO_OLD},
};

static uint32_t
stages_of(const struct subject *subject, struct stage out_stages[static 2 * STAGES_MAX])
{
    const struct stage *own = subject->stages;
    uint32_t count = 0;
    out_stages[count++] = COMMON[0];
    if (own->trouble == CURRENCY) out_stages[count++] = *own++;
    for (size_t i = 1; i < sizeof COMMON / sizeof *COMMON; i++)
        out_stages[count++] = COMMON[i];
    for (; own < subject->stages + STAGES_MAX && own->trouble != 0; own++)
        out_stages[count++] = *own;
    return count;
}

/* A world of its own with these troubles, and what the event is told. */
static enum verdict
answer(const struct subject *subject, unsigned troubles)
{
    law_open(&law);
    write_program();
    law_start(&law);
    live();
    struct event event = subject->make(troubles);
    if (troubles & NOBODY) event.member = BYTES_LITERAL("zoe");
    if (event.member.size == 0) event.member = BYTES_LITERAL("ann");
    if (troubles & TOO_LATE) event.occurred_at = rig_at("2023-01-01T00:00:00Z");
    if (troubles & NO_RULES) event.occurred_at = rig_at("2019-01-01T00:00:00Z");
    if (troubles & BAD_TIME) event.occurred_at.ms = INSTANT_MAX_MS + 1;
    if (troubles & USED_ID) {
        event.id = BYTES_LITERAL("used");
        event.content_hash = 2;
    }
    write_troubles(troubles);
    law_start(&law);
    uint32_t lots = find_ann()->lot_count;
    if (subject->full && (troubles & LIMIT)) find_ann()->lot_count = MEMBER_LOTS_MAX;
    enum verdict verdict = rig_event(&law.rig, event);
    if (subject->full && (troubles & LIMIT)) find_ann()->lot_count = lots;
    rig_close(&law.rig);
    return verdict;
}

static const char *
name_of(enum verdict verdict)
{
    return verdict_find(verdict)->name;
}

static void
check_order(const struct subject *subject)
{
    struct stage stages[2 * STAGES_MAX];
    uint32_t count = stages_of(subject, stages);
    enum verdict verdict = answer(subject, 0);
    cr_expect_eq(verdict, VERDICT_ACCEPTED, "%s without trouble: %s", subject->what,
                 name_of(verdict));
    for (uint32_t i = 0; i < count; i++) {
        verdict = answer(subject, stages[i].trouble);
        cr_expect_eq(verdict, stages[i].verdict, "%s: %s, not %s", subject->what, name_of(verdict),
                     name_of(stages[i].verdict));
        for (uint32_t k = i + 1; k < count; k++) {
            bool blind = stages[i].trouble == CURRENCY && (stages[k].trouble & subject->blind) != 0;
            if (blind) continue;
            verdict = answer(subject, stages[i].trouble | stages[k].trouble);
            cr_expect_eq(verdict, stages[i].verdict, "%s: %s before %s, but it is %s",
                         subject->what, name_of(stages[i].verdict), name_of(stages[k].verdict),
                         name_of(verdict));
        }
    }
}

Test(refusal_order, the_earlier_stage_wins, .timeout = 300)
{
    for (size_t i = 0; i < sizeof SUBJECTS / sizeof *SUBJECTS; i++)
        check_order(&SUBJECTS[i]);
}
