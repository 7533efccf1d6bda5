#include "engine/core/reference.h"

#include <string.h>

#include "engine/core/member.h"

/* Cursors of a checkpoint: first the changed rows, by address; then the new ones, by ordinal with
 * this bit set. */
static const uint64_t CURSOR_FRESH = UINT64_C(1) << 63;

static size_t
reference_bytes(size_t content_bytes)
{
    return sizeof(struct reference) + content_bytes;
}

bool
references_open(struct references *references, struct memo *memo, uint64_t expected,
                struct fault *out_fault)
{
    *references = (struct references){.memo = memo, .stored = 1, .frozen = 1};
    if (!locator_init(&references->locator, expected, out_fault))
        return fault_wrap(out_fault, "references");
    window_init(&references->fresh, memo, sizeof(struct reference *));
    table_init(&references->loaded, memo);
    return true;
}

static void
give(struct references *references, struct reference *reference)
{
    memo_give(references->memo, reference, reference_bytes(reference->size));
}

/* Frees the loaded rows that `keep_dirty` allows, up to `bytes`. */
static size_t
release_loaded(struct references *references, size_t bytes, bool keep_dirty)
{
    struct table *table = &references->loaded;
    size_t freed = 0;
    for (size_t i = 0; i < table_bucket_count(table) && freed < bytes; i++) {
        struct table_node *node = table->buckets[i];
        while (node != NULL) {
            struct reference *reference = (struct reference *)node;
            node = node->next;
            if (keep_dirty && memo_is_dirty(references->memo, reference->generation)) continue;
            freed += slab_class_size(reference_bytes(reference->size));
            table_remove(table, &reference->node);
            give(references, reference);
        }
    }
    return freed;
}

void
references_close(struct references *references)
{
    locator_fini(&references->locator);
    if (references->loaded.buckets == NULL) return;
    release_loaded(references, SIZE_MAX, false);
    table_fini(&references->loaded);
    for (size_t p = 0; p < references->fresh.page_count; p++) {
        struct reference **items = (struct reference **)(uintptr_t)references->fresh.pages[p];
        for (size_t i = 0; i < WINDOW_PAGE_ITEMS; i++) {
            if (items[i] != NULL) give(references, items[i]);
        }
    }
    window_fini(&references->fresh);
}

uint64_t
reference_hash(const struct memo *memo, enum reference_kind kind, struct bytes member,
               struct bytes id)
{
    uint8_t text[2 + MEMBER_KEY_BYTES_MAX + REFERENCE_ID_BYTES_MAX];
    CHECK(member.size <= MEMBER_KEY_BYTES_MAX && id.size <= REFERENCE_ID_BYTES_MAX);
    text[0] = (uint8_t)kind;
    text[1] = (uint8_t)member.size;
    memcpy(text + 2, member.data, member.size);
    memcpy(text + 2 + member.size, id.data, id.size);
    uint64_t hash = hash64(bytes_of(text, 2 + member.size + id.size), memo->seed) & ~UINT64_C(0xff);
    return hash == 0 ? UINT64_C(1) << 8 : hash;
}

static struct reference **
fresh_place(const struct references *references, uint64_t ordinal)
{
    const struct window *window = &references->fresh;
    if (ordinal / WINDOW_PAGE_ITEMS - window->first_page >= window->page_count) return NULL;
    return window_at(window, ordinal);
}

struct reference *
references_get(const struct references *references, uint64_t ordinal)
{
    if (ordinal < references->stored)
        return (struct reference *)table_find(&references->loaded, ordinal);
    struct reference **place = fresh_place(references, ordinal);
    CHECK(place != NULL && *place != NULL);
    return *place;
}

void
references_need(uint64_t ordinal, struct needs *needs)
{
    CHECK(needs != NULL); /* an apply finds every row in memory: fold_needs has named it */
    if (needs->count == NEEDS_MAX) return;
    struct need *need = &needs->items[needs->count++];
    struct row_key key = row_key_u64(ROW_REFERENCE, ordinal);
    *need = (struct need){.mode = NEED_GET, .key_size = key.size};
    memcpy(need->key, key.data, key.size);
}

static struct reference *
make(struct references *references, uint64_t ordinal, struct bytes content)
{
    struct reference *reference = memo_take(references->memo, reference_bytes(content.size));
    reference->node = (struct table_node){.key = ordinal};
    reference->generation = references->memo->generation;
    reference->size = (uint32_t)content.size;
    memcpy(reference->content, content.data, content.size);
    return reference;
}

static struct hash128
share_of(const struct references *references, const struct reference *reference)
{
    struct row_key key = row_key_u64(ROW_REFERENCE, reference->node.key);
    return memo_share(references->memo->seed, row_key_span(&key),
                      bytes_of(reference->content, reference->size));
}

static bool
has_row(const struct references *references, uint64_t ordinal)
{
    if (ordinal < references->stored) return references_get(references, ordinal) != NULL;
    struct reference **place = fresh_place(references, ordinal);
    return place != NULL && *place != NULL;
}

