/*
 * Large anonymous memory, mapped once and given to an arena, a slab or a locator. Pages cost
 * nothing until they are touched.
 */
#ifndef TALLYBOOK_ENGINE_BASE_REGION_H
#define TALLYBOOK_ENGINE_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/fault.h"

struct region {
    void *memory; /* page-aligned, zeroed */
    size_t size;  /* rounded up to whole pages */
};

/** Maps size (> 0) bytes of zeroed memory without reserving swap. FAULT_TRY_AGAIN when the system
 * has no room. */
bool region_map(size_t size, struct region *out_region, struct fault *out_fault);

/** Asks for huge pages, for a table that is read at random all over; the system may ignore it. */
void region_prefer_huge_pages(struct region *region);

/** Gives the memory back and clears *region. An empty region (memory NULL) is allowed. */
void region_unmap(struct region *region);

#endif
