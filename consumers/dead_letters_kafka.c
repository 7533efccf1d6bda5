#include "consumers/dead_letters_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/kafka_producer.h"
#include "consumers/topics.h"
#include "engine/base/check.h"

enum {
    MESSAGE_BYTES_MAX = 24 << 20, /* a source that allows more has to be told to */
    RING_BYTES = 64 << 20,
    OWN_HEADERS_MAX = 15,
    HEADERS_MAX = 64, /* of the message and ours; a message with more keeps the first of its own */
    TEXT_BYTES = 24,
};

/* What a stack trace's first line would name in the other frameworks. */
#define EXCEPTION_CLASS "tallybook.UnreadableEvent"

struct source {
    char name[KAFKA_TOPIC_BYTES];
    char letters[KAFKA_TOPIC_BYTES];
    uint32_t partition_count; /* of the letters */
};

struct dead_letters {
    struct kafka_producer *producer;
    size_t source_count;
    struct source sources[];
};

bool
dead_letters_open(struct kafka *kafka, const char *const *sources, size_t source_count,
                  struct dead_letters **out_letters, struct fault *out_fault)
{
    struct dead_letters *letters =
        calloc(1, sizeof *letters + source_count * sizeof *letters->sources);
    CHECK(letters != NULL);
    letters->source_count = source_count;
    for (size_t i = 0; i < source_count; i++) {
        struct source *source = &letters->sources[i];
        snprintf(source->name, sizeof source->name, "%s", sources[i]);
        topics_dead_letter_name(sources[i], source->letters);
        struct kafka_topic topic;
        bool found = kafka_topic_find(kafka, source->letters, &topic, out_fault);
        if (found && !topic.exists) {
            found = fault_set(
                out_fault, FAULT_UNAVAILABLE,
                "topic %s for the dead letters of %s does not exist on %s: " TOPICS_MEND_MISSING,
                source->letters, source->name, kafka_bootstrap(kafka));
        }
        if (!found) {
            free(letters);
            return false;
        }
        source->partition_count = topic.partition_count;
    }
    struct kafka_producer_options options = {.ring_bytes = RING_BYTES,
                                             .message_max_bytes = MESSAGE_BYTES_MAX,
                                             .mend = TOPICS_MEND_MISSING};
    if (!kafka_producer_open(kafka, &options, &letters->producer, out_fault)) {
        free(letters);
        return false;
    }
    *out_letters = letters;
    return true;
}

/* ---- Headers --------------------------------------------------------------------------------- */

struct letter_headers {
    struct kafka_header items[HEADERS_MAX];
    size_t count;
    uint8_t partition_be[4], offset_be[8], timestamp_be[8];
    char partition_text[TEXT_BYTES], offset_text[TEXT_BYTES];
};

static void
header_add(struct letter_headers *headers, const char *name, struct bytes value)
{
    CHECK(headers->count < HEADERS_MAX);
    headers->items[headers->count++] = (struct kafka_header){.name = name, .value = value};
}

static void
header_text(struct letter_headers *headers, const char *name, const char *value)
{
    header_add(headers, name, bytes_from_cstr(value));
}

/* The message's own come first, in their order, duplicates and empty ones included. */
static void
headers_keep(struct letter_headers *headers, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *own;
    if (rd_kafka_message_headers(message, &own) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; i < HEADERS_MAX - OWN_HEADERS_MAX; i++) {
        if (rd_kafka_header_get_all(own, i, &name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        header_add(headers, name, bytes_of(value, size));
        headers->items[headers->count - 1].null = value == NULL;
    }
}

/* Spring's DeadLetterPublishingRecoverer writes numbers big-endian; Connect writes all as text. */
static void
headers_add_ours(struct letter_headers *headers, const char *source,
                 const rd_kafka_message_t *message, const char *code, const char *detail)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    struct writer writer = writer_of(headers->partition_be, sizeof headers->partition_be);
    writer_u32be(&writer, (uint32_t)message->partition);
    writer = writer_of(headers->offset_be, sizeof headers->offset_be);
    writer_u64be(&writer, (uint64_t)message->offset);
    writer = writer_of(headers->timestamp_be, sizeof headers->timestamp_be);
    writer_u64be(&writer, (uint64_t)timestamp_ms);
    snprintf(headers->partition_text, TEXT_BYTES, "%" PRId32, message->partition);
    snprintf(headers->offset_text, TEXT_BYTES, "%" PRId64, message->offset);

    header_text(headers, "kafka_dlt-original-topic", source);
    header_add(headers, "kafka_dlt-original-partition", bytes_of(headers->partition_be, 4));
    header_add(headers, "kafka_dlt-original-offset", bytes_of(headers->offset_be, 8));
    header_add(headers, "kafka_dlt-original-timestamp", bytes_of(headers->timestamp_be, 8));
    header_text(headers, "kafka_dlt-original-timestamp-type",
                type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? "LogAppendTime" : "CreateTime");
    header_text(headers, "kafka_dlt-exception-fqcn", EXCEPTION_CLASS);
    header_text(headers, "kafka_dlt-exception-message", detail);
    header_text(headers, "__connect.errors.topic", source);
    header_text(headers, "__connect.errors.partition", headers->partition_text);
    header_text(headers, "__connect.errors.offset", headers->offset_text);
    header_text(headers, "__connect.errors.stage", "VALUE_CONVERTER");
    header_text(headers, "__connect.errors.exception.class.name", EXCEPTION_CLASS);
    header_text(headers, "__connect.errors.exception.message", detail);
    header_text(headers, "tb_error_code", code);
    header_text(headers, "tb_error_detail", detail);
}

bool
dead_letters_send(struct dead_letters *letters, size_t source, const rd_kafka_message_t *message,
                  const char *code, const char *detail, struct fault *out_fault)
{
    CHECK(source < letters->source_count);
    const struct source *from = &letters->sources[source];
    struct letter_headers headers;
    headers.count = 0;
    headers_keep(&headers, message);
    headers_add_ours(&headers, from->name, message, code, detail);

    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    struct kafka_outgoing outgoing = {
        .key = bytes_of(message->key, message->key_len),
        .value = bytes_of(message->payload, message->len),
        .null_key = message->key == NULL,
        .null_value = message->payload == NULL,
        .headers = headers.items,
        .header_count = headers.count,
        .timestamp_ms = timestamp_ms > 0 ? timestamp_ms : 0,
        .weight = 1,
    };
    uint32_t partition = (uint32_t)message->partition % from->partition_count;
    struct kafka_lane *lane = kafka_producer_lane(letters->producer, from->letters, partition);
    return kafka_producer_send(letters->producer, lane, &outgoing, out_fault);
}

bool
dead_letters_poll(struct dead_letters *letters, int wait_ms, struct fault *out_fault)
{
    if (kafka_producer_poll(letters->producer, wait_ms, out_fault)) return true;
    return fault_wrap(out_fault, "dead letters");
}

uint64_t
dead_letters_acked(const struct dead_letters *letters)
{
    return kafka_producer_acked(letters->producer);
}

void
dead_letters_close(struct dead_letters *letters)
{
    if (letters == NULL) return;
    kafka_producer_close(letters->producer);
    free(letters);
}
