#include "consumers/outputs_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/outputs_disk_priv.h"
#include "engine/base/check.h"

enum {
    /* A pack holds no more: a reader that wants one effect decodes them all. */
    PACK_EFFECTS_MAX = 2048,
    PACK_BYTES_MAX = 512 * 1024,
    /* Packs queued and not acknowledged; the queue's bytes are the real limit. */
    PACKS_IN_FLIGHT_MAX = 16 * 1024,
    READ_MESSAGES_MAX = 256
};

struct outputs_disk {
    struct outputs port; /* first */
    struct disk_log *log;
    const struct output_encoder *encoder;
    uint32_t partition_count;
};

struct outputs_disk_reader {
    struct output_reader port; /* first */
    struct disk_log_reader *reader;
};

/* Where one topic of one partition stands. */
struct publish_mark {
    bool started;
    uint64_t next;         /* number of the next effect to take */
    uint64_t acked;        /* everything below is durable */
    uint64_t acked_offset; /* behind the last durable pack */
};

struct publish_pack {
    uint32_t log;
    uint32_t count;
    uint64_t next; /* number behind its last effect */
};

struct outputs_disk_publisher {
    struct publisher port; /* first */
    const struct outputs_disk *outputs;
    struct disk_log_appender *appender;
    struct publish_mark *marks; /* by log */
    /* Packs in the order they were submitted: entries packs_acked … packs_sent − 1, each at its
     * number modulo PACKS_IN_FLIGHT_MAX. */
    struct publish_pack *packs;
    uint64_t packs_sent, packs_acked;
    size_t effects_in_flight;
};

static void
outputs_describe(uint32_t log, char *out_text, size_t size)
{
    if (log == OUTPUTS_DISK_DEAD_LETTERS)
        snprintf(out_text, size, "dead letters");
    else
        snprintf(out_text, size, "partition %u, output '%s'", outputs_disk_log_partition(log),
                 topic_name(outputs_disk_log_topic(log)));
}

/* ---- Publisher ----------------------------------------------------------------------------- */

static struct outputs_disk_publisher *
publisher_of_port(const struct publisher *port)
{
    return (struct outputs_disk_publisher *)port;
}

static struct publish_mark *
publisher_mark(const struct publisher *port, uint32_t partition, enum topic topic)
{
    struct outputs_disk_publisher *publisher = publisher_of_port(port);
    CHECK(partition < publisher->outputs->partition_count && topic < TOPIC_COUNT);
    return &publisher->marks[outputs_disk_log_number(partition, topic)];
}

static bool
publisher_start(struct publisher *port, uint32_t partition, enum topic topic,
                uint64_t next_sequence, uint64_t offset, struct fault *out_fault)
{
    struct publish_mark *mark = publisher_mark(port, partition, topic);
    uint64_t end = disk_log_end(publisher_of_port(port)->outputs->log,
                                outputs_disk_log_number(partition, topic));
    /* One process holds the folder and one publisher the partition: nobody else can have written.
     */
    if (offset != end)
        return fault_set(out_fault, FAULT_SOFTWARE,
                         "outputs: partition %u, output '%s' ends at offset %llu, not at %llu: two "
                         "publishers have the same partition",
                         partition, topic_name(topic), (unsigned long long)end,
                         (unsigned long long)offset);
    *mark = (struct publish_mark){
        .started = true, .next = next_sequence, .acked = next_sequence, .acked_offset = offset};
    return true;
}

/* Moves the marks over what has become durable. */
static void
publisher_advance(struct outputs_disk_publisher *publisher)
{
    uint64_t acked = disk_log_acked(publisher->appender);
    while (publisher->packs_acked < acked) {
        const struct publish_pack *pack =
            &publisher->packs[publisher->packs_acked++ % PACKS_IN_FLIGHT_MAX];
        struct publish_mark *mark = &publisher->marks[pack->log];
        mark->acked = pack->next;
        mark->acked_offset++;
        CHECK((int64_t)mark->acked_offset <=
              disk_log_last_offset(publisher->appender, pack->log) + 1);
        publisher->effects_in_flight -= pack->count;
    }
}

