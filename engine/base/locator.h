/*
 * "Which ordinal may hold this key?": a multimap in memory from a key's hash to a 40-bit value, at
 * 12 bytes a slot.
 *
 * The locator holds no keys. What it returns are candidates: the caller reads the row that the
 * value names and compares the key. A candidate is false with a probability of about 2^-50 per
 * entry looked at, so one is nearly always right and none is always right.
 *
 * Layout: a slot is 24 bits of the hash above 40 bits of value; eight slots fill a cache line, and
 * a search starts at the first slot of its home line and goes on until a free slot. The other 32
 * bits of the hash lie in an array of their own, which is touched only when the 24 bits agree, on
 * removal and on growth, so a key never seen costs one cache line.
 *
 * Invariants:
 * 1. A used slot is never 0: hashes whose 24 bits are 0 are kept (and sought) with 1 instead.
 * 2. Between the home line of an entry and its slot there is no free slot; so the used slots of a
 * line are always its first ones, and a line is full when its last slot is used.
 * 3. At most three quarters of the slots are used, so every search ends.
 * 4. Only locator_init and locator_reserve ask the system for memory; a fold may do everything
 * else.
 * 5. One thread at a time.
 */
#ifndef TALLYBOOK_ENGINE_BASE_LOCATOR_H
#define TALLYBOOK_ENGINE_BASE_LOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/base/region.h"

#define LOCATOR_VALUE_MAX      (((uint64_t)1 << 40) - 1)
#define LOCATOR_SLOTS_PER_LINE 8

struct locator {
    uint64_t *slots;
    uint32_t *rests;      /* the upper 32 bits of each slot's hash */
    unsigned lines_log2;  /* 0 … 32 */
    size_t count;         /* entries */
    struct region region; /* holds both arrays */
};

/** Makes an empty locator with room for expected_entries. */
bool locator_init(struct locator *locator, size_t expected_entries, struct fault *out_fault);

/** Gives the memory back. A locator of all zeros is allowed. */
void locator_fini(struct locator *locator);

/** Makes room for this many more entries, by doubling into new memory (old and new exist together
 * meanwhile). Called by the shell between batches. On a fault nothing has changed. */
bool locator_reserve(struct locator *locator, size_t additional, struct fault *out_fault);

/** How many entries fit before the next locator_reserve. */
size_t locator_room(const struct locator *locator);

/** Adds an entry; the same pair twice is kept twice. Of the 64-bit hash the upper 56 bits count.
 * CHECKs that there is room and that value fits in 40 bits. */
void locator_insert(struct locator *locator, uint64_t hash, uint64_t value);

/** Writes the values of up to max entries that agree in all 56 bits, in no meaningful order, and
 * returns how many were written. */
size_t locator_find(const struct locator *locator, uint64_t hash, uint64_t *out_values, size_t max);

/** Removes one entry with this hash and value; false when there is none. */
bool locator_remove(struct locator *locator, uint64_t hash, uint64_t value);

/** Memory taken, in bytes. */
size_t locator_bytes(const struct locator *locator);

/** The first slot that a search for this hash looks at. */
static inline size_t
locator_home(const struct locator *locator, uint64_t hash)
{
    size_t line = locator->lines_log2 == 0 ? 0 : (size_t)(hash >> (64 - locator->lines_log2));
    return line * LOCATOR_SLOTS_PER_LINE;
}

/** Starts fetching the cache lines that a search for this hash will need when it finds something.
 */
static inline void
locator_prefetch(const struct locator *locator, uint64_t hash)
{
    size_t home = locator_home(locator, hash);
    __builtin_prefetch(&locator->slots[home]);
    __builtin_prefetch(&locator->rests[home]);
}

/** The same for an insertion, which also writes the rest of the hash. */
static inline void
locator_prefetch_insert(const struct locator *locator, uint64_t hash)
{
    size_t home = locator_home(locator, hash);
    __builtin_prefetch(&locator->slots[home], 1);
    __builtin_prefetch(&locator->rests[home], 1);
}

#endif
