/*
 * From where claw-backs are taken, and back to where they go (semantics §6): the order's own
 * pending lots, its active and lapsing ones, its held points; then other active lots in spend
 * order; then what the policy says. Held points are only marked: FACT_CLAW_MARK.
 */
#include <string.h>

#include "engine/core/activate.h"
#include "engine/core/arrears.h"
#include "engine/core/expire.h"
#include "engine/core/fact.h"
#include "engine/core/lot.h"
#include "engine/core/return_priv.h"

static int64_t
smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- Marks on held points ---- */

static struct fact *
find_mark(const struct member *member, const struct lot *lot)
{
    return fact_find(member, FACT_CLAW_MARK, lot->currency, (int64_t)lot->ordinal, lot->index);
}

static int64_t
marked(const struct member *member, const struct lot *lot)
{
    const struct fact *mark = find_mark(member, lot);
    return mark == NULL ? 0 : mark->a;
}

static void
mark(struct apply *apply, const struct lot *lot, int64_t units, enum arrears_policy policy)
{
    struct fact fact = {
        .kind = FACT_CLAW_MARK,
        .slot = lot->currency,
        .key = (int64_t)lot->ordinal,
        .index = lot->index,
        .a = units + marked(apply->member, lot),
        .b = (int64_t)lot->order,
        .c = policy,
    };
    fact_set(&apply->state->members, &apply->member, &fact);
}

/* Takes up to `units` off a mark; returns how much. */
static int64_t
unmark(struct apply *apply, const struct lot *lot, int64_t units)
{
    struct fact *fact = find_mark(apply->member, lot);
    if (fact == NULL) return 0;
    int64_t taken = smaller(fact->a, units);
    fact->a -= taken;
    if (fact->a == 0) {
        fact_remove(&apply->state->members, &apply->member, FACT_CLAW_MARK, lot->currency,
                    (int64_t)lot->ordinal, lot->index);
    }
    return taken;
}

int64_t
return_released(struct apply *apply, struct lot *lot, int64_t units, int64_t effective_ms)
{
    struct lot image = *lot;
    int64_t claimed = smaller(marked(apply->member, lot), units);
    if (claimed == 0) return units;
    posting_move_lot(apply, POSTING_CLAW_BACK, ACCOUNT_HELD, ACCOUNT_REVERSED, lot, claimed,
                     effective_ms);
    unmark(apply, &image, claimed);
    return units - claimed;
}

void
return_captured(struct apply *apply, uint32_t slot, uint64_t lot_ordinal, uint32_t lot_index,
                int64_t effective_ms)
{
    struct lot image = {.ordinal = lot_ordinal, .index = lot_index, .currency = (uint8_t)slot};
    const struct fact *fact = find_mark(apply->member, &image);
    if (fact == NULL) return;
    const struct lot *lot = lots_find_id(apply->member, &image);
    int64_t spent = fact->a - (lot == NULL ? 0 : smaller(lot->held, fact->a));
    enum arrears_policy policy = (enum arrears_policy)fact->c;
    uint64_t order = (uint64_t)fact->b;
    if (spent == 0) return;
    unmark(apply, &image, spent);
    return_claw_others(apply, slot, spent, policy, order, effective_ms);
}

/* ---- Taking ---- */

/* Writes down where units came from. The list has room: see open_takings. */
static void
note_taking(struct returning *returning, enum taken_from from, uint32_t slot, int64_t units,
            const struct lot *lot)
{
    struct order *order = &returning->order;
    if (units == 0) return;
    struct order_taking *last =
        order->taking_count == 0 ? NULL : &order->takings[order->taking_count - 1];
    bool same = last != NULL && last->from == from && last->currency == slot &&
                (lot == NULL || (last->lot.ordinal == lot->ordinal &&
                                 last->lot.index == lot->index && last->lot.state == lot->state));
    if (same) {
        last->units += units; /* parts of a grant */
        return;
    }
    if (order->taking_count == returning->taking_capacity) {
        uint32_t wanted = 2 * returning->taking_capacity + 8;
        struct order_taking *room = eligible_list(returning->scratch, wanted, sizeof *room);
        if (order->taking_count > 0)
            memcpy(room, order->takings, order->taking_count * sizeof *room);
        order->takings = room;
        returning->taking_capacity = wanted;
    }
    order->takings[order->taking_count++] = (struct order_taking){
        .from = from,
        .currency = (uint8_t)slot,
        .units = units,
        .lot = lot == NULL ? (struct lot){0} : *lot,
    };
}