static bool
publisher_poll(struct publisher *port, int wait_ms, struct fault *out_fault)
{
    struct outputs_disk_publisher *publisher = publisher_of_port(port);
    bool well = disk_log_poll(publisher->appender, wait_ms, out_fault);
    publisher_advance(publisher);
    return well || fault_wrap(out_fault, "outputs");
}

/* The end of a slice that begins with an effect of the topic and has up to `most` of them. */
static size_t
slice_end(const struct effect *effects, size_t begin, size_t count, enum topic topic, size_t most,
          size_t *out_taken, size_t *out_last)
{
    size_t taken = 0, last = begin, at = begin;
    for (; at < count && taken < most; at++) {
        if (effects[at].topic != topic) continue;
        CHECK(effects[at].sequence == effects[begin].sequence + taken);
        last = at;
        taken++;
    }
    *out_taken = taken;
    *out_last = last;
    return last + 1;
}

/* Queues one pack of the topic's effects from `begin` on. False when the queue is full. */
static bool
publish_pack(struct outputs_disk_publisher *publisher, uint32_t partition, enum topic topic,
             uint64_t claim, const struct effect *effects, size_t begin, size_t count,
             size_t *out_end)
{
    uint32_t log = outputs_disk_log_number(partition, topic);
    if (publisher->packs_sent - publisher->packs_acked == PACKS_IN_FLIGHT_MAX) return false;
    uint8_t *room =
        disk_log_reserve(publisher->appender, sizeof(struct outputs_disk_pack) + PACK_BYTES_MAX);
    if (room == NULL) return false;

    struct writer writer;
    size_t taken, last, end;
    for (size_t most = PACK_EFFECTS_MAX;; most /= 2) {
        CHECK(most > 0); /* one effect always fits: ids and texts are limited */
        end = slice_end(effects, begin, count, topic, most, &taken, &last);
        writer = writer_of(room + sizeof(struct outputs_disk_pack), PACK_BYTES_MAX);
        if (publisher->outputs->encoder->encode_pack(topic, partition, effects + begin, end - begin,
                                                     &writer))
            break;
    }
    struct outputs_disk_pack pack = {
        .claim = claim,
        .first_sequence = effects[begin].sequence,
        .cause = position_pack(effects[last].cause),
        .hash = effects[last].hash,
        .count = (uint32_t)taken,
        .version = OUTPUTS_DISK_PACK_VERSION,
        .topic = (uint8_t)topic,
    };
    memcpy(room, &pack, sizeof pack);
    disk_log_submit(publisher->appender, log, sizeof pack + writer_span(&writer).size);

    struct publish_mark *mark = &publisher->marks[log];
    mark->next = pack.first_sequence + taken;
    publisher->packs[publisher->packs_sent++ % PACKS_IN_FLIGHT_MAX] =
        (struct publish_pack){.log = log, .count = pack.count, .next = mark->next};
    publisher->effects_in_flight += taken;
    *out_end = end;
    return true;
}

static bool
publish_topic(struct outputs_disk_publisher *publisher, uint32_t partition, enum topic topic,
              uint64_t claim, const struct effect *effects, size_t count)
{
    const struct publish_mark *mark = publisher_mark(&publisher->port, partition, topic);
    CHECK(mark->started);
    size_t at = 0;
    for (;;) {
        while (at < count && (effects[at].topic != topic || effects[at].sequence < mark->next))
            at++;
        if (at == count) return true;
        CHECK(effects[at].sequence == mark->next);
        if (!publish_pack(publisher, partition, topic, claim, effects, at, count, &at))
            return false;
    }
}

static bool
publisher_publish(struct publisher *port, uint32_t partition, uint64_t claim,
                  const struct effect *effects, size_t count, struct fault *out_fault)
{
    struct outputs_disk_publisher *publisher = publisher_of_port(port);
    if (!publisher_poll(port, 0, out_fault)) return false;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        if (!publish_topic(publisher, partition, topic, claim, effects, count))
            return fault_set(out_fault, FAULT_TRY_AGAIN, "outputs: the queue is full");
    return true;
}

static uint64_t
publisher_acked(const struct publisher *port, uint32_t partition, enum topic topic)
{
    return publisher_mark(port, partition, topic)->acked;
}

static uint64_t
publisher_acked_offset(const struct publisher *port, uint32_t partition, enum topic topic)
{
    return publisher_mark(port, partition, topic)->acked_offset;
}

