#include "consumers/outputs_kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/codec_output.h"
#include "consumers/kafka_producer.h"
#include "consumers/kafka_reader.h"
#include "consumers/outputs_kafka_header_priv.h"
#include "consumers/topics.h"
#include "engine/base/check.h"

enum {
    RING_BYTES = 32 << 20,
    PACK_EFFECTS_MAX = 2048, /* an apply batch's worth; more would only wait longer for its first */
    PACK_BYTES_MAX =
        512 * 1024, /* below what a topic accepts by default, with room for the framing */
};

struct outputs_kafka {
    struct outputs base;
    struct kafka *kafka;
    char *topics[TOPIC_COUNT];
    bool packed[TOPIC_COUNT];
    bool json;
    uint32_t partition_count;
    char *programme;
    const struct output_encoder *encoder;
    size_t ring_bytes;
};

/* ---- Publisher ------------------------------------------------------------------------------- */

struct publish_lane {
    struct kafka_lane *lane;
    uint64_t next; /* the number of the next effect to be taken */
    bool started;
};

struct kafka_publisher {
    struct publisher base;
    struct outputs_kafka *outputs;
    struct kafka_producer *producer;
    uint8_t value[PACK_BYTES_MAX];
    struct publish_lane lanes[]; /* partition × TOPIC_COUNT + topic */
};

static struct kafka_publisher *
own_publisher(const struct publisher *base)
{
    return (struct kafka_publisher *)base;
}

static struct publish_lane *
publish_lane(struct kafka_publisher *publisher, uint32_t partition, enum topic topic)
{
    CHECK(partition < publisher->outputs->partition_count && topic < TOPIC_COUNT);
    return &publisher->lanes[partition * TOPIC_COUNT + topic];
}

static bool
publisher_start(struct publisher *base, uint32_t partition, enum topic topic,
                uint64_t next_sequence, uint64_t offset, struct fault *out_fault)
{
    struct kafka_publisher *publisher = own_publisher(base);
    struct publish_lane *lane = publish_lane(publisher, partition, topic);
    (void)out_fault; /* nothing to be asked for: the topics were looked over at open */
    kafka_lane_reset(publisher->producer, lane->lane, next_sequence, (int64_t)offset);
    lane->next = next_sequence;
    lane->started = true;
    return true;
}

/* Effects of the topic from `begin` on that go into one message: one, or up to `most` of a pack. */
struct slice {
    size_t end; /* index behind the last one */
    const struct effect *first, *last;
    uint32_t count;
};

static struct slice
slice_from(enum topic topic, const struct effect *effects, size_t begin, size_t count, size_t most)
{
    struct slice slice = {
        .end = begin + 1, .first = &effects[begin], .last = &effects[begin], .count = 1};
    for (size_t i = begin + 1; i < count && slice.count < most; i++) {
        if (effects[i].topic != topic) continue;
        CHECK(effects[i].sequence == slice.last->sequence + 1);
        slice.last = &effects[i];
        slice.end = i + 1;
        slice.count++;
    }
    return slice;
}

static struct slice
slice_encode(struct kafka_publisher *publisher, enum topic topic, uint32_t partition,
             const struct effect *effects, size_t begin, size_t count, struct writer *out_value)
{
    const struct outputs_kafka *outputs = publisher->outputs;
    if (!outputs->packed[topic]) {
        struct writer value = writer_of(publisher->value, PACK_BYTES_MAX);
        bool fits =
            outputs->encoder->encode_one(topic, partition, &effects[begin], outputs->json, &value);
        CHECK(fits); /* names and texts are limited */
        *out_value = value;
        return slice_from(topic, effects, begin, count, 1);
    }
    for (size_t most = PACK_EFFECTS_MAX;; most /= 2) {
        CHECK(most > 0);
        struct slice slice = slice_from(topic, effects, begin, count, most);
        struct writer value = writer_of(publisher->value, PACK_BYTES_MAX);
        if (outputs->encoder->encode_pack(topic, partition, effects + begin, slice.end - begin,
                                          &value)) {
            *out_value = value;
            return slice;
        }
    }
}