void
references_add(struct references *references, uint64_t ordinal, uint64_t hash, struct bytes content)
{
    struct memo *memo = references->memo;
    if (has_row(references, ordinal)) {
        references_change(references, ordinal, content);
        return;
    }
    struct reference *reference = make(references, ordinal, content);
    struct reference **place = window_make(&references->fresh, ordinal);
    *place = reference;
    locator_insert(&references->locator, hash, ordinal);
    references->count++;
    memo->digest = hash128_add(memo->digest, share_of(references, reference));
    memo->dirty_bytes += reference_bytes(content.size);
}

void
references_change(struct references *references, uint64_t ordinal, struct bytes content)
{
    struct memo *memo = references->memo;
    struct reference *old = references_get(references, ordinal);
    CHECK(old != NULL);
    struct reference *fresh = make(references, ordinal, content);
    memo->digest = hash128_sub(memo->digest, share_of(references, old));
    memo->digest = hash128_add(memo->digest, share_of(references, fresh));
    memo->dirty_bytes += reference_bytes(content.size);
    if (ordinal >= references->stored) {
        *fresh_place(references, ordinal) = fresh;
    } else {
        table_replace(&references->loaded, &old->node, &fresh->node);
        /* A row that was changed before in this generation stands in the list: the new block takes
         * its place there. */
        struct table_node **link = &references->dirty;
        if (old->generation == memo->generation) {
            while (*link != &old->node)
                link = &(*link)->dirty_next;
            fresh->node.dirty_next = old->node.dirty_next;
        } else {
            fresh->node.dirty_next = references->dirty;
        }
        *link = &fresh->node;
    }
    give(references, old);
}

bool
references_load(struct references *references, struct row row, struct fault *out_fault)
{
    uint64_t ordinal;
    struct bytes content;
    if (!row_open(row, &content, out_fault)) return false;
    if (!row_key_number(row.key, &ordinal) || ordinal >= references->stored) {
        return fault_set(out_fault, FAULT_DATA, "a reference row has an impossible number");
    }
    if (references_get(references, ordinal) != NULL) return true;
    struct reference *reference = slab_alloc(references->memo->slab, reference_bytes(content.size));
    if (reference == NULL)
        return fault_set(out_fault, FAULT_UNAVAILABLE,
                         "no memory to load an order: raise the memory limit");
    reference->node = (struct table_node){.key = ordinal};
    reference->generation = 0;
    reference->size = (uint32_t)content.size;
    memcpy(reference->content, content.data, content.size);
    table_insert(&references->loaded, &reference->node);
    return true;
}

void
references_checkpoint_begin(struct references *references, uint64_t next_ordinal)
{
    references->frozen = next_ordinal;
    references->frozen_dirty = table_sort(references->dirty);
    references->dirty = NULL;
}

static bool
yield(const struct reference *reference, struct row_key *out_key, struct writer *writer)
{
    *out_key = row_key_u64(ROW_REFERENCE, reference->node.key);
    writer_bytes(writer, bytes_of(reference->content, reference->size));
    return true;
}

bool
references_next(const struct references *references, uint64_t *cursor, struct row_key *out_key,
                struct writer *writer)
{
    if ((*cursor & CURSOR_FRESH) == 0) {
        const struct table_node *node =
            *cursor == 0 ? references->frozen_dirty
                         : ((const struct table_node *)(uintptr_t)*cursor)->dirty_next;
        if (node != NULL) {
            *cursor = (uint64_t)(uintptr_t)node;
            return yield((const struct reference *)node, out_key, writer);
        }
        *cursor = CURSOR_FRESH | references->stored;
    }
    for (uint64_t ordinal = *cursor & ~CURSOR_FRESH; ordinal < references->frozen; ordinal++) {
        struct reference **place = fresh_place(references, ordinal);
        if (place == NULL || *place == NULL) continue;
        *cursor = CURSOR_FRESH | (ordinal + 1);
        return yield(*place, out_key, writer);
    }
    *cursor = CURSOR_FRESH | references->frozen;
    return false;
}

/* Rows of the window are stored now and leave it; one that was changed meanwhile goes on as a
 * loaded, dirty row. */
void
references_checkpoint_end(struct references *references)
{
    for (uint64_t ordinal = references->stored; ordinal < references->frozen; ordinal++) {
        struct reference **place = fresh_place(references, ordinal);
        if (place == NULL || *place == NULL) continue;
        struct reference *reference = *place;
        *place = NULL;
        if (!memo_is_dirty(references->memo, reference->generation)) {
            give(references, reference);
            continue;
        }
        table_insert(&references->loaded, &reference->node);
        reference->node.dirty_next = references->dirty;
        references->dirty = &reference->node;
    }
    references->stored = references->frozen;
    references->frozen_dirty = NULL;
    window_release_below(&references->fresh, references->stored);
}

size_t
references_evict(struct references *references, size_t bytes)
{
    return release_loaded(references, bytes, true);
}

bool
reference_row_share(uint64_t seed, struct row row, struct hash128 *out_share,
                    struct fault *out_fault)
{
    struct bytes content;
    if (!row_open(row, &content, out_fault)) return false;
    *out_share = memo_share(seed, row.key, content);
    return true;
}
