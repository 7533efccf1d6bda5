/*
 * Items numbered without gaps, of which only the newest are in memory: those whose rows no
 * checkpoint has stored yet. Pages of 256 items come from the slab as numbers rise and go back when
 * they are released.
 */
#ifndef TALLYBOOK_ENGINE_CORE_WINDOW_H
#define TALLYBOOK_ENGINE_CORE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "engine/core/memo.h"

enum { WINDOW_PAGE_ITEMS = 256 };

struct window {
    struct memo *memo;
    size_t item_bytes;
    uint8_t **pages;
    size_t page_count, page_capacity;
    uint64_t first_page; /* number of pages[0] */
};

void window_init(struct window *window, struct memo *memo, size_t item_bytes);
void window_fini(struct window *window);

/* The item's place, made (all zeros) when it lies behind the last page. CHECKs that it was not
 * released. */
void *window_make(struct window *window, uint64_t number);

/* The item's place; CHECKs that it exists. */
void *window_at(const struct window *window, uint64_t number);

/* Lets go of all pages that hold nothing from `number` on. */
void window_release_below(struct window *window, uint64_t number);

#endif
