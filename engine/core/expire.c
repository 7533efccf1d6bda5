#include "engine/core/expire.h"

#include "engine/core/due.h"
#include "engine/core/inactivity.h"
#include "engine/core/lifetime.h"
#include "engine/core/lot.h"

int64_t
expire_notice_at(const struct state *state, const struct lot *lot)
{
    struct rulebook *rulebook = state->rulebooks.items[lot->rulebook];
    const struct program *program = &rulebook->program;
    int8_t currency = rulebook->currency_at[lot->currency];
    int32_t days = program->currencies[currency].notice_days;
    if (days == 0 || lot->expires_ms == INT64_MAX) return INT64_MAX;
    if (rulebook->notice[currency].expires_ms != lot->expires_ms || lot->expires_ms == 0) {
        rulebook->notice[currency].notice_ms =
            calendar_days_later(&program->zone, lot->expires_ms, -days);
        rulebook->notice[currency].expires_ms = lot->expires_ms;
    }
    int64_t notice_ms = rulebook->notice[currency].notice_ms;
    return notice_ms > lot->activates_ms ? notice_ms : lot->activates_ms;
}

int64_t
expire_of(const struct state *state, const struct member *member, const struct lot *lot)
{
    struct rulebook *rulebook = state->rulebooks.items[lot->rulebook];
    uint32_t currency = (uint32_t)rulebook->currency_at[lot->currency];
    bool from_earning = rulebook->program.currencies[currency].expiry.from_earning;
    struct instant start = {from_earning ? lot->earned_ms : lot->activates_ms};
    return lifetime_end(rulebook, currency, member->enrolled_ms, start);
}

/* An active lot with a grace lapses, whatever of it is left; all others expire. Grace is what the
 * version says that granted the lot. */
static void
expire_one(struct apply *apply, struct lot *lot, int64_t instant_ms, int64_t dated_ms)
{
    const struct rulebook *rulebook = apply->state->rulebooks.items[lot->rulebook];
    uint32_t currency = (uint32_t)rulebook->currency_at[lot->currency];
    int64_t grace_ms = lifetime_grace_end(rulebook, currency, instant_ms);
    if (lot->state != LOT_ACTIVE || grace_ms <= instant_ms) {
        posting_move_lot(apply, POSTING_EXPIRE, lot_account(lot), ACCOUNT_EXPIRED, lot,
                         lot->remaining, dated_ms);
        return;
    }
    int64_t units = lot->remaining;
    posting_move(apply, POSTING_LAPSE, ACCOUNT_ACTIVE, ACCOUNT_LAPSING, lot->currency, units, lot,
                 dated_ms);
    lot_set_state(apply->member, lot, LOT_LAPSING);
    lot->deadline_ms = grace_ms;
    due_note(apply, grace_ms, DUE_EXPIRY);
}

/* What an instant makes of a lot: its expiry, or the end of its grace. */
static bool
reach(struct apply *apply, struct lot *lot, int64_t ms)
{
    if (lot->remaining == 0) return false;
    if (lot->state == LOT_LAPSING) {
        if (lot->deadline_ms != ms) return false;
        posting_move_lot(apply, POSTING_LAPSE_END, ACCOUNT_LAPSING, ACCOUNT_EXPIRED, lot,
                         lot->remaining, lot->expires_ms);
        return true;
    }
    if (lot->expires_ms < ms) return false;
    expire_one(apply, lot, ms, ms);
    return true;
}

uint64_t
expire_lots(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max)
{
    uint32_t count, seen = 0;
    uint64_t expired = 0;
    struct lot *lots = lots_of(apply->member, slot, &count);
    for (; seen < count && expired < max && lots[seen].expires_ms <= ms; seen++)
        expired += reach(apply, &lots[seen], ms);
    posting_sweep(apply, slot, seen);
    return expired;
}

/* The clock's instant becomes the lot's own: whatever of it is held, or comes back, is past it. */
static struct lot *
give_instant(struct apply *apply, struct lot *lot, int64_t ms)
{
    struct members *members = &apply->state->members;
    struct lot moved = *lot;
    uint32_t count;
    uint32_t at = (uint32_t)(lot - lots_of(apply->member, moved.currency, &count));
    moved.expires_ms = ms;
    moved.flags = (uint8_t)((moved.flags & ~LOT_BY_INACTIVITY) | LOT_MOVED);
    lots_remove(members, &apply->member, moved.currency, at, 1);
    return lots_insert(members, &apply->member, &moved);
}

uint64_t
expire_inactive(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max)
{
    uint32_t count;
    uint64_t expired = 0;
    for (uint32_t i = 0; expired < max; i++) {
        struct lot *lot = lots_of(apply->member, slot, &count) + i;
        if (i >= count) break;
        if (lot->state != LOT_ACTIVE || (lot->flags & LOT_BY_INACTIVITY) == 0) continue;
        lot =
            give_instant(apply, lot, ms);  /* not later in the list: what follows keeps its place */
        if (lot->remaining == 0) continue; /* all of it is held */
        uint32_t before = count;
        expire_one(apply, lot, ms, ms);
        posting_settle(apply, lot);
        expired++;
        lots_of(apply->member, slot, &count);
        if (count < before) i--;
    }
    return expired;
}

void
expire_notify(struct apply *apply, uint32_t slot, int64_t expires_ms, int64_t effective_ms)
{
    uint32_t count;
    struct lot *lots = lots_of(apply->member, slot, &count);
    int64_t sum = 0; /* of parts of a balance, which has 63 bits */
    for (uint32_t i = 0; i < count && lots[i].expires_ms <= expires_ms; i++) {
        if (lots[i].state != LOT_ACTIVE) continue;
        if (lots[i].expires_ms != expires_ms) continue;
        lots[i].flags |= LOT_NOTICED;
        sum += lots[i].remaining;
    }
    if (sum > 0)
        member_add_noticed(&apply->state->members, &apply->member, (uint8_t)slot, expires_ms);
    sum += inactivity_tell(apply, slot, expires_ms);
    CHECK(sum > 0);
    struct effect *effect = output_notice(apply, NOTICE_EXPIRING_SOON, effective_ms);
    effect->notice.expiring_soon = (struct notice_expiring_soon){
        .currency = output_currency(apply, slot),
        .points.units = sum,
        .expires_at.ms = expires_ms,
    };
    output_seal(apply, effect);
}
