/*
 * How much is clawed back: what the kept lines would have earned under the version, tiers and
 * amounts of the original stays; the rest goes, less what expired (method `recompute`). From where:
 * the order's own lot, then other lots in spend order, then arrears (policy `allow`).
 */
#include "engine/core/giveback.h"

#include "engine/core/arrears.h"
#include "engine/core/earn.h"
#include "engine/core/lot.h"
#include "engine/core/posting.h"
#include "engine/core/tier.h"

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- What a return changes ---- */

struct giveback {
    struct order order;
    uint64_t ordinal;          /* of the order */
    struct rulebook *rulebook; /* that granted */
    bool was_cancelled;
    const int64_t *paid;
    const int64_t *refunded_before, *refunded; /* per line, before and after this return */
    struct earn_result before, after;
    int64_t claw[PROGRAM_CURRENCIES_MAX]; /* per grant */
};

static struct lot
lot_of_grant(const struct giveback *giveback, const struct order_grant *grant)
{
    return (struct lot){
        .earned_ms = giveback->order.occurred_at.ms,
        .expires_ms = grant->expires_ms,
        .ordinal = giveback->ordinal,
        .index = grant->lot_index,
        .currency = grant->currency,
    };
}

/* What of a grant expired, of its lot as it stands: open, closed or used up. */
static bool
expired_of(const struct state *state, const struct member *member, const struct giveback *giveback,
           const struct order_grant *grant, int64_t *out_expired)
{
    struct lot wanted = lot_of_grant(giveback, grant);
    const struct lot *lot = lots_find_id(member, &wanted);
    if (lot == NULL &&
        !closed_find(&state->closed, member->number, wanted.ordinal, wanted.index, &lot)) {
        return false;
    }
    *out_expired = lot == NULL ? 0 : lot->expired;
    return true;
}

/* Asked for also while the lot is open: an entry before this one in its batch may use it up. */
void
giveback_needs(const struct state *state, const struct member *member,
               const struct reference *reference, struct needs *needs)
{
    struct order order;
    size_t mark = arena_mark(state->scratch);
    order_decode(bytes_of(reference->content, reference->size), state->scratch, &order);
    for (uint32_t i = 0; i < order.grant_count; i++) {
        const struct lot *lot;
        if (closed_find(&state->closed, member->number, reference->node.key,
                        order.grants[i].lot_index, &lot)) {
            continue;
        }
        closed_need(member->number, reference->node.key, needs);
        break;
    }
    arena_reset_to(state->scratch, mark);
}

/* What is known as refunded of each line (semantics §6): what names it, and its share of what names
 * none, which is spread over what the others leave, by what is left. So the order in which refunds
 * are told does not matter. */
static const int64_t *
known_refunds(struct state *state, const struct order *order, const int64_t *paid)
{
    if (order->cancelled) return paid;
    uint32_t count = order->line_count;
    int64_t *left = arena_alloc(state->scratch, 2 * (count + 1) * sizeof *left);
    int64_t *refunded = left + count + 1;
    int64_t sum = 0;
    CHECK(left != NULL);
    for (uint32_t i = 0; i < count; i++) {
        left[i] = paid[i] - order->named[i];
        sum += left[i]; /* what was paid has 63 bits in all */
    }
    CHECK(share_largest_remainder(smaller(order->unnamed_minor, sum), left, count, refunded));
    for (uint32_t i = 0; i < count; i++)
        refunded[i] += order->named[i];
    return refunded;
}

static bool
open_order(const struct apply *apply, const struct reference *reference, struct giveback *giveback)
{
    struct state *state = apply->state;
    struct order *order = &giveback->order;
    *giveback = (struct giveback){.ordinal = reference->node.key};
    order_decode(bytes_of(reference->content, reference->size), state->scratch, order);
    giveback->rulebook = state->rulebooks.items[order->rulebook];
    giveback->was_cancelled = order->cancelled;
    if (!earn_paid(state->scratch, order->lines, order->line_count, order->tender_minor,
                   &giveback->paid)) {
        return false;
    }
    giveback->refunded_before = known_refunds(state, order, giveback->paid);
    return true;
}

/* Of a cancelled order nothing is kept, whatever was paid how. */
static bool
compute_kept(struct state *state, const struct giveback *giveback, const int64_t *refunded,
             bool cancelled, struct earn_result *out)
{
    *out = (struct earn_result){0};
    if (cancelled) return true;
    struct earn_input input = {
        .rulebook = giveback->rulebook,
        .money = giveback->order.currency,
        .lines = giveback->order.lines,
        .line_count = giveback->order.line_count,
        .tender_minor = giveback->order.tender_minor,
        .levels = giveback->order.levels,
        .paid = giveback->paid,
        .refunded = refunded,
    };
    return earn_compute(state->scratch, &input, out);
}

