/* Checkpoints of one partition: built as soon as they are due, ingested when everything they rest
 * on is acknowledged.
 *
 * Effects are regenerated from the checkpoint, so it must never outrun them: files are written at
 * once (the costly part), then the fold goes on, and the one atomic ingest waits until every output
 * and every forward caused before the checkpoint is durable. */
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/crash.h"
#include "engine/shard/shard_priv.h"

static bool
checkpoint_is_due(const struct partition *partition)
{
    const struct shard *shard = partition->shard;
    uint64_t entries = state_dirty_entries(partition->state);
    if (entries == 0) return false;
    if (partition->checkpoint_asked || entries >= shard->options.checkpoint_records) return true;
    if (shard->wall_ms - partition->last_checkpoint_ms >= shard->options.checkpoint_ms) return true;
    /* Memory: a partition whose changed rows take its share of half the limit writes them out
     * before they crowd out the rest, and above the limit every one does. */
    if (slab_used_bytes(&shard->slab) > shard->options.memory_bytes) return true;
    return state_dirty_bytes(partition->state) >
           shard->options.memory_bytes / 2 / shard->partition_count;
}

static bool
checkpoint_build(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct state_info info;
    state_info(partition->state, &info);
    for (enum topic topic = 0; topic < TOPIC_COUNT && shard->publisher != NULL; topic++) {
        state_set_output_offset(partition->state, topic, publish_read_from(partition, topic));
        partition->checkpoint_marks[topic] = info.outputs[topic].next_sequence;
    }
    partition->checkpoint_forwards = shard->appended;
    partition->checkpoint_asked = false;
    state_checkpoint_begin(partition->state);
    if (!store_checkpoint_build(partition->store, partition->state, out_fault))
        return fault_wrap(out_fault, "partition %u: checkpoint at offset %lld", partition->number,
                          (long long)info.next_offset);
    partition->checkpoint_built = true;
    partition->last_checkpoint_ms = shard->wall_ms;
    return true;
}

static bool
checkpoint_is_acknowledged(const struct partition *partition)
{
    const struct shard *shard = partition->shard;
    if (shard->publisher == NULL) return true;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        if (shard->publisher->ops->acked(shard->publisher, partition->number, topic) <
            partition->checkpoint_marks[topic])
            return false;
    return shard->appender->ops->acked(shard->appender) >= partition->checkpoint_forwards;
}

bool
checkpoint_run_once(struct partition *partition)
{
    struct fault fault;
    if (!partition->shard->options.checkpoints) return false;
    if (!partition->checkpoint_built) {
        if (!checkpoint_is_due(partition) || store_is_behind(partition->store)) return false;
        if (!checkpoint_build(partition, &fault)) {
            partition_stop(partition, &fault);
            return true;
        }
    }
    if (!checkpoint_is_acknowledged(partition)) return false;
    CRASH_POINT("checkpoint.acknowledged");
    if (!store_checkpoint_commit(partition->store, &fault)) {
        fault_wrap(&fault, "partition %u: checkpoint", partition->number);
        partition_stop(partition, &fault);
        return true;
    }
    state_checkpoint_end(partition->state);
    partition->checkpoint_built = false;
    partition->checkpoints++;
    return true;
}

bool
checkpoint_is_settled(const struct partition *partition)
{
    if (!partition->shard->options.checkpoints) return true;
    return !partition->checkpoint_built && state_dirty_entries(partition->state) == 0;
}