static bool
slice_send(struct kafka_publisher *publisher, struct publish_lane *lane, enum topic topic,
           uint32_t partition, uint64_t claim, const struct slice *slice, struct bytes value,
           struct fault *out_fault)
{
    const struct outputs_kafka *outputs = publisher->outputs;
    struct output_headers headers;
    struct output_place place = {.claim = claim,
                                 .sequence = slice->first->sequence,
                                 .cause = position_pack(slice->last->cause),
                                 .hash = slice->last->hash};
    if (topic == TOPIC_POSTINGS || topic == TOPIC_OUTCOMES) {
        output_headers_binary(&place, &headers);
    } else {
        output_headers_text(&place, slice->first, outputs->programme, partition, &headers);
    }
    struct kafka_outgoing message = {.value = value,
                                     .headers = headers.items,
                                     .header_count = headers.count,
                                     .mark = slice->last->sequence + 1,
                                     .weight = slice->count};
    if (outputs->packed[topic]) {
        message.null_key = true;
    } else {
        message.key = effect_key(slice->first);
    }
    return kafka_producer_send(publisher->producer, lane->lane, &message, out_fault);
}

static bool
publish_topic(struct kafka_publisher *publisher, uint32_t partition, enum topic topic,
              uint64_t claim, const struct effect *effects, size_t count, struct fault *out_fault)
{
    struct publish_lane *lane = publish_lane(publisher, partition, topic);
    CHECK(lane->started);
    for (size_t at = 0; at < count;) {
        if (effects[at].topic != topic || effects[at].sequence < lane->next) {
            at++;
            continue;
        }
        CHECK(effects[at].sequence == lane->next);
        struct writer value;
        struct slice slice = slice_encode(publisher, topic, partition, effects, at, count, &value);
        if (!slice_send(publisher, lane, topic, partition, claim, &slice, writer_span(&value),
                        out_fault)) {
            return false;
        }
        lane->next = slice.last->sequence + 1;
        at = slice.end;
    }
    return true;
}

/* When the ring fills up half-way, what was taken stays taken: the caller comes again with the same
 * effects, and those below the lane's next number are passed over. */
static bool
publisher_publish(struct publisher *base, uint32_t partition, uint64_t claim,
                  const struct effect *effects, size_t count, struct fault *out_fault)
{
    struct kafka_publisher *publisher = own_publisher(base);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        if (!publish_topic(publisher, partition, topic, claim, effects, count, out_fault)) {
            return fault_wrap(out_fault, "outputs");
        }
    }
    return true;
}

static bool
publisher_poll(struct publisher *base, int wait_ms, struct fault *out_fault)
{
    if (kafka_producer_poll(own_publisher(base)->producer, wait_ms, out_fault)) return true;
    return fault_wrap(out_fault, "outputs");
}

static uint64_t
publisher_acked(const struct publisher *base, uint32_t partition, enum topic topic)
{
    return kafka_lane_acked(publish_lane(own_publisher(base), partition, topic)->lane);
}

static uint64_t
publisher_acked_offset(const struct publisher *base, uint32_t partition, enum topic topic)
{
    int64_t offset = kafka_lane_offset(publish_lane(own_publisher(base), partition, topic)->lane);
    return offset < 0 ? 0 : (uint64_t)offset;
}

static size_t
publisher_in_flight(const struct publisher *base)
{
    return kafka_producer_in_flight(own_publisher(base)->producer);
}

static void
publisher_stop(struct publisher *base, uint32_t partition)
{
    struct kafka_publisher *publisher = own_publisher(base);
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
        struct publish_lane *lane = publish_lane(publisher, partition, topic);
        if (!lane->started) continue;
        lane->started = false;
        kafka_lane_reset(publisher->producer, lane->lane, 0, -1);
    }
}

static void
publisher_close(struct publisher *base)
{
    struct kafka_publisher *publisher = own_publisher(base);
    kafka_producer_close(publisher->producer);
    free(publisher);
}