/* claw-back = max(0, min(granted − stays − settled, granted − settled − expired)), semantics §6. */
static void
compute_claws(const struct apply *apply, struct giveback *giveback)
{
    for (uint32_t i = 0; i < giveback->order.grant_count; i++) {
        const struct order_grant *grant = &giveback->order.grants[i];
        int64_t expired;
        CHECK(expired_of(apply->state, apply->member, giveback, grant, &expired));
        int64_t stays = giveback->after.points[giveback->rulebook->currency_at[grant->currency]];
        int64_t claw = smaller(grant->granted - stays, grant->granted - expired) - grant->settled;
        giveback->claw[i] = claw < 0 ? 0 : claw;
    }
}

static int64_t
metric_change(const struct giveback *giveback, uint32_t g)
{
    const struct program_metric *metric = &giveback->rulebook->program.groups[g].metrics[0];
    if (metric->kind == METRIC_SPEND) return giveback->after.spend[g] - giveback->before.spend[g];
    return giveback->after.points[metric->currency] - giveback->before.points[metric->currency];
}

static enum verdict
judge_overflow(const struct apply *apply, const struct giveback *giveback)
{
    for (uint32_t i = 0; i < giveback->order.grant_count; i++) {
        uint8_t slot = giveback->order.grants[i].currency;
        if (!posting_can_reverse(apply->state, apply->member, slot, giveback->claw[i]))
            return VERDICT_OVERFLOW;
    }
    for (uint32_t g = 0; g < giveback->rulebook->program.group_count; g++) {
        if (!tier_can_add(giveback->rulebook, apply->member, g, giveback->order.occurred_at,
                          metric_change(giveback, g))) {
            return VERDICT_OVERFLOW;
        }
    }
    return VERDICT_ACCEPTED;
}

/* ---- From where ---- */

/* What the lots in spend order do not hold is owed. */
static void
claw_from_all(struct apply *apply, uint8_t slot, int64_t units, uint64_t order)
{
    struct taking taking = {
        .kind = POSTING_CLAW_BACK,
        .to = ACCOUNT_REVERSED,
        .slots = &slot,
        .slot_count = 1,
        .units = units,
        .effective_ms = apply->event->occurred_at.ms,
        .usable_ms = INT64_MAX,
    };
    member_wallet(&apply->state->members, &apply->member, slot);
    int64_t taken = posting_take(apply, &taking, NULL, NULL);
    if (taken < units) arrears_owe(apply, slot, units - taken, order, taking.effective_ms);
}

static void
claw_grant(struct apply *apply, const struct giveback *giveback, const struct order_grant *grant,
           int64_t units)
{
    struct lot wanted = lot_of_grant(giveback, grant);
    struct lot *own = lots_find_id(apply->member, &wanted);
    if (own != NULL) {
        int64_t taken = smaller(own->remaining, units);
        posting_move_lot(apply, POSTING_CLAW_BACK, lot_account(own), ACCOUNT_REVERSED, own, taken,
                         apply->event->occurred_at.ms);
        posting_settle(apply, own);
        units -= taken;
    }
    if (units > 0) claw_from_all(apply, grant->currency, units, giveback->ordinal);
}

/* Books what was computed and writes the order's row. */
static void
book(struct apply *apply, struct giveback *giveback)
{
    struct state *state = apply->state;
    struct order *order = &giveback->order;
    members_write(&state->members, apply->member);
    apply->order_id = order->order_id;
    for (uint32_t i = 0; i < order->grant_count; i++) {
        struct order_grant *grant = &order->grants[i];
        grant->stays = giveback->after.points[giveback->rulebook->currency_at[grant->currency]];
        grant->settled += giveback->claw[i];
        if (giveback->claw[i] == 0) continue;
        claw_grant(apply, giveback, grant, giveback->claw[i]);
        output_amount(apply, grant->currency, giveback->claw[i], giveback->claw[i]);
    }
    for (uint32_t g = 0; g < giveback->rulebook->program.group_count; g++) {
        tier_add(apply, giveback->rulebook, g, order->occurred_at, metric_change(giveback, g));
    }
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    order_encode(order, &writer);
    references_change(&state->references, giveback->ordinal, writer_span(&writer));
}

/* ---- What is returned ---- */

