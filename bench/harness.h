/*
 * What the measuring programs share: a packed journal in memory, copies from journal to journal,
 * and figures on standard output for the scripts (results.py).
 */
#ifndef TALLYBOOK_BENCH_HARNESS_H
#define TALLYBOOK_BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/fault.h"
#include "engine/base/region.h"
#include "engine/shard/ports.h"

/** Everything of a journal, in one piece of memory. */
struct record_list {
    struct journal_message *items;
    size_t count;
    uint32_t partition_count;
    uint64_t payload_bytes;
    uint64_t entry_count;
    struct region region;
};

/** Loads a packed journal file. */
bool record_list_load(const char *path, struct record_list *out_list, struct fault *out_fault);
void record_list_free(struct record_list *list);

/** Appends every record to a journal of as many partitions and waits until all are durable. */
bool record_list_append(const struct record_list *list, struct journal *journal,
                        struct fault *out_fault);

/** Copies every record of a journal without holes to another and waits until all are durable. */
bool journal_copy(struct journal *from, struct journal *to, uint64_t *out_entries,
                  struct fault *out_fault);

/** Reads all of a journal, and counts. */
bool journal_read_all(struct journal *journal, uint64_t *out_records, uint64_t *out_bytes,
                      struct fault *out_fault);

/** Processor time of this process so far, all threads: what other processes do beside it does not
 * count. */
int64_t processor_ns(void);

/** The same of the calling thread alone. */
int64_t thread_processor_ns(void);

/** Prints one figure: what was done, to how many events or bytes, in how many nanoseconds; fields
 * separated by tabulators. */
void print_figure(const char *name, uint64_t events, uint64_t bytes, int64_t took_ns);

/** Prints how many events got which verdict, a figure each, named "verdict ": a benchmark of
 * refusals would be none. */
void print_verdicts(const uint64_t *counts, size_t size);

/** Prints the fault and returns the exit code. */
int report_fault(const char *program, const struct fault *fault);

#endif
