/*
 * A store for tests of the fold: a sorted list of rows in memory that answers the fold's needs and
 * takes its checkpoints.
 */
#ifndef TALLYBOOK_TESTS_UNIT_MEMORY_STORE_H
#define TALLYBOOK_TESTS_UNIT_MEMORY_STORE_H

#include "engine/core/fold.h"

struct memory_row {
    struct bytes key, value; /* owned */
};

struct memory_store {
    struct memory_row *rows; /* by rising key */
    size_t count, capacity;
};

void memory_store_fini(struct memory_store *store);

/* An independent copy. */
struct memory_store memory_store_copy(const struct memory_store *store);

/* The index of the row of exactly this key; SIZE_MAX when there is none. */
size_t memory_store_find(const struct memory_store *store, struct bytes key);

/* How many rows a family has. */
size_t memory_store_count(const struct memory_store *store, enum row_family family);

/* Puts all rows of a checkpoint in, checking that each family comes in strictly rising order. Begin
 * and end are the caller's. */
void memory_store_take(struct memory_store *store, struct state *state);

/* Gives the state what a start reads. */
bool memory_store_restore(const struct memory_store *store, struct state *state,
                          struct fault *out_fault);

/* Answers needs. */
bool memory_store_fetch(const struct memory_store *store, struct state *state,
                        const struct needs *needs, struct fault *out_fault);

/* The digest recomputed from all rows, without what stands in none. */
struct hash128 memory_store_digest(const struct memory_store *store,
                                   const uint8_t journal_id[JOURNAL_ID_BYTES]);

#endif
