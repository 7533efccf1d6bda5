/*
 * A folder with an embedded journal, its outputs and room for stores, and shards that a test drives
 * by hand: everything is real but the clock, which the test sets.
 */
#ifndef TALLYBOOK_TESTS_UNIT_SHARD_RIG_H
#define TALLYBOOK_TESTS_UNIT_SHARD_RIG_H

#include "consumers/codec_record.h"
#include "engine/base/region.h"
#include "engine/core/program.h"
#include "engine/shard/shard.h"
#include "tests/unit/disk_folder.h"

enum { SHARD_RIG_PARTITIONS_MAX = 8 };

struct shard_rig {
    struct disk_folder folder;
    struct journal *journal;
    struct outputs *outputs;
    struct journal_appender *appender;
    uint64_t appended;
    uint32_t partitions;
    struct region record_region, event_region;
    struct arena events;
    uint64_t told; /* events so far: makes ids */
    struct fault fault;
};

/* What the journal stamps and the shards are told. Begins with the real time. */
int64_t shard_rig_now_ms(void);
void shard_rig_pass(int64_t ms);

/* A journal with record 0 and a rulebook (points expire after a day when `expires`) in each
 * partition. */
void shard_rig_open(struct shard_rig *rig, uint32_t partitions, bool expires);
void shard_rig_close(struct shard_rig *rig);

/* Closes journal and outputs, all readers and shards being closed, and opens them again. */
void shard_rig_close_ports(struct shard_rig *rig);
void shard_rig_open_ports(struct shard_rig *rig);

/* Appends one record and waits until it is durable. */
void shard_rig_append(struct shard_rig *rig, uint32_t partition, struct bytes record);
/* Puts the ready event of an order of one line into a record, to be appended by the test. */
void shard_rig_add_order(struct shard_rig *rig, struct record_builder *builder, const char *member,
                         int64_t minor);
void shard_rig_begin(struct shard_rig *rig, struct record_builder *builder);
/* One order, a record of its own, into the partition where the member lives, or another. */
void shard_rig_buy(struct shard_rig *rig, const char *member, int64_t minor);
void shard_rig_buy_in(struct shard_rig *rig, uint32_t partition, const char *member, int64_t minor);
void shard_rig_claim(struct shard_rig *rig, uint32_t partition, uint64_t replaces);
uint32_t shard_rig_home(const struct shard_rig *rig, const char *member);

/* Options of a shard over the rig's journal and outputs with its stores in `state`, a folder's name
 * of which all shards of one owner share; checkpoints only when asked for, no ticks. */
struct shard_options shard_rig_options(struct shard_rig *rig, const char *state);

/* A shard that owns all partitions. */
struct shard *shard_rig_start(struct shard_rig *rig, const struct shard_options *options);

/* Duty cycles until nothing is left to do; a shard that does not come to rest fails the test. */
void shard_rig_run(struct shard *shard);
/* Duty cycles until the partition has that phase. */
void shard_rig_run_to(struct shard *shard, uint32_t partition, enum partition_phase phase);

struct partition_status shard_rig_status(struct shard *shard, uint32_t partition);
int64_t shard_rig_active(struct shard *shard, const struct shard_rig *rig, const char *member);

/* What stands on an output topic: effects, and how many of them a second time. Numbers must have no
 * gap. */
struct shard_rig_output {
    uint64_t effects, repeated;
};
struct shard_rig_output shard_rig_output(struct shard_rig *rig, uint32_t partition,
                                         enum topic topic);

#endif
