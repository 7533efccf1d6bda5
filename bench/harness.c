#include "bench/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "consumers/journal_file.h"
#include "engine/core/verdict.h"

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

static bool
append_messages(struct journal_appender *appender, const struct journal_message *messages,
                size_t count, struct fault *out_fault)
{
    for (size_t i = 0; i < count;) {
        if (appender->ops->append(appender, messages[i].partition, messages[i].payload, out_fault))
            i++;
        else if (out_fault->kind != FAULT_TRY_AGAIN ||
                 !appender->ops->poll(appender, 100, out_fault))
            return false;
    }
    return true;
}

static bool
await_appends(struct journal_appender *appender, uint64_t count, struct fault *out_fault)
{
    while (appender->ops->acked(appender) < count)
        if (!appender->ops->poll(appender, 100, out_fault)) return false;
    return true;
}

bool
record_list_append(const struct record_list *list, struct journal *journal, struct fault *out_fault)
{
    struct journal_appender *appender;
    if (!journal->ops->open_appender(journal, &appender, out_fault)) return false;
    bool done = append_messages(appender, list->items, list->count, out_fault) &&
                await_appends(appender, list->count, out_fault);
    appender->ops->close(appender);
    return done;
}

static bool
copy_messages(struct journal_reader *reader, struct journal_appender *appender, uint64_t expected,
              uint64_t *out_entries, struct fault *out_fault)
{
    struct journal_message messages[READ_MAX];
    uint64_t entries = 0;
    for (uint64_t copied = 0; copied < expected;) {
        size_t count;
        if (!reader->ops->read(reader, 100, messages, READ_MAX, &count, out_fault) ||
            !append_messages(appender, messages, count, out_fault))
            return false;
        for (size_t i = 0; i < count; i++)
            entries += count_entries(messages[i].payload);
        copied += count;
    }
    if (!await_appends(appender, expected, out_fault)) return false;
    *out_entries = entries;
    return true;
}

bool
journal_copy(struct journal *from, struct journal *to, uint64_t *out_entries,
             struct fault *out_fault)
{
    struct journal_reader *reader;
    struct journal_appender *appender;
    uint64_t expected;
    if (!read_from_start(from, &reader, &expected, out_fault)) return false;
    bool done = to->ops->open_appender(to, &appender, out_fault);
    if (done) {
        done = copy_messages(reader, appender, expected, out_entries, out_fault);
        appender->ops->close(appender);
    }
    reader->ops->close(reader);
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

static int64_t
used_ns(int who)
{
    struct rusage usage;
    CHECK(getrusage(who, &usage) == 0);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

int64_t
processor_ns(void)
{
    return used_ns(RUSAGE_SELF);
}

int64_t
thread_processor_ns(void)
{
    return used_ns(RUSAGE_THREAD);
}

void
print_figure(const char *name, uint64_t events, uint64_t bytes, int64_t took_ns)
{
    printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\n", name, events, bytes, took_ns);
    fflush(stdout);
}

void
print_verdicts(const uint64_t *counts, size_t size)
{
    for (size_t v = 0; v < size; v++)
        if (counts[v] != 0)
            printf("verdict %s\t%" PRIu64 "\t0\t0\n", verdict_find((uint32_t)v)->name, counts[v]);
}

int
report_fault(const char *program, const struct fault *fault)
{
    fprintf(stderr, "%s: %s\n", program, fault->text);
    return (int)fault->kind;
}