void
return_note_written_off(struct returning *returning, uint32_t slot, int64_t units)
{
    struct order *order = &returning->order;
    int64_t left = units;
    for (uint32_t i = order->taking_count; i > 0 && left > 0; i--) {
        struct order_taking *taking = &order->takings[i - 1];
        if (taking->from != TAKEN_OWED || taking->currency != slot) continue;
        int64_t off = smaller(taking->units, left);
        taking->units -= off; /* one with nothing left gives nothing back */
        left -= off;
    }
    note_taking(returning, TAKEN_WRITTEN_OFF, slot, units, NULL);
}

enum own { OWN_PENDING, OWN_USABLE, OWN_HELD };

static int64_t
own_units(const struct member *member, const struct lot *lot, enum own what)
{
    switch (what) {
    case OWN_PENDING: return lot->state == LOT_PENDING ? lot->remaining : 0;
    case OWN_USABLE: return lot->state == LOT_PENDING ? 0 : lot->remaining;
    case OWN_HELD: return lot->held - marked(member, lot);
    }
    UNREACHABLE();
}

/* From the order's own lots, in spend order. */
static int64_t
take_own(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
         enum own what)
{
    int64_t effective_ms = returning->report->occurred_at.ms, left = units;
    uint32_t count;
    for (uint32_t i = 0; left > 0;) {
        struct lot *lot = lots_of(apply->member, slot, &count) + i;
        if (i == count) break;
        int64_t there = lot->order == returning->ordinal ? own_units(apply->member, lot, what) : 0;
        if (there == 0) {
            i++;
            continue;
        }
        struct lot image = *lot;
        int64_t taken = smaller(there, left);
        left -= taken;
        if (what == OWN_HELD) {
            mark(apply, &image, taken, returning->report->rulebook->program.returns.arrears);
            note_taking(returning, TAKEN_HELD, slot, taken, &image);
            i++;
            continue;
        }
        posting_move_lot(apply, POSTING_CLAW_BACK, lot_account(lot), ACCOUNT_REVERSED, lot, taken,
                         effective_ms);
        note_taking(returning, TAKEN_LOT, slot, taken, &image);
        bool gone = lot->remaining == 0 && lot->held == 0;
        posting_settle(apply, lot);
        i += !gone;
    }
    return units - left;
}

static int64_t
take_others(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
            int64_t effective_ms)
{
    uint8_t slots = (uint8_t)slot;
    uint32_t count, parts;
    lots_of(apply->member, slot, &count);
    if (count == 0 || units == 0) return 0;
    struct spend_part *taken = eligible_list(apply->state->scratch, count, sizeof *taken);
    struct taking taking = {
        .kind = POSTING_CLAW_BACK,
        .to = ACCOUNT_REVERSED,
        .slots = &slots,
        .slot_count = 1,
        .units = units,
        .effective_ms = effective_ms,
        .usable_ms = INT64_MAX,
    };
    int64_t sum = posting_take(apply, &taking, taken, &parts);
    for (uint32_t i = 0; returning != NULL && i < parts; i++)
        note_taking(returning, TAKEN_LOT, slot, taken[i].units, &taken[i].lot);
    return sum;
}

