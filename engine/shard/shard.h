/* A shard: one thread that owns whole partitions and takes each of them from journal to outputs and
 * store.
 *
 * A shard is a duty cycle: shard_run_once() reads what the journal has, folds it, publishes the
 * effects, checkpoints, ticks, and answers calls of other threads; it never blocks longer than
 * `wait_ms`. A thread is only a loop around it, and tests call it by hand.
 *
 * Life of a partition (architecture.md, "Commit, publish, recover"):
 *   CLAIMING   store opened, anchor checked, own claim appended; waits until the claim is read and
 * in force FOLDING    effects are regenerated from the checkpoint, compared with what the outputs
 * hold, and published from there on STOPPED    a fault or a foreign claim: nothing is applied or
 * published any more; the state can still be looked at A shard without outputs (an audit, a replay,
 * a look at a member) claims nothing and begins with FOLDING.
 *
 * Invariants:
 *  1. Nothing is published before the own claim was read as valid, nor after a foreign valid claim
 * was read.
 *  2. A checkpoint at m is ingested only when every output and forward caused before m is
 * acknowledged.
 *  3. A partition's trouble stops that partition; the others go on.
 *  4. No lock: other threads reach a shard only through shard_call, a bounded ring. */
#ifndef TALLYBOOK_ENGINE_SHARD_SHARD_H
#define TALLYBOOK_ENGINE_SHARD_SHARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/core/fold.h"
#include "engine/shard/ports.h"
#include "engine/store/store.h"

struct shard;

struct shard_options {
    const char *state_folder; /* holds p000, p001, … one store per partition */
    struct journal *journal;  /* borrowed; outlives the shard */
    struct outputs *outputs;  /* borrowed; NULL: fold only, claim and publish nothing */
    const struct record_decoder *decoder;
    const char *owner_name; /* goes into claims, for people: host and process */
    size_t memory_bytes;    /* for rows in memory, all partitions of the shard together; kept */
    uint64_t checkpoint_records; /* entries between checkpoints */
    int64_t checkpoint_ms;       /* time between checkpoints when there is anything to write */
    int64_t tick_ms;  /* a quiet partition's clock is advanced this often; 0: never tick */
    bool checkpoints; /* false: never write to the store (a look from outside) */
    uint64_t expected_members, expected_identities; /* per partition; first sizes, they grow */
    const atomic_bool *stops[2]; /* any set: a queue that stays full ends the partition after
                                    stop_wait_ms instead of being waited for; NULL: none */
    int64_t stop_wait_ms;
};

enum partition_phase { PARTITION_CLAIMING = 1, PARTITION_FOLDING = 2, PARTITION_STOPPED = 3 };

const char *partition_phase_name(enum partition_phase phase);

struct partition_status {
    uint32_t partition;
    enum partition_phase phase;
    struct fault fault; /* when stopped: why */
    struct state_info info;
    int64_t journal_end; /* the journal's durable end when last asked; lag = journal_end −
                            info.next_offset */
    size_t in_flight;    /* of the whole shard: effects and appends not yet acknowledged */
    uint64_t checkpoints;
    int64_t last_checkpoint_ms; /* wall clock; 0 = none since open */
    uint64_t
        published_again; /* effects regenerated after the open that stood in the outputs already */
    bool caught_up;      /* everything that the journal held at open, and since, is folded */
};

struct partition;

/* Opens stores and journal positions of `partitions` (owned by this shard alone). A partition that
 * cannot open is STOPPED with its fault; only what concerns the whole shard (memory, journal) is a
 * fault here. @thread of the caller, before the loop begins */
bool shard_open(const struct shard_options *options, const uint32_t *partitions, size_t count,
                struct shard **out_shard, struct fault *out_fault);

/* One duty cycle. Returns the work done: messages, deliveries and calls. @thread shard */
size_t shard_run_once(struct shard *shard, int64_t wall_ms, int wait_ms);

/* Finishes what can be finished: publishes and acknowledges, then checkpoints everything, at most
 * for `wait_ms`. True when all partitions that run are checkpointed at their last applied record.
 * @thread shard */
bool shard_settle(struct shard *shard, int64_t wait_ms);

void shard_close(struct shard *shard);

/* The partition with that number, or NULL when this shard does not own it. @thread shard */
struct partition *shard_partition(struct shard *shard, uint32_t number);
size_t shard_partition_count(const struct shard *shard);

/* True when every running partition has folded what the journal held at the last look, and all
 * effects are acknowledged. */
bool shard_is_idle(struct shard *shard);

/* ---- Calls from other threads
 * ------------------------------------------------------------------------------------- */

typedef void shard_function(struct shard *shard, void *context);

/* Runs `function` on the shard's thread between two batches and waits for its end. One calling
 * thread at a time (the ring has a single producer). False when the shard's loop has ended. @thread
 * service */
bool shard_call(struct shard *shard, shard_function *function, void *context);

/* The loop has ended: calls return false from now on. @thread shard */
void shard_end_calls(struct shard *shard);

/* ---- Looking in (query.c). @thread shard
 * -------------------------------------------------------------------------- */

void partition_status(struct partition *partition, struct partition_status *out_status);

/* The member as of the last applied entry; cold rows are read from the store. FAULT_NO_INPUT: no
 * such member. */
bool partition_member(struct partition *partition, struct bytes member, struct arena *arena,
                      struct member_view *out_view, struct fault *out_fault);

/* The last activated rulebook; spans are valid until the next apply. */
bool partition_rulebook(struct partition *partition, struct activation *out_activation);

size_t partition_totals(struct partition *partition, struct totals *out_totals, size_t max);

/* Asks for a checkpoint, taken as soon as acknowledged; and whether everything that was applied
 * when it was asked for is in the store (or the partition has stopped, so that nothing more will
 * come). */
void partition_request_checkpoint(struct partition *partition);
bool partition_is_settled(const struct partition *partition);

#endif
