/*
 * Inside of a disk log: the persisted layouts, and what its three files share (opening, committing,
 * reading).
 *
 * The environment's folder holds LMDB's two files, data.mdb and lock.mdb. Databases in it:
 *
 *   "meta"   key "format", value struct disk_log_format
 *   "%04x"   one a log, by its number; key: offset, a native 64-bit integer (MDB_INTEGERKEY; all
 *            machines we run on are little-endian); value: struct disk_log_header, then the payload
 *
 * All integers are little-endian.
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_DISK_LOG_PRIV_H
#define TALLYBOOK_CONSUMERS_JOURNAL_DISK_LOG_PRIV_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "consumers/disk_wake.h"
#include "consumers/journal_disk_log.h"
#include "engine/base/region.h"

enum { DISK_LOG_VERSION = 1 };

/* Persisted. */
struct disk_log_format {
    uint8_t magic[8]; /* "TALLYLOG" */
    uint32_t version; /* DISK_LOG_VERSION */
    uint32_t kind;    /* enum disk_log_kind */
    uint32_t log_count;
    uint32_t zero;
    uint64_t hash; /* XXH3-64 of the 24 bytes before it */
};
static_assert(sizeof(struct disk_log_format) == 32, "persisted");
static_assert(offsetof(struct disk_log_format, version) == 8, "persisted");
static_assert(offsetof(struct disk_log_format, log_count) == 16, "persisted");
static_assert(offsetof(struct disk_log_format, hash) == 24, "persisted");

/* Persisted, before the payload of each record. */
struct disk_log_header {
    uint8_t version; /* DISK_LOG_VERSION */
    uint8_t kind;    /* enum disk_log_kind */
    uint16_t zero;
    uint32_t size;     /* of the payload */
    int64_t append_ms; /* Unix time of its commit */
    uint64_t hash;     /* disk_log_record_hash */
};
static_assert(sizeof(struct disk_log_header) == 24, "persisted");
static_assert(offsetof(struct disk_log_header, size) == 4, "persisted");
static_assert(offsetof(struct disk_log_header, append_ms) == 8, "persisted");
static_assert(offsetof(struct disk_log_header, hash) == 16, "persisted");

/* XXH3-64 of the payload, seeded with XXH3-64 of the header's first 16 bytes, the log's number (32
 * bits), 4 zero bytes and the offset (64 bits): a record that stands in another place is damaged
 * too. */
uint64_t disk_log_record_hash(const struct disk_log_header *header, uint32_t number,
                              uint64_t offset, struct bytes payload);

/* A queue of frames between one appending thread and the committer: a ring of bytes in which every
 * frame starts on DISK_LOG_FRAME_ALIGNMENT and lies in one piece. */
struct disk_log_frame {
    uint32_t number; /* of the log; DISK_LOG_FRAME_SKIP: go on at the ring's start */
    uint32_t size;   /* of the payload behind it */
};
enum { DISK_LOG_FRAME_ALIGNMENT = 16 };
#define DISK_LOG_FRAME_SKIP UINT32_MAX

struct disk_log_appender {
    struct disk_log *log;
    struct disk_log_appender *next; /* under log->appenders_lock */
    struct region ring;             /* its size is a power of two */

    /* @thread appender */
    uint64_t submitted;
    uint64_t acked_told; /* acked as of the last poll: more than that is news */
    uint64_t tail_seen;
    uint64_t room_skip; /* bytes to leave unused at the ring's end for the room last reserved */
    uint8_t *room;
    size_t room_size;

    /* Bytes ever put in and taken out. head: released by the appender when a frame is complete,
     * acquired by the committer. tail: released by the committer when it has copied a frame out,
     * acquired by the appender before it writes there again. */
    _Atomic uint64_t head, tail;

    /* Released by the committer after the sync, last_offsets before acked; acquired by the
     * appender. */
    _Atomic uint64_t acked;
    _Atomic int64_t *last_offsets; /* by log */
    struct disk_wake news;

    /* @thread committer */
    uint64_t taken;
    int64_t *taken_offsets; /* by log; becomes last_offsets with the commit */
};

struct disk_log {
    struct disk_log_options options;
    enum disk_log_kind kind;
    char *path;
    uint32_t log_count;
    MDB_env *env;
    MDB_dbi *databases; /* by log; set at open, read-only afterwards */

    /* Offset behind the last durable record, by log: released by the committer after the sync,
     * acquired by readers. */
    _Atomic uint64_t *ends;
    struct disk_wake committed; /* readers wait here */
    struct disk_wake work;      /* the committer waits here */

    /* Set once, `fault` before `failed` (release), read after it (acquire). */
    _Atomic bool failed;
    struct fault fault;

    _Atomic bool stopping;
    bool committer_started;
    pthread_t committer;

    /* Held by the committer for a whole commit, so that an appender it serves stays; by others only
     * to open or close one. */
    pthread_mutex_t appenders_lock;
    struct disk_log_appender *appenders;

    /* @thread committer (and open, before it starts) */
    uint64_t *next_offsets;
    int64_t last_append_ms;
    MDB_cursor **cursors; /* by log; those of the transaction under way */
    uint32_t *touched;    /* logs with a cursor */
    uint32_t touched_count;
};

/* Turns an error of LMDB or of the system into a fault that says what to do. Always false. */
bool disk_log_fault(const struct disk_log *log, int error, const char *doing,
                    struct fault *out_fault);

/* The fault of the failed write, when there was one; else true. */
bool disk_log_is_well(struct disk_log *log, struct fault *out_fault);

/* Looks at a record as it stands in the file. FAULT_DATA names it when it is not what was written.
 */
bool disk_log_verify(const struct disk_log *log, uint32_t number, uint64_t offset, MDB_val value,
                     struct disk_log_record *out_record, struct fault *out_fault);

/* The committer's thread; its argument is the log. */
void *disk_log_commit_loop(void *log);

#endif
