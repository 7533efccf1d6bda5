#include "engine/core/life.h"

#include "engine/core/activate.h"
#include "engine/core/arrears.h"
#include "engine/core/due.h"
#include "engine/core/fact.h"
#include "engine/core/inactivity.h"
#include "engine/core/lot.h"
#include "engine/core/posting.h"
#include "engine/core/tier.h"

/* ---- Frozen ---- */

static void
freeze(struct apply *apply)
{
    struct fact frozen = {.kind = FACT_FROZEN,
                          .a = apply->event->occurred_at.ms,
                          .b = apply->member->status,
                          .c = apply->state->clock.ms};
    fact_set(&apply->state->members, &apply->member, &frozen);
    apply->member->status = MEMBER_FROZEN;
}

/* What was reached when the freeze arrived is past, whenever the freeze occurred: of an active lot
 * only held points can be left. Lots whose instants move change their places: all of a slot are
 * taken out and put in again. */
static void
move_lots(struct apply *apply, uint32_t slot, const struct fact *frozen, int64_t until_ms)
{
    struct state *state = apply->state;
    uint32_t count;
    const struct lot *open = lots_of(apply->member, slot, &count);
    if (count == 0) return;
    size_t mark = arena_mark(state->scratch);
    struct lot *lots = arena_alloc(state->scratch, count * sizeof *lots);
    CHECK(lots != NULL);
    memcpy(lots, open, count * sizeof *lots);
    lots_remove(&state->members, &apply->member, slot, 0, count);
    for (uint32_t i = 0; i < count; i++) {
        struct lot *lot = &lots[i];
        bool was_past = lot->state == LOT_ACTIVE && lot->expires_ms <= frozen->c;
        int64_t expires_ms =
            was_past ? lot->expires_ms : activate_moved(lot->expires_ms, lot, frozen->a, until_ms);
        if (expires_ms != lot->expires_ms) lot->flags |= LOT_MOVED;
        lot->expires_ms = expires_ms;
        if (lot->state == LOT_LAPSING)
            lot->deadline_ms = activate_moved(lot->deadline_ms, lot, frozen->a, until_ms);
        lot->thaws = activate_thaws(apply->member);
        activate_schedule(apply, lots_insert(&state->members, &apply->member, lot));
    }
    arena_reset_to(state->scratch, mark);
}

static void
unfreeze(struct apply *apply)
{
    struct members *members = &apply->state->members;
    const struct fact frozen = *fact_find(apply->member, FACT_FROZEN, 0, 0, 0);
    int64_t until_ms = apply->event->occurred_at.ms;
    fact_remove(members, &apply->member, FACT_FROZEN, 0, 0, 0);
    /* Lots that are used up or closed catch up when points come back to them. */
    struct fact thawed = {.kind = FACT_THAWED,
                          .key = activate_thaws(apply->member) + 1,
                          .a = frozen.a,
                          .b = until_ms,
                          .c = frozen.c};
    fact_set(members, &apply->member, &thawed);
    apply->member->status = (uint8_t)frozen.b;
    for (uint32_t slot = 0; slot < apply->member->wallet_count; slot++)
        move_lots(apply, slot, &frozen, until_ms);
    inactivity_shift(apply, frozen.a, until_ms);
    struct due next; /* what had stood still may be due before anything that was hinted at */
    if (due_next(apply->state, apply->member, &next)) due_note(apply, next.ms, next.kind);
}

/* ---- Closed ---- */

/* Pending, active, lapsing and held points of a currency, lot by lot in spend order. */
static void
forfeit_lots(struct apply *apply, uint32_t slot)
{
    int64_t effective_ms = apply->event->occurred_at.ms;
    struct lot_walk walk = lot_walk_of(apply->member, slot);
    for (struct lot *lot; (lot = lot_walk_next(&walk)) != NULL;) {
        lot->flags |= LOT_CANCELLED;
        if (lot->remaining > 0) {
            posting_move_lot(apply, POSTING_FORFEIT, lot_account(lot), ACCOUNT_FORFEITED, lot,
                             lot->remaining, effective_ms);
        }
        if (lot->held > 0) {
            posting_move_lot(apply, POSTING_FORFEIT, ACCOUNT_HELD, ACCOUNT_FORFEITED, lot,
                             lot->held, effective_ms);
        }
    }
    posting_sweep(apply, slot, walk.count);
}

