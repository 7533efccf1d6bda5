/*
 * Intake: from the shops' topics to the journal.
 *
 * Reads any number of source topics as one consumer group, takes each message apart into events,
 * and appends them packed to the journal partitions that murmur2 of their members gives. What
 * cannot be read goes to the dead letters as it is and leaves a hole record in the journal.
 *
 * Invariants:
 *  1. The offset of a message is committed only after the journal, or the dead letters and the
 * journal's hole, have all of it. After a crash messages are read again: their events are
 * duplicates like any other, and move nothing.
 *  2. Nothing is skipped silently: a message is an event or several, a dead letter, or a tombstone,
 * and counted as such. A committed offset that the log does not hold stops intake with a message.
 *  3. An event that carries no id gets one that a second reading gives again:
 * GENERATION/TOPIC/PARTITION/OFFSET, and /INDEX behind it when it is not the first of its message;
 * without a source, its topic's name.
 *  4. Order: events of one source partition reach a journal partition in the order in which they
 * stand there.
 *
 * @thread one intake belongs to one thread
 */
#ifndef TALLYBOOK_CONSUMERS_INTAKE_H
#define TALLYBOOK_CONSUMERS_INTAKE_H

#include <stdatomic.h>

#include "consumers/kafka.h"
#include "engine/shard/ports.h"

struct intake_source {
    const char *topic;
    const char
        *generation; /* sets apart the ids of a topic that was made anew under its old name */
};

struct intake_options {
    const struct intake_source *sources;
    size_t source_count;
    const char *group;       /* consumer group */
    const char *instance;    /* of this process in the group: keeps its partitions over a restart;
                                NULL: none */
    const atomic_bool *stop; /* ends waiting for a journal whose queue is full; may be NULL */
};

/* Since the intake was opened. */
struct intake_counters {
    uint64_t messages, bytes;
    uint64_t events;       /* journalled; those whose form is refused included */
    uint64_t refused;      /* of these: the fold will answer them with the verdict of their form */
    uint64_t dead_letters; /* messages */
    uint64_t tombstones;
    uint64_t commits, commits_failed;
    uint64_t assigned; /* source partitions now */
};

struct intake;

/** `kafka` is where the sources are; the journal may be of any kind, but is live: FAULT_CONFIG for
 * a history journal. FAULT_UNAVAILABLE: a source or its dead-letter topic does not exist. */
bool intake_open(struct kafka *kafka, struct journal *journal, const struct intake_options *options,
                 struct intake **out_intake, struct fault *out_fault);

/** One duty cycle: serves the group, takes up to a few hundred messages, waiting up to wait_ms for
 * the first, appends, commits what is durable. *out_work: messages taken and answers served; 0
 * means idle. Longer than wait_ms only while the journal's queue is full. FAULT_TRY_AGAIN when
 * `stop` ended such a wait. */
bool intake_run_once(struct intake *intake, int wait_ms, size_t *out_work, struct fault *out_fault);

/** Appends what is packed, waits up to patience_ms until the journal has it, commits, and leaves
 * the group. Frees the intake in any case; what was not durable is read again by the next one. NULL
 * does nothing. */
void intake_close(struct intake *intake, int patience_ms);

struct intake_counters intake_counters(const struct intake *intake);

#endif
