#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consumers/journal_file.h"
#include "consumers/journal_file_priv.h"
#include "tests/unit/property.h"

enum { MESSAGES_MAX = 4096 };

static char folder[64], path[96];

static void
make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/tallybook-journal-file-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/journal.tbj", folder);
}

static void
remove_folder(void)
{
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "something is left beside the file");
}

TestSuite(journal_file, .init = make_folder, .fini = remove_folder);

/* What is written, kept to compare. */
struct sample {
    struct journal_message messages[MESSAGES_MAX];
    size_t count;
    uint8_t payloads[8 * 1024 * 1024];
    size_t used;
};

static struct sample sample;

static void
sample_add(uint32_t partition, int64_t offset, int64_t append_ms, size_t size,
           struct property *property)
{
    cr_assert_lt(sample.count, MESSAGES_MAX);
    cr_assert_leq(size, sizeof sample.payloads - sample.used);
    uint8_t *payload = sample.payloads + sample.used;
    for (size_t i = 0; i < size; i++)
        payload[i] = (uint8_t)property_next(property);
    sample.used += size;
    sample.messages[sample.count++] =
        (struct journal_message){partition, offset, append_ms, bytes_of(payload, size)};
}

static void
sample_write(uint32_t partition_count)
{
    struct fault fault;
    struct journal_file_writer *writer;
    cr_assert(journal_file_create(path, partition_count, &writer, &fault), "%s", fault.text);
    for (size_t i = 0; i < sample.count; i++)
        cr_assert(journal_file_add(writer, &sample.messages[i], &fault), "%s", fault.text);
    cr_assert_eq(access(path, F_OK), -1, "named before it was finished");
    cr_assert(journal_file_finish(writer, &fault), "%s", fault.text);
}

/* Four small records of two partitions, one of them empty, one behind a hole. */
static void
sample_write_small(struct property *property)
{
    sample.count = 0;
    sample.used = 0;
    sample_add(1, 0, 1000, 20, property);
    sample_add(0, 7, 1001, 5, property);
    sample_add(1, 3, -1, 0, property);
    sample_add(1, JOURNAL_FILE_OFFSET_MAX, INT64_MAX, 33, property);
    sample_write(3);
}

static bool
same_message(const struct journal_message *a, const struct journal_message *b)
{
    return a->partition == b->partition && a->offset == b->offset && a->append_ms == b->append_ms &&
           bytes_equal(a->payload, b->payload);
}

/* Reads everything that is assigned and compares it with the sample's messages from `from[p]` of
 * each partition p; a partition with -1 is not read. */
static void
expect_messages(struct journal *journal, const int64_t *from, size_t max, const char *what)
{
    struct fault fault;
    struct journal_reader *reader;
    cr_assert(journal->ops->open_reader(journal, &reader, &fault), "%s", fault.text);
    uint32_t partition_count = journal->ops->partition_count(journal);
    for (uint32_t p = partition_count; p-- > 0;) {
        if (from[p] < 0) continue;
        cr_assert(reader->ops->assign(reader, p, from[p], &fault), "%s: %s", what, fault.text);
    }
    struct journal_message messages[64];
    size_t next = 0;
    for (;;) {
        size_t count;
        cr_assert(reader->ops->read(reader, 0, messages, max, &count, &fault), "%s: %s", what,
                  fault.text);
        if (count == 0) break;
        cr_assert_leq(count, max);
        for (size_t i = 0; i < count; i++, next++) {
            while (next < sample.count &&
                   (from[sample.messages[next].partition] < 0 ||
                    sample.messages[next].offset < from[sample.messages[next].partition]))
                next++;
            cr_assert_lt(next, sample.count, "%s: more than was written", what);
            cr_assert(same_message(&messages[i], &sample.messages[next]), "%s: message %zu", what,
                      next);
        }
    }
    for (; next < sample.count; next++) {
        const struct journal_message *left = &sample.messages[next];
        cr_assert(from[left->partition] < 0 || left->offset < from[left->partition],
                  "%s: message %zu is missing", what, next);
    }
    reader->ops->close(reader);
}

