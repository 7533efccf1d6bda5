/*
 * The embedded journal: engine/shard/ports.h's journal on local disk, in this process, with no
 * broker. One log a partition (journal_disk_log.h) in one LMDB environment.
 *
 * Append time is the wall clock at the commit, clamped to never go back. Records reach readers only
 * after the sync. A failed write (disk full, a failing disk) is a fault of every appender from then
 * on, and of every reader that has read what is durable, until the journal is opened again.
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_DISK_H
#define TALLYBOOK_CONSUMERS_JOURNAL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/shard/ports.h"

/** Zero in every field is the default. */
struct journal_disk_options {
    uint64_t limit_bytes;     /* the file grows no further; default 1 TiB */
    size_t queue_bytes;       /* of each appender; at least 2 RECORD_BYTES_MAX; default 16 MiB */
    size_t commit_bytes;      /* at most in one transaction, about; default 8 MiB */
    int64_t (*wall_ms)(void); /* default the wall clock */
};

/** Makes an empty journal of partition_count partitions in the folder `path`. Its record 0 is for
 * the caller to append. FAULT_CANNOT_CREATE when there is one already; FAULT_IO. */
bool journal_disk_create(const char *path, uint32_t partition_count, struct fault *out_fault);

/** FAULT_NO_INPUT when there is none, FAULT_DATA when it is damaged or of another format, FAULT_IO.
 * One open at a time, in all processes: hold the data folder (data_folder.h). Closed by its
 * ops->close, after its readers and appenders. */
bool journal_disk_open(const char *path, const struct journal_disk_options *options,
                       struct journal **out_journal, struct fault *out_fault);

#endif
