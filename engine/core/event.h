/* What reaches the ledger, decoded: one struct per kind of journal entry. The core knows no wire
 * format; consumers/codec fills these in (the trust boundary) and every pointer in them lives as
 * long as the caller's batch arena.
 *
 * Invariants that the codec guarantees and the fold relies on:
 *  1. `source`, `id` and `member` are within their limits (architecture.md, "The journal"), valid
 * UTF-8, never empty.
 *  2. Money is never negative and its currency is in currency.def; a line's discount and tax do not
 * exceed its amount.
 *  3. `content_hash` covers type, member, occurred_at and payload in canonical form (semantics §3,
 * identity).
 *  4. Only kinds of event.def that are handled exist; others are refused by name before they reach
 * a journal.
 *  5. "Left out" is zero or empty, as in event.proto; an enum, a count or a text that must be told
 * is. */
#ifndef TALLYBOOK_ENGINE_CORE_EVENT_H
#define TALLYBOOK_ENGINE_CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/core/quantity.h"

enum {
    EVENT_LINES_MAX = 2000,       /* a wholesale order; more is a mistake of the sender */
    EVENT_ATTRIBUTES_MAX = 32,    /* of one list: room for a shop's labels, not for its documents */
    EVENT_LOTS_MAX = 256,         /* that one event names */
    SPEND_CURRENCIES_MAX = 8,     /* a programme has at most 8 currencies */
    EVENT_ID_BYTES_MAX = 128,     /* ids of members, events, orders, spends, refunds, lines */
    EVENT_BYTES_MAX = 256 * 1024, /* one event in canonical protobuf */
    RECORD_BYTES_MAX =
        900 * 1000 /* one packed journal record: below Kafka's default message limit of 1 MB */
};

/* Keys that are not plain member ids begin with this byte and their kind ("\x01guest/…"). */
enum { KEY_SPECIAL = 0x01 };
#define KEY_GUEST_PREFIX "\x01guest/"

/* Persisted codes; names and what is handled stand in event.def. */
enum event_kind {
#define EVENT(number, NAME, field, handled) EVENT_##NAME = number,
#include "engine/core/event.def"
#undef EVENT
};

/* The kind's field name in event.proto ("purchase"). Any thread. */
const char *event_kind_name(enum event_kind kind);

/* Whether the fold judges the kind; entries of others never reach it. Any thread. */
bool event_kind_handled(enum event_kind kind);

/* Names an event for ever (semantics §3). */
struct event_ref {
    struct bytes source, id;
};

/* A free label that rules may ask for; keys differ within one list. */
struct attribute {
    struct bytes key, value;
};

struct attributes {
    const struct attribute *items;
    uint32_t count; /* at most EVENT_ATTRIBUTES_MAX */
};

/* Month and day, never a year. Month 0: none told. 29 February is a birthday like others. */
struct birthday {
    uint8_t month, day;
};

enum line_kind {
    LINE_GOODS = 1,
    LINE_SHIPPING = 2,
    LINE_TAX = 3,
    LINE_FEE = 4,
    LINE_GIFT_CARD = 5
};

/* One line of a purchase or a refund. Amounts are in minor units of the event's currency. */
struct event_line {
    struct bytes
        line_id; /* unique in its order; the codec numbers lines "1", "2", … that carry none */
    struct bytes sku;
    struct bytes category;
    struct bytes brand;
    enum line_kind kind;
    int64_t quantity_milli;
    int64_t amount_minor;   /* for the whole quantity, tax included, before discount; in a refund:
                               what is given back */
    int64_t discount_minor; /* taken off the amount */
    int64_t tax_minor;      /* the part of amount less discount that is tax */
    struct attributes attributes; /* of a purchase's lines */
};

struct purchase {
    struct bytes order_id;
    uint16_t currency; /* ISO 4217 numeric */
    struct bytes channel, store;
    int64_t points_tender_minor;    /* part paid with points */
    int64_t gift_card_tender_minor; /* part paid with gift cards */
    const struct event_line *lines;
    uint32_t line_count;
    struct bytes partner;
    struct attributes attributes;
};