Test(journal_file, returns_what_was_written)
{
    struct property property = property_start();
    sample_write_small(&property);
    struct fault fault;
    struct journal *journal;
    cr_assert(journal_file_open(path, &journal, &fault), "%s", fault.text);
    cr_expect_eq(journal->ops->partition_count(journal), 3);

    static const struct {
        const char *what;
        uint32_t partition;
        int64_t first, end;
    } bounds[] = {
        {"begins behind 0", 0, 7, 8},
        {"has holes", 1, 0, JOURNAL_FILE_OFFSET_MAX + 1},
        {"is empty", 2, 0, 0},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        int64_t first, end;
        cr_assert(journal->ops->bounds(journal, bounds[i].partition, &first, &end, &fault));
        cr_expect_eq(first, bounds[i].first, "%s", bounds[i].what);
        cr_expect_eq(end, bounds[i].end, "%s", bounds[i].what);
    }

    static const struct {
        const char *what;
        int64_t from[3];
    } reads[] = {
        {"all of it", {7, 0, 0}},
        {"one partition", {-1, 0, -1}},
        {"from within a hole", {-1, 1, -1}},
        {"from the last record", {-1, JOURNAL_FILE_OFFSET_MAX, -1}},
        {"nothing but ends", {8, JOURNAL_FILE_OFFSET_MAX + 1, 0}},
        {"no partition", {-1, -1, -1}},
    };
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        expect_messages(journal, reads[i].from, 64, reads[i].what);
        expect_messages(journal, reads[i].from, 1, reads[i].what);
    }
    journal->ops->close(journal);
}

Test(journal_file, returns_any_journal_from_any_offset)
{
    struct property property = property_start();
    sample.count = 0;
    sample.used = 0;
    int64_t next[5] = {0};
    /* More than a window, entries as large as they come among small ones. */
    for (size_t i = 0; i < 2000; i++) {
        uint32_t partition = (uint32_t)property_below(&property, 5);
        next[partition] += (int64_t)property_below(&property, 2);
        size_t size = i % 500 == 250 ? RECORD_BYTES_MAX : property_below(&property, 4000);
        if (sample.used + size > sizeof sample.payloads) size = 0;
        sample_add(partition, next[partition]++, (int64_t)i, size, &property);
    }
    sample_write(5);
    struct fault fault;
    struct journal *journal;
    cr_assert(journal_file_open(path, &journal, &fault), "%s", fault.text);
    for (int round = 0; round < 30; round++) {
        int64_t from[5];
        for (uint32_t p = 0; p < 5; p++) {
            int64_t first, end;
            cr_assert(journal->ops->bounds(journal, p, &first, &end, &fault));
            cr_assert_eq(end, next[p]);
            from[p] = property_below(&property, 3) == 0
                          ? -1
                          : first + (int64_t)property_below(&property, (uint64_t)(end - first + 1));
        }
        char what[80];
        snprintf(what, sizeof what, "round %d of seed %lu", round, property.seed);
        expect_messages(journal, from, 1 + property_below(&property, 64), what);
    }
    journal->ops->close(journal);
}

