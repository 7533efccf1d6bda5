/*
 * Record 0 of every partition: what a journal is (architecture.md, "The journal"). Works on any journal, Kafka or embedded.
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_CREATE_H
#define TALLYBOOK_CONSUMERS_JOURNAL_CREATE_H

#include "engine/core/event.h"
#include "engine/shard/ports.h"

struct journal_create_options {
    const char *programme; /* an id: 1 to 128 bytes */
    enum time_kind time_kind;
};

struct journal_create_report {
    uint8_t journal_id[JOURNAL_ID_BYTES];
    uint32_t written, found; /* partitions */
};

/** Writes record 0 to each partition that has none and returns when all are durable. Can be repeated: a journal that was made
 * before, wholly or half, keeps its id and is completed. FAULT_CONFIG: it belongs to another programme, or was made with
 * other properties. FAULT_DATA: what stands first in a partition is no record 0, or the partitions disagree. */
bool journal_create(struct journal *journal, const struct journal_create_options *options,
                    struct journal_create_report *out_report, struct fault *out_fault);

#endif
