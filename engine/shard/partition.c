/* One partition: from its store and journal position to folded records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/crash.h"
#include "engine/base/hash.h"
#include "engine/shard/shard_priv.h"

void
partition_stop(struct partition *partition, const struct fault *fault)
{
    struct shard *shard = partition->shard;
    if (partition->phase == PARTITION_STOPPED) return;
    partition->phase = PARTITION_STOPPED;
    partition->fault = *fault;
    shard->effects.count = 0;
    arena_reset_to(shard->effects.arena, 0);
    publish_end(partition);
    if (partition->checkpoint_built) store_checkpoint_abandon(partition->store);
    partition->checkpoint_built = false;
    shard->reader->ops->revoke(shard->reader, partition->number);
}

/* Never waits for a broker: a shard must fold, answer and end while there is none. */
void
partition_look_at_end(struct partition *partition)
{
    struct journal *journal = partition->shard->options.journal;
    struct journal_reader *reader = partition->shard->reader;
    struct fault fault;
    int64_t first, end = -1;
    if (reader->ops->known_end != NULL)
        end = reader->ops->known_end(reader, partition->number);
    else if (!journal->ops->bounds(journal, partition->number, &first, &end, &fault))
        return;
    if (end > partition->journal_end) partition->journal_end = end;
    if (partition->read_offset > partition->journal_end)
        partition->journal_end = partition->read_offset;
}

/* The checkpoint must continue this journal and no other: its anchor is the hash of the last record
 * it folded. */
static bool
partition_check_anchor(struct partition *partition, const struct state_info *info, int64_t first,
                       int64_t end, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct journal_reader *reader = shard->reader;
    if (info->next_offset > end)
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u: the journal ends at offset %lld, but the store has folded "
                         "up to %lld: the journal was cut "
                         "or exchanged; restore it, or remove the partition's folder to rebuild "
                         "from this journal",
                         partition->number, (long long)end, (long long)info->next_offset);
    if (info->next_offset == 0 && first == 0) return true;
    int64_t anchor = info->next_offset > 0 ? info->next_offset - 1 : 0;
    if (anchor < first)
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u: the journal begins at offset %lld, but offset %lld is "
                         "needed: retention removed it; a journal is kept whole",
                         partition->number, (long long)first, (long long)anchor);
    if (!reader->ops->assign(reader, partition->number, anchor, out_fault)) return false;
    for (;;) {
        struct journal_message message;
        size_t count;
        if (!reader->ops->read(reader, 1000, &message, 1, &count, out_fault)) return false;
        if (count == 0 || message.partition != partition->number) continue;
        if (message.offset != anchor || hash64(message.payload, 0) != info->anchor)
            return fault_set(out_fault, FAULT_DATA,
                             "partition %u: the record at offset %lld is not the one that the "
                             "store has folded: this store "
                             "belongs to another journal",
                             partition->number, (long long)anchor);
        return true;
    }
}

static bool
partition_open_state(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    char path[4096], note[256] = "";
    struct store_options store_options = {
        .cache_bytes = shard->options.memory_bytes / 8 / shard->partition_count + (1 << 20),
        .create = shard->options.checkpoints,
        .read_only = !shard->options.checkpoints,
    };
    struct state_options state_options = {
        .expected_members = shard->options.expected_members,
        .expected_identities = shard->options.expected_identities,
    };
    snprintf(path, sizeof path, "%s/p%03u", shard->options.state_folder, partition->number);
    if (!state_open(&shard->slab, &state_options, &partition->state, out_fault)) return false;
    if (!store_open(path, &store_options, &partition->store, note, out_fault)) {
        /* A look where nobody has run yet folds the journal from its beginning. */
        partition->store = NULL;
        return !shard->options.checkpoints && out_fault->kind == FAULT_NO_INPUT;
    }
    return store_restore(partition->store, partition->state, out_fault);
}