Test(journal_file, goes_back_when_assigned_again_and_stops_when_revoked)
{
    struct property property = property_start();
    sample_write_small(&property);
    struct fault fault;
    struct journal *journal;
    struct journal_reader *reader;
    cr_assert(journal_file_open(path, &journal, &fault), "%s", fault.text);
    cr_assert(journal->ops->open_reader(journal, &reader, &fault));
    struct journal_message messages[8];
    size_t count;
    cr_assert(reader->ops->assign(reader, 1, 0, &fault));
    cr_assert(reader->ops->read(reader, 0, messages, 8, &count, &fault));
    cr_assert_eq(count, 3);
    cr_assert(reader->ops->assign(reader, 1, 3, &fault));
    cr_assert(reader->ops->read(reader, 0, messages, 1, &count, &fault));
    cr_assert_eq(count, 1);
    cr_expect_eq(messages[0].offset, 3);
    reader->ops->revoke(reader, 1);
    cr_assert(reader->ops->read(reader, 0, messages, 8, &count, &fault));
    cr_expect_eq(count, 0);
    cr_expect_not(reader->ops->assign(reader, 0, 6, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_not(reader->ops->assign(reader, 0, 9, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA);
    reader->ops->close(reader);
    journal->ops->close(journal);
}

Test(journal_file, refuses_appends)
{
    struct property property = property_start();
    sample_write_small(&property);
    struct fault fault;
    struct journal *journal;
    struct journal_appender *appender;
    char health[32] = "something";
    cr_assert(journal_file_open(path, &journal, &fault), "%s", fault.text);
    cr_expect_not(journal->ops->open_appender(journal, &appender, &fault));
    cr_expect_eq(fault.kind, FAULT_NOT_ALLOWED);
    journal->ops->health(journal, health, sizeof health);
    cr_expect_str_empty(health);
    journal->ops->close(journal);
}

/* ---- Damage ---- */

struct content {
    uint8_t data[1024];
    size_t size;
};

static struct content
load(void)
{
    struct content content;
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, content.data, sizeof content.data);
    cr_assert(size > 0 && (size_t)size < sizeof content.data);
    close(fd);
    content.size = (size_t)size;
    return content;
}

static void
store(const struct content *content)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    cr_assert_eq(write(fd, content->data, content->size), (ssize_t)content->size);
    close(fd);
}

/* Opens and reads everything; false when either is refused. */
static bool
read_all(struct fault *out_fault)
{
    struct journal *journal;
    if (!journal_file_open(path, &journal, out_fault)) return false;
    struct journal_reader *reader;
    cr_assert(journal->ops->open_reader(journal, &reader, out_fault));
    bool good = true;
    for (uint32_t p = 0; p < journal->ops->partition_count(journal); p++) {
        int64_t first, end;
        cr_assert(journal->ops->bounds(journal, p, &first, &end, out_fault));
        cr_assert(reader->ops->assign(reader, p, first, out_fault));
    }
    struct journal_message messages[8];
    size_t count = 1;
    while (good && count > 0)
        good = reader->ops->read(reader, 0, messages, 8, &count, out_fault);
    reader->ops->close(reader);
    journal->ops->close(journal);
    return good;
}

Test(journal_file, notices_every_flipped_bit_and_names_the_entry)
{
    struct property property = property_start();
    sample_write_small(&property);
    const struct content whole = load();
    /* Where the header, the four entries and the trailer begin. */
    const size_t begins[] = {0, 24, 24 + 52, 24 + 89, 24 + 121, 24 + 186};
    cr_assert_eq(whole.size, begins[5] + sizeof(struct journal_file_trailer));
    struct fault fault;
    for (size_t at = 0; at < whole.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct content flipped = whole;
            flipped.data[at] ^= (uint8_t)(1u << bit);
            store(&flipped);
            cr_assert_not(read_all(&fault), "bit %u of byte %zu", bit, at);
            cr_assert_eq(fault.kind, FAULT_DATA, "bit %u of byte %zu: %s", bit, at, fault.text);
            cr_assert(strstr(fault.text, path) == fault.text, "%s", fault.text);
            if (at < JOURNAL_FILE_MAGIC.size) continue; /* no packed file at all */
            size_t part = 5;
            while (begins[part] > at)
                part--;
            /* A flip of a size makes an entry end elsewhere: then the file may seem cut. */
            bool in_size = part != 0 && at >= begins[part] + 8 && at < begins[part] + 12;
            char place[48];
            snprintf(place, sizeof place, ": byte %zu: ", begins[part]);
            cr_assert(strstr(fault.text, place) != NULL || in_size, "bit %u of byte %zu: %s", bit,
                      at, fault.text);
        }
    }
}

Test(journal_file, tells_a_cut_file_from_a_whole_one)
{
    struct property property = property_start();
    sample_write_small(&property);
    const struct content whole = load();
    struct fault fault;
    for (size_t size = 0; size < whole.size; size++) {
        struct content cut = whole;
        cut.size = size;
        store(&cut);
        char place[48];
        snprintf(place, sizeof place, "ends at byte %zu,", size);
        cr_assert_not(read_all(&fault), "cut to %zu bytes", size);
        cr_assert_eq(fault.kind, FAULT_DATA);
        cr_assert_not_null(strstr(fault.text, place), "%s", fault.text);
    }
    store(&whole);
    cr_assert(read_all(&fault), "%s", fault.text);
}

