#include "engine/core/due.h"

#include "engine/core/activate.h"
#include "engine/core/award.h"
#include "engine/core/byhand.h"
#include "engine/core/expire.h"
#include "engine/core/fact.h"
#include "engine/core/hold.h"
#include "engine/core/inactivity.h"
#include "engine/core/limit.h"
#include "engine/core/lot.h"
#include "engine/core/override.h"
#include "engine/core/return.h"
#include "engine/core/review.h"
#include "engine/core/tier.h"
#include "engine/core/wait.h"

static bool
due_before(int64_t a_ms, enum due_kind a_kind, int64_t b_ms, enum due_kind b_kind)
{
    return a_ms < b_ms || (a_ms == b_ms && a_kind < b_kind);
}

/* Of what is due at one instant holds, approvals and quarantines time out each in the order of
 * their events, lots have their turn before the clocks of inactivity and their notices, and tier
 * groups have theirs in order, each its review before the end of its override; all else that is
 * equal goes in the order in which it is looked for. */
static bool
comes_first(const struct due *candidate, const struct due *due)
{
    if (due->of != DUE_OF_FACT) return false;
    if (candidate->of == DUE_OF_FACT)
        return candidate->kind == DUE_TIMEOUT && candidate->fact.kind == due->fact.kind &&
               candidate->fact.key < due->fact.key;
    if (candidate->of == DUE_OF_LOTS)
        return candidate->kind == DUE_EXPIRY || candidate->kind == DUE_NOTICE;
    return candidate->of == DUE_OF_TIER && candidate->kind == DUE_REVIEW &&
           candidate->slot <= due->slot;
}

static void
take_earlier(struct due candidate, struct due *due)
{
    bool equal = candidate.ms == due->ms && candidate.kind == due->kind;
    if (due_before(candidate.ms, candidate.kind, due->ms, due->kind) ||
        (equal && comes_first(&candidate, due)))
        *due = candidate;
}

/* Clocks of expiry stand while a member is frozen (semantics §10). */
static bool
is_paused(const struct member *member, enum due_kind kind)
{
    return member->status == MEMBER_FROZEN && (kind == DUE_EXPIRY || kind == DUE_NOTICE);
}

static void
offer(const struct member *member, int64_t ms, enum due_kind kind, uint32_t slot, struct due *due)
{
    if (ms == INT64_MAX || is_paused(member, kind)) return;
    take_earlier((struct due){.ms = ms, .kind = kind, .of = DUE_OF_LOTS, .slot = slot}, due);
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
        if (lot->state != LOT_ACTIVE || lot->remaining == 0) continue;
        if ((lot->flags & LOT_NOTICED) != 0) continue;
        struct due notice = {.ms = expire_notice_at(state, lot),
                             .kind = DUE_NOTICE,
                             .of = DUE_OF_LOTS,
                             .slot = lot->currency,
                             .expires_ms = lot->expires_ms};
        take_earlier(notice, due);
    }
}

/* The first lot that can expire is among the first; lots in other states are searched only as far
 * as the wallet counts any. */
static void
take_lots(const struct state *state, const struct member *member, uint32_t slot,
          const struct lot *lots, struct due *due)
{
    const struct wallet *wallet = &member_wallets(member)[slot];
    uint32_t others = wallet->pending_count + wallet->lapsing_count;
    for (uint32_t i = 0; i < wallet->lot_count; i++) {
        if (lots[i].remaining == 0 || lots[i].state == LOT_LAPSING) continue;
        offer(member, lots[i].expires_ms, DUE_EXPIRY, slot, due);
        break;
    }
    for (uint32_t i = 0; others > 0; i++) {
        const struct lot *lot = &lots[i];
        if (lot->state == LOT_ACTIVE) continue;
        others--;
        if (lot->state == LOT_PENDING) {
            offer(member, activate_at(lot), DUE_ACTIVATION, slot, due);
            offer(member, lot->deadline_ms, DUE_TIMEOUT, slot, due);
        } else if (lot->remaining > 0) {
            offer(member, lot->deadline_ms, DUE_EXPIRY, slot, due);
        }
    }
    if (state->rulebooks.notice_days_max > 0 && !is_paused(member, DUE_NOTICE))
        take_first_notice(state, lots, wallet->lot_count, due);
}

/* What can be due stands first among the facts. */
static void
take_facts(const struct member *member, struct due *due)
{
    const struct fact *facts = member_facts(member);
    for (uint32_t i = 0; i < member->fact_count && facts[i].kind < FACT_UNDUE_FIRST; i++) {
        enum due_kind kind = fact_due_kind(facts[i].kind);
        if (facts[i].a == INT64_MAX || is_paused(member, kind)) continue;
        take_earlier((struct due){.ms = facts[i].a,
                                  .kind = kind,
                                  .of = DUE_OF_FACT,
                                  .slot = facts[i].slot,
                                  .fact = facts[i]},
                     due);
    }
}

bool
due_next(const struct state *state, const struct member *member, struct due *out_due)
{
    struct due due = {.ms = INT64_MAX, .kind = DUE_NOTICE};
    const struct lot *lots = member_lots(member);
    const struct anew_item *anew = anew_of(state, member);
    if (anew != NULL) { /* first, so that it comes before the reviews of its instant */
        due = (struct due){
            .ms = anew->at_ms, .kind = DUE_REVIEW, .of = DUE_OF_RULEBOOK, .turn = anew->turn};
    }
    take_facts(member, &due);
    for (uint32_t slot = 0; slot < member->wallet_count; slot++) {
        uint32_t count = member_wallets(member)[slot].lot_count;
        if (count > 0) take_lots(state, member, slot, lots, &due);
        lots += count;
    }
    if (member->noticed_count > 0) {
        const struct noticed *noticed = member_noticed(member);
        offer(member, noticed->expires_ms, DUE_EXPIRY, noticed->currency, &due);
    }
    for (uint32_t group = 0; group < member->tier_count; group++) {
        struct due review = {.of = DUE_OF_TIER, .slot = group};
        if (review_next(&member_tiers(member)[group], &review.ms, &review.kind))
            take_earlier(review, &due);
    }
    if (due.ms == INT64_MAX) return false;
    *out_due = due;
    return true;
}