static bool
partition_begin(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct journal *journal = shard->options.journal;
    struct state_info info;
    int64_t first, end;
    if (!partition_open_state(partition, out_fault) ||
        !journal->ops->bounds(journal, partition->number, &first, &end, out_fault))
        return false;
    state_info(partition->state, &info);
    partition->open_end = partition->journal_end = end;
    if (end == 0)
        return fault_set(
            out_fault, FAULT_NO_INPUT,
            "partition %u: the journal has no record 0; make it with 'tally journal create'",
            partition->number);
    if (!partition_check_anchor(partition, &info, first, end, out_fault)) return false;
    shard->reader->ops->revoke(shard->reader, partition->number);
    return true;
}

/* After all partitions of the shard are open: nothing else reads from the shard's reader while
 * anchors are looked at. */
static bool
partition_start_reading(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct state_info info;
    state_info(partition->state, &info);
    partition->read_offset = info.next_offset;
    if (!shard->reader->ops->assign(shard->reader, partition->number, info.next_offset, out_fault))
        return false;
    if (shard->publisher != NULL) return owner_begin(partition, out_fault);
    partition->phase = PARTITION_FOLDING;
    return true;
}

void
partition_start(struct partition *partition)
{
    struct fault fault;
    if (partition->phase != PARTITION_STOPPED && !partition_start_reading(partition, &fault))
        partition_stop(partition, &fault);
}

void
partition_open(struct shard *shard, uint32_t number, struct partition *partition)
{
    struct fault fault;
    *partition = (struct partition){
        .number = number,
        .shard = shard,
        .phase = PARTITION_CLAIMING,
        .tick_unread_offset = -1,
        .last_checkpoint_ms = shard->wall_ms,
        .last_take_ms = shard->wall_ms,
        .last_tick_ms = shard->wall_ms,
    };
    if (!partition_begin(partition, &fault)) partition_stop(partition, &fault);
}

void
partition_close(struct partition *partition)
{
    publish_end(partition);
    if (partition->state != NULL) state_close(partition->state);
    if (partition->store != NULL) store_close(partition->store);
    partition->state = NULL;
    partition->store = NULL;
}

bool
partition_load(struct partition *partition, const struct needs *needs, struct fault *out_fault)
{
    for (size_t i = 0; partition->store == NULL && i < needs->count; i++)
        state_put_absent(partition->state, &needs->items[i]);
    if (partition->store != NULL &&
        !store_fetch(partition->store, partition->state, needs, out_fault))
        return fault_wrap(out_fault, "partition %u: reading the store", partition->number);
    return true;
}

/* Due work of members that no event touches, after one entry; effects are drained between slices.
 */
static bool
partition_run_due(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    for (;;) {
        shard->needs.count = 0;
        switch (fold_due(partition->state, SHARD_DUE_SLICE, &shard->effects, &shard->needs)) {
        case DUE_DONE: return true;
        case DUE_MORE: break;
        case DUE_NEEDS:
            shard_make_room(shard);
            if (!partition_load(partition, &shard->needs, out_fault)) return false;
            break;
        }
        if (shard->effects.count >= SHARD_EFFECTS_DRAIN && !publish_drain(partition, out_fault))
            return false;
    }
}

static bool
partition_apply(struct partition *partition, const struct entry *entry, struct position position,
                int64_t append_ms, bool ready, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    while (!ready) {
        shard->needs.count = 0;
        fold_needs(partition->state, entry, append_ms, &shard->needs);
        if (shard->needs.count == 0) break;
        if (!partition_load(partition, &shard->needs, out_fault)) return false;
    }
    if (!fold_apply(partition->state, entry, position, append_ms, &shard->effects, out_fault))
        return fault_wrap(out_fault, "partition %u, offset %lld, entry %u", partition->number,
                          (long long)position.offset, position.index);
    if (entry->kind == ENTRY_CLAIM && !owner_still_owns(partition, out_fault)) return false;
    if (!partition_run_due(partition, out_fault)) return false;
    if (shard->effects.count >= SHARD_EFFECTS_DRAIN) return publish_drain(partition, out_fault);
    return true;
}

