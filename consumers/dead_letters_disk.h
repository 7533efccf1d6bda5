/*
 * Dead letters of the embedded mode: what intake could not read, kept byte-identical with where it
 * came from and why, in a log of its own beside the outputs. Each leaves a hole record in the
 * journal, appended only after the letter is durable.
 */
#ifndef TALLYBOOK_CONSUMERS_DEAD_LETTERS_DISK_H
#define TALLYBOOK_CONSUMERS_DEAD_LETTERS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/shard/ports.h"

struct dead_letter {
    struct bytes source; /* topic, or file name */
    int32_t partition;
    int64_t offset;          /* in the source; of a file its line */
    int64_t received_ms;     /* Unix time of the original; 0 = unknown */
    struct bytes reason;     /* the error's code, as in the hole record */
    struct bytes detail;     /* a sentence for people */
    struct bytes key, value; /* the original bytes */
    /* Set when reading: */
    uint64_t number;    /* place in the log of dead letters, from 0 */
    int64_t written_ms; /* when it became durable */
};

/** Appends for one thread. */
struct dead_letters_writer;

bool dead_letters_disk_open_writer(struct outputs *outputs, struct dead_letters_writer **out_writer,
                                   struct fault *out_fault);
void dead_letters_disk_close_writer(struct dead_letters_writer *writer);

/** Copies and queues a letter, waiting for room in the queue when need be. FAULT_IO after a failed
 * write; FAULT_DATA when the letter is larger than half of the outputs' queue (8 MiB unless set):
 * no event is. */
bool dead_letters_disk_append(struct dead_letters_writer *writer, const struct dead_letter *letter,
                              struct fault *out_fault);

/** Returns when every letter appended is durable. */
bool dead_letters_disk_flush(struct dead_letters_writer *writer, struct fault *out_fault);

/** Letters there are. Any thread. */
uint64_t dead_letters_disk_count(const struct outputs *outputs);

struct dead_letters_reader;

/** Reads from letter `number` on. */
bool dead_letters_disk_open_reader(struct outputs *outputs, uint64_t number,
                                   struct dead_letters_reader **out_reader,
                                   struct fault *out_fault);
void dead_letters_disk_close_reader(struct dead_letters_reader *reader);

/** The next letter, waiting up to wait_ms for one; *out_found says whether there was one. Its spans
 * are valid until the next read. */
bool dead_letters_disk_read(struct dead_letters_reader *reader, int wait_ms,
                            struct dead_letter *out_letter, bool *out_found,
                            struct fault *out_fault);

#endif
