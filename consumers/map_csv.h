/*
 * Rows of a CSV file to events, as a map says (consumers/map.h), with every row accounted for.
 *
 * Rows with the same group make one event. Its place among the events is its first row's, its time
 * that of its first row that has one; a line's id is the row's place in the group, refused rows
 * counted too. A group is closed when `group_within` rows of others stand behind its last row: what
 * comes later under the same name is a group of its own, and the ledger answers its event by name
 * (conflicting_duplicate).
 *
 * Invariants:
 * 1. Each row of the file is in exactly one event, or refused exactly once with a reason. Events
 * with all their rows and refusals together are the file: rows = accepted + refused, and value =
 * accepted + refused, exactly.
 * 2. A row's value is quantity × unit price in units of 10^-MAP_VALUE_DIGITS, as the file writes
 * it, sign included: an account of the file, not of the ledger. A row whose figures cannot be read
 * has none, and the totals say how many have none.
 * 3. Nothing is rounded: an amount that is no whole number of minor units is refused
 * (too_many_digits).
 * 4. An event keeps the invariants of engine/core/event.h but has no content_hash and no wire: the
 * codec gives it both.
 * 5. A group whose rows are all refused makes no event.
 *
 * @thread one at a time
 */
#ifndef TALLYBOOK_CONSUMERS_MAP_CSV_H
#define TALLYBOOK_CONSUMERS_MAP_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumers/map.h"
#include "engine/base/arena.h"
#include "engine/base/decimal.h"
#include "engine/base/fault.h"
#include "engine/core/event.h"

enum {
    /* The most that a currency has, so that each amount that can be told has a value. */
    MAP_PRICE_DIGITS = 4,
    MAP_VALUE_DIGITS = MAP_PRICE_DIGITS + 3,
    MAP_VALUE_TEXT_MAX = DECIMAL_TEXT_MAX,
};

struct map_value {
    int64_t units; /* of 10^-MAP_VALUE_DIGITS */
};

/* A row that is in no event. Texts are valid during the call only. */
struct map_refusal {
    uint64_t line;       /* of the file, the header's being 1 */
    struct bytes group;  /* "536365" */
    struct bytes reason; /* of the map's own, or of map_reason.def */
    bool has_value;
    struct map_value value;
};

typedef void map_refused(void *context, const struct map_refusal *refusal);

/* The rows of one event, in order. */
struct map_rows {
    const uint64_t *lines;
    size_t count;
    struct map_value value; /* of all of them */
};

struct map_totals {
    uint64_t rows, accepted, refused, without_value; /* the last are among the refused */
    struct map_value accepted_value, refused_value;
    uint64_t events;
};

enum map_step {
    MAP_STEP_EVENT,      /* *out_event and *out_rows are filled */
    MAP_STEP_ARENA_FULL, /* nothing is lost: call again with more room; MAP_EVENT_BYTES_MAX always
                       suffice */
    MAP_STEP_END,
    MAP_STEP_FAILED, /* *out_fault says why */
};

/* 2,000 lines, each with three texts of 128 bytes, and the ids. */
enum {
    MAP_EVENT_BYTES_MAX =
        EVENT_LINES_MAX * (sizeof(struct event_line) + 4 * EVENT_ID_BYTES_MAX) + 64 * 1024
};

struct map_csv;

/** Begins to read an open file or pipe, which stays the caller's, as the map does. `name` is how
 * messages call it. The map must outlive it; `refused` is called from map_csv_next, once for each
 * refused row. FAULT_DATA: the header lacks a column. */
bool map_csv_open(const struct map *map, int file, const char *name, map_refused *refused,
                  void *context, struct map_csv **out_reader, struct fault *out_fault);

/** Reads on to the next event. Everything it points to lives in the arena, but for its source,
 * which the map holds. Faults are those of csv_read, and of memory. */
enum map_step map_csv_next(struct map_csv *reader, struct arena *arena, struct event *out_event,
                           struct map_rows *out_rows, struct fault *out_fault);

/** What was read so far: complete at MAP_STEP_END. */
struct map_totals map_csv_totals(const struct map_csv *reader);

/** Bytes of the file read so far, for progress. */
uint64_t map_csv_bytes_read(const struct map_csv *reader);

void map_csv_close(struct map_csv *reader);

/** "-11062.060": with three decimals, or as many as it needs. Returns the length. */
size_t map_value_format(struct map_value value, char out_text[MAP_VALUE_TEXT_MAX]);

/** A reason of map_reason.def in a sentence; NULL for one of a map's own. */
const char *map_reason_meaning(struct bytes reason);

#endif
