/* The store as the state sees it: rows go to and come from the core's functions. */
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/region.h"
#include "engine/store/store_priv.h"

static bool
state_sink_put(void *context, struct row row, struct fault *out_fault)
{
    return state_put_row(context, row, out_fault);
}

static void
state_sink_absent(void *context, const struct need *need)
{
    state_put_absent(context, need);
}

bool
store_restore(struct store *store, struct state *state, struct fault *out_fault)
{
    /* The others are loaded on need. */
    static const enum row_family families[] = {ROW_META, ROW_RULEBOOK, ROW_DIRECTORY, ROW_IDENTITY};
    const struct store_sink sink = {.put = state_sink_put, .context = state};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (!store_scan_family(store, families[i], &sink, out_fault)) return false;
    return state_restored(state, out_fault);
}

bool
store_fetch(struct store *store, struct state *state, const struct needs *needs,
            struct fault *out_fault)
{
    const struct store_sink sink = {
        .put = state_sink_put, .absent = state_sink_absent, .context = state};
    return store_read_needs(store, needs, &sink, out_fault);
}

static bool
state_source_next(void *context, enum row_family family, uint64_t *cursor, struct row *out_row)
{
    return state_checkpoint_next(context, family, cursor, out_row);
}

bool
store_checkpoint_build(struct store *store, struct state *state, struct fault *out_fault)
{
    const struct store_source source = {.next = state_source_next, .context = state};
    return store_build_rows(store, &source, out_fault);
}

/* ---- Verification --------------------------------------------------------------------------- */

struct verify {
    uint8_t journal_id[JOURNAL_ID_BYTES];
    struct hash128 sum;
};

static bool
verify_put(void *context, struct row row, struct fault *out_fault)
{
    struct verify *verify = context;
    struct hash128 share;
    if (!row_digest(verify->journal_id, row, &share, out_fault)) return false;
    verify->sum = hash128_add(verify->sum, share);
    return true;
}

/* A restored state says what stands in no row, and what the digest was said to be. */
static bool
verify_with(struct store *store, struct state *state, struct hash128 *out_digest,
            struct fault *out_fault)
{
    struct state_info info;
    if (!store_restore(store, state, out_fault)) return false;
    state_info(state, &info);

    struct verify verify = {.sum = state_meta_digest(state)};
    memcpy(verify.journal_id, info.genesis.journal_id, sizeof verify.journal_id);
    const struct store_sink sink = {.put = verify_put, .context = &verify};
    for (const char *family = ROW_FAMILIES; *family != '\0'; family++)
        if (!store_scan_family(store, (enum row_family) * family, &sink, out_fault)) return false;
    if (!hash128_equal(verify.sum, info.digest)) {
        char rows[33], kept[33];
        hash128_format(verify.sum, rows);
        hash128_format(info.digest, kept);
        return fault_set(out_fault, FAULT_DATA,
                         "the store's rows have digest %s, and its META row says %s: a row is "
                         "missing or was altered; remove the store and let it be folded again",
                         rows, kept);
    }
    *out_digest = verify.sum;
    return true;
}

bool
store_verify(struct store *store, struct hash128 *out_digest, struct fault *out_fault)
{
    struct store_stats stats;
    store_stats(store, &stats);
    /* The directory and the rulebooks in memory are smaller than on disk but for the smallest
     * stores; what is not touched costs nothing. */
    struct region memory;
    if (!region_map(((size_t)256 << 20) + 2 * stats.bytes_on_disk, &memory, out_fault))
        return false;
    struct slab slab;
    slab_init(&slab, memory.memory, memory.size);
    struct state *state = NULL;
    const struct state_options options = {.expected_members = 0};
    bool sound = state_open(&slab, &options, &state, out_fault) &&
                 verify_with(store, state, out_digest, out_fault);
    state_close(state);
    region_unmap(&memory);
    return sound;
}
