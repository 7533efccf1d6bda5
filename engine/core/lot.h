/* The lots of one member in one currency, in spend order (semantics §5). Their place in the block
 * is member.h's. */
#ifndef TALLYBOOK_ENGINE_CORE_LOT_H
#define TALLYBOOK_ENGINE_CORE_LOT_H

#include "engine/base/arena.h"
#include "engine/core/effect.h"
#include "engine/core/member.h"

/* The slot's lots: a pointer to the first, and how many. */
static inline struct lot *
lots_of(const struct member *member, uint32_t slot, uint32_t *out_count)
{
    if (slot >= member->wallet_count) {
        *out_count = 0;
        return member_lots(member);
    }
    const struct wallet *wallets = member_wallets(member);
    struct lot *first = member_lots(member);
    for (uint32_t i = 0; i < slot; i++)
        first += wallets[i].lot_count;
    *out_count = wallets[slot].lot_count;
    return first;
}

/* Negative when a is spent before b. Both of one currency. */
int lot_compare(const struct lot *a, const struct lot *b);

/* The lot with the same place in spend order as `wanted`; NULL when it is gone. */
struct lot *lots_find(const struct member *member, const struct lot *wanted);

/* The open lot of that id, wherever its instants have moved it; NULL when it is gone. Looks where
 * `image` says first, then at all lots of its currency. */
struct lot *lots_find_id(const struct member *member, const struct lot *image);

/* Of which events a member has open lots, for whoever asks for very many of them. */
struct lot_events {
    uint64_t *ordinals; /* a hash table; 0: free */
    uint64_t mask;
};

struct lot_events lot_events_of(struct arena *scratch, const struct member *member);
bool lot_events_have(const struct lot_events *events, uint64_t ordinal);

/* Puts a lot in its place. The wallet's balances are the caller's; its counts are seen to. Returns
 * the place. */
struct lot *lots_insert(struct members *members, struct member **member, const struct lot *lot);

/* Lots that are opened together: one after the other, each would move all lots behind it. */
struct lot_list {
    struct lot *items;
    uint32_t count;
};

/* Puts lots in their places. In one pass for each currency whose lots come with the last in spend
 * order first. */
void lots_insert_all(struct members *members, struct member **member, struct lot_list list);

/* Changes the state of a lot of the member. The posting is the caller's. */
void lot_set_state(struct member *member, struct lot *lot, enum lot_state state);

/* The account in which the remaining points of a lot stand. */
enum account lot_account(const struct lot *lot);

/* Takes out `count` lots of a slot, beginning with the `from`-th. Their points are gone already, or
 * the lots come back at another place. */
void lots_remove(struct members *members, struct member **member, uint32_t slot, uint32_t from,
                 uint32_t count);

/* A slot's lots in spend order (semantics §5). Those that their currency's clock governs stand last
 * in the row, for the clock moves; they are spent where its instant puts them: a merge of two
 * sorted runs. Lots may be emptied on the way, but not moved. */
struct lot_walk {
    struct lot *lots;
    uint32_t plain, governed, count; /* next places of both runs, and the end of the row */
    int64_t clock_ms;
};

struct lot_walk lot_walk_of(const struct member *member, uint32_t slot);

/* NULL behind the last. */
struct lot *lot_walk_next(struct lot_walk *walk);

#endif
