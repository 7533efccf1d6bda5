/*
 * Postings: the only way in which points move (semantics §3, §12). Each changes the member's
 * wallet, the programme's totals and the outputs together, so that they cannot disagree.
 */
#ifndef TALLYBOOK_ENGINE_CORE_POSTING_H
#define TALLYBOOK_ENGINE_CORE_POSTING_H

#include "engine/core/order.h"
#include "engine/core/output.h"

/* Moves units (0: a memo, of two accounts that may be the same) of a currency slot between two
 * accounts of apply->member and the programme. `lot` is the lot it took from or made; NULL when it
 * names none. The caller has seen that nothing leaves 63 bits, and changes the lot itself. */
void posting_move(struct apply *apply, enum posting_kind kind, enum account from, enum account to,
                  uint32_t slot, int64_t units, const struct lot *lot, int64_t effective_ms);

/* The same, and keeps the lot's remaining, held and expired in step. The lot, which may be a copy,
 * stays where it is even when nothing is left of it: posting_settle. */
void posting_move_lot(struct apply *apply, enum posting_kind kind, enum account from,
                      enum account to, struct lot *lot, int64_t units, int64_t effective_ms);

/* Takes an open lot out of the member's row when nothing of it remains or is held; what expired of
 * it gets a row of its own (closed.h). `lot` points into the row and is not valid afterwards. */
void posting_settle(struct apply *apply, struct lot *lot);

/* The same for the first `count` lots of a slot, after several were moved. */
void posting_sweep(struct apply *apply, uint32_t slot, uint32_t count);

/* Whether that many units can move between two accounts without leaving 63 bits. The member's row
 * may not exist yet (NULL). */
bool posting_can_move(const struct state *state, const struct member *member, enum account from,
                      enum account to, uint32_t slot, int64_t units);

/* Whether that many can be issued, be they active or pending. */
bool posting_can_issue(const struct state *state, const struct member *member, uint32_t slot,
                       int64_t units);

/* Whether that many units can be clawed back, whatever of them has to be owed. */
bool posting_can_reverse(const struct state *state, const struct member *member, uint32_t slot,
                         int64_t units);

/* Points taken in spend order (semantics §5). */
struct taking {
    enum posting_kind kind;
    enum account to;
    const uint8_t *slots; /* currencies in order of priority, at par */
    uint32_t slot_count;
    int64_t units;
    int64_t effective_ms;
    int64_t usable_ms; /* lapsing lots whose instant is after this are taken, too (semantics §2);
                          INT64_MAX: none are */
};

/* What a taking finds. */
int64_t posting_available(const struct member *member, const uint8_t *slots, uint32_t slot_count,
                          int64_t usable_ms);

/* Takes up to taking->units, one posting per lot, and settles what is used up. Returns what was
 * taken. When `out_parts` is not NULL it has a place for every lot of the slots, and is told what
 * was taken from each, in order. */
int64_t posting_take(struct apply *apply, const struct taking *taking, struct spend_part *out_parts,
                     uint32_t *out_part_count);

/* The equation of semantics §3, CHECKed for every currency that this apply has touched. */
void posting_check(const struct apply *apply);

#endif
