/*
 * The store without the state: rows in, rows out. store.c implements it over RocksDB; store_state.c
 * binds it to the core's state, and tests use it with rows of their own.
 */
#ifndef TALLYBOOK_ENGINE_STORE_STORE_PRIV_H
#define TALLYBOOK_ENGINE_STORE_STORE_PRIV_H

#include "engine/store/store.h"

/* Where the rows of a checkpoint come from: as state_checkpoint_next. */
struct store_source {
    bool (*next)(void *context, enum row_family family, uint64_t *cursor, struct row *out_row);
    void *context;
};

/* Where rows that are read go to. Spans are valid during the call. */
struct store_sink {
    bool (*put)(void *context, struct row row, struct fault *out_fault);
    /* No row for this need; of a range, after its rows: it is complete. May be NULL in a scan. */
    void (*absent)(void *context, const struct need *need);
    void *context;
};

/* Writes the rows into files of the pending folder, synced: one file a family that has any. */
bool store_build_rows(struct store *store, const struct store_source *source,
                      struct fault *out_fault);

/* Answers each need: rows of NEED_GET in one batch of reads, the others by seeking. */
bool store_read_needs(struct store *store, const struct needs *needs, const struct store_sink *sink,
                      struct fault *out_fault);

/* All rows of a family in key order; does not fill the cache. */
bool store_scan_family(struct store *store, enum row_family family, const struct store_sink *sink,
                       struct fault *out_fault);

/* Files in level 0: each is one more place to look for a row. */
uint64_t store_level0_files(const struct store *store);

#endif
