/*
 * Lots that expired with points left, after they left their member's row. Nothing but a return of
 * their own order ever asks for them again: it must know what is gone (semantics §6). Lots that
 * were used up leave no row: nothing of them expired.
 */
#ifndef TALLYBOOK_ENGINE_CORE_CLOSED_H
#define TALLYBOOK_ENGINE_CORE_CLOSED_H

#include "engine/core/fold.h"
#include "engine/core/member.h"
#include "engine/core/memo.h"
#include "engine/core/row.h"
#include "engine/core/table.h"

/* The closed lots of one event, as far as they are in memory. */
struct closed_event {
    struct table_node node; /* key: ordinal */
    uint32_t generation;    /* of the last write */
    uint8_t complete;       /* no row of the store is missing here */
    uint8_t count, capacity;
    struct closed_lot {
        struct lot lot; /* remaining: what expired */
        uint32_t generation;
        uint32_t reserved;
    } lots[];
};

struct closed {
    struct memo *memo;
    struct table table;
    uint64_t stored; /* events from this ordinal on have no row in the store */
    struct table_node *dirty, *frozen_dirty;
};

void closed_open(struct closed *closed, struct memo *memo);
void closed_close(struct closed *closed);

/* A lot has expired; lot->remaining is what it still had. */
void closed_add(struct closed *closed, const struct lot *lot);

/* What of a lot expired; 0 when it was used up. False when the store must be asked first. */
bool closed_find(const struct closed *closed, uint64_t ordinal, uint32_t index,
                 int64_t *out_expired);
void closed_need(uint64_t ordinal, struct needs *needs);

bool closed_load(struct closed *closed, struct row row, struct fault *out_fault);

/* All rows of the event were loaded. */
void closed_complete(struct closed *closed, uint64_t ordinal);

void closed_checkpoint_begin(struct closed *closed);
bool closed_next(const struct closed *closed, uint32_t generation, uint64_t *cursor,
                 struct row_key *out_key, struct writer *writer);
void closed_checkpoint_end(struct closed *closed, uint64_t stored_ordinal);
size_t closed_evict(struct closed *closed, size_t bytes);

bool closed_row_share(uint64_t seed, struct row row, struct hash128 *out_share,
                      struct fault *out_fault);

#endif
