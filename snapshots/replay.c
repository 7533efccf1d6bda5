#include "snapshots/replay.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/store/store.h"

enum {
    REPLAY_PROGRESS_MS = 100,
    REPLAY_WAIT_MS = 5,
    REPLAY_SETTLE_MS = 10 * 60 * 1000,
    REPLAY_PATH_BYTES = 4096
};

struct replay_shard {
    struct replay *replay;
    struct shard *shard;
    uint32_t partitions[PARTITIONS_MAX];
    uint32_t partition_count;
    pthread_t thread;
    bool started;
    atomic_ullong
        entries; /* folded so far; written by the shard's thread, read for progress only */
};

struct replay {
    const struct replay_options *options;
    struct replay_shard *shards;
    uint32_t shard_count;
    pthread_mutex_t lock; /* of `running`; no shard ever waits for it while it folds */
    pthread_cond_t ended;
    uint32_t running;
};

static bool
replay_is_stopped(const struct replay *replay)
{
    return replay->options->stop != NULL && atomic_load(replay->options->stop);
}

static void
replay_count(struct replay_shard *shard)
{
    uint64_t entries = 0;
    for (uint32_t i = 0; i < shard->partition_count; i++) {
        struct partition_status status;
        partition_status(shard_partition(shard->shard, shard->partitions[i]), &status);
        entries += status.info.entries;
    }
    atomic_store_explicit(&shard->entries, entries, memory_order_relaxed);
}

static void *
replay_run_shard(void *argument)
{
    struct replay_shard *shard = argument;
    struct replay *replay = shard->replay;
    int64_t counted_ms = 0;
    for (;;) {
        int64_t now_ms = clock_wall_ms();
        size_t work = shard_run_once(shard->shard, now_ms, REPLAY_WAIT_MS);
        if (now_ms - counted_ms >= REPLAY_PROGRESS_MS) {
            replay_count(shard);
            counted_ms = now_ms;
        }
        if (replay_is_stopped(replay) || (work == 0 && shard_is_idle(shard->shard))) break;
    }
    shard_settle(shard->shard, REPLAY_SETTLE_MS);
    replay_count(shard);
    shard_end_calls(shard->shard);
    pthread_mutex_lock(&replay->lock);
    replay->running--;
    pthread_cond_signal(&replay->ended);
    pthread_mutex_unlock(&replay->lock);
    return NULL;
}