/* The search goes on behind the last one found. */
static uint32_t
find_line(const struct order *order, struct bytes line_id, uint32_t from)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        uint32_t at = (from + i) % order->line_count;
        if (bytes_equal(order->lines[at].line_id, line_id)) return at;
    }
    return order->line_count;
}

static int64_t
sum_of(const int64_t *values, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += values[i]; /* each part of what was paid, which has 63 bits in all */
    return sum;
}

/* Adds the refund to the order's. An amount for a line that the order does not have counts as one
 * that names no line: the money went back, so the points must. */
static void
take_refund(const struct refund *refund, const int64_t *paid, struct order *order)
{
    int64_t unnamed = refund->line_count == 0 ? refund->amount_minor : 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        const struct event_line *line = &refund->lines[i];
        uint32_t found = find_line(order, line->line_id, at);
        if (found == order->line_count) {
            unnamed += line->amount_minor; /* a part of the refund's amount, which has 63 bits */
            continue;
        }
        order->named[found] += smaller(line->amount_minor, paid[found] - order->named[found]);
        at = found + 1;
    }
    order->unnamed_minor +=
        smaller(unnamed, sum_of(paid, order->line_count) - order->unnamed_minor);
}

static bool
refund_total(const struct refund *refund, int64_t *out_total)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        if (!add_i64(sum, refund->lines[i].amount_minor, &sum)) return false;
    }
    *out_total = refund->line_count == 0 ? refund->amount_minor : sum;
    return true;
}

static const struct order_refund *
find_refund(const struct order *order, struct bytes refund_id)
{
    for (uint32_t i = 0; i < order->refund_count; i++) {
        if (bytes_equal(order->refunds[i].id, refund_id)) return &order->refunds[i];
    }
    return NULL;
}

static enum verdict
judge_member(const struct member *member)
{
    if (member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    return VERDICT_ACCEPTED; /* what was earned before can be taken back in any other state */
}

/* Computes, judges and books what the order says is returned by now. */
static enum verdict
settle(struct apply *apply, struct giveback *giveback)
{
    struct state *state = apply->state;
    giveback->refunded = known_refunds(state, &giveback->order, giveback->paid);
    if (!compute_kept(state, giveback, giveback->refunded_before, giveback->was_cancelled,
                      &giveback->before)) {
        return VERDICT_OVERFLOW;
    }
    if (!compute_kept(state, giveback, giveback->refunded, giveback->order.cancelled,
                      &giveback->after)) {
        return VERDICT_OVERFLOW;
    }
    compute_claws(apply, giveback);
    enum verdict verdict = judge_overflow(apply, giveback);
    if (verdict == VERDICT_ACCEPTED) book(apply, giveback);
    return verdict;
}

/* ---- Refunds that name no order ---- */

/* A value without lines counts as one line of goods without a category. */
static struct earn_input
loose_input(const struct apply *apply, struct event_line *line)
{
    const struct refund *refund = &apply->event->refund;
    *line = (struct event_line){.kind = LINE_GOODS, .amount_minor = refund->amount_minor};
    return (struct earn_input){
        .rulebook = apply->rulebook,
        .money = refund->currency,
        .lines = refund->line_count == 0 ? line : refund->lines,
        .line_count = refund->line_count == 0 ? 1 : refund->line_count,
    };
}

static enum verdict
judge_loose(const struct apply *apply, const struct earn_result *result)
{
    const struct program *program = &apply->rulebook->program;
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (!posting_can_reverse(apply->state, apply->member, apply->rulebook->currency_slot[c],
                                 result->points[c])) {
            return VERDICT_OVERFLOW;
        }
    }
    for (uint32_t g = 0; g < program->group_count; g++) {
        const struct program_metric *metric = &program->groups[g].metrics[0];
        int64_t change =
            metric->kind == METRIC_SPEND ? result->spend[g] : result->points[metric->currency];
        if (!tier_can_add(apply->rulebook, apply->member, g, apply->event->occurred_at, -change))
            return VERDICT_OVERFLOW;
    }
    return VERDICT_ACCEPTED;
}

