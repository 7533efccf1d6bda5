/* The store: a memo of the fold in one RocksDB per partition. It holds rows (engine/core/fold.h)
 * and knows nothing else about them: no word of points, only keys that sort. The only user of
 * RocksDB for state (architecture.md, "Commit").
 *
 * Invariants:
 *  1. One column family, WAL off, no ordinary writes: rows arrive only as sorted files in one
 * ingest call, all or nothing.
 *  2. META is part of the same ingest: the store never holds rows without the position they belong
 * to.
 *  3. Any write or background error stops the store for good: reopen and fold again. */
#ifndef TALLYBOOK_ENGINE_STORE_STORE_H
#define TALLYBOOK_ENGINE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/core/fold.h"

struct store;

struct store_options {
    size_t cache_bytes; /* RocksDB's block cache, and its memory as a whole within this order */
    bool create;        /* make it when there is none */
    bool read_only;     /* look without a lock; checkpoints refused */
};

struct store_stats {
    uint64_t bytes_on_disk, checkpoints, rows_read, rows_written, bytes_written;
};

/* Opens `path` (a folder). After a failed open for missing files it tries once more with
 * best_efforts_recovery, which gives the previous checkpoint, and says so in *out_note (may be
 * NULL; 256 bytes). FAULT_DATA: damaged; FAULT_IO; FAULT_TRY_AGAIN: locked. */
bool store_open(const char *path, const struct store_options *options, struct store **out_store,
                char *out_note, struct fault *out_fault);
void store_close(struct store *store);

/* Brings an empty state to the stored checkpoint: META, rulebooks, directory, identities; others
 * are read on need. A store without META leaves the state empty. */
bool store_restore(struct store *store, struct state *state, struct fault *out_fault);

/* Loads what `needs` names into the state (rows found: state_put_row; not found: state_put_absent),
 * in one batch of reads. */
bool store_fetch(struct store *store, struct state *state, const struct needs *needs,
                 struct fault *out_fault);

/* Writes the files of a checkpoint (state_checkpoint_begin was called by the caller) beside the
 * store, synced, not yet part of it. Then commit ingests them in one atomic step; or abandon throws
 * them away. Time is spent in build; commit takes ms. */
bool store_checkpoint_build(struct store *store, struct state *state, struct fault *out_fault);
bool store_checkpoint_commit(struct store *store, struct fault *out_fault);
void store_checkpoint_abandon(struct store *store);

/* True when compaction is so far behind that the caller should wait before the next checkpoint
 * (throttle by L0 files). */
bool store_is_behind(struct store *store);

/* Recomputes the digest from every row; FAULT_DATA names a row that does not verify. */
bool store_verify(struct store *store, struct hash128 *out_digest, struct fault *out_fault);

void store_stats(const struct store *store, struct store_stats *out_stats);

#endif
