#include "engine/core/spend.h"

#include "engine/core/order.h"
#include "engine/core/posting.h"

struct bytes
spend_currency(const struct spend_request *request)
{
    return request->currency_count == 0 ? (struct bytes){NULL, 0} : request->currencies[0];
}

static bool
is_guest(const struct member *member)
{
    return bytes_start_with(member_key(member), BYTES_LITERAL(KEY_GUEST_PREFIX));
}

static enum verdict
judge(const struct apply *apply, uint32_t slot)
{
    const struct redeem *redeem = &apply->event->redeem;
    const struct member *member = apply->member;
    if (state_reference(apply->state, REFERENCE_SPEND, member, redeem->spend_id) != NULL)
        return VERDICT_ID_IN_USE;
    if (member->status >= MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    if (member->status != MEMBER_ACTIVE) return VERDICT_MEMBER_NOT_ACTIVE;
    if (is_guest(member)) return VERDICT_GUEST_CANNOT_SPEND;
    const struct wallet *wallet = member_wallet_find(member, slot);
    if (wallet != NULL && wallet->arrears > 0) return VERDICT_ARREARS_OPEN;
    if (wallet == NULL || wallet->active < redeem->request.points.units)
        return VERDICT_INSUFFICIENT_POINTS;
    return VERDICT_ACCEPTED;
}

enum verdict
spend_redeem(struct apply *apply)
{
    struct state *state = apply->state;
    const struct event *event = apply->event;
    const struct redeem *redeem = &event->redeem;
    uint32_t currency;
    CHECK(rulebook_currency(apply->rulebook, spend_currency(&redeem->request),
                            &currency)); /* judged as form */
    uint8_t slot = apply->rulebook->currency_slot[currency];
    enum verdict verdict = judge(apply, slot);
    if (verdict != VERDICT_ACCEPTED) return verdict;

    members_write(&state->members, apply->member);
    struct spend_part *parts =
        arena_alloc(state->scratch, member_wallets(apply->member)[slot].lot_count * sizeof *parts);
    CHECK(parts != NULL);
    struct spend spend = {
        .member = apply->member->number,
        .redemption_id = redeem->spend_id,
        .occurred_at = event->occurred_at,
        .currency = slot,
        .units = redeem->request.points.units,
        .parts = parts,
    };
    struct taking taking = {
        .kind = POSTING_REDEEM,
        .to = ACCOUNT_REDEEMED,
        .slots = &slot,
        .slot_count = 1,
        .units = redeem->request.points.units,
        .effective_ms = event->occurred_at.ms,
        .usable_ms = INT64_MAX,
    };
    int64_t taken = posting_take(apply, &taking, parts, &spend.part_count);
    CHECK(taken == taking.units); /* the balance said it was enough: lots must agree */
    output_amount(apply, slot, taken, taken);
    struct writer writer = writer_of(state->row_region.memory, REFERENCE_BYTES_MAX);
    spend_encode(&spend, &writer);
    apply->reference_hash =
        reference_hash(&state->memo, REFERENCE_SPEND, event->member, redeem->spend_id);
    references_add(&state->references, apply->ordinal, apply->reference_hash, writer_span(&writer));
    return VERDICT_ACCEPTED;
}