enum refund_style {
    REFUND_DELTA = 0,     /* so much more was refunded: refund_id names it */
    REFUND_CUMULATIVE = 1 /* so far this much was refunded: names an order, has no refund_id */
};

/* Money returned (semantics §6). With an order id it claws back from that order: by line, and what
 * `amount_minor` has beyond the lines is spread over what is left of all lines. Without an order
 * id it is the refund that names no order, always a delta. */
struct refund {
    struct bytes order_id;  /* empty: names no order */
    struct bytes refund_id; /* of a delta: never empty; of a cumulative one: empty */
    uint16_t currency;
    int64_t amount_minor; /* whole amount, never less than the sum of the lines */
    const struct event_line *lines;
    uint32_t line_count;
    enum refund_style style;
    struct bytes channel, store, partner; /* what base rules ask for when no order is named */
    struct bytes reason;
    struct attributes attributes;
};

struct cancellation {
    struct bytes order_id;
    struct bytes reason;
};

struct delivered {
    struct bytes order_id;
};

/* Persisted codes, equal to the published ones. */
enum activity_kind {
    ACTIVITY_CHECK_IN = 1,
    ACTIVITY_REVIEW = 2,
    ACTIVITY_SHARE = 3,
    ACTIVITY_SHARE_CLICK = 4,
    ACTIVITY_SHARE_CONVERSION = 5,
    ACTIVITY_FEEDBACK_ADOPTED = 6,
    ACTIVITY_SURVEY = 7,
    ACTIVITY_EVENT_ATTENDANCE = 8,
    ACTIVITY_CONTENT_CONTRIBUTION = 9,
    ACTIVITY_PROFILE_COMPLETION = 10,
    ACTIVITY_BIRTHDAY = 11,
    ACTIVITY_APP_DEFINED = 100, /* app_kind names it */
};

struct activity {
    enum activity_kind kind;
    struct bytes app_kind;  /* with ACTIVITY_APP_DEFINED only, and then never empty */
    struct bytes reference; /* what it was done to; empty: nothing that could come twice */
    int64_t value;          /* never negative */
    struct bytes order_id;
    struct bytes channel, store, partner;
    struct attributes attributes;
};

/* The name of an activity's kind as rulebooks and conditions write it: "check_in", or the
 * programme's own. */
struct bytes activity_name(const struct activity *activity);

/* What a spend or a hold asks for. */
enum spend_what { SPEND_POINTS = 1, SPEND_REWARD = 2, SPEND_PAYMENT = 3 };

struct spend_reward {
    struct bytes id;
    uint32_t count; /* never 0 */
};

struct spend_payment {
    struct bytes order_id;     /* may be empty */
    uint16_t currency;         /* ISO 4217 numeric */
    int64_t amount_minor;      /* what the points are to pay; above zero */
    int64_t order_total_minor; /* what the order costs in all; 0: not told, else not below amount */
};

/* The common part of redeem and hold. */
struct spend_request {
    const struct bytes
        *currencies;         /* points currencies in order of use; none: the rulebook's first */
    uint32_t currency_count; /* at most SPEND_CURRENCIES_MAX; no name stands twice */
    enum spend_what what;
    union {
        struct points points; /* above zero */
        struct spend_reward reward;
        struct spend_payment payment;
    };
    struct bytes reason, actor;
    struct bytes channel, store;
    struct attributes attributes;
};

struct redeem {
    struct bytes spend_id;
    struct spend_request request;
};

struct hold {
    struct bytes hold_id;
    struct spend_request request;
    int64_t timeout_ms; /* from the journal time; 0: the rulebook's */
};

struct cancel_redemption {
    struct bytes spend_id;
    struct points points; /* 0: all that is left */
    struct bytes reason, actor;
};

struct capture_hold {
    struct bytes hold_id;
    struct points points; /* 0: all that is held */
    struct bytes reason;
};

