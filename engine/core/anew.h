/*
 * A new rulebook judges every member's tiers once, at the later of its activation and its
 * effective_from (semantics §8): due work of all members at one instant. No member has a hint for
 * it: a cursor passes over them by number, and a member that an event touches before is judged
 * then.
 */
#ifndef TALLYBOOK_ENGINE_CORE_ANEW_H
#define TALLYBOOK_ENGINE_CORE_ANEW_H

#include "engine/base/bytes.h"
#include "engine/core/member.h"

struct state;

enum { ANEW_MAX = 256 }; /* versions that are activated and not yet in effect for everybody */

struct anew_item {
    int64_t at_ms;
    uint64_t next, end; /* members with these numbers are still to be judged: end is set when the
                           instant is reached */
    uint32_t sequence;  /* of the activation: from 1 */
    uint32_t turn;      /* in which it takes effect: from 1; 0 before its instant */
};

/* In order of instant, then activation. A version can take effect behind one that was activated
 * later: who was judged is known by turns, not by sequences. */
struct anew {
    struct anew_item items[ANEW_MAX];
    uint32_t count, last_sequence, last_turn;
};

bool anew_is_full(const struct state *state);

/* A version was put in force that takes effect at `effective_ms`. */
void anew_add(struct state *state, int64_t effective_ms);

/* The clock has moved. True for each version that takes effect by it, once, in their order: a copy
 * of its item, with all who are enrolled by now before it. */
bool anew_reach(struct state *state, struct anew_item *out_item);

/* The first judgement that a member still has before it; NULL when there is none. */
const struct anew_item *anew_of(const struct state *state, const struct member *member);

/* The first that is under way and whom it comes to next; NULL when there is none. */
const struct anew_item *anew_first(const struct state *state);

/* The next member of the first one was judged, or need not be. */
void anew_pass(struct state *state);

/* When somebody is to be judged next; INT64_MAX: never. */
int64_t anew_next_ms(const struct state *state);

/* META: u32 count, u32 last sequence, u32 last turn, and for each: i64 at, u64 next and end, u32
 * sequence, u32 turn. */
void anew_encode(const struct anew *anew, struct writer *writer);
void anew_decode(struct reader *reader, struct anew *out_anew);

#endif
