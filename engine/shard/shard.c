/* The duty cycle: read, fold, publish, checkpoint, tick, answer. */
#include "engine/shard/shard.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/shard/shard_priv.h"

const char *
partition_phase_name(enum partition_phase phase)
{
    switch (phase) {
    case PARTITION_CLAIMING: return "claiming";
    case PARTITION_FOLDING: return "folding";
    case PARTITION_STOPPED: return "stopped";
    }
    UNREACHABLE();
}

static bool
shard_map_memory(struct shard *shard, struct fault *out_fault)
{
    /* Rows may exceed the limit while one entry is applied (a member of 100,000 lots grows): half
     * as much again is reserved as address space, and the limit itself is kept by checkpoints and
     * eviction between entries. */
    size_t slab_bytes =
        shard->options.memory_bytes + shard->options.memory_bytes / 2 + ((size_t)64 << 20);
    const struct {
        struct region *region;
        size_t size;
    } wanted[] = {
        {&shard->slab_region, slab_bytes},
        {&shard->entry_bytes_region, SHARD_ENTRY_ARENA_BYTES},
        {&shard->effect_bytes_region, SHARD_EFFECT_ARENA_BYTES},
        {&shard->entries_region, RECORD_ENTRIES_MAX * sizeof(struct entry)},
        {&shard->effects_region, EFFECTS_CAPACITY * sizeof(struct effect)},
        {&shard->record_region, SHARD_RECORD_BYTES},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!region_map(wanted[i].size, wanted[i].region, out_fault))
            return fault_wrap(out_fault, "memory of a shard");
    slab_init(&shard->slab, shard->slab_region.memory, shard->slab_region.size);
    arena_init(&shard->entries_arena, shard->entry_bytes_region.memory, SHARD_ENTRY_ARENA_BYTES);
    arena_init(&shard->effects_arena, shard->effect_bytes_region.memory, SHARD_EFFECT_ARENA_BYTES);
    shard->effects = (struct effects){
        .items = shard->effects_region.memory,
        .capacity = EFFECTS_CAPACITY,
        .arena = &shard->effects_arena,
    };
    return true;
}

bool
shard_open(const struct shard_options *options, const uint32_t *partitions, size_t count,
           struct shard **out_shard, struct fault *out_fault)
{
    struct shard *shard = calloc(1, sizeof *shard);
    CHECK(shard != NULL);
    shard->options = *options;
    shard->state_folder = strdup(options->state_folder);
    shard->owner_name = strdup(options->owner_name != NULL ? options->owner_name : "");
    shard->options.state_folder = shard->state_folder;
    shard->options.owner_name = shard->owner_name;
    shard->wall_ms = clock_wall_ms();
    if (!shard_map_memory(shard, out_fault)) goto fail;
    if (!options->journal->ops->open_reader(options->journal, &shard->reader, out_fault)) goto fail;
    if (options->outputs != NULL) {
        if (!options->journal->ops->open_appender(options->journal, &shard->appender, out_fault))
            goto fail;
        if (!options->outputs->ops->open_publisher(options->outputs, &shard->publisher, out_fault))
            goto fail;
    }
    shard->partitions = calloc(count, sizeof *shard->partitions);
    CHECK(shard->partitions != NULL || count == 0);
    shard->partition_count = count;
    for (size_t i = 0; i < count; i++)
        partition_open(shard, partitions[i], &shard->partitions[i]);
    for (size_t i = 0; i < count; i++)
        partition_start(&shard->partitions[i]);
    *out_shard = shard;
    return true;
fail:
    shard_close(shard);
    return false;
}

void
shard_close(struct shard *shard)
{
    shard_end_calls(shard);
    for (size_t i = 0; i < shard->partition_count; i++)
        partition_close(&shard->partitions[i]);
    if (shard->publisher != NULL) shard->publisher->ops->close(shard->publisher);
    if (shard->appender != NULL) shard->appender->ops->close(shard->appender);
    if (shard->reader != NULL) shard->reader->ops->close(shard->reader);
    region_unmap(&shard->slab_region);
    region_unmap(&shard->entry_bytes_region);
    region_unmap(&shard->effect_bytes_region);
    region_unmap(&shard->entries_region);
    region_unmap(&shard->effects_region);
    region_unmap(&shard->record_region);
    free(shard->partitions);
    free(shard->state_folder);
    free(shard->owner_name);
    free(shard);
}

