#include "consumers/kafka_producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/kafka_priv.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"

enum {
    SLOT_ALIGNMENT = 16,
    HEADERS_MAX = 64,      /* of one message; a dead letter's own and ours */
    BACKOFF_FIRST_MS = 50, /* between two rebuilds without progress, doubled each time */
    BACKOFF_MAX_MS = 2000,
    MISSING_REBUILDS_MAX = 2, /* a topic unknown to as many clients in turn, 10 s each, is gone */
    DRAIN_POLLS_MAX = 600, /* × 50 ms for the reports of purged messages, which need no broker */
    MESSAGE_MAX_BYTES_DEFAULT = 1000000,
};

struct kafka_lane {
    struct kafka_lane *next;
    struct kafka_producer *producer;
    struct producer_topic *topic;
    uint32_t partition;
    uint64_t generation;                /* rises when the lane's messages are forgotten */
    uint64_t queued_count, acked_count; /* messages of this generation */
    uint64_t mark;
    int64_t offset;
};

struct producer_topic {
    struct producer_topic *next;
    rd_kafka_topic_t *handle; /* of the client now in use; NULL between two */
    char name[];
};

/* One message in the ring, followed by its key, its value and its headers (name, NUL, size as u32,
 * flag null, value). A slot without a lane fills the end of the ring. */
struct slot {
    struct kafka_lane *lane;
    uint64_t generation, lane_index, mark;
    int64_t timestamp_ms;
    uint32_t size; /* of the whole slot */
    uint32_t key_size, value_size, weight;
    uint16_t header_count;
    bool null_key, null_value;
    bool held; /* the library has it: the slot may not be reused before its report */
};

static_assert(sizeof(struct slot) <= 80, "the cost of a message that the header promises");

struct kafka_producer {
    struct kafka_client client;
    struct producer_topic *topics;
    struct kafka_lane *lanes;
    size_t message_max_bytes;
    char *mend;

    /* The ring: positions only rise, the place is position mod capacity. head ≤ cursor ≤ tail. */
    uint8_t *ring;
    size_t capacity;
    uint64_t head, tail;
    uint64_t cursor; /* the first slot that the client in use was not given yet */
    uint64_t acked;  /* messages that left the ring */
    size_t in_flight_weight;

    bool rebuild_due;
    char rebuild_reason[256];
    int64_t rebuild_not_before_ns;
    unsigned rebuilds_in_vain; /* since the last acknowledgement */
    unsigned missing_in_vain;
    uint64_t rebuilds;

    bool broken; /* `fault` says why, for good */
    struct fault fault;
};

/* ---- The client ------------------------------------------------------------------------------ */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

static const struct kafka_property producer_settings[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    {"enable.gapless.guarantee", "true"},
    /* The ring is the bound; the library must never be the one to say that it is full. */
    {"queue.buffering.max.messages", "10000000"},
    {"queue.buffering.max.kbytes", "2147483647"},
};

static bool
client_start(struct kafka_producer *producer, struct fault *out_fault)
{
    rd_kafka_conf_t *conf = kafka_conf(producer->client.kafka, &producer->client);
    for (size_t i = 0; i < sizeof producer_settings / sizeof *producer_settings; i++) {
        kafka_conf_own(conf, producer_settings[i].name, producer_settings[i].value);
    }
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", producer->message_max_bytes);
    kafka_conf_own(conf, "message.max.bytes", limit);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (!kafka_client_start(&producer->client, RD_KAFKA_PRODUCER, conf, out_fault)) return false;
    for (struct producer_topic *topic = producer->topics; topic != NULL; topic = topic->next) {
        topic->handle = rd_kafka_topic_new(producer->client.rk, topic->name, NULL);
        CHECK_MSG(topic->handle != NULL, "topic %s", topic->name);
    }
    return true;
}

/* Afterwards the library holds no slot. Reports of purged messages are served by the polls, and
 * some of them may still be acknowledgements. */
