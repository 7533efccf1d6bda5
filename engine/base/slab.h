/*
 * A size-class allocator over one region that the caller gives, for rows that grow and shrink and
 * live long.
 *
 * Classes are 32, 48, 64 and then four to each doubling (80, 96, 112, 128, 160 …) up to 16 MiB: a
 * block wastes at most a fifth beyond 64 bytes. A freed block goes to its class's list; a new one
 * comes from that list, else from the untouched end of the region, else from a larger free block
 * that is cut.
 *
 * Invariants:
 * 1. Every block starts on 16 bytes and has exactly its class's size; the caller remembers the size
 * it asked for, so blocks carry no header.
 * 2. used_bytes is the sum of the class sizes of the live blocks.
 * 3. Blocks that were cut are not joined again: a region that was full of small blocks serves a
 * large one only after its untouched end.
 * 4. No heap, no lock: one thread at a time.
 */
#ifndef TALLYBOOK_ENGINE_BASE_SLAB_H
#define TALLYBOOK_ENGINE_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_SIZE_MIN    32
#define SLAB_SIZE_MAX    ((size_t)16 << 20)
#define SLAB_CLASS_COUNT 75

struct slab_block;

struct slab {
    uint8_t *untouched, *end;
    size_t used_bytes;
    struct slab_block *free_blocks[SLAB_CLASS_COUNT];
};

/** Takes memory into use; it stays the caller's. CHECKs that it is aligned to 16 bytes. */
void slab_init(struct slab *slab, void *memory, size_t size);

/** A block of at least size bytes (1 … SLAB_SIZE_MAX), not cleared; NULL when the region is full.
 */
void *slab_alloc(struct slab *slab, size_t size);

/** Gives a block back; size is what was asked for (or resized to). NULL is allowed. */
void slab_free(struct slab *slab, void *block, size_t size);

/** Moves a block to another size, keeping the common prefix of its content. NULL when the region is
 * full: the old block is then still valid. */
void *slab_resize(struct slab *slab, void *block, size_t old_size, size_t new_size);

/** What a block of this size really takes. */
size_t slab_class_size(size_t size);

/** Sum of the class sizes of the live blocks. */
size_t slab_used_bytes(const struct slab *slab);

#endif
