/* Reviews: what happens to a level when its period ends (semantics §8): renewed, lowered, lowered
 * after a grace, or corrected by an event that came late; and the notice before it. */
#ifndef TALLYBOOK_ENGINE_CORE_REVIEW_H
#define TALLYBOOK_ENGINE_CORE_REVIEW_H

#include "engine/core/tier.h"

/* A level above the lowest is looked at again when its period ends, whatever the rulebook says of
 * downgrades today; a rolling one n after it was attained. Sets the review and the notice before it
 * and returns until when the level is valid: INT64_MAX where nothing can lower it. */
int64_t review_set(struct apply *apply, const struct tier_step *step, struct instant instant);

/* An upgrade that waits for the end of the window: sees to it that there is a review. */
void review_expect(struct apply *apply, const struct tier_step *step, struct span window);

/* An event has changed the period that ended when `window` began: decides its review again. The
 * correction takes effect at the clock; `judged` is when tiers are judged after the event. */
void review_correct(struct apply *apply, struct rulebook *rulebook, uint32_t group,
                    struct span window, struct instant judged);

/* When the group's entry has something due, and what kind of due work that is. False: never. */
bool review_next(const struct member_tier *tier, int64_t *out_ms, enum due_kind *out_kind);

/* Does what review_next has said: the end of a grace, the review, or the notice before it. */
void review_do(struct apply *apply, uint32_t group_slot, struct instant instant,
               enum due_kind kind);

/* A new version judges the member once (semantics §8). */
void review_rulebook(struct apply *apply, struct instant instant);

#endif
