/*
 * Postings: the only way in which points move (semantics §3, §12). Each changes the member's
 * wallet, the programme's totals and the outputs together, so that they cannot disagree.
 */
#ifndef TALLYBOOK_ENGINE_CORE_POSTING_H
#define TALLYBOOK_ENGINE_CORE_POSTING_H

#include "engine/core/output.h"

/* Moves units (> 0) of a currency slot between two accounts of apply->member and the programme.
 * `lot` is the lot it took from or made; NULL when it names none. The caller has seen that nothing
 * leaves 63 bits, and changes the lot itself. */
void posting_move(struct apply *apply, enum posting_kind kind, enum account from, enum account to,
                  uint32_t slot, int64_t units, const struct lot *lot, int64_t effective_ms);

/* Whether that many more units can be issued to the member, whose row may not exist yet (NULL). */
bool posting_can_issue(const struct state *state, const struct member *member, uint32_t slot,
                       int64_t units);

/* Whether that many units can be clawed back, whatever of them has to be owed. */
bool posting_can_reverse(const struct state *state, const struct member *member, uint32_t slot,
                         int64_t units);

/* Takes up to `units` from the active lots of a slot in spend order, one posting per lot, and
 * removes what is used up. Returns what was taken. When `out_parts` is not NULL it has a place for
 * every lot, and is told what was taken from each. */
struct spend_part;
int64_t posting_take(struct apply *apply, enum posting_kind kind, enum account to, uint32_t slot,
                     int64_t units, int64_t effective_ms, struct spend_part *out_parts,
                     uint32_t *out_part_count);

/* The equation of semantics §3, CHECKed for every currency that this apply has touched. */
void posting_check(const struct apply *apply);

#endif
