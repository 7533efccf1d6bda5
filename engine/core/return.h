/*
 * Returns (semantics §6): refunds told as deltas or as totals, cancellations, deliveries; how much
 * is clawed back, from where, and what comes back when the picture changes.
 */
#ifndef TALLYBOOK_ENGINE_CORE_RETURN_H
#define TALLYBOOK_ENGINE_CORE_RETURN_H

#include "engine/core/order.h"
#include "engine/core/state_priv.h"

/* From "member known" on; identity, version and time are judged. */
enum verdict return_refund(struct apply *apply);
enum verdict return_cancel(struct apply *apply);
enum verdict return_delivered(struct apply *apply);

/* Rows that a return of an order needs: what left its lots and those that were taken instead. */
void return_needs(const struct state *state, const struct member *member,
                  const struct reference *order, struct needs *needs);

/* The grant of a quarantined order was rejected: tier value and the visit fall as if all were
 * returned, and later returns change them no more. The order's row is in memory. */
void return_rejected(struct apply *apply, uint64_t order_ordinal);

/* ---- Held points ---- */

/* Of `units` that leave `held` of a lot by release or time-out, claws back what a return has
 * marked (posting claw_back, held to reversed), before the release is posted. Returns what is left
 * to release. The lot stands in the member's row, and stays there. */
int64_t return_released(struct apply *apply, struct lot *lot, int64_t units, int64_t effective_ms);

/* Rows of orders that claim held points of a member: the end of a hold touches them. */
void return_marks_need(const struct state *state, const struct member *member, struct needs *needs);

/* After a capture was posted: what was marked and is held no more counts as spent, and is clawed
 * back from elsewhere. */
void return_captured(struct apply *apply, uint32_t slot, uint64_t lot_ordinal, uint32_t lot_index,
                     int64_t effective_ms);

#endif
