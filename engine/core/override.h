/* Tiers given by hand (semantics §8): they beat the metrics until they end. */
#ifndef TALLYBOOK_ENGINE_CORE_OVERRIDE_H
#define TALLYBOOK_ENGINE_CORE_OVERRIDE_H

#include "engine/core/tier.h"

/* The events, from "member known" on; identity, version and time are judged. */
enum verdict tier_override(struct apply *apply);
enum verdict tier_end_override(struct apply *apply);

/* The override's instant has come: the tier is the higher of what qualifies and the last review's
 * result. */
void tier_override_ends(struct apply *apply, uint32_t group_slot, struct instant instant);

#endif
