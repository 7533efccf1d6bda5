/* What the fold says: postings, outcomes, tier changes, notices and forwards, as data. Effects are
 * derived, so they can be regenerated: the same journal gives the same effects with the same
 * numbers (architecture.md, sentence 5).
 *
 * Invariants:
 *  1. Numbers of a topic rise by one from 1, per partition, without a gap.
 *  2. `hash` is the running XXH3 of the canonical bytes of all effects of the topic so far
 * (effect_canonical), seeded with the hash before: it depends on no encoding and no packing.
 *  3. Strings in an effect live in the effects' arena, never in the event or the state. */
#ifndef TALLYBOOK_ENGINE_CORE_EFFECT_H
#define TALLYBOOK_ENGINE_CORE_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/event.h"
#include "engine/core/quantity.h"
#include "engine/core/verdict.h"

/* Persisted codes. Topics are numbered output streams; a forward is appended to another journal
 * partition instead. */
enum topic {
    TOPIC_POSTINGS = 0,
    TOPIC_OUTCOMES = 1,
    TOPIC_TIERS = 2,
    TOPIC_NOTICES = 3,
    TOPIC_COUNT = 4,
    TOPIC_FORWARD = 15
};

const char *
topic_name(enum topic topic); /* "postings", "outcomes", "tiers", "notices", "forward" */

/* Accounts, semantics §3. Member accounts first. Equal to the published enum. */
enum account {
    ACCOUNT_PENDING = 1,
    ACCOUNT_ACTIVE = 2,
    ACCOUNT_HELD = 3,
    ACCOUNT_LAPSING = 4,
    ACCOUNT_ARREARS = 5,
    ACCOUNT_ISSUED = 11,
    ACCOUNT_REDEEMED = 12,
    ACCOUNT_EXPIRED = 13,
    ACCOUNT_REVERSED = 14,
    ACCOUNT_ADJUSTED = 15,
    ACCOUNT_FORFEITED = 16,
    ACCOUNT_CLEARING = 17,
};

/* Posting kinds, semantics §12; those that concern one member. Equal to the published enum. */
enum posting_kind {
    POSTING_GRANT = 1,
    POSTING_ACTIVATE = 2,
    POSTING_REDEEM = 3,
    POSTING_HOLD = 4,
    POSTING_RELEASE = 5,
    POSTING_CLAW_BACK = 6,
    POSTING_OWE = 7,
    POSTING_RESTORE = 8,
    POSTING_ADJUST = 9,
    POSTING_REPAY = 10,
    POSTING_WRITE_OFF = 11,
    POSTING_CAPTURE = 12,
    POSTING_EXPIRE = 13,
    POSTING_LAPSE = 14,
    POSTING_LAPSE_END = 15,
    POSTING_UNDO = 16,
    POSTING_FORFEIT = 17,
    POSTING_CANCEL = 18,
    POSTING_QUARANTINE = 23,
    POSTING_QUARANTINE_RELEASE = 24,
    POSTING_EXTEND = 25,
    POSTING_REINSTATE = 26,
    POSTING_FUND = 27,
};

/* Names a lot for ever: independent of packing (semantics §3). */
struct lot_id {
    uint64_t ordinal;
    uint32_t index;
};

struct posting {
    enum posting_kind kind;
    enum account from, to;
    struct bytes member;
    struct bytes currency; /* points currency */
    uint8_t scale;
    struct points amount;                /* above zero */
    struct lot_id lot;                   /* ordinal 0: no lot (owe) */
    struct bytes event_source, event_id; /* empty for due work */
    struct bytes rule;     /* id of the first contributing rule; empty where none applies */
    uint32_t rule_version; /* version of the rulebook that granted the lot */
    struct bytes order_id;
    struct instant occurred_at, journal_time;
    struct instant effective_at; /* dated: the event's occurred_at, or the due instant */
    struct points active_after;  /* balances of that currency after this posting */
    struct points arrears_after;
    struct instant lot_earned_at;
    struct instant lot_expires_at; /* INT64_MAX ms = never */
};

/* One granted amount per currency in an outcome. */
struct outcome_amount {
    struct bytes currency;
    struct points requested,
        granted; /* of a purchase: granted; of a redeem: spent; of a refund: clawed back */
};

enum { OUTCOME_AMOUNTS_MAX = 8 }; /* a programme has at most 8 currencies */

struct outcome {
    struct bytes source, id, member, correlation_id;
    enum event_kind event_kind; /* 0 for holes and refusals of form */
    enum verdict verdict;
    enum verdict first_verdict; /* of a duplicate: the first answer, repeated */
    uint64_t ordinal;    /* the event's own, or of a duplicate the first one's; 0 = took none */
    struct bytes detail; /* a sentence for people; may be empty */
    struct instant occurred_at, journal_time;
    struct outcome_amount amounts[OUTCOME_AMOUNTS_MAX];
    uint32_t amount_count;
};

enum tier_direction { TIER_UPGRADED = 1, TIER_DOWNGRADED = 2, TIER_RENEWED = 3 };

struct tier_change {
    struct bytes member, group, from, to;
    enum tier_direction direction;
    struct bytes cause_source, cause_id;      /* the event; empty when a review decided */
    int64_t metric_value;                     /* minor units of spend, or points */
    struct instant effective_at, valid_until; /* INT64_MAX ms = without end */
    struct instant journal_time;
    uint32_t rule_version;
    struct bytes traceparent;
};

enum notice_kind { NOTICE_EXPIRING_SOON = 1 };

struct notice {
    enum notice_kind kind;
    struct bytes member, currency;
    struct points amount;   /* what expires */
    struct instant instant; /* when it expires */
    struct instant effective_at, journal_time;
};

/* Send the event on to the partition where its member lives. */
struct forward {
    uint32_t partition;
    struct instant first_append;
    struct bytes wire; /* the event's protobuf bytes */
};

struct effect {
    enum topic topic;
    uint64_t sequence; /* from 1; 0 for a forward */
    uint64_t hash;     /* running hash of the topic after this effect */
    struct position cause;
    union {
        struct posting posting;
        struct outcome outcome;
        struct tier_change tier_change;
        struct notice notice;
        struct forward forward;
    };
};

/* The effects of one or more applied entries, in order. The caller owns array and arena, drains and
 * resets between applies. One event may touch every lot of a member, so an apply needs EFFECTS_ROOM
 * free places and arena bytes for them; the shell drains before that. */
struct effects {
    struct effect *items;
    size_t count, capacity;
    struct arena *arena;
};

/* 100,000 open lots a member (the limit), each of which may activate, pay, be noticed, lapse and
 * expire at once, and some. Reserved address space, touched only when used. */
enum { EFFECTS_ROOM = 6 * 100000 + 2048, EFFECTS_CAPACITY = EFFECTS_ROOM + 8192 };

/* Room that effect_canonical needs in its writer: 14 texts of at most 1,024 bytes, and numbers. */
enum { EFFECT_CANONICAL_MAX = 16 * 1024 };

/* Canonical bytes of one effect: the same on every machine, independent of output encoding. The
 * layout is documented in effect.c. Not for forwards. */
void effect_canonical(const struct effect *effect, struct writer *writer);

/* Key of the effect in its topic: the member. */
struct bytes effect_key(const struct effect *effect);

#endif
