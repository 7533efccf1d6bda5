/* The two halves of intake: intake_group.c speaks to the group, intake.c takes messages apart. */
#ifndef TALLYBOOK_CONSUMERS_INTAKE_PRIV_H
#define TALLYBOOK_CONSUMERS_INTAKE_PRIV_H

#include <librdkafka/rdkafka.h>

#include "consumers/dead_letters_kafka.h"
#include "consumers/intake.h"
#include "consumers/intake_pack.h"
#include "consumers/kafka_priv.h"
#include "engine/base/arena.h"
#include "engine/base/region.h"

/* A source partition that is ours. */
struct intake_lane {
    size_t source; /* index */
    int32_t partition;
    int64_t next;      /* offset behind the last message that was taken */
    int64_t committed; /* offset that was handed to the broker last */
};

struct intake_source_copy {
    char *topic, *generation;
};

/* Offsets that may be committed once the journal and the dead letters have what was sent before
 * them. At most one at a time. */
struct intake_cut {
    bool open;
    uint64_t records, letters; /* marks that must be durable */
    rd_kafka_topic_partition_list_t *offsets;
};

struct intake {
    struct kafka_client client; /* the group's consumer */
    struct intake_pack *pack;
    struct dead_letters *letters;
    uint64_t letters_sent;
    struct intake_counters counters;

    struct intake_source_copy *sources;
    size_t source_count;
    char *group;

    struct intake_lane *lanes;
    size_t lane_count;
    rd_kafka_topic_partition_list_t
        *proposed;     /* assigned by the group, offsets not looked up yet */
    bool commit_again; /* a commit failed: the next cut is made without news */
    struct intake_cut cut;
    int64_t cut_ns; /* when the last one was made */

    struct region region; /* of the arena */
    struct arena arena;   /* for one message */
};

/** Joins the group. */
bool intake_group_open(struct intake *intake, struct kafka *kafka,
                       const struct intake_options *options, struct fault *out_fault);

/** Looks up where newly assigned partitions go on, if there are any. */
bool intake_group_serve(struct intake *intake, struct fault *out_fault);

/** The lane of a message; NULL when its partition is not ours any more. */
struct intake_lane *intake_group_lane(struct intake *intake, const rd_kafka_message_t *message);

/** Makes a cut when one is due, and commits it once it is durable. `now`: whether due or not. */
bool intake_group_commit(struct intake *intake, bool now, struct fault *out_fault);

/** Sends everything on its way, waits up to patience_ms until it is durable, commits and waits for
 * the answer. */
bool intake_group_drain(struct intake *intake, int patience_ms, struct fault *out_fault);

/** Leaves the group. */
void intake_group_close(struct intake *intake);

#endif
