/*
 * Reads partitions of topics from given offsets, for the journal and for the outputs: explicit
 * offsets, no group.
 *
 * Invariants:
 *  1. Per partition, messages come in order of offset, from the assigned one on, each once.
 *  2. A hole in the offsets (a transaction's marker, an aborted batch) is passed only when fetching
 * again from its first offset skips it again. Until then nothing behind it is delivered.
 *  3. An offset that goes back, an offset that is not in the log (cut off, or removed by
 * retention), a failed checksum and a topic that is gone are faults. All else is waited for.
 *
 * It is made of librdkafka's simple consumer, which alone gives start and stop of one partition
 * without touching the others; never of pause and resume beside batches, which skip messages
 * in 2.0.2.
 */
#ifndef TALLYBOOK_CONSUMERS_KAFKA_READER_H
#define TALLYBOOK_CONSUMERS_KAFKA_READER_H

#include <librdkafka/rdkafka.h>

#include "consumers/kafka.h"

/* Messages of one read at most: enough to make the cost of a call vanish. */
enum { KAFKA_READ_MAX = 1024 };

struct kafka_reader;

/** @thread the one that will read */
bool kafka_reader_open(struct kafka *kafka, struct kafka_reader **out_reader,
                       struct fault *out_fault);

/** Begins, or begins again, to deliver the partition at `offset`. `tag` comes back with its
 * messages. Asks no broker. */
bool kafka_reader_assign(struct kafka_reader *reader, const char *topic, uint32_t partition,
                         int64_t offset, uint32_t tag, struct fault *out_fault);

/** No more of this partition; harmless when it was never assigned. */
void kafka_reader_revoke(struct kafka_reader *reader, const char *topic, uint32_t partition);

struct kafka_message {
    rd_kafka_message_t *raw; /* the reader's: valid until the next read */
    uint32_t tag;
};

/** Up to min(max, KAFKA_READ_MAX) messages; waits up to wait_ms for the first. */
bool kafka_reader_read(struct kafka_reader *reader, int wait_ms, struct kafka_message *out_messages,
                       size_t max, size_t *out_count, struct fault *out_fault);

/** Where the partition ends as its last answer said; -1 before the first. Asks no broker. */
int64_t kafka_reader_known_end(const struct kafka_reader *reader, const char *topic,
                               uint32_t partition);

/** NULL does nothing. */
void kafka_reader_close(struct kafka_reader *reader);

/** Holes that were passed since the reader was opened; for metrics and tests. */
uint64_t kafka_reader_holes(const struct kafka_reader *reader);

#endif
