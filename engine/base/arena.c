#include "engine/base/arena.h"

void
arena_init(struct arena *arena, void *memory, size_t size)
{
    CHECK((uintptr_t)memory % ARENA_ALIGNMENT == 0);
    arena->memory = memory;
    arena->size = size - size % ARENA_ALIGNMENT;
    arena->used = 0;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    size_t left = arena->size - arena->used;
    if (size > left) return NULL;

    void *block = arena->memory + arena->used;
    /* left is a multiple of the alignment, so a size that fits still fits when rounded up. */
    arena->used += (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    return block;
}

size_t
arena_mark(const struct arena *arena)
{
    return arena->used;
}

void
arena_reset_to(struct arena *arena, size_t mark)
{
    CHECK(mark <= arena->used && mark % ARENA_ALIGNMENT == 0);
    arena->used = mark;
}

bool
arena_copy_bytes(struct arena *arena, struct bytes span, struct bytes *out_copy)
{
    uint8_t *copy = arena_alloc(arena, span.size);
    if (copy == NULL) return false;
    if (span.size != 0) memcpy(copy, span.data, span.size);
    *out_copy = bytes_of(copy, span.size);
    return true;
}
