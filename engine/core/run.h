/*
 * Runs of consecutive calendar buckets in which something happened: check-ins of a streak, periods
 * of a mission (semantics §4). A run is one fact, slot · first bucket · form, whose `a` is its last
 * bucket, so that years of daily check-ins take one place.
 */
#ifndef TALLYBOOK_ENGINE_CORE_RUN_H
#define TALLYBOOK_ENGINE_CORE_RUN_H

#include "engine/core/fact.h"

/* Where runs stand: which fact, whose, and a number that tells apart what has nothing to do with
 * each other: buckets of different units, missions of different meaning. */
struct run_place {
    enum fact_kind kind;
    uint32_t slot;
    uint32_t form;
};

/* What a bucket would join: buckets of the run that ends just before it, and of the one that begins
 * just after it. */
struct run_join {
    bool there; /* it is in a run already, and the rest is 0 */
    int64_t before, after;
};

struct run_join run_look(const struct member *member, struct run_place place, int64_t bucket);

/* Puts a bucket in, which is not there. */
void run_add(struct members *members, struct member **member, struct run_place place,
             int64_t bucket);

/* Takes a bucket out, which is there: its run ends before it, and goes on after it. */
void run_remove(struct members *members, struct member **member, struct run_place place,
                int64_t bucket);

/* How often `target` buckets in a row are in the runs: each run counts for itself. */
int64_t run_repeats(const struct member *member, struct run_place place, int64_t target);

/* Forgets the runs that end before a bucket, of which no event can be reached any more; returns how
 * often they had `target` buckets in a row. */
int64_t run_forget(struct members *members, struct member **member, struct run_place place,
                   int64_t bucket, int64_t target);

#endif