static bool
replay_open(struct replay *replay, struct fault *out_fault)
{
    const struct replay_options *options = replay->options;
    uint32_t partitions = options->journal->ops->partition_count(options->journal);
    uint32_t shards =
        options->shards != 0 ? options->shards : (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    replay->shard_count = shards < partitions ? shards : partitions;
    replay->shards = calloc(replay->shard_count, sizeof *replay->shards);
    CHECK(replay->shards != NULL);
    for (uint32_t partition = 0; partition < partitions; partition++) {
        struct replay_shard *shard = &replay->shards[partition % replay->shard_count];
        shard->partitions[shard->partition_count++] = partition;
    }
    for (uint32_t i = 0; i < replay->shard_count; i++) {
        struct replay_shard *shard = &replay->shards[i];
        struct shard_options shard_options = {
            .state_folder = options->folder,
            .journal = options->journal,
            .decoder = options->decoder,
            .memory_bytes = options->memory_bytes / replay->shard_count,
            .checkpoint_records = options->checkpoint_records,
            .checkpoint_ms = INT64_MAX / 2,
            .checkpoints = true,
        };
        shard->replay = replay;
        if (!shard_open(&shard_options, shard->partitions, shard->partition_count, &shard->shard,
                        out_fault))
            return false;
    }
    return true;
}

/* Waits for the shards, saying how far they are. */
static void
replay_wait(struct replay *replay)
{
    pthread_mutex_lock(&replay->lock);
    while (replay->running > 0) {
        int64_t until_ns = clock_monotonic_ns() + REPLAY_PROGRESS_MS * INT64_C(1000000);
        struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
        pthread_cond_timedwait(&replay->ended, &replay->lock, &until);
        uint64_t entries = 0;
        for (uint32_t i = 0; i < replay->shard_count; i++)
            entries += atomic_load_explicit(&replay->shards[i].entries, memory_order_relaxed);
        if (replay->options->progress != NULL)
            replay->options->progress(replay->options->context, entries);
    }
    pthread_mutex_unlock(&replay->lock);
}

static void
replay_fold(struct replay *replay)
{
    replay->running = replay->shard_count;
    for (uint32_t i = 0; i < replay->shard_count; i++) {
        struct replay_shard *shard = &replay->shards[i];
        CHECK(pthread_create(&shard->thread, NULL, replay_run_shard, shard) == 0);
        shard->started = true;
    }
    replay_wait(replay);
    for (uint32_t i = 0; i < replay->shard_count; i++)
        pthread_join(replay->shards[i].thread, NULL);
}

static void
replay_copy_totals(struct replay_totals *totals, struct partition *partition)
{
    totals->count = partition_totals(partition, totals->totals, PROGRAM_CURRENCIES_MAX);
    for (size_t i = 0; i < totals->count; i++) {
        struct bytes name = totals->totals[i].currency;
        CHECK(name.size <= sizeof totals->names[i]);
        memcpy(totals->names[i], name.data, name.size);
        totals->totals[i].currency = bytes_of(totals->names[i], name.size);
    }
}

/* Statuses and totals of every partition, while the shards are still open. */
static bool
replay_collect(struct replay *replay, struct replay_result *result, struct fault *out_fault)
{
    uint32_t count = result->partition_count;
    for (uint32_t i = 0; i < count; i++) {
        struct partition *partition =
            shard_partition(replay->shards[i % replay->shard_count].shard, i);
        partition_status(partition, &result->partitions[i]);
        replay_copy_totals(&result->totals[i], partition);
        if (result->partitions[i].phase == PARTITION_STOPPED) {
            *out_fault = result->partitions[i].fault;
            return false;
        }
    }
    if (replay_is_stopped(replay))
        return fault_set(out_fault, FAULT_TRY_AGAIN, "stopped before the journal's end");
    return true;
}

static bool
replay_verify(const struct replay_options *options, const struct replay_result *result,
              struct fault *out_fault)
{
    for (uint32_t i = 0; i < result->partition_count; i++) {
        char path[REPLAY_PATH_BYTES], kept[33], found[33];
        struct store_options store_options = {.cache_bytes = (size_t)8 << 20, .read_only = true};
        struct store *store;
        struct hash128 digest;
        snprintf(path, sizeof path, "%s/p%03u", options->folder, i);
        if (!store_open(path, &store_options, &store, NULL, out_fault)) return false;
        bool ok = store_verify(store, &digest, out_fault);
        store_close(store);
        if (!ok) return fault_wrap(out_fault, "partition %u", i);
        hash128_format(result->partitions[i].info.digest, kept);
        hash128_format(digest, found);
        if (!hash128_equal(digest, result->partitions[i].info.digest))
            return fault_set(out_fault, FAULT_DATA,
                             "partition %u: the digest kept is %s, its rows give %s", i, kept,
                             found);
    }
    return true;
}

bool
replay_run(const struct replay_options *options, struct fault *out_fault)
{
    struct replay replay = {.options = options};
    struct replay_result result = {.partition_count =
                                       options->journal->ops->partition_count(options->journal)};
    pthread_condattr_t monotonic;
    pthread_mutex_init(&replay.lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&replay.ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    result.partitions = calloc(result.partition_count, sizeof *result.partitions);
    result.totals = calloc(result.partition_count, sizeof *result.totals);
    CHECK(result.partitions != NULL && result.totals != NULL);
    bool ok = replay_open(&replay, out_fault);
    if (ok) {
        replay_fold(&replay);
        ok = replay_collect(&replay, &result, out_fault);
    }
    if (ok && options->report != NULL) options->report(options->context, &result);
    for (uint32_t i = 0; i < replay.shard_count; i++)
        if (replay.shards[i].shard != NULL) shard_close(replay.shards[i].shard);
    free(replay.shards);
    pthread_cond_destroy(&replay.ended);
    pthread_mutex_destroy(&replay.lock);
    ok = ok && (!options->verify || replay_verify(options, &result, out_fault));
    free(result.partitions);
    free(result.totals);
    return ok;
}
