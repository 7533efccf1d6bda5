/*
 * Facts: what a member's row says by numbers, beyond wallets, tiers and lots, in one sorted
 * section. A kind is a line in fact.def; which of its numbers mean what is said there.
 *
 * Invariants:
 *  1. Facts stand by (kind, slot, key, index), each once.
 *  2. Kinds below FACT_UNDUE_FIRST are due work at the instant in `a`; so all that can be due
 * stands at the front.
 *
 * Whatever sets or removes facts may move the member, and with it all pointers into it.
 */
#ifndef TALLYBOOK_ENGINE_CORE_FACT_H
#define TALLYBOOK_ENGINE_CORE_FACT_H

#include "engine/core/member.h"
#include "engine/core/timer.h"

enum fact_kind {
#define FACT(number, name, due, meaning) FACT_##name = (number),
#include "engine/core/fact.def"
#undef FACT
};

enum { FACT_UNDUE_FIRST = 64 };

/* The kind of due work that a fact's `a` is the instant of; 0 for those that are never due. */
enum due_kind fact_due_kind(uint8_t kind);

struct facts {
    struct fact *items;
    uint32_t count;
};

/* Negative when a stands before b. */
int fact_compare(const struct fact *a, const struct fact *b);

/* NULL when there is none. */
struct fact *fact_find(const struct member *member, enum fact_kind kind, uint32_t slot, int64_t key,
                       uint32_t index);

/* Its `a`; 0 when there is none. */
int64_t fact_value(const struct member *member, enum fact_kind kind, uint32_t slot, int64_t key,
                   uint32_t index);

/* All of a kind; those of a slot; those of a slot with a key in [from, until). */
struct facts facts_of_kind(const struct member *member, enum fact_kind kind);
struct facts facts_of_slot(const struct member *member, enum fact_kind kind, uint32_t slot);
struct facts facts_between(const struct member *member, enum fact_kind kind, uint32_t slot,
                           int64_t from, int64_t until);

/* Whether so many more find room: else the event is refused by limit_reached. Some room stays for
 * what comes unasked: by time, or with a point that is given back. `member` may be NULL. */
bool facts_fit(const struct member *member, uint32_t count);

/* Puts a fact in its place, over the one that has it. Returns the place. */
struct fact *fact_set(struct members *members, struct member **member, const struct fact *fact);

/* Adds fact->a to the one in its place, which is made when missing and goes when it comes to 0. The
 * caller has seen that the sum stays within 63 bits. */
void fact_add(struct members *members, struct member **member, const struct fact *fact);

/* True when there was one. */
bool fact_remove(struct members *members, struct member **member, enum fact_kind kind,
                 uint32_t slot, int64_t key, uint32_t index);

/* Takes out a range that one of the functions above gave and that nothing has moved since. */
void facts_remove(struct members *members, struct member **member, struct facts range);

#endif
