#include "engine/core/activate.h"

#include "engine/core/arrears.h"
#include "engine/core/due.h"
#include "engine/core/expire.h"
#include "engine/core/fact.h"
#include "engine/core/inactivity.h"
#include "engine/core/lot.h"

bool
activate_is_past(const struct apply *apply, const struct lot *lot)
{
    if (apply->member->status == MEMBER_FROZEN)
        return lot->expires_ms <= fact_value(apply->member, FACT_FROZEN, 0, 0, 0);
    if (apply->event == NULL) return lot->expires_ms < apply->due_ms;
    return lot->expires_ms <= apply->state->clock.ms;
}

/* ---- Times frozen ---- */

uint16_t
activate_thaws(const struct member *member)
{
    return (uint16_t)facts_of_kind(member, FACT_THAWED).count;
}

int64_t
activate_moved(int64_t ms, const struct lot *lot, int64_t frozen_ms, int64_t until_ms)
{
    int64_t from_ms = lot->earned_ms > frozen_ms ? lot->earned_ms : frozen_ms;
    if (ms == INT64_MAX || ms <= frozen_ms || until_ms <= from_ms) return ms;
    return add_i64(ms, until_ms - from_ms, &ms) && ms <= INSTANT_MAX_MS ? ms : INT64_MAX;
}

void
activate_catch_up(const struct member *member, struct lot *lot)
{
    struct facts thaws = facts_of_kind(member, FACT_THAWED);
    for (; lot->thaws < thaws.count; lot->thaws++) {
        const struct fact *thaw = &thaws.items[lot->thaws];
        if (lot->expires_ms <= thaw->c) continue;
        int64_t expires_ms = activate_moved(lot->expires_ms, lot, thaw->a, thaw->b);
        if (expires_ms != lot->expires_ms) lot->flags |= LOT_MOVED;
        lot->expires_ms = expires_ms;
    }
}

int64_t
activate_at(const struct lot *lot)
{
    bool waits = (lot->flags & (LOT_AWAITS_DELIVERY | LOT_QUARANTINED)) != 0;
    return waits ? INT64_MAX : lot->activates_ms;
}

void
activate_number(struct apply *apply, struct lot *lot)
{
    lot->ordinal = apply_ordinal(apply);
    lot->index = apply->event != NULL ? apply->lot_count++ : apply->state->due_lots++;
}

void
activate_schedule(struct apply *apply, struct lot *lot)
{
    const struct state *state = apply->state;
    struct member *member = apply->member;
    if (lot->state == LOT_PENDING) due_note(apply, activate_at(lot), DUE_ACTIVATION);
    if (lot->deadline_ms != INT64_MAX)
        due_note(apply, lot->deadline_ms, lot->state == LOT_PENDING ? DUE_TIMEOUT : DUE_EXPIRY);
    if (lot->expires_ms == INT64_MAX || lot->state == LOT_LAPSING) return;
    lot->flags &= (uint8_t)~LOT_NOTICED;
    if (member_is_noticed(member, lot->currency, lot->expires_ms) ||
        inactivity_has_told(member, lot->currency, lot->expires_ms))
        lot->flags |= LOT_NOTICED;
    due_note(apply, lot->expires_ms, DUE_EXPIRY);
    int64_t reach_ms = (state->rulebooks.notice_days_max + 2) * CALENDAR_DAY_MS;
    if ((lot->flags & LOT_NOTICED) == 0 && lot->expires_ms - reach_ms <= member->scheduled_ms)
        due_note(apply, expire_notice_at(state, lot), DUE_NOTICE);
}

/* ---- Into active ---- */

/* Noted claw-backs, then the arrears of the lot's own order (semantics §5). Returns what is left.
 */
static int64_t
meet_claims(struct apply *apply, const struct lot *lot, int64_t units, int64_t effective_ms)
{
    int64_t noted = arrears_take_noted(apply, lot->currency, units, ARREARS_OF_ANY);
    if (noted > 0) {
        posting_move(apply, POSTING_CLAW_BACK, ACCOUNT_ACTIVE, ACCOUNT_REVERSED, lot->currency,
                     noted, lot, effective_ms);
        units -= noted;
    }
    if (lot->order == 0 || units == 0) return units;
    return units - arrears_repay(apply, lot->currency, units, lot->order, lot, effective_ms);
}

/* Puts the lot where it belongs by now: among the open ones, or, with nothing left, among the
 * closed ones when something of it expired. */
