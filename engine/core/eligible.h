/*
 * Phase 1: what of each line counts (semantics §4), and what a return leaves of it (semantics §6).
 * Lists lie in the arena that is handed in.
 */
#ifndef TALLYBOOK_ENGINE_CORE_ELIGIBLE_H
#define TALLYBOOK_ENGINE_CORE_ELIGIBLE_H

#include "engine/base/arena.h"
#include "engine/core/event.h"
#include "engine/core/program.h"

/* The money of an order. */
struct order_money {
    const struct event_line *lines;
    uint32_t line_count;
    int64_t tender_minor; /* paid with points and gift cards */
    /* Of a return: what was paid on each line and what of that is refunded. NULL: nothing is. */
    const int64_t *paid, *refunded;
};

/* Room for a list in the arena, with one place to spare; not cleared. */
static inline void *
eligible_room(struct arena *arena, size_t count, size_t item_bytes)
{
    void *room = arena_alloc(arena, (count + 1) * item_bytes);
    CHECK(room != NULL);
    return room;
}

/* The same, of zeros. */
static inline void *
eligible_list(struct arena *arena, size_t count, size_t item_bytes)
{
    void *list = eligible_room(arena, count, item_bytes);
    memset(list, 0, (count + 1) * item_bytes);
    return list;
}

/* What each line counts under a basis when nothing is refunded. False when a sum would leave 63
 * bits: the verdict is overflow. */
bool eligible_values(struct arena *arena, const struct order_money *money,
                     struct program_basis basis, const int64_t **out_values);

/* What of these values is kept, in whole minor units: of what was returned, a fraction is not
 * taken. The same list when nothing is refunded. */
const int64_t *eligible_kept(struct arena *arena, const struct order_money *money,
                             const int64_t *values);

/* What was paid on each line: its value net of discount less its share of the tender. False as
 * above. */
bool eligible_paid(struct arena *arena, const struct order_money *money, const int64_t **out_paid);

#endif
