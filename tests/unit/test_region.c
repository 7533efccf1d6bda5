#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/region.h"

Test(region, is_zeroed_whole_pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct region region;
    struct fault fault;
    cr_assert(region_map(page + 1, &region, &fault));
    cr_expect_eq(region.size, 2 * page);
    cr_expect_eq((uintptr_t)region.memory % page, 0);
    const uint8_t *memory = region.memory;
    for (size_t i = 0; i < region.size; i++) {
        cr_assert_eq(memory[i], 0);
    }
    memset(region.memory, 1, region.size);
    region_unmap(&region);
    cr_expect_null(region.memory);
    region_unmap(&region);
}

Test(region, costs_nothing_until_touched)
{
    /* 128 GiB, more than most machines have: only the pages that are written take memory. The
     * thread sanitizer leaves no room of a TiB in one piece. */
    struct region region;
    struct fault fault;
    cr_assert(region_map((size_t)1 << 37, &region, &fault), "%s", fault.text);
    uint8_t *memory = region.memory;
    memory[0] = 1;
    memory[region.size - 1] = 1;
    region_unmap(&region);
}

Test(region, says_what_it_cannot_map)
{
    const size_t rows[] = {SIZE_MAX, SIZE_MAX / 2};
    for (size_t i = 0; i < 2; i++) {
        struct region region = {NULL, 7};
        struct fault fault = {0};
        cr_expect_not(region_map(rows[i], &region, &fault));
        cr_expect_eq(fault.kind, FAULT_TRY_AGAIN);
        cr_expect_not_null(strstr(fault.text, "cannot map"), "%s", fault.text);
        cr_expect_eq(region.size, 7, "the out-parameter is untouched");
    }
}
