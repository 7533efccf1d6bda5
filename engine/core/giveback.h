/* Returns: refunds, cancellations, refunds that name no order (semantics §6). */
#ifndef TALLYBOOK_ENGINE_CORE_GIVEBACK_H
#define TALLYBOOK_ENGINE_CORE_GIVEBACK_H

#include "engine/core/state_priv.h"

/* From "member known" on. */
enum verdict giveback_refund(struct apply *apply);
enum verdict giveback_cancel(struct apply *apply);

/* Adds to `needs` what the return of an order must know and memory does not hold. The order's row
 * is warm. */
void giveback_needs(const struct state *state, const struct member *member,
                    const struct reference *reference, struct needs *needs);

#endif
