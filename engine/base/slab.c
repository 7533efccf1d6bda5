#include "engine/base/slab.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/check.h"

/* A free block holds the link of its class's list. */
struct slab_block {
    struct slab_block *next;
};

/* Up to 64 bytes the classes are 32, 48 and 64; from there each doubling has four steps. */
#define SLAB_ALIGNMENT     16
#define SLAB_SMALL_MAX     64
#define SLAB_SMALL_CLASSES 3

static_assert(sizeof(struct slab_block) <= SLAB_SIZE_MIN, "a free block must hold its link");

static size_t
slab_size_of_class(unsigned class)
{
    CHECK(class < SLAB_CLASS_COUNT);
    if (class < SLAB_SMALL_CLASSES) return SLAB_SIZE_MIN + (size_t) class * SLAB_ALIGNMENT;

    unsigned step = class - SLAB_SMALL_CLASSES;
    size_t doubling = (size_t)SLAB_SMALL_MAX << (step / 4);
    return doubling + doubling / 4 * (step % 4 + 1);
}

/* The smallest class whose blocks hold size bytes. */
static unsigned
slab_class_of(size_t size)
{
    CHECK(size > 0 && size <= SLAB_SIZE_MAX);
    if (size <= SLAB_SIZE_MIN) return 0;
    if (size <= SLAB_SMALL_MAX) return (unsigned)((size - SLAB_SIZE_MIN + 15) / SLAB_ALIGNMENT);

    /* size - 1 lies in [doubling, 2 × doubling); its two bits below the top one are the step. */
    unsigned top = 63 - (unsigned)__builtin_clzll(size - 1);
    unsigned quarter = (unsigned)((size - 1) >> (top - 2)) & 3;
    return SLAB_SMALL_CLASSES + (top - 6) * 4 + quarter;
}

static void
slab_push(struct slab *slab, unsigned class, void *memory)
{
    struct slab_block *block = memory;
    block->next = slab->free_blocks[class];
    slab->free_blocks[class] = block;
}

static void *
slab_pop(struct slab *slab, unsigned class)
{
    struct slab_block *block = slab->free_blocks[class];
    if (block != NULL) slab->free_blocks[class] = block->next;
    return block;
}

/* Puts memory that belongs to no block into the lists, in the largest blocks that it holds; less
 * than a smallest block is given up. */
static void
slab_scatter(struct slab *slab, uint8_t *memory, size_t size)
{
    while (size >= SLAB_SIZE_MIN) {
        size_t want = size < SLAB_SIZE_MAX ? size : SLAB_SIZE_MAX;
        unsigned class = slab_class_of(want);
        if (slab_size_of_class(class) > want) class -= 1;
        slab_push(slab, class, memory);
        memory += slab_size_of_class(class);
        size -= slab_size_of_class(class);
    }
}

/* Cuts a block of this class from the smallest larger block that is free. */
static void *
slab_cut(struct slab *slab, unsigned class)
{
    size_t size = slab_size_of_class(class);
    for (unsigned larger = class + 1; larger < SLAB_CLASS_COUNT; larger++) {
        uint8_t *memory = slab_pop(slab, larger);
        if (memory == NULL) continue;
        slab_scatter(slab, memory + size, slab_size_of_class(larger) - size);
        return memory;
    }
    return NULL;
}

void
slab_init(struct slab *slab, void *memory, size_t size)
{
    CHECK((uintptr_t)memory % SLAB_ALIGNMENT == 0);
    static_assert(SLAB_SMALL_CLASSES + 4 * 18 == SLAB_CLASS_COUNT &&
                      (size_t)SLAB_SMALL_MAX << 18 == SLAB_SIZE_MAX,
                  "seventeen doublings lead from the small classes to the largest");
    *slab = (struct slab){.untouched = memory, .end = (uint8_t *)memory + size};
}

void *
slab_alloc(struct slab *slab, size_t size)
{
    unsigned class = slab_class_of(size);
    size_t class_size = slab_size_of_class(class);
    void *block = slab_pop(slab, class);
    if (block == NULL && (size_t)(slab->end - slab->untouched) >= class_size) {
        block = slab->untouched;
        slab->untouched += class_size;
    }
    if (block == NULL) block = slab_cut(slab, class);
    if (block == NULL) return NULL;
    slab->used_bytes += class_size;
    return block;
}

void
slab_free(struct slab *slab, void *block, size_t size)
{
    if (block == NULL) return;
    unsigned class = slab_class_of(size);
    CHECK(slab->used_bytes >= slab_size_of_class(class));
    slab->used_bytes -= slab_size_of_class(class);
    slab_push(slab, class, block);
}

void *
slab_resize(struct slab *slab, void *block, size_t old_size, size_t new_size)
{
    if (slab_class_of(old_size) == slab_class_of(new_size)) return block;

    void *moved = slab_alloc(slab, new_size);
    if (moved == NULL) return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    slab_free(slab, block, old_size);
    return moved;
}

size_t
slab_class_size(size_t size)
{
    return slab_size_of_class(slab_class_of(size));
}

size_t
slab_used_bytes(const struct slab *slab)
{
    return slab->used_bytes;
}
