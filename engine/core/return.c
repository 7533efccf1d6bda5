#include "engine/core/return.h"

#include <string.h>

#include "engine/core/activate.h"
#include "engine/core/award.h"
#include "engine/core/cap.h"
#include "engine/core/fact.h"
#include "engine/core/life.h"
#include "engine/core/lot.h"
#include "engine/core/return_priv.h"
#include "engine/core/tier.h"
#include "engine/core/wait.h"

/* A return leaves a few facts behind for each currency. */
enum { FACTS_PER_CURRENCY = 4 };

/* ---- What a return needs ---- */

void
return_needs(const struct state *state, const struct member *member,
             const struct reference *reference, struct needs *needs)
{
    struct order order;
    const struct lot *lot;
    size_t mark = arena_mark(state->scratch);
    order_decode(bytes_of(reference->content, reference->size), state->scratch, &order);
    /* Asked for also while a lot is open: an entry before this one in its batch may use it up. */
    for (uint32_t i = 0; i < order.grant_count; i++) {
        for (uint32_t k = 0; k < order.grants[i].lot_count; k++) {
            if (!closed_find(&state->closed, member->number, reference->node.key,
                             order.grants[i].lots[k].index, &lot))
                closed_need(member->number, reference->node.key, needs);
        }
    }
    for (uint32_t i = 0; i < order.taking_count; i++) {
        const struct order_taking *taking = &order.takings[i];
        if (taking->lot.ordinal == 0) continue;
        if (!closed_find(&state->closed, member->number, taking->lot.ordinal, taking->lot.index,
                         &lot))
            closed_need(member->number, taking->lot.ordinal, needs);
    }
    arena_reset_to(state->scratch, mark);
}

/* ---- Judging ---- */

void
return_open(const struct apply *apply, const struct reference *reference,
            const struct report *report, struct returning *returning)
{
    struct state *state = apply->state;
    struct order *order = &returning->order;
    *returning = (struct returning){
        .scratch = state->scratch,
        .ordinal = reference->node.key,
        .report = report,
    };
    order_decode(bytes_of(reference->content, reference->size), state->scratch, order);
    returning->rulebook = state->rulebooks.items[order->rulebook];
    returning->taking_capacity = order->taking_count;
    returning->money = (struct order_money){
        .lines = order->lines,
        .line_count = order->line_count,
        .tender_minor = order->tender_minor,
    };
    bool fits = eligible_paid(state->scratch, &returning->money, &returning->paid);
    CHECK(fits); /* as it did when it was bought */
    returning->before = return_picture(state->scratch, order, returning->paid);
}

/* What changes of a metric by this return. */
static int64_t
metric_change(const struct returning *returning, uint32_t g, uint32_t m)
{
    const struct program *program = &returning->rulebook->program;
    const struct program_metric *metric = &program->groups[g].metrics[m];
    if (program->returns.keeps_tier_value || (returning->order.flags & ORDER_REJECTED)) return 0;
    if (metric->kind == METRIC_SPEND)
        return returning->spends_after.values[g][m] - returning->spends_before.values[g][m];
    if (metric->kind != METRIC_POINTS) return 0;
    int64_t change = 0;
    for (uint32_t i = 0; i < returning->order.grant_count; i++) {
        const struct order_grant *grant = &returning->order.grants[i];
        if (returning->rulebook->currency_at[grant->currency] == (int32_t)metric->currency)
            change += returning->stays[i] - grant->stays; /* parts of what was granted */
    }
    return change;
}

static enum verdict
judge_amounts(const struct apply *apply, const struct returning *returning)
{
    const struct program *program = &returning->rulebook->program;
    int64_t claws[CURRENCY_SLOTS_MAX] = {0};
    for (uint32_t i = 0; i < returning->order.grant_count; i++) {
        uint8_t slot = returning->order.grants[i].currency;
        if (!add_i64(claws[slot], returning->claws[i], &claws[slot])) return VERDICT_OVERFLOW;
    }
    for (uint32_t slot = 0; slot < CURRENCY_SLOTS_MAX; slot++) {
        if (claws[slot] > 0 && !posting_can_reverse(apply->state, apply->member, slot, claws[slot]))
            return VERDICT_OVERFLOW;
    }
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            if (!tier_can_add(returning->rulebook, apply->member, g, m,
                              returning->order.occurred_at, metric_change(returning, g, m)))
                return VERDICT_OVERFLOW;
        }
    }
    return VERDICT_ACCEPTED;
}

