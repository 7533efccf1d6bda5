#include "engine/core/lots_byhand.h"

#include "engine/core/activate.h"
#include "engine/core/lot.h"
#include "engine/core/posting.h"

void
lots_byhand_needs(const struct state *state, const struct member *member, struct needs *needs)
{
    if (!closed_is_known(&state->closed, member->number)) closed_need_all(member->number, needs);
}

static bool
is_named(const struct apply *apply, const struct lot_name *name, const struct lot *lot)
{
    const struct genesis *genesis = &apply->state->genesis;
    struct bytes journal = bytes_of(genesis->journal_id, JOURNAL_ID_BYTES);
    bool here = name->journal_id.size == 0 || bytes_equal(name->journal_id, journal);
    return here && name->partition == genesis->partition && name->ordinal == lot->ordinal &&
           name->index == lot->index;
}

/* Whether a lot with these dates is meant: by name, or by its currency and instant. */
static bool
is_chosen(const struct apply *apply, const struct lot_choice *choice, uint32_t slot,
          const struct lot *lot)
{
    for (uint32_t i = 0; i < choice->lot_count; i++) {
        if (is_named(apply, &choice->lots[i], lot)) return true;
    }
    if (choice->lot_count > 0 || lot->currency != slot || lot->expires_ms == INT64_MAX)
        return false;
    return (choice->from.ms == 0 || lot->expires_ms >= choice->from.ms) &&
           (choice->until.ms == 0 || lot->expires_ms < choice->until.ms);
}

static uint32_t
chosen_slot(const struct apply *apply, const struct lot_choice *choice)
{
    uint32_t currency;
    CHECK(rulebook_currency(apply->rulebook, choice->currency, &currency)); /* judged as form */
    return apply->rulebook->currency_slot[currency];
}

static enum verdict
judge_member(const struct apply *apply)
{
    if (apply->member->status == MEMBER_CLOSED) return VERDICT_MEMBER_CLOSED;
    return VERDICT_ACCEPTED;
}

/* ---- Extending ---- */

static int64_t
extended(const struct apply *apply, const struct extend_lots *extend, const struct lot *lot)
{
    if (extend->expires_at.ms != 0) return extend->expires_at.ms;
    int64_t ms = calendar_days_later(&apply->rulebook->program.zone, lot->expires_ms, extend->days);
    return ms > INSTANT_MAX_MS ? INT64_MAX : ms;
}

/* Pending and active lots that expire; points that lapse have expired but for a grace. */
static struct lot *
choose_open(struct apply *apply, const struct lot_choice *choice, uint32_t *out_count)
{
    uint32_t slot = chosen_slot(apply, choice), count = 0;
    const struct member *member = apply->member;
    struct lot *chosen =
        arena_alloc(apply->state->scratch, (member->lot_count + 1) * sizeof *chosen);
    CHECK(chosen != NULL);
    const struct lot *lots = member_lots(member);
    for (uint32_t i = 0; i < member->lot_count; i++) {
        if (lots[i].state == LOT_LAPSING || lots[i].expires_ms == INT64_MAX) continue;
        if (is_chosen(apply, choice, slot, &lots[i])) chosen[count++] = lots[i];
    }
    *out_count = count;
    return chosen;
}

enum verdict
lots_extend(struct apply *apply)
{
    const struct extend_lots *extend = &apply->event->extend_lots;
    struct members *members = &apply->state->members;
    uint32_t count;
    struct lot *chosen = choose_open(apply, &extend->choice, &count);
    if (count == 0) return VERDICT_UNKNOWN_LOT;
    enum verdict verdict = judge_member(apply);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    members_write(members, apply->member);
    apply->reason = extend->reason;
    apply->actor = extend->actor;
    for (uint32_t i = 0; i < count; i++) {
        struct lot lot = chosen[i];
        int64_t expires_ms = extended(apply, extend, &lot);
        if (expires_ms <= lot.expires_ms) continue; /* extending never shortens */
        uint32_t have;
        struct lot *open = lots_find(apply->member, &lot);
        lots_remove(members, &apply->member, lot.currency,
                    (uint32_t)(open - lots_of(apply->member, lot.currency, &have)), 1);
        apply->expired_before_ms = lot.expires_ms;
        lot.expires_ms = expires_ms;
        lot.flags |= LOT_MOVED;
        open = lots_insert(members, &apply->member, &lot);
        posting_move(apply, POSTING_EXTEND, lot_account(&lot), lot_account(&lot), lot.currency, 0,
                     &lot, apply->event->occurred_at.ms);
        activate_schedule(apply, open);
    }
    return VERDICT_ACCEPTED;
}

/* ---- Reinstating and renewing ---- */

static bool
is_lapsing(const struct lot *lot)
{
    return lot->state == LOT_LAPSING && lot->remaining > 0;
}

/* What expired of closed lots, and of open ones that are partly held. Cancelled and forfeited
 * points never come back. */
