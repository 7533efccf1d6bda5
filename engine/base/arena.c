#include "engine/base/arena.h"

void
arena_init(struct arena *arena, void *memory, size_t size)
{
    CHECK((uintptr_t)memory % ARENA_ALIGNMENT == 0);
    arena->memory = memory;
    arena->size = size - size % ARENA_ALIGNMENT;
    arena->used = 0;
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