static void
write_off(struct apply *apply, uint32_t slot)
{
    const struct wallet *wallet = member_wallet_find(apply->member, slot);
    int64_t owed = wallet->arrears, noted = wallet->noted;
    if (owed > 0) {
        arrears_lessen(apply, POSTING_WRITE_OFF, ACCOUNT_ADJUSTED, slot, owed, ARREARS_OF_ANY,
                       apply->event->occurred_at.ms);
    }
    if (noted > 0) arrears_take_noted(apply, slot, noted, ARREARS_OF_ANY);
}

/* What was before its enrolment and is still to be judged, its birthday, its dates and the times it
 * was frozen outlive an account. */
static bool
outlives(uint8_t kind)
{
    return kind == FACT_FORMER || kind == FACT_PROFILE || kind == FACT_SCHEDULE ||
           kind == FACT_THAWED || kind == FACT_PARKED || kind == FACT_CLOSED;
}

static void
close_account(struct apply *apply)
{
    struct members *members = &apply->state->members;
    for (uint32_t slot = 0; slot < apply->member->wallet_count; slot++) {
        forfeit_lots(apply, slot);
        write_off(apply, slot);
    }
    tier_forget(apply);
    for (uint32_t i = apply->member->fact_count; i > 0; i--) {
        struct fact *fact = &member_facts(apply->member)[i - 1];
        if (!outlives(fact->kind)) facts_remove(members, &apply->member, (struct facts){fact, 1});
    }
    struct fact closed = {.kind = FACT_CLOSED, .a = (int64_t)apply->ordinal};
    fact_set(members, &apply->member, &closed);
    apply->member->status = MEMBER_CLOSED;
}

bool
life_has_forgotten(const struct member *member, uint64_t ordinal)
{
    return ordinal < (uint64_t)fact_value(member, FACT_CLOSED, 0, 0, 0);
}

/* ---- Judging ---- */

static bool
may_change(enum event_kind kind, uint8_t status)
{
    switch (kind) {
    case EVENT_SUSPEND: return status == MEMBER_ACTIVE;
    case EVENT_RESUME: return status == MEMBER_SUSPENDED;
    case EVENT_FREEZE: return status == MEMBER_ACTIVE || status == MEMBER_SUSPENDED;
    case EVENT_UNFREEZE: return status == MEMBER_FROZEN;
    case EVENT_REOPEN: return status == MEMBER_CLOSED;
    default: return status != MEMBER_CLOSED; /* close */
    }
}

enum verdict
life_change(struct apply *apply)
{
    enum event_kind kind = apply->event->kind;
    uint8_t status = apply->member->status;
    if (status == MEMBER_CLOSED && kind != EVENT_REOPEN) return VERDICT_MEMBER_CLOSED;
    if (!may_change(kind, status)) return VERDICT_WRONG_STATE;
    if (kind == EVENT_FREEZE &&
        (!facts_fit(apply->member, 1) || activate_thaws(apply->member) == UINT16_MAX)) {
        apply->detail = bytes_from_cstr("the member's row is full");
        return VERDICT_LIMIT_REACHED;
    }
    members_write(&apply->state->members, apply->member);
    apply->reason = apply->event->state_change.reason;
    apply->actor = apply->event->state_change.actor;
    switch (kind) {
    case EVENT_SUSPEND: apply->member->status = MEMBER_SUSPENDED; break;
    case EVENT_FREEZE: freeze(apply); break;
    case EVENT_UNFREEZE: unfreeze(apply); break;
    case EVENT_CLOSE: close_account(apply); break;
    default: apply->member->status = MEMBER_ACTIVE; break; /* resume, reopen */
    }
    return VERDICT_ACCEPTED;
}
