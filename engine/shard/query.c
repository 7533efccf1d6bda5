/* Looking into a partition from its own thread: status, one member, totals. */
#include <string.h>

#include "engine/base/check.h"
#include "engine/shard/shard_priv.h"

void
partition_status(struct partition *partition, struct partition_status *out_status)
{
    struct shard *shard = partition->shard;
    partition_look_at_end(partition);
    *out_status = (struct partition_status){
        .partition = partition->number,
        .phase = partition->phase,
        .journal_end = partition->journal_end,
        .in_flight =
            shard->publisher == NULL
                ? 0
                : shard->publisher->ops->in_flight(shard->publisher) +
                      (size_t)(shard->appended - shard->appender->ops->acked(shard->appender)),
        .checkpoints = partition->checkpoints,
        .last_checkpoint_ms = partition->last_checkpoint_ms,
        .published_again = partition->published_again,
        .caught_up = partition->phase == PARTITION_FOLDING &&
                     partition->read_offset >= partition->journal_end,
    };
    if (partition->phase == PARTITION_STOPPED) out_status->fault = partition->fault;
    if (partition->state != NULL) state_info(partition->state, &out_status->info);
}

bool
partition_member(struct partition *partition, struct bytes member, struct arena *arena,
                 struct member_view *out_view, struct fault *out_fault)
{
    struct needs *needs = &partition->shard->needs;
    if (partition->state == NULL)
        return fault_set(out_fault, FAULT_UNAVAILABLE, "partition %u has no state: %s",
                         partition->number, partition->fault.text);
    for (;;) {
        needs->count = 0;
        switch (member_lookup(partition->state, member, arena, out_view, needs)) {
        case LOOKUP_FOUND: return true;
        case LOOKUP_UNKNOWN:
            return fault_set(out_fault, FAULT_NO_INPUT, "no member '%.*s' in partition %u",
                             (int)member.size, (const char *)member.data, partition->number);
        case LOOKUP_NEEDS:
            if (!partition_load(partition, needs, out_fault)) return false;
            break;
        }
    }
}

bool
partition_rulebook(struct partition *partition, struct activation *out_activation)
{
    return partition->state != NULL && state_rulebook(partition->state, out_activation);
}

size_t
partition_totals(struct partition *partition, struct totals *out_totals, size_t max)
{
    return partition->state != NULL ? state_totals(partition->state, out_totals, max) : 0;
}

void
partition_request_checkpoint(struct partition *partition)
{
    partition->checkpoint_asked = true;
    partition->checkpoints_wanted = partition->checkpoints + partition->checkpoint_built + 1;
}

bool
partition_is_settled(const struct partition *partition)
{
    return partition->phase == PARTITION_STOPPED ||
           (partition->phase == PARTITION_FOLDING &&
            (checkpoint_is_settled(partition) ||
             (partition->checkpoints_wanted > 0 &&
              partition->checkpoints >= partition->checkpoints_wanted)));
}
