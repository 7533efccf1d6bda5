/*
 * The state of one partition, and what one apply carries through the rooms of the core. For this
 * folder and its tests.
 */
#ifndef TALLYBOOK_ENGINE_CORE_STATE_PRIV_H
#define TALLYBOOK_ENGINE_CORE_STATE_PRIV_H

#include <stddef.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/region.h"
#include "engine/core/anew.h"
#include "engine/core/closed.h"
#include "engine/core/fold.h"
#include "engine/core/identity.h"
#include "engine/core/member.h"
#include "engine/core/memo.h"
#include "engine/core/reference.h"
#include "engine/core/rulebook.h"
#include "engine/core/timer.h"

enum {
    ACCOUNT_CODES = ACCOUNT_CLEARING + 1,
    PROGRAMME_BYTES_MAX = 128,
    ANCHORS_MAX =
        4096, /* records whose chain is remembered: a tick lags its writer's state by less */
    SCRATCH_BYTES =
        32 * 1024 *
        1024, /* one order of 2,000 lines under 256 bases; touched only as far as used */
    DUE_ITEMS_PER_EVENT = 64, /* semantics §2 */
    DUE_ITEMS_PER_TICK = 65536,
};

struct state {
    struct memo memo;
    struct rulebooks rulebooks;
    struct members members;
    struct identities identities;
    struct references references;
    struct closed closed;
    struct timers timers;
    struct anew anew;

    bool has_genesis;
    struct genesis genesis;
    uint8_t programme[PROGRAMME_BYTES_MAX];
    enum time_kind time_kind;
    struct instant clock;

    int64_t next_offset;
    uint64_t record_hash; /* anchor: of the record before next_offset */
    uint64_t applied, chain, entries;
    uint64_t claim, claim_nonce;
    struct output_mark outputs[TOPIC_COUNT];
    uint64_t verdicts[256];

    /* By currency slot and account: what moved in less what moved out. Member accounts that are
     * owed (arrears) and sources (issued) stand below zero, so that each currency sums to zero: the
     * equation of semantics §3. */
    int64_t balances[CURRENCY_SLOTS_MAX][ACCOUNT_CODES];

    struct anchor anchors[ANCHORS_MAX]; /* a ring of chains after whole records */
    uint32_t anchor_next, anchor_count;

    uint32_t due_budget; /* items that the last entry still allows */
    uint32_t due_lots;   /* lots numbered after the last event: index of the next */
    uint64_t dirty_entries;
    bool restoring;
    struct {
        uint64_t next_ordinal, members, rulebooks;
    } expected; /* by META, until all rows are restored */
    bool checkpoint_open;
    char damage[128]; /* empty, or what a store could not give: every apply is refused */

    struct region scratch_region, row_region;
    struct arena *scratch; /* of one call; a pointer, so that readers of a const state may use it */
    struct arena scratch_arena;
    struct row_key row_key; /* of the row that a checkpoint yielded last */
    uint8_t canonical[EFFECT_CANONICAL_MAX];
};

/* A text in the effects' arena, and what it was copied from. */
struct text_copy {
    struct bytes source, copy;
};

/* One event, or one piece of due work, on its way through the rooms. */
struct apply {
    struct state *state;
    struct effects *effects;
    struct position cause;
    const struct event *event; /* NULL for due work */
    int64_t due_ms;            /* of due work: its instant, */
    int64_t judged_ms; /* and when tiers are judged: what a late event makes due comes later */
    struct rulebook *rulebook;  /* the version that judges the event */
    struct member *member;      /* NULL: not enrolled */
    struct member *placeholder; /* of somebody who is not enrolled, for what waits; or NULL */
    uint64_t ordinal;           /* of the event */
    uint32_t lot_count;         /* lots it made so far */
    uint64_t reference_hash;    /* of the order, spend or refund that it left */
    uint32_t touched;           /* currency slots, as bits */
    int64_t metrics_from_ms[GROUP_SLOTS_MAX]; /* earliest instant at which the group's metrics
                                                 changed; 0: they did not */
    struct bytes detail;                      /* for the outcome */
    bool waiting;                             /* the event is accepted, and waits for its order */
    /* For postings, set by the room; empty where none applies. */
    struct bytes order_id, spend_id, hold_id, reason, actor;
    const struct explanation *explanation; /* of the next grant */
    int64_t expired_before_ms; /* told by the next posting of a lot: its instant moves; 0 = none */
    uint32_t amount_count;
    struct awards *awards; /* planned (award.h); NULL: none */
    bool enrols;           /* it has enrolled its member */
    bool further;          /* the event was parked and is judged now */
    bool quarantines;      /* its grants wait for somebody to decide (limit.h) */

