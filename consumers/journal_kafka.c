#include "consumers/journal_kafka.h"

#include <stdlib.h>
#include <string.h>

#include "consumers/kafka_producer.h"
#include "consumers/kafka_reader.h"
#include "consumers/topics.h"
#include "engine/base/check.h"
#include "engine/core/event.h"

enum {
    RING_BYTES = 32 << 20, /* holds 30 records of full size on their way, or 100,000 small ones */
};

struct journal_kafka {
    struct journal base;
    struct kafka *kafka;
    char *topic;
    uint32_t partition_count;
    size_t ring_bytes;
};

struct kafka_journal_reader {
    struct journal_reader base;
    struct journal_kafka *journal;
    struct kafka_reader *reader;
    struct kafka_message batch[KAFKA_READ_MAX];
};

struct kafka_journal_appender {
    struct journal_appender base;
    struct journal_kafka *journal;
    struct kafka_producer *producer;
    struct kafka_lane *lanes[]; /* by partition */
};

/* ---- Reader ---------------------------------------------------------------------------------- */

static struct kafka_journal_reader *
own_reader(struct journal_reader *base)
{
    return (struct kafka_journal_reader *)base;
}

static bool
reader_assign(struct journal_reader *base, uint32_t partition, int64_t offset,
              struct fault *out_fault)
{
    struct kafka_journal_reader *reader = own_reader(base);
    CHECK(partition < reader->journal->partition_count);
    return kafka_reader_assign(reader->reader, reader->journal->topic, partition, offset, 0,
                               out_fault);
}

static void
reader_revoke(struct journal_reader *base, uint32_t partition)
{
    struct kafka_journal_reader *reader = own_reader(base);
    kafka_reader_revoke(reader->reader, reader->journal->topic, partition);
}

static bool
message_read(const struct journal_kafka *journal, const rd_kafka_message_t *raw,
             struct journal_message *out_message, struct fault *out_fault)
{
    rd_kafka_timestamp_type_t type;
    int64_t append_ms = rd_kafka_message_timestamp(raw, &type);
    if (type != RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME) {
        return fault_set(
            out_fault, FAULT_CONFIG,
            "topic %s, partition %d, offset %lld: the message carries its sender's time, not the "
            "broker's: message.timestamp.type was changed; set it back with "
            "`tally topics create --repair`",
            journal->topic, raw->partition, (long long)raw->offset);
    }
    *out_message = (struct journal_message){.partition = (uint32_t)raw->partition,
                                            .offset = raw->offset,
                                            .append_ms = append_ms,
                                            .payload = bytes_of(raw->payload, raw->len)};
    return true;
}

static bool
reader_read(struct journal_reader *base, int wait_ms, struct journal_message *out_messages,
            size_t max, size_t *out_count, struct fault *out_fault)
{
    struct kafka_journal_reader *reader = own_reader(base);
    size_t count;
    if (!kafka_reader_read(reader->reader, wait_ms, reader->batch, max, &count, out_fault)) {
        return fault_wrap(out_fault, "journal");
    }
    for (size_t i = 0; i < count; i++) {
        if (!message_read(reader->journal, reader->batch[i].raw, &out_messages[i], out_fault)) {
            return fault_wrap(out_fault, "journal");
        }
    }
    *out_count = count;
    return true;
}

static int64_t
reader_known_end(struct journal_reader *base, uint32_t partition)
{
    struct kafka_journal_reader *reader = own_reader(base);
    return kafka_reader_known_end(reader->reader, reader->journal->topic, partition);
}

static void
reader_close(struct journal_reader *base)
{
    struct kafka_journal_reader *reader = own_reader(base);
    kafka_reader_close(reader->reader);
    free(reader);
}

static const struct journal_reader_ops reader_ops = {
    .assign = reader_assign,
    .revoke = reader_revoke,
    .read = reader_read,
    .known_end = reader_known_end,
    .close = reader_close,
};

static bool
open_reader(struct journal *base, struct journal_reader **out_reader, struct fault *out_fault)
{
    struct journal_kafka *journal = (struct journal_kafka *)base;
    struct kafka_journal_reader *reader = calloc(1, sizeof *reader);
    CHECK(reader != NULL);
    reader->base.ops = &reader_ops;
    reader->journal = journal;
    if (!kafka_reader_open(journal->kafka, &reader->reader, out_fault)) {
        free(reader);
        return false;
    }
    *out_reader = &reader->base;
    return true;
}

/* ---- Appender -------------------------------------------------------------------------------- */