/* ---- Booking ---- */

/* What of a cap's use a grant has given back once so much of it was clawed back or owed. */
static int64_t
given_back(struct arena *scratch, const struct program_cap *cap, uint32_t currency,
           const struct order_grant *grant, int64_t units)
{
    int64_t *weights = eligible_list(scratch, grant->part_count, sizeof *weights);
    int64_t *shares = eligible_list(scratch, grant->part_count, sizeof *shares);
    int64_t sum = 0;
    for (uint32_t k = 0; k < grant->part_count; k++)
        weights[k] = grant->parts[k].points;
    CHECK(share_largest_remainder(units, weights, grant->part_count, shares));
    for (uint32_t k = 0; k < grant->part_count; k++) {
        if (cap_covers(cap, grant->parts[k].source, currency)) sum += shares[k];
    }
    return sum;
}

static void
give_caps_back(struct apply *apply, const struct returning *returning,
               const struct order_grant *grant, int64_t before)
{
    struct rulebook *rulebook = returning->rulebook;
    uint32_t currency = (uint32_t)rulebook->currency_at[grant->currency];
    int64_t after = grant->settled - grant->dropped;
    if (grant->part_count == 0 || before == after) return;
    for (uint32_t c = 0; c < rulebook->program.cap_count; c++) {
        const struct program_cap *cap = &rulebook->program.caps[c];
        if (!cap->gives_back || !cap_is_kept(cap) || cap->currency != currency) continue;
        int64_t change = given_back(returning->scratch, cap, currency, grant, after) -
                         given_back(returning->scratch, cap, currency, grant, before);
        if (change != 0) cap_use(apply, rulebook, c, returning->order.occurred_at, -change);
    }
}

/* What the outcome tells of one currency. */
static void
tell_amount(struct apply *apply, uint32_t slot, int64_t requested, int64_t granted,
            const struct claw_outcome *outcome)
{
    uint32_t i = 0;
    while (i < apply->amount_count && apply->amount_slots[i] != slot)
        i++;
    struct outcome_amount *amount =
        i < apply->amount_count ? &apply->amounts[i] : output_amount(apply, slot, 0, 0);
    amount->requested.units += requested; /* parts of what was granted */
    amount->granted.units += granted;
    amount->owed.units += outcome->owed;
    amount->dropped.units += outcome->dropped;
}

/* Grant by grant: what is clawed back or restored, and what its caps get back. */
static void
book_grants(struct apply *apply, struct returning *returning)
{
    int64_t write_offs[CURRENCY_SLOTS_MAX];
    for (uint32_t slot = 0; slot < CURRENCY_SLOTS_MAX; slot++)
        write_offs[slot] = return_write_off(returning->report->rulebook, slot);
    for (uint32_t i = 0; i < returning->order.grant_count; i++) {
        struct order_grant *grant = &returning->order.grants[i];
        int64_t before = grant->settled - grant->dropped, units = returning->claws[i];
        struct claw_outcome outcome = {0};
        grant->stays = returning->stays[i];
        if (units > 0) {
            outcome =
                return_claw(apply, returning, grant->currency, units, &write_offs[grant->currency]);
            grant->settled += units;
            grant->dropped += outcome.dropped;
        } else if (returning->restores[i] > 0) {
            units = -returning->restores[i];
            grant->dropped -= return_restore(apply, returning, i, -units);
            grant->settled += units;
        }
        give_caps_back(apply, returning, grant, before);
        if (units != 0 && !returning->report->waited)
            tell_amount(apply, grant->currency, units, units - outcome.dropped, &outcome);
    }
}

static void
book_metrics(struct apply *apply, const struct returning *returning)
{
    const struct program *program = &returning->rulebook->program;
    if (life_has_forgotten(apply->member, returning->ordinal)) return;
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            int64_t change = metric_change(returning, g, m);
            if (change != 0)
                tier_add(apply, returning->rulebook, g, m, returning->order.occurred_at, change);
        }
    }
    if (returning->after.whole && !returning->before.whole &&
        (returning->order.flags & ORDER_REJECTED) == 0) {
        tier_count(apply, returning->rulebook, METRIC_VISITS, (struct bytes){0}, PROGRAM_NONE,
                   returning->order.occurred_at, -1);
    }
}

