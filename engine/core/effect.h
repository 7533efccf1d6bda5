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
    POSTING_FUND = 27, /* of funders' statements; the fold makes none: see funder, below */
};

/* Names a lot for ever: independent of packing (semantics §3). */
struct lot_id {
    uint64_t ordinal;
    uint32_t index;
};

/* Steps of an explanation, semantics §4. Equal to the published enum. */
enum explanation_phase {
    EXPLANATION_BASE = 1,
    EXPLANATION_TIER = 2,
    EXPLANATION_CAMPAIGN = 3,
    EXPLANATION_FLAT_BONUS = 4,
    EXPLANATION_ROUNDING = 5,
    EXPLANATION_CAP = 6,
    EXPLANATION_AFTER_EARNING = 7,
    EXPLANATION_AWARD = 8,
};

/* What one rule added to a grant, or took away. */
struct explanation_part {
    enum explanation_phase phase;
    struct bytes rule;
    uint32_t rule_version;
    struct points points; /* its share of the grant; the parts sum to the grant */
    struct rate exact;    /* before rounding, signed; denominator 0: not told, or beyond 63 bits */
    struct rate factor;   /* of a tier or a campaign; denominator 0: none */
    int64_t eligible_minor;
    struct bytes line_id; /* of line rules; may be empty */
};

/* At most so many parts of one grant are told. What has more ends in a part that sums the rest:
 * phase of its first one, no rule, no line. */
enum { EXPLANATION_PARTS_MAX = 64 };

/* Why a grant is what it is, phase by phase. Lives in the effects' arena. */
struct explanation {
    uint16_t money; /* ISO 4217 numeric, of eligible_minor; 0: none */
    struct bytes tier_group, tier;
    const struct explanation_part *parts;
    uint32_t part_count;              /* at most EXPLANATION_PARTS_MAX */
    struct points requested, granted; /* before caps, and after */
    struct bytes cap_rule;            /* whose cap trimmed or rejected; empty: none */
};

struct posting {
    enum posting_kind kind;
    enum account from, to;
    struct bytes member;
    struct bytes currency; /* points currency */
    uint8_t scale;
    struct points amount;                /* never negative; 0 only for POSTING_EXTEND */
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
    struct bytes spend_id, hold_id;
    struct instant lot_activates_at;   /* 0 ms = at once, as earned; INT64_MAX ms = not known yet */
    struct instant lot_expired_before; /* of an extension: the instant before; 0 ms = none told */
    struct bytes funder;               /* who pays for the lot's points; empty: the programme */
    struct rate unit_cost;  /* minor units of cost_currency for one point; denominator 0: none */
    uint16_t cost_currency; /* ISO 4217 numeric; 0: none */
    struct bytes reason, actor;
    const struct explanation *explanation; /* of grants; NULL: none */
};

/* One amount per points currency in an outcome. */
struct outcome_amount {
    struct bytes currency;
    struct points requested,
        granted; /* of a purchase: granted; of a redeem: spent; of a refund: clawed back */
    struct bytes cap_rule;       /* whose cap trimmed or rejected; may be empty */
    struct points owed, dropped; /* of a claw-back: what became arrears, what was let go */
    struct points active_after;
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
    bool further; /* a later answer to an event that was parked or awaited approval */
    bool waiting; /* accepted, and waits for its order (semantics §6) */
    uint32_t amount_count;
    struct outcome_amount amounts[OUTCOME_AMOUNTS_MAX]; /* last: only the counted ones are set */
};

enum tier_direction {
    TIER_UPGRADED = 1,
    TIER_DOWNGRADED = 2,
    TIER_RENEWED = 3,
    TIER_CORRECTED = 4 /* a late event changed the latest closed period */
};

/* Equal to the published enum. */
enum tier_reason {
    TIER_BY_EVENT = 1,
    TIER_BY_REVIEW = 2,
    TIER_BY_OVERRIDE = 3,
    TIER_BY_OVERRIDE_END = 4,
    TIER_BY_RULEBOOK = 5,
};

/* A metric as it was, and what the level asks of it: points in units, money in minor units, counts
 * as they are. */
struct metric_value {
    struct bytes metric;
    int64_t value, threshold;
};

enum { METRIC_VALUES_MAX = 4 }; /* of one tier group */

struct tier_change {
    struct bytes member, group, from, to;
    enum tier_direction direction;
    struct bytes cause_source, cause_id;      /* the event; empty when a review decided */
    int64_t metric_value;                     /* minor units of spend, or points */
    struct instant effective_at, valid_until; /* INT64_MAX ms = without end */
    struct instant journal_time;
    uint32_t rule_version;
    struct bytes traceparent;
    enum tier_reason reason;
    struct bytes actor, note; /* of an override */
    struct metric_value metrics[METRIC_VALUES_MAX];
    uint32_t metric_count; /* 0: metric_value says it all */
};

