/*
 * The journal as a Kafka topic: one partition of the topic is one partition of the journal
 * (architecture.md, "The journal").
 *
 * Opening looks the topic over: it exists, has the partitions that are expected, stamps messages as
 * they are appended, and never compacts; each refusal names the command that mends it. What is
 * merely less durable than it should be is said, by name, and goes on.
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_KAFKA_H
#define TALLYBOOK_CONSUMERS_JOURNAL_KAFKA_H

#include "consumers/kafka.h"
#include "engine/shard/ports.h"

struct journal_kafka_options {
    const char *topic;
    uint32_t partition_count; /* as configured; 0: whatever the topic has */
    bool single_broker; /* fewer than 3 replicas, 2 in sync, are meant: nothing is said about it */
    size_t appender_ring_bytes; /* of appends on their way; 0: 32 MiB */
};

/** `kafka` must outlive the journal. FAULT_UNAVAILABLE: no such topic, or no broker within its
 * patience. FAULT_CONFIG: the topic is not fit for a journal. */
bool journal_kafka_open(struct kafka *kafka, const struct journal_kafka_options *options,
                        struct journal **out_journal, struct fault *out_fault);

#endif
