/*
 * The packed journal file: a journal, or a part of one, in a single file. `tally export` writes it,
 * `tally import` and `tally replay` read it, and the workload generator produces it.
 *
 * Invariants:
 * 1. A record keeps its partition, offset and append time, so that a fold of the file is a fold of
 * the journal that it was exported from. What the journal is stands in the records themselves:
 * record 0 of each partition.
 * 2. Offsets of a partition rise strictly; they may have holes, as on Kafka.
 * 3. A file without its trailer is a file that was cut, and is refused at open. No entry can be
 * changed, lost, doubled or moved unnoticed.
 * 4. The writer's file has its name only once it is whole and synced.
 */
#ifndef TALLYBOOK_CONSUMERS_JOURNAL_FILE_H
#define TALLYBOOK_CONSUMERS_JOURNAL_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/shard/ports.h"

/** The first bytes of every packed journal file. */
#define JOURNAL_FILE_MAGIC BYTES_LITERAL("TBpacked")

struct journal_file_writer;

/** Begins a file of partition_count partitions. It is written beside its name, with `.tmp` behind
 * it; "-" is standard output. FAULT_CANNOT_CREATE. One thread. */
bool journal_file_create(const char *path, uint32_t partition_count,
                         struct journal_file_writer **out_writer, struct fault *out_fault);

/** Adds a record; the payload is copied. CHECKs that partition, offset (rising) and size
 * (RECORD_BYTES_MAX) are valid. FAULT_IO: the file cannot be finished any more. */
bool journal_file_add(struct journal_file_writer *writer, const struct journal_message *message,
                      struct fault *out_fault);

/** Writes the trailer, syncs and gives the file its name, and frees the writer whatever happens. On
 * a fault nothing is left of the file. */
bool journal_file_finish(struct journal_file_writer *writer, struct fault *out_fault);

/** Removes what was written and frees the writer; NULL is allowed. */
void journal_file_abandon(struct journal_file_writer *writer);

/** Opens a file as a journal that cannot be appended to (FAULT_NOT_ALLOWED). Looks at every entry's
 * header and at the trailer; an entry's content is checked whenever it is read. "-" is standard
 * input, which is copied aside first where it cannot be read twice (a pipe). FAULT_NO_INPUT;
 * FAULT_DATA naming file and byte. Closed by its ops->close, after its readers.
 *
 * A reader delivers in the order of the file over all partitions that are assigned to it. `bounds`
 * of a partition without records are 0 and 0. */
bool journal_file_open(const char *path, struct journal **out_journal, struct fault *out_fault);

#endif
