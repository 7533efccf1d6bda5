/*
 * The content of family 'i': per event, by ordinal from the one in the key, 32 bytes: hash (u64
 * low, u64 high), u64 content hash, u8 verdict, 7 bytes reference hash; little-endian. Chunks may
 * be of any length up to 256, so the digest takes each identity alone, under the key of its own
 * ordinal.
 */
#include "engine/core/identity.h"

#include <string.h>

enum { CANDIDATES_MAX = 64 };

static_assert(sizeof(struct identity) == 32, "persisted layout");
static_assert((int)IDENTITY_CHUNK_MAX == (int)WINDOW_PAGE_ITEMS, "a chunk is at most a page");

bool
identities_open(struct identities *identities, struct memo *memo, uint64_t expected,
                struct fault *out_fault)
{
    *identities = (struct identities){.memo = memo, .next = 1, .stored = 1, .frozen = 1};
    if (!locator_init(&identities->locator, expected, out_fault))
        return fault_wrap(out_fault, "identities");
    window_init(&identities->fresh, memo, sizeof(struct identity));
    identities->cache_capacity = IDENTITY_CACHE_CHUNKS;
    identities->cache = memo_take(memo, IDENTITY_CACHE_CHUNKS * sizeof identities->cache[0]);
    return true;
}

size_t
identities_trim(struct identities *identities, size_t keep)
{
    size_t drop = identities->cache_count > keep ? identities->cache_count - keep : 0, freed = 0;
    for (size_t i = 0; i < drop; i++) {
        size_t bytes = identities->cache[i].count * sizeof(struct identity);
        freed += slab_class_size(bytes);
        memo_give(identities->memo, identities->cache[i].items, bytes);
    }
    identities->cache_count -= drop;
    memmove(identities->cache, identities->cache + drop,
            identities->cache_count * sizeof identities->cache[0]);
    return freed;
}

void
identities_close(struct identities *identities)
{
    locator_fini(&identities->locator);
    window_fini(&identities->fresh);
    if (identities->cache == NULL) return;
    identities_trim(identities, 0);
    memo_give(identities->memo, identities->cache,
              identities->cache_capacity * sizeof identities->cache[0]);
    identities->cache = NULL;
}

struct hash128
identity_hash(const struct memo *memo, struct bytes source, struct bytes id)
{
    uint8_t text[1 + 2 * EVENT_ID_BYTES_MAX];
    CHECK(source.size <= EVENT_ID_BYTES_MAX && id.size <= EVENT_ID_BYTES_MAX);
    text[0] = (uint8_t)source.size;
    if (source.size > 0) memcpy(text + 1, source.data, source.size);
    if (id.size > 0) memcpy(text + 1 + source.size, id.data, id.size);
    return hash128(bytes_of(text, 1 + source.size + id.size), memo->seed);
}

static const struct identity *
cached(const struct identities *identities, uint64_t ordinal)
{
    for (size_t i = 0; i < identities->cache_count; i++) {
        const struct identity_chunk *chunk = &identities->cache[i];
        if (ordinal - chunk->first < chunk->count) return &chunk->items[ordinal - chunk->first];
    }
    return NULL;
}

static void
need_chunk(uint64_t ordinal, struct needs *needs)
{
    CHECK(needs != NULL); /* an apply finds every row in memory: fold_needs has named it */
    if (needs->count == NEEDS_MAX) return;
    struct need *need = &needs->items[needs->count++];
    struct row_key key = row_key_u64(ROW_IDENTITY, ordinal);
    *need = (struct need){.mode = NEED_FLOOR, .key_size = key.size};
    memcpy(need->key, key.data, key.size);
}

enum identity_found
identities_find(const struct identities *identities, struct hash128 hash, struct needs *needs,
                struct identity *out_identity, uint64_t *out_ordinal)
{
    uint64_t ordinals[CANDIDATES_MAX];
    size_t count = locator_find(&identities->locator, hash.lo, ordinals, CANDIDATES_MAX);
    enum identity_found found = IDENTITY_NEW;
    CHECK(count < CANDIDATES_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct identity *identity = ordinals[i] >= identities->stored
                                              ? window_at(&identities->fresh, ordinals[i])
                                              : cached(identities, ordinals[i]);
        if (identity == NULL) {
            need_chunk(ordinals[i], needs);
            found = IDENTITY_COLD;
        } else if (hash128_equal(identity->hash, hash)) {
            *out_identity = *identity;
            *out_ordinal = ordinals[i];
            return IDENTITY_KNOWN;
        }
    }
    return found;
}

static struct hash128
share_of(uint64_t seed, const struct identity *identity, uint64_t ordinal)
{
    struct row_key key = row_key_u64(ROW_IDENTITY, ordinal);
    return memo_share(seed, row_key_span(&key), bytes_of(identity, sizeof *identity));
}

