/*
 * A bump allocator over memory that the caller gives: what a batch needs lives until the batch ends
 * and is then forgotten at once.
 *
 * Invariants: 1. every block starts on 16 bytes; 2. nothing is freed alone; 3. no heap.
 */
#ifndef TALLYBOOK_ENGINE_BASE_ARENA_H
#define TALLYBOOK_ENGINE_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"

#define ARENA_ALIGNMENT 16

struct arena {
    uint8_t *memory;
    size_t size, used; /* used is a multiple of ARENA_ALIGNMENT */
};

/** Takes memory into use; it stays the caller's. CHECKs that memory is aligned to ARENA_ALIGNMENT.
 * One thread at a time. */
void arena_init(struct arena *arena, void *memory, size_t size);

/** size bytes, not cleared, aligned; NULL when the arena is full. size 0 gives a place that must
 * not be written. */
void *arena_alloc(struct arena *arena, size_t size);

/** A place to return to with arena_reset_to; 0 is the arena's start. */
size_t arena_mark(const struct arena *arena);

/** Forgets everything allocated since the mark. */
void arena_reset_to(struct arena *arena, size_t mark);

/** Copies a span into the arena; *out_copy is untouched and false returned when the arena is full.
 */
bool arena_copy_bytes(struct arena *arena, struct bytes span, struct bytes *out_copy);

#endif
