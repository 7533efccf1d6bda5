/*
 * Caps: how much of what rules grant may be granted at all (semantics §4, phase 7). Use counts in
 * the bucket of occurred_at, in journal order, as facts of the member: FACT_CAP_USE.
 */
#ifndef TALLYBOOK_ENGINE_CORE_CAP_H
#define TALLYBOOK_ENGINE_CORE_CAP_H

#include "engine/core/earn.h"

enum { CAP_NONE = UINT32_MAX };

/* What is left of a cap for what happened at an instant: its maximum less its use, not below 0. */
int64_t cap_room(const struct rulebook *rulebook, const struct member *member, uint32_t cap,
                 struct instant occurred_at);

/* Whether a cap counts what a source grants in a currency. */
bool cap_covers(const struct program_cap *cap, struct program_source source, uint32_t currency);

/* Lets the caps of a currency cut the parts of a grant, in order of judgement. `rooms` tells by cap
 * what is left of each. Returns the first cap that cut, CAP_NONE when none did. */
uint32_t cap_cut(struct arena *scratch, const struct rulebook *rulebook, uint32_t currency,
                 const int64_t *rooms, struct earn_part *parts, uint32_t part_count);

/* What a cap covers of parts. */
int64_t cap_covered(const struct program_cap *cap, uint32_t currency, const struct earn_part *parts,
                    uint32_t part_count);

/* Whether a cap remembers its use beyond one event. */
bool cap_is_kept(const struct program_cap *cap);

/* Adds to the use of a cap at an instant, or gives back, down to 0. */
void cap_use(struct apply *apply, const struct rulebook *rulebook, uint32_t cap,
             struct instant occurred_at, int64_t change);

#endif