    /* Copies of texts in the effects' arena, made when first needed. */
    struct bytes member_text, source_text, id_text, trace_text;
    struct text_copy order_text, spend_text, hold_text, reason_text, actor_text, rule_text,
        funder_text;
    struct bytes currency_texts[CURRENCY_SLOTS_MAX];

    /* Last, for an apply begins without them: only the counted ones are set. */
    uint8_t amount_slots[OUTCOME_AMOUNTS_MAX];
    struct outcome_amount amounts[OUTCOME_AMOUNTS_MAX];
};

/* In place: it is large, and every event has one. */
static inline void
apply_begin(struct apply *apply, struct state *state, struct effects *effects,
            const struct event *event)
{
    memset(apply, 0, offsetof(struct apply, amount_slots));
    apply->state = state;
    apply->effects = effects;
    apply->cause = position_unpack(state->applied);
    apply->event = event;
}

static inline struct apply
apply_of(struct state *state, struct effects *effects, const struct event *event)
{
    struct apply apply;
    apply_begin(&apply, state, effects, event);
    return apply;
}

/* The ordinal under which what this makes is numbered: the event's, or of due work the last event's
 * (semantics §2). */
static inline uint64_t
apply_ordinal(const struct apply *apply)
{
    return apply->event != NULL ? apply->ordinal : apply->state->identities.next - 1;
}

/* Up to when things have happened: due work stands at its own instant, whatever the clock. */
static inline int64_t
apply_moment(const struct apply *apply)
{
    return apply->event != NULL ? apply->state->clock.ms : apply->due_ms;
}

/* No event that is still accepted happened before this, so what only such events could ask for is
 * forgotten; INT64_MIN while old ones are judged that were parked. What is sent on from another
 * partition and comes home so late finds nothing any more. */
static inline int64_t
apply_reach_ms(const struct apply *apply)
{
    if (apply->further) return INT64_MIN;
    return apply_moment(apply) - apply->state->rulebooks.accept_past_max_ms;
}

/* When tiers are judged: after an event at the later of the clock and its own time, so that a
 * period that is closed is not decided by it. */
static inline struct instant
apply_judged_at(const struct apply *apply)
{
    if (apply->event == NULL) return (struct instant){apply->judged_ms};
    struct instant occurred_at = apply->event->occurred_at;
    return occurred_at.ms > apply->state->clock.ms ? occurred_at : apply->state->clock;
}

/* Enrols the member of the event; what waited for it moves over, and hints are seen to. */
void apply_enrol(struct apply *apply, int64_t enrolled_ms);

/* The member's row, or its placeholder, made when there is neither: for what waits. */
struct member *apply_waiting_room(struct apply *apply);

/* The state's own share of the digest: clock, ordinals and totals. */
struct hash128 state_own_share(const struct state *state);

enum { STATE_REFERENCES_MAX = 64 }; /* of one kind, member and id */

/* Finds all references of that kind and id that a member (or placeholder) has, by rising ordinal;
 * returns how many. They must be warm: state_references_need. NULL member: none. */
size_t state_references(const struct state *state, enum reference_kind kind,
                        const struct member *member, struct bytes id,
                        struct reference *out_references[STATE_REFERENCES_MAX]);

/* Whether the order of the apply's purchase is there, and the hash of its reference. */
bool state_knows_order(const struct apply *apply);
uint64_t state_order_hash(const struct apply *apply);

/* The one that ids allow, or the first; NULL when there is none. */
struct reference *state_reference(const struct state *state, enum reference_kind kind,
                                  const struct member *member, struct bytes id);

/* Asks for the rows that are cold among those that may be meant, of a member by its key. */
void state_references_need(const struct state *state, enum reference_kind kind, struct bytes member,
                           struct bytes id, struct needs *needs);

/* META, see checkpoint.c. */
void state_encode_meta(const struct state *state, struct writer *writer);
bool state_decode_meta(struct state *state, struct bytes content, struct fault *out_fault);

#endif
