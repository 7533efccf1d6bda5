/*
 * One Kafka cluster as the rest of consumers/ sees it: settings checked at once, clients made from
 * them, questions about topics, and one line of health.
 *
 * Invariants:
 *  1. What durability, order and exactness rest on is set here and cannot be overridden by the
 * `kafka:` map: a property of that kind is refused by name, with the reason (kafka_owned.def).
 *  2. A broker that is away is no fault of a running client. Calls that need an answer now
 * (opening, asking for bounds) wait as kafka_settings says, telling people after a second and then
 * every 10 s.
 *  3. librdkafka's own log lines go nowhere but into the health line: a broker that is away for a
 * day fills no disk.
 *
 * librdkafka 2.0.2; consumers/ is its only user.
 */
#ifndef TALLYBOOK_CONSUMERS_KAFKA_H
#define TALLYBOOK_CONSUMERS_KAFKA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"

struct kafka_property {
    const char *name, *value;
};

struct kafka_settings {
    const struct kafka_property *properties; /* the `kafka:` map; bootstrap.servers among them */
    size_t property_count;
    int64_t patience_ms;     /* how long a call waits for a broker that is away; 0: until `stop` */
    const atomic_bool *stop; /* read while waiting; set by a signal handler. NULL: none */
    /** News for people: waiting, and warnings about settings that are less than durable. May be
     * NULL. Called by the thread that waits. */
    void (*say)(void *context, const char *line);
    void *say_context;
};

struct kafka;

/** FAULT_CONFIG, with the library's own message, for a property that is unknown, wrong or not the
 * user's to set. Asks no broker. Everything in settings but `stop` and `say` is copied. */
bool kafka_open(const struct kafka_settings *settings, struct kafka **out_kafka,
                struct fault *out_fault);

/** After everything that was opened from it. NULL does nothing. */
void kafka_close(struct kafka *kafka);

/** Where the cluster is, as configured; for messages. */
const char *kafka_bootstrap(const struct kafka *kafka);

/** One line while something is wrong ("broker 127.0.0.1:9092 away for 12 s, waiting (Connection
 * refused)"), empty when all is well. Any thread. */
void kafka_health(struct kafka *kafka, char *out_text, size_t size);

/* ---- Topics ---------------------------------------------------------------------------------- */

struct kafka_topic {
    bool exists;
    uint32_t partition_count;
    uint32_t replicas; /* of the partition that has the fewest */
};

/** What the cluster says of a topic now; one that does not exist is no fault. */
bool kafka_topic_find(struct kafka *kafka, const char *topic, struct kafka_topic *out_topic,
                      struct fault *out_fault);

enum { KAFKA_VALUE_BYTES = 128, KAFKA_TOPIC_BYTES = 256 };

struct kafka_topic_settings {
    char timestamp_type[KAFKA_VALUE_BYTES]; /* "LogAppendTime" or "CreateTime" */
    char cleanup_policy[KAFKA_VALUE_BYTES]; /* "delete", "compact" or both */
    int64_t retention_ms, retention_bytes;  /* -1: without end */
    int64_t min_insync_replicas, max_message_bytes;
    bool unclean_election;
};

/** The settings in force of a topic that exists; FAULT_NOT_ALLOWED when the broker does not tell
 * us. */
bool kafka_topic_describe(struct kafka *kafka, const char *topic,
                          struct kafka_topic_settings *out_settings, struct fault *out_fault);

/** Makes a topic and returns when every partition has a leader. FAULT_CANNOT_CREATE with the
 * broker's reason. *out_existed: it was there before, and nothing was changed. */
bool kafka_topic_create(struct kafka *kafka, const char *topic, uint32_t partition_count,
                        uint32_t replicas, const struct kafka_property *settings,
                        size_t setting_count, bool *out_existed, struct fault *out_fault);

/** Sets some settings of a topic, keeps those that were set on it before, and returns when they are
 * in force. */
bool kafka_topic_alter(struct kafka *kafka, const char *topic,
                       const struct kafka_property *settings, size_t setting_count,
                       struct fault *out_fault);

/** First offset still there and the offset behind the last, of a partition. */
bool kafka_bounds(struct kafka *kafka, const char *topic, uint32_t partition, int64_t *out_first,
                  int64_t *out_end, struct fault *out_fault);

#endif