static const struct publisher_ops publisher_ops = {
    .start = publisher_start,
    .publish = publisher_publish,
    .poll = publisher_poll,
    .acked = publisher_acked,
    .acked_offset = publisher_acked_offset,
    .in_flight = publisher_in_flight,
    .stop = publisher_stop,
    .close = publisher_close,
};

static bool
open_publisher(struct outputs *base, struct publisher **out_publisher, struct fault *out_fault)
{
    struct outputs_kafka *outputs = (struct outputs_kafka *)base;
    CHECK(outputs->encoder != NULL);
    size_t lane_count = outputs->partition_count * TOPIC_COUNT;
    struct kafka_publisher *publisher =
        calloc(1, sizeof *publisher + lane_count * sizeof *publisher->lanes);
    CHECK(publisher != NULL);
    publisher->base.ops = &publisher_ops;
    publisher->outputs = outputs;
    struct kafka_producer_options options = {.ring_bytes = outputs->ring_bytes,
                                             .mend = TOPICS_MEND_MISSING};
    if (!kafka_producer_open(outputs->kafka, &options, &publisher->producer, out_fault)) {
        free(publisher);
        return false;
    }
    for (size_t i = 0; i < lane_count; i++) {
        publisher->lanes[i].lane = kafka_producer_lane(
            publisher->producer, outputs->topics[i % TOPIC_COUNT], (uint32_t)(i / TOPIC_COUNT));
    }
    *out_publisher = &publisher->base;
    return true;
}

/* ---- Reader ---------------------------------------------------------------------------------- */

struct kafka_output_reader {
    struct output_reader base;
    struct outputs_kafka *outputs;
    struct kafka_reader *reader;
    struct kafka_message batch[KAFKA_READ_MAX];
};

static struct kafka_output_reader *
own_reader(struct output_reader *base)
{
    return (struct kafka_output_reader *)base;
}

static bool
reader_assign(struct output_reader *base, uint32_t partition, enum topic topic, uint64_t offset,
              struct fault *out_fault)
{
    struct kafka_output_reader *reader = own_reader(base);
    CHECK(partition < reader->outputs->partition_count && topic < TOPIC_COUNT);
    return kafka_reader_assign(reader->reader, reader->outputs->topics[topic], partition,
                               (int64_t)offset, topic, out_fault);
}

/* How many messages a pack holds; 0: it is damaged, or says another number than its header. */
static uint32_t
pack_count(struct bytes payload, uint64_t first_sequence)
{
    struct codec_output_walk walk;
    uint64_t first;
    if (!codec_output_open(payload, &first, &walk) || first != first_sequence) return 0;
    uint32_t count = 0;
    struct bytes message;
    while (codec_output_next(&walk, &message))
        count++;
    return walk.damaged ? 0 : count;
}

static bool
message_read(const struct outputs_kafka *outputs, const struct kafka_message *message,
             struct output_message *out_message, struct fault *out_fault)
{
    const rd_kafka_message_t *raw = message->raw;
    enum topic topic = (enum topic)message->tag;
    struct output_place place;
    if (!output_place_read(raw, topic, &place)) {
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %d, offset %lld: a message without Tallybook's "
                         "headers: somebody else "
                         "writes to this topic",
                         outputs->topics[topic], raw->partition, (long long)raw->offset);
    }
    struct bytes payload = bytes_of(raw->payload, raw->len);
    bool packed = raw->key == NULL;
    uint32_t count = packed ? pack_count(payload, place.sequence) : 1;
    if (count == 0) {
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %d, offset %lld: the pack is damaged",
                         outputs->topics[topic], raw->partition, (long long)raw->offset);
    }
    *out_message = (struct output_message){.partition = (uint32_t)raw->partition,
                                           .topic = topic,
                                           .offset = (uint64_t)raw->offset,
                                           .claim = place.claim,
                                           .first_sequence = place.sequence,
                                           .count = count,
                                           .cause = place.cause,
                                           .hash = place.hash,
                                           .json = payload.size > 0 && payload.data[0] == '{',
                                           .packed = packed,
                                           .payload = payload};
    return true;
}

