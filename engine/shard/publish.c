/* From effects to outputs: what was regenerated is compared with what stands there and not sent
 * again; the rest is sent. Forwards go to the journal of the partition where their member lives. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/crash.h"
#include "engine/shard/shard_priv.h"

static void
tail_add(struct output_tail *tail, struct tail_mark mark)
{
    if ((tail->count & (tail->count - 1)) == 0) {
        size_t capacity = tail->count == 0 ? 1 : tail->count * 2;
        tail->marks = realloc(tail->marks, capacity * sizeof *tail->marks);
        CHECK(tail->marks != NULL);
    }
    tail->marks[tail->count++] = mark;
    tail->last_sequence = mark.last_sequence;
}

static void
tail_free(struct output_tail *tail)
{
    free(tail->marks);
    *tail = (struct output_tail){0};
}

/* One message of the tail. Repeats of a former owner are passed over; a gap means that effects are
 * missing, for ever. */
static bool
tail_take(struct partition *partition, const struct output_message *message, uint64_t next_sequence,
          struct fault *out_fault)
{
    struct output_tail *tail = &partition->tails[message->topic];
    uint64_t last = message->first_sequence + message->count - 1;
    uint64_t known = tail->count == 0 ? next_sequence - 1 : tail->last_sequence;
    if (last <= known) return true;
    /* Where retention has removed what lies below the checkpoint, the first message found may only
     * continue it. */
    if (message->first_sequence > known + 1)
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u: output '%s' has a gap before number %llu at offset %llu "
                         "(last was %llu); find out who "
                         "removed or wrote it before going on",
                         partition->number, topic_name(message->topic),
                         (unsigned long long)message->first_sequence,
                         (unsigned long long)message->offset, (unsigned long long)known);
    tail_add(tail, (struct tail_mark){last, message->hash, message->offset, message->claim});
    return true;
}

static bool
tail_read(struct partition *partition, struct output_reader *reader, enum topic topic,
          const struct output_mark *mark, uint64_t *out_end, struct fault *out_fault)
{
    struct outputs *outputs = partition->shard->options.outputs;
    struct output_message messages[SHARD_BATCH_MESSAGES];
    uint64_t first, end;
    if (!outputs->ops->bounds(outputs, partition->number, topic, &first, &end, out_fault))
        return false;
    uint64_t at = mark->offset > first ? mark->offset : first;
    *out_end = end;
    if (at > end)
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u: output '%s' ends at offset %llu, but the checkpoint saw "
                         "%llu: it was cut or made anew",
                         partition->number, topic_name(topic), (unsigned long long)end,
                         (unsigned long long)mark->offset);
    if (at == end) return true;
    if (!reader->ops->assign(reader, partition->number, topic, at, out_fault)) return false;
    while (at < end) {
        size_t count;
        if (!reader->ops->read(reader, 1000, messages, SHARD_BATCH_MESSAGES, &count, out_fault))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (messages[i].partition != partition->number || messages[i].topic != topic) continue;
            at = messages[i].offset + 1;
            if (!tail_take(partition, &messages[i], mark->next_sequence, out_fault)) return false;
        }
    }
    return true;
}

/* Reads each output from the checkpoint's offset to its end, and tells the publisher where to go
 * on. */
bool
publish_begin(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct outputs *outputs = shard->options.outputs;
    struct output_reader *reader;
    struct state_info info;
    state_info(partition->state, &info);
    if (!outputs->ops->open_reader(outputs, &reader, out_fault)) return false;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        uint64_t end;
        tail_free(&partition->tails[topic]);
        if (!tail_read(partition, reader, topic, &info.outputs[topic], &end, out_fault)) goto fail;
        struct output_tail *tail = &partition->tails[topic];
        uint64_t next =
            tail->count == 0 ? info.outputs[topic].next_sequence : tail->last_sequence + 1;
        if (!shard->publisher->ops->start(shard->publisher, partition->number, topic, next, end,
                                          out_fault))
            goto fail;
    }
    reader->ops->close(reader);
    return true;
fail:
    reader->ops->close(reader);
    return fault_wrap(out_fault, "partition %u: reading the outputs before publishing",
                      partition->number);
}

