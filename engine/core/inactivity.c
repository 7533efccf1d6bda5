#include "engine/core/inactivity.h"

#include "engine/core/award.h"
#include "engine/core/due.h"
#include "engine/core/expire.h"
#include "engine/core/fact.h"
#include "engine/core/lifetime.h"
#include "engine/core/lot.h"

static const struct program_expiry *
expiry_of(const struct rulebook *rulebook, uint32_t slot)
{
    int8_t currency = rulebook->currency_at[slot];
    if (currency < 0) return NULL;
    const struct program_expiry *expiry = &rulebook->program.currencies[currency].expiry;
    return expiry->kind == EXPIRY_INACTIVITY ? expiry : NULL;
}

bool
inactivity_governs(const struct state *state, const struct lot *lot)
{
    return expiry_of(state->rulebooks.items[lot->rulebook], lot->currency) != NULL;
}

/* The points that a clock would expire. */
static int64_t
governed_units(const struct member *member, uint32_t slot)
{
    uint32_t count;
    const struct lot *lots = lots_of(member, slot, &count);
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (lots[i].state == LOT_ACTIVE && (lots[i].flags & LOT_BY_INACTIVITY) != 0)
            sum += lots[i].remaining; /* parts of a balance, which has 63 bits */
    }
    return sum;
}

/* What FACT_INACTIVE_SOON says in `c`, beside an instant at which there was nothing to tell. */
enum { SOON_TOLD = -1 };

/* Points have come: the notice that had nothing to tell goes out after all. */
static void
wake_notice(struct apply *apply, uint32_t slot)
{
    const struct fact *told = fact_find(apply->member, FACT_INACTIVE_SOON, slot, 0, 0);
    if (told == NULL || told->c <= 0) return;
    struct fact due = *told;
    due.a = told->c > apply_moment(apply) ? told->c : apply_moment(apply);
    due.c = 0;
    fact_set(&apply->state->members, &apply->member, &due);
    due_note(apply, due.a, DUE_NOTICE);
}

bool
inactivity_has_told(const struct member *member, uint32_t slot, int64_t expires_ms)
{
    const struct fact *told = fact_find(member, FACT_INACTIVE_SOON, slot, 0, 0);
    return told != NULL && told->b == expires_ms && told->c == SOON_TOLD;
}

/* The notice goes out so many days before, but not before the clock was set; once for an instant,
 * and not for one that is over by the time it is known. */
static void
set_notice(struct apply *apply, const struct rulebook *rulebook, uint32_t slot, int64_t pushed_ms,
           int64_t expires_ms)
{
    int32_t days = rulebook->program.currencies[rulebook->currency_at[slot]].notice_days;
    const struct fact *told = fact_find(apply->member, FACT_INACTIVE_SOON, slot, 0, 0);
    if (told != NULL && told->b == expires_ms && told->c <= 0) return;
    struct fact notice = {
        .kind = FACT_INACTIVE_SOON, .slot = (uint16_t)slot, .a = INT64_MAX, .b = expires_ms};
    bool wanted = days > 0 && expires_ms != INT64_MAX && expires_ms > apply_moment(apply) &&
                  !member_is_noticed(apply->member, (uint8_t)slot, expires_ms);
    if (wanted) {
        notice.a = calendar_days_later(&rulebook->program.zone, expires_ms, -days);
        if (notice.a < pushed_ms) notice.a = pushed_ms;
    }
    fact_set(&apply->state->members, &apply->member, &notice);
    if (notice.a != INT64_MAX) due_note(apply, notice.a, DUE_NOTICE);
}

static void
set_clock(struct apply *apply, const struct rulebook *rulebook, uint32_t slot, int64_t pushed_ms)
{
    uint32_t currency = (uint32_t)rulebook->currency_at[slot];
    struct fact clock = {
        .kind = FACT_INACTIVITY,
        .slot = (uint16_t)slot,
        .a = lifetime_inactive_at(rulebook, currency, (struct instant){pushed_ms}),
        .b = pushed_ms,
        .c = rulebook->index,
    };
    fact_set(&apply->state->members, &apply->member, &clock);
    if (clock.a != INT64_MAX) due_note(apply, clock.a, DUE_EXPIRY);
    set_notice(apply, rulebook, slot, pushed_ms, clock.a);
}

void
inactivity_enter(struct apply *apply, const struct lot *lot, int64_t units, int64_t effective_ms)
{
    const struct wallet *wallet = member_wallet_find(apply->member, lot->currency);
    bool only = wallet->active == units;
    bool runs = fact_find(apply->member, FACT_INACTIVITY, lot->currency, 0, 0) != NULL;
    if (only || !runs) {
        const struct rulebook *rulebook = apply->state->rulebooks.items[lot->rulebook];
        set_clock(apply, rulebook, lot->currency, effective_ms);
    }
    wake_notice(apply, lot->currency);
}

