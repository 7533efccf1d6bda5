/*
 * A seeded stream of journal entries for a lively small programme: two currencies, two tier groups,
 * expiry, notices, two versions of the rulebook, orders of several lines, returns of every kind,
 * spends, repeats, late events, ticks.
 */
#ifndef TALLYBOOK_TESTS_UNIT_FOLD_STREAM_H
#define TALLYBOOK_TESTS_UNIT_FOLD_STREAM_H

#include "engine/core/fold.h"
#include "tests/unit/fold_rig.h"

struct stream_entry {
    int64_t append_ms;
    struct entry entry;
};

struct stream {
    struct stream_entry *entries;
    size_t count;
    struct region texts_region;
    struct arena texts;
};

/* `count` entries after record 0 and the first activation, which are the first two. */
void stream_make(struct stream *stream, uint64_t seed, size_t count);
void stream_free(struct stream *stream);

/* Folds entries [from, to) of the stream. */
void stream_run(const struct stream *stream, struct rig *rig, size_t from, size_t to);

#endif
