#include "bench/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/journal_file.h"

enum { READ_MAX = 256 };

/* Entries of a packed JournalRecord, without decoding them: its only field, again and again. */
static uint64_t
count_entries(struct bytes record)
{
    struct reader reader = reader_of(record);
    uint64_t count = 0;
    while (reader_left(&reader) > 0) {
        reader_varint(&reader);
        reader_prefixed(&reader);
        count++;
    }
    CHECK(reader_done(&reader));
    return count;
}

/* Opens a reader of everything that the journal holds; *out_expected is how many offsets that is.
 */
static bool
read_from_start(struct journal *journal, struct journal_reader **out_reader, uint64_t *out_expected,
                struct fault *out_fault)
{
    struct journal_reader *reader;
    if (!journal->ops->open_reader(journal, &reader, out_fault)) return false;
    uint64_t expected = 0;
    for (uint32_t p = 0; p < journal->ops->partition_count(journal); p++) {
        int64_t first, end;
        if (!journal->ops->bounds(journal, p, &first, &end, out_fault) ||
            !reader->ops->assign(reader, p, first, out_fault)) {
            reader->ops->close(reader);
            return false;
        }
        expected += (uint64_t)(end - first);
    }
    *out_reader = reader;
    *out_expected = expected;
    return true;
}

static bool
list_fill(struct record_list *list, struct journal_reader *reader, uint64_t expected,
          struct fault *out_fault)
{
    size_t used = 0;
    while (list->count < expected) {
        size_t count;
        struct journal_message *room = list->items + list->count;
        size_t max = expected - list->count < READ_MAX ? expected - list->count : READ_MAX;
        if (!reader->ops->read(reader, 0, room, max, &count, out_fault)) return false;
        if (count == 0) break;
        for (size_t i = 0; i < count; i++) {
            struct bytes payload = room[i].payload;
            if (payload.size > list->region.size - used)
                return fault_set(out_fault, FAULT_TRY_AGAIN, "the journal is too large for memory");
            uint8_t *copy = (uint8_t *)list->region.memory + used;
            if (payload.size != 0) memcpy(copy, payload.data, payload.size);
            room[i].payload = bytes_of(copy, payload.size);
            used += payload.size;
            list->entry_count += count_entries(payload);
        }
        list->count += count;
    }
    list->payload_bytes = used;
    return true;
}

bool
record_list_load(const char *path, struct record_list *out_list, struct fault *out_fault)
{
    struct record_list list = {0};
    struct journal_reader *reader = NULL;
    struct journal *journal;
    uint64_t expected;
    if (!journal_file_open(path, &journal, out_fault)) return false;
    list.partition_count = journal->ops->partition_count(journal);
    if (!read_from_start(journal, &reader, &expected, out_fault)) goto fail;
    list.items = calloc(expected, sizeof *list.items);
    CHECK(list.items != NULL);
    /* Address space for any machine's memory; pages are taken as they are filled. */
    if (!region_map((size_t)1 << 36, &list.region, out_fault)) goto fail;
    if (!list_fill(&list, reader, expected, out_fault)) goto fail;
    reader->ops->close(reader);
    journal->ops->close(journal);
    *out_list = list;
    return true;
fail:
    record_list_free(&list);
    if (reader != NULL) reader->ops->close(reader);
    journal->ops->close(journal);
    return false;
}

void
record_list_free(struct record_list *list)
{
    free(list->items);
    region_unmap(&list->region);
}

bool
record_list_append(const struct record_list *list, struct journal *journal, struct fault *out_fault)
{
    struct journal_appender *appender;
    if (!journal->ops->open_appender(journal, &appender, out_fault)) return false;
    bool done = true;
    for (size_t i = 0; done && i < list->count;) {
        const struct journal_message *message = &list->items[i];
        done = appender->ops->append(appender, message->partition, message->payload, out_fault);
        if (done) {
            i++;
        } else if (out_fault->kind == FAULT_TRY_AGAIN) {
            done = appender->ops->poll(appender, 100, out_fault);
        }
    }
    while (done && appender->ops->acked(appender) < list->count)
        done = appender->ops->poll(appender, 100, out_fault);
    appender->ops->close(appender);
    return done;
}

bool
journal_read_all(struct journal *journal, uint64_t *out_records, uint64_t *out_bytes,
                 struct fault *out_fault)
{
    struct journal_reader *reader;
    struct journal_message messages[READ_MAX];
    uint64_t expected, records = 0, bytes = 0;
    if (!read_from_start(journal, &reader, &expected, out_fault)) return false;
    bool done = true;
    while (done && records < expected) {
        size_t count = 0;
        done = reader->ops->read(reader, 100, messages, READ_MAX, &count, out_fault);
        for (size_t i = 0; done && i < count; i++)
            bytes += messages[i].payload.size;
        records += count;
    }
    reader->ops->close(reader);
    if (!done) return false;
    *out_records = records;
    *out_bytes = bytes;
    return true;
}

void
print_figure(const char *name, uint64_t events, uint64_t bytes, int64_t took_ns)
{
    printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\n", name, events, bytes, took_ns);
    fflush(stdout);
}

int
report_fault(const char *program, const struct fault *fault)
{
    fprintf(stderr, "%s: %s\n", program, fault->text);
    return (int)fault->kind;
}
