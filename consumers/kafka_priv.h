/* What the files of consumers/ that speak to librdkafka share. */
#ifndef TALLYBOOK_CONSUMERS_KAFKA_PRIV_H
#define TALLYBOOK_CONSUMERS_KAFKA_PRIV_H

#include <librdkafka/rdkafka.h>

#include "consumers/kafka.h"

/* Embedded in whatever owns a librdkafka handle; it is the opaque of all the handle's callbacks. */
struct kafka_client {
    struct kafka *kafka;
    rd_kafka_t *rk;
    void *owner;
    void (*statistics)(struct kafka_client *client,
                       const char *json); /* every second; may be NULL */
};

/** A configuration with the user's properties and the callbacks of health; `client` must outlive
 * the handle. Owned by the caller until kafka_client_start. */
rd_kafka_conf_t *kafka_conf(struct kafka *kafka, struct kafka_client *client);

/** Sets one of our own properties: CHECKs that the library takes it. */
void kafka_conf_own(rd_kafka_conf_t *conf, const char *name, const char *value);

/** Makes the handle; takes conf in every case. */
bool kafka_client_start(struct kafka_client *client, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                        struct fault *out_fault);

/** The client that asks and makes; any thread. */
rd_kafka_t *kafka_admin(struct kafka *kafka);

/** Something worth a word in the health line until the cluster is seen well again. Any thread. */
void kafka_note(struct kafka *kafka, const char *reason);

/** The cluster answered. Any thread. */
void kafka_note_well(struct kafka *kafka);

/* One wait for a cluster that does not answer; zeroed at the start. */
struct kafka_wait {
    int64_t began_ns, told_ns;
};

/** Called after every attempt in vain: tells people when it is time to and returns true, or
 * FAULT_UNAVAILABLE when patience is over or `stop` is set. Does not sleep: attempts have time-outs
 * of their own, KAFKA_ASK_MS. */
bool kafka_wait_more(struct kafka *kafka, struct kafka_wait *wait, const char *what,
                     struct fault *out_fault);

/* One attempt. Short, so that `stop` is seen soon. */
enum { KAFKA_ASK_MS = 500 };

/** True for answers that pass by themselves: no leader yet, connection lost, coordinator loading.
 */
bool kafka_error_passes(rd_kafka_resp_err_t error);

/** Says a line to people: through settings.say, or nowhere. */
void kafka_say(struct kafka *kafka, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool kafka_stopping(const struct kafka *kafka);

#endif
