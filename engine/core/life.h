/* A member's life (semantics §10): suspended, frozen, closed, and back. */
#ifndef TALLYBOOK_ENGINE_CORE_LIFE_H
#define TALLYBOOK_ENGINE_CORE_LIFE_H

#include "engine/core/state_priv.h"

/* Whether what an event of that ordinal counted for was forgotten when the account was closed:
 * tiers and missions begin anew. */
bool life_has_forgotten(const struct member *member, uint64_t ordinal);

/* The events suspend, resume, freeze, unfreeze, close and reopen, from "member known" on. */
enum verdict life_change(struct apply *apply);

#endif
