/* Shards and their threads. */
#include "tally/instance.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/murmur2.h"
#include "engine/base/region.h"
#include "tally/view_json.h"

enum {
    INSTANCE_WAIT_MS =
        5, /* a shard with nothing to do sleeps this long at most: the latency of a call */
    INSTANCE_PROGRESS_MS = 100,
    INSTANCE_LOOK_MS = 2,
    INSTANCE_FULL_MS = 10 * 1000, /* a queue that stays full is waited for so long once stopping */
};

struct instance_shard {
    struct instance *instance;
    struct shard *shard;
    uint32_t partitions[PARTITIONS_MAX];
    uint32_t partition_count;
    pthread_t thread;
    bool started; /* under calls: whose thread may look into the shard */
    bool settled;
};

struct instance {
    struct instance_options options;
    uint32_t partition_count;
    uint32_t shard_count;
    struct instance_shard *shards;
    atomic_bool stopping;
    atomic_llong settle_ms;
    pthread_mutex_t calls;  /* shard_call takes one caller at a time; no shard ever waits for it */
    pthread_cond_t stopped; /* signalled by instance_stop */
};

/* Partition p belongs to shard p mod shards: neighbours are spread, so that a skew of keys is too.
 */
static struct instance_shard *
shard_of(struct instance *instance, uint32_t partition)
{
    return &instance->shards[partition % instance->shard_count];
}

static bool
instance_open_shard(struct instance *instance, struct instance_shard *shard,
                    struct fault *out_fault)
{
    const struct instance_options *options = &instance->options;
    char host[64] = "", owner[128];
    gethostname(host, sizeof host - 1);
    snprintf(owner, sizeof owner, "%s/%ld", host, (long)getpid());
    struct shard_options shard_options = {
        .state_folder = options->state_folder,
        .journal = options->journal,
        .outputs = options->mode == INSTANCE_OWNER ? options->outputs : NULL,
        .decoder = options->decoder,
        .owner_name = owner,
        .memory_bytes = options->memory_bytes / instance->shard_count,
        .checkpoint_records = options->checkpoint_records,
        .checkpoint_ms = options->checkpoint_ms,
        .tick_ms = options->tick_ms,
        .checkpoints = options->mode != INSTANCE_LOOK,
        .stops = {&instance->stopping, options->stop},
        .stop_wait_ms = INSTANCE_FULL_MS,
    };
    return shard_open(&shard_options, shard->partitions, shard->partition_count, &shard->shard,
                      out_fault);
}