/* Missions that counted the order fall with it. */
static void
book_missions(struct apply *apply, const struct returning *returning)
{
    struct order_money before = return_money(returning, &returning->before);
    struct order_money after = return_money(returning, &returning->after);
    struct award_return returned = {
        .rulebook = returning->rulebook,
        .occurred_at = returning->order.occurred_at,
        .missions = returning->order.missions.items,
        .mission_count = returning->order.missions.count,
        .before = &before,
        .after = returning->after.whole ? NULL : &after,
        .whole = returning->after.whole && !returning->before.whole,
    };
    bool forgotten = life_has_forgotten(apply->member, returning->ordinal);
    if (returned.mission_count > 0 && !returning->before.whole && !forgotten)
        award_return(apply, &returned);
}

void
return_write(struct apply *apply, const struct returning *returning)
{
    struct writer writer = writer_of(apply->state->row_region.memory, REFERENCE_BYTES_MAX);
    order_encode(&returning->order, &writer);
    references_change(&apply->state->references, returning->ordinal, writer_span(&writer));
}

static void
book(struct apply *apply, struct returning *returning)
{
    members_write(&apply->state->members, apply->member);
    apply->order_id = returning->order.order_id;
    book_metrics(apply, returning);
    book_missions(apply, returning);
    book_grants(apply, returning);
    if (returning->after.whole) returning->order.flags |= ORDER_RETURNED;
    return_write(apply, returning);
}

/* More told than was paid: of the order, or where only lines are, of the first such line. */
struct clamped {
    int64_t reported, paid;
};

static struct clamped
clamped_of(const struct returning *returning)
{
    const struct order *order = &returning->order;
    struct told told = return_told(returning->scratch, order, returning->paid);
    int64_t paid = 0;
    for (uint32_t i = 0; i < order->line_count; i++)
        paid += returning->paid[i];
    if (told.total > paid) return (struct clamped){told.total, paid};
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (told.lines[i] > returning->paid[i])
            return (struct clamped){told.lines[i], returning->paid[i]};
    }
    return (struct clamped){0};
}

static void
tell_clamped(struct apply *apply, const struct returning *returning, struct clamped before)
{
    struct clamped clamped = clamped_of(returning);
    bool same = clamped.reported == before.reported && clamped.paid == before.paid;
    if (clamped.reported == 0 || same) return;
    struct effect *effect = output_begin(apply, TOPIC_NOTICES);
    effect->notice = (struct notice){
        .kind = NOTICE_REFUND_CLAMPED,
        .member = output_member(apply),
        .effective_at = returning->report->occurred_at,
        .journal_time = apply->state->clock,
        .cause = {output_source(apply), output_event_id(apply)},
        .traceparent = output_trace(apply),
        .refund_clamped =
            {
                .order_id = output_order(apply),
                .money = returning->order.currency,
                .reported_minor = clamped.reported,
                .paid_minor = clamped.paid,
            },
    };
    output_seal(apply, effect);
}

void
return_rejected(struct apply *apply, uint64_t order_ordinal)
{
    const struct reference *reference = references_get(&apply->state->references, order_ordinal);
    struct returning returning;
    CHECK(reference != NULL); /* its needs have named it */
    return_open(apply, reference, NULL, &returning);
    const struct order *order = &returning.order;
    const struct program *program = &returning.rulebook->program;
    /* Where refunds leave tier value standing, all of it is still counted. */
    bool all = program->returns.keeps_tier_value;
    struct order_money money = all ? returning.money : return_money(&returning, &returning.before);
    struct earn_spends spends = {0};
    bool fits = (!all && returning.before.whole) ||
                earn_spends(returning.scratch, program, order->currency, &money, &spends);
    CHECK(fits); /* a part of what was added when it was bought */
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            const struct program_metric *metric = &program->groups[g].metrics[m];
            int64_t change = -spends.values[g][m];
            for (uint32_t i = 0; i < order->grant_count && metric->kind == METRIC_POINTS; i++) {
                if (returning.rulebook->currency_at[order->grants[i].currency] ==
                    (int32_t)metric->currency)
                    change -= all ? order->grants[i].granted : order->grants[i].stays;
            }
            if (change != 0) tier_add(apply, returning.rulebook, g, m, order->occurred_at, change);
        }
    }
    if (!returning.before.whole) {
        tier_count(apply, returning.rulebook, METRIC_VISITS, (struct bytes){0}, PROGRAM_NONE,
                   order->occurred_at, -1);
    }
    returning.order.flags |= ORDER_REJECTED;
    return_write(apply, &returning);
}

