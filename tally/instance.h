/* An instance: one process's engine. It opens journal and outputs as the configuration says, gives
 * every partition to a shard and every shard a thread, and answers questions about members.
 *
 * Modes:
 *   OWNER  claims the partitions, publishes, checkpoints (run, demo, import when nobody runs)
 *   LOOK   folds what the store has not seen, in memory, publishes and writes nothing (member show
 * when nobody runs) REPLAY folds the whole journal into a folder of its own, publishes nothing
 *
 * Threads: open, start, stop and close by one thread; instance_call and what builds on it by any
 * (they take turns). */
#ifndef TALLYBOOK_TALLY_INSTANCE_H
#define TALLYBOOK_TALLY_INSTANCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/shard/ports.h"
#include "engine/shard/shard.h"

struct instance;

enum instance_mode { INSTANCE_OWNER = 1, INSTANCE_LOOK = 2, INSTANCE_REPLAY = 3 };

struct instance_options {
    enum instance_mode mode;
    const char *state_folder;
    struct journal *journal; /* borrowed */
    struct outputs *outputs; /* borrowed; NULL unless OWNER */
    const struct record_decoder *decoder;
    uint32_t shards; /* 0: one per core, at most one per partition */
    size_t memory_bytes;
    uint64_t checkpoint_records;
    int64_t checkpoint_ms, tick_ms;
    const atomic_bool *stop; /* set: waits below end with FAULT_TRY_AGAIN; NULL: never */
};

/* Opens shards and their partitions; a partition that cannot open is stopped with its reason and
 * the others go on. */
bool instance_open(const struct instance_options *options, struct instance **out_instance,
                   struct fault *out_fault);

/* Starts the shards' threads. */
void instance_start(struct instance *instance);

/* Lets the shards finish what they hold (publish, checkpoint; at most `wait_ms`), ends the threads.
 * False when something could not be finished: nothing is lost, the next start folds it again. */
bool instance_stop(struct instance *instance, int64_t wait_ms);
void instance_close(struct instance *instance);

uint32_t instance_partition_count(const struct instance *instance);
struct journal *instance_journal(struct instance *instance);
struct outputs *instance_outputs(struct instance *instance);

/* Decodes a record that another process wants to append: FAULT_DATA when the fold could not read
 * it. Any thread. */
bool instance_check_record(const struct instance *instance, struct bytes record,
                           struct fault *out_fault);

/* Runs `function` on the thread of the shard that owns `partition`; before the start and after the
 * stop on the caller's. FAULT_UNAVAILABLE while it stops. */
typedef void instance_function(struct partition *partition, void *context);
bool instance_call(struct instance *instance, uint32_t partition, instance_function *function,
                   void *context, struct fault *out_fault);

/* Status of every partition; `out` has room for all. */
bool instance_status(struct instance *instance, struct partition_status *out,
                     struct fault *out_fault);

/* First fault of a stopped partition, if there is one. */
bool instance_trouble(struct instance *instance, struct fault *out_fault);

/* Waits until every running partition has folded the journal's end and its effects are
 * acknowledged. False with the fault of the first partition that stopped. `progress` (may be NULL)
 * is called about ten times a second. */
typedef void instance_progress(void *context, const struct partition_status *status,
                               uint32_t count);
bool instance_wait_idle(struct instance *instance, instance_progress *progress, void *context,
                        struct fault *out_fault);

/* Asks every partition for a checkpoint and waits for it. `stop` (may be NULL) ends the wait as the
 * options' own does. */
bool instance_checkpoint(struct instance *instance, const atomic_bool *stop,
                         struct fault *out_fault);

/* The last activated rulebook of one partition. *out_version 0: none. *out_program is its
 * normalised form, allocated; the caller frees. */
bool instance_rulebook(struct instance *instance, uint32_t partition, uint32_t *out_version,
                       uint8_t **out_program, size_t *out_size, struct fault *out_fault);

/* Answers as JSON text, allocated; the caller frees. member: FAULT_NO_INPUT when unknown. */
bool instance_member_json(struct instance *instance, struct bytes member, char **out_json,
                          struct fault *out_fault);
bool instance_status_json(struct instance *instance, char **out_json, struct fault *out_fault);

#endif
