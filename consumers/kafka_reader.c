#include "consumers/kafka_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/kafka_priv.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"

enum {
    HOLE_TRIES_MAX = 5, /* a log whose holes move with every fetch is not one to be read */
    MISSING_ASK_S = 2,  /* how often a topic that vanished is asked for */
    MISSING_S =
        10, /* and for how long, before it is believed: brokers that start may not know it yet */
};

struct lane {
    bool active;
    uint32_t tag;
    int64_t expected; /* the next offset */
    int64_t hole_end; /* while a hole is doubted: the offset that came instead; -1: no doubt */
    unsigned hole_tries;
    uint64_t
        stale_read; /* the read whose messages of this lane were fetched before the last start */
};

/* A topic once used stays until the reader closes: the library hands out its pointer with every
 * message. */
struct reader_topic {
    struct reader_topic *next;
    rd_kafka_topic_t *handle;
    struct lane *lanes; /* by partition */
    uint32_t lane_count;
    int64_t missing_since_ns, missing_asked_ns; /* 0: it is there */
    char name[];
};

struct kafka_reader {
    struct kafka_client client;
    rd_kafka_queue_t *queue;
    struct reader_topic *topics;
    uint64_t holes, reads;
    size_t lent_count; /* messages of the last read, to be given back */
    rd_kafka_message_t *lent[KAFKA_READ_MAX];
};

/* Queue sizes: a partition's refetch stalls for up to a second once the queue is above either limit
 * (2.0.2 has no fetch.queue.backoff.ms), so both are above what a second of folding takes from
 * packed records; a queued message costs some 320 B beside its bytes, so that the count bounds
 * memory for small ones. */
static const struct kafka_property reader_settings[] = {
    {"check.crcs", "true"},
    {"isolation.level", "read_committed"},
    {"enable.auto.commit", "false"},
    {"enable.partition.eof", "false"},
    {"queued.min.messages", "200000"},
    {"queued.max.messages.kbytes", "98304"},
};

/* A topic that was deleted gives the reader of its partitions no error in 2.0.2: the statistics
 * alone say that a partition is not in the cluster's metadata. Which one is then asked for by
 * missing_check. @thread the reader's */
static void
on_statistics(struct kafka_client *client, const char *json)
{
    struct kafka_reader *reader = client->owner;
    if (strstr(json, "\"unknown\":true") == NULL) return;
    for (struct reader_topic *topic = reader->topics; topic != NULL; topic = topic->next) {
        if (topic->missing_since_ns == 0) topic->missing_since_ns = clock_monotonic_ns();
    }
}

bool
kafka_reader_open(struct kafka *kafka, struct kafka_reader **out_reader, struct fault *out_fault)
{
    struct kafka_reader *reader = calloc(1, sizeof *reader);
    CHECK(reader != NULL);
    reader->client.owner = reader;
    reader->client.statistics = on_statistics;
    rd_kafka_conf_t *conf = kafka_conf(kafka, &reader->client);
    for (size_t i = 0; i < sizeof reader_settings / sizeof *reader_settings; i++) {
        kafka_conf_own(conf, reader_settings[i].name, reader_settings[i].value);
    }
    if (!kafka_client_start(&reader->client, RD_KAFKA_CONSUMER, conf, out_fault)) {
        free(reader);
        return false;
    }
    reader->queue = rd_kafka_queue_new(reader->client.rk);
    *out_reader = reader;
    return true;
}

static struct reader_topic *
topic_of(struct kafka_reader *reader, const char *name)
{
    for (struct reader_topic *topic = reader->topics; topic != NULL; topic = topic->next) {
        if (strcmp(topic->name, name) == 0) return topic;
    }
    return NULL;
}

static struct reader_topic *
topic_add(struct kafka_reader *reader, const char *name)
{
    struct reader_topic *topic = calloc(1, sizeof *topic + strlen(name) + 1);
    CHECK(topic != NULL);
    memcpy(topic->name, name, strlen(name) + 1);
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(reader->client.rk);
    char reason[128];
    rd_kafka_conf_res_t set =
        rd_kafka_topic_conf_set(conf, "auto.offset.reset", "error", reason, sizeof reason);
    CHECK_MSG(set == RD_KAFKA_CONF_OK, "%s", reason);
    rd_kafka_topic_conf_set_opaque(conf, topic);
    topic->handle = rd_kafka_topic_new(reader->client.rk, name, conf);
    CHECK_MSG(topic->handle != NULL, "topic %s", name);
    topic->next = reader->topics;
    reader->topics = topic;
    return topic;
}

static struct lane *
lane_of(struct reader_topic *topic, uint32_t partition)
{
    if (partition >= topic->lane_count) {
        topic->lanes = realloc(topic->lanes, (partition + 1) * sizeof *topic->lanes);
        CHECK(topic->lanes != NULL);
        memset(topic->lanes + topic->lane_count, 0,
               (partition + 1 - topic->lane_count) * sizeof *topic->lanes);
        topic->lane_count = partition + 1;
    }
    return &topic->lanes[partition];
}

