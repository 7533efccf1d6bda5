/* A member's life (semantics §10): suspended, frozen, closed, and back. */
#ifndef TALLYBOOK_ENGINE_CORE_LIFE_H
#define TALLYBOOK_ENGINE_CORE_LIFE_H

#include "engine/core/state_priv.h"

/* The events suspend, resume, freeze, unfreeze, close and reopen, from "member known" on. */
enum verdict life_change(struct apply *apply);

#endif