Test(journal_file, notices_entries_that_moved)
{
    struct property property = property_start();
    sample_write_small(&property);
    const struct content whole = load();
    static const struct {
        const char *what;
        size_t from, size, to; /* the part [from, from + size) is put at `to`; to 0: taken out */
    } rows[] = {
        {"an entry is missing", 24 + 52, 37, 0},
        {"two entries are exchanged", 24, 52, 24 + 37},
        {"the last entry is missing", 24 + 121, 65, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct content moved = {.size = whole.size - rows[i].size};
        memcpy(moved.data, whole.data, rows[i].from);
        memcpy(moved.data + rows[i].from, whole.data + rows[i].from + rows[i].size,
               whole.size - rows[i].from - rows[i].size);
        if (rows[i].to != 0) {
            memmove(moved.data + rows[i].to + rows[i].size, moved.data + rows[i].to,
                    moved.size - rows[i].to);
            memcpy(moved.data + rows[i].to, whole.data + rows[i].from, rows[i].size);
            moved.size = whole.size;
        }
        store(&moved);
        struct fault fault;
        cr_assert_not(read_all(&fault), "%s", rows[i].what);
        cr_expect_eq(fault.kind, FAULT_DATA, "%s: %s", rows[i].what, fault.text);
    }
    struct content longer = whole;
    longer.data[longer.size++] = 0;
    store(&longer);
    struct fault fault;
    cr_expect_not(read_all(&fault));
    cr_expect_not_null(strstr(fault.text, "behind the trailer"), "%s", fault.text);
}

Test(journal_file, notices_a_change_after_it_was_opened)
{
    struct property property = property_start();
    sample_write_small(&property);
    struct fault fault;
    struct journal *journal;
    struct journal_reader *reader;
    cr_assert(journal_file_open(path, &journal, &fault), "%s", fault.text);
    cr_assert(journal->ops->open_reader(journal, &reader, &fault));
    cr_assert(reader->ops->assign(reader, 1, 0, &fault));
    struct journal_message message;
    size_t count;
    cr_assert_eq(truncate(path, 60), 0);
    cr_expect_not(reader->ops->read(reader, 0, &message, 1, &count, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_not_null(strstr(fault.text, "ends at byte 60"), "%s", fault.text);
    reader->ops->close(reader);
    journal->ops->close(journal);
}

/* ---- Files that cannot be ---- */

Test(journal_file, says_why_a_file_cannot_be)
{
    struct fault fault;
    struct journal *journal;
    struct journal_file_writer *writer;
    cr_expect_not(journal_file_open(path, &journal, &fault));
    cr_expect_eq(fault.kind, FAULT_NO_INPUT, "%s", fault.text);

    char nowhere[128];
    snprintf(nowhere, sizeof nowhere, "%s/none/journal.tbj", folder);
    cr_expect_not(journal_file_create(nowhere, 1, &writer, &fault));
    cr_expect_eq(fault.kind, FAULT_CANNOT_CREATE, "%s", fault.text);

    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    cr_assert_eq(write(fd, "order,sku,quantity,price,who\n", 29), 29);
    close(fd);
    cr_expect_not(journal_file_open(path, &journal, &fault));
    cr_expect_eq(fault.kind, FAULT_DATA);
    cr_expect_not_null(strstr(fault.text, "is no packed journal file"), "%s", fault.text);
}

Test(journal_file, leaves_nothing_when_abandoned)
{
    struct fault fault;
    struct journal_file_writer *writer;
    cr_assert(journal_file_create(path, 1, &writer, &fault), "%s", fault.text);
    journal_file_abandon(writer);
    journal_file_abandon(NULL);
    cr_expect_eq(access(path, F_OK), -1);
}

Test(journal_file, says_that_the_disk_is_full)
{
    struct property property = property_start();
    sample.count = 0;
    sample.used = 0;
    for (int i = 0; i < 4; i++)
        sample_add(0, i, 0, RECORD_BYTES_MAX, &property);
    /* A device that is always full, under the name that the writer gives its unfinished file. */
    char part[112];
    snprintf(part, sizeof part, "%s.tmp", path);
    cr_assert_eq(symlink("/dev/full", part), 0);
    struct fault fault;
    struct journal_file_writer *writer;
    cr_assert(journal_file_create(path, 1, &writer, &fault), "%s", fault.text);
    bool added = true;
    for (size_t i = 0; i < sample.count && added; i++)
        added = journal_file_add(writer, &sample.messages[i], &fault);
    cr_assert_not(added);
    cr_expect_eq(fault.kind, FAULT_IO);
    cr_expect_not_null(strstr(fault.text, strerror(ENOSPC)), "%s", fault.text);
    cr_expect_not(journal_file_finish(writer, &fault));
    cr_expect_eq(fault.kind, FAULT_IO);
}

Test(journal_file, goes_through_a_pipe)
{
    struct property property = property_start();
    struct fault fault;
    struct journal *journal;
    struct journal_file_writer *writer;
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    int output = dup(STDOUT_FILENO);
    cr_assert_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    close(ends[1]);
    sample.count = 0;
    sample.used = 0;
    sample_add(0, 0, 1, 1000, &property);
    cr_assert(journal_file_create("-", 1, &writer, &fault), "%s", fault.text);
    cr_assert(journal_file_add(writer, &sample.messages[0], &fault), "%s", fault.text);
    cr_assert(journal_file_finish(writer, &fault), "%s", fault.text);
    cr_assert_eq(dup2(output, STDOUT_FILENO), STDOUT_FILENO); /* the pipe's last writing end goes */
    close(output);

    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    cr_assert(journal_file_open("-", &journal, &fault), "%s", fault.text);
    expect_messages(journal, (int64_t[]){0}, 64, "piped");
    journal->ops->close(journal);
}