static bool
reader_read(struct output_reader *base, int wait_ms, struct output_message *out_messages,
            size_t max, size_t *out_count, struct fault *out_fault)
{
    struct kafka_output_reader *reader = own_reader(base);
    size_t count;
    if (!kafka_reader_read(reader->reader, wait_ms, reader->batch, max, &count, out_fault)) {
        return fault_wrap(out_fault, "outputs");
    }
    for (size_t i = 0; i < count; i++) {
        if (!message_read(reader->outputs, &reader->batch[i], &out_messages[i], out_fault)) {
            return fault_wrap(out_fault, "outputs");
        }
    }
    *out_count = count;
    return true;
}

static void
reader_close(struct output_reader *base)
{
    struct kafka_output_reader *reader = own_reader(base);
    kafka_reader_close(reader->reader);
    free(reader);
}

static const struct output_reader_ops reader_ops = {
    .assign = reader_assign,
    .read = reader_read,
    .close = reader_close,
};

static bool
open_reader(struct outputs *base, struct output_reader **out_reader, struct fault *out_fault)
{
    struct outputs_kafka *outputs = (struct outputs_kafka *)base;
    struct kafka_output_reader *reader = calloc(1, sizeof *reader);
    CHECK(reader != NULL);
    reader->base.ops = &reader_ops;
    reader->outputs = outputs;
    if (!kafka_reader_open(outputs->kafka, &reader->reader, out_fault)) {
        free(reader);
        return false;
    }
    *out_reader = &reader->base;
    return true;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

static bool
bounds(struct outputs *base, uint32_t partition, enum topic topic, uint64_t *out_first,
       uint64_t *out_end, struct fault *out_fault)
{
    struct outputs_kafka *outputs = (struct outputs_kafka *)base;
    CHECK(partition < outputs->partition_count && topic < TOPIC_COUNT);
    int64_t first, end;
    if (!kafka_bounds(outputs->kafka, outputs->topics[topic], partition, &first, &end, out_fault)) {
        return false;
    }
    *out_first = (uint64_t)first;
    *out_end = (uint64_t)end;
    return true;
}

static void
health(struct outputs *base, char *out_text, size_t size)
{
    kafka_health(((struct outputs_kafka *)base)->kafka, out_text, size);
}

static void
outputs_close(struct outputs *base)
{
    struct outputs_kafka *outputs = (struct outputs_kafka *)base;
    for (int i = 0; i < TOPIC_COUNT; i++)
        free(outputs->topics[i]);
    free(outputs->programme);
    free(outputs);
}

static const struct outputs_ops outputs_ops = {
    .bounds = bounds,
    .open_reader = open_reader,
    .open_publisher = open_publisher,
    .health = health,
    .close = outputs_close,
};

bool
outputs_kafka_open(struct kafka *kafka, const struct outputs_kafka_options *options,
                   struct outputs **out_outputs, struct fault *out_fault)
{
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (options->packed[i] && (options->json || (i != TOPIC_POSTINGS && i != TOPIC_OUTCOMES))) {
            return fault_set(
                out_fault, FAULT_CONFIG,
                "topic %s cannot be packed: only postings and outcomes can, as protobuf",
                options->topics[i]);
        }
        if (!topics_check_output(kafka, options->topics[i], options->partition_count,
                                 options->single_broker, out_fault)) {
            return fault_wrap(out_fault, "outputs");
        }
    }
    struct outputs_kafka *outputs = calloc(1, sizeof *outputs);
    CHECK(outputs != NULL);
    outputs->base.ops = &outputs_ops;
    outputs->kafka = kafka;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        outputs->topics[i] = strdup(options->topics[i]);
        CHECK(outputs->topics[i] != NULL);
        outputs->packed[i] = options->packed[i];
    }
    outputs->json = options->json;
    outputs->partition_count = options->partition_count;
    outputs->programme = strdup(options->programme);
    CHECK(outputs->programme != NULL);
    outputs->encoder = options->encoder;
    outputs->ring_bytes =
        options->publisher_ring_bytes != 0 ? options->publisher_ring_bytes : RING_BYTES;
    *out_outputs = &outputs->base;
    return true;
}
