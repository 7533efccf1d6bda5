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
static inline void *
arena_alloc(struct arena *arena, size_t size)
{
    size_t left = arena->size - arena->used;
    if (size > left) return NULL;

    void *block = arena->memory + arena->used;
    /* left is a multiple of the alignment, so a size that fits still fits when rounded up. */
    arena->used += (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    return block;
}

/** A place to return to with arena_reset_to; 0 is the arena's start. */
size_t arena_mark(const struct arena *arena);

/** Forgets everything allocated since the mark. */
void arena_reset_to(struct arena *arena, size_t mark);

/** Copies a span into the arena; *out_copy is untouched and false returned when the arena is full.
 */
static inline bool
arena_copy_bytes(struct arena *arena, struct bytes span, struct bytes *out_copy)
{
    uint8_t *copy = (uint8_t *)arena_alloc(arena, span.size);
    if (copy == NULL) return false;
    bytes_copy(copy, span);
    *out_copy = bytes_of(copy, span.size);
    return true;
}

#endif
