/* What award.c, streak.c and mission.c share: an event's awards between planning and booking. */
#ifndef TALLYBOOK_ENGINE_CORE_AWARD_PRIV_H
#define TALLYBOOK_ENGINE_CORE_AWARD_PRIV_H

#include "engine/core/award.h"
#include "engine/core/fact.h"
#include "engine/core/run.h"
#include "engine/core/scope.h"

/* What is to be noted when the event is booked. */
enum award_note_kind {
    NOTE_PAID,       /* award `index` once in the bucket that begins at `key` */
    NOTE_CHECKED_IN, /* streak `index` in bucket `key` */
    NOTE_PROGRESS,   /* mission `index`: `change` in the window that begins at `key` */
    NOTE_PERIOD,     /* mission `index`: an event in period `key` */
    NOTE_COMPLETED,  /* mission `index`, in the window that begins at `key`, the `change`-th time */
};

struct award_note {
    enum award_note_kind kind;
    uint32_t index;
    int64_t key, change;
};

/* One event may complete so many repetitions of missions, each with two notices; what would
 * complete more is an overflow. */
enum { AWARD_COMPLETIONS_MAX = 4096 };

/* Every award, streak and mission of a rulebook notes one thing at most, and a completed mission
 * one more for each repetition. */
enum { AWARD_NOTES_MAX = PROGRAM_RULES_MAX + AWARD_COMPLETIONS_MAX };

struct awards {
    struct apply *apply;
    struct grant_plan *grants;
    struct rulebook *rulebook;
    struct instant at;
    struct condition_facts facts;
    struct scope_place place;
    struct bytes activity;           /* name of its kind; empty: none */
    const struct purchase *purchase; /* NULL: none */
    struct order_money money;        /* of the purchase */
    uint32_t completions;
    bool overflow;
    struct award_note *notes; /* room for AWARD_NOTES_MAX */
    uint32_t note_count;
    uint16_t *missions; /* that count the purchase; room for all of them */
    uint32_t mission_count;
};

/* A place for a note. */
void award_note(struct awards *awards, struct award_note note);

/* The first instant of the bucket that `per` counts in; 0 for a lifetime. */
int64_t award_bucket(const struct rulebook *rulebook, enum per per, struct instant at);

/* Forgets facts of a slot, whose key and index are a bucket's start and `per`, of buckets that no
 * event reaches any more. */
void award_forget_buckets(struct apply *apply, const struct rulebook *rulebook, enum fact_kind kind,
                          uint32_t slot);

void streak_plan(struct awards *awards);
void streak_book(struct apply *apply, struct rulebook *rulebook, const struct award_note *note);

/* Missions of purchases, or of the activity. */
void mission_plan(struct awards *awards);
void mission_book(struct apply *apply, struct rulebook *rulebook, struct instant at,
                  const struct award_note *note);

#endif
