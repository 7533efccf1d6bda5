/*
 * tally-bench-journal FILE FOLDER: how fast a packed journal file is read, and an embedded journal
 * appended to (durably) and read. Makes and leaves FOLDER, which must not be there yet.
 */
#include <stdio.h>

#include "bench/harness.h"
#include "consumers/journal_disk.h"
#include "consumers/journal_file.h"
#include "engine/base/clock.h"

static bool
measure_file(const char *path, const struct record_list *list, struct fault *out_fault)
{
    uint64_t records, bytes;
    int64_t begin_ns = clock_monotonic_ns();
    struct journal *journal;
    if (!journal_file_open(path, &journal, out_fault)) return false;
    bool done = journal_read_all(journal, &records, &bytes, out_fault);
    journal->ops->close(journal);
    if (!done) return false;
    CHECK(records == list->count && bytes == list->payload_bytes);
    print_figure("read packed file", list->entry_count, bytes, clock_monotonic_ns() - begin_ns);
    return true;
}

static bool
measure_disk(const char *path, const struct record_list *list, struct fault *out_fault)
{
    struct journal *journal;
    uint64_t records, bytes;
    if (!journal_disk_create(path, list->partition_count, out_fault)) return false;
    struct journal_disk_options options = {0};
    if (!journal_disk_open(path, &options, &journal, out_fault)) return false;
    int64_t begin_ns = clock_monotonic_ns();
    bool done = record_list_append(list, journal, out_fault);
    int64_t appended_ns = clock_monotonic_ns();
    done = done && journal_read_all(journal, &records, &bytes, out_fault);
    int64_t read_ns = clock_monotonic_ns();
    journal->ops->close(journal);
    if (!done) return false;
    CHECK(records == list->count && bytes == list->payload_bytes);
    print_figure("append to embedded journal", list->entry_count, bytes, appended_ns - begin_ns);
    print_figure("read embedded journal", list->entry_count, bytes, read_ns - appended_ns);
    return true;
}

int
main(int count, char **arguments)
{
    struct fault fault;
    struct record_list list;
    if (count != 3) {
        fprintf(stderr, "Usage: tally-bench-journal FILE FOLDER\n");
        return FAULT_USAGE;
    }
    if (!record_list_load(arguments[1], &list, &fault))
        return report_fault("tally-bench-journal", &fault);
    bool done =
        measure_file(arguments[1], &list, &fault) && measure_disk(arguments[2], &list, &fault);
    record_list_free(&list);
    return done ? 0 : report_fault("tally-bench-journal", &fault);
}
