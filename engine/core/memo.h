/*
 * What all parts of a state share: the slab its rows come from, the generations that tell which
 * rows are still to be written, and the digest.
 *
 * A row that is written carries the generation of that moment. state_checkpoint_begin starts the
 * next generation and state_checkpoint_end declares the frozen one stored, so a row is dirty
 * exactly while its generation is above `stored_generation`: nothing has to be visited to make rows
 * clean again.
 */
#ifndef TALLYBOOK_ENGINE_CORE_MEMO_H
#define TALLYBOOK_ENGINE_CORE_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/slab.h"

struct memo {
    struct slab *slab;
    uint32_t generation;        /* of rows written now; from 1 */
    uint32_t stored_generation; /* rows up to this one are in the store */
    uint64_t seed; /* from the journal's id: hashes of keys cannot be aimed at from outside */
    struct hash128 digest; /* of all ledger rows whose share is up to date */
    size_t dirty_bytes;    /* written in this generation */
    size_t frozen_bytes;   /* of the checkpoint under way */
};

static inline bool
memo_is_dirty(const struct memo *memo, uint32_t generation)
{
    return generation > memo->stored_generation;
}

/* Memory for rows. The shell keeps the slab below its limit by evicting and writing checkpoints, so
 * an empty slab is a limit set too small for one batch. */
static inline void *
memo_take(struct memo *memo, size_t size)
{
    void *block = slab_alloc(memo->slab, size);
    CHECK_MSG(block != NULL, "the memory for rows is full: raise the memory limit");
    return block;
}

static inline void
memo_give(struct memo *memo, void *block, size_t size)
{
    slab_free(memo->slab, block, size);
}

static inline void *
memo_resize(struct memo *memo, void *block, size_t old_size, size_t new_size)
{
    void *moved = slab_resize(memo->slab, block, old_size, new_size);
    CHECK_MSG(moved != NULL, "the memory for rows is full: raise the memory limit");
    return moved;
}

/* A row's share of the digest: XXH3-128 of its canonical value under its key. */
static inline struct hash128
memo_share(uint64_t seed, struct bytes key, struct bytes value)
{
    return hash128(value, hash64(key, seed));
}

#endif