/* What no lot holds: owed, noted or dropped. */
static struct claw_outcome
leave(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
      enum arrears_policy policy, uint64_t order, int64_t effective_ms)
{
    struct claw_outcome outcome = {0};
    if (units == 0) return outcome;
    member_wallet(&apply->state->members, &apply->member, slot);
    switch (policy) {
    case ARREARS_ALLOW:
        arrears_owe(apply, slot, units, order, effective_ms);
        outcome.owed = units;
        break;
    case ARREARS_WITHIN_BALANCE:
        arrears_note(apply, slot, units, order);
        outcome.dropped = units;
        break;
    case ARREARS_ONLY_PENDING: outcome.dropped = units; break;
    }
    if (returning == NULL) return outcome;
    enum taken_from from = policy == ARREARS_ALLOW            ? TAKEN_OWED
                           : policy == ARREARS_WITHIN_BALANCE ? TAKEN_NOTED
                                                              : TAKEN_DROPPED;
    note_taking(returning, from, slot, units, NULL);
    return outcome;
}

struct claw_outcome
return_claw_others(struct apply *apply, uint32_t slot, int64_t units, enum arrears_policy policy,
                   uint64_t order, int64_t effective_ms)
{
    int64_t taken = 0;
    if (policy != ARREARS_ONLY_PENDING) taken = take_others(apply, NULL, slot, units, effective_ms);
    struct claw_outcome outcome =
        leave(apply, NULL, slot, units - taken, policy, order, effective_ms);
    outcome.taken = taken;
    return outcome;
}

struct claw_outcome
return_claw(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units)
{
    enum arrears_policy policy = returning->report->rulebook->program.returns.arrears;
    int64_t effective_ms = returning->report->occurred_at.ms;
    int64_t taken = take_own(apply, returning, slot, units, OWN_PENDING);
    if (policy != ARREARS_ONLY_PENDING) {
        taken += take_own(apply, returning, slot, units - taken, OWN_USABLE);
        taken += take_own(apply, returning, slot, units - taken, OWN_HELD);
        taken += take_others(apply, returning, slot, units - taken, effective_ms);
    }
    struct claw_outcome outcome =
        leave(apply, returning, slot, units - taken, policy, returning->ordinal, effective_ms);
    outcome.taken = taken;
    return outcome;
}

/* ---- Giving back ---- */

/* A pending lot that was used up by a claw-back is pending again, unless its instant has come. */
static void
reopen_pending(struct apply *apply, const struct returning *returning, struct lot *lot,
               int64_t units)
{
    int64_t effective_ms = returning->report->occurred_at.ms;
    const struct order *order = &returning->order;
    if ((lot->flags & LOT_AWAITS_DELIVERY) && (order->flags & ORDER_DELIVERED)) {
        lot->flags &= (uint8_t)~LOT_AWAITS_DELIVERY;
        lot->activates_ms = order->delivered_ms;
        lot->deadline_ms = INT64_MAX;
        if (lot->expires_ms == INT64_MAX)
            lot->expires_ms = expire_of(apply->state, apply->member, lot);
    }
    if (activate_at(lot) <= apply->state->clock.ms) {
        struct entering entering = {.kind = POSTING_RESTORE,
                                    .from = ACCOUNT_REVERSED,
                                    .units = units,
                                    .effective_ms = effective_ms};
        activate_enter(apply, lot, &entering);
        return;
    }
    if (lot->deadline_ms <= apply->state->clock.ms) return; /* it would have been cancelled */
    lot->state = LOT_PENDING;
    posting_move(apply, POSTING_RESTORE, ACCOUNT_REVERSED, ACCOUNT_PENDING, lot->currency, units,
                 lot, effective_ms);
    lot->remaining = units;
    lots_insert(&apply->state->members, &apply->member, lot);
    activate_schedule(apply, lots_find(apply->member, lot));
}

