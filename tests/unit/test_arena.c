#include <criterion/criterion.h>
#include <signal.h>

#include "engine/base/arena.h"

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[256];

Test(arena, aligns_and_fills)
{
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    const struct {
        const char *what;
        size_t size;
        ptrdiff_t expected; /* offset, or -1 for NULL */
    } rows[] = {
        {"the first block starts at the start", 1, 0},
        {"the next on the next 16 bytes", 16, 16},
        {"a size of 17 takes 32", 17, 32},
        {"so the next starts after those", 100, 64},
        {"more than is left is refused", 81, -1},
        {"a size that would wrap is refused", SIZE_MAX, -1},
        {"exactly what is left fits", 80, 176},
        {"then nothing fits", 1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *block = arena_alloc(&arena, rows[i].size);
        ptrdiff_t offset = block == NULL ? -1 : block - memory;
        cr_expect_eq(offset, rows[i].expected, "%s: at %td", rows[i].what, offset);
    }
}

Test(arena, forgets_back_to_a_mark)
{
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    arena_alloc(&arena, 32);
    size_t mark = arena_mark(&arena);
    void *first = arena_alloc(&arena, 200);
    cr_assert_not_null(first);
    cr_expect_null(arena_alloc(&arena, 200));
    arena_reset_to(&arena, mark);
    cr_expect_eq(arena_alloc(&arena, 200), first);
    arena_reset_to(&arena, 0);
    cr_expect_eq(arena_alloc(&arena, 256), (void *)memory);
}

Test(arena, copies_spans)
{
    struct arena arena;
    arena_init(&arena, memory, 16);
    struct bytes copy = {0};
    cr_expect(arena_copy_bytes(&arena, BYTES_LITERAL("member"), &copy));
    cr_expect(bytes_equal(copy, BYTES_LITERAL("member")));
    cr_expect_eq(copy.data, memory);

    struct bytes untouched = copy;
    cr_expect_not(arena_copy_bytes(&arena, BYTES_LITERAL("m"), &untouched));
    cr_expect_eq(untouched.data, copy.data, "a failed copy leaves the out-parameter alone");
    cr_expect(arena_copy_bytes(&arena, (struct bytes){0}, &copy), "an empty span always fits");
    cr_expect_eq(copy.size, 0);
}

Test(arena, refuses_a_mark_ahead, .signal = SIGABRT)
{
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    arena_reset_to(&arena, 16);
}

Test(arena, refuses_unaligned_memory, .signal = SIGABRT)
{
    struct arena arena;
    arena_init(&arena, memory + 1, 64);
}
