/* Redemptions undone: points go back into the lots they came from (semantics §5). */
#ifndef TALLYBOOK_ENGINE_CORE_UNDO_H
#define TALLYBOOK_ENGINE_CORE_UNDO_H

#include "engine/core/spend.h"

/* Event CancelRedemption, from "member known" on. */
enum verdict undo_redemption(struct apply *apply);

/* The rows of closed lots that points go back to. The rows of spends and holds of the event's id
 * are in memory. */
void undo_needs(const struct state *state, const struct event *event, const struct member *member,
                struct needs *needs);

#endif
