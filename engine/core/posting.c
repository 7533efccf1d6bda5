#include "engine/core/posting.h"

#include "engine/core/fact.h"
#include "engine/core/lot.h"

static void
move_balances(struct state *state, uint32_t slot, enum account from, enum account to, int64_t units)
{
    int64_t *balances = state->balances[slot];
    CHECK(sub_i64(balances[from], units, &balances[from]));
    CHECK(add_i64(balances[to], units, &balances[to]));
}

/* The member's side of an account, or NULL. Arrears stand in a wallet as a positive figure, so
 * moving out of them raises it: *out_sign. */
static int64_t *
wallet_account(struct wallet *wallet, enum account account, int64_t *out_sign)
{
    *out_sign = 1;
    switch (account) {
    case ACCOUNT_PENDING: return &wallet->pending;
    case ACCOUNT_ACTIVE: return &wallet->active;
    case ACCOUNT_HELD: return &wallet->held;
    case ACCOUNT_LAPSING: return &wallet->lapsing;
    case ACCOUNT_ARREARS: *out_sign = -1; return &wallet->arrears;
    default: return NULL;
    }
}

static void
move_wallet(struct wallet *wallet, enum account from, enum account to, int64_t units)
{
    int64_t from_sign, to_sign;
    int64_t *source = wallet_account(wallet, from, &from_sign);
    int64_t *target = wallet_account(wallet, to, &to_sign);
    if (source != NULL) *source -= from_sign * units;
    if (target != NULL) *target += to_sign * units;
    CHECK((source == NULL || *source >= 0) && (target == NULL || *target >= 0));
}

/* What a posting says of its lot. */
static void
tell_lot(struct apply *apply, const struct lot *lot, struct posting *posting)
{
    const struct rulebooks *rulebooks = &apply->state->rulebooks;
    const struct rulebook *rulebook = rulebooks->items[lot->rulebook];
    posting->lot = (struct lot_id){lot->ordinal, lot->index};
    if (lot->rule != LOT_BY_HAND) posting->rule = output_source_name(apply, lot->rule);
    posting->rule_version = rulebook->program.version;
    posting->lot_earned_at.ms = lot->earned_ms;
    posting->lot_activates_at.ms = lot->activates_ms;
    posting->lot_expires_at.ms = lot->expires_ms;
    posting->lot_expired_before.ms = apply->expired_before_ms;
    apply->expired_before_ms = 0;
    if (lot->funder == 0) return;
    posting->funder = output_funder(apply, lot->funder - 1u);
    for (uint32_t i = 0; i < rulebook->program.funder_count; i++) {
        if (rulebook->funder_slot[i] != lot->funder - 1u) continue;
        posting->unit_cost = rulebook->program.funders[i].unit_cost;
        posting->cost_currency = rulebook->program.funders[i].money;
    }
}

void
posting_move(struct apply *apply, enum posting_kind kind, enum account from, enum account to,
             uint32_t slot, int64_t units, const struct lot *lot, int64_t effective_ms)
{
    struct state *state = apply->state;
    CHECK(units >= 0 && slot < apply->member->wallet_count);
    struct wallet *wallet = &member_wallets(apply->member)[slot];
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
        .spend_id = output_spend(apply),
        .hold_id = output_hold(apply),
        .reason = output_reason(apply),
        .actor = output_actor(apply),
        .occurred_at.ms = apply->event == NULL ? effective_ms : apply->event->occurred_at.ms,
        .journal_time = state->clock,
        .effective_at.ms = effective_ms,
        .active_after.units = wallet->active,
        .arrears_after.units = wallet->arrears,
    };
    if (lot != NULL) tell_lot(apply, lot, &effect->posting);
    bool grants = kind == POSTING_GRANT || kind == POSTING_QUARANTINE;
    if (grants) effect->posting.explanation = apply->explanation;
    output_seal(apply, effect);
}