uint64_t
identities_add(struct identities *identities, const struct identity *identity)
{
    struct memo *memo = identities->memo;
    uint64_t ordinal = identities->next++;
    struct identity *place = window_make(&identities->fresh, ordinal);
    *place = *identity;
    locator_insert(&identities->locator, identity->hash.lo, ordinal);
    memo->digest = hash128_add(memo->digest, share_of(memo->seed, identity, ordinal));
    memo->dirty_bytes += sizeof *identity;
    return ordinal;
}

/* The entries of a chunk, which the seal has verified. */
static bool
open_chunk(struct row row, uint64_t *out_first, struct bytes *out_content, struct fault *out_fault)
{
    if (!row_open(row, out_content, out_fault)) return false;
    size_t size = out_content->size;
    if (!row_key_number(row.key, out_first) || *out_first == 0 ||
        size % sizeof(struct identity) != 0 ||
        size > IDENTITY_CHUNK_MAX * sizeof(struct identity)) {
        return fault_set(out_fault, FAULT_DATA,
                         "a row of identities has an impossible number or size");
    }
    return true;
}

bool
identities_restore(struct identities *identities, struct row row, struct locator *references,
                   struct fault *out_fault)
{
    uint64_t first;
    struct bytes content;
    if (!open_chunk(row, &first, &content, out_fault)) return false;
    if (first != identities->stored) {
        return fault_set(out_fault, FAULT_DATA, "the identities from ordinal %llu are missing",
                         (unsigned long long)identities->stored);
    }
    size_t count = content.size / sizeof(struct identity);
    if (!locator_reserve(&identities->locator, count, out_fault))
        return fault_wrap(out_fault, "identities");
    if (!locator_reserve(references, count, out_fault)) return fault_wrap(out_fault, "references");
    for (size_t i = 0; i < count; i++) {
        struct identity identity;
        memcpy(&identity, content.data + i * sizeof identity, sizeof identity);
        locator_insert(&identities->locator, identity.hash.lo, first + i);
        uint64_t reference = identity.verdict_and_reference & ~UINT64_C(0xff);
        if (reference != 0) locator_insert(references, reference, first + i);
    }
    identities->next = identities->stored = identities->frozen = first + count;
    return true;
}

bool
identities_load(struct identities *identities, struct row row, struct fault *out_fault)
{
    uint64_t first;
    struct bytes content;
    if (!open_chunk(row, &first, &content, out_fault)) return false;
    if (cached(identities, first) != NULL) return true;
    struct identity *items = slab_alloc(identities->memo->slab, content.size);
    if (items == NULL)
        return fault_set(out_fault, FAULT_UNAVAILABLE,
                         "no memory to load identities: raise the memory limit");
    memcpy(items, content.data, content.size);
    if (identities->cache_count == identities->cache_capacity) {
        size_t bytes = identities->cache_capacity * sizeof identities->cache[0];
        identities->cache = memo_resize(identities->memo, identities->cache, bytes, 2 * bytes);
        identities->cache_capacity *= 2;
    }
    identities->cache[identities->cache_count++] =
        (struct identity_chunk){first, (uint32_t)(content.size / sizeof *items), items};
    return true;
}

bool
identities_next(const struct identities *identities, uint64_t *cursor, struct row_key *out_key,
                struct writer *writer)
{
    uint64_t ordinal = *cursor == 0 ? identities->stored : *cursor;
    if (ordinal >= identities->frozen) return false;
    *out_key = row_key_u64(ROW_IDENTITY, ordinal);
    for (size_t i = 0; i < IDENTITY_CHUNK_MAX && ordinal < identities->frozen; i++, ordinal++) {
        writer_bytes(writer,
                     bytes_of(window_at(&identities->fresh, ordinal), sizeof(struct identity)));
    }
    *cursor = ordinal;
    return true;
}

void
identities_checkpoint_end(struct identities *identities)
{
    identities->stored = identities->frozen;
    window_release_below(&identities->fresh, identities->stored);
}

bool
identity_row_share(uint64_t seed, struct row row, struct hash128 *out_share,
                   struct fault *out_fault)
{
    uint64_t first;
    struct bytes content;
    struct hash128 sum = {0};
    if (!open_chunk(row, &first, &content, out_fault)) return false;
    for (size_t i = 0; i * sizeof(struct identity) < content.size; i++) {
        struct identity identity;
        memcpy(&identity, content.data + i * sizeof identity, sizeof identity);
        sum = hash128_add(sum, share_of(seed, &identity, first + i));
    }
    *out_share = sum;
    return true;
}
