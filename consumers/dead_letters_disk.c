#include "consumers/dead_letters_disk.h"

#include <stdlib.h>

#include "consumers/outputs_disk_priv.h"
#include "engine/base/check.h"

/* Persisted, version 1: the payload of a record of the dead letters' log.
 *
 *   u8      version (1)
 *   i32 le  source partition
 *   i64 le  source offset
 *   i64 le  received_ms
 *   5 spans source, reason, detail, key, value: each a varint length and its bytes
 *
 * The record's hash covers all of it. */
enum { LETTER_VERSION = 1, LETTER_HEAD_BYTES = 1 + 4 + 8 + 8 + 5 * BYTES_VARINT_MAX };

struct dead_letters_writer {
    struct disk_log_appender *appender;
};

struct dead_letters_reader {
    struct disk_log_reader *reader;
};

bool
dead_letters_disk_open_writer(struct outputs *outputs, struct dead_letters_writer **out_writer,
                              struct fault *out_fault)
{
    struct disk_log_appender *appender;
    if (!disk_log_appender_open(outputs_disk_log(outputs), &appender, out_fault))
        return fault_wrap(out_fault, "dead letters");
    struct dead_letters_writer *writer = calloc(1, sizeof *writer);
    CHECK(writer != NULL);
    writer->appender = appender;
    *out_writer = writer;
    return true;
}

void
dead_letters_disk_close_writer(struct dead_letters_writer *writer)
{
    if (writer == NULL) return;
    disk_log_appender_close(writer->appender);
    free(writer);
}

bool
dead_letters_disk_append(struct dead_letters_writer *writer, const struct dead_letter *letter,
                         struct fault *out_fault)
{
    size_t size = LETTER_HEAD_BYTES + letter->source.size + letter->reason.size +
                  letter->detail.size + letter->key.size + letter->value.size;
    size_t max = disk_log_record_bytes_max(writer->appender);
    if (size > max)
        return fault_set(out_fault, FAULT_DATA,
                         "dead letters: '%.*s' %d, offset %lld: %zu bytes are too many even for a "
                         "dead letter (%zu); remove it from the source",
                         (int)letter->source.size, (const char *)letter->source.data,
                         letter->partition, (long long)letter->offset, size, max);
    uint8_t *room;
    while ((room = disk_log_reserve(writer->appender, size)) == NULL)
        if (!disk_log_poll(writer->appender, 100, out_fault))
            return fault_wrap(out_fault, "dead letters");
    struct writer bytes = writer_of(room, size);
    writer_u8(&bytes, LETTER_VERSION);
    writer_u32le(&bytes, (uint32_t)letter->partition);
    writer_i64le(&bytes, letter->offset);
    writer_i64le(&bytes, letter->received_ms);
    writer_prefixed(&bytes, letter->source);
    writer_prefixed(&bytes, letter->reason);
    writer_prefixed(&bytes, letter->detail);
    writer_prefixed(&bytes, letter->key);
    writer_prefixed(&bytes, letter->value);
    disk_log_submit(writer->appender, OUTPUTS_DISK_DEAD_LETTERS, writer_span(&bytes).size);
    if (disk_log_poll(writer->appender, 0, out_fault)) return true;
    return fault_wrap(out_fault, "dead letters");
}

bool
dead_letters_disk_flush(struct dead_letters_writer *writer, struct fault *out_fault)
{
    while (disk_log_acked(writer->appender) < disk_log_submitted(writer->appender))
        if (!disk_log_poll(writer->appender, 100, out_fault))
            return fault_wrap(out_fault, "dead letters");
    return true;
}

uint64_t
dead_letters_disk_count(const struct outputs *outputs)
{
    return disk_log_end(outputs_disk_log(outputs), OUTPUTS_DISK_DEAD_LETTERS);
}

bool
dead_letters_disk_open_reader(struct outputs *outputs, uint64_t number,
                              struct dead_letters_reader **out_reader, struct fault *out_fault)
{
    struct disk_log_reader *reader;
    if (!disk_log_reader_open(outputs_disk_log(outputs), DISK_LOG_HOLD_COPY, &reader, out_fault))
        return fault_wrap(out_fault, "dead letters");
    if (!disk_log_assign(reader, OUTPUTS_DISK_DEAD_LETTERS, number, out_fault)) {
        disk_log_reader_close(reader);
        return fault_wrap(out_fault, "dead letters");
    }
    struct dead_letters_reader *made = calloc(1, sizeof *made);
    CHECK(made != NULL);
    made->reader = reader;
    *out_reader = made;
    return true;
}

void
dead_letters_disk_close_reader(struct dead_letters_reader *reader)
{
    if (reader == NULL) return;
    disk_log_reader_close(reader->reader);
    free(reader);
}

bool
dead_letters_disk_read(struct dead_letters_reader *reader, int wait_ms,
                       struct dead_letter *out_letter, bool *out_found, struct fault *out_fault)
{
    struct disk_log_record record;
    size_t count;
    if (!disk_log_read(reader->reader, wait_ms, &record, 1, &count, out_fault))
        return fault_wrap(out_fault, "dead letters");
    if (count == 0) {
        *out_found = false;
        return true;
    }
    struct reader bytes = reader_of(record.payload);
    uint8_t version = reader_u8(&bytes);
    struct dead_letter letter = {
        .partition = (int32_t)reader_u32le(&bytes),
        .offset = reader_i64le(&bytes),
        .received_ms = reader_i64le(&bytes),
        .number = record.offset,
        .written_ms = record.append_ms,
    };
    letter.source = reader_prefixed(&bytes);
    letter.reason = reader_prefixed(&bytes);
    letter.detail = reader_prefixed(&bytes);
    letter.key = reader_prefixed(&bytes);
    letter.value = reader_prefixed(&bytes);
    if (version != LETTER_VERSION || !reader_done(&bytes))
        return fault_set(out_fault, FAULT_DATA,
                         "dead letters: number %llu has format %u, and this program reads format "
                         "%d: use the program that wrote it, or a newer one",
                         (unsigned long long)record.offset, version, LETTER_VERSION);
    *out_letter = letter;
    *out_found = true;
    return true;
}
