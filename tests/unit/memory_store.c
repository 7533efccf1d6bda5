#include "tests/unit/memory_store.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

static struct bytes
own(struct bytes span)
{
    uint8_t *copy = malloc(span.size + 1);
    CHECK(copy != NULL);
    if (span.size > 0) memcpy(copy, span.data, span.size);
    return bytes_of(copy, span.size);
}

static void
disown(struct bytes span)
{
    free((void *)(uintptr_t)span.data);
}

void
memory_store_fini(struct memory_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        disown(store->rows[i].key);
        disown(store->rows[i].value);
    }
    free(store->rows);
    *store = (struct memory_store){0};
}

/* The first row whose key is not below. */
static size_t
lower_bound(const struct memory_store *store, struct bytes key)
{
    size_t low = 0, high = store->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_compare(store->rows[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t
memory_store_find(const struct memory_store *store, struct bytes key)
{
    size_t i = lower_bound(store, key);
    return i < store->count && bytes_equal(store->rows[i].key, key) ? i : SIZE_MAX;
}

size_t
memory_store_count(const struct memory_store *store, enum row_family family)
{
    size_t count = 0;
    for (size_t i = 0; i < store->count; i++)
        count += store->rows[i].key.data[0] == (uint8_t)family;
    return count;
}

static void
put(struct memory_store *store, struct bytes key, struct bytes value)
{
    size_t i = lower_bound(store, key);
    bool found = i < store->count && bytes_equal(store->rows[i].key, key);
    if (value.data == NULL) {
        CHECK(found);
        disown(store->rows[i].key);
        disown(store->rows[i].value);
        memmove(&store->rows[i], &store->rows[i + 1],
                (store->count - i - 1) * sizeof store->rows[0]);
        store->count--;
        return;
    }
    if (found) {
        disown(store->rows[i].value);
        store->rows[i].value = own(value);
        return;
    }
    if (store->count == store->capacity) {
        store->capacity = store->capacity == 0 ? 64 : 2 * store->capacity;
        store->rows = realloc(store->rows, store->capacity * sizeof store->rows[0]);
        CHECK(store->rows != NULL);
    }
    memmove(&store->rows[i + 1], &store->rows[i], (store->count - i) * sizeof store->rows[0]);
    store->rows[i] = (struct memory_row){own(key), own(value)};
    store->count++;
}

struct memory_store
memory_store_copy(const struct memory_store *store)
{
    struct memory_store copy = {0};
    for (size_t i = 0; i < store->count; i++)
        put(&copy, store->rows[i].key, store->rows[i].value);
    return copy;
}

void
memory_store_take(struct memory_store *store, struct state *state)
{
    uint8_t last[ROW_KEY_BYTES_MAX];
    struct bytes before = {0};
    for (const char *family = ROW_FAMILIES; *family != 0; family++) {
        struct row row;
        uint64_t cursor = 0;
        while (state_checkpoint_next(state, (enum row_family) * family, &cursor, &row)) {
            CHECK(row.key.size > 0 && row.key.data[0] == (uint8_t)*family);
            CHECK(bytes_compare(before, row.key) < 0);
            memcpy(last, row.key.data, row.key.size);
            before = bytes_of(last, row.key.size);
            put(store, row.key, row.value);
        }
    }
}

static bool
give(const struct memory_store *store, size_t i, struct state *state, struct fault *out_fault)
{
    struct row row = {store->rows[i].key, store->rows[i].value};
    return state_put_row(state, row, out_fault);
}

bool
memory_store_restore(const struct memory_store *store, struct state *state, struct fault *out_fault)
{
    for (const char *family = "Mbdi"; *family != 0; family++) {
        struct bytes prefix = bytes_of(family, 1);
        for (size_t i = lower_bound(store, prefix);
             i < store->count && bytes_start_with(store->rows[i].key, prefix); i++) {
            if (!give(store, i, state, out_fault)) return false;
        }
    }
    return state_restored(state, out_fault);
}

static bool
fetch_one(const struct memory_store *store, struct state *state, const struct need *need,
          struct fault *out_fault)
{
    struct bytes key = bytes_of(need->key, need->key_size),
                 last = bytes_of(need->last, need->last_size);
    size_t i = lower_bound(store, key);
    if (need->mode == NEED_RANGE) {
        for (; i < store->count && bytes_compare(store->rows[i].key, last) <= 0; i++) {
            if (!give(store, i, state, out_fault)) return false;
        }
        state_put_absent(state, need);
        return true;
    }
    bool exact = i < store->count && bytes_equal(store->rows[i].key, key);
    if (need->mode == NEED_FLOOR && !exact)
        i = i > 0 && store->rows[i - 1].key.data[0] == key.data[0] ? i - 1 : SIZE_MAX;
    if (need->mode == NEED_GET && !exact) i = SIZE_MAX;
    if (i != SIZE_MAX) return give(store, i, state, out_fault);
    state_put_absent(state, need);
    return true;
}

bool
memory_store_fetch(const struct memory_store *store, struct state *state, const struct needs *needs,
                   struct fault *out_fault)
{
    for (size_t i = 0; i < needs->count; i++) {
        if (!fetch_one(store, state, &needs->items[i], out_fault)) return false;
    }
    return true;
}

struct hash128
memory_store_digest(const struct memory_store *store, const uint8_t journal_id[JOURNAL_ID_BYTES])
{
    struct hash128 sum = {0};
    for (size_t i = 0; i < store->count; i++) {
        struct row row = {store->rows[i].key, store->rows[i].value};
        struct hash128 share;
        struct fault fault;
        CHECK(row_digest(journal_id, row, &share, &fault));
        sum = hash128_add(sum, share);
    }
    return sum;
}
