/*
 * What a member owes after claw-backs: arrears, and claw-backs that went beyond the balance and
 * were dropped but stay noted (semantics §6). Both are kept per order, oldest first, as facts of
 * the member, and their sums in the wallet.
 */
#ifndef TALLYBOOK_ENGINE_CORE_ARREARS_H
#define TALLYBOOK_ENGINE_CORE_ARREARS_H

#include "engine/core/posting.h"

/* In place of an order's ordinal: whichever it is. 0 stands for what belongs to no order. */
#define ARREARS_OF_ANY UINT64_MAX

/* The member owes that much more (> 0): posting owe. The wallet exists. */
void arrears_owe(struct apply *apply, uint32_t slot, int64_t units, uint64_t order,
                 int64_t effective_ms);

/* The same by any posting that moves out of arrears (an adjustment below the balance). */
void arrears_add(struct apply *apply, enum posting_kind kind, enum account to, uint32_t slot,
                 int64_t units, uint64_t order, int64_t effective_ms);

/* Pays up to `units` of what is owed for an order, oldest first, from active points that stand on
 * `lot` or on none (NULL): posting repay. Returns what was paid; the lot is the caller's. */
int64_t arrears_repay(struct apply *apply, uint32_t slot, int64_t units, uint64_t order,
                      const struct lot *lot, int64_t effective_ms);

/* Lessens arrears by any other posting into them (restore, write off). Returns by how much. */
int64_t arrears_lessen(struct apply *apply, enum posting_kind kind, enum account from,
                       uint32_t slot, int64_t units, uint64_t order, int64_t effective_ms);

/* What is owed for an order. */
int64_t arrears_of(const struct member *member, uint32_t slot, uint64_t order);

/* That much was clawed back beyond the balance and dropped. Moves nothing. */
void arrears_note(struct apply *apply, uint32_t slot, int64_t units, uint64_t order);

/* Takes up to `units` off what is noted, oldest first; returns how much. The posting is the
 * caller's. */
int64_t arrears_take_noted(struct apply *apply, uint32_t slot, int64_t units, uint64_t order);

#endif
