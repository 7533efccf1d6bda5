/* Replay: folds a journal, or a packed file of one, into a folder of its own, and says where it
 * ends: digests, totals, verdicts. It claims nothing, publishes nothing, and touches nothing that
 * is live: the auditor's way to the same ledger.
 *
 * Needs the journal, the rulebooks inside it, and this program; nothing else. */
#ifndef TALLYBOOK_SNAPSHOTS_REPLAY_H
#define TALLYBOOK_SNAPSHOTS_REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/shard/ports.h"
#include "engine/shard/shard.h"

struct replay_result;

struct replay_options {
    struct journal *journal; /* borrowed */
    const struct record_decoder *decoder;
    const char
        *folder; /* for the stores: empty, or left by an earlier replay, which is then continued */
    uint32_t shards; /* 0: one per core, at most one per partition */
    size_t memory_bytes;
    uint64_t checkpoint_records;
    bool verify; /* afterwards recompute every digest from the stored rows and compare */
    const atomic_bool *stop; /* ends early; NULL: never */
    void (*progress)(
        void *context,
        uint64_t entries); /* about ten times a second, from the calling thread; may be NULL */
    /* Gets the result once the end is reached, before `verify`; what it points to is valid during
     * the call. May be NULL. */
    void (*report)(void *context, const struct replay_result *result);
    void *context;
};

struct replay_result {
    struct partition_status *partitions; /* partition_count of them */
    struct replay_totals {
        struct totals totals[PROGRAM_CURRENCIES_MAX];
        char names[PROGRAM_CURRENCIES_MAX][EVENT_ID_BYTES_MAX];
        size_t count;
    } * totals; /* of each partition */
    uint32_t partition_count;
};

/* Folds up to the journal's end as found when each partition was last looked at. FAULT_TRY_AGAIN
 * when stopped early; FAULT_DATA when a partition's journal cannot be folded, or, with verify, when
 * a recomputed digest differs (the partition is named). Blocking; shards run on threads of their
 * own. */
bool replay_run(const struct replay_options *options, struct fault *out_fault);

#endif