/* ---- Events ---- */

static bool
counts_activity(const struct program_expiry *expiry, const struct event *event)
{
    if ((expiry->counts & COUNTS_ACTIVITY) != 0) return true;
    for (uint32_t i = 0; i < expiry->count_kinds.count; i++) {
        if (bytes_equal(expiry->count_kinds.items[i], activity_name(&event->activity))) return true;
    }
    return false;
}

static bool
counts(const struct program_expiry *expiry, const struct event *event)
{
    switch (event->kind) {
    case EVENT_PURCHASE: return (expiry->counts & COUNTS_PURCHASE) != 0;
    case EVENT_REDEEM: return (expiry->counts & COUNTS_REDEEM) != 0;
    case EVENT_HOLD: return (expiry->counts & COUNTS_HOLD) != 0;
    case EVENT_DELIVERED: return (expiry->counts & COUNTS_DELIVERED) != 0;
    case EVENT_ACTIVITY: return counts_activity(expiry, event);
    default: return false;
    }
}

void
inactivity_push(struct apply *apply)
{
    int64_t occurred_ms = apply->event->occurred_at.ms;
    for (uint32_t i = 0;; i++) {
        struct facts clocks = facts_of_kind(apply->member, FACT_INACTIVITY);
        if (i >= clocks.count) return;
        struct fact clock = clocks.items[i];
        const struct rulebook *rulebook = apply->rulebook;
        if (expiry_of(rulebook, clock.slot) == NULL)
            rulebook = apply->state->rulebooks.items[clock.c];
        if (occurred_ms <= clock.b) continue; /* only forwards */
        if (!counts(expiry_of(rulebook, clock.slot), apply->event)) continue;
        set_clock(apply, rulebook, clock.slot, occurred_ms);
    }
}

/* ---- Due work ---- */

uint64_t
inactivity_expire(struct apply *apply, const struct fact *clock, uint64_t max)
{
    uint64_t expired = expire_inactive(apply, clock->slot, clock->a, max);
    if (expired == max && max != UINT64_MAX) return expired; /* maybe there are more */
    struct members *members = &apply->state->members;
    fact_remove(members, &apply->member, FACT_INACTIVITY, clock->slot, 0, 0);
    fact_remove(members, &apply->member, FACT_INACTIVE_SOON, clock->slot, 0, 0);
    return expired;
}

int64_t
inactivity_tell(struct apply *apply, uint32_t slot, int64_t expires_ms)
{
    const struct fact *clock = fact_find(apply->member, FACT_INACTIVITY, slot, 0, 0);
    if (clock == NULL || clock->a != expires_ms) return 0;
    struct fact told = {.kind = FACT_INACTIVE_SOON,
                        .slot = (uint16_t)slot,
                        .a = INT64_MAX,
                        .b = expires_ms,
                        .c = SOON_TOLD};
    fact_set(&apply->state->members, &apply->member, &told);
    return governed_units(apply->member, slot);
}

uint64_t
inactivity_notify(struct apply *apply, const struct fact *notice)
{
    if (governed_units(apply->member, notice->slot) > 0) {
        expire_notify(apply, notice->slot, notice->b, notice->a);
        return 1;
    }
    struct fact missed = *notice;
    missed.a = INT64_MAX;
    missed.c = notice->a;
    fact_set(&apply->state->members, &apply->member, &missed);
    return 0;
}

void
inactivity_shift(struct apply *apply, int64_t frozen_ms, int64_t until_ms)
{
    struct facts clocks = facts_of_kind(apply->member, FACT_INACTIVITY);
    for (uint32_t i = 0; i < clocks.count; i++) {
        struct fact clock = facts_of_kind(apply->member, FACT_INACTIVITY).items[i];
        int64_t from_ms = clock.b > frozen_ms ? clock.b : frozen_ms;
        if (clock.a == INT64_MAX || clock.a <= frozen_ms || until_ms <= from_ms) continue;
        clock.a += until_ms - from_ms;
        fact_set(&apply->state->members, &apply->member, &clock);
        due_note(apply, clock.a, DUE_EXPIRY);
        set_notice(apply, apply->state->rulebooks.items[clock.c], clock.slot, until_ms, clock.a);
    }
}

int64_t
inactivity_expiry_of(const struct member *member, const struct lot *lot)
{
    if (lot->state != LOT_ACTIVE || (lot->flags & LOT_BY_INACTIVITY) == 0) return lot->expires_ms;
    const struct fact *clock = fact_find(member, FACT_INACTIVITY, lot->currency, 0, 0);
    return clock == NULL ? INT64_MAX : clock->a;
}
