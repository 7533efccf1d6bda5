/*
 * Due work of one member (semantics §2): what the row says is next, doing it, and the hint that
 * brings the fold back. Order within a member: instant, kind, currency or group by first
 * appearance, then spend order. Each instant ends with one tier evaluation.
 */
#ifndef TALLYBOOK_ENGINE_CORE_DUE_H
#define TALLYBOOK_ENGINE_CORE_DUE_H

#include "engine/core/state_priv.h"

/* What has something due. */
enum due_of { DUE_OF_LOTS, DUE_OF_FACT, DUE_OF_TIER, DUE_OF_RULEBOOK };

struct due {
    int64_t ms;
    enum due_kind kind;
    enum due_of of;
    uint32_t slot;      /* of the currency or the group */
    int64_t expires_ms; /* of a notice */
    struct fact fact;   /* a copy, of DUE_OF_FACT */
    uint32_t turn;      /* of DUE_OF_RULEBOOK */
};

/* The member's next due work, whenever it is; false when there is none. */
bool due_next(const struct state *state, const struct member *member, struct due *out_due);

/* Asks for the rows of references that a member's due work up to `until_ms` has to read and that
 * are cold: facts name them by ordinal. */
void due_rows_needed(const struct state *state, const struct member *member, int64_t until_ms,
                     struct needs *needs);

/* Does up to `max` items of one kind at one instant, beginning with `due`; returns how many. Tiers
 * are evaluated at the instant, but not before `judged`, at which they were evaluated already. */
uint64_t due_do(struct apply *apply, const struct due *due, struct instant judged, uint64_t max);

/* All due work of the member up to the clock, that of a late event included: its instants may lie
 * before `judged`. The member may move. */
void due_run(struct state *state, struct effects *effects, struct position cause,
             struct instant judged, struct member **member);

/* The member now has something due at that instant: sees to it that a hint stands there or earlier.
 */
void due_note(struct apply *apply, int64_t ms, enum due_kind kind);

/* After the hint that counted was taken: puts the next one. */
void due_note_next(struct state *state, struct member *member);

#endif