struct partition *
shard_partition(struct shard *shard, uint32_t number)
{
    for (size_t i = 0; i < shard->partition_count; i++)
        if (shard->partitions[i].number == number) return &shard->partitions[i];
    return NULL;
}

size_t
shard_partition_count(const struct shard *shard)
{
    return shard->partition_count;
}

static void
shard_stop_all(struct shard *shard, const struct fault *fault)
{
    for (size_t i = 0; i < shard->partition_count; i++)
        if (shard->partitions[i].phase != PARTITION_STOPPED)
            partition_stop(&shard->partitions[i], fault);
}

/* Serves deliveries of the publisher and the appender. Trouble there concerns every partition of
 * the shard. */
static bool
shard_poll(struct shard *shard, int wait_ms)
{
    struct fault fault;
    if (shard->publisher == NULL) return true;
    if (!shard->publisher->ops->poll(shard->publisher, wait_ms, &fault) ||
        !shard->appender->ops->poll(shard->appender, 0, &fault)) {
        shard_stop_all(shard, &fault);
        return false;
    }
    return true;
}

/* Dirty rows near the limit of memory wait for a checkpoint, and a full pipe for acknowledgements:
 * then nothing is read. */
static bool
shard_must_wait(const struct shard *shard)
{
    if (shard->publisher != NULL &&
        shard->publisher->ops->in_flight(shard->publisher) >= SHARD_IN_FLIGHT_MAX)
        return true;
    return slab_used_bytes(&shard->slab) > shard->options.memory_bytes;
}

static bool
shard_read(struct shard *shard, int wait_ms)
{
    struct fault fault;
    shard->message_next = shard->message_count = 0;
    if (!shard->reader->ops->read(shard->reader, wait_ms, shard->messages, SHARD_BATCH_MESSAGES,
                                  &shard->message_count, &fault)) {
        shard_stop_all(shard, &fault);
        return false;
    }
    for (size_t i = 0; i < shard->partition_count; i++)
        shard->partitions[i].messages_stale = false;
    return true;
}

/* Takes what the last read brought, as far as memory and pipe allow: the rest stays for the next
 * cycle, whose checkpoints make room. */
static size_t
shard_take(struct shard *shard)
{
    size_t taken = 0;
    while (shard->message_next < shard->message_count && !shard_must_wait(shard)) {
        const struct journal_message *message = &shard->messages[shard->message_next++];
        struct partition *partition = shard_partition(shard, message->partition);
        CHECK(partition != NULL);
        taken++;
        if (partition->messages_stale) continue;
        if (partition->phase == PARTITION_CLAIMING)
            owner_skim(partition, message);
        else if (partition->phase == PARTITION_FOLDING)
            partition_take(partition, message);
    }
    return taken;
}

/* Waiting for a queue with room has an end when the shard was asked to end. */
bool
shard_may_wait(const struct shard *shard, int64_t since_ns, struct fault *out_fault)
{
    const struct shard_options *options = &shard->options;
    bool asked = false;
    for (size_t i = 0; i < sizeof options->stops / sizeof *options->stops; i++)
        asked |= options->stops[i] != NULL && atomic_load(options->stops[i]);
    if (!asked || clock_monotonic_ns() - since_ns < options->stop_wait_ms * 1000000) return true;
    return fault_set(out_fault, FAULT_TRY_AGAIN,
                     "a queue stayed full until the end; nothing is lost, the next start sends "
                     "again what is missing");
}

static void
shard_evict(struct shard *shard, size_t target)
{
    size_t used = slab_used_bytes(&shard->slab);
    for (size_t i = 0; i < shard->partition_count && used > target; i++) {
        struct partition *partition = &shard->partitions[i];
        if (partition->state != NULL)
            state_evict(partition->state, (used - target) / (shard->partition_count - i) + 1);
        shard->evictions++;
        used = slab_used_bytes(&shard->slab);
    }
}

