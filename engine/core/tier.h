/* Tiers: held levels, metrics, immediate upgrades, reviews at the end of a window (semantics §8).
 */
#ifndef TALLYBOOK_ENGINE_CORE_TIER_H
#define TALLYBOOK_ENGINE_CORE_TIER_H

#include "engine/core/state_priv.h"

/* Index in the rulebook of the level that a member (NULL: not enrolled yet) held in a group at an
 * instant. */
uint32_t tier_at(const struct state *state, const struct rulebook *rulebook,
                 const struct member *member, uint32_t group, struct instant instant);

/* The group's metric in the window of the instant. */
int64_t tier_metric(const struct member *member, struct rulebook *rulebook, uint32_t group,
                    struct instant instant);

/* Whether the metrics of a group can take a change at an instant without leaving 63 bits. */
bool tier_can_add(const struct rulebook *rulebook, const struct member *member, uint32_t group,
                  struct instant instant, int64_t change);

/* Adds to the group's metric in the window of the instant. */
void tier_add(struct apply *apply, struct rulebook *rulebook, uint32_t group,
              struct instant instant, int64_t change);

/* Upgrades apply->member in every group whose level its metric has outgrown, judged in the window
 * and by the version of `instant`. A change takes effect at `effective`, but never before the
 * previous one. */
void tier_evaluate(struct apply *apply, struct instant instant, struct instant effective);

/* The review of a group slot whose instant has come: renewed or downgraded, as the rulebook says.
 */
void tier_review(struct apply *apply, uint32_t group_slot, struct instant instant);

#endif