/* Stopping waits until the library's fetcher has let go, and bumps the version that marks what it
 * had fetched as stale: nothing of the old assignment is delivered after it. */
static bool
lane_fetch(struct kafka_reader *reader, struct reader_topic *topic, uint32_t partition,
           int64_t offset, struct fault *out_fault)
{
    if (rd_kafka_consume_start_queue(topic->handle, (int32_t)partition, offset, reader->queue) ==
        0) {
        return true;
    }
    return fault_set(out_fault, FAULT_UNAVAILABLE,
                     "topic %s, partition %u: cannot read from %lld: %s", topic->name, partition,
                     (long long)offset, rd_kafka_err2str(rd_kafka_last_error()));
}

bool
kafka_reader_assign(struct kafka_reader *reader, const char *name, uint32_t partition,
                    int64_t offset, uint32_t tag, struct fault *out_fault)
{
    CHECK(offset >= 0);
    struct reader_topic *topic = topic_of(reader, name);
    if (topic == NULL) topic = topic_add(reader, name);
    struct lane *lane = lane_of(topic, partition);
    if (lane->active) rd_kafka_consume_stop(topic->handle, (int32_t)partition);
    *lane = (struct lane){.active = true, .tag = tag, .expected = offset, .hole_end = -1};
    if (!lane_fetch(reader, topic, partition, offset, out_fault)) {
        lane->active = false;
        return false;
    }
    return true;
}

void
kafka_reader_revoke(struct kafka_reader *reader, const char *name, uint32_t partition)
{
    struct reader_topic *topic = topic_of(reader, name);
    if (topic == NULL || partition >= topic->lane_count || !topic->lanes[partition].active) return;
    rd_kafka_consume_stop(topic->handle, (int32_t)partition);
    topic->lanes[partition].active = false;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The log does not hold the offset that was asked for. */
static bool
offset_is_gone(struct kafka_reader *reader, struct reader_topic *topic, uint32_t partition,
               struct fault *out_fault)
{
    long long wanted = (long long)topic->lanes[partition].expected;
    int64_t first, end;
    if (!kafka_bounds(reader->client.kafka, topic->name, partition, &first, &end, out_fault)) {
        return fault_wrap(out_fault, "offset %lld is not in the log", wanted);
    }
    return fault_set(
        out_fault, FAULT_DATA,
        "topic %s, partition %u: offset %lld is not in the log, which holds %lld to %lld: %s",
        topic->name, partition, wanted, (long long)first, (long long)end - 1,
        wanted < first
            ? "retention removed what was not read yet; restore it from a copy or lengthen "
              "retention and begin from a snapshot"
            : "the log was cut or the topic was made anew; nothing may be read from it as if "
              "it were the old one");
}

/* What the library says of a partition instead of a message. */
static bool
serve_error(struct kafka_reader *reader, struct reader_topic *topic,
            const rd_kafka_message_t *message, struct fault *out_fault)
{
    uint32_t partition = (uint32_t)message->partition;
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return offset_is_gone(reader, topic, partition, out_fault);
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        return fault_set(out_fault, FAULT_DATA, "topic %s, partition %u, offset %lld: damaged: %s",
                         topic->name, partition, (long long)message->offset,
                         rd_kafka_message_errstr(message));
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return fault_set(out_fault, FAULT_NOT_ALLOWED,
                         "topic %s: the broker does not let us read it: grant READ on it",
                         topic->name);
    default: kafka_note(reader->client.kafka, rd_kafka_message_errstr(message)); return true;
    }
}

/* A message that does not continue what was read. Out: nothing is delivered, or a fault. */
static bool
serve_hole(struct kafka_reader *reader, struct reader_topic *topic, uint32_t partition,
           int64_t offset, struct fault *out_fault)
{
    struct lane *lane = &topic->lanes[partition];
    if (++lane->hole_tries > HOLE_TRIES_MAX) {
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %u: after offset %lld came %lld, then %lld: the log "
                         "changes while it is read",
                         topic->name, partition, (long long)lane->expected - 1,
                         (long long)lane->hole_end, (long long)offset);
    }
    lane->hole_end = offset;
    lane->stale_read = reader->reads;
    rd_kafka_consume_stop(topic->handle, (int32_t)partition);
    return lane_fetch(reader, topic, partition, lane->expected, out_fault);
}

