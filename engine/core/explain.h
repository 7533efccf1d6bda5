/* Why a lot is what it is, phase by phase (semantics §4): what its posting tells. */
#ifndef TALLYBOOK_ENGINE_CORE_EXPLAIN_H
#define TALLYBOOK_ENGINE_CORE_EXPLAIN_H

#include "engine/core/grant_priv.h"

/* The explanation of a planned lot, in the effects' arena. */
const struct explanation *explain_lot(const struct grant_plan *plan, uint32_t lot);

#endif
