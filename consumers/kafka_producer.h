/*
 * Writes to partitions of topics in order and without loss, whatever happens to the broker: what
 * the journal's appender, the publisher and the dead letters are made of.
 *
 * A lane is one partition of one topic. Messages are copied into a ring of fixed size and stay
 * there until the broker has them, so that they can be sent again.
 *
 * Invariants:
 *  1. Within a lane, messages reach the log in the order of the calls; a message counts as
 * acknowledged only when all before it are.
 *  2. No message is dropped: time-outs are off, and after a failed report or a fatal error the
 * client is purged, made anew, and everything from the first unacknowledged on is sent again, in
 * order. So the log may hold repeats, never a gap (architecture.md, "Commit, publish, recover", 3).
 *  3. A message that can never be accepted (too large, topic gone, not allowed) is a fault, for
 * good.
 *  4. Memory is the ring and librdkafka's descriptors of what is in it: payloads are not copied
 * again.
 *
 * @thread one producer belongs to one thread, which alone calls it and in whose poll all callbacks
 * run.
 */
#ifndef TALLYBOOK_CONSUMERS_KAFKA_PRODUCER_H
#define TALLYBOOK_CONSUMERS_KAFKA_PRODUCER_H

#include "consumers/kafka.h"
#include "engine/base/bytes.h"

struct kafka_producer;
struct kafka_lane;

struct kafka_producer_options {
    size_t ring_bytes;        /* of messages not acknowledged, their headers and 80 bytes each */
    size_t message_max_bytes; /* refused by us above it; 0: 1,000,000, Kafka's own default */
    const char *mend;         /* what to do when a topic is missing, for the fault's text */
};

/** Asks no broker. */
bool kafka_producer_open(struct kafka *kafka, const struct kafka_producer_options *options,
                         struct kafka_producer **out_producer, struct fault *out_fault);

/** Drops what is not acknowledged: wait for it first where it matters. NULL does nothing. */
void kafka_producer_close(struct kafka_producer *producer);

/** The lane of a partition, made at the first call; lives as long as the producer. */
struct kafka_lane *kafka_producer_lane(struct kafka_producer *producer, const char *topic,
                                       uint32_t partition);

struct kafka_header {
    const char *name;
    struct bytes value;
    bool null; /* a header without a value, which differs from an empty one */
};

struct kafka_outgoing {
    struct bytes key, value;
    bool null_key, null_value;
    const struct kafka_header *headers;
    size_t header_count;
    int64_t timestamp_ms; /* 0: now */
    uint64_t mark;        /* what kafka_lane_acked says once this message is acknowledged */
    uint32_t weight;      /* what it counts for in kafka_producer_in_flight */
};

/** Copies and queues one message. FAULT_TRY_AGAIN when the ring is full: poll and try again. */
bool kafka_producer_send(struct kafka_producer *producer, struct kafka_lane *lane,
                         const struct kafka_outgoing *message, struct fault *out_fault);

/** Serves deliveries and resends; waits up to wait_ms for news. */
bool kafka_producer_poll(struct kafka_producer *producer, int wait_ms, struct fault *out_fault);

/** How many messages, in the order of the calls over all lanes, are acknowledged or forgotten. */
uint64_t kafka_producer_acked(const struct kafka_producer *producer);

/** Weight of what is not acknowledged. */
size_t kafka_producer_in_flight(const struct kafka_producer *producer);

/** How often the client was made anew; for metrics and tests. */
uint64_t kafka_producer_rebuilds(const struct kafka_producer *producer);

/** Forgets the lane's unacknowledged messages: when it returns, none of them is sent any more,
 * though one that was on its way may still land. Sets what kafka_lane_acked and kafka_lane_offset
 * say from now on. */
void kafka_lane_reset(struct kafka_producer *producer, struct kafka_lane *lane, uint64_t mark,
                      int64_t offset);

/** Mark of the last acknowledged message of the lane. */
uint64_t kafka_lane_acked(const struct kafka_lane *lane);

/** Offset behind the last acknowledged message of the lane; -1 when there was none. */
int64_t kafka_lane_offset(const struct kafka_lane *lane);

/** Has the client fail as on a fatal error of the library; for tests. */
void kafka_producer_break(struct kafka_producer *producer);

#endif
