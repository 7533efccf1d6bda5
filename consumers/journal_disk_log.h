/*
 * Numbered logs in one LMDB environment: what the embedded journal and the embedded outputs are
 * made of. The only user of LMDB.
 *
 * A log is a sequence of records with offsets 0, 1, 2 …; all logs of an environment share a file
 * and one committer thread, which writes everything that is queued in one transaction and so pays
 * one sync for all of it.
 *
 * Invariants:
 *  1. A record is readable, and its append acknowledged, only after the sync of its transaction.
 *  2. Offsets of a log begin with 0 and have no hole: a missing one is damage.
 *  3. Append times never go back, over all logs of the environment, whatever the wall clock does.
 *  4. Each record's hash is compared whenever it is read; it covers log, offset, time and content.
 *  5. After the first failed write nothing more is written until the environment is opened again.
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_DISK_LOG_H
#define TALLYBOOK_CONSUMERS_JOURNAL_DISK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"

/** What an environment holds. Persisted. */
enum disk_log_kind { DISK_LOG_JOURNAL = 1, DISK_LOG_OUTPUTS = 2 };

enum {
    DISK_LOG_COUNT_MAX = 2048,                   /* 256 partitions of 4 outputs, and dead letters */
    DISK_LOG_RECORD_BYTES_MAX = 16 * 1024 * 1024 /* a dead letter may be larger than any event */
};

struct disk_log_options {
    /** Address space for the file, 0 = 1 TiB: the file itself takes only what is written. A test of
     * a full disk gives little. */
    uint64_t map_bytes;
    /** Queue of one appender, 0 = 16 MiB; rounded up to a power of two. */
    size_t queue_bytes;
    /** A transaction takes no more queued bytes than this, 0 = 8 MiB, but always one record. */
    size_t commit_bytes;
    /** NULL = the wall clock. */
    int64_t (*wall_ms)(void);
    /** Says which log it is in messages: "partition 3", "partition 3, output 'tiers'". */
    void (*describe)(uint32_t log, char *out_text, size_t size);
    /** Named points of a crash around a commit, as for CRASH_POINT. */
    const char *crash_before_commit, *crash_after_commit;
};

struct disk_log;
struct disk_log_appender;
struct disk_log_reader;

/** Makes the folder, if there is none, and in it an environment with log_count empty logs.
 * FAULT_CANNOT_CREATE when there is one already; FAULT_IO. */
bool disk_log_create(const char *path, enum disk_log_kind kind, uint32_t log_count,
                     struct fault *out_fault);

/** Opens what disk_log_create made and starts the committer. Options are copied. FAULT_NO_INPUT
 * when there is none, FAULT_DATA when it is damaged or of another kind, FAULT_IO. At most one open
 * of an environment at a time, in all processes: data_folder.h sees to it. */
bool disk_log_open(const char *path, enum disk_log_kind kind,
                   const struct disk_log_options *options, struct disk_log **out_log,
                   struct fault *out_fault);

/** Commits what is queued and stops the committer. All readers and appenders are closed before. */
void disk_log_close(struct disk_log *log);

uint32_t disk_log_count(const struct disk_log *log);

/** The offset behind the last durable record; the first is always 0. Any thread. */
uint64_t disk_log_end(const struct disk_log *log, uint32_t number);

/** One line on a failed write, empty when all is well. Any thread. */
void disk_log_health(struct disk_log *log, char *out_text, size_t size);

/* ---- Appending: one thread an appender ----------------------------------------------------- */

bool disk_log_appender_open(struct disk_log *log, struct disk_log_appender **out_appender,
                            struct fault *out_fault);

/** Waits until everything appended is durable, or has failed, and frees the appender. */
void disk_log_appender_close(struct disk_log_appender *appender);

/** Size of the largest record that this appender's queue takes. */
size_t disk_log_record_bytes_max(const struct disk_log_appender *appender);

/** Room for a record of up to `size` bytes in the queue, to be filled in place; NULL when the queue
 * is full. Nothing is appended until disk_log_submit, and only the last room counts. CHECKs that
 * size is at most disk_log_record_bytes_max. */
uint8_t *disk_log_reserve(struct disk_log_appender *appender, size_t size);

/** Appends the first `size` bytes of the room to log `number`. */
void disk_log_submit(struct disk_log_appender *appender, uint32_t number, size_t size);

/** Waits up to wait_ms (below 0: for ever) until more of what was submitted is durable than at the
 * last poll. The fault of the failed write, from then on always. */
bool disk_log_poll(struct disk_log_appender *appender, int wait_ms, struct fault *out_fault);

/** Records submitted, and of these durable: a prefix in the order of the calls. */
uint64_t disk_log_submitted(const struct disk_log_appender *appender);
uint64_t disk_log_acked(const struct disk_log_appender *appender);

/** Offset of this appender's last durable record in log `number`; -1 when there is none. */
int64_t disk_log_last_offset(const struct disk_log_appender *appender, uint32_t number);

/* ---- Reading: one thread a reader ---------------------------------------------------------- */

struct disk_log_record {
    uint32_t log;
    uint64_t offset;
    int64_t append_ms;
    struct bytes payload;
};

/** What a reader does with payloads between two reads. */
enum disk_log_hold {
    /** They stand in the file's pages: nothing is copied, but while the reader holds them the file
     * grows by some pages a commit. For who reads again soon. */
    DISK_LOG_HOLD_PAGES,
    /** They are copied: a reader may be as slow as it likes. */
    DISK_LOG_HOLD_COPY,
};

bool disk_log_reader_open(struct disk_log *log, enum disk_log_hold hold,
                          struct disk_log_reader **out_reader, struct fault *out_fault);
void disk_log_reader_close(struct disk_log_reader *reader);

/** Reads log `number` from `offset` on. FAULT_NO_INPUT when that is behind the end. */
bool disk_log_assign(struct disk_log_reader *reader, uint32_t number, uint64_t offset,
                     struct fault *out_fault);
void disk_log_revoke(struct disk_log_reader *reader, uint32_t number);

/** Up to `max` durable records of the assigned logs, in order within each; waits up to wait_ms for
 * the first. Payloads are valid until the next read, revoke or close. FAULT_DATA names file, log
 * and offset of a damaged record; FAULT_IO after a failed write. */
bool disk_log_read(struct disk_log_reader *reader, int wait_ms, struct disk_log_record *out_records,
                   size_t max, size_t *out_count, struct fault *out_fault);

#endif