static size_t
publisher_in_flight(const struct publisher *port)
{
    return publisher_of_port(port)->effects_in_flight;
}

/* What is queued cannot be called back, so it is waited for, a commit or two: whoever starts the
 * partition next finds the whole of it. */
static void
publisher_stop(struct publisher *port, uint32_t partition)
{
    struct fault fault;
    while (publisher_of_port(port)->effects_in_flight != 0)
        if (!publisher_poll(port, -1, &fault)) break;
    for (enum topic topic = 0; topic < TOPIC_COUNT; topic++)
        publisher_mark(port, partition, topic)->started = false;
}

static void
publisher_close(struct publisher *port)
{
    struct outputs_disk_publisher *publisher = publisher_of_port(port);
    disk_log_appender_close(publisher->appender);
    free(publisher->marks);
    free(publisher->packs);
    free(publisher);
}

static const struct publisher_ops publisher_operations = {
    .start = publisher_start,
    .publish = publisher_publish,
    .poll = publisher_poll,
    .acked = publisher_acked,
    .acked_offset = publisher_acked_offset,
    .in_flight = publisher_in_flight,
    .stop = publisher_stop,
    .close = publisher_close,
};

/* ---- Reader -------------------------------------------------------------------------------- */

static struct disk_log_reader *
reader_of_port(struct output_reader *port)
{
    return ((struct outputs_disk_reader *)port)->reader;
}

static bool
output_reader_assign(struct output_reader *port, uint32_t partition, enum topic topic,
                     uint64_t offset, struct fault *out_fault)
{
    if (disk_log_assign(reader_of_port(port), outputs_disk_log_number(partition, topic), offset,
                        out_fault))
        return true;
    return fault_wrap(out_fault, "outputs");
}

static bool
output_message_decode(const struct disk_log_record *record, struct output_message *out_message,
                      struct fault *out_fault)
{
    struct outputs_disk_pack pack = {.version = 0};
    if (record->payload.size >= sizeof pack) memcpy(&pack, record->payload.data, sizeof pack);
    if (pack.version != OUTPUTS_DISK_PACK_VERSION ||
        pack.topic != outputs_disk_log_topic(record->log) || pack.zero != 0 || pack.count == 0) {
        char place[128];
        outputs_describe(record->log, place, sizeof place);
        return fault_set(out_fault, FAULT_DATA,
                         "outputs: %s, offset %llu: a pack of format %u, and this program reads "
                         "format %d: use the program that wrote it, or a newer one",
                         place, (unsigned long long)record->offset, pack.version,
                         OUTPUTS_DISK_PACK_VERSION);
    }
    *out_message = (struct output_message){
        .partition = outputs_disk_log_partition(record->log),
        .topic = (enum topic)pack.topic,
        .offset = record->offset,
        .claim = pack.claim,
        .first_sequence = pack.first_sequence,
        .count = pack.count,
        .cause = pack.cause,
        .hash = pack.hash,
        .packed = true,
        .payload = {record->payload.data + sizeof pack, record->payload.size - sizeof pack},
    };
    return true;
}

static bool
output_reader_read(struct output_reader *port, int wait_ms, struct output_message *out_messages,
                   size_t max, size_t *out_count, struct fault *out_fault)
{
    struct disk_log_record records[READ_MESSAGES_MAX];
    size_t count;
    if (max > READ_MESSAGES_MAX) max = READ_MESSAGES_MAX;
    if (!disk_log_read(reader_of_port(port), wait_ms, records, max, &count, out_fault))
        return fault_wrap(out_fault, "outputs");
    for (size_t i = 0; i < count; i++)
        if (!output_message_decode(&records[i], &out_messages[i], out_fault)) return false;
    *out_count = count;
    return true;
}

static void
output_reader_close(struct output_reader *port)
{
    disk_log_reader_close(reader_of_port(port));
    free(port);
}

static const struct output_reader_ops output_reader_operations = {
    .assign = output_reader_assign,
    .read = output_reader_read,
    .close = output_reader_close,
};

/* ---- Outputs ------------------------------------------------------------------------------- */

static struct outputs_disk *
outputs_of_port(const struct outputs *port)
{
    return (struct outputs_disk *)port;
}

struct disk_log *
outputs_disk_log(const struct outputs *outputs)
{
    return outputs_of_port(outputs)->log;
}