/* Judges one thing from the queue. *out_deliver: it is the next message of its partition. */
static bool
serve(struct kafka_reader *reader, rd_kafka_message_t *message, struct kafka_message *out_message,
      bool *out_deliver, struct fault *out_fault)
{
    *out_deliver = false;
    if (message->rkt == NULL) { /* of the client as a whole */
        kafka_note(reader->client.kafka, rd_kafka_message_errstr(message));
        return true;
    }
    struct reader_topic *topic = rd_kafka_topic_opaque(message->rkt);
    uint32_t partition = (uint32_t)message->partition;
    if (partition >= topic->lane_count || !topic->lanes[partition].active) return true;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return serve_error(reader, topic, message, out_fault);
    }
    struct lane *lane = &topic->lanes[partition];
    if (lane->stale_read == reader->reads) return true;
    if (message->offset < lane->expected) {
        return fault_set(out_fault, FAULT_DATA,
                         "topic %s, partition %u: offset %lld came after %lld: the log went back",
                         topic->name, partition, (long long)message->offset,
                         (long long)lane->expected - 1);
    }
    if (message->offset > lane->expected) {
        if (message->offset != lane->hole_end) {
            return serve_hole(reader, topic, partition, message->offset, out_fault);
        }
        reader->holes++;
    }
    lane->expected = message->offset + 1;
    lane->hole_end = -1;
    lane->hole_tries = 0;
    topic->missing_since_ns = 0;
    *out_message = (struct kafka_message){.raw = message, .tag = lane->tag};
    *out_deliver = true;
    return true;
}

/* A topic that the cluster did not know a moment ago: believed gone only when it stays so. */
static bool
missing_check(struct kafka_reader *reader, struct reader_topic *topic, struct fault *out_fault)
{
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns - topic->missing_asked_ns < MISSING_ASK_S * INT64_C(1000000000)) return true;
    topic->missing_asked_ns = now_ns;
    struct kafka_topic found;
    if (!kafka_topic_find(reader->client.kafka, topic->name, &found, out_fault)) return false;
    if (found.exists) {
        topic->missing_since_ns = 0;
        return true;
    }
    if (now_ns - topic->missing_since_ns < MISSING_S * INT64_C(1000000000)) return true;
    return fault_set(out_fault, FAULT_UNAVAILABLE,
                     "topic %s is gone from %s: it was deleted while it was read; restore it, or "
                     "make a new one with "
                     "`tally topics create` and begin a new journal",
                     topic->name, kafka_bootstrap(reader->client.kafka));
}

static void
give_back(struct kafka_reader *reader)
{
    for (size_t i = 0; i < reader->lent_count; i++)
        rd_kafka_message_destroy(reader->lent[i]);
    reader->lent_count = 0;
}

bool
kafka_reader_read(struct kafka_reader *reader, int wait_ms, struct kafka_message *out_messages,
                  size_t max, size_t *out_count, struct fault *out_fault)
{
    CHECK(max > 0);
    give_back(reader);
    reader->reads++;
    rd_kafka_poll(reader->client.rk, 0); /* errors and statistics */
    for (struct reader_topic *topic = reader->topics; topic != NULL; topic = topic->next) {
        if (topic->missing_since_ns != 0 && !missing_check(reader, topic, out_fault)) return false;
    }

    /* A batch call waits until the batch is full: so the first message is waited for alone. */
    size_t limit = max < KAFKA_READ_MAX ? max : KAFKA_READ_MAX;
    rd_kafka_message_t *first = rd_kafka_consume_queue(reader->queue, wait_ms);
    if (first != NULL) {
        reader->lent[reader->lent_count++] = first;
        if (limit > 1) {
            ssize_t more =
                rd_kafka_consume_batch_queue(reader->queue, 0, reader->lent + 1, limit - 1);
            if (more > 0) reader->lent_count += (size_t)more;
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < reader->lent_count; i++) {
        bool deliver;
        if (!serve(reader, reader->lent[i], &out_messages[count], &deliver, out_fault))
            return false;
        if (deliver) count++;
    }
    *out_count = count;
    return true;
}

uint64_t
kafka_reader_holes(const struct kafka_reader *reader)
{
    return reader->holes;
}

int64_t
kafka_reader_known_end(const struct kafka_reader *reader, const char *topic, uint32_t partition)
{
    int64_t first, end;
    rd_kafka_resp_err_t error =
        rd_kafka_get_watermark_offsets(reader->client.rk, topic, (int32_t)partition, &first, &end);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR && end >= 0 ? end : -1;
}

void
kafka_reader_close(struct kafka_reader *reader)
{
    if (reader == NULL) return;
    give_back(reader);
    while (reader->topics != NULL) {
        struct reader_topic *topic = reader->topics;
        reader->topics = topic->next;
        for (uint32_t i = 0; i < topic->lane_count; i++) {
            if (topic->lanes[i].active) rd_kafka_consume_stop(topic->handle, (int32_t)i);
        }
        rd_kafka_topic_destroy(topic->handle);
        free(topic->lanes);
        free(topic);
    }
    rd_kafka_queue_destroy(reader->queue);
    rd_kafka_destroy(reader->client.rk);
    free(reader);
}
