/* The shard from inside. All fields belong to the shard's thread, but the ring and its counters,
 * which are named. */
#ifndef TALLYBOOK_ENGINE_SHARD_SHARD_PRIV_H
#define TALLYBOOK_ENGINE_SHARD_SHARD_PRIV_H

#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/base/region.h"
#include "engine/base/slab.h"
#include "engine/shard/shard.h"

enum {
    SHARD_BATCH_MESSAGES =
        64,                 /* journal messages taken at once: enough to share the cost of a read */
    SHARD_CALLS_MAX = 64,   /* calls waiting; the service thread makes one at a time */
    SHARD_DUE_SLICE = 1024, /* due items between two drains of the effects */
    SHARD_EFFECTS_DRAIN = 4096, /* publish when so many effects have gathered */
    SHARD_IN_FLIGHT_MAX =
        1 << 20, /* unacknowledged effects of a shard: beyond, stop reading (back-pressure) */
    SHARD_CLAIM_TRIES_MAX = 8, /* lost races for a claim before the partition gives up */
    SHARD_CLAIMS_PER_RECORD_MAX = 64,
    SHARD_CLAIM_QUIET_MS = 2000, /* nothing read for so long: the claim waits no longer */
};

#define SHARD_EFFECT_ARENA_BYTES                                                                   \
    ((size_t)256 << 20) /* reserved address space, touched only when used */
#define SHARD_ENTRY_ARENA_BYTES                                                                    \
    ((size_t)64 << 20) /* a record of 900 kB decodes to less than 40 MB */
#define SHARD_RECORD_BYTES                                                                         \
    (RECORD_BYTES_MAX + (size_t)4096) /* one record that the shard itself appends */

/* A live record may be stamped this far ahead of the owner's clock (architecture.md, "The
 * journal"). */
#define SHARD_CLOCK_AHEAD_MAX_MS ((int64_t)5 * 60 * 1000)

/* What an output topic holds beyond the checkpoint: regenerated effects are compared and not sent
 * again. */
struct output_tail {
    struct tail_mark {
        uint64_t last_sequence, hash;
        uint64_t offset; /* of its message */
        uint64_t claim;  /* of its writer */
    } * marks;           /* rising; on the heap of the edges, freed when passed */
    size_t count, next;
    uint64_t last_sequence; /* highest contiguous number found; 0 = none */
};

struct partition {
    uint32_t number;
    struct shard *shard;
    enum partition_phase phase;
    struct fault fault;
    struct store *store;
    struct state *state;

    /* journal */
    int64_t read_offset; /* next offset expected from the reader */
    int64_t journal_end;
    int64_t open_end;    /* the durable end at open */
    bool messages_stale; /* the rest of this read was fetched before the reader was told to begin
                            elsewhere */

    /* claim (owner.c) */
    uint64_t nonce;
    uint64_t claim;          /* packed position of the own claim; 0 = not yet read */
    uint64_t claim_in_force; /* while skimming */
    uint32_t claim_tries;
    bool claim_appended;

    /* publishing (publish.c) */
    struct output_tail tails[TOPIC_COUNT];
    uint64_t published_again;

    /* checkpoints (checkpoint.c) */
    bool checkpoint_built; /* files written, waiting for acknowledgements */
    bool checkpoint_asked;
    uint64_t checkpoint_marks[TOPIC_COUNT]; /* acknowledged up to here: may be ingested */
    uint64_t checkpoint_forwards;           /* appender count that must be durable */
    uint64_t checkpoints;
    uint64_t checkpoints_wanted; /* so many, once the one that was asked for last is ingested */
    int64_t last_checkpoint_ms;

    /* ticks */
    int64_t last_tick_ms, last_take_ms;
    int64_t next_due_ms;        /* nothing is due before; 0: ask the state */
    int64_t tick_look_ms;       /* no tick is thought of before */
    int64_t tick_unread_offset; /* the end of the journal when the last tick was appended: wait
                                   until it is folded; −1 none */
};

struct shard_call_slot {
    shard_function *function;
    void *context;
    atomic_uint done; /* futex word: 0 waiting, 1 done; see call.c for its memory order */
};

struct shard {
    struct shard_options options;
    char *state_folder, *owner_name;
    struct region slab_region, entry_bytes_region, effect_bytes_region, entries_region,
        effects_region, record_region;
    struct slab slab;
    struct journal_reader *reader;
    struct journal_appender *appender; /* claims, ticks, forwards */
    uint64_t appended;                 /* appends made so far on `appender` */
    struct publisher *publisher;       /* NULL without outputs */
    struct partition *partitions;
    size_t partition_count;
    uint64_t evictions; /* rises whenever rows may have left memory */

    struct arena entries_arena, effects_arena;
    struct effects effects;
    struct needs needs;
    struct journal_message messages[SHARD_BATCH_MESSAGES];
    size_t message_next, message_count; /* of the last read: taken up to next, the rest waits */
    int64_t wall_ms;                    /* of this duty cycle */

    /* service thread → shard (call.c) */
    struct shard_call_slot *call_slots[SHARD_CALLS_MAX];
    atomic_uint calls_put, calls_taken; /* since the start; each at its number modulo the size */
    atomic_uint call_bell; /* futex word: rung after each enqueue, for a shard that has nothing else
                              to wait on */
    atomic_bool calls_ended;
};

/* shard.c */
bool shard_may_wait(const struct shard *shard, int64_t since_ns, struct fault *out_fault);
void shard_make_room(struct shard *shard);

/* partition.c */
void partition_open(struct shard *shard, uint32_t number, struct partition *partition);
void partition_start(struct partition *partition);
void partition_close(struct partition *partition);
void partition_stop(struct partition *partition, const struct fault *fault);
bool partition_load(struct partition *partition, const struct needs *needs,
                    struct fault *out_fault);
void partition_take(struct partition *partition, const struct journal_message *message);
void partition_look_at_end(struct partition *partition);

/* owner.c */
bool owner_begin(struct partition *partition, struct fault *out_fault);
void owner_skim(struct partition *partition, const struct journal_message *message);
void owner_claim_when_quiet(struct partition *partition);
bool owner_still_owns(struct partition *partition, struct fault *out_fault);
void owner_tick(struct partition *partition);
bool owner_append(struct partition *partition, uint32_t target, struct bytes record,
                  struct fault *out_fault);

/* publish.c */
bool publish_begin(struct partition *partition, struct fault *out_fault);
bool publish_at_claim(struct partition *partition, struct fault *out_fault);
uint64_t publish_read_from(const struct partition *partition, enum topic topic);
bool publish_drain(struct partition *partition, struct fault *out_fault);
void publish_end(struct partition *partition);

/* checkpoint.c */
bool checkpoint_run_once(struct partition *partition);
bool checkpoint_is_settled(const struct partition *partition);

/* call.c */
void call_wait(struct shard *shard, int wait_ms);
size_t call_run_once(struct shard *shard);

#endif