static void
put_back(struct apply *apply, const struct lot *place, const struct lot *lot,
         struct lot_list *opening)
{
    struct members *members = &apply->state->members;
    struct lot *open = lots_find(apply->member, place);
    bool left = lot->remaining > 0 || lot->held > 0;
    if (open != NULL && lot_compare(open, lot) == 0) {
        *open = *lot;
        if (left) activate_schedule(apply, open);
        posting_settle(apply, open);
        return;
    }
    if (open != NULL) {
        uint32_t count;
        uint32_t at = (uint32_t)(open - lots_of(apply->member, lot->currency, &count));
        lots_remove(members, &apply->member, lot->currency, at, 1);
    }
    if (left && opening != NULL) {
        struct lot *later = &opening->items[opening->count++];
        *later = *lot;
        activate_schedule(apply, later);
    } else if (left) {
        activate_schedule(apply, lots_insert(members, &apply->member, lot));
    } else if (lot->expired > 0 || (lot->flags & LOT_MOVED) != 0) {
        closed_add(&apply->state->closed, apply->member->number, lot);
    }
}

int64_t
activate_enter(struct apply *apply, const struct lot *lot, const struct entering *entering)
{
    const int64_t effective_ms = entering->effective_ms;
    member_wallet(&apply->state->members, &apply->member, lot->currency);
    const struct lot *open = lots_find(apply->member, lot);
    struct lot coming = open != NULL ? *open : *lot;
    CHECK(open != NULL || coming.remaining == 0);
    if (open == NULL) coming.state = LOT_ACTIVE;
    if (entering->from == ACCOUNT_HELD) coming.held -= entering->units;
    if (entering->from == ACCOUNT_EXPIRED) coming.expired -= entering->units;
    CHECK(coming.held >= 0 && coming.expired >= 0);
    coming.thaws = activate_thaws(apply->member);
    bool restores =
        coming.state == LOT_ACTIVE && entering->restore_until_ms > apply->state->clock.ms;
    if (restores && activate_is_past(apply, &coming)) {
        coming.expires_ms = entering->restore_until_ms;
        coming.flags |= LOT_MOVED;
    }

    int64_t left = entering->units;
    posting_move(apply, entering->kind, entering->from, ACCOUNT_ACTIVE, coming.currency, left,
                 &coming, effective_ms);
    if (entering->comes_back) left = meet_claims(apply, &coming, left, effective_ms);
    if (left > 0 && (coming.state == LOT_LAPSING || activate_is_past(apply, &coming))) {
        int64_t dated_ms = effective_ms > coming.expires_ms ? effective_ms : coming.expires_ms;
        posting_move(apply, POSTING_EXPIRE, ACCOUNT_ACTIVE, ACCOUNT_EXPIRED, coming.currency, left,
                     &coming, dated_ms);
        coming.expired += left;
        left = 0;
    }
    if (left > 0) {
        left -= arrears_repay(apply, coming.currency, left, ARREARS_OF_ANY, &coming, effective_ms);
    }
    CHECK(left == 0 || coming.state == LOT_ACTIVE);
    coming.remaining += left;
    if ((coming.flags & LOT_BY_INACTIVITY) != 0) /* also what arrears took at once has moved */
        inactivity_enter(apply, &coming, left, effective_ms);
    put_back(apply, lot, &coming, entering->opening);
    return left;
}

/* ---- New lots, and pending ones ---- */

/* The expiry of a lot that had none because nobody knew when it would activate. */
static int64_t
expiry_by_now(const struct apply *apply, const struct lot *lot)
{
    if (lot->expires_ms != INT64_MAX || (lot->flags & LOT_NEVER) != 0) return lot->expires_ms;
    return expire_of(apply->state, apply->member, lot);
}

/* Most lots know their expiry from the grant on and keep their place. */
void
activate_lot(struct apply *apply, struct lot *lot, int64_t effective_ms)
{
    bool released = (lot->flags & LOT_QUARANTINED) != 0;
    struct entering entering = {
        .kind = released ? POSTING_QUARANTINE_RELEASE : POSTING_ACTIVATE,
        .from = ACCOUNT_PENDING,
        .units = lot->remaining,
        .effective_ms = effective_ms,
    };
    CHECK(lot->state == LOT_PENDING && lot->held == 0);
    lot_set_state(apply->member, lot, LOT_ACTIVE);
    lot->remaining = 0;
    lot->activates_ms = effective_ms;
    lot->deadline_ms = INT64_MAX;
    lot->flags &= (uint8_t) ~(LOT_AWAITS_DELIVERY | LOT_QUARANTINED);
    struct lot active = *lot;
    active.expires_ms = expiry_by_now(apply, &active);
    if (active.expires_ms != lot->expires_ms) {
        uint32_t count;
        uint32_t at = (uint32_t)(lot - lots_of(apply->member, active.currency, &count));
        lots_remove(&apply->state->members, &apply->member, active.currency, at, 1);
    }
    activate_enter(apply, &active, &entering);
}

