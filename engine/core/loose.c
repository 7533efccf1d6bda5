/* Refunds that name no order: what base rules and bands would give for their value is clawed back
 * from active lots (semantics §6). */
#include "engine/core/arrears.h"
#include "engine/core/fact.h"
#include "engine/core/return_priv.h"
#include "engine/core/tier.h"

struct loose {
    struct order_money money;
    struct earn_result result;
    struct earn_spends spends;
    int64_t total;
};

/* What the lines do not account for counts as one more line, of goods without a category. */
static const struct event_line *
lines_of(struct arena *scratch, const struct refund *refund, int64_t total, uint32_t *out_count)
{
    struct event_line *lines = eligible_list(scratch, refund->line_count + 1, sizeof *lines);
    int64_t rest = total;
    for (uint32_t i = 0; i < refund->line_count; i++) {
        lines[i] = refund->lines[i];
        rest -= lines[i].amount_minor; /* parts of the total */
    }
    *out_count = refund->line_count;
    if (rest > 0 || refund->line_count == 0)
        lines[(*out_count)++] = (struct event_line){.kind = LINE_GOODS, .amount_minor = rest};
    return lines;
}

static bool
compute(const struct apply *apply, struct loose *loose)
{
    const struct refund *refund = &apply->event->refund;
    struct arena *scratch = apply->state->scratch;
    struct purchase purchase = {
        .currency = refund->currency,
        .channel = refund->channel,
        .store = refund->store,
        .partner = refund->partner,
        .attributes = refund->attributes,
    };
    purchase.lines = lines_of(scratch, refund, loose->total, &purchase.line_count);
    loose->money = (struct order_money){.lines = purchase.lines, .line_count = purchase.line_count};
    struct order_match match;
    if (!match_order(apply, apply->rulebook, &purchase, true, &match)) return false;
    struct earn_input input = {
        .rulebook = apply->rulebook,
        .currency = refund->currency,
        .money = &loose->money,
        .match = &match,
        .occurred_at = apply->event->occurred_at,
        .method = EARN_KEPT,
    };
    return earn_compute(scratch, &input, &loose->result) &&
           earn_spends(scratch, &apply->rulebook->program, refund->currency, &loose->money,
                       &loose->spends);
}

static int64_t
metric_change(const struct apply *apply, const struct loose *loose, uint32_t g, uint32_t m)
{
    const struct program_metric *metric = &apply->rulebook->program.groups[g].metrics[m];
    if (metric->kind == METRIC_SPEND) return -loose->spends.values[g][m];
    if (metric->kind == METRIC_POINTS) return -loose->result.grants[metric->currency].requested;
    return 0;
}

static enum verdict
judge(const struct apply *apply, const struct loose *loose)
{
    struct rulebook *rulebook = apply->rulebook;
    const struct program *program = &rulebook->program;
    for (uint32_t c = 0; c < program->currency_count; c++) {
        if (!posting_can_reverse(apply->state, apply->member, rulebook->currency_slot[c],
                                 loose->result.grants[c].requested))
            return VERDICT_OVERFLOW;
    }
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            if (!tier_can_add(rulebook, apply->member, g, m, apply->event->occurred_at,
                              metric_change(apply, loose, g, m)))
                return VERDICT_OVERFLOW;
        }
    }
    return VERDICT_ACCEPTED;
}

static void
book_currency(struct apply *apply, uint32_t currency, int64_t units)
{
    uint32_t slot = apply->rulebook->currency_slot[currency];
    if (units == 0) return;
    member_wallet(&apply->state->members, &apply->member, slot);
    struct claw_outcome outcome =
        return_claw_loose(apply, apply->rulebook, slot, units, apply->event->occurred_at.ms);
    struct outcome_amount *amount = output_amount(apply, slot, units, outcome.taken + outcome.owed);
    amount->owed.units = outcome.owed;
    amount->dropped.units = outcome.dropped;
}

static void
book(struct apply *apply, const struct loose *loose)
{
    struct state *state = apply->state;
    const struct event *event = apply->event;
    const struct program *program = &apply->rulebook->program;
    members_write(&state->members, apply->member);
    for (uint32_t c = 0; c < program->currency_count; c++)
        book_currency(apply, c, loose->result.grants[c].requested);
    for (uint32_t g = 0; g < program->group_count; g++) {
        for (uint32_t m = 0; m < program->groups[g].metric_count; m++) {
            int64_t change = metric_change(apply, loose, g, m);
            if (change != 0) tier_add(apply, apply->rulebook, g, m, event->occurred_at, change);
        }
    }
    struct loose_refund row = {
        .member = apply->member->number,
        .refund_id = event->refund.refund_id,
        .occurred_at = event->occurred_at,
        .currency = event->refund.currency,
        .amount_minor = loose->total,
    };
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    loose_refund_encode(&row, &writer);
    apply->reference_hash =
        reference_hash(&state->memo, REFERENCE_REFUND, event->member, row.refund_id);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
}

enum verdict
return_loose(struct apply *apply)
{
    const struct refund *refund = &apply->event->refund;
    struct loose loose;
    bool fits = return_total(refund, &loose.total);
    const struct reference *known =
        state_reference(apply->state, REFERENCE_REFUND, apply->member, refund->refund_id);
    if (known != NULL) {
        struct loose_refund first;
        loose_refund_decode(bytes_of(known->content, known->size), &first);
        bool same = fits && first.amount_minor == loose.total && first.currency == refund->currency;
        if (!same) return VERDICT_CONFLICTING_REFUND;
    }
    if (apply->member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    if (known != NULL) return VERDICT_ACCEPTED; /* told again it does nothing */
    struct report report = {.kind = EVENT_REFUND, .refund = *refund};
    struct limit_use use;
    struct limit_finding finding;
    enum verdict verdict = return_limits(apply, &report, &use, &finding);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (!facts_fit(apply->member, apply->rulebook->program.currency_count)) {
        apply->detail = bytes_from_cstr("the member's row is full");
        return VERDICT_LIMIT_REACHED;
    }
    if (!fits || !compute(apply, &loose)) return VERDICT_OVERFLOW;
    verdict = judge(apply, &loose);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    book(apply, &loose);
    limit_count(apply, &use, &finding);
    return VERDICT_ACCEPTED;
}
