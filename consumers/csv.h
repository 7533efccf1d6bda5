/*
 * Rows of a CSV file or pipe, as RFC 4180 has them: a header, fields in quotes where they hold
 * separators, quotes ("" for one) or line ends, lines that end with CR LF or LF. A byte order mark
 * is passed over, and so are empty lines.
 *
 * Invariants:
 * 1. Nothing is guessed: a quote inside a bare field, text behind a closing quote, or a row with
 * more or fewer fields than the header is FAULT_DATA with line and field, for whoever reads on
 * would read shifted columns.
 * 2. The last line must have its line end: a file that was cut in its last field looks like any
 * other file but for that.
 * 3. Memory is bounded: a row has at most CSV_ROW_BYTES_MAX bytes, so a quote that is never closed
 * does not swallow the file.
 * 4. Lines are counted as an editor counts them; a row's line is the one it begins in.
 *
 * @thread one at a time
 */
#ifndef TALLYBOOK_CONSUMERS_CSV_H
#define TALLYBOOK_CONSUMERS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"

enum {
    CSV_ROW_BYTES_MAX = 64 * 1024, /* a product text of 16 pages */
    CSV_COLUMNS_MAX = 256,         /* widest export of a shop system that was met: 120 */
};

struct csv;

struct csv_row {
    uint64_t line;
    const struct bytes *fields; /* as many as the header has; valid until the next read */
};

/** Begins to read an open file or pipe, which stays the caller's, and takes its header. `name` is
 * how messages call it. FAULT_DATA: no header, or two columns of one name; FAULT_IO. */
bool csv_open(int file, const char *name, char separator, struct csv **out_csv,
              struct fault *out_fault);

/** The next row; *out_end is true, and *out_row untouched, behind the last. FAULT_DATA (the
 * invariants above), FAULT_IO. */
bool csv_read(struct csv *csv, struct csv_row *out_row, bool *out_end, struct fault *out_fault);

/** The header, and how many columns it has. */
const struct bytes *csv_header(const struct csv *csv, size_t *out_count);

/** Bytes of the rows read so far, for progress. */
uint64_t csv_bytes_read(const struct csv *csv);

void csv_close(struct csv *csv);

#endif
