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
 *  4. Only kinds in `enum event_kind` exist; others are refused by name before they reach a
 * journal. */
#ifndef TALLYBOOK_ENGINE_CORE_EVENT_H
#define TALLYBOOK_ENGINE_CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/core/quantity.h"

enum {
    EVENT_LINES_MAX = 2000, /* a wholesale order; more is a mistake of the sender */
    EVENT_ATTRIBUTES_MAX = 32,
    EVENT_ID_BYTES_MAX = 128,     /* ids of members, events, orders, spends, refunds, lines */
    EVENT_BYTES_MAX = 256 * 1024, /* one event in canonical protobuf */
    RECORD_BYTES_MAX =
        900 * 1000 /* one packed journal record: below Kafka's default message limit of 1 MB */
};

/* Keys that are not plain member ids begin with this byte and their kind ("\x01guest/…"). */
enum { KEY_SPECIAL = 0x01 };
#define KEY_GUEST_PREFIX "\x01guest/"

enum event_kind {
    EVENT_PURCHASE = 1,
    EVENT_REFUND = 2,
    EVENT_CANCELLATION = 3,
    EVENT_REDEEM = 4,
    EVENT_ENROL = 5,
};

/* A free label that rules may ask for; keys differ within one list. */
struct attribute {
    struct bytes key, value;
};

struct attributes {
    const struct attribute *items;
    uint32_t count; /* at most EVENT_ATTRIBUTES_MAX */
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
};

/* A delta refund. With an order id it claws back from that order: by line, or, without lines,
 * `amount_minor` spread over what is left of all lines. Without an order id it is the refund that
 * names no order (semantics §6). */
struct refund {
    struct bytes order_id;  /* empty: names no order */
    struct bytes refund_id; /* never empty */
    uint16_t currency;
    int64_t amount_minor; /* whole amount; when lines are given it is their sum */
    const struct event_line *lines;
    uint32_t line_count;
};

struct cancellation {
    struct bytes order_id;
};

struct redeem {
    struct bytes redemption_id;
    struct bytes currency; /* points currency of the rulebook; empty: its first */
    struct points points;  /* above zero */
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
    union {
        struct purchase purchase;
        struct refund refund;
        struct cancellation cancellation;
        struct redeem redeem;
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
