/* The store as the state sees it: rows go to and come from the core's functions. */
#include "engine/base/check.h"
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
