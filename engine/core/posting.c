#include "engine/core/posting.h"

#include "engine/core/lot.h"
#include "engine/core/order.h"

static void
move_balances(struct state *state, uint32_t slot, enum account from, enum account to, int64_t units)
{
    int64_t *balances = state->balances[slot];
    CHECK(sub_i64(balances[from], units, &balances[from]));
    CHECK(add_i64(balances[to], units, &balances[to]));
}

/* Arrears stand in a wallet as a positive figure, so moving out of them raises it. */
static void
move_wallet(struct wallet *wallet, enum account from, enum account to, int64_t units)
{
    if (from == ACCOUNT_ACTIVE) wallet->active -= units;
    if (to == ACCOUNT_ACTIVE) wallet->active += units;
    if (from == ACCOUNT_ARREARS) wallet->arrears += units;
    if (to == ACCOUNT_ARREARS) wallet->arrears -= units;
    CHECK(wallet->active >= 0 && wallet->arrears >= 0);
}

void
posting_move(struct apply *apply, enum posting_kind kind, enum account from, enum account to,
             uint32_t slot, int64_t units, const struct lot *lot, int64_t effective_ms)
{
    struct state *state = apply->state;
    struct wallet *wallet = &member_wallets(apply->member)[slot];
    CHECK(units > 0 && slot < apply->member->wallet_count);
    move_balances(state, slot, from, to, units);
    move_wallet(wallet, from, to, units);
    apply->touched |= UINT32_C(1) << slot;
    struct effect *effect = output_begin(apply, TOPIC_POSTINGS);
    effect->posting = (struct posting){
        .kind = kind,
        .from = from,
        .to = to,
        .member = output_member(apply),
        .currency = output_currency(apply, slot),
        .scale = state->rulebooks.scales[slot],
        .amount.units = units,
        .event_source = output_source(apply),
        .event_id = output_event_id(apply),
        .order_id = output_order(apply),
        .occurred_at.ms = apply->event == NULL ? effective_ms : apply->event->occurred_at.ms,
        .journal_time = state->clock,
        .effective_at.ms = effective_ms,
        .active_after.units = wallet->active,
        .arrears_after.units = wallet->arrears,
    };
    if (lot != NULL) {
        effect->posting.lot = (struct lot_id){lot->ordinal, lot->index};
        effect->posting.rule = output_rule(apply, lot->rulebook, lot->rule);
        effect->posting.rule_version = state->rulebooks.items[lot->rulebook]->program.version;
        effect->posting.lot_earned_at.ms = lot->earned_ms;
        effect->posting.lot_expires_at.ms = lot->expires_ms;
    }
    output_seal(apply, effect);
}

bool
posting_can_issue(const struct state *state, const struct member *member, uint32_t slot,
                  int64_t units)
{
    const struct wallet *wallet = member == NULL ? NULL : member_wallet_find(member, slot);
    int64_t sum;
    return sub_i64(state->balances[slot][ACCOUNT_ISSUED], units, &sum) &&
           add_i64(state->balances[slot][ACCOUNT_ACTIVE], units, &sum) &&
           add_i64(wallet == NULL ? 0 : wallet->active, units, &sum);
}

bool
posting_can_reverse(const struct state *state, const struct member *member, uint32_t slot,
                    int64_t units)
{
    const struct wallet *wallet = member_wallet_find(member, slot);
    int64_t sum;
    return add_i64(state->balances[slot][ACCOUNT_REVERSED], units, &sum) &&
           sub_i64(state->balances[slot][ACCOUNT_ARREARS], units, &sum) &&
           add_i64(wallet == NULL ? 0 : wallet->arrears, units, &sum);
}

int64_t
posting_take(struct apply *apply, enum posting_kind kind, enum account to, uint32_t slot,
             int64_t units, int64_t effective_ms, struct spend_part *out_parts,
             uint32_t *out_part_count)
{
    uint32_t count, used_up = 0, parts = 0;
    struct lot *lots = lots_of(apply->member, slot, &count);
    int64_t left = units;
    for (uint32_t i = 0; i < count && left > 0; i++) {
        struct lot *lot = &lots[i];
        int64_t taken = lot->remaining < left ? lot->remaining : left;
        lot->remaining -= taken;
        left -= taken;
        used_up += lot->remaining == 0;
        posting_move(apply, kind, ACCOUNT_ACTIVE, to, slot, taken, lot, effective_ms);
        if (out_parts != NULL)
            out_parts[parts] = (struct spend_part){lot->ordinal, lot->index, taken};
        parts++;
    }
    lots_remove(&apply->state->members, &apply->member, slot, 0, used_up);
    if (out_part_count != NULL) *out_part_count = parts;
    return units - left;
}

void
posting_check(const struct apply *apply)
{
    for (uint32_t touched = apply->touched; touched != 0; touched &= touched - 1) {
        const int64_t *balances = apply->state->balances[__builtin_ctz(touched)];
        uint64_t sum = 0; /* modulo 2^64: each balance has 63 bits, and one that is wrong by 2^64
                             does not exist */
        for (size_t account = 0; account < ACCOUNT_CODES; account++)
            sum += (uint64_t)balances[account];
        CHECK_MSG(sum == 0, "points of a currency do not balance");
    }
}
