/*
 * Tiers: levels held, upgrades, what is published of them (semantics §8).
 *
 * Invariants:
 *  1. `base` is the level by metrics and reviews, `level` what is held: the override's while there
 *     is one, else the base.
 *  2. A level above the lowest has a review, unless its window never ends.
 */
#ifndef TALLYBOOK_ENGINE_CORE_TIER_H
#define TALLYBOOK_ENGINE_CORE_TIER_H

#include "engine/core/metric.h"
#include "engine/core/state_priv.h"

/* Slot of a level that stands for the lowest one, whatever it is called. */
enum { LEVEL_LOWEST = UINT16_MAX };

/* Index in the rulebook of the level that a member (NULL: not enrolled yet) held in a group at an
 * instant. */
uint32_t tier_at(const struct state *state, const struct rulebook *rulebook,
                 const struct member *member, uint32_t group, struct instant instant);

/* Whether a metric of a group can take a change at an instant without leaving 63 bits. */
bool tier_can_add(struct rulebook *rulebook, const struct member *member, uint32_t group,
                  uint32_t metric, struct instant instant, int64_t change);

/* Adds to a metric of a group in the window of the instant. */
void tier_add(struct apply *apply, struct rulebook *rulebook, uint32_t group, uint32_t metric,
              struct instant instant, int64_t change);

/* The same for everything that a version counts of one kind: purchases (no activity), activities of
 * a kind, completed missions (index in the version). */
void tier_count(struct apply *apply, struct rulebook *rulebook, enum metric_kind kind,
                struct bytes activity, uint32_t mission, struct instant instant, int64_t change);

/* Evaluates all groups of apply->member by the version and in the windows of `instant`: upgrades,
 * and what a late event changes of the latest closed period. An upgrade takes effect at
 * `effective`, but never before the previous change; a correction at the clock. */
void tier_evaluate(struct apply *apply, struct instant instant, struct instant effective);

/* Only what changed of the latest closed period: after an item of due work behind which others of
 * its instant come. */
void tier_correct(struct apply *apply, struct instant instant);

/* The account was closed: nothing of its tiers goes on. What is reopened begins at the lowest. */
void tier_forget(struct apply *apply);

/* ---- For review.c and override.c ---- */

/* What a change of tier is made of. Levels are indexes in the rulebook. */
struct tier_step {
    struct rulebook *rulebook;
    uint32_t group;
    uint32_t to; /* the new base; of an override, what is held */
    struct metric_values values;
    int64_t effective_ms;
    int64_t valid_until_ms;
    enum tier_reason reason;
    enum tier_direction direction; /* 0: as from and to say */
    struct bytes actor, note;
};

struct tier_step tier_step_of(struct apply *apply, struct rulebook *rulebook, uint32_t group,
                              struct span window, int64_t effective_ms, enum tier_reason reason);

/* Index of a level's slot in the rulebook. */
uint32_t tier_index(const struct apply *apply, const struct tier_step *step, uint16_t slot);

/* The entry of a group, made when missing. */
struct member_tier *tier_entry(struct apply *apply, const struct tier_step *step);

/* Makes step->to the base. Held and published it is unless an override stands over it. */
void tier_set_base(struct apply *apply, const struct tier_step *step);

/* Makes step->to what is held. */
void tier_set_held(struct apply *apply, const struct tier_step *step);

/* Publishes that a level was confirmed. */
void tier_publish_renewed(struct apply *apply, const struct tier_step *step);

bool tier_is_overridden(const struct member *member, uint32_t group_slot);

#endif