/* Whether a fact's due work reads the row of the event whose ordinal is its key. */
static bool
reads_row(const struct fact *fact)
{
    switch ((enum fact_kind)fact->kind) {
    case FACT_HOLD:
    case FACT_AWAITING:
    case FACT_WAITING: return true;
    case FACT_QUARANTINE: return fact->c != 0;
    default: return false;
    }
}

void
due_rows_needed(const struct state *state, const struct member *member, int64_t until_ms,
                struct needs *needs)
{
    const struct fact *facts = member_facts(member);
    for (uint32_t i = 0; i < member->fact_count && facts[i].kind < FACT_UNDUE_FIRST; i++) {
        uint64_t ordinal = (uint64_t)facts[i].key;
        if (facts[i].a > until_ms || !reads_row(&facts[i])) continue;
        if (references_get(&state->references, ordinal) == NULL) references_need(ordinal, needs);
    }
    return_marks_need(state, member, needs);
}

/* An instant for which notices went out is over once no lot of it is left: that is no item of its
 * own. */
static void
forget_noticed(struct apply *apply, int64_t ms)
{
    for (uint32_t slot = 0; slot < apply->member->wallet_count; slot++) {
        uint32_t count;
        const struct lot *lots = lots_of(apply->member, slot, &count);
        for (uint32_t i = 0; i < count && lots[i].expires_ms <= ms; i++) {
            if (lots[i].remaining > 0 && lots[i].state != LOT_LAPSING) return;
        }
    }
    member_drop_noticed(&apply->state->members, &apply->member, ms);
}

/* Lots of one slot, by kind. */
static uint64_t
do_lots(struct apply *apply, const struct due *due, uint64_t max)
{
    uint64_t done;
    switch (due->kind) {
    case DUE_TIMEOUT: return activate_give_up(apply, due->slot, due->ms, max);
    case DUE_EXPIRY:
        done = expire_lots(apply, due->slot, due->ms, max);
        forget_noticed(apply, due->ms);
        return done;
    case DUE_ACTIVATION: return activate_due(apply, due->slot, due->ms, max);
    case DUE_NOTICE: expire_notify(apply, due->slot, due->expires_ms, due->ms); return 1;
    case DUE_ROLL:
    case DUE_REVIEW:
    case DUE_GIVE_UP: break;
    }
    UNREACHABLE();
}

/* Does what a fact stands for; returns how many items that were. The room moves its instant or
 * removes it, unless `max` stops it: else it would be due for ever. */
static uint64_t
do_fact(struct apply *apply, const struct due *due, uint64_t max)
{
    const struct fact *fact = &due->fact;
    uint64_t done = 1;
    switch ((enum fact_kind)fact->kind) {
    case FACT_HOLD: hold_time_out(apply, fact, due->ms); break;
    case FACT_WAITING: wait_give_up(apply, fact); break;
    case FACT_INACTIVITY: done = inactivity_expire(apply, fact, max); break;
    case FACT_INACTIVE_SOON: done = inactivity_notify(apply, fact); break;
    case FACT_QUARANTINE: limit_undecided(apply, fact, due->ms); break;
    case FACT_SCHEDULE: award_date_due(apply, fact, due->ms); break;
    case FACT_OVERRIDE: tier_override_ends(apply, fact->slot, (struct instant){due->ms}); break;
    case FACT_AWAITING: byhand_lapse(apply, fact); break;
    default: UNREACHABLE();
    }
    const struct fact *left =
        fact_find(apply->member, fact->kind, fact->slot, fact->key, fact->index);
    CHECK(left == NULL || left->a > due->ms || done == max);
    return done;
}

/* Tiers are judged once for an instant, before its notices: those change nothing, and can be due
 * long behind. */
static void
judge_tiers(struct apply *apply, int64_t ms)
{
    struct due next;
    bool more = due_next(apply->state, apply->member, &next) && next.ms <= ms;
    if (more && next.kind != DUE_NOTICE) {
        tier_correct(apply, apply_judged_at(apply));
    } else {
        tier_evaluate(apply, apply_judged_at(apply), (struct instant){ms});
    }
}

uint64_t
due_do(struct apply *apply, const struct due *due, struct instant judged, uint64_t max)
{
    uint64_t done = 1;
    apply->due_ms = due->ms;
    apply->judged_ms = due->ms > judged.ms ? due->ms : judged.ms;
    members_write(&apply->state->members, apply->member);
    switch (due->of) {
    case DUE_OF_LOTS: done = do_lots(apply, due, max); break;
    case DUE_OF_FACT: done = do_fact(apply, due, max); break;
    case DUE_OF_RULEBOOK:
        apply->member->judged = due->turn;
        review_rulebook(apply, (struct instant){due->ms});
        break;
    case DUE_OF_TIER: review_do(apply, due->slot, (struct instant){due->ms}, due->kind); break;
    }
    if (due->kind != DUE_NOTICE) judge_tiers(apply, due->ms);
    posting_check(apply);
    return done;
}

void
due_run(struct state *state, struct effects *effects, struct position cause, struct instant judged,
        struct member **member)
{
    struct due due;
    if ((*member)->scheduled_ms > state->clock.ms && anew_of(state, *member) == NULL) return;
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