/* ---- A report and its order ---- */

/* A delta that was told before: accepted if it says the same, and done with. */
static bool
is_known(const struct returning *returning, enum verdict *out_verdict)
{
    const struct order *order = &returning->order;
    const struct refund *refund = &returning->report->refund;
    int64_t total;
    if (returning->report->kind != EVENT_REFUND || refund->style != REFUND_DELTA) return false;
    bool fits = return_total(refund, &total);
    for (uint32_t i = 0; i < order->refund_count; i++) {
        if (!bytes_equal(order->refunds[i].id, refund->refund_id)) continue;
        bool same = fits && order->refunds[i].amount_minor == total;
        *out_verdict = same ? VERDICT_ACCEPTED : VERDICT_CONFLICTING_REFUND;
        return true;
    }
    return false;
}

static enum verdict
judge_report(struct apply *apply, const struct returning *returning)
{
    const struct report *report = returning->report;
    if (report->kind == EVENT_CANCELLATION && (returning->order.flags & ORDER_CANCELLED))
        return VERDICT_ORDER_CANCELLED;
    if (report->kind == EVENT_REFUND && report->refund.currency != returning->order.currency) {
        apply->detail = bytes_from_cstr("the order of that id is in another currency");
        return VERDICT_UNKNOWN_ORDER;
    }
    enum verdict known;
    if (is_known(returning, &known) && known != VERDICT_ACCEPTED) return known;
    /* What was earned before can be taken back in any state but this. */
    return apply->member->status >= MEMBER_CLOSED ? VERDICT_MEMBER_CLOSED : VERDICT_ACCEPTED;
}

/* Room in the rows of the order and of the member. */
static enum verdict
judge_room(struct apply *apply, const struct returning *returning, const struct reference *row)
{
    const struct program *program = &returning->rulebook->program;
    if (row->size + returning->report->refund.refund_id.size > REFERENCE_BYTES_MAX / 2) {
        apply->detail = bytes_from_cstr("the order has too many refunds");
        return VERDICT_LIMIT_REACHED;
    }
    if (!facts_fit(apply->member, FACTS_PER_CURRENCY * program->currency_count)) {
        apply->detail = bytes_from_cstr("the member's row is full");
        return VERDICT_LIMIT_REACHED;
    }
    return VERDICT_ACCEPTED;
}

enum verdict
return_limits(struct apply *apply, const struct report *report, struct limit_use *out_use,
              struct limit_finding *out_finding)
{
    *out_use = (struct limit_use){0};
    if (report->kind != EVENT_REFUND || report->waited) return VERDICT_ACCEPTED;
    struct limit_use use = {.of = LIMITED_REFUND, .money = report->refund.currency};
    if (!return_total(&report->refund, &use.net_minor)) use.net_minor = INT64_MAX;
    enum verdict verdict = limit_check(apply, &use, out_finding);
    if (verdict == VERDICT_ACCEPTED) *out_use = use;
    return verdict;
}

enum verdict
return_apply(struct apply *apply, const struct reference *reference, const struct report *report)
{
    struct returning returning;
    return_open(apply, reference, report, &returning);
    enum verdict known, verdict = judge_report(apply, &returning);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (is_known(&returning, &known)) return VERDICT_ACCEPTED; /* told again it does nothing */
    struct clamped before = clamped_of(&returning);
    struct limit_use use;
    struct limit_finding finding;
    verdict = return_limits(apply, report, &use, &finding);
    if (verdict == VERDICT_ACCEPTED) verdict = judge_room(apply, &returning, reference);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (!return_take_report(&returning)) return VERDICT_OVERFLOW;
    returning.after = return_picture(returning.scratch, &returning.order, returning.paid);
    if (!return_amounts(apply, &returning)) return VERDICT_OVERFLOW;
    verdict = judge_amounts(apply, &returning);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    book(apply, &returning);
    if (use.of == LIMITED_REFUND) limit_count(apply, &use, &finding);
    tell_clamped(apply, &returning, before);
    return VERDICT_ACCEPTED;
}

