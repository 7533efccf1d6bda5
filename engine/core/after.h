/* After-earning awards: judged once per purchase on the balance after phases 1 to 7 (semantics §4,
 * phase 8). */
#ifndef TALLYBOOK_ENGINE_CORE_AFTER_H
#define TALLYBOOK_ENGINE_CORE_AFTER_H

#include "engine/core/grant.h"

/* Plans them behind what the order earns by phases 1 to 7. All are judged on one balance. False
 * when the order's total leaves 63 bits. */
bool after_plan(struct apply *apply, struct grant_plan *plan);

/* After the booking: counts those that are limited in number. */
void after_book(struct apply *apply, const struct grant_plan *plan);

#endif