void
activate_go_on(struct apply *apply, const struct lot *lot)
{
    struct members *members = &apply->state->members;
    struct lot waiting = *lot;
    uint32_t count;
    uint32_t at = (uint32_t)(lot - lots_of(apply->member, waiting.currency, &count));
    waiting.flags &= (uint8_t)~LOT_QUARANTINED;
    if (activate_at(&waiting) != INT64_MAX) waiting.expires_ms = expiry_by_now(apply, &waiting);
    waiting.thaws = activate_thaws(apply->member);
    lots_remove(members, &apply->member, waiting.currency, at, 1);
    activate_schedule(apply, lots_insert(members, &apply->member, &waiting));
}

void
activate_grant(struct apply *apply, struct lot *lot, enum posting_kind kind, enum account from,
               int64_t effective_ms)
{
    activate_number(apply, lot);
    lot->remaining = 0;
    bool dated = lot->expires_ms != INT64_MAX || (lot->flags & LOT_NEVER) != 0;
    if (!dated && inactivity_governs(apply->state, lot)) lot->flags |= LOT_BY_INACTIVITY;
    if (lot->deadline_ms == 0) lot->deadline_ms = INT64_MAX;
    if (activate_at(lot) <= effective_ms) {
        struct entering entering = {
            .kind = kind, .from = from, .units = lot->granted, .effective_ms = effective_ms};
        activate_enter(apply, lot, &entering);
        return;
    }
    lot->state = LOT_PENDING;
    lot->remaining = lot->granted;
    lot->thaws = activate_thaws(apply->member);
    member_wallet(&apply->state->members, &apply->member, lot->currency);
    posting_move(apply, kind, from, ACCOUNT_PENDING, lot->currency, lot->granted, lot,
                 effective_ms);
    struct lot *open = lots_insert(&apply->state->members, &apply->member, lot);
    if (activate_at(lot) <= apply_moment(apply) && lot->activates_ms < lot->expires_ms) {
        activate_lot(apply, open, lot->activates_ms);
    } else {
        activate_schedule(apply, open);
    }
}

void
activate_cancel(struct apply *apply, struct lot *lot, int64_t effective_ms)
{
    CHECK(lot->state == LOT_PENDING);
    int64_t units = lot->remaining;
    lot->flags |= LOT_CANCELLED;
    posting_move_lot(apply, POSTING_CANCEL, ACCOUNT_PENDING, ACCOUNT_REVERSED, lot, units,
                     effective_ms);
    lot->expired += units;
    posting_settle(apply, lot);
}

/* Does to up to `max` pending lots of a slot what is due at `ms`: their activation, or their
 * deadline. A lot that stays where it was is passed; one that left its place makes room for the
 * next. */
static uint64_t
do_pending(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max, bool deadline)
{
    uint64_t done = 0;
    uint32_t count;
    for (uint32_t i = 0; done < max; i++) {
        struct lot *lot = lots_of(apply->member, slot, &count) + i;
        if (i >= count) break;
        if (lot->state != LOT_PENDING) continue;
        if ((deadline ? lot->deadline_ms : activate_at(lot)) != ms) continue;
        uint32_t before = count;
        if (deadline) {
            activate_cancel(apply, lot, ms);
        } else {
            activate_lot(apply, lot, ms);
        }
        done++;
        lots_of(apply->member, slot, &count);
        if (count < before) i--;
    }
    return done;
}

uint64_t
activate_due(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max)
{
    return do_pending(apply, slot, ms, max, false);
}

uint64_t
activate_give_up(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max)
{
    return do_pending(apply, slot, ms, max, true);
}

struct lot
activate_recall(struct apply *apply, const struct lot *image)
{
    const struct lot *open = lots_find_id(apply->member, image);
    return open != NULL ? *open : activate_recall_gone(apply, image);
}

struct lot
activate_recall_gone(struct apply *apply, const struct lot *image)
{
    struct lot lot = *image;
    /* Whose rows nobody asked for was open when the batch of this event began: it has none. */
    struct closed *closed = &apply->state->closed;
    uint64_t number = apply->member->number;
    const struct lot *found;
    if (closed_find(closed, number, image->ordinal, image->index, &found) && found != NULL) {
        CHECK(closed_take(closed, number, image->ordinal, image->index, &lot));
    } else {
        lot.remaining = lot.held = 0;
        lot.flags &= (uint8_t)~LOT_NOTICED;
    }
    activate_catch_up(apply->member, &lot);
    return lot;
}
