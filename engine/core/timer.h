/*
 * When somebody has something due. A hint (instant, kind, member) only says where to look: the
 * truth is the member's row, and a hint that it no longer bears out is passed over.
 *
 * Each member has at most one hint that counts (member.h, scheduled_ms). Hints of the near future,
 * below the horizon, stand in a heap; all others only in rows by hour, or, until a checkpoint wrote
 * them, in buckets by hour.
 *
 * Invariants:
 *  1. Every hint below the horizon that was not taken yet is in the heap.
 *  2. Every hint that was not taken yet is in a bucket or in a row of an hour from `low_hour()` on.
 */
#ifndef TALLYBOOK_ENGINE_CORE_TIMER_H
#define TALLYBOOK_ENGINE_CORE_TIMER_H

#include "engine/core/fold.h"
#include "engine/core/memo.h"
#include "engine/core/row.h"

/* Kinds of due work, semantics §2, in their order. Persisted codes. */
enum due_kind {
    DUE_TIMEOUT = 1,    /* holds, crossings and deadlines time out */
    DUE_EXPIRY = 2,     /* lots expire, inactivity and grace ends included */
    DUE_ACTIVATION = 3, /* lots activate */
    DUE_ROLL = 4,       /* streaks, missions and dates of the member */
    DUE_REVIEW = 5,     /* tier reviews and override ends */
    DUE_GIVE_UP = 6,    /* waiting refunds */
    DUE_NOTICE = 7,
};

struct hint {
    int64_t ms;
    uint64_t kind_and_member; /* kind << 40 | member number: in the order of due work */
};

static inline uint64_t
hint_member(const struct hint *hint)
{
    return hint->kind_and_member & ((UINT64_C(1) << 40) - 1);
}

static inline enum due_kind
hint_kind(const struct hint *hint)
{
    return (enum due_kind)(hint->kind_and_member >> 40);
}

static inline struct hint
hint_of(int64_t ms, enum due_kind kind, uint64_t member)
{
    return (struct hint){ms, (uint64_t)kind << 40 | member};
}

struct hour_bucket {
    uint32_t hour, count, capacity;
    struct hint *hints;
};

struct hour_buckets {
    struct hour_bucket
        *items; /* by rising hour; a full bucket is followed by another of its hour */
    size_t count, capacity;
};

/* A row of the store that lies below the horizon and has to be deleted when its hour is over. */
struct timer_row {
    uint32_t hour, part;
    uint64_t checkpoint;
};

struct timers {
    struct memo *memo;
    struct hint **heap_pages; /* pages of TIMER_PAGE_HINTS */
    size_t heap_count, heap_page_count, heap_page_capacity;
    uint32_t horizon_hour; /* hints of hours below it are in the heap */
    uint32_t end_hour;     /* no row of the store is of this hour or a later one */
    uint64_t checkpoints;  /* begun so far: part of the keys of rows */
    struct hour_buckets fresh, frozen;
    struct timer_row *rows; /* sorted */
    size_t row_count, row_capacity;
    uint32_t frozen_low_hour;
};

void timers_open(struct timers *timers, struct memo *memo);
void timers_close(struct timers *timers);

/* After META was read: what was taken is below `low_hour`. */
void timers_restored(struct timers *timers, uint32_t low_hour, uint32_t end_hour,
                     uint64_t checkpoints);

void timers_add(struct timers *timers, int64_t ms, enum due_kind kind, uint64_t member);

/* True when the heap holds all that is due by clock_ms; otherwise the range of rows to load is
 * added to `needs`, or the horizon moves at once because the store has no rows there. */
bool timers_reach(struct timers *timers, int64_t clock_ms, struct needs *needs);
bool timers_load(struct timers *timers, struct row row, struct fault *out_fault);

/* All rows of the asked range up to this hour are loaded. */
void timers_loaded(struct timers *timers, uint32_t last_hour);

/* The earliest hint; false when the heap is empty. */
bool timers_first(const struct timers *timers, struct hint *out_hint);
void timers_pop(struct timers *timers);

/* The i-th hint in the heap's own order: the first few are among the earliest. */
const struct hint *timers_peek(const struct timers *timers, size_t i);

/* How many hints are due by clock_ms, at most `max`. */
uint64_t timers_due(const struct timers *timers, int64_t clock_ms, uint64_t max);

/* When something may be due at the earliest: INT64_MAX when there are no hints at all. */
int64_t timers_next_ms(const struct timers *timers);

/* Where hints may still be: invariant 2. */
uint32_t timers_low_hour(const struct timers *timers);

void timers_checkpoint_begin(struct timers *timers);
bool timers_next(const struct timers *timers, uint64_t *cursor, struct row_key *out_key,
                 struct writer *writer, bool *out_delete);
void timers_checkpoint_end(struct timers *timers);

#endif
