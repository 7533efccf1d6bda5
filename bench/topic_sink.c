#include "bench/topic_sink.h"

#include <stdlib.h>

#include "consumers/kafka.h"
#include "consumers/kafka_producer.h"
#include "engine/base/murmur2.h"
#include "engine/core/event.h"

enum {
    RING_BYTES = 32 * 1024 * 1024,
    WAIT_MS = 100,
    PATIENCE_MS = 30000,
    /* Serving deliveries costs a call into the library: not for every event. */
    POLL_EVERY = 1024,
};

/* EventPack's only field, number 1000, length-delimited, as a tag
 * (schemas/tallybook/v1/pack.proto).
 */
#define PACK_TAG (UINT64_C(1000) << 3 | 2)

struct topic_lane {
    struct kafka_lane *lane;
    struct writer pack;
};

struct topic_sink {
    struct kafka *kafka;
    struct kafka_producer *producer;
    uint32_t partition_count, pack_bytes;
    uint64_t sent, added;
    struct topic_lane lanes[PARTITIONS_MAX];
};

static bool
sink_connect(struct topic_sink *sink, const char *bootstrap, const char *topic,
             struct fault *out_fault)
{
    const struct kafka_property property = {"bootstrap.servers", bootstrap};
    const struct kafka_settings settings = {
        .properties = &property, .property_count = 1, .patience_ms = PATIENCE_MS};
    const struct kafka_producer_options options = {.ring_bytes = RING_BYTES,
                                                   .mend = "make the topic before filling it"};
    struct kafka_topic found;
    if (!kafka_open(&settings, &sink->kafka, out_fault) ||
        !kafka_topic_find(sink->kafka, topic, &found, out_fault))
        return false;
    if (!found.exists)
        return fault_set(out_fault, FAULT_NO_INPUT, "topic %s: is not there; make it first", topic);
    if (found.partition_count > PARTITIONS_MAX)
        return fault_set(out_fault, FAULT_CONFIG, "topic %s: has more than %d partitions", topic,
                         PARTITIONS_MAX);
    sink->partition_count = found.partition_count;
    return kafka_producer_open(sink->kafka, &options, &sink->producer, out_fault);
}

bool
topic_sink_open(const char *bootstrap, const char *topic, uint32_t pack_bytes,
                struct topic_sink **out_sink, struct fault *out_fault)
{
    struct topic_sink *sink = calloc(1, sizeof *sink);
    CHECK(sink != NULL);
    sink->pack_bytes = pack_bytes;
    if (!sink_connect(sink, bootstrap, topic, out_fault)) {
        topic_sink_close(sink);
        return false;
    }
    for (uint32_t p = 0; p < sink->partition_count; p++) {
        size_t capacity = pack_bytes + WORKLOAD_EVENT_BYTES_MAX + 2 * BYTES_VARINT_MAX;
        void *memory = malloc(capacity);
        CHECK(memory != NULL);
        sink->lanes[p].pack = writer_of(memory, capacity);
        sink->lanes[p].lane = kafka_producer_lane(sink->producer, topic, p);
    }
    *out_sink = sink;
    return true;
}

static bool
sink_send(struct topic_sink *sink, struct topic_lane *lane, struct bytes key, struct bytes value,
          struct fault *out_fault)
{
    struct kafka_outgoing message = {
        .key = key, .value = value, .null_key = key.size == 0, .mark = sink->sent + 1, .weight = 1};
    while (!kafka_producer_send(sink->producer, lane->lane, &message, out_fault)) {
        if (out_fault->kind != FAULT_TRY_AGAIN ||
            !kafka_producer_poll(sink->producer, WAIT_MS, out_fault))
            return false;
    }
    sink->sent++;
    return true;
}

static bool
sink_flush(struct topic_sink *sink, struct topic_lane *lane, struct fault *out_fault)
{
    if (lane->pack.size == 0) return true;
    if (!sink_send(sink, lane, bytes_of(NULL, 0), writer_span(&lane->pack), out_fault))
        return false;
    lane->pack.size = 0;
    return true;
}

bool
topic_sink_add(struct topic_sink *sink, const struct workload_event *event, struct fault *out_fault)
{
    struct topic_lane *lane = &sink->lanes[murmur2_partition(event->member, sink->partition_count)];
    if (++sink->added % POLL_EVERY == 0 && !kafka_producer_poll(sink->producer, 0, out_fault))
        return false;
    if (sink->pack_bytes == 0) return sink_send(sink, lane, event->member, event->wire, out_fault);
    writer_varint(&lane->pack, PACK_TAG);
    writer_prefixed(&lane->pack, event->wire);
    return lane->pack.size < sink->pack_bytes || sink_flush(sink, lane, out_fault);
}

bool
topic_sink_finish(struct topic_sink *sink, struct fault *out_fault)
{
    for (uint32_t p = 0; p < sink->partition_count; p++)
        if (!sink_flush(sink, &sink->lanes[p], out_fault)) return false;
    while (kafka_producer_acked(sink->producer) < sink->sent)
        if (!kafka_producer_poll(sink->producer, WAIT_MS, out_fault)) return false;
    return true;
}

void
topic_sink_close(struct topic_sink *sink)
{
    if (sink == NULL) return;
    for (uint32_t p = 0; p < sink->partition_count; p++)
        free(sink->lanes[p].pack.data);
    kafka_producer_close(sink->producer);
    kafka_close(sink->kafka);
    free(sink);
}
