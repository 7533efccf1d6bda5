/*
 * Appending to a disk log: each appender's own queue, and the one thread that empties them all into
 * one transaction at a time. While a transaction syncs, the queues fill for the next: the slower
 * the disk, the larger the groups.
 */
#include <stdlib.h>
#include <string.h>

#include "consumers/journal_disk_guard.h"
#include "consumers/journal_disk_log_priv.h"
#include "engine/base/check.h"
#include "engine/base/crash.h"

static size_t
frame_bytes(size_t payload_bytes)
{
    size_t bytes = sizeof(struct disk_log_frame) + payload_bytes;
    return (bytes + DISK_LOG_FRAME_ALIGNMENT - 1) & ~(size_t)(DISK_LOG_FRAME_ALIGNMENT - 1);
}

static uint8_t *
ring_at(const struct disk_log_appender *appender, uint64_t position)
{
    return (uint8_t *)appender->ring.memory + (position & (appender->ring.size - 1));
}

/* ---- The appender's side ------------------------------------------------------------------- */

bool
disk_log_appender_open(struct disk_log *log, struct disk_log_appender **out_appender,
                       struct fault *out_fault)
{
    size_t ring_bytes = 4096;
    while (ring_bytes < log->options.queue_bytes)
        ring_bytes *= 2;
    struct region ring;
    if (!region_map(ring_bytes, &ring, out_fault))
        return fault_wrap(out_fault, "%s: queue of %zu bytes", log->path, ring_bytes);

    struct disk_log_appender *appender = calloc(1, sizeof *appender);
    CHECK(appender != NULL);
    appender->log = log;
    appender->ring = ring;
    appender->last_offsets = calloc(log->log_count, sizeof *appender->last_offsets);
    appender->taken_offsets = calloc(log->log_count, sizeof *appender->taken_offsets);
    CHECK(appender->last_offsets != NULL && appender->taken_offsets != NULL);
    for (uint32_t i = 0; i < log->log_count; i++) {
        atomic_init(&appender->last_offsets[i], -1);
        appender->taken_offsets[i] = -1;
    }
    disk_wake_init(&appender->news);

    pthread_mutex_lock(&log->appenders_lock);
    appender->next = log->appenders;
    log->appenders = appender;
    pthread_mutex_unlock(&log->appenders_lock);
    *out_appender = appender;
    return true;
}

void
disk_log_appender_close(struct disk_log_appender *appender)
{
    if (appender == NULL) return;
    struct disk_log *log = appender->log;
    struct fault fault;
    while (disk_log_acked(appender) < appender->submitted)
        if (!disk_log_poll(appender, DISK_WAKE_FOREVER, &fault)) break;

    pthread_mutex_lock(&log->appenders_lock);
    struct disk_log_appender **link = &log->appenders;
    while (*link != appender)
        link = &(*link)->next;
    *link = appender->next;
    pthread_mutex_unlock(&log->appenders_lock);
    region_unmap(&appender->ring);
    free(appender->last_offsets);
    free(appender->taken_offsets);
    free(appender);
}

size_t
disk_log_record_bytes_max(const struct disk_log_appender *appender)
{
    /* Half of the queue: with the bytes left unused at its end, more might never find room. */
    size_t max = appender->ring.size / 2 - sizeof(struct disk_log_frame);
    return max < DISK_LOG_RECORD_BYTES_MAX ? max : DISK_LOG_RECORD_BYTES_MAX;
}

uint8_t *
disk_log_reserve(struct disk_log_appender *appender, size_t size)
{
    size_t ring_bytes = appender->ring.size, needed = frame_bytes(size);
    CHECK(size <= disk_log_record_bytes_max(appender));
    uint64_t head = atomic_load_explicit(&appender->head, memory_order_relaxed);
    size_t to_end = ring_bytes - (head & (ring_bytes - 1));
    uint64_t skip = needed > to_end ? to_end : 0;
    if (ring_bytes - (head - appender->tail_seen) < skip + needed) {
        /* Pairs with the committer's release in commit_take_frame. */
        appender->tail_seen = atomic_load_explicit(&appender->tail, memory_order_acquire);
        if (ring_bytes - (head - appender->tail_seen) < skip + needed) return NULL;
    }
    appender->room_skip = skip;
    appender->room = ring_at(appender, head + skip) + sizeof(struct disk_log_frame);
    appender->room_size = size;
    return appender->room;
}

