/*
 * What an event names, and the hashes under which a state finds it. Looking ahead (fold_prefetch)
 * leaves them in the event; for one that nobody looked ahead for they are worked out when asked
 * for.
 */
#ifndef TALLYBOOK_ENGINE_CORE_NAMES_H
#define TALLYBOOK_ENGINE_CORE_NAMES_H

#include "engine/core/state_priv.h"

/* The reference that an event names; false when its kind, or the event, names none. */
bool names_reference(const struct event *event, enum reference_kind *out_kind,
                     struct bytes *out_id);

struct hash128 names_identity_hash(const struct state *state, const struct event *event);
uint64_t names_member_hash(const struct state *state, const struct event *event);

/* Of the reference of this kind and id, which is the one that the event names. */
uint64_t names_reference_hash(const struct state *state, enum reference_kind kind,
                              const struct event *event, struct bytes id);

#endif
