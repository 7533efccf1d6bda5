#include "engine/core/due.h"

#include "engine/core/expire.h"
#include "engine/core/lot.h"
#include "engine/core/tier.h"

static bool
due_before(int64_t a_ms, enum due_kind a_kind, int64_t b_ms, enum due_kind b_kind)
{
    return a_ms < b_ms || (a_ms == b_ms && a_kind < b_kind);
}

static void
take_earlier(struct due candidate, struct due *due)
{
    if (due_before(candidate.ms, candidate.kind, due->ms, due->kind)) *due = candidate;
}

/* The first notice among a slot's lots, which stand by expiry: notices of later lots can only be
 * earlier as far as rulebooks differ in their days, so the search ends once that cannot be. A day
 * is 25 hours where clocks go back, and a zone may skip a date: two days more than the rulebook
 * says are always enough. */
static void
take_first_notice(const struct state *state, const struct lot *lots, uint32_t count,
                  struct due *due)
{
    int64_t reach_ms = (state->rulebooks.notice_days_max + 2) * CALENDAR_DAY_MS;
    for (uint32_t i = 0; i < count; i++) {
        const struct lot *lot = &lots[i];
        if (lot->expires_ms == INT64_MAX || lot->expires_ms - reach_ms > due->ms) return;
        if (lot->flags & LOT_NOTICED) continue;
        struct due notice = {expire_notice_at(state, lot), DUE_NOTICE, lot->currency,
                             lot->expires_ms};
        take_earlier(notice, due);
    }
}

bool
due_next(const struct state *state, const struct member *member, struct due *out_due)
{
    struct due due = {.ms = INT64_MAX, .kind = DUE_NOTICE};
    const struct lot *lots = member_lots(member);
    for (uint32_t slot = 0; slot < member->wallet_count; slot++) {
        uint32_t count = member_wallets(member)[slot].lot_count;
        if (count > 0) {
            take_earlier((struct due){.ms = lots->expires_ms, .kind = DUE_EXPIRY, .slot = slot},
                         &due);
            if (state->rulebooks.notice_days_max > 0) take_first_notice(state, lots, count, &due);
        }
        lots += count;
    }
    if (member->noticed_count > 0) {
        const struct noticed *noticed = member_noticed(member);
        take_earlier(
            (struct due){.ms = noticed->expires_ms, .kind = DUE_EXPIRY, .slot = noticed->currency},
            &due);
    }
    for (uint32_t group = 0; group < member->tier_count; group++) {
        take_earlier((struct due){.ms = member_tiers(member)[group].review_ms,
                                  .kind = DUE_REVIEW,
                                  .slot = group},
                     &due);
    }
    if (due.ms == INT64_MAX) return false;
    *out_due = due;
    return true;
}

/* An instant for which notices went out is over once no lot of it is left: that is no item of its
 * own. */
static void
forget_noticed(struct apply *apply, int64_t ms)
{
    for (uint32_t slot = 0; slot < apply->member->wallet_count; slot++) {
        uint32_t count;
        const struct lot *lots = lots_of(apply->member, slot, &count);
        if (count > 0 && lots->expires_ms <= ms) return;
    }
    member_drop_noticed(&apply->state->members, &apply->member, ms);
}

uint64_t
due_do(struct apply *apply, const struct due *due, struct instant judged, uint64_t max)
{
    uint64_t done = 1;
    members_write(&apply->state->members, apply->member);
    switch (due->kind) {
    case DUE_EXPIRY:
        done = expire_lots(apply, due->slot, due->ms, max);
        forget_noticed(apply, due->ms);
        break;
    case DUE_REVIEW: tier_review(apply, due->slot, (struct instant){due->ms}); break;
    case DUE_NOTICE: expire_notify(apply, due->slot, due->expires_ms, due->ms); break;
    }
    struct due next;
    if (!due_next(apply->state, apply->member, &next) || next.ms > due->ms) {
        struct instant instant = {due->ms};
        tier_evaluate(apply, instant.ms > judged.ms ? instant : judged, instant);
    }
    posting_check(apply);
    return done;
}

void
due_run(struct state *state, struct effects *effects, struct position cause, struct instant judged,
        struct member **member)
{
    struct due due;
    if ((*member)->scheduled_ms > state->clock.ms) return;
    while (due_next(state, *member, &due) && due.ms <= state->clock.ms) {
        struct apply apply = apply_of(state, effects, NULL);
        apply.cause = cause;
        apply.member = *member;
        due_do(&apply, &due, judged, UINT64_MAX);
        *member = apply.member;
    }
}

void
due_note(struct apply *apply, int64_t ms, enum due_kind kind)
{
    struct member *member = apply->member;
    if (!due_before(ms, kind, member->scheduled_ms, member->scheduled_kind)) return;
    member->scheduled_ms = ms;
    member->scheduled_kind = (uint8_t)kind;
    timers_add(&apply->state->timers, ms, kind, member->number);
}

void
due_note_next(struct state *state, struct member *member)
{
    struct due next = {.ms = INT64_MAX};
    bool more = due_next(state, member, &next);
    members_write(&state->members, member);
    member->scheduled_ms = next.ms;
    member->scheduled_kind = more ? (uint8_t)next.kind : 0;
    if (more) timers_add(&state->timers, next.ms, next.kind, member->number);
}