static struct lot *
choose_expired(struct apply *apply, const struct lot_choice *choice, uint32_t *out_count)
{
    struct state *state = apply->state;
    uint32_t slot = chosen_slot(apply, choice), count = 0;
    const struct member *member = apply->member;
    size_t closed_count;
    const struct lot **closed =
        closed_list(&state->closed, member->number, state->scratch, &closed_count);
    struct lot *chosen =
        arena_alloc(state->scratch, (closed_count + member->lot_count + 1) * sizeof *chosen);
    CHECK(chosen != NULL);
    for (size_t i = 0; i < closed_count + member->lot_count; i++) {
        struct lot lot = i < closed_count ? *closed[i] : member_lots(member)[i - closed_count];
        bool open = i >= closed_count;
        if (lot.expired == 0 || (lot.flags & LOT_CANCELLED) != 0) continue;
        if (open && (lot.held == 0 || is_lapsing(&lot))) continue; /* it lives again, or still */
        if (!open) activate_catch_up(member, &lot);
        if (is_chosen(apply, choice, slot, &lot)) chosen[count++] = lot;
    }
    *out_count = count;
    return chosen;
}

/* Points come back into their lot, which gets the new instant: also what of it is still there. */
static void
bring_back(struct apply *apply, const struct lot *image, int64_t units, int64_t expires_ms)
{
    struct members *members = &apply->state->members;
    struct lot lot = activate_recall(apply, image);
    const struct lot *open = lots_find_id(apply->member, image);
    if (open != NULL) {
        uint32_t have;
        uint32_t at = (uint32_t)(open - lots_of(apply->member, lot.currency, &have));
        lots_remove(members, &apply->member, lot.currency, at, 1);
    }
    apply->expired_before_ms = lot.expires_ms;
    lot.expires_ms = expires_ms;
    lot.flags |= LOT_MOVED;
    if (lot.state == LOT_LAPSING) { /* its grace is over for what is held of it, too */
        lot.state = LOT_ACTIVE;
        lot.deadline_ms = INT64_MAX;
    }
    /* What expired before it was delivered or decided upon waits for that no more. */
    const uint8_t waits = LOT_AWAITS_DELIVERY | LOT_QUARANTINED;
    if ((lot.flags & waits) != 0) lot.activates_ms = apply->event->occurred_at.ms;
    lot.flags &= (uint8_t)~waits;
    if (open != NULL) lots_insert(members, &apply->member, &lot);
    struct entering entering = {
        .kind = POSTING_REINSTATE,
        .from = ACCOUNT_EXPIRED,
        .units = units,
        .effective_ms = apply->event->occurred_at.ms,
    };
    activate_enter(apply, &lot, &entering);
}

static enum verdict
judge_reinstatement(const struct apply *apply, const struct lot *chosen, uint32_t count)
{
    enum verdict verdict = judge_member(apply);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    if (apply->member->lot_count + count > MEMBER_LOTS_MAX) return VERDICT_LIMIT_REACHED;
    int64_t sums[CURRENCY_SLOTS_MAX] = {0};
    for (uint32_t i = 0; i < count; i++) {
        int64_t *sum = &sums[chosen[i].currency];
        if (!add_i64(*sum, chosen[i].expired, sum)) return VERDICT_OVERFLOW;
        if (!posting_can_move(apply->state, apply->member, ACCOUNT_EXPIRED, ACCOUNT_ACTIVE,
                              chosen[i].currency, *sum))
            return VERDICT_OVERFLOW;
    }
    return VERDICT_ACCEPTED;
}

/* The share of all that is chosen of a currency, rounded down, by largest remainder (semantics §1,
 * §7). */
static void
bring_back_currency(struct apply *apply, uint32_t slot, const struct lot *chosen, uint32_t count,
                    struct rate share, int64_t expires_ms)
{
    struct arena *scratch = apply->state->scratch;
    int64_t *expired = arena_alloc(scratch, 2 * (count + 1) * sizeof *expired);
    CHECK(expired != NULL);
    int64_t *shares = expired + count + 1;
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        expired[i] = chosen[i].currency == slot ? chosen[i].expired : 0;
        sum += expired[i]; /* seen to stay within 63 bits */
    }
    int64_t total = (int64_t)((__int128)sum * share.numerator / share.denominator);
    CHECK(share_largest_remainder(total, expired, count, shares));
    for (uint32_t i = 0; i < count; i++) {
        if (shares[i] > 0) bring_back(apply, &chosen[i], shares[i], expires_ms);
    }
}

enum verdict
lots_reinstate(struct apply *apply)
{
    const struct reinstate_lots *reinstate = &apply->event->reinstate_lots;
    uint32_t count;
    struct lot *chosen = choose_expired(apply, &reinstate->choice, &count);
    if (count == 0) return VERDICT_UNKNOWN_LOT;
    enum verdict verdict = judge_reinstatement(apply, chosen, count);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    members_write(&apply->state->members, apply->member);
    apply->reason = reinstate->reason;
    apply->actor = reinstate->actor;
    for (uint32_t slot = 0; slot < apply->member->wallet_count; slot++)
        bring_back_currency(apply, slot, chosen, count, (struct rate){1, 1},
                            reinstate->expires_at.ms);
    return VERDICT_ACCEPTED;
}

enum verdict
lots_renew(struct apply *apply)
{
    const struct renew_lots *renew = &apply->event->renew_lots;
    uint32_t count;
    struct lot *chosen = choose_expired(apply, &renew->choice, &count);
    if (count == 0) return VERDICT_UNKNOWN_LOT;
    enum verdict verdict = judge_reinstatement(apply, chosen, count);
    if (verdict != VERDICT_ACCEPTED) return verdict;
    members_write(&apply->state->members, apply->member);
    apply->reason = renew->reason;
    apply->actor = renew->actor;
    for (uint32_t slot = 0; slot < apply->member->wallet_count; slot++)
        bring_back_currency(apply, slot, chosen, count, renew->share, renew->expires_at.ms);
    return VERDICT_ACCEPTED;
}
