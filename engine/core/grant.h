/*
 * Grants: whatever an event or a piece of due work gives by rules, planned as a whole, judged, and
 * only then booked (semantics §4, phases 6 to 8 and awards). The plan applies the tier multiplier
 * of awards, the one rounding and the caps; the booking makes lots, postings with their
 * explanations, the outcome's amounts, the caps' use and the points metrics.
 *
 *     struct grant_plan *plan = grant_plan_begin(apply, rulebook, occurred_at);
 *     int64_t granted = grant_plan_award(plan, &award);     for each, in the order of semantics §4
 *     verdict = grant_plan_judge(plan);                     limit_reached or overflow: nothing
 * moved grant_plan_book(plan);
 *
 * Invariants:
 *  1. Nothing of the state changes before grant_plan_book.
 *  2. A plan lives in the scratch arena of its apply.
 */
#ifndef TALLYBOOK_ENGINE_CORE_GRANT_H
#define TALLYBOOK_ENGINE_CORE_GRANT_H

#include "engine/core/state_priv.h"

struct grant_plan;

/* One flat grant: an award, a step of a streak, a completed mission. Times, windows, filters and
 * conditions are judged by the caller. */
struct grant_award {
    struct program_source source;
    uint32_t currency; /* index in the rulebook */
    int64_t points;    /* before the multiplier */
    int32_t tier_group;
    uint32_t funder;                       /* index or PROGRAM_NONE */
    const struct program_pending *pending; /* NULL: immediately */
    /* A lot of its own, with the order's id: after-earning and first purchase; the order's row then
     * remembers it, to be taken back when nothing of the order is kept. Else lots that agree in
     * currency, activation, expiry and funder are one. */
    bool of_order;
};

/* Plans for apply->member (NULL: to be enrolled before the booking), by a version, at an instant:
 * occurred_at of the event or of the due work. */
struct grant_plan *grant_plan_begin(struct apply *apply, struct rulebook *rulebook,
                                    struct instant occurred_at);

/* Adds an award: multiplied, rounded, capped. Returns what is granted, 0 also on overflow, which
 * the judgement tells. */
int64_t grant_plan_award(struct grant_plan *plan, const struct grant_award *award);

/* Something of the event has left its bits, and with it the plan: the judgement says so, behind the
 * limits. */
void grant_plan_overflow(struct grant_plan *plan);

/* What is planned so far in a currency (index in the rulebook), after caps. Of a plan that has
 * overflowed INT64_MAX in each: more than any limit allows. */
int64_t grant_plan_points(const struct grant_plan *plan, uint32_t currency);

/* All grants become pending until somebody decides (semantics §10). The notice and the fact are the
 * caller's. Call it before the booking. */
void grant_plan_quarantine(struct grant_plan *plan);

/* Limits of lots and facts, then overflow (semantics §3): accepted when the plan can be booked. */
enum verdict grant_plan_judge(const struct grant_plan *plan);

/* Books the plan for apply->member, who is enrolled by now. */
void grant_plan_book(struct grant_plan *plan);

#endif
