/*
 * A fold with everything around it that a shell would have: store, effects, a clock that the test
 * sets. Keeps all effects for the test to look at.
 */
#ifndef TALLYBOOK_TESTS_UNIT_FOLD_RIG_H
#define TALLYBOOK_TESTS_UNIT_FOLD_RIG_H

#include "engine/base/region.h"
#include "engine/core/fold.h"
#include "tests/unit/memory_store.h"

enum { RIG_GBP = 826, RIG_EUR = 978 };

struct rig {
    struct region slab_region, effects_region, texts_region, view_region;
    struct slab slab;
    struct state *state;
    struct effects effects;
    struct arena texts, view;
    struct memory_store store;
    struct needs needs;
    int64_t now_ms;  /* append time of the next record */
    int64_t offset;  /* of the next record */
    uint32_t slice;  /* of due work */
    bool cold;       /* everything that may leave memory leaves it before each entry */
    uint64_t events; /* told by rig_event so far: makes ids */
    struct effect *log;
    size_t log_count, log_capacity;
    struct fault fault;
};

/* An instant in RFC 3339. */
struct instant rig_at(const char *text);

/* Points 1 per 1.00 GBP on goods, floor, without expiry and tiers, auto-enrol, zone UTC. */
struct program rig_program(void);

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* A partition of one, on append time, and a rulebook in force since 1970. */
void rig_start(struct rig *rig, const struct program *program);

/* Loads what the entry needs; applies it with all its due work; both, one after the other. */
void rig_load(struct rig *rig, const struct entry *entry);
bool rig_apply(struct rig *rig, const struct entry *entry);
bool rig_entry(struct rig *rig, const struct entry *entry);
void rig_activate(struct rig *rig, const struct program *program);

/* A tick at an instant, repeated until nothing is due. */
void rig_tick(struct rig *rig, const char *text);

/* Writes a checkpoint into the store. */
void rig_checkpoint(struct rig *rig);

/* Throws the state away and restores it from the store; the journal goes on at the state's own
 * position. */
void rig_restart(struct rig *rig);

/* Tells an event at the rig's time and returns its verdict. Empty source and id get new ones,
 * occurred_at 0 is now. */
enum verdict rig_event(struct rig *rig, struct event event);

/* One order of one line of goods. */
enum verdict rig_buy(struct rig *rig, const char *member, const char *order, int64_t minor);
enum verdict rig_redeem(struct rig *rig, const char *member, const char *id, int64_t points);
enum verdict rig_refund(struct rig *rig, const char *member, const char *order, const char *id,
                        int64_t minor);
enum verdict rig_cancel(struct rig *rig, const char *member, const char *order);

/* The member as it stands; false when unknown. */
bool rig_view(struct rig *rig, const char *member, struct member_view *out_view);
int64_t rig_active(struct rig *rig, const char *member);
int64_t rig_arrears(struct rig *rig, const char *member);

/* "silver", and so on, in the first group. */
bool rig_level_is(struct rig *rig, const char *member, const char *level);

const struct outcome *rig_outcome(const struct rig *rig); /* the last */

/* The effects of a topic, told from the i-th of all. NULL at the end. */
const struct effect *rig_effect(const struct rig *rig, enum topic topic, size_t index);
size_t rig_effect_count(const struct rig *rig, enum topic topic);

struct hash128 rig_digest(const struct rig *rig);

/* Digest recomputed from all rows = kept digest; totals balance. The store must be at the state's
 * position. */
void rig_verify(struct rig *rig);

#endif
