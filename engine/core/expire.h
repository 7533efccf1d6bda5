/* Expiry at its instant, and the notice before it (semantics §7). */
#ifndef TALLYBOOK_ENGINE_CORE_EXPIRE_H
#define TALLYBOOK_ENGINE_CORE_EXPIRE_H

#include "engine/core/posting.h"

/* When a lot granted at `earned` in that currency of the rulebook expires; INT64_MAX = never, also
 * when it would be after the year 9999. */
int64_t expire_at(const struct rulebook *rulebook, uint32_t currency, struct instant earned);

/* When the notice of a lot's expiry goes out: so many days before, but not before it was earned.
 * INT64_MAX = never. */
int64_t expire_notice_at(const struct state *state, const struct lot *lot);

/* Expires up to `max` lots of a slot whose instant is `ms`; returns how many. */
uint64_t expire_lots(struct apply *apply, uint32_t slot, int64_t ms, uint64_t max);

/* A lot that was past its instant on arrival expires inside its own event. */
void expire_on_arrival(struct apply *apply, const struct lot *lot);

/* Tells of everything that expires at `expires_ms` in the slot, once. */
void expire_notify(struct apply *apply, uint32_t slot, int64_t expires_ms, int64_t effective_ms);

#endif