static void
client_stop(struct kafka_producer *producer)
{
    rd_kafka_purge(producer->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (int i = 0; i < DRAIN_POLLS_MAX && rd_kafka_outq_len(producer->client.rk) > 0; i++) {
        rd_kafka_poll(producer->client.rk, 50);
    }
    for (struct producer_topic *topic = producer->topics; topic != NULL; topic = topic->next) {
        rd_kafka_topic_destroy(topic->handle);
        topic->handle = NULL;
    }
    rd_kafka_destroy(producer->client.rk);
    producer->client.rk = NULL;
}

bool
kafka_producer_open(struct kafka *kafka, const struct kafka_producer_options *options,
                    struct kafka_producer **out_producer, struct fault *out_fault)
{
    struct kafka_producer *producer = calloc(1, sizeof *producer);
    CHECK(producer != NULL);
    producer->client = (struct kafka_client){.kafka = kafka, .owner = producer};
    producer->message_max_bytes =
        options->message_max_bytes != 0 ? options->message_max_bytes : MESSAGE_MAX_BYTES_DEFAULT;
    producer->mend = strdup(options->mend);
    producer->capacity = options->ring_bytes / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
    CHECK(producer->capacity >= 2 * producer->message_max_bytes);
    producer->ring = aligned_alloc(SLOT_ALIGNMENT, producer->capacity);
    CHECK(producer->ring != NULL && producer->mend != NULL);
    if (!client_start(producer, out_fault)) {
        free(producer->ring);
        free(producer->mend);
        free(producer);
        return false;
    }
    *out_producer = producer;
    return true;
}

void
kafka_producer_close(struct kafka_producer *producer)
{
    if (producer == NULL) return;
    if (producer->client.rk != NULL) client_stop(producer);
    while (producer->lanes != NULL) {
        struct kafka_lane *lane = producer->lanes;
        producer->lanes = lane->next;
        free(lane);
    }
    while (producer->topics != NULL) {
        struct producer_topic *topic = producer->topics;
        producer->topics = topic->next;
        free(topic);
    }
    free(producer->ring);
    free(producer->mend);
    free(producer);
}

static struct producer_topic *
topic_of(struct kafka_producer *producer, const char *name)
{
    for (struct producer_topic *topic = producer->topics; topic != NULL; topic = topic->next) {
        if (strcmp(topic->name, name) == 0) return topic;
    }
    struct producer_topic *topic = calloc(1, sizeof *topic + strlen(name) + 1);
    CHECK(topic != NULL);
    memcpy(topic->name, name, strlen(name) + 1);
    if (producer->client.rk != NULL) {
        topic->handle = rd_kafka_topic_new(producer->client.rk, name, NULL);
        CHECK_MSG(topic->handle != NULL, "topic %s", name);
    }
    topic->next = producer->topics;
    producer->topics = topic;
    return topic;
}

struct kafka_lane *
kafka_producer_lane(struct kafka_producer *producer, const char *name, uint32_t partition)
{
    struct producer_topic *topic = topic_of(producer, name);
    for (struct kafka_lane *lane = producer->lanes; lane != NULL; lane = lane->next) {
        if (lane->topic == topic && lane->partition == partition) return lane;
    }
    struct kafka_lane *lane = calloc(1, sizeof *lane);
    CHECK(lane != NULL);
    *lane = (struct kafka_lane){.next = producer->lanes,
                                .producer = producer,
                                .topic = topic,
                                .partition = partition,
                                .offset = -1};
    producer->lanes = lane;
    return lane;
}

/* ---- The ring -------------------------------------------------------------------------------- */

static struct slot *
slot_at(struct kafka_producer *producer, uint64_t position)
{
    return (struct slot *)(producer->ring + position % producer->capacity);
}

static size_t
aligned(size_t size)
{
    return (size + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
}

/* Room for size bytes in one piece at the tail, or NULL. What is left of the ring's end is filled
 * by an empty slot; where it is too short even for that, readers skip it by ring_next. */
static struct slot *
ring_take(struct kafka_producer *producer, size_t size)
{
    size_t to_end = producer->capacity - producer->tail % producer->capacity;
    size_t skip = to_end < size ? to_end : 0;
    if (producer->capacity - (producer->tail - producer->head) < skip + size) return NULL;
    if (skip >= sizeof(struct slot)) {
        *slot_at(producer, producer->tail) = (struct slot){.size = (uint32_t)skip};
    }
    producer->tail += skip;
    struct slot *slot = slot_at(producer, producer->tail);
    producer->tail += size;
    return slot;
}

/* The slot at *position, having moved *position over the filler at the ring's end; NULL at the
 * tail. */
static struct slot *
ring_next(struct kafka_producer *producer, uint64_t *position)
{
    size_t to_end = producer->capacity - *position % producer->capacity;
    if (*position < producer->tail && to_end < sizeof(struct slot)) *position += to_end;
    if (*position >= producer->tail) return NULL;
    struct slot *slot = slot_at(producer, *position);
    if (slot->lane != NULL) return slot;
    *position += slot->size;
    return *position >= producer->tail ? NULL : slot_at(producer, *position);
}

static bool
slot_is_forgotten(const struct slot *slot)
{
    return slot->generation != slot->lane->generation;
}

static bool
slot_is_acked(const struct slot *slot)
{
    return slot->lane_index < slot->lane->acked_count;
}

/* Frees what is done at the head. */
static void
ring_release(struct kafka_producer *producer)
{
    for (;;) {
        uint64_t position = producer->head;
        struct slot *slot = ring_next(producer, &position);
        if (slot == NULL || slot->held || position >= producer->cursor) return;
        if (!slot_is_forgotten(slot) && !slot_is_acked(slot)) return;
        producer->head = position + slot->size;
        producer->acked++;
    }
}

static void
header_append(uint8_t **at, const struct kafka_header *header)
{
    size_t name_size = strlen(header->name) + 1;
    uint32_t value_size = (uint32_t)header->value.size;
    uint8_t null = header->null;
    memcpy(*at, header->name, name_size);
    memcpy(*at + name_size, &value_size, sizeof value_size);
    memcpy(*at + name_size + sizeof value_size, &null, sizeof null);
    *at += name_size + sizeof value_size + sizeof null;
    if (value_size != 0) memcpy(*at, header->value.data, value_size);
    *at += value_size;
}

static size_t
headers_size(const struct kafka_outgoing *message)
{
    size_t size = 0;
    for (size_t i = 0; i < message->header_count; i++) {
        size += strlen(message->headers[i].name) + 1 + sizeof(uint32_t) + 1 +
                message->headers[i].value.size;
    }
    return size;
}

/* ---- Giving slots to the client -------------------------------------------------------------- */

/* Single headers, never a list: 2.0.2 frees a list of the caller's when the partition is unknown.
 */
static rd_kafka_resp_err_t
slot_produce(struct kafka_producer *producer, struct slot *slot)
{
    rd_kafka_vu_t fields[7 + HEADERS_MAX];
    size_t count = 0;
    uint8_t *at = (uint8_t *)(slot + 1);
    fields[count++] =
        (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = slot->lane->topic->handle};
    fields[count++] =
        (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = (int32_t)slot->lane->partition};
    fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = slot};
    fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = 0}; /* not copied */
    if (slot->timestamp_ms != 0) {
        fields[count++] =
            (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = slot->timestamp_ms};
    }
    if (!slot->null_key) {
        fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_KEY,
                                          .u.mem = {.ptr = at, .size = slot->key_size}};
    }
    at += slot->key_size;
    if (!slot->null_value) {
        fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_VALUE,
                                          .u.mem = {.ptr = at, .size = slot->value_size}};
    }
    at += slot->value_size;
    for (uint16_t i = 0; i < slot->header_count; i++) {
        const char *name = (const char *)at;
        at += strlen(name) + 1;
        uint32_t size;
        memcpy(&size, at, sizeof size);
        bool null = at[sizeof size] != 0;
        at += sizeof size + 1;
        fields[count++] = (rd_kafka_vu_t){
            .vtype = RD_KAFKA_VTYPE_HEADER,
            .u.header = {.name = name, .val = null ? NULL : at, .size = (ssize_t)size}};
        at += size;
    }
    rd_kafka_error_t *error = rd_kafka_produceva(producer->client.rk, fields, count);
    if (error == NULL) return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    return code;
}

