/* How long points live: the instant at which a lot expires, by its currency's rule (semantics §7).
 */
#ifndef TALLYBOOK_ENGINE_CORE_LIFETIME_H
#define TALLYBOOK_ENGINE_CORE_LIFETIME_H

#include "engine/core/rulebook.h"

/* The instant at which a lot expires whose life begins at `start`: INT64_MAX = never, or not by the
 * lot's own dates (inactivity), or after the year 9999. `enrolled_ms`: of the member. */
int64_t lifetime_end(struct rulebook *rulebook, uint32_t currency, int64_t enrolled_ms,
                     struct instant start);

/* The end of the grace of a lot that lapses at `expires_ms`; the same instant where there is none.
 */
int64_t lifetime_grace_end(const struct rulebook *rulebook, uint32_t currency, int64_t expires_ms);

/* When an inactivity clock that was pushed at `pushed` runs out. */
int64_t lifetime_inactive_at(const struct rulebook *rulebook, uint32_t currency,
                             struct instant pushed);

#endif
