/* Activities: what a member did that is not an order (semantics §4). */
#ifndef TALLYBOOK_ENGINE_CORE_ACTIVITY_H
#define TALLYBOOK_ENGINE_CORE_ACTIVITY_H

#include "engine/core/state_priv.h"

/* From "member known" on. */
enum verdict activity_apply(struct apply *apply);

/* The row that an activity's reference has left. */
void activity_needs(const struct state *state, const struct event *event, struct needs *needs);

/* Under which id of REFERENCE_ACTIVITY an activity leaves its row: of kind and reference together,
 * which are too long for an id. Empty when it names no reference. */
enum { ACTIVITY_REFERENCE_BYTES = 16 };
struct bytes activity_reference(const struct state *state, const struct activity *activity,
                                uint8_t out[ACTIVITY_REFERENCE_BYTES]);

#endif