/* Compares a regenerated effect with the tail. Packs are compared at their last effect: the hash is
 * a running one. */
static bool
tail_compare(struct partition *partition, const struct effect *effect, struct fault *out_fault)
{
    struct output_tail *tail = &partition->tails[effect->topic];
    if (tail->count == 0 || effect->sequence > tail->last_sequence) return true;
    partition->published_again++;
    struct tail_mark *mark = &tail->marks[tail->next];
    if (effect->sequence < mark->last_sequence) return true;
    if (effect->hash != mark->hash)
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u: output '%s' number %llu was published with other content "
                         "than the journal gives; the "
                         "ledger or the output was altered",
                         partition->number, topic_name(effect->topic),
                         (unsigned long long)effect->sequence);
    tail->next++;
    if (tail->next == tail->count) tail_free(tail);
    return true;
}

/* Everything that lies before the own claim is folded. Writers of earlier claims had no other
 * records to take effects from, so what is left of the tails now came from elsewhere. A writer of a
 * later claim is read of soon. */
bool
publish_at_claim(struct partition *partition, struct fault *out_fault)
{
    if (!publish_drain(partition, out_fault)) return false;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        const struct output_tail *tail = &partition->tails[topic];
        if (tail->count == 0 || tail->marks[tail->next].claim > partition->claim) continue;
        return fault_set(out_fault, FAULT_DATA,
                         "partition %u: output '%s' holds number %llu at offset %llu, which the "
                         "journal does not give: the journal was cut, or the output belongs to "
                         "another one",
                         partition->number, topic_name(topic),
                         (unsigned long long)tail->marks[tail->next].last_sequence,
                         (unsigned long long)tail->marks[tail->next].offset);
    }
    return true;
}

/* Where a start from a checkpoint taken now would have to begin to read the topic: at the first
 * message that is not regenerated yet, or else behind what is acknowledged. A lower bound is
 * enough. */
uint64_t
publish_read_from(const struct partition *partition, enum topic topic)
{
    const struct output_tail *tail = &partition->tails[topic];
    struct publisher *publisher = partition->shard->publisher;
    if (tail->count > 0) return tail->marks[tail->next].offset;
    return publisher->ops->acked_offset(publisher, partition->number, topic);
}

static bool
publish_forward(struct partition *partition, const struct forward *forward, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct writer writer = {.data = shard->record_region.memory, .capacity = SHARD_RECORD_BYTES};
    CHECK(shard->options.decoder->encode_forward(shard->options.decoder, forward->wire,
                                                 forward->first_append.ms, &writer));
    return owner_append(partition, forward->partition, (struct bytes){writer.data, writer.size},
                        out_fault);
}

bool
publish_drain(struct partition *partition, struct fault *out_fault)
{
    struct shard *shard = partition->shard;
    struct effects *effects = &shard->effects;
    if (shard->publisher != NULL && effects->count > 0) {
        for (size_t i = 0; i < effects->count; i++) {
            const struct effect *effect = &effects->items[i];
            bool ok = effect->topic == TOPIC_FORWARD
                          ? publish_forward(partition, &effect->forward, out_fault)
                          : tail_compare(partition, effect, out_fault);
            if (!ok) return false;
        }
        CRASH_POINT("publish.before_send");
        int64_t since_ns = clock_monotonic_ns();
        while (!shard->publisher->ops->publish(shard->publisher, partition->number,
                                               partition->claim, effects->items, effects->count,
                                               out_fault)) {
            if (out_fault->kind != FAULT_TRY_AGAIN || !shard_may_wait(shard, since_ns, out_fault) ||
                !shard->publisher->ops->poll(shard->publisher, 10, out_fault))
                return fault_wrap(out_fault, "partition %u: publish", partition->number);
        }
        CRASH_POINT("publish.after_send");
    }
    effects->count = 0;
    arena_reset_to(effects->arena, 0);
    return true;
}

void
publish_end(struct partition *partition)
{
    struct shard *shard = partition->shard;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        tail_free(&partition->tails[topic]);
    if (shard->publisher != NULL) shard->publisher->ops->stop(shard->publisher, partition->number);
}
