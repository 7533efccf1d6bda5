/*
 * Reference rows: what later events may name, keyed by the ordinal of their event and found by
 * (kind, member, id) through a locator. Their content is order.c's; here they are bytes.
 *
 * Rows of events that no checkpoint has stored stand in a window by ordinal; older ones are loaded
 * on need and kept in a table until evicted.
 */
#ifndef TALLYBOOK_ENGINE_CORE_REFERENCE_H
#define TALLYBOOK_ENGINE_CORE_REFERENCE_H

#include "engine/base/locator.h"
#include "engine/core/fold.h"
#include "engine/core/memo.h"
#include "engine/core/row.h"
#include "engine/core/table.h"
#include "engine/core/window.h"

/* Persisted codes: second byte of a reference row. An event leaves at most one row, under its own
 * ordinal, by which a fact of the member may name it. */
enum reference_kind {
    REFERENCE_ORDER = 1,
    REFERENCE_SPEND = 2,
    REFERENCE_REFUND = 3, /* that names no order */
    REFERENCE_HOLD = 4,
    REFERENCE_ACTIVITY = 5, /* the reference of an activity: a review, a share */
    REFERENCE_WAITING = 6,  /* a refund or a delivery before its order, by event id: FACT_WAITING */
    REFERENCE_PARKED = 7,   /* an event of somebody not enrolled, by event id: FACT_PARKED */
    REFERENCE_AWAITING = 8, /* an adjustment that awaits approval, by event id */
    REFERENCE_QUARANTINE = 9, /* a grant in quarantine, by event id */
};

struct reference {
    struct table_node node; /* key: ordinal */
    uint32_t generation, size;
    uint8_t content[];
};

struct references {
    struct memo *memo;
    struct locator locator;
    struct window fresh; /* struct reference *, by ordinal from `stored` */
    struct table loaded; /* of ordinals below `stored` */
    uint64_t count;
    uint64_t stored, frozen;
    struct table_node *dirty, *frozen_dirty; /* loaded ones that were changed */
};

bool references_open(struct references *references, struct memo *memo, uint64_t expected,
                     struct fault *out_fault);
void references_close(struct references *references);

/* Ids are at most this long: source and id of an event, with a byte between them. */
enum { REFERENCE_ID_BYTES_MAX = 2 * EVENT_ID_BYTES_MAX + 1 };

/* The hash under which the locator knows a reference: 56 bits, the low byte zero, never 0. */
uint64_t reference_hash(const struct memo *memo, enum reference_kind kind, struct bytes member,
                        struct bytes id);

/* The row of an ordinal that the locator gave; NULL when it is cold. */
struct reference *references_get(const struct references *references, uint64_t ordinal);
void references_need(uint64_t ordinal, struct needs *needs);

/* A new row, of an event whose ordinal is `ordinal`. Of an event that was parked and is judged now
 * there is one, under that hash: it becomes this. */
void references_add(struct references *references, uint64_t ordinal, uint64_t hash,
                    struct bytes content);

/* New content for a row that is in memory. */
void references_change(struct references *references, uint64_t ordinal, struct bytes content);

bool references_load(struct references *references, struct row row, struct fault *out_fault);

/* Before reading a checkpoint, with the ordinal up to which events belong to it; and after it. */
void references_checkpoint_begin(struct references *references, uint64_t next_ordinal);
bool references_next(const struct references *references, uint64_t *cursor, struct row_key *out_key,
                     struct writer *writer);
void references_checkpoint_end(struct references *references);
size_t references_evict(struct references *references, size_t bytes);

bool reference_row_share(uint64_t seed, struct row row, struct hash128 *out_share,
                         struct fault *out_fault);

#endif