static void slot_failed(struct kafka_producer *producer, const struct slot *slot,
                        rd_kafka_resp_err_t error);

/* Everything from the cursor on, as long as the client takes it. */
static void
pump(struct kafka_producer *producer)
{
    while (!producer->rebuild_due && !producer->broken) {
        struct slot *slot = ring_next(producer, &producer->cursor);
        if (slot == NULL) return;
        if (!slot_is_forgotten(slot) && !slot_is_acked(slot)) {
            slot->held = true;
            rd_kafka_resp_err_t error = slot_produce(producer, slot);
            if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
                slot->held = false;
                if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) slot_failed(producer, slot, error);
                return;
            }
        }
        producer->cursor += slot->size;
    }
}

/* ---- Reports --------------------------------------------------------------------------------- */

static void
rebuild_ask(struct kafka_producer *producer, const char *reason)
{
    if (producer->rebuild_due) return;
    producer->rebuild_due = true;
    snprintf(producer->rebuild_reason, sizeof producer->rebuild_reason, "%s", reason);
}

static void
break_for_good(struct kafka_producer *producer, const struct slot *slot, enum fault_kind kind,
               const char *reason, const char *mend)
{
    if (producer->broken) return;
    producer->broken = true;
    fault_set(&producer->fault, kind, "topic %s, partition %u on %s: cannot write %u bytes: %s: %s",
              slot->lane->topic->name, slot->lane->partition,
              kafka_bootstrap(producer->client.kafka), slot->key_size + slot->value_size, reason,
              mend);
}

