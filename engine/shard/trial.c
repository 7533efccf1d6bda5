#include "engine/shard/trial.h"

#include <string.h>

#include "engine/base/check.h"

enum {
    SLAB_BYTES = 256 << 20, /* reserved, touched only as far as used */
    TEXTS_BYTES = 256 << 20,
    VIEW_BYTES = 64 << 20,
    ENTRIES_AHEAD = 1,
    DUE_SLICE = 1 << 20,
};

static const uint8_t JOURNAL_ID[JOURNAL_ID_BYTES] = "a trial in memor";

/* ---- Entries ---- */

/* Nothing is stored: every row that is asked for is absent. */
static void
answer_needs(struct trial *trial)
{
    for (size_t i = 0; i < trial->needs.count; i++)
        state_put_absent(trial->state, &trial->needs.items[i]);
    trial->needs.count = 0;
}

static bool
apply(struct trial *trial, const struct entry *entry, struct fault *out_fault)
{
    struct position position = {.offset = trial->offset};
    arena_reset_to(&trial->texts, 0);
    if (!state_reserve(trial->state, ENTRIES_AHEAD, out_fault)) return false;
    for (;;) {
        fold_needs(trial->state, entry, entry->journal_time.ms, &trial->needs);
        if (trial->needs.count == 0) break;
        answer_needs(trial);
    }
    return fold_apply(trial->state, entry, position, entry->journal_time.ms, &trial->effects,
                      out_fault);
}

/* The due work after an entry, which ends with it. Texts of the entry's own effects stay. */
static void
work_off(struct trial *trial)
{
    for (enum due_result result = DUE_MORE; result != DUE_DONE;) {
        trial->effects.count = 0;
        result = fold_due(trial->state, DUE_SLICE, &trial->effects, &trial->needs);
        if (result == DUE_NEEDS) answer_needs(trial);
    }
    trial->effects.count = 0;
    state_record_done(trial->state, trial->offset++, 0);
}

/* ---- The ledger ---- */

static bool
map_all(struct trial *trial, struct fault *out_fault)
{
    return region_map(SLAB_BYTES, &trial->slab_region, out_fault) &&
           region_map(EFFECTS_CAPACITY * sizeof(struct effect), &trial->effects_region,
                      out_fault) &&
           region_map(TEXTS_BYTES, &trial->texts_region, out_fault) &&
           region_map(VIEW_BYTES, &trial->view_region, out_fault);
}

static bool
begin(struct trial *trial, struct fault *out_fault)
{
    struct entry entry = {
        .kind = ENTRY_GENESIS,
        .genesis = {.format = JOURNAL_FORMAT,
                    .law = LAW_VERSION,
                    .programme = BYTES_LITERAL("trial"),
                    .partition_count = 1,
                    .time_kind = TIME_RECORD},
    };
    memcpy(entry.genesis.journal_id, JOURNAL_ID, JOURNAL_ID_BYTES);
    if (!apply(trial, &entry, out_fault)) return false;
    work_off(trial);
    return true;
}

bool
trial_open(struct trial *trial, struct fault *out_fault)
{
    struct state_options options = {.expected_members = 64, .expected_identities = 256};
    *trial = (struct trial){0};
    if (!map_all(trial, out_fault)) goto fail;
    slab_init(&trial->slab, trial->slab_region.memory, trial->slab_region.size);
    arena_init(&trial->texts, trial->texts_region.memory, trial->texts_region.size);
    arena_init(&trial->view, trial->view_region.memory, trial->view_region.size);
    trial->effects =
        (struct effects){trial->effects_region.memory, 0, EFFECTS_CAPACITY, &trial->texts};
    if (!state_open(&trial->slab, &options, &trial->state, out_fault)) goto fail;
    if (!begin(trial, out_fault)) goto fail;
    return true;
fail:
    trial_close(trial);
    return false;
}

void
trial_close(struct trial *trial)
{
    if (trial->state != NULL) state_close(trial->state);
    region_unmap(&trial->slab_region);
    region_unmap(&trial->effects_region);
    region_unmap(&trial->texts_region);
    region_unmap(&trial->view_region);
    trial->state = NULL;
}

bool
trial_activate(struct trial *trial, const struct activation *activation, struct instant at,
               struct fault *out_fault)
{
    struct entry entry = {.kind = ENTRY_ACTIVATION, .journal_time = at, .activation = *activation};
    if (!apply(trial, &entry, out_fault)) return false;
    work_off(trial);
    return true;
}

bool
trial_tell(struct trial *trial, struct entry entry, struct instant at, struct outcome *out_outcome,
           struct fault *out_fault)
{
    entry.journal_time = at;
    if (!apply(trial, &entry, out_fault)) return false;
    /* A further answer to an earlier event may stand among the effects; the event's own comes last.
     */
    for (size_t i = trial->effects.count; i > 0; i--) {
        const struct effect *effect = &trial->effects.items[i - 1];
        if (effect->topic != TOPIC_OUTCOMES || effect->outcome.further) continue;
        *out_outcome = effect->outcome;
        break;
    }
    work_off(trial);
    return true;
}

bool
trial_pass(struct trial *trial, struct instant until, struct fault *out_fault)
{
    int64_t next_ms;
    do {
        struct entry entry = {.kind = ENTRY_TICK, .journal_time = until};
        if (!apply(trial, &entry, out_fault)) return false;
        work_off(trial);
    } while (state_due_by(trial->state, until.ms, &next_ms));
    return true;
}

bool
trial_look(struct trial *trial, struct bytes key, struct member_view *out_view)
{
    arena_reset_to(&trial->view, 0);
    for (;;) {
        switch (member_lookup(trial->state, key, &trial->view, out_view, &trial->needs)) {
        case LOOKUP_FOUND: return true;
        case LOOKUP_UNKNOWN: return false;
        case LOOKUP_NEEDS: answer_needs(trial); break;
        }
    }
}