/* Persisted codes. */
enum notice_kind {
    NOTICE_EXPIRING_SOON = 1,
    NOTICE_MISSION_COMPLETED = 2,
    NOTICE_BADGE_AWARDED = 3,
    NOTICE_TIER_AT_RISK = 4,
    NOTICE_QUARANTINED = 5,
    NOTICE_LIMIT_FLAGGED = 6,
    NOTICE_UNKNOWN_ORDER = 7,
    NOTICE_REFUND_CLAMPED = 8,
    NOTICE_APPROVAL_WANTED = 9,
    NOTICE_APPROVAL_LAPSED = 10,
    NOTICE_TIERS_REEVALUATED = 11,
    NOTICE_HOLD_TIMED_OUT = 12,
};

struct notice_expiring_soon {
    struct bytes currency;
    struct points points;
    struct instant expires_at;
};

struct notice_mission_completed {
    struct bytes mission;
    struct instant window_start;
    uint32_t repetition; /* from 1 */
    uint32_t rule_version;
};

struct notice_badge_awarded {
    struct bytes badge;
    uint32_t rule_version;
};

struct notice_tier_at_risk {
    struct bytes group, tier;
    struct instant review_at;
    struct metric_value metrics[METRIC_VALUES_MAX];
    uint32_t metric_count;
};

enum { EVIDENCE_EVENTS_MAX = 16, EVIDENCE_ORDINALS_MAX = 32 };

/* Why a limit spoke (semantics §10): its name, what was counted against what, over which window,
 * the event that is judged, and the latest of those that were counted. */
struct evidence {
    struct bytes limit;
    int64_t value, threshold;
    struct instant window_start, window_end; /* (start, end] */
    const struct event_ref *events;
    uint32_t event_count; /* at most EVIDENCE_EVENTS_MAX */
    /* Of what made the figure: the newest first, the judged one included. */
    const uint64_t *ordinals;
    uint32_t ordinal_count; /* at most EVIDENCE_ORDINALS_MAX */
};

struct notice_quarantined {
    struct bytes currency;
    struct points points;
    struct evidence evidence;
    struct instant undecided_until;
};

struct notice_limit_flagged {
    struct evidence evidence;
};

struct notice_unknown_order {
    struct bytes order_id, refund_id;
};

struct notice_refund_clamped {
    struct bytes order_id;
    uint16_t money; /* ISO 4217 numeric */
    int64_t reported_minor, paid_minor;
};

struct notice_approval_wanted {
    struct event_ref awaiting;
    struct bytes currency;
    struct points points;
    struct bytes actor;
    struct instant lapses_at;
};

struct notice_approval_lapsed {
    struct event_ref awaiting;
};

/* A new rulebook judges all tiers of the partition anew: the notice is about no member. */
struct notice_tiers_reevaluated {
    struct bytes rulebook;
    uint32_t version;
};

struct notice_hold_timed_out {
    struct bytes hold_id, currency;
    struct points points; /* what came back */
};

struct notice {
    enum notice_kind kind;
    struct bytes member; /* empty: about no one member */
    struct instant effective_at, journal_time;
    struct event_ref cause; /* empty where time did */
    struct bytes traceparent;
    union {
        struct notice_expiring_soon expiring_soon;
        struct notice_mission_completed mission_completed;
        struct notice_badge_awarded badge_awarded;
        struct notice_tier_at_risk tier_at_risk;
        struct notice_quarantined quarantined;
        struct notice_limit_flagged limit_flagged;
        struct notice_unknown_order unknown_order;
        struct notice_refund_clamped refund_clamped;
        struct notice_approval_wanted approval_wanted;
        struct notice_approval_lapsed approval_lapsed;
        struct notice_tiers_reevaluated tiers_reevaluated;
        struct notice_hold_timed_out hold_timed_out;
    };
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

/* Room that effect_canonical needs in its writer: 64 parts of an explanation with two names of at
 * most 128 bytes each, 24 texts of at most 1,024 bytes, and numbers. */
enum { EFFECT_CANONICAL_MAX = 64 * 1024 };

/* Canonical bytes of one effect: the same on every machine, independent of output encoding. The
 * layout is documented in effect.c. Not for forwards. */
void effect_canonical(const struct effect *effect, struct writer *writer);

/* Key of the effect in its topic: the member. */
struct bytes effect_key(const struct effect *effect);

#endif
