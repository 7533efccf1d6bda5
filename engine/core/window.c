#include "engine/core/window.h"

#include <string.h>

enum { PAGES_FIRST = 16 };

static size_t
page_bytes(const struct window *window)
{
    return window->item_bytes * WINDOW_PAGE_ITEMS;
}

void
window_init(struct window *window, struct memo *memo, size_t item_bytes)
{
    *window = (struct window){.memo = memo, .item_bytes = item_bytes, .page_capacity = PAGES_FIRST};
    window->pages = memo_take(memo, PAGES_FIRST * sizeof *window->pages);
}

void
window_fini(struct window *window)
{
    if (window->pages == NULL) return;
    window_release_below(window, UINT64_MAX);
    memo_give(window->memo, window->pages, window->page_capacity * sizeof *window->pages);
    *window = (struct window){0};
}

void *
window_at(const struct window *window, uint64_t number)
{
    uint64_t page = number / WINDOW_PAGE_ITEMS - window->first_page;
    CHECK(page < window->page_count);
    return window->pages[page] + number % WINDOW_PAGE_ITEMS * window->item_bytes;
}

void *
window_make(struct window *window, uint64_t number)
{
    uint64_t page = number / WINDOW_PAGE_ITEMS;
    if (window->page_count == 0) window->first_page = page;
    CHECK(page >= window->first_page);
    while (page - window->first_page >= window->page_count) {
        if (window->page_count == window->page_capacity) {
            size_t bytes = window->page_capacity * sizeof *window->pages;
            window->pages = memo_resize(window->memo, window->pages, bytes, 2 * bytes);
            window->page_capacity *= 2;
        }
        uint8_t *made = memo_take(window->memo, page_bytes(window));
        memset(made, 0, page_bytes(window));
        window->pages[window->page_count++] = made;
    }
    return window_at(window, number);
}

void
window_release_below(struct window *window, uint64_t number)
{
    size_t released = 0;
    uint64_t page = number / WINDOW_PAGE_ITEMS;
    while (released < window->page_count && window->first_page + released < page) {
        memo_give(window->memo, window->pages[released++], page_bytes(window));
    }
    window->page_count -= released;
    window->first_page += released;
    memmove(window->pages, window->pages + released, window->page_count * sizeof *window->pages);
}