/* Loads what the entries of a record will need in few large reads, and says which of them needed
 * nothing: those need not be asked again. */
static bool
partition_load_ahead(struct partition *partition, const struct entry *entries, size_t count,
                     int64_t append_ms, bool *out_ready, struct fault *out_fault)
{
    struct needs *needs = &partition->shard->needs;
    needs->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t before = needs->count;
        fold_needs(partition->state, &entries[i], append_ms, needs);
        out_ready[i] = needs->count == before && needs->count < NEEDS_MAX;
        if (needs->count > NEEDS_MAX / 2 || (i + 1 == count && needs->count > 0)) {
            if (!partition_load(partition, needs, out_fault)) return false;
            needs->count = 0;
        }
    }
    return true;
}

/* A broker, or a machine, whose clock is far ahead must not make everything expire. */
static bool
partition_check_clock(struct partition *partition, const struct journal_message *message,
                      struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct state_info info;
    if (shard->publisher == NULL || message->append_ms <= shard->wall_ms + SHARD_CLOCK_AHEAD_MAX_MS)
        return true;
    state_info(partition->state, &info);
    if (!info.has_genesis || info.time_kind != TIME_APPEND) return true;
    return fault_set(out_fault, FAULT_DATA,
                     "partition %u, offset %lld: the record is stamped %lld s ahead of this "
                     "machine's clock; set the clocks of "
                     "broker and engine right, then start again",
                     partition->number, (long long)message->offset,
                     (long long)(message->append_ms - shard->wall_ms) / 1000);
}

enum { PARTITION_AHEAD = 64 }; /* entries looked ahead at once */

static bool
partition_fold_record(struct partition *partition, const struct journal_message *message,
                      struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct entry *entries = shard->entries_region.memory;
    bool ready[PARTITION_AHEAD];
    uint64_t evictions = 0;
    size_t count;
    arena_reset_to(&shard->entries_arena, 0);
    if (!partition_check_clock(partition, message, out_fault)) return false;
    if (!shard->options.decoder->decode(shard->options.decoder, message->payload,
                                        &shard->entries_arena, entries, RECORD_ENTRIES_MAX, &count,
                                        out_fault))
        return fault_wrap(out_fault, "partition %u, offset %lld", partition->number,
                          (long long)message->offset);
    if (!state_reserve(partition->state, count, out_fault)) return false;
    for (size_t i = 0; i < count; i++) {
        if (i % PARTITION_AHEAD == 0) {
            size_t ahead = count - i < PARTITION_AHEAD ? count - i : PARTITION_AHEAD;
            shard_make_room(shard);
            fold_prefetch(partition->state, entries + i, ahead);
            if (!partition_load_ahead(partition, entries + i, ahead, message->append_ms, ready,
                                      out_fault))
                return false;
            evictions = shard->evictions;
        }
        struct position position = {.offset = message->offset, .index = (uint32_t)i};
        /* Due work of others may have made room since: what was in memory then need not be now. */
        bool still_ready = ready[i % PARTITION_AHEAD] && shard->evictions == evictions;
        if (!partition_apply(partition, &entries[i], position, message->append_ms, still_ready,
                             out_fault))
            return false;
    }
    CRASH_POINT("fold.record");
    return publish_drain(partition, out_fault);
}

void
partition_take(struct partition *partition, const struct journal_message *message)
{
    struct fault fault;
    if (message->offset < partition->read_offset) return; /* fetched before an assign */
    if (!partition_fold_record(partition, message, &fault)) {
        partition_stop(partition, &fault);
        return;
    }
    state_record_done(partition->state, message->offset, hash64(message->payload, 0));
    partition->read_offset = message->offset + 1;
    partition->last_take_ms = partition->shard->wall_ms;
    partition->next_due_ms = 0; /* something may have become due earlier: ask again */
}