struct release_hold {
    struct bytes hold_id;
    struct bytes reason;
};

struct grant {
    struct bytes currency; /* points currency; empty: the rulebook's first */
    struct points points;  /* above zero */
    struct bytes reason, actor;
    struct instant activates_at; /* 0 ms: at once */
    struct instant expires_at;   /* 0 ms: as the currency's rule says */
    bool never_expires;          /* and then expires_at is 0 */
    bool qualifies;              /* counts in tier metrics too */
    struct bytes order_id;       /* may be empty */
    struct bytes funder;         /* may be empty */
    struct rate unit_cost;  /* minor units of cost_currency for one point; denominator 0: none */
    uint16_t cost_currency; /* ISO 4217 numeric; 0: none */
    struct attributes attributes;
};

struct adjust {
    struct bytes currency;
    struct points points;       /* signed, not zero */
    struct bytes reason, actor; /* never empty */
    struct instant expires_at;
    bool never_expires;
    bool may_owe;
};

struct approve {
    struct event_ref awaiting;
    struct bytes actor; /* never empty */
    struct bytes reason;
};

/* A lot as an event names it: one of another journal or partition is a lot that is not known. */
struct lot_name {
    struct bytes journal_id; /* 16 bytes, or empty: this journal */
    uint32_t partition;
    uint64_t ordinal;
    uint32_t index;
};

/* The lots named, or, when none is, all of the currency whose expiry lies in [from, until). */
struct lot_choice {
    const struct lot_name *lots;
    uint32_t lot_count;         /* at most EVENT_LOTS_MAX; no lot stands twice */
    struct bytes currency;      /* empty: the rulebook's first */
    struct instant from, until; /* 0 ms: open on that side */
};

struct extend_lots {
    struct lot_choice choice;
    struct instant expires_at; /* 0 ms: by `days` */
    uint32_t days;             /* 0: to expires_at; exactly one of the two is told */
    struct bytes reason, actor;
};

struct reinstate_lots {
    struct lot_choice choice;
    struct instant expires_at; /* never 0 */
    struct bytes reason, actor;
};

struct renew_lots {
    struct lot_choice choice;
    struct rate share;         /* above 0, at most 1 */
    struct instant expires_at; /* never 0 */
    struct bytes reason, actor;
};

/* Of release_quarantine and reject_quarantine. */
struct quarantine_end {
    struct event_ref granted_by;
    struct bytes reason, actor;
};

struct enrol {
    struct birthday birthday; /* month 0: none */
    struct bytes channel, store, partner;
    struct attributes attributes;
};

struct profile_update {
    struct birthday birthday; /* month 0: what was told before is withdrawn */
};

/* Of suspend, resume, freeze, unfreeze, close and reopen. */
struct state_change {
    struct bytes reason, actor;
};

struct tier_override {
    struct bytes group; /* empty: the rulebook's first tier group */
    struct bytes tier;
    struct instant until; /* 0 ms: until it is ended */
    struct bytes reason, actor;
};

struct end_tier_override {
    struct bytes group;
    struct bytes reason, actor;
};

/* Hashes under which a state finds what an event names, once it has looked ahead (fold_prefetch).
 * Whoever makes an event leaves them zero. */
struct event_hashes {
    uint64_t seed; /* of the state that made them; 0: nobody has */
    uint64_t member;
    uint64_t reference; /* of the order, spend, hold or refund that it names, if any */
    struct hash128 identity;
};

