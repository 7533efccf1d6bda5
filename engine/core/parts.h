/* One rounding of a grant, and each part's whole points (semantics §1, §4 phase 6). */
#ifndef TALLYBOOK_ENGINE_CORE_PARTS_H
#define TALLYBOOK_ENGINE_CORE_PARTS_H

#include "engine/core/earn.h"

/* Sums the parts, rounds, and shares the whole points by exact amounts: largest remainder, ties by
 * order of appearance. False when an amount would leave its bits. */
bool parts_round(struct arena *scratch, enum rounding rounding, struct earn_grant *grant);

#endif
