/* What a command works on: journal and outputs of the configured programme, wherever they live, and
 * whoever holds them.
 *
 *   embedded, nobody runs      the data folder is locked and opened
 *   embedded, tally runs       everything goes through that process's socket
 *   Kafka                      journal and outputs from the broker; members from a running tally's
 * socket when there is one
 *
 * Questions about members and status go to the running process, or else to an instance that folds
 * in memory what the store has not seen yet, and writes nothing. */
#ifndef TALLYBOOK_TALLY_SESSION_H
#define TALLYBOOK_TALLY_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/fault.h"
#include "engine/shard/ports.h"
#include "tally/instance.h"
#include "tally/options.h"

struct session;
struct kafka;

/* Set by SIGINT and SIGTERM once session_catch_signals was called; long work looks at it. */
extern atomic_bool session_stop;
void session_catch_signals(void);

enum session_mode {
    SESSION_SHARED,    /* journal and outputs, through a running process where there is one */
    SESSION_EXCLUSIVE, /* the data folder itself: a process that holds it is FAULT_TRY_AGAIN */
    SESSION_EMPTY,     /* shared, and record 0 may be missing: for whoever is about to write it */
    SESSION_QUESTION,  /* shared, for a member or the status: a running process is asked through its
                          socket alone */
};

/* Makes the data folder with an embedded journal that has no record yet, and its outputs; one that
 * is there already is left as it is. FAULT_CANNOT_CREATE, FAULT_IO. */
bool session_make_embedded(const struct options *options, uint32_t partition_count, bool *out_made,
                           struct fault *out_fault);

/* Opens journal and outputs. FAULT_NO_INPUT with the command to run when there is no journal yet;
 * FAULT_CONFIG when the journal is not the configured one (partition count, programme). `options`
 * outlives the session. */
bool session_open(const struct options *options, enum session_mode mode,
                  struct session **out_session, struct fault *out_fault);
void session_close(struct session *session);

struct journal *session_journal(struct session *session);
struct outputs *session_outputs(struct session *session);
const struct options *session_options(const struct session *session);
struct kafka *session_kafka(struct session *session);  /* NULL on the embedded journal */
bool session_is_remote(const struct session *session); /* through the socket of a running process */

/* Record 0 of partition 0: journal id, programme, kind of time. Read at open; `programme` lives as
 * long as the session. */
const struct genesis *session_genesis(const struct session *session);
bool session_read_genesis(struct session *session, struct fault *out_fault);

/* A client of the configured broker; the caller closes it. */
bool session_open_kafka_client(const struct options *options, struct kafka **out_kafka,
                               struct fault *out_fault);

/* Waits up to wait_ms for a signal to stop; true when it has come. */
bool session_wait_for_stop(int wait_ms);

/* Names of the output topics as configured, by enum topic. */
void session_output_topics(const struct options *options, const char *out_topics[TOPIC_COUNT]);

/* Starts an engine of its own on an embedded folder that nobody runs, and stops it again: claims,
 * folds, publishes, checkpoints. */
bool session_start_engine(struct session *session, struct fault *out_fault);
bool session_stop_engine(struct session *session, struct fault *out_fault);
struct instance *session_engine(struct session *session); /* NULL when not started */

/* Answers as JSON text, allocated; the caller frees. */
bool session_member(struct session *session, struct bytes member, char **out_json,
                    struct fault *out_fault);
bool session_status(struct session *session, char **out_json, struct fault *out_fault);

/* The last activated rulebook of a partition; version 0: none. *out_program is allocated; the
 * caller frees. */
bool session_rulebook(struct session *session, uint32_t partition, uint32_t *out_version,
                      uint8_t **out_program, size_t *out_size, struct fault *out_fault);

/* Whether the three above are answered without folding a journal on Kafka: by a running process, or
 * from the folder's own state. */
bool session_answers_at_once(struct session *session);

/* Options of an instance as configured. */
void session_instance_options(const struct session *session, enum instance_mode mode,
                              struct instance_options *out_options);

/* Makes `path` and its missing parents. FAULT_CANNOT_CREATE. */
bool session_make_folders(const char *path, struct fault *out_fault);

#endif
