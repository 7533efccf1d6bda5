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
mark(struct apply *apply, const struct lot *lot, int64_t units, const struct rulebook *rulebook)
{
    struct fact fact = {
        .kind = FACT_CLAW_MARK,
        .slot = lot->currency,
        .key = (int64_t)lot->ordinal,
        .index = lot->index,
        .a = units + marked(apply->member, lot),
        .b = (int64_t)lot->order,
        .c = rulebook->index,
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
    const struct lot image = *lot;
    const struct fact *fact = find_mark(apply->member, &image);
    if (fact == NULL) return units;
    int64_t claimed = smaller(fact->a, units);
    posting_move_lot(apply, POSTING_CLAW_BACK, ACCOUNT_HELD, ACCOUNT_REVERSED, lot, claimed,
                     effective_ms);
    unmark(apply, &image, claimed);
    return units - claimed;
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

/* Whether any lot of a slot can have such units: a member may have very many. */
static bool
may_own(const struct member *member, uint32_t slot, enum own what)
{
    const struct wallet *wallet = member_wallet_find(member, slot);
    if (wallet == NULL) return false;
    switch (what) {
    case OWN_PENDING: return wallet->pending_count > 0;
    case OWN_USABLE: return wallet->active > 0 || wallet->lapsing > 0;
    case OWN_HELD: return wallet->held > 0;
    }
    UNREACHABLE();
}

/* Copies of the order's own lots, in spend order. */
static const struct lot *
own_lots(struct apply *apply, const struct returning *returning, uint32_t slot, uint32_t *out_count)
{
    uint32_t count, own = 0, at = 0;
    const struct lot *lots = lots_of(apply->member, slot, &count);
    for (uint32_t i = 0; i < count; i++)
        own += lots[i].order == returning->ordinal;
    struct lot *copies = arena_alloc(apply->state->scratch, (own + 1) * sizeof *copies);
    CHECK(copies != NULL);
    struct lot_walk walk = lot_walk_of(apply->member, slot);
    while (at < own) {
        const struct lot *lot = lot_walk_next(&walk);
        if (lot->order == returning->ordinal) copies[at++] = *lot;
    }
    *out_count = own;
    return copies;
}

/* From the order's own lots, in spend order. */
static int64_t
take_own(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
         enum own what)
{
    int64_t effective_ms = returning->report->occurred_at.ms, left = units;
    uint32_t count;
    if (units == 0 || !may_own(apply->member, slot, what)) return 0;
    const struct lot *own = own_lots(apply, returning, slot, &count);
    for (uint32_t i = 0; i < count && left > 0; i++) {
        struct lot *lot = lots_find(apply->member, &own[i]);
        CHECK(lot != NULL);
        int64_t there = own_units(apply->member, lot, what);
        if (there == 0) continue;
        struct lot image = *lot;
        int64_t taken = smaller(there, left);
        left -= taken;
        /* Only what was used up by this while pending can be pending again. */
        if (what == OWN_PENDING && taken < there) image.state = LOT_ACTIVE;
        if (what == OWN_HELD) {
            mark(apply, &image, taken, returning->report->rulebook);
            note_taking(returning, TAKEN_HELD, slot, taken, &image);
            continue;
        }
        posting_move_lot(apply, POSTING_CLAW_BACK, lot_account(lot), ACCOUNT_REVERSED, lot, taken,
                         effective_ms);
        note_taking(returning, TAKEN_LOT, slot, taken, &image);
        posting_settle(apply, lot);
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
    struct spend_part *taken = eligible_room(apply->state->scratch, count, sizeof *taken);
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

int64_t
return_write_off(const struct rulebook *rulebook, uint32_t slot)
{
    int32_t currency = rulebook->currency_at[slot];
    return currency < 0 ? 0 : rulebook->program.returns.write_off[currency];
}

/* Where what no lot holds goes, and what of it may be written off. */
struct leaving {
    enum arrears_policy policy;
    uint64_t order; /* who owes it */
    int64_t effective_ms;
    int64_t *write_off;
};

static void
owe(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
    const struct leaving *leaving)
{
    arrears_owe(apply, slot, units, leaving->order, leaving->effective_ms);
    int64_t off = smaller(units, *leaving->write_off);
    *leaving->write_off -= off;
    if (off > 0) {
        arrears_lessen(apply, POSTING_WRITE_OFF, ACCOUNT_ADJUSTED, slot, off, leaving->order,
                       leaving->effective_ms);
    }
    if (returning == NULL) return;
    note_taking(returning, TAKEN_WRITTEN_OFF, slot, off, NULL);
    note_taking(returning, TAKEN_OWED, slot, units - off, NULL);
}

/* What no lot holds: owed, noted or dropped. */
static struct claw_outcome
leave(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
      const struct leaving *leaving)
{
    if (units == 0) return (struct claw_outcome){0};
    member_wallet(&apply->state->members, &apply->member, slot);
    switch (leaving->policy) {
    case ARREARS_ALLOW:
        owe(apply, returning, slot, units, leaving);
        return (struct claw_outcome){.owed = units};
    case ARREARS_WITHIN_BALANCE:
        arrears_note(apply, slot, units, leaving->order);
        if (returning != NULL) note_taking(returning, TAKEN_NOTED, slot, units, NULL);
        break;
    case ARREARS_ONLY_PENDING:
        if (returning != NULL) note_taking(returning, TAKEN_DROPPED, slot, units, NULL);
        break;
    }
    return (struct claw_outcome){.dropped = units};
}

/* From other active lots, and what they do not hold. */
static struct claw_outcome
claw_elsewhere(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
               const struct leaving *leaving)
{
    int64_t taken = 0;
    if (leaving->policy != ARREARS_ONLY_PENDING)
        taken = take_others(apply, returning, slot, units, leaving->effective_ms);
    struct claw_outcome outcome = leave(apply, returning, slot, units - taken, leaving);
    outcome.taken = taken;
    return outcome;
}

struct claw_outcome
return_claw_loose(struct apply *apply, const struct rulebook *rulebook, uint32_t slot,
                  int64_t units, int64_t effective_ms)
{
    int64_t write_off = return_write_off(rulebook, slot);
    struct leaving leaving = {rulebook->program.returns.arrears, 0, effective_ms, &write_off};
    return claw_elsewhere(apply, NULL, slot, units, &leaving);
}

struct claw_outcome
return_claw(struct apply *apply, struct returning *returning, uint32_t slot, int64_t units,
            int64_t *write_off)
{
    const struct report *report = returning->report;
    struct leaving leaving = {report->rulebook->program.returns.arrears, returning->ordinal,
                              report->occurred_at.ms, write_off};
    int64_t taken = take_own(apply, returning, slot, units, OWN_PENDING);
    if (leaving.policy != ARREARS_ONLY_PENDING) {
        taken += take_own(apply, returning, slot, units - taken, OWN_USABLE);
        taken += take_own(apply, returning, slot, units - taken, OWN_HELD);
    }
    struct claw_outcome outcome = claw_elsewhere(apply, returning, slot, units - taken, &leaving);
    outcome.taken += taken;
    return outcome;
}

/* ---- Marks that were captured ---- */

/* What was marked on a lot was not taken from there after all. */
static void
forget_held(struct returning *returning, const struct lot *lot, int64_t units)
{
    struct order *order = &returning->order;
    for (uint32_t i = order->taking_count; i > 0 && units > 0; i--) {
        struct order_taking *taking = &order->takings[i - 1];
        if (taking->from != TAKEN_HELD || taking->currency != lot->currency ||
            taking->lot.ordinal != lot->ordinal || taking->lot.index != lot->index)
            continue;
        int64_t part = smaller(taking->units, units);
        taking->units -= part; /* one with nothing left gives nothing back */
        units -= part;
    }
}

void
return_captured(struct apply *apply, uint32_t slot, uint64_t lot_ordinal, uint32_t lot_index,
                int64_t effective_ms)
{
    struct state *state = apply->state;
    struct lot image = {.ordinal = lot_ordinal, .index = lot_index, .currency = (uint8_t)slot};
    const struct fact *fact = find_mark(apply->member, &image);
    if (fact == NULL) return;
    const struct lot *lot = lots_find_id(apply->member, &image);
    int64_t spent = fact->a - (lot == NULL ? 0 : smaller(lot->held, fact->a));
    uint64_t order = (uint64_t)fact->b;
    const struct rulebook *rulebook = state->rulebooks.items[fact->c];
    struct returning returning;
    if (spent == 0) return;
    const struct reference *row = references_get(&state->references, order);
    CHECK(row != NULL); /* return_marks_need has named it */
    return_open(apply, row, NULL, &returning);
    unmark(apply, &image, spent);
    forget_held(&returning, &image, spent);
    struct bytes order_id = apply->order_id, hold_id = apply->hold_id;
    apply->order_id = returning.order.order_id;
    apply->hold_id = (struct bytes){0};
    int64_t write_off = return_write_off(rulebook, slot);
    struct leaving leaving = {rulebook->program.returns.arrears, order, effective_ms, &write_off};
    struct claw_outcome outcome = claw_elsewhere(apply, &returning, slot, spent, &leaving);
    for (uint32_t i = 0; i < returning.order.grant_count; i++) {
        struct order_grant *grant = &returning.order.grants[i];
        if (grant->currency != slot || grant->settled == 0) continue;
        grant->dropped += outcome.dropped;
        break;
    }
    return_write(apply, &returning);
    apply->order_id = order_id;
    apply->hold_id = hold_id;
}

void
return_marks_need(const struct state *state, const struct member *member, struct needs *needs)
{
    struct facts marks = facts_of_kind(member, FACT_CLAW_MARK);
    for (uint32_t i = 0; i < marks.count; i++) {
        uint64_t order = (uint64_t)marks.items[i].b;
        if (references_get(&state->references, order) == NULL) references_need(order, needs);
    }
}

/* ---- Giving back ---- */

/* A pending lot that was used up by a claw-back is pending again. What has become due of it
 * meanwhile is done right after this event, at its own instant. */
static void
reopen_pending(struct apply *apply, const struct returning *returning, struct lot *lot,
               int64_t units)
{
    const struct order *order = &returning->order;
    bool cancelled = (lot->flags & LOT_CANCELLED) != 0;
    lot->state = LOT_PENDING;
    posting_move_lot(apply, POSTING_RESTORE, ACCOUNT_REVERSED, ACCOUNT_PENDING, lot, units,
                     returning->report->occurred_at.ms);
    if (cancelled) {
        posting_move_lot(apply, POSTING_CANCEL, ACCOUNT_PENDING, ACCOUNT_REVERSED, lot, units,
                         returning->report->occurred_at.ms);
        lot->expired += units;
        closed_add(&apply->state->closed, apply->member->number, lot);
        return;
    }
    if ((lot->flags & LOT_AWAITS_DELIVERY) && (order->flags & ORDER_DELIVERED)) {
        lot->flags &= (uint8_t)~LOT_AWAITS_DELIVERY;
        lot->activates_ms = order->delivered_ms;
        lot->expires_ms = expire_of(apply->state, apply->member, lot);
    }
    lots_insert(&apply->state->members, &apply->member, lot);
    activate_schedule(apply, lots_find(apply->member, lot));
}

/* Back to a lot, wherever it is by now. */
static void
give_back(struct apply *apply, const struct returning *returning, const struct lot *image,
          int64_t units)
{
    int64_t effective_ms = returning->report->occurred_at.ms;
    if (units == 0) return;
    member_wallet(&apply->state->members, &apply->member, image->currency);
    struct lot *open = lots_find_id(apply->member, image);
    if (open != NULL && open->state == LOT_PENDING) {
        posting_move_lot(apply, POSTING_RESTORE, ACCOUNT_REVERSED, ACCOUNT_PENDING, open, units,
                         effective_ms);
        return;
    }
    struct lot lot = activate_recall(apply, image);
    bool waits = image->state == LOT_PENDING && lot.expired == 0;
    /* What was forfeited while active is no cancelled lot: the account may be open again. */
    bool cancelled = (lot.flags & LOT_CANCELLED) != 0 && lot.state == LOT_PENDING;
    if (open == NULL && (waits || cancelled)) {
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
        .flags = grant->lots[0].flags & LOT_BY_INACTIVITY,
    };
    if ((order->flags & ORDER_DELIVERED) && (grant->lots[0].flags & LOT_AWAITS_DELIVERY)) {
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
