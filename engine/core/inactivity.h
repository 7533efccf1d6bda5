/*
 * Expiry by inactivity (semantics §7): one clock per member and currency. It starts when points
 * come into an empty `active`, events that count push it, and when it runs out all active points
 * that it governs expire. A fact of the member; a clock that ran out is gone.
 */
#ifndef TALLYBOOK_ENGINE_CORE_INACTIVITY_H
#define TALLYBOOK_ENGINE_CORE_INACTIVITY_H

#include "engine/core/state_priv.h"

/* Whether lots of that currency expire by inactivity under the version that granted this one. */
bool inactivity_governs(const struct state *state, const struct lot *lot);

/* So many points of a lot have come into `active` and stay there: starts the clock when they are
 * the only ones. */
void inactivity_enter(struct apply *apply, const struct lot *lot, int64_t units,
                      int64_t effective_ms);

/* An accepted event pushes the clocks that it counts for, by its occurred_at. A clock goes by the
 * version that judges the event, or, where that has none, by the last that had one. */
void inactivity_push(struct apply *apply);

/* The clock of a fact has run out: expires up to `max` lots; returns how many. */
uint64_t inactivity_expire(struct apply *apply, const struct fact *clock, uint64_t max);

/* Whether the notice for that instant of the currency's clock went out. */
bool inactivity_has_told(const struct member *member, uint32_t slot, int64_t expires_ms);

/* A notice for that instant goes out: the points that the currency's clock expires then, 0 when it
 * stands at another. It is told of them by that. */
int64_t inactivity_tell(struct apply *apply, uint32_t slot, int64_t expires_ms);

/* The notice before it; without points there is none, until some come. Returns how many notices. */
uint64_t inactivity_notify(struct apply *apply, const struct fact *notice);

/* Moves the clocks by so many milliseconds: they stood while the member was frozen. */
void inactivity_shift(struct apply *apply, int64_t frozen_ms, int64_t until_ms);

/* When a lot expires as things stand: by its own instant, or by the clock that governs it. */
int64_t inactivity_expiry_of(const struct member *member, const struct lot *lot);

#endif