struct event {
    enum event_kind kind;
    struct bytes source, id;
    struct bytes member; /* the ledger's key: a member id, or KEY_GUEST_PREFIX and the guest key */
    struct instant occurred_at;
    struct bytes correlation_id; /* may be empty; echoed in the outcome */
    struct bytes traceparent;    /* may be empty; echoed in tiers and notices */
    uint64_t content_hash;
    struct instant
        first_append; /* of a forwarded event: when its first partition appended it; else ms = 0 */
    struct bytes
        wire; /* the event's own protobuf bytes: what a forward appends to the home partition */
    struct event_hashes hashes;
    union {
        struct purchase purchase;
        struct refund refund;
        struct cancellation cancellation;
        struct delivered delivered;
        struct activity activity;
        struct redeem redeem;
        struct cancel_redemption cancel_redemption;
        struct hold hold;
        struct capture_hold capture_hold;
        struct release_hold release_hold;
        struct grant grant;
        struct adjust adjust;
        struct approve approve;
        struct extend_lots extend_lots;
        struct reinstate_lots reinstate_lots;
        struct renew_lots renew_lots;
        struct quarantine_end quarantine_end;
        struct enrol enrol;
        struct profile_update profile_update;
        struct state_change state_change;
        struct tier_override tier_override;
        struct end_tier_override end_tier_override;
    };
};

/* Journal entries: everything that is not a shop's event is bookkeeping of the journal itself. */
enum entry_kind {
    ENTRY_EVENT = 1,
    ENTRY_GENESIS = 2,
    ENTRY_TICK = 3,
    ENTRY_CLAIM = 4,
    ENTRY_HOLE = 5,
    ENTRY_ACTIVATION = 6,
    ENTRY_LIVE = 7, /* one way: from history to append time */
    ENTRY_LAW = 8,
    ENTRY_REFUSED = 9, /* an event whose form the codec refused: only its verdict is folded */
};

enum time_kind { TIME_APPEND = 1, TIME_RECORD = 2 };

enum { JOURNAL_ID_BYTES = 16, JOURNAL_FORMAT = 1, LAW_VERSION = 1, PARTITIONS_MAX = 256 };

/* Record 0 of each partition (architecture.md, "The journal"). */
struct genesis {
    uint32_t format, law;
    uint8_t journal_id[JOURNAL_ID_BYTES];
    struct bytes programme;
    uint32_t partition_count, partition;
    enum time_kind time_kind;
};

/* A position names a place in one partition: offset of the record, index of the entry in it. Packed
 * into 64 bits (48 + 16) where it is persisted or published. */
struct position {
    int64_t offset;
    uint32_t index;
};

static inline uint64_t
position_pack(struct position position)
{
    return (uint64_t)position.offset << 16 | (position.index & 0xffff);
}

static inline struct position
position_unpack(uint64_t packed)
{
    return (struct position){.offset = (int64_t)(packed >> 16),
                             .index = (uint32_t)(packed & 0xffff)};
}

/* What a tick or a claim says of its writer's state, so that every later fold can compare: the last
 * applied position and the running hash of all effects after it (architecture.md, "Durable means").
 */
struct anchor {
    uint64_t applied; /* packed position; 0 = nothing but record 0 */
    uint64_t chain;
};

struct tick {
    bool has_anchor; /* ticks of an importer carry none */
    struct anchor anchor;
};

struct claim {
    uint64_t nonce;
    uint64_t replaces; /* packed position of the claim in force when it was written; 0 = none */
    bool has_anchor;
    struct anchor anchor;
    struct bytes owner; /* host and process, for people */
};

struct hole {
    struct bytes topic;
    int32_t partition;
    int64_t offset;
    struct bytes reason; /* the dead letter's error code */
};

struct activation {
    struct bytes name;
    uint32_t version;
    struct instant effective_from;
    bool retroactive;
    struct bytes yaml;    /* as the operator wrote it, comments included */
    struct bytes program; /* the normalised form: program.h; the only part that is folded */
};

struct refused {
    struct bytes source, id, member, correlation_id;
    struct instant occurred_at;
    uint32_t verdict; /* of the form stage */
    struct bytes detail;
};

struct entry {
    enum entry_kind kind;
    struct instant
        journal_time; /* the entry's own, in a history journal; ms = 0 when it carries none */
    union {
        struct event event;
        struct genesis genesis;
        struct tick tick;
        struct claim claim;
        struct hole hole;
        struct activation activation;
        struct refused refused;
        uint32_t law;
    };
};

#endif
