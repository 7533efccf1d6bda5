/*
 * The outputs as Kafka topics: partition i of the journal feeds partition i of each (interfaces.md,
 * "Topics").
 *
 * A message on postings and outcomes carries one binary header, `tb`, of 32 bytes: nine text
 * headers would cost more than the rest of the message (facts.md). Four numbers of 8 bytes,
 * big-endian:
 *
 *      0  claim     the writer's claim, a packed position (offset × 65536 + index)
 *      8  sequence  of the effect; of a pack's first effect
 *     16  cause     packed position of the cause; of a pack's last effect
 *     24  hash      running hash of the canonical effects after it; of a pack's last effect
 *
 * A message on tiers and notices is a CloudEvent in binary mode and carries the same as text:
 * ce_specversion, ce_id
 * ("PARTITION/SEQUENCE"), ce_source ("tallybook/PROGRAMME/TOPIC"), ce_type, ce_time, ce_subject,
 * tb_seq, tb_claim and tb_position ("OFFSET:INDEX"), tb_hash (16 hexadecimal digits), and
 * traceparent when the cause had one.
 *
 * The key is the member; a pack has none, and that is how a reader tells it. JSON begins with `{`,
 * protobuf never does.
 */
#ifndef TALLYBOOK_CONSUMERS_OUTPUTS_KAFKA_H
#define TALLYBOOK_CONSUMERS_OUTPUTS_KAFKA_H

#include "consumers/kafka.h"
#include "consumers/output_encoder.h"
#include "engine/shard/ports.h"

enum { OUTPUTS_KAFKA_TB_BYTES = 32, OUTPUTS_KAFKA_FORMAT = 1 };

struct outputs_kafka_options {
    const char *topics[TOPIC_COUNT];      /* names, by enum topic */
    bool packed[TOPIC_COUNT];             /* postings and outcomes only */
    bool json;                            /* single messages only */
    uint32_t partition_count;             /* the journal's */
    const char *programme;                /* for ce_source */
    const struct output_encoder *encoder; /* NULL: to read only */
    bool single_broker;                   /* as journal_kafka_options */
    size_t publisher_ring_bytes;          /* of messages on their way, per publisher; 0: 32 MiB */
};

/** `kafka` must outlive the outputs. Faults as journal_kafka_open. */
bool outputs_kafka_open(struct kafka *kafka, const struct outputs_kafka_options *options,
                        struct outputs **out_outputs, struct fault *out_fault);

#endif