uint32_t
outputs_disk_partition_count(const struct outputs *outputs)
{
    return outputs_of_port(outputs)->partition_count;
}

static bool
outputs_bounds(struct outputs *port, uint32_t partition, enum topic topic, uint64_t *out_first,
               uint64_t *out_end, struct fault *out_fault)
{
    const struct outputs_disk *outputs = outputs_of_port(port);
    if (partition >= outputs->partition_count)
        return fault_set(out_fault, FAULT_NO_INPUT, "outputs: of %u partitions, no partition %u",
                         outputs->partition_count, partition);
    *out_first = 0;
    *out_end = disk_log_end(outputs->log, outputs_disk_log_number(partition, topic));
    return true;
}

static bool
outputs_open_reader(struct outputs *port, struct output_reader **out_reader,
                    struct fault *out_fault)
{
    struct disk_log_reader *reader;
    /* Readers of outputs are people's terminals and HTTP clients: as slow as they like. */
    if (!disk_log_reader_open(outputs_disk_log(port), DISK_LOG_HOLD_COPY, &reader, out_fault))
        return fault_wrap(out_fault, "outputs");
    struct outputs_disk_reader *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->port.ops = &output_reader_operations;
    made->reader = reader;
    *out_reader = &made->port;
    return true;
}

static bool
outputs_open_publisher(struct outputs *port, struct publisher **out_publisher,
                       struct fault *out_fault)
{
    const struct outputs_disk *outputs = outputs_of_port(port);
    CHECK(outputs->encoder != NULL);
    struct disk_log_appender *appender;
    if (!disk_log_appender_open(outputs->log, &appender, out_fault))
        return fault_wrap(out_fault, "outputs");
    struct outputs_disk_publisher *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->port.ops = &publisher_operations;
    made->outputs = outputs;
    made->appender = appender;
    made->marks = calloc(disk_log_count(outputs->log), sizeof *made->marks);
    made->packs = calloc(PACKS_IN_FLIGHT_MAX, sizeof *made->packs);
    CHECK(made->marks != NULL && made->packs != NULL);
    *out_publisher = &made->port;
    return true;
}

static void
outputs_health(struct outputs *port, char *out_text, size_t size)
{
    disk_log_health(outputs_disk_log(port), out_text, size);
}

static void
outputs_close(struct outputs *port)
{
    disk_log_close(outputs_disk_log(port));
    free(port);
}

static const struct outputs_ops outputs_operations = {
    .bounds = outputs_bounds,
    .open_reader = outputs_open_reader,
    .open_publisher = outputs_open_publisher,
    .health = outputs_health,
    .close = outputs_close,
};

bool
outputs_disk_create(const char *path, uint32_t partition_count, struct fault *out_fault)
{
    CHECK(partition_count >= 1 && partition_count <= PARTITIONS_MAX);
    if (disk_log_create(path, DISK_LOG_OUTPUTS, OUTPUTS_DISK_FIRST + partition_count * TOPIC_COUNT,
                        out_fault))
        return true;
    return fault_wrap(out_fault, "outputs");
}

bool
outputs_disk_open(const char *path, const struct outputs_disk_options *options,
                  struct outputs **out_outputs, struct fault *out_fault)
{
    CHECK(options->queue_bytes == 0 || options->queue_bytes >= OUTPUTS_DISK_QUEUE_BYTES_MIN);
    const struct disk_log_options log_options = {
        .map_bytes = options->limit_bytes,
        .queue_bytes = options->queue_bytes,
        .commit_bytes = options->commit_bytes,
        .describe = outputs_describe,
        .crash_before_commit = "outputs.before_commit",
        .crash_after_commit = "outputs.after_commit",
    };
    struct disk_log *log;
    if (!disk_log_open(path, DISK_LOG_OUTPUTS, &log_options, &log, out_fault))
        return fault_wrap(out_fault, "outputs");
    struct outputs_disk *outputs = calloc(1, sizeof *outputs);
    CHECK(outputs != NULL);
    outputs->port.ops = &outputs_operations;
    outputs->log = log;
    outputs->encoder = options->encoder;
    outputs->partition_count = (disk_log_count(log) - OUTPUTS_DISK_FIRST) / TOPIC_COUNT;
    *out_outputs = &outputs->port;
    return true;
}
