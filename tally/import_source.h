/* What an import reads: a shop's CSV through a map, or canonical events as JSON, one a line. */
#ifndef TALLYBOOK_TALLY_IMPORT_SOURCE_H
#define TALLYBOOK_TALLY_IMPORT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/fault.h"
#include "engine/core/event.h"
#include "tally/import_account.h"

struct import_source;

struct import_event {
    struct bytes source, id, member;
    struct instant occurred_at;
    struct bytes wire;
    const uint64_t *lines; /* of the input */
    size_t line_count;
    int64_t value; /* of its rows, as import_sum */
};

/* `path` "-": standard input. `map`: a map file, or NULL for JSON lines. Mistakes of the map go to
 * `messages`. Rows that become no event are refused in `account`. FAULT_NO_INPUT, FAULT_CONFIG (the
 * map), FAULT_DATA (the header). */
bool import_source_open(const char *path, const char *map, struct import_account *account,
                        FILE *messages, struct import_source **out_source, struct fault *out_fault);

/* The next event; *out_end at the end of the input. Spans are valid until the next call. FAULT_DATA
 * names the line. */
bool import_source_next(struct import_source *source, struct import_event *out_event, bool *out_end,
                        struct fault *out_fault);

uint64_t import_source_rows(const struct import_source *source); /* read so far */

void import_source_close(struct import_source *source);

#endif
