#include "engine/core/spend.h"

#include "engine/core/eligible.h"
#include "engine/core/fact.h"
#include "engine/core/posting.h"

/* ---- Judging ---- */

static enum verdict
judge_member(const struct apply *apply, const struct price *price)
{
    const struct member *member = apply->member;
    if (member_is_guest(member)) return VERDICT_GUEST_CANNOT_SPEND;
    if (member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    if (member->status != MEMBER_ACTIVE) return VERDICT_MEMBER_NOT_ACTIVE;
    for (uint32_t i = 0; i < price->slot_count; i++) {
        const struct wallet *wallet = member_wallet_find(member, price->slots[i]);
        if (wallet != NULL && wallet->arrears > 0) return VERDICT_ARREARS_OPEN;
    }
    return VERDICT_ACCEPTED;
}

/* What would be drawn on each currency; what is missing counts as drawn on the first. */
static int64_t
plan_draws(const struct apply *apply, const struct price *price,
           int64_t out_draws[SPEND_CURRENCIES_MAX])
{
    int64_t left = price_units(price);
    for (uint32_t i = 0; i < price->slot_count; i++) {
        int64_t there =
            posting_available(apply->member, &price->slots[i], 1, apply->event->occurred_at.ms);
        out_draws[i] = there < left ? there : left;
        left -= out_draws[i];
    }
    out_draws[0] += left;
    return left;
}

static bool
can_move(const struct apply *apply, const struct price *price, enum account to,
         const int64_t *draws)
{
    for (uint32_t i = 0; i < price->slot_count; i++) {
        if (!posting_can_move(apply->state, apply->member, ACCOUNT_ACTIVE, to, price->slots[i],
                              draws[i]))
            return false;
    }
    return true;
}

/* Limits of the rulebook's spending part, then velocity limits; and room for what is noted. */
static enum verdict
judge_limits(struct apply *apply, const struct spend_ask *ask, const int64_t *draws,
             struct spend_terms *terms)
{
    const struct rulebook *rulebook = apply->rulebook;
    const struct price *price = &terms->price;
    enum verdict verdict = price_keep_limits(apply, ask->request, price);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    terms->limit_use = (struct limit_use){.of = ask->limited};
    for (uint32_t i = 0; i < price->slot_count; i++)
        terms->limit_use.points[rulebook->currency_at[price->slots[i]]] = draws[i];
    if (!facts_fit(apply->member, rulebook->program.limit_count + 2)) {
        apply->detail = bytes_from_cstr("the member's row is full");
        return VERDICT_LIMIT_REACHED;
    }
    return limit_check(apply, &terms->limit_use, &terms->limit_finding);
}

enum verdict
spend_judge(struct apply *apply, const struct spend_ask *ask, struct spend_terms *out_terms)
{
    int64_t draws[SPEND_CURRENCIES_MAX];
    enum account to = ask->kind == REFERENCE_HOLD ? ACCOUNT_HELD : ACCOUNT_REDEEMED;
    if (state_reference(apply->state, ask->kind, apply->member, ask->id) != NULL)
        return VERDICT_ID_IN_USE;
    enum verdict verdict = price_find(apply, ask->request, &out_terms->price);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    verdict = judge_member(apply, &out_terms->price);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    int64_t missing = plan_draws(apply, &out_terms->price, draws);
    verdict = judge_limits(apply, ask, draws, out_terms);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (missing > 0 || out_terms->price.units > INT64_MAX) return VERDICT_INSUFFICIENT_POINTS;
    return can_move(apply, &out_terms->price, to, draws) ? VERDICT_ACCEPTED : VERDICT_OVERFLOW;
}

/* ---- Taking ---- */

void
spend_sum(struct spend_sums *sums, uint8_t slot, int64_t units)
{
    for (uint32_t i = 0; i < sums->count; i++) {
        if (sums->slots[i] != slot) continue;
        sums->units[i] += units; /* parts of one spend, which has 63 bits */
        return;
    }
    CHECK(sums->count < SPEND_CURRENCIES_MAX);
    sums->slots[sums->count] = slot;
    sums->units[sums->count++] = units;
}

void
spend_tell(struct apply *apply, const struct spend_sums *sums)
{
    for (uint32_t i = 0; i < sums->count; i++)
        output_amount(apply, sums->slots[i], sums->units[i], sums->units[i]);
}

struct spend
spend_take(struct apply *apply, const struct spend_ask *ask, const struct spend_terms *terms)
{
    struct state *state = apply->state;
    const struct spend_request *request = ask->request;
    const struct price *price = &terms->price;
    bool holds = ask->kind == REFERENCE_HOLD;
    struct spend spend = {
        .kind = ask->kind,
        .member = apply->member->number,
        .id = ask->id,
        .units = price_units(price),
        .reward = price->use,
    };
    if (price->payment != NULL) spend.order_id = request->payment.order_id;
    spend.spent = holds ? 0 : spend.units;
    spend.parts = eligible_room(state->scratch, apply->member->lot_count, sizeof *spend.parts);
    struct taking taking = {
        .kind = holds ? POSTING_HOLD : POSTING_REDEEM,
        .to = holds ? ACCOUNT_HELD : ACCOUNT_REDEEMED,
        .slots = price->slots,
        .slot_count = price->slot_count,
        .units = spend.units,
        .effective_ms = apply->event->occurred_at.ms,
        .usable_ms = apply->event->occurred_at.ms,
    };
    apply->order_id = spend.order_id;
    apply->spend_id = holds ? (struct bytes){0} : ask->id;
    apply->hold_id = holds ? ask->id : (struct bytes){0};
    apply->reason = request->reason;
    apply->actor = request->actor;
    members_write(&state->members, apply->member);
    int64_t taken = posting_take(apply, &taking, spend.parts, &spend.part_count);
    CHECK(taken == taking.units); /* the balance said it was enough: lots must agree */
    struct spend_sums sums = {0};
    for (uint32_t i = 0; i < spend.part_count; i++)
        spend_sum(&sums, spend.parts[i].lot.currency, spend.parts[i].units);
    spend_tell(apply, &sums);
    price_count_use(apply, &spend.reward);
    limit_count(apply, &terms->limit_use, &terms->limit_finding);
    return spend;
}

void
spend_keep(struct apply *apply, const struct spend *spend)
{
    struct state *state = apply->state;
    struct writer writer = writer_of(state->row_region.memory, state->row_region.size);
    spend_encode(spend, &writer);
    apply->reference_hash =
        reference_hash(&state->memo, spend->kind, apply->event->member, spend->id);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
}

enum verdict
spend_redeem(struct apply *apply)
{
    const struct redeem *redeem = &apply->event->redeem;
    struct spend_ask ask = {
        .request = &redeem->request,
        .kind = REFERENCE_SPEND,
        .limited = LIMITED_REDEEM,
        .id = redeem->spend_id,
    };
    struct spend_terms terms;
    enum verdict verdict = spend_judge(apply, &ask, &terms);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    struct spend spend = spend_take(apply, &ask, &terms);
    spend_keep(apply, &spend);
    limit_redeemed(apply);
    return VERDICT_ACCEPTED;
}

/* ---- Walking over the parts ---- */

struct spend_walk
spend_walk(const struct spend *spend, int64_t from, int64_t until, bool back)
{
    CHECK(from >= 0 && from <= until && until <= spend->units);
    return (struct spend_walk){
        .spend = spend,
        .skip = back ? spend->units - until : from,
        .left = until - from,
        .part = back ? spend->part_count : 0,
        .back = back,
    };
}

bool
spend_walk_next(struct spend_walk *walk, const struct spend_part **out_part, int64_t *out_units)
{
    while (walk->left > 0) {
        const struct spend_part *part =
            &walk->spend->parts[walk->back ? --walk->part : walk->part++];
        if (part->units <= walk->skip) {
            walk->skip -= part->units;
            continue;
        }
        int64_t units = part->units - walk->skip;
        if (units > walk->left) units = walk->left;
        walk->skip = 0;
        walk->left -= units;
        *out_part = part;
        *out_units = units;
        return true;
    }
    return false;
}
