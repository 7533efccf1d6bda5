/*
 * What comes before its order (semantics §6): refunds, cancellations and deliveries wait under
 * (member, order id), also of somebody who is not enrolled; when the order comes it is applied in
 * full, then they in journal order.
 */
#ifndef TALLYBOOK_ENGINE_CORE_WAIT_H
#define TALLYBOOK_ENGINE_CORE_WAIT_H

#include "engine/core/state_priv.h"

/* apply->event names an order that is not known: it waits. A refund whose id waits already with
 * another amount is conflicting_refund. */
enum verdict wait_begin(struct apply *apply, struct bytes order_id);

/* The order of apply->event has been booked: what waits for it is applied. */
void wait_settle(struct apply *apply);

/* Rows of what waits for an order, of a member or placeholder (may be NULL). */
void wait_needs(const struct state *state, const struct event *event, const struct member *waiting,
                struct bytes order_id, struct needs *needs);

/* Due work of kind 6: the wait is over. It stays noted. */
struct fact;
void wait_give_up(struct apply *apply, const struct fact *waiting);

#endif