/* @thread the producer's */
static void
slot_failed(struct kafka_producer *producer, const struct slot *slot, rd_kafka_resp_err_t error)
{
    const char *reason = rd_kafka_err2str(error);
    switch (error) {
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__DESTROY: return; /* by ourselves; sent again by the next client */
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        break_for_good(producer, slot, FAULT_CONFIG, reason,
                       "raise max.message.bytes of the topic (`tally topics create --repair`)");
        return;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        break_for_good(producer, slot, FAULT_NOT_ALLOWED, reason,
                       "grant WRITE on the topic and IDEMPOTENT_WRITE on the cluster");
        return;
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
        break_for_good(producer, slot, FAULT_CONFIG, reason,
                       "the topic's settings do not allow it (`tally topics create --repair`)");
        return;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        if (!producer->rebuild_due && ++producer->missing_in_vain >= MISSING_REBUILDS_MAX) {
            break_for_good(producer, slot, FAULT_UNAVAILABLE, reason, producer->mend);
            return;
        }
        break;
    default: break;
    }
    rebuild_ask(producer, reason);
}

/* @thread the producer's, within its poll */
static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct kafka_client *client = opaque;
    struct kafka_producer *producer = client->owner;
    struct slot *slot = message->_private;
    CHECK(slot->held);
    slot->held = false;
    if (slot_is_forgotten(slot)) return;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        slot_failed(producer, slot, message->err);
        return;
    }
    struct kafka_lane *lane = slot->lane;
    if (slot->lane_index != lane->acked_count) {
        /* Acknowledged though one before it was not: it is sent again behind that one. */
        rebuild_ask(producer, "a message overtook another");
        return;
    }
    lane->acked_count++;
    lane->mark = slot->mark;
    lane->offset = message->offset + 1;
    producer->in_flight_weight -= slot->weight;
    producer->rebuilds_in_vain = 0;
    producer->missing_in_vain = 0;
}

/* Ends the client; the next one starts in a poll. Afterwards the library holds no slot, whatever it
 * reported. */
static void
client_retire(struct kafka_producer *producer)
{
    client_stop(producer);
    for (uint64_t at = producer->head;;) {
        struct slot *slot = ring_next(producer, &at);
        if (slot == NULL) break;
        slot->held = false;
        at += slot->size;
    }
    producer->rebuilds++;
}

