/*
 * The embedded outputs: engine/shard/ports.h's outputs on local disk, in this process. One log for
 * each partition and topic, and one of dead letters (dead_letters_disk.h), in one LMDB environment
 * (journal_disk_log.h).
 *
 * Effects are always packed: a record is what one publish call had for one topic, or a part of it
 * where that is too much for one. Publishing counts as done only after the sync.
 *
 * A publish that finds the queue full may have taken some of the effects: it then says
 * FAULT_TRY_AGAIN, and the same call made again passes over what it took, by its numbers.
 */
#ifndef TALLYBOOK_CONSUMERS_OUTPUTS_DISK_H
#define TALLYBOOK_CONSUMERS_OUTPUTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumers/output_encoder.h"
#include "engine/base/fault.h"
#include "engine/shard/ports.h"

/** Zero in every field but the encoder is the default. */
struct outputs_disk_options {
    const struct output_encoder *encoder; /* borrowed; NULL: to read only */
    uint64_t limit_bytes;                 /* the file grows no further; default 1 TiB */
    size_t
        queue_bytes; /* of each publisher; at least OUTPUTS_DISK_QUEUE_BYTES_MIN; default 16 MiB */
    size_t commit_bytes; /* at most in one transaction, about; default 8 MiB */
};

enum { OUTPUTS_DISK_QUEUE_BYTES_MIN = 2 * 1024 * 1024 };

/** Makes empty outputs for partition_count partitions in the folder `path`. FAULT_CANNOT_CREATE
 * when there are some already; FAULT_IO. */
bool outputs_disk_create(const char *path, uint32_t partition_count, struct fault *out_fault);

/** As journal_disk_open. Closed by its ops->close, after its readers, publishers and dead letters.
 */
bool outputs_disk_open(const char *path, const struct outputs_disk_options *options,
                       struct outputs **out_outputs, struct fault *out_fault);

uint32_t outputs_disk_partition_count(const struct outputs *outputs);

#endif
