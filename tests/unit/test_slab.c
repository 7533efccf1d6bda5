#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "engine/base/region.h"
#include "engine/base/slab.h"
#include "tests/unit/property.h"

Test(slab, classes_grow_by_a_quarter_at_most)
{
    size_t classes = 1, last = slab_class_size(1);
    cr_expect_eq(last, SLAB_SIZE_MIN);
    for (size_t size = 1; size <= SLAB_SIZE_MAX; size++) {
        size_t class_size = slab_class_size(size);
        cr_assert_geq(class_size, size, "size %zu", size);
        if (class_size == last) continue;
        cr_assert_eq(size, last + 1, "a class is left only when it is too small: size %zu", size);
        cr_assert_eq(class_size % 16, 0, "class %zu", class_size);
        cr_assert(class_size <= 64 || class_size * 4 <= last * 5, "class %zu", class_size);
        last = class_size;
        classes++;
    }
    cr_expect_eq(last, SLAB_SIZE_MAX);
    cr_expect_eq(classes, SLAB_CLASS_COUNT);
}

Test(slab, gives_a_freed_block_again)
{
    static _Alignas(16) uint8_t memory[1024];
    struct slab slab;
    slab_init(&slab, memory, sizeof memory);
    void *first = slab_alloc(&slab, 100);
    void *second = slab_alloc(&slab, 97);
    cr_expect_neq(first, second);
    cr_expect_eq(slab_used_bytes(&slab), 224);
    slab_free(&slab, first, 100);
    slab_free(&slab, NULL, 100);
    cr_expect_eq(slab_used_bytes(&slab), 112);
    cr_expect_eq(slab_alloc(&slab, 112), first, "the same class");
    cr_expect_neq(slab_alloc(&slab, 112), first);
}

Test(slab, says_when_it_is_full)
{
    static _Alignas(16) uint8_t memory[256];
    struct slab slab;
    slab_init(&slab, memory, sizeof memory);
    void *block = slab_alloc(&slab, 200);
    cr_assert_not_null(block);
    memset(block, 7, 200);
    cr_expect_null(slab_alloc(&slab, 64), "32 bytes are left");
    cr_expect_null(slab_resize(&slab, block, 200, 250), "no room to move");
    cr_expect_eq(((uint8_t *)block)[199], 7, "the old block is still there");
    cr_expect_eq(slab_used_bytes(&slab), 224);
    cr_expect_not_null(slab_alloc(&slab, 32));
    cr_expect_null(slab_alloc(&slab, 1));
}

Test(slab, cuts_a_larger_block_when_the_region_is_used_up)
{
    static _Alignas(16) uint8_t memory[1024];
    struct slab slab;
    slab_init(&slab, memory, sizeof memory);
    void *whole = slab_alloc(&slab, 1024);
    cr_expect_null(slab_alloc(&slab, 32));
    slab_free(&slab, whole, 1024);

    size_t blocks = 0;
    while (slab_alloc(&slab, 32) != NULL) {
        blocks++;
    }
    cr_expect_eq(blocks, 32, "%zu blocks of 32 bytes from 1024", blocks);
    cr_expect_eq(slab_used_bytes(&slab), 1024);
}

Test(slab, keeps_the_largest_blocks_that_a_cut_leaves)
{
    static _Alignas(16) uint8_t memory[1024];
    struct slab slab;
    slab_init(&slab, memory, sizeof memory);
    slab_free(&slab, slab_alloc(&slab, 1024), 1024);
    cr_expect_not_null(slab_alloc(&slab, 32));
    cr_expect_not_null(slab_alloc(&slab, 896), "of the 992 bytes left, the largest class");
    cr_expect_not_null(slab_alloc(&slab, 96), "and all the rest");
    cr_expect_eq(slab_used_bytes(&slab), 1024);
}

Test(slab, resize_keeps_content)
{
    static _Alignas(16) uint8_t memory[4096];
    struct slab slab;
    slab_init(&slab, memory, sizeof memory);
    uint8_t *block = slab_alloc(&slab, 40);
    memset(block, 5, 40);
    uint8_t *same = slab_resize(&slab, block, 40, 48);
    cr_expect_eq(same, block, "both are of one class");
    uint8_t *larger = slab_resize(&slab, same, 48, 500);
    cr_assert_not_null(larger);
    uint8_t *smaller = slab_resize(&slab, larger, 500, 20);
    cr_assert_not_null(smaller);
    for (size_t i = 0; i < 20; i++) {
        cr_expect_eq(smaller[i], 5);
    }
    cr_expect_eq(slab_used_bytes(&slab), 32);
}

Test(slab, refuses_a_size_beyond_the_largest, .signal = SIGABRT)
{
    slab_class_size(SLAB_SIZE_MAX + 1);
}

#define LIVE_MAX 512

struct live {
    uint8_t *block;
    size_t size;
    uint8_t mark;
};

static void
live_fill(struct live *live, uint8_t mark)
{
    live->mark = mark;
    memset(live->block, mark, live->size);
}

static void
live_check(const struct live *live, const uint8_t *memory, size_t size, uint64_t seed)
{
    cr_assert(live->block >= memory && live->block + live->size <= memory + size, "seed %lu", seed);
    cr_assert_eq((uintptr_t)live->block % 16, 0, "seed %lu", seed);
    for (size_t i = 0; i < live->size; i++) {
        cr_assert_eq(live->block[i], live->mark, "a block was overwritten, seed %lu", seed);
    }
}

/* Blocks never overlap: each is filled with a mark of its own and read back before it is given up,
 * also when the region runs full. */
Test(slab, blocks_are_apart)
{
    struct property property = property_start();
    struct region region;
    struct fault fault;
    cr_assert(region_map((size_t)256 << 10, &region, &fault), "%s", fault.text);
    struct slab slab;
    slab_init(&slab, region.memory, region.size);
    static struct live live[LIVE_MAX];
    size_t used = 0, refused = 0;

    for (int i = 0; i < 200000; i++) {
        struct live *one = &live[property_below(&property, LIVE_MAX)];
        size_t size = 1 + (size_t)property_magnitude(&property, 13);
        if (one->block != NULL) live_check(one, region.memory, region.size, property.seed);
        if (one->block != NULL && property_below(&property, 3) == 0) {
            size_t kept = one->size < size ? one->size : size;
            uint8_t *moved = slab_resize(&slab, one->block, one->size, size);
            if (moved == NULL) {
                refused++;
                continue;
            }
            struct live prefix = {moved, kept, one->mark};
            live_check(&prefix, region.memory, region.size, property.seed);
            used += slab_class_size(size) - slab_class_size(one->size);
            *one = (struct live){moved, size, 0};
            live_fill(one, (uint8_t)i);
        } else if (one->block != NULL) {
            slab_free(&slab, one->block, one->size);
            used -= slab_class_size(one->size);
            one->block = NULL;
        } else {
            one->block = slab_alloc(&slab, size);
            one->size = size;
            refused += one->block == NULL;
            if (one->block == NULL) continue;
            used += slab_class_size(size);
            live_fill(one, (uint8_t)i);
        }
        cr_assert_eq(slab_used_bytes(&slab), used, "seed %lu", property.seed);
    }
    cr_expect_gt(refused, 0, "the region was to run full, seed %lu", property.seed);
    region_unmap(&region);
}