static struct kafka_journal_appender *
own_appender(const struct journal_appender *base)
{
    return (struct kafka_journal_appender *)base;
}

/* The topic stamps the message itself, and records carry no key: their partition is chosen by us.
 */
static bool
appender_append(struct journal_appender *base, uint32_t partition, struct bytes payload,
                struct fault *out_fault)
{
    struct kafka_journal_appender *appender = own_appender(base);
    CHECK(partition < appender->journal->partition_count);
    CHECK(payload.size > 0 && payload.size <= RECORD_BYTES_MAX);
    struct kafka_outgoing message = {.value = payload, .null_key = true, .weight = 1};
    return kafka_producer_send(appender->producer, appender->lanes[partition], &message, out_fault);
}

static bool
appender_poll(struct journal_appender *base, int wait_ms, struct fault *out_fault)
{
    if (kafka_producer_poll(own_appender(base)->producer, wait_ms, out_fault)) return true;
    return fault_wrap(out_fault, "journal");
}

static uint64_t
appender_acked(const struct journal_appender *base)
{
    return kafka_producer_acked(own_appender(base)->producer);
}

static int64_t
appender_last_offset(const struct journal_appender *base, uint32_t partition)
{
    int64_t behind = kafka_lane_offset(own_appender(base)->lanes[partition]);
    return behind < 0 ? -1 : behind - 1;
}

static void
appender_close(struct journal_appender *base)
{
    struct kafka_journal_appender *appender = own_appender(base);
    kafka_producer_close(appender->producer);
    free(appender);
}

static const struct journal_appender_ops appender_ops = {
    .append = appender_append,
    .poll = appender_poll,
    .acked = appender_acked,
    .last_offset = appender_last_offset,
    .close = appender_close,
};

static bool
open_appender(struct journal *base, struct journal_appender **out_appender, struct fault *out_fault)
{
    struct journal_kafka *journal = (struct journal_kafka *)base;
    struct kafka_journal_appender *appender =
        calloc(1, sizeof *appender + journal->partition_count * sizeof *appender->lanes);
    CHECK(appender != NULL);
    appender->base.ops = &appender_ops;
    appender->journal = journal;
    struct kafka_producer_options options = {.ring_bytes = journal->ring_bytes,
                                             .mend = TOPICS_MEND_MISSING};
    if (!kafka_producer_open(journal->kafka, &options, &appender->producer, out_fault)) {
        free(appender);
        return false;
    }
    for (uint32_t i = 0; i < journal->partition_count; i++) {
        appender->lanes[i] = kafka_producer_lane(appender->producer, journal->topic, i);
    }
    *out_appender = &appender->base;
    return true;
}

/* ---- Journal --------------------------------------------------------------------------------- */

static uint32_t
partition_count(const struct journal *base)
{
    return ((const struct journal_kafka *)base)->partition_count;
}

static bool
bounds(struct journal *base, uint32_t partition, int64_t *out_first, int64_t *out_end,
       struct fault *out_fault)
{
    struct journal_kafka *journal = (struct journal_kafka *)base;
    CHECK(partition < journal->partition_count);
    return kafka_bounds(journal->kafka, journal->topic, partition, out_first, out_end, out_fault);
}

static void
health(struct journal *base, char *out_text, size_t size)
{
    kafka_health(((struct journal_kafka *)base)->kafka, out_text, size);
}

static void
journal_close(struct journal *base)
{
    struct journal_kafka *journal = (struct journal_kafka *)base;
    free(journal->topic);
    free(journal);
}

static const struct journal_ops journal_ops = {
    .partition_count = partition_count,
    .bounds = bounds,
    .open_reader = open_reader,
    .open_appender = open_appender,
    .health = health,
    .close = journal_close,
};

bool
journal_kafka_open(struct kafka *kafka, const struct journal_kafka_options *options,
                   struct journal **out_journal, struct fault *out_fault)
{
    uint32_t count = options->partition_count;
    if (!topics_check_journal(kafka, options->topic, &count, options->single_broker, out_fault)) {
        return fault_wrap(out_fault, "journal");
    }
    struct journal_kafka *journal = calloc(1, sizeof *journal);
    CHECK(journal != NULL);
    journal->base.ops = &journal_ops;
    journal->kafka = kafka;
    journal->topic = strdup(options->topic);
    CHECK(journal->topic != NULL);
    journal->partition_count = count;
    journal->ring_bytes =
        options->appender_ring_bytes != 0 ? options->appender_ring_bytes : RING_BYTES;
    *out_journal = &journal->base;
    return true;
}
