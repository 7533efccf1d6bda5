/*
 * Lots that left their member's row with something of them expired (cancelled and forfeited points
 * count as expired), and lots whose instants were moved. A return must know what is gone of its
 * order's lots (semantics §6), a reinstatement what expired of a member's. A lot that was simply
 * used up leaves no row: nothing of it expired, and a spend knows its dates.
 *
 * A lot is either open, in its member's row, or closed, here; never both. Points that come to a
 * closed one take it out first (closed_take).
 */
#ifndef TALLYBOOK_ENGINE_CORE_CLOSED_H
#define TALLYBOOK_ENGINE_CORE_CLOSED_H

#include "engine/base/arena.h"
#include "engine/core/fold.h"
#include "engine/core/member.h"
#include "engine/core/memo.h"
#include "engine/core/row.h"
#include "engine/core/table.h"

struct closed_lot {
    struct lot lot;
    uint32_t generation; /* of the last write */
    uint8_t gone;        /* it was taken out */
    uint8_t stored;      /* the store has a row of it */
};

/* The closed lots of one member that carry one ordinal, as far as they are in memory. */
struct closed_event {
    struct table_node node; /* key: of member and ordinal, see closed.c */
    uint64_t member, ordinal;
    struct closed_event *next; /* of the member, with a greater ordinal */
    uint32_t generation;       /* of the last write */
    uint32_t count, capacity;
    uint32_t yielded;        /* lots that the checkpoint under way has read */
    uint8_t complete;        /* no row of the store is missing here */
    struct closed_lot *lots; /* by index */
};

/* All that is in memory of one member. */
struct closed_member {
    struct table_node node; /* key: number */
    struct closed_event *first, *last;
    uint8_t complete;
};

struct closed {
    struct memo *memo;
    struct table events, members;
    uint64_t stored;         /* events from this ordinal on have no row in the store */
    uint64_t stored_members; /* nor have members with a greater number */
    struct table_node *dirty, *frozen_dirty;
};

void closed_open(struct closed *closed, struct memo *memo);
void closed_close(struct closed *closed);

/* A lot has left its member's row; nothing of it remains or is held. */
void closed_add(struct closed *closed, uint64_t member, const struct lot *lot);

/* Finds a closed lot: *out_lot is NULL when there is none. False when the store must be asked
 * first. */
bool closed_find(const struct closed *closed, uint64_t member, uint64_t ordinal, uint32_t index,
                 const struct lot **out_lot);

/* Takes a closed lot out, because it is open again; false when there is none. It is known. */
bool closed_take(struct closed *closed, uint64_t member, uint64_t ordinal, uint32_t index,
                 struct lot *out_lot);

/* All closed lots of a member by ordinal and index, as a list in the arena. CHECKs that they are
 * known: closed_is_known. */
const struct lot **closed_list(const struct closed *closed, uint64_t member, struct arena *arena,
                               size_t *out_count);
bool closed_is_known(const struct closed *closed, uint64_t member);

/* Asks for the closed lots of a member that carry an ordinal; for all of the member. */
void closed_need(uint64_t member, uint64_t ordinal, struct needs *needs);
void closed_need_all(uint64_t member, struct needs *needs);

bool closed_load(struct closed *closed, struct row row, struct fault *out_fault);

/* All rows of the member with these ordinals were loaded. */
void closed_complete(struct closed *closed, uint64_t member, uint64_t first_ordinal,
                     uint64_t last_ordinal);

void closed_checkpoint_begin(struct closed *closed);
bool closed_next(const struct closed *closed, uint32_t generation, uint64_t *cursor,
                 struct row_key *out_key, struct writer *writer, bool *out_delete);
void closed_checkpoint_end(struct closed *closed, uint64_t stored_ordinal, uint64_t stored_members);
size_t closed_evict(struct closed *closed, size_t bytes);

#endif