void
disk_log_submit(struct disk_log_appender *appender, uint32_t number, size_t size)
{
    CHECK(appender->room != NULL && size <= appender->room_size);
    CHECK(number < appender->log->log_count);
    uint64_t head = atomic_load_explicit(&appender->head, memory_order_relaxed);
    if (appender->room_skip != 0) {
        struct disk_log_frame skip = {.number = DISK_LOG_FRAME_SKIP};
        memcpy(ring_at(appender, head), &skip, sizeof skip);
        head += appender->room_skip;
    }
    struct disk_log_frame frame = {.number = number, .size = (uint32_t)size};
    memcpy(ring_at(appender, head), &frame, sizeof frame);
    appender->room = NULL;
    appender->submitted++;
    /* The frame is complete before it is seen. Pairs with the acquire in commit_take_queue. */
    atomic_store_explicit(&appender->head, head + frame_bytes(size), memory_order_release);
    disk_wake_notify(&appender->log->work);
}

bool
disk_log_poll(struct disk_log_appender *appender, int wait_ms, struct fault *out_fault)
{
    uint32_t seen = disk_wake_count(&appender->news);
    if (!disk_log_is_well(appender->log, out_fault)) return false;
    if (disk_log_acked(appender) == appender->acked_told)
        disk_wake_wait(&appender->news, seen, wait_ms);
    appender->acked_told = disk_log_acked(appender);
    return disk_log_is_well(appender->log, out_fault);
}

uint64_t
disk_log_submitted(const struct disk_log_appender *appender)
{
    return appender->submitted;
}

uint64_t
disk_log_acked(const struct disk_log_appender *appender)
{
    return atomic_load_explicit(&appender->acked, memory_order_acquire);
}

int64_t
disk_log_last_offset(const struct disk_log_appender *appender, uint32_t number)
{
    CHECK(number < appender->log->log_count);
    return atomic_load_explicit(&appender->last_offsets[number], memory_order_acquire);
}

/* ---- The committer's side ------------------------------------------------------------------ */

static int
commit_put(struct disk_log *log, MDB_txn *txn, uint32_t number, struct bytes payload)
{
    int error;
    if (log->cursors[number] == NULL) {
        error = mdb_cursor_open(txn, log->databases[number], &log->cursors[number]);
        if (error != 0) return error;
        log->touched[log->touched_count++] = number;
    }
    uint64_t offset = log->next_offsets[number];
    struct disk_log_header header = {
        .version = DISK_LOG_VERSION,
        .kind = (uint8_t)log->kind,
        .size = (uint32_t)payload.size,
        .append_ms = log->last_append_ms,
    };
    header.hash = disk_log_record_hash(&header, number, offset, payload);
    MDB_val key = {.mv_size = sizeof offset, .mv_data = &offset};
    MDB_val value = {.mv_size = sizeof header + payload.size};
    error = mdb_cursor_put(log->cursors[number], &key, &value, MDB_APPEND | MDB_RESERVE);
    /* The greatest key was ours: another one there means that a page is not what we wrote. */
    if (error != 0) return error == MDB_KEYEXIST ? MDB_CORRUPTED : error;
    memcpy(value.mv_data, &header, sizeof header);
    if (payload.size != 0)
        memcpy((uint8_t *)value.mv_data + sizeof header, payload.data, payload.size);
    log->next_offsets[number] = offset + 1;
    return 0;
}

/* Takes what one appender has queued, at least one frame and then up to the budget. */
static int
commit_take_queue(struct disk_log *log, struct disk_log_appender *appender, MDB_txn *txn,
                  size_t budget_bytes)
{
    uint64_t tail = atomic_load_explicit(&appender->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&appender->head, memory_order_acquire);
    bool first = true;
    while (tail != head) {
        struct disk_log_frame frame;
        memcpy(&frame, ring_at(appender, tail), sizeof frame);
        if (frame.number == DISK_LOG_FRAME_SKIP) {
            tail += appender->ring.size - (tail & (appender->ring.size - 1));
            continue;
        }
        if (!first && frame.size > budget_bytes) break;
        struct bytes payload = {ring_at(appender, tail) + sizeof frame, frame.size};
        int error = commit_put(log, txn, frame.number, payload);
        if (error != 0) return error;
        first = false;
        budget_bytes -= frame.size < budget_bytes ? frame.size : budget_bytes;
        appender->taken++;
        appender->taken_offsets[frame.number] = (int64_t)log->next_offsets[frame.number] - 1;
        tail += frame_bytes(frame.size);
    }
    /* Its content is in LMDB's pages: the appender may write there again. */
    atomic_store_explicit(&appender->tail, tail, memory_order_release);
    return 0;
}