/* True also while the next client is not due yet. */
static bool
rebuild(struct kafka_producer *producer, struct fault *out_fault)
{
    if (producer->client.rk != NULL) {
        kafka_note(producer->client.kafka, producer->rebuild_reason);
        client_retire(producer);
        unsigned doublings = producer->rebuilds_in_vain < 6 ? producer->rebuilds_in_vain : 6;
        int64_t backoff_ms =
            producer->rebuilds_in_vain == 0 ? 0 : (int64_t)BACKOFF_FIRST_MS << doublings;
        if (backoff_ms > BACKOFF_MAX_MS) backoff_ms = BACKOFF_MAX_MS;
        producer->rebuilds_in_vain++;
        producer->rebuild_not_before_ns = clock_monotonic_ns() + backoff_ms * 1000000;
    }
    if (clock_monotonic_ns() < producer->rebuild_not_before_ns) return true;
    if (!client_start(producer, out_fault)) return false;
    producer->rebuild_due = false;
    producer->cursor = producer->head;
    return true;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static bool
fail_broken(const struct kafka_producer *producer, struct fault *out_fault)
{
    *out_fault = producer->fault;
    return false;
}

bool
kafka_producer_send(struct kafka_producer *producer, struct kafka_lane *lane,
                    const struct kafka_outgoing *message, struct fault *out_fault)
{
    if (producer->broken) return fail_broken(producer, out_fault);
    CHECK(lane->producer == producer && message->header_count <= HEADERS_MAX);
    size_t extra = headers_size(message);
    size_t bytes = message->key.size + message->value.size + extra;
    if (bytes > producer->message_max_bytes) {
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %u: a message of %zu bytes is above the limit of %zu",
                         lane->topic->name, lane->partition, bytes, producer->message_max_bytes);
    }
    ring_release(producer);
    size_t size = aligned(sizeof(struct slot) + bytes);
    struct slot *slot = ring_take(producer, size);
    if (slot == NULL) {
        return fault_set(out_fault, FAULT_TRY_AGAIN,
                         "topic %s: %zu messages wait for the broker: the queue is full",
                         lane->topic->name, producer->in_flight_weight);
    }
    *slot = (struct slot){.lane = lane,
                          .generation = lane->generation,
                          .lane_index = lane->queued_count++,
                          .mark = message->mark,
                          .timestamp_ms = message->timestamp_ms,
                          .size = (uint32_t)size,
                          .key_size = (uint32_t)message->key.size,
                          .value_size = (uint32_t)message->value.size,
                          .weight = message->weight,
                          .header_count = (uint16_t)message->header_count,
                          .null_key = message->null_key,
                          .null_value = message->null_value};
    uint8_t *at = (uint8_t *)(slot + 1);
    if (message->key.size != 0) memcpy(at, message->key.data, message->key.size);
    at += message->key.size;
    if (message->value.size != 0) memcpy(at, message->value.data, message->value.size);
    at += message->value.size;
    for (size_t i = 0; i < message->header_count; i++)
        header_append(&at, &message->headers[i]);
    producer->in_flight_weight += message->weight;
    pump(producer);
    return true;
}

bool
kafka_producer_poll(struct kafka_producer *producer, int wait_ms, struct fault *out_fault)
{
    if (producer->broken) return fail_broken(producer, out_fault);
    if (producer->client.rk != NULL) {
        rd_kafka_poll(producer->client.rk, wait_ms);
        char reason[256];
        rd_kafka_resp_err_t fatal =
            rd_kafka_fatal_error(producer->client.rk, reason, sizeof reason);
        if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) rebuild_ask(producer, reason);
    } else {
        /* Between two clients there is nothing to serve; the pause is spent on the admin client. */
        rd_kafka_poll(kafka_admin(producer->client.kafka), wait_ms);
    }
    if (producer->broken) return fail_broken(producer, out_fault);
    if (producer->rebuild_due && !rebuild(producer, out_fault)) return false;
    pump(producer);
    ring_release(producer);
    return producer->broken ? fail_broken(producer, out_fault) : true;
}

uint64_t
kafka_producer_acked(const struct kafka_producer *producer)
{
    return producer->acked;
}

size_t
kafka_producer_in_flight(const struct kafka_producer *producer)
{
    return producer->in_flight_weight;
}

uint64_t
kafka_producer_rebuilds(const struct kafka_producer *producer)
{
    return producer->rebuilds;
}

void
kafka_lane_reset(struct kafka_producer *producer, struct kafka_lane *lane, uint64_t mark,
                 int64_t offset)
{
    bool pending = lane->acked_count < lane->queued_count;
    for (uint64_t at = producer->head; pending;) {
        struct slot *slot = ring_next(producer, &at);
        if (slot == NULL) break;
        if (slot->lane == lane && !slot_is_forgotten(slot) && !slot_is_acked(slot)) {
            producer->in_flight_weight -= slot->weight;
        }
        at += slot->size;
    }
    lane->generation++;
    lane->queued_count = lane->acked_count = 0;
    lane->mark = mark;
    lane->offset = offset;
    if (!pending) return;
    /* The library cannot take back the messages of one partition: all are purged, and the next
     * client sends the others again. */
    producer->rebuild_due = true;
    if (producer->client.rk != NULL) client_retire(producer);
}

uint64_t
kafka_lane_acked(const struct kafka_lane *lane)
{
    return lane->mark;
}

int64_t
kafka_lane_offset(const struct kafka_lane *lane)
{
    return lane->offset;
}

void
kafka_producer_break(struct kafka_producer *producer)
{
    rd_kafka_test_fatal_error(producer->client.rk, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                              "test");
}