bool
instance_open(const struct instance_options *options, struct instance **out_instance,
              struct fault *out_fault)
{
    struct instance *instance = calloc(1, sizeof *instance);
    CHECK(instance != NULL);
    instance->options = *options;
    instance->partition_count = options->journal->ops->partition_count(options->journal);
    uint32_t shards =
        options->shards != 0 ? options->shards : (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (shards > instance->partition_count) shards = instance->partition_count;
    instance->shard_count = shards;
    instance->shards = calloc(shards, sizeof *instance->shards);
    CHECK(instance->shards != NULL);
    pthread_condattr_t monotonic;
    pthread_mutex_init(&instance->calls, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&instance->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (uint32_t partition = 0; partition < instance->partition_count; partition++) {
        struct instance_shard *shard = shard_of(instance, partition);
        shard->partitions[shard->partition_count++] = partition;
    }
    for (uint32_t i = 0; i < shards; i++) {
        instance->shards[i].instance = instance;
        if (!instance_open_shard(instance, &instance->shards[i], out_fault)) {
            instance_close(instance);
            return false;
        }
    }
    *out_instance = instance;
    return true;
}

static void *
instance_run_shard(void *argument)
{
    struct instance_shard *shard = argument;
    struct instance *instance = shard->instance;
    while (!atomic_load_explicit(&instance->stopping, memory_order_acquire))
        shard_run_once(shard->shard, clock_wall_ms(), INSTANCE_WAIT_MS);
    shard->settled = shard_settle(shard->shard, atomic_load(&instance->settle_ms));
    shard_end_calls(shard->shard);
    return NULL;
}

void
instance_start(struct instance *instance)
{
    for (uint32_t i = 0; i < instance->shard_count; i++) {
        struct instance_shard *shard = &instance->shards[i];
        pthread_mutex_lock(&instance->calls);
        CHECK(pthread_create(&shard->thread, NULL, instance_run_shard, shard) == 0);
        shard->started = true;
        pthread_mutex_unlock(&instance->calls);
    }
}

bool
instance_stop(struct instance *instance, int64_t wait_ms)
{
    bool settled = true;
    atomic_store(&instance->settle_ms, wait_ms);
    atomic_store_explicit(&instance->stopping, true, memory_order_release);
    pthread_cond_broadcast(&instance->stopped);
    for (uint32_t i = 0; i < instance->shard_count; i++) {
        struct instance_shard *shard = &instance->shards[i];
        if (!shard->started) continue;
        pthread_join(shard->thread, NULL);
        pthread_mutex_lock(&instance->calls);
        shard->started = false;
        pthread_mutex_unlock(&instance->calls);
        settled &= shard->settled;
    }
    return settled;
}

void
instance_close(struct instance *instance)
{
    for (uint32_t i = 0; i < instance->shard_count; i++) {
        CHECK(!instance->shards[i].started);
        if (instance->shards[i].shard != NULL) shard_close(instance->shards[i].shard);
    }
    pthread_cond_destroy(&instance->stopped);
    pthread_mutex_destroy(&instance->calls);
    free(instance->shards);
    free(instance);
}

uint32_t
instance_partition_count(const struct instance *instance)
{
    return instance->partition_count;
}

struct journal *
instance_journal(struct instance *instance)
{
    return instance->options.journal;
}

struct outputs *
instance_outputs(struct instance *instance)
{
    return instance->options.outputs;
}

bool
instance_check_record(const struct instance *instance, struct bytes record, struct fault *out_fault)
{
    const struct record_decoder *decoder = instance->options.decoder;
    size_t arena_bytes = (size_t)64 << 20; /* address space; a record of 900 kB decodes to less */
    struct region region, entries;
    struct arena arena;
    size_t count;
    if (!region_map(arena_bytes, &region, out_fault)) return false;
    if (!region_map(RECORD_ENTRIES_MAX * sizeof(struct entry), &entries, out_fault)) {
        region_unmap(&region);
        return false;
    }
    arena_init(&arena, region.memory, arena_bytes);
    bool ok = decoder->decode(decoder, record, &arena, entries.memory, RECORD_ENTRIES_MAX, &count,
                              out_fault);
    region_unmap(&region);
    region_unmap(&entries);
    return ok;
}

struct instance_call {
    uint32_t partition;
    instance_function *function;
    void *context;
};

static void
instance_run_call(struct shard *shard, void *context)
{
    struct instance_call *call = context;
    call->function(shard_partition(shard, call->partition), call->context);
}

bool
instance_call(struct instance *instance, uint32_t partition, instance_function *function,
              void *context, struct fault *out_fault)
{
    struct instance_call call = {.partition = partition, .function = function, .context = context};
    CHECK(partition < instance->partition_count);
    pthread_mutex_lock(&instance->calls);
    struct instance_shard *shard = shard_of(instance, partition);
    bool done = true;
    if (shard->started)
        done = shard_call(shard->shard, instance_run_call, &call);
    else
        instance_run_call(shard->shard, &call);
    pthread_mutex_unlock(&instance->calls);
    if (!done) return fault_set(out_fault, FAULT_UNAVAILABLE, "the engine is stopping");
    return true;
}

/* ---- Status
 * -------------------------------------------------------------------------------------------------------
 */

static void
call_status(struct partition *partition, void *context)
{
    partition_status(partition, context);
}

bool
instance_status(struct instance *instance, struct partition_status *out, struct fault *out_fault)
{
    for (uint32_t i = 0; i < instance->partition_count; i++)
        if (!instance_call(instance, i, call_status, &out[i], out_fault)) return false;
    return true;
}

static bool
status_trouble(const struct partition_status *status, uint32_t count, struct fault *out_fault)
{
    for (uint32_t i = 0; i < count; i++) {
        if (status[i].phase == PARTITION_STOPPED) {
            *out_fault = status[i].fault;
            return true;
        }
    }
    return false;
}

bool
instance_trouble(struct instance *instance, struct fault *out_fault)
{
    struct partition_status *status = calloc(instance->partition_count, sizeof *status);
    struct fault ignored;
    CHECK(status != NULL);
    bool trouble = instance_status(instance, status, &ignored) &&
                   status_trouble(status, instance->partition_count, out_fault);
    free(status);
    return trouble;
}

/* Waits a little for things to move on; a stop wakes it. */
static void
instance_pause(struct instance *instance)
{
    int64_t until_ns = clock_monotonic_ns() + INSTANCE_LOOK_MS * INT64_C(1000000);
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    pthread_mutex_lock(&instance->calls);
    if (!atomic_load(&instance->stopping))
        pthread_cond_timedwait(&instance->stopped, &instance->calls, &until);
    pthread_mutex_unlock(&instance->calls);
}

static bool
instance_may_wait(const struct instance *instance, const atomic_bool *stop, struct fault *out_fault)
{
    const atomic_bool *own = instance->options.stop;
    if ((stop == NULL || !atomic_load(stop)) && (own == NULL || !atomic_load(own))) return true;
    return fault_set(out_fault, FAULT_TRY_AGAIN, "stopped while waiting for the engine");
}

/* Statuses are looked at one after the other, and a partition that was at rest may have got a
 * forward from one that was looked at later: all are at rest when they were so twice with the same
 * journal. */
static bool
status_is_idle(const struct partition_status *status, uint32_t count, int64_t *last_ends)
{
    int64_t ends = 0;
    bool idle = true;
    for (uint32_t i = 0; i < count; i++) {
        idle &= status[i].caught_up && status[i].in_flight == 0;
        ends += status[i].journal_end;
    }
    bool again = ends == *last_ends;
    *last_ends = idle ? ends : -1;
    return idle && again;
}

bool
instance_wait_idle(struct instance *instance, instance_progress *progress, void *context,
                   struct fault *out_fault)
{
    uint32_t count = instance->partition_count;
    struct partition_status *status = calloc(count, sizeof *status);
    CHECK(status != NULL);
    int64_t next_progress_ms = 0, ends = -1;
    bool ok = true, idle = false;
    while (ok && !idle) {
        ok = instance_may_wait(instance, NULL, out_fault) &&
             instance_status(instance, status, out_fault) &&
             !status_trouble(status, count, out_fault);
        idle = ok && status_is_idle(status, count, &ends);
        int64_t now_ms = clock_monotonic_ns() / 1000000;
        if (ok && progress != NULL && (idle || now_ms >= next_progress_ms)) {
            progress(context, status, count);
            next_progress_ms = now_ms + INSTANCE_PROGRESS_MS;
        }
        if (ok && !idle) instance_pause(instance);
    }
    free(status);
    return ok;
}

static void
call_checkpoint(struct partition *partition, void *context)
{
    (void)context;
    partition_request_checkpoint(partition);
}

static void
call_is_settled(struct partition *partition, void *context)
{
    bool *settled = context;
    *settled = partition_is_settled(partition);
}

bool
instance_checkpoint(struct instance *instance, const atomic_bool *stop, struct fault *out_fault)
{
    for (uint32_t i = 0; i < instance->partition_count; i++)
        if (!instance_call(instance, i, call_checkpoint, NULL, out_fault)) return false;
    for (uint32_t i = 0; i < instance->partition_count; i++) {
        bool settled = false;
        while (!settled) {
            if (!instance_call(instance, i, call_is_settled, &settled, out_fault)) return false;
            if (settled) break;
            if (!instance_may_wait(instance, stop, out_fault)) return false;
            instance_pause(instance);
        }
    }
    return true;
}

/* ---- Answers
 * ------------------------------------------------------------------------------------------------------
 */

struct member_call {
    struct bytes member;
    char *json;
    bool ok;
    struct fault fault;
};

static void
call_member(struct partition *partition, void *context)
{
    struct member_call *call = context;
    size_t size = (size_t)64 << 20; /* 100,000 lots; touched only as far as used */
    struct region region;
    struct arena arena;
    struct member_view view;
    call->ok = region_map(size, &region, &call->fault);
    if (!call->ok) return;
    arena_init(&arena, region.memory, size);
    call->ok = partition_member(partition, call->member, &arena, &view, &call->fault);
    if (call->ok) call->json = member_json(&view);
    region_unmap(&region);
}

bool
instance_member_json(struct instance *instance, struct bytes member, char **out_json,
                     struct fault *out_fault)
{
    struct member_call call = {.member = member};
    uint32_t partition = murmur2_partition(member, instance->partition_count);
    if (!instance_call(instance, partition, call_member, &call, out_fault)) return false;
    if (!call.ok) {
        *out_fault = call.fault;
        return false;
    }
    *out_json = call.json;
    return true;
}

struct rulebook_call {
    uint32_t version;
    uint8_t *program;
    size_t size;
};

static void
call_rulebook(struct partition *partition, void *context)
{
    struct rulebook_call *call = context;
    struct activation activation;
    if (!partition_rulebook(partition, &activation)) return;
    call->version = activation.version;
    call->size = activation.program.size;
    call->program = malloc(call->size);
    CHECK(call->program != NULL);
    memcpy(call->program, activation.program.data, call->size);
}

bool
instance_rulebook(struct instance *instance, uint32_t partition, uint32_t *out_version,
                  uint8_t **out_program, size_t *out_size, struct fault *out_fault)
{
    struct rulebook_call call = {0};
    if (!instance_call(instance, partition, call_rulebook, &call, out_fault)) return false;
    *out_version = call.version;
    *out_program = call.program;
    *out_size = call.size;
    return true;
}

/* Names of currencies are the state's: they are copied here, on its own thread. */
static void
call_totals(struct partition *partition, void *context)
{
    struct totals totals[PROGRAM_CURRENCIES_MAX];
    status_totals_add(context, totals, partition_totals(partition, totals, PROGRAM_CURRENCIES_MAX));
}

bool
instance_status_json(struct instance *instance, char **out_json, struct fault *out_fault)
{
    uint32_t count = instance->partition_count;
    struct partition_status *status = calloc(count, sizeof *status);
    struct status_totals *sums = calloc(1, sizeof *sums);
    CHECK(status != NULL && sums != NULL);
    bool ok = instance_status(instance, status, out_fault);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = instance_call(instance, i, call_totals, sums, out_fault);
    if (ok) *out_json = status_json(status, count, sums);
    free(sums);
    free(status);
    return ok;
}