/* Appenders that have something queued. */
static size_t
commit_count_work(const struct disk_log *log)
{
    size_t count = 0;
    for (const struct disk_log_appender *each = log->appenders; each != NULL; each = each->next)
        count += atomic_load_explicit(&each->head, memory_order_acquire) !=
                 atomic_load_explicit(&each->tail, memory_order_relaxed);
    return count;
}

/* Each of the `count` appenders gets its share of the transaction: a busy one starves nobody. */
static int
commit_write(struct disk_log *log, size_t count)
{
    MDB_txn *txn;
    int error = mdb_txn_begin(log->env, NULL, 0, &txn);
    if (error != 0) return error;
    int64_t now_ms = log->options.wall_ms();
    if (now_ms > log->last_append_ms) log->last_append_ms = now_ms;
    for (struct disk_log_appender *each = log->appenders; each != NULL && error == 0;
         each = each->next)
        error = commit_take_queue(log, each, txn, log->options.commit_bytes / count);
    if (error != 0) {
        mdb_txn_abort(txn);
        return error;
    }
    if (log->options.crash_before_commit != NULL) CRASH_POINT(log->options.crash_before_commit);
    error = mdb_txn_commit(txn);
    if (log->options.crash_after_commit != NULL) CRASH_POINT(log->options.crash_after_commit);
    return error;
}

struct commit_step {
    struct disk_log *log;
    size_t count;
    int error;
};

static void
commit_run_step(void *context)
{
    struct commit_step *step = context;
    step->error = commit_write(step->log, step->count);
}

/* The transaction is durable: readers may see it and appenders hear of it. */
static void
commit_publish(struct disk_log *log)
{
    for (uint32_t i = 0; i < log->touched_count; i++) {
        uint32_t number = log->touched[i];
        atomic_store_explicit(&log->ends[number], log->next_offsets[number], memory_order_release);
    }
    for (struct disk_log_appender *each = log->appenders; each != NULL; each = each->next) {
        if (atomic_load_explicit(&each->acked, memory_order_relaxed) == each->taken) continue;
        for (uint32_t i = 0; i < log->touched_count; i++) {
            uint32_t number = log->touched[i];
            atomic_store_explicit(&each->last_offsets[number], each->taken_offsets[number],
                                  memory_order_release);
        }
        atomic_store_explicit(&each->acked, each->taken, memory_order_release);
        disk_wake_notify(&each->news);
    }
    disk_wake_notify(&log->committed);
}

static void
commit_give_up(struct disk_log *log, int error)
{
    disk_log_fault(log, error, "writing", &log->fault);
    atomic_store_explicit(&log->failed, true, memory_order_release);
    for (struct disk_log_appender *each = log->appenders; each != NULL; each = each->next)
        disk_wake_notify(&each->news);
    disk_wake_notify(&log->committed);
}

/* Writes one group. False when there was nothing to write. */
static bool
commit_run_once(struct disk_log *log)
{
    if (atomic_load_explicit(&log->failed, memory_order_relaxed)) return false;
    pthread_mutex_lock(&log->appenders_lock);
    size_t count = commit_count_work(log);
    if (count != 0) {
        struct commit_step step = {.log = log, .count = count};
        if (!disk_guard_run(commit_run_step, &step)) step.error = MDB_CORRUPTED;
        if (step.error == 0)
            commit_publish(log);
        else
            commit_give_up(log, step.error);
        /* The cursors ended with their transaction. */
        for (uint32_t i = 0; i < log->touched_count; i++)
            log->cursors[log->touched[i]] = NULL;
        log->touched_count = 0;
    }
    pthread_mutex_unlock(&log->appenders_lock);
    return count != 0;
}

void *
disk_log_commit_loop(void *argument)
{
    struct disk_log *log = argument;
    for (;;) {
        uint32_t seen = disk_wake_count(&log->work);
        if (commit_run_once(log)) continue;
        if (atomic_load(&log->stopping)) return NULL;
        disk_wake_wait(&log->work, seen, DISK_WAKE_FOREVER);
    }
}