/* Back to a lot, wherever it is by now. What was cancelled meanwhile stays cancelled. */
static void
give_back(struct apply *apply, const struct returning *returning, const struct lot *image,
          int64_t units)
{
    struct state *state = apply->state;
    int64_t effective_ms = returning->report->occurred_at.ms;
    if (units == 0) return;
    member_wallet(&state->members, &apply->member, image->currency);
    struct lot *open = lots_find_id(apply->member, image);
    if (open != NULL && open->state == LOT_PENDING) {
        posting_move_lot(apply, POSTING_RESTORE, ACCOUNT_REVERSED, ACCOUNT_PENDING, open, units,
                         effective_ms);
        return;
    }
    struct lot lot = activate_recall(apply, image);
    if (open == NULL && (lot.flags & LOT_CANCELLED)) {
        lot.expired += units;
        closed_add(&state->closed, apply->member->number, &lot);
        return;
    }
    if (open == NULL && image->state == LOT_PENDING) {
        reopen_pending(apply, returning, &lot, units);
        return;
    }
    struct entering entering = {.kind = POSTING_RESTORE,
                                .from = ACCOUNT_REVERSED,
                                .units = units,
                                .effective_ms = effective_ms};
    activate_enter(apply, &lot, &entering);
}

/* The order's first own lot of a grant, as far as its row remembers it. */
static struct lot
first_lot(const struct apply *apply, const struct returning *returning,
          const struct order_grant *grant)
{
    const struct order *order = &returning->order;
    CHECK(grant->lot_count > 0);
    struct lot lot = {
        .granted = grant->lots[0].granted,
        .earned_ms = order->occurred_at.ms,
        .activates_ms = order->occurred_at.ms,
        .expires_ms = grant->lots[0].expires_ms,
        .deadline_ms = INT64_MAX,
        .ordinal = returning->ordinal,
        .order = returning->ordinal,
        .index = grant->lots[0].index,
        .rule = grant->lots[0].rule,
        .rulebook = (uint16_t)order->rulebook,
        .funder = grant->lots[0].funder,
        .currency = grant->currency,
        .state = LOT_ACTIVE,
    };
    if ((order->flags & ORDER_DELIVERED) && lot.expires_ms == INT64_MAX) {
        lot.activates_ms = order->delivered_ms;
        lot.expires_ms = expire_of(apply->state, apply->member, &lot);
    }
    return lot;
}

/* Gives units of one taking back. Returns how many go to the order's first own lot: what was owed
 * and is repaid by now, or was noted and is taken by now. */
static int64_t
give_back_taking(struct apply *apply, const struct returning *returning,
                 const struct order_taking *taking, int64_t units)
{
    int64_t effective_ms = returning->report->occurred_at.ms;
    switch (taking->from) {
    case TAKEN_LOT: give_back(apply, returning, &taking->lot, units); return 0;
    case TAKEN_HELD:
        give_back(apply, returning, &taking->lot, units - unmark(apply, &taking->lot, units));
        return 0;
    case TAKEN_OWED:
        return units - arrears_lessen(apply, POSTING_RESTORE, ACCOUNT_REVERSED, taking->currency,
                                      units, returning->ordinal, effective_ms);
    case TAKEN_NOTED:
        return units - arrears_take_noted(apply, taking->currency, units, returning->ordinal);
    case TAKEN_WRITTEN_OFF:
    case TAKEN_DROPPED: return 0;
    }
    UNREACHABLE();
}

int64_t
return_restore(struct apply *apply, struct returning *returning, uint32_t grant, int64_t units)
{
    struct order *order = &returning->order;
    const struct order_grant *what = &order->grants[grant];
    int64_t left = units, dropped = 0;
    member_wallet(&apply->state->members, &apply->member, what->currency);
    for (uint32_t i = order->taking_count; i > 0 && left > 0; i--) {
        struct order_taking *taking = &order->takings[i - 1];
        if (taking->currency != what->currency) continue;
        int64_t back = smaller(taking->units, left);
        int64_t elsewhere = give_back_taking(apply, returning, taking, back);
        if (elsewhere > 0) {
            struct lot lot = first_lot(apply, returning, what);
            give_back(apply, returning, &lot, elsewhere);
        }
        bool was_dropped = taking->from == TAKEN_NOTED || taking->from == TAKEN_DROPPED;
        dropped += was_dropped ? back : 0;
        taking->units -= back;
        left -= back;
        if (taking->units > 0) continue;
        memmove(taking, taking + 1, (order->taking_count - i) * sizeof *taking);
        order->taking_count--;
    }
    return dropped;
}