/* What a lot counts of an account; NULL of those that it does not know. */
static int64_t *
lot_side(struct lot *lot, enum account account)
{
    switch (account) {
    case ACCOUNT_PENDING:
    case ACCOUNT_ACTIVE:
    case ACCOUNT_LAPSING: CHECK(account == lot_account(lot)); return &lot->remaining;
    case ACCOUNT_HELD: return &lot->held;
    case ACCOUNT_EXPIRED:
    case ACCOUNT_FORFEITED: return &lot->expired;
    default: return NULL;
    }
}

void
posting_move_lot(struct apply *apply, enum posting_kind kind, enum account from, enum account to,
                 struct lot *lot, int64_t units, int64_t effective_ms)
{
    int64_t *source = lot_side(lot, from), *target = lot_side(lot, to);
    if (source != NULL) *source -= units;
    if (target != NULL) *target += units;
    CHECK(lot->remaining >= 0 && lot->held >= 0 && lot->expired >= 0);
    posting_move(apply, kind, from, to, lot->currency, units, lot, effective_ms);
}

/* Among the first `count` lots of a slot, those of which nothing is left go, a run at a time. */
static void
sweep(struct apply *apply, uint32_t slot, uint32_t from, uint32_t count)
{
    uint32_t have, run = 0;
    for (uint32_t end = from + count; from < end || run > 0;) {
        struct lot *lots = lots_of(apply->member, slot, &have);
        struct lot *lot = &lots[from + run];
        if (from + run < end && lot->remaining == 0 && lot->held == 0) {
            if (lot->expired > 0 || (lot->flags & LOT_MOVED) != 0)
                closed_add(&apply->state->closed, apply->member->number, lot);
            run++;
            continue;
        }
        if (run > 0) lots_remove(&apply->state->members, &apply->member, slot, from, run);
        end -= run;
        from += run == 0;
        run = 0;
    }
}

void
posting_sweep(struct apply *apply, uint32_t slot, uint32_t count)
{
    sweep(apply, slot, 0, count);
}

void
posting_settle(struct apply *apply, struct lot *lot)
{
    uint32_t count;
    uint32_t at = (uint32_t)(lot - lots_of(apply->member, lot->currency, &count));
    CHECK(at < count);
    if (lot->remaining == 0 && lot->held == 0) sweep(apply, lot->currency, at, 1);
}

static bool
is_of_member(enum account account)
{
    return account <= ACCOUNT_LAPSING;
}

/* Points move between a member's accounts by themselves, when something is due, and out of them
 * into where what expires or is cancelled goes: so all of them together have 63 bits, also with
 * what is there already, and nothing that time does can overflow. */
static bool
can_enter(const int64_t *programme, const struct wallet *wallet, enum account from, int64_t units)
{
    static const enum account GONE[] = {ACCOUNT_EXPIRED, ACCOUNT_REVERSED, ACCOUNT_FORFEITED};
    int64_t own, all, sum;
    bool fits = add_i64(wallet->pending, wallet->active, &own) &&
                add_i64(own, wallet->held, &own) && add_i64(own, wallet->lapsing, &own) &&
                add_i64(own, units, &own) &&
                add_i64(programme[ACCOUNT_PENDING], programme[ACCOUNT_ACTIVE], &all) &&
                add_i64(all, programme[ACCOUNT_HELD], &all) &&
                add_i64(all, programme[ACCOUNT_LAPSING], &all) && add_i64(all, units, &sum);
    for (size_t i = 0; i < sizeof GONE / sizeof *GONE && fits; i++)
        fits = add_i64(GONE[i] == from ? all : sum, programme[GONE[i]], &own);
    return fits;
}

bool
posting_can_move(const struct state *state, const struct member *member, enum account from,
                 enum account to, uint32_t slot, int64_t units)
{
    struct wallet wallet = {0};
    int64_t from_sign, to_sign, sum;
    if (member != NULL && slot < member->wallet_count) wallet = member_wallets(member)[slot];
    if (!is_of_member(from) && is_of_member(to) &&
        !can_enter(state->balances[slot], &wallet, from, units))
        return false;
    const int64_t *source = wallet_account(&wallet, from, &from_sign);
    const int64_t *target = wallet_account(&wallet, to, &to_sign);
    if (source != NULL && from_sign < 0 && !add_i64(*source, units, &sum)) return false;
    if (target != NULL && to_sign > 0 && !add_i64(*target, units, &sum)) return false;
    return sub_i64(state->balances[slot][from], units, &sum) &&
           add_i64(state->balances[slot][to], units, &sum);
}