static void
book_loose(struct apply *apply, const struct earn_result *result, int64_t total)
{
    struct state *state = apply->state;
    const struct event *event = apply->event;
    const struct program *program = &apply->rulebook->program;
    members_write(&state->members, apply->member);
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (result->points[c] == 0) continue;
        uint8_t slot = apply->rulebook->currency_slot[c];
        claw_from_all(apply, slot, result->points[c], 0);
        output_amount(apply, slot, result->points[c], result->points[c]);
    }
    for (uint32_t g = 0; g < program->group_count; g++) {
        const struct program_metric *metric = &program->groups[g].metrics[0];
        int64_t change =
            metric->kind == METRIC_SPEND ? result->spend[g] : result->points[metric->currency];
        tier_add(apply, apply->rulebook, g, event->occurred_at, -change);
    }
    struct loose_refund row = {
        .member = apply->member->number,
        .refund_id = event->refund.refund_id,
        .occurred_at = event->occurred_at,
        .currency = event->refund.currency,
        .amount_minor = total,
    };
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    loose_refund_encode(&row, &writer);
    apply->reference_hash =
        reference_hash(&state->memo, REFERENCE_REFUND, event->member, row.refund_id);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
}

static enum verdict
refund_without_order(struct apply *apply, int64_t total)
{
    struct state *state = apply->state;
    const struct refund *refund = &apply->event->refund;
    const struct reference *known =
        state_reference(state, REFERENCE_REFUND, apply->member, refund->refund_id);
    if (known != NULL) {
        struct loose_refund first;
        loose_refund_decode(bytes_of(known->content, known->size), &first);
        bool same = first.amount_minor == total && first.currency == refund->currency;
        return same ? VERDICT_ACCEPTED : VERDICT_CONFLICTING_REFUND;
    }
    enum verdict verdict = judge_member(apply->member);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    struct event_line line;
    struct earn_input input = loose_input(apply, &line);
    struct earn_result result;
    if (!earn_compute(state->scratch, &input, &result)) return VERDICT_OVERFLOW;
    verdict = judge_loose(apply, &result);
    if (verdict == VERDICT_ACCEPTED) book_loose(apply, &result, total);
    return verdict;
}

/* ---- The doors ---- */

enum verdict
giveback_refund(struct apply *apply)
{
    const struct refund *refund = &apply->event->refund;
    int64_t total = 0;
    if (apply->member == NULL) return VERDICT_UNKNOWN_MEMBER;
    bool fits = refund_total(refund, &total);
    if (refund->order_id.size == 0)
        return fits ? refund_without_order(apply, total) : VERDICT_OVERFLOW;
    const struct reference *reference =
        state_reference(apply->state, REFERENCE_ORDER, apply->member, refund->order_id);
    if (reference == NULL) return VERDICT_UNKNOWN_ORDER;
    struct giveback giveback;
    if (!open_order(apply, reference, &giveback)) return VERDICT_OVERFLOW;
    struct order *order = &giveback.order;
    if (order->currency != refund->currency) {
        apply->detail = bytes_from_cstr("the order of that id is in another currency");
        return VERDICT_UNKNOWN_ORDER;
    }
    const struct order_refund *known = find_refund(order, refund->refund_id);
    if (known != NULL) {
        return fits && known->amount_minor == total ? VERDICT_ACCEPTED : VERDICT_CONFLICTING_REFUND;
    }
    enum verdict verdict = judge_member(apply->member);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (reference->size + refund->refund_id.size > REFERENCE_BYTES_MAX / 2) {
        apply->detail = bytes_from_cstr("the order has too many refunds");
        return VERDICT_LIMIT_REACHED;
    }
    if (!fits) return VERDICT_OVERFLOW;
    struct order_refund *refunds =
        (struct order_refund *)(uintptr_t)order->refunds; /* it has a place to spare */
    refunds[order->refund_count++] = (struct order_refund){refund->refund_id, total};
    take_refund(refund, giveback.paid, order);
    verdict = settle(apply, &giveback);
    if (verdict == VERDICT_ACCEPTED &&
        total > sum_of(giveback.refunded, order->line_count) -
                    sum_of(giveback.refunded_before, order->line_count)) {
        apply->detail =
            bytes_from_cstr("more was refunded than was paid; the excess is not counted");
    }
    return verdict;
}

enum verdict
giveback_cancel(struct apply *apply)
{
    struct state *state = apply->state;
    if (apply->member == NULL) return VERDICT_UNKNOWN_MEMBER;
    const struct reference *reference =
        state_reference(state, REFERENCE_ORDER, apply->member, apply->event->cancellation.order_id);
    if (reference == NULL) return VERDICT_UNKNOWN_ORDER;
    struct giveback giveback;
    if (!open_order(apply, reference, &giveback)) return VERDICT_OVERFLOW;
    if (giveback.order.cancelled) return VERDICT_ORDER_CANCELLED;
    enum verdict verdict = judge_member(apply->member);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    giveback.order.cancelled = true;
    return settle(apply, &giveback);
}
