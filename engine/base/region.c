#include "engine/base/region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/check.h"

bool
region_map(size_t size, struct region *out_region, struct fault *out_fault)
{
    CHECK(size > 0);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t rounded = size;
    if (__builtin_add_overflow(size, page - 1, &rounded)) {
        return fault_set(out_fault, FAULT_TRY_AGAIN, "cannot map %zu bytes of memory", size);
    }
    rounded -= rounded % page;

    void *memory = mmap(NULL, rounded, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return fault_set(out_fault, FAULT_TRY_AGAIN, "cannot map %zu bytes of memory: %s", size,
                         strerror(errno));
    }
    *out_region = (struct region){memory, rounded};
    return true;
}

void
region_prefer_huge_pages(struct region *region)
{
    /* Advice only: a kernel without huge pages says no, and nothing but speed depends on it. */
    (void)madvise(region->memory, region->size, MADV_HUGEPAGE);
}

void
region_unmap(struct region *region)
{
    if (region->memory != NULL) {
        int failed = munmap(region->memory, region->size);
        CHECK(failed == 0);
    }
    *region = (struct region){NULL, 0};
}
