/*
 * The topics of a programme: what each must be like, made and mended without Java tools, and looked
 * over at every start (interfaces.md, "Topics").
 *
 * The journal: LogAppendTime, because the journal's time is the broker's (semantics §2); never
 * compacted, because a ledger is folded from all of it. The outputs: as many partitions as the
 * journal, because partition i feeds partition i. All of them: 3 replicas, 2 in sync, no unclean
 * election, or it is said by name that there is less.
 */
#ifndef TALLYBOOK_CONSUMERS_TOPICS_H
#define TALLYBOOK_CONSUMERS_TOPICS_H

#include "consumers/kafka.h"
#include "engine/core/effect.h"
#include "engine/core/event.h"
#include "engine/shard/ports.h"

/** What to do about a topic that is not there; the end of a fault's text. */
#define TOPICS_MEND_MISSING "make it with `tally topics create`"

enum { TOPICS_REPLICAS = 3, TOPICS_IN_SYNC = 2 };

struct topics_plan {
    const char *journal;
    const char *outputs[TOPIC_COUNT]; /* by enum topic; NULL: not made */
    const char *const
        *sources; /* each gets its `-dlt`; the sources themselves are not ours to make */
    size_t source_count;
    uint32_t partition_count;
    uint32_t replicas, in_sync; /* 0: TOPICS_REPLICAS, TOPICS_IN_SYNC; a single broker has to be
                                   asked for as 1, 1 */
    bool repair;                /* set right what is wrong on topics that exist */
};

struct topics_report {
    uint32_t made, kept, repaired;
};

/** Makes what is missing and, with repair, mends what is wrong; says each by name through
 * kafka_settings.say. Can be repeated. FAULT_CONFIG: a topic exists with other partitions or with
 * settings that are wrong, without repair; nothing can mend a partition count. */
bool topics_create(struct kafka *kafka, const struct topics_plan *plan,
                   struct topics_report *out_report, struct fault *out_fault);

/** Is the topic fit for a journal? *io_partition_count: the expected count, or 0 for any; set to
 * the topic's. */
bool topics_check_journal(struct kafka *kafka, const char *topic, uint32_t *io_partition_count,
                          bool single_broker, struct fault *out_fault);

/** Is the topic fit for an output of a journal with so many partitions? */
bool topics_check_output(struct kafka *kafka, const char *topic, uint32_t partition_count,
                         bool single_broker, struct fault *out_fault);

/** Name of a source's dead letters: "<source>-dlt". */
void topics_dead_letter_name(const char *source, char out_name[static KAFKA_TOPIC_BYTES]);

#endif