/* Within a record: only what would go above the limit leaves memory. */
void
shard_make_room(struct shard *shard)
{
    size_t limit = shard->options.memory_bytes;
    if (slab_used_bytes(&shard->slab) > limit) shard_evict(shard, limit - limit / 8);
}

/* Above the limit, and no checkpoint that could make rows clean, now or later: to wait would be to
 * wait for ever. */
static void
shard_check_memory(struct shard *shard)
{
    struct fault fault;
    size_t used = slab_used_bytes(&shard->slab), limit = shard->options.memory_bytes;
    if (used <= limit) return;
    for (size_t i = 0; i < shard->partition_count && shard->options.checkpoints; i++) {
        struct partition *partition = &shard->partitions[i];
        if (partition->phase == PARTITION_FOLDING && !checkpoint_is_settled(partition)) return;
    }
    fault_set(&fault, FAULT_UNAVAILABLE,
              "the rows that must stay in memory take %zu bytes, and the limit of this shard is "
              "%zu: raise the memory limit",
              used, limit);
    shard_stop_all(shard, &fault);
}

size_t
shard_run_once(struct shard *shard, int64_t wall_ms, int wait_ms)
{
    shard->wall_ms = wall_ms;
    size_t work = call_run_once(shard);
    bool running = false;
    for (size_t i = 0; i < shard->partition_count; i++)
        running |= shard->partitions[i].phase != PARTITION_STOPPED;
    if (!running) {
        call_wait(shard, wait_ms);
        return work;
    }
    bool must_wait = shard_must_wait(shard);
    if (!shard_poll(shard, must_wait ? wait_ms : 0)) return work + 1;
    if (must_wait && shard->publisher == NULL) call_wait(shard, wait_ms);
    if (!must_wait && shard->message_next == shard->message_count && !shard_read(shard, wait_ms))
        return work + 1;
    work += shard_take(shard);
    for (size_t i = 0; i < shard->partition_count; i++) {
        struct partition *partition = &shard->partitions[i];
        if (partition->phase == PARTITION_CLAIMING) owner_claim_when_quiet(partition);
        if (partition->phase != PARTITION_FOLDING) continue;
        work += checkpoint_run_once(partition);
        owner_tick(partition);
    }
    shard_evict(shard, shard->options.memory_bytes - shard->options.memory_bytes / 8);
    shard_check_memory(shard);
    return work;
}

bool
shard_is_idle(struct shard *shard)
{
    for (size_t i = 0; i < shard->partition_count; i++) {
        struct partition *partition = &shard->partitions[i];
        if (partition->phase == PARTITION_STOPPED) continue;
        if (partition->phase != PARTITION_FOLDING) return false;
        partition_look_at_end(partition);
        if (partition->read_offset < partition->journal_end) return false;
    }
    return shard->publisher == NULL ||
           (shard->publisher->ops->in_flight(shard->publisher) == 0 &&
            shard->appender->ops->acked(shard->appender) == shard->appended);
}

bool
shard_settle(struct shard *shard, int64_t wait_ms)
{
    int64_t deadline_ns = clock_monotonic_ns() + wait_ms * 1000000;
    for (;;) {
        bool settled = true;
        shard->wall_ms = clock_wall_ms();
        if (!shard_poll(shard, 1)) return false;
        for (size_t i = 0; i < shard->partition_count; i++) {
            struct partition *partition = &shard->partitions[i];
            if (partition->phase != PARTITION_FOLDING || checkpoint_is_settled(partition)) continue;
            partition->checkpoint_asked = true;
            checkpoint_run_once(partition);
            settled &= partition->phase != PARTITION_FOLDING || checkpoint_is_settled(partition);
        }
        if (settled) return true;
        if (clock_monotonic_ns() >= deadline_ns) return false;
        if (shard->publisher == NULL) call_wait(shard, 1); /* for compaction to catch up */
    }
}
