/*
 * Tier metrics: folds over events by occurred_at (semantics §8), kept per window as facts of the
 * member.
 *
 * Invariants:
 *  1. A metric is known by its group, its kind, what it counts and its window, not by its place in
 *     a rulebook: it goes on where the next version asks for the same, and begins anew where not.
 *  2. Of a rolling window every moment has its own entry, until none of it can count again.
 */
#ifndef TALLYBOOK_ENGINE_CORE_METRIC_H
#define TALLYBOOK_ENGINE_CORE_METRIC_H

#include "engine/core/state_priv.h"

/* The values of a group's metrics, in the order of the rulebook. */
struct metric_values {
    int64_t values[PROGRAM_METRICS_MAX];
};

/* The window of a group that contains an instant. Of a rolling one: the n days or months that end
 * with it, (start, end], as the half-open span of whole milliseconds. `member` is asked for the
 * date of enrolment only. */
struct span metric_window(struct rulebook *rulebook, const struct member *member, uint32_t group,
                          struct instant instant);

/* Where a rolling window that begins with an instant ends; for the others the end of its window. */
int64_t metric_window_end(struct rulebook *rulebook, const struct member *member, uint32_t group,
                          struct instant instant);

/* All metrics of a group in the window, with what was carried into it. */
struct metric_values metric_values(const struct rulebook *rulebook, const struct member *member,
                                   uint32_t group, struct span window);

/* Whether a metric can take a change at an instant without leaving 63 bits, and whether the row has
 * room for it. The member's row may not exist yet (NULL). */
bool metric_can_add(struct rulebook *rulebook, const struct member *member, uint32_t group,
                    uint32_t metric, struct instant instant, int64_t change);

void metric_add(struct apply *apply, struct rulebook *rulebook, uint32_t group, uint32_t metric,
                struct instant instant, int64_t change);

/* Excess that a period leaves to the next (rollover): sets what is carried into the window. */
void metric_carry(struct apply *apply, struct rulebook *rulebook, uint32_t group,
                  struct span window, int64_t excess);

/* What was carried into a window. */
int64_t metric_carried(const struct rulebook *rulebook, const struct member *member, uint32_t group,
                       struct span window);

/* The highest level whose thresholds the values reach, by all or any metric. */
uint32_t metric_level(const struct program_group *group, const struct metric_values *values);

/* Whether the group of a version that asks now (NULL: none) measures what a metric of a version has
 * counted. What a balance was at a time nobody asks. */
bool metric_is_asked(const struct rulebook *asking, const struct rulebook *rulebook, uint32_t group,
                     uint32_t metric);

/* Forgets windows that no event and no review can ask for any more. */
void metric_prune(struct apply *apply, struct rulebook *rulebook, uint32_t group, int64_t clock_ms);

#endif
