/*
 * What later events may name: orders, spends and refunds that name no order, as the content of
 * reference rows. An order keeps what a return must know: its lines, what of them was paid and
 * refunded, what was granted under which version at which tiers (semantics §6).
 */
#ifndef TALLYBOOK_ENGINE_CORE_ORDER_H
#define TALLYBOOK_ENGINE_CORE_ORDER_H

#include "engine/base/arena.h"
#include "engine/core/effect.h"
#include "engine/core/event.h"
#include "engine/core/member.h"
#include "engine/core/program.h"
#include "engine/core/reference.h"

/* ---- Orders ---- */

/* Which rules and campaigns apply to what of an order: judged once, when it is bought, so that a
 * return judges no condition anew. Indexes are the granting program's and rise, which is the order
 * of judgement. Lines to which the same apply share a pattern. */
struct match_list {
    const uint16_t *items;
    uint32_t count;
};

struct match_pattern {
    struct match_list rules;     /* of lines and of orders */
    struct match_list campaigns; /* of those that ask of lines */
};

struct order_match {
    uint32_t pattern_count;
    const struct match_pattern *patterns;
    const uint16_t *line_patterns; /* by line */
    struct match_list campaigns;   /* of those that ask nothing of lines */
};

struct order_lot {
    uint32_t index;
    int64_t granted;
    int64_t expires_ms;    /* as it was granted: where to look first */
    uint16_t rule, funder; /* as in struct lot */
    uint8_t flags;         /* of them: awaits delivery, by inactivity */
};

/* What one source gave of a grant, after caps. */
struct order_part {
    struct program_source source;
    int64_t points;
};

/* A grant of the order: phases 1 to 7 of one currency, or one award that is the order's. */
struct order_grant {
    uint8_t currency;            /* slot */
    struct program_source award; /* kind 0: phases 1 to 7 */
    int64_t requested, granted;
    int64_t stays;   /* of granted, as returns stand */
    int64_t settled; /* clawed back so far, with what was owed or dropped instead */
    int64_t dropped; /* of settled */
    uint32_t lot_count;
    const struct order_lot *lots;
    uint32_t part_count; /* 0 where no cap counts */
    const struct order_part *parts;
};

/* Persisted codes. */
enum taken_from {
    TAKEN_LOT = 1,         /* pending, active or lapsing points of a lot */
    TAKEN_HELD = 2,        /* held points: marked */
    TAKEN_OWED = 3,        /* arrears */
    TAKEN_WRITTEN_OFF = 4, /* arrears that were written off at once */
    TAKEN_NOTED = 5,       /* dropped, but noted on the member */
    TAKEN_DROPPED = 6,     /* dropped */
};

/* Where claw-backs of the order came from. */
struct order_taking {
    enum taken_from from;
    uint8_t currency; /* slot */
    int64_t units;
    struct lot lot; /* of TAKEN_LOT and TAKEN_HELD: as it was before */
};

struct order_refund {
    struct bytes id;
    int64_t amount_minor;
};

enum {
    ORDER_CANCELLED = 1,
    ORDER_DELIVERED = 2,
    ORDER_RETURNED = 4, /* whole: it counts as no visit, and its awards are taken back */
    ORDER_REJECTED = 8, /* its grant, in quarantine: tier value was taken back already */
};

struct order {
    uint64_t member; /* number */
    struct bytes order_id;
    uint32_t rulebook;
    struct instant occurred_at;
    uint16_t currency;
    int64_t tender_minor; /* paid with points and gift cards */
    uint8_t flags;
    int64_t delivered_ms; /* with ORDER_DELIVERED */
    uint32_t group_count;
    uint8_t
        levels[PROGRAM_GROUPS_MAX]; /* whose multiplier applied: index in the granting version */
    struct order_match match;
    struct match_list missions; /* of the granting version, that count the order */
    uint32_t room_count;        /* 0, or as many as the granting version has caps */
    const int64_t *rooms;       /* what was left of each cap */
    uint32_t grant_count;
    struct order_grant *grants;
    uint32_t taking_count;
    struct order_taking *takings; /* oldest first */
    int64_t unnamed_minor;        /* Σ of deltas that name no line */
    int64_t total_minor;          /* the greatest total told for the order */
    uint32_t refund_count;
    struct order_refund *refunds; /* deltas, oldest first */
    uint32_t line_count;
    const struct event_line *lines; /* line_id, kind and amounts only */
    int64_t *line_deltas;           /* by line: Σ of deltas; NULL in a new order: nothing */
    int64_t *line_totals;           /* by line: the greatest total told; likewise */
};

enum { REFERENCE_BYTES_MAX = 4 * 1024 * 1024 };

void order_encode(const struct order *order, struct writer *writer);

/* Bytes that order_encode needs at most. */
size_t order_bytes_max(const struct order *order);

/* Decodes a row that this program wrote and whose seal was verified; CHECKs that it is whole. Lists
 * lie in the arena, with one place to spare behind the refunds. */
void order_decode(struct bytes content, struct arena *arena, struct order *out_order);

/* What a spend or a hold took from one lot. */
struct spend_part {
    struct lot lot; /* as it was before: points can come back to a lot that is used up by then */
    int64_t units;
    enum account from; /* active or lapsing */
};

struct loose_refund {
    uint64_t member;
    struct bytes refund_id;
    struct instant occurred_at;
    uint16_t currency;
    int64_t amount_minor;
};

void loose_refund_encode(const struct loose_refund *refund, struct writer *writer);
void loose_refund_decode(struct bytes content, struct loose_refund *out_refund);

/* The head of a row: what reference_is looks at. */
void reference_write_head(enum reference_kind kind, uint64_t member, struct bytes id,
                          struct writer *writer);
/* Reads a row's head and returns its id; the reader stands behind it. */
struct bytes reference_read_id(struct reader *reader);

/* True when the row is of this kind, member and id: what a candidate of the locator must answer. */
bool reference_is(struct bytes content, enum reference_kind kind, uint64_t member, struct bytes id);

#endif
