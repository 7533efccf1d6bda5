/*
 * What intake could not read from a Kafka topic, sent on to `<source>-dlt`: key, value, headers and
 * timestamp exactly as they came, on the same partition where there is one, with headers beside its
 * own that users of Spring Kafka and of Kafka Connect look for, and tb_error_code and
 * tb_error_detail (interfaces.md, "Topics").
 */
#ifndef TALLYBOOK_CONSUMERS_DEAD_LETTERS_KAFKA_H
#define TALLYBOOK_CONSUMERS_DEAD_LETTERS_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "consumers/kafka.h"

struct dead_letters;

/** The dead-letter topic of each source must exist: FAULT_UNAVAILABLE with the command that makes
 * it. @thread intake */
bool dead_letters_open(struct kafka *kafka, const char *const *sources, size_t source_count,
                       struct dead_letters **out_letters, struct fault *out_fault);

/** Copies and queues the message, which came from `source` (its index). FAULT_TRY_AGAIN when the
 * queue is full. */
bool dead_letters_send(struct dead_letters *letters, size_t source,
                       const rd_kafka_message_t *message, const char *code, const char *detail,
                       struct fault *out_fault);

/** Serves deliveries; waits up to wait_ms for news. */
bool dead_letters_poll(struct dead_letters *letters, int wait_ms, struct fault *out_fault);

/** How many letters, in the order of the calls, the broker has. */
uint64_t dead_letters_acked(const struct dead_letters *letters);

void dead_letters_close(struct dead_letters *letters);

#endif