struct report
return_report(const struct apply *apply)
{
    const struct event *event = apply->event;
    struct report report = {
        .kind = event->kind,
        .occurred_at = event->occurred_at,
        .rulebook = apply->rulebook,
    };
    if (event->kind == EVENT_REFUND) report.refund = event->refund;
    return report;
}

static enum verdict
return_named(struct apply *apply, struct bytes order_id)
{
    const struct reference *reference =
        state_reference(apply->state, REFERENCE_ORDER, apply->member, order_id);
    if (reference == NULL) return wait_begin(apply, order_id);
    struct report report = return_report(apply);
    return return_apply(apply, reference, &report);
}

enum verdict
return_refund(struct apply *apply)
{
    struct bytes order_id = apply->event->refund.order_id;
    return order_id.size == 0 ? return_loose(apply) : return_named(apply, order_id);
}

enum verdict
return_cancel(struct apply *apply)
{
    return return_named(apply, apply->event->cancellation.order_id);
}

/* ---- Deliveries ---- */

/* A lot that awaited the delivery; what is in quarantine besides stays there. */
static void
deliver_lot(struct apply *apply, struct lot *lot, int64_t instant_ms)
{
    if ((lot->flags & LOT_QUARANTINED) == 0) {
        activate_lot(apply, lot, instant_ms);
        return;
    }
    lot->flags &= (uint8_t)~LOT_AWAITS_DELIVERY;
    lot->activates_ms = instant_ms;
}

/* The first lot of the order, in the order they were made, that awaits the delivery. */
static struct lot *
next_awaiting(const struct apply *apply, uint64_t order)
{
    struct lot *lots = member_lots(apply->member), *first = NULL;
    for (uint32_t i = 0; i < apply->member->lot_count; i++) {
        struct lot *lot = &lots[i];
        if (lot->order != order || (lot->flags & LOT_AWAITS_DELIVERY) == 0) continue;
        bool earlier = first == NULL || lot->ordinal < first->ordinal ||
                       (lot->ordinal == first->ordinal && lot->index < first->index);
        if (earlier) first = lot;
    }
    return first;
}

static void
deliver_lots(struct apply *apply, uint64_t order, int64_t instant_ms)
{
    for (struct lot *lot; (lot = next_awaiting(apply, order)) != NULL;) {
        if (lot->deadline_ms <= instant_ms && (lot->flags & LOT_QUARANTINED) == 0) {
            activate_cancel(apply, lot, lot->deadline_ms);
        } else {
            deliver_lot(apply, lot, instant_ms);
        }
    }
}

enum verdict
return_deliver(struct apply *apply, const struct reference *reference, struct instant delivered_at)
{
    struct returning returning;
    return_open(apply, reference, NULL, &returning);
    struct order *order = &returning.order;
    if (apply->member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    if (order->flags & ORDER_DELIVERED) return VERDICT_ACCEPTED;
    members_write(&apply->state->members, apply->member);
    apply->order_id = order->order_id;
    order->flags |= ORDER_DELIVERED;
    order->delivered_ms =
        delivered_at.ms > order->occurred_at.ms ? delivered_at.ms : order->occurred_at.ms;
    deliver_lots(apply, returning.ordinal, order->delivered_ms);
    return_write(apply, &returning);
    return VERDICT_ACCEPTED;
}

enum verdict
return_delivered(struct apply *apply)
{
    struct bytes order_id = apply->event->delivered.order_id;
    const struct reference *reference =
        state_reference(apply->state, REFERENCE_ORDER, apply->member, order_id);
    if (reference == NULL) return wait_begin(apply, order_id);
    return return_deliver(apply, reference, apply->event->occurred_at);
}