/* What fits on top of all of the member's and all of the programme's points, fits in any account of
 * them. */
bool
posting_can_issue(const struct state *state, const struct member *member, uint32_t slot,
                  int64_t units)
{
    static const struct wallet NONE = {0};
    const struct wallet *wallet = member == NULL ? NULL : member_wallet_find(member, slot);
    int64_t issued;
    return can_enter(state->balances[slot], wallet == NULL ? &NONE : wallet, ACCOUNT_ISSUED,
                     units) &&
           sub_i64(state->balances[slot][ACCOUNT_ISSUED], units, &issued);
}

bool
posting_can_reverse(const struct state *state, const struct member *member, uint32_t slot,
                    int64_t units)
{
    static const struct wallet NONE = {0};
    const struct wallet *wallet = member == NULL ? NULL : member_wallet_find(member, slot);
    int64_t active = wallet == NULL ? 0 : wallet->active;
    int64_t owed = units > active ? units - active : 0; /* at most */
    return can_enter(state->balances[slot], &NONE, ACCOUNT_ARREARS, owed) &&
           posting_can_move(state, member, ACCOUNT_ARREARS, ACCOUNT_REVERSED, slot, units);
}

/* Whether a taking may have the lot. */
static bool
is_usable(const struct lot *lot, int64_t usable_ms)
{
    if (lot->remaining == 0 || lot->state == LOT_PENDING) return false;
    return lot->state == LOT_ACTIVE || (usable_ms != INT64_MAX && lot->expires_ms > usable_ms);
}

int64_t
posting_available(const struct member *member, const uint8_t *slots, uint32_t slot_count,
                  int64_t usable_ms)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < slot_count; i++) {
        const struct wallet *wallet = member_wallet_find(member, slots[i]);
        if (wallet == NULL) continue;
        sum += wallet->active; /* each is a part of a programme total, which has 63 bits */
        if (wallet->lapsing_count == 0 || usable_ms == INT64_MAX) continue;
        uint32_t count;
        const struct lot *lots = lots_of(member, slots[i], &count);
        for (uint32_t k = 0; k < count; k++) {
            if (lots[k].state == LOT_LAPSING && is_usable(&lots[k], usable_ms))
                sum += lots[k].remaining;
        }
    }
    return sum;
}

static int64_t
take_slot(struct apply *apply, const struct taking *taking, uint32_t slot, int64_t units,
          struct spend_part *parts, uint32_t *part_count)
{
    struct lot_walk walk = lot_walk_of(apply->member, slot);
    int64_t left = units;
    uint32_t seen = 0; /* of the row, as far as anything was taken */
    while (left > 0) {
        struct lot *lot = lot_walk_next(&walk);
        if (lot == NULL) break;
        if (!is_usable(lot, taking->usable_ms)) continue;
        int64_t taken = lot->remaining < left ? lot->remaining : left;
        enum account from = lot_account(lot);
        if (parts != NULL)
            parts[*part_count] = (struct spend_part){.lot = *lot, .units = taken, .from = from};
        ++*part_count;
        posting_move_lot(apply, taking->kind, from, taking->to, lot, taken, taking->effective_ms);
        left -= taken;
        uint32_t at = (uint32_t)(lot - walk.lots);
        if (at >= seen) seen = at + 1;
    }
    posting_sweep(apply, slot, seen);
    return units - left;
}

int64_t
posting_take(struct apply *apply, const struct taking *taking, struct spend_part *out_parts,
             uint32_t *out_part_count)
{
    uint32_t parts = 0;
    int64_t taken = 0;
    for (uint32_t i = 0; i < taking->slot_count && taken < taking->units; i++) {
        taken +=
            take_slot(apply, taking, taking->slots[i], taking->units - taken, out_parts, &parts);
    }
    if (out_part_count != NULL) *out_part_count = parts;
    return taken;
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
