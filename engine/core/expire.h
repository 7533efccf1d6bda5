/* Expiry at its instant, and the notice before it (semantics §7). */
#ifndef TALLYBOOK_ENGINE_CORE_EXPIRE_H
#define TALLYBOOK_ENGINE_CORE_EXPIRE_H

#include "engine/core/posting.h"

/* When an open lot of a member expires whose activates_ms is known, by the version that granted it;
 * INT64_MAX = never, or by the member's inactivity. */
int64_t expire_of(const struct state *state, const struct member *member, const struct lot *lot);

/* When the notice of a lot's expiry goes out: so many days before, but not before it was active.
 * INT64_MAX = never. */
int64_t expire_notice_at(const struct state *state, const struct lot *lot);

/* Expires up to `max` lots of a slot whose instant is `ms` or whose grace ends then, in spend
 * order; with a grace they lapse first. Returns how many. What is held of them stays. */
uint64_t expire_lots(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max);

/* The same for the lots of a slot that expire by inactivity, at the clock's instant. */
uint64_t expire_inactive(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max);

/* Tells of everything that expires at `expires_ms` in the slot, once. */
void expire_notify(struct apply *apply, uint32_t slot, int64_t expires_ms, int64_t effective_ms);

#endif
