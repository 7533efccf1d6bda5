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

/* A grant of the order: one lot per currency. */
struct order_grant {
    uint8_t currency; /* slot */
    uint8_t lot_index;
    int64_t granted;
    int64_t stays;   /* what the kept lines would have earned */
    int64_t settled; /* clawed back so far */
    int64_t expires_ms;
};

struct order_refund {
    struct bytes id;
    int64_t amount_minor;
};

struct order {
    uint64_t member; /* number */
    struct bytes order_id;
    uint32_t rulebook;
    struct instant occurred_at;
    uint16_t currency;
    int64_t tender_minor;  /* paid with points and gift cards */
    int64_t unnamed_minor; /* refunded without naming a line of the order, at most what was paid */
    bool cancelled;
    uint32_t group_count;
    uint8_t
        levels[PROGRAM_GROUPS_MAX]; /* whose multiplier applied: index in the granting version */
    uint32_t grant_count;
    struct order_grant grants[PROGRAM_CURRENCIES_MAX];
    uint32_t refund_count;
    const struct order_refund *refunds; /* oldest first */
    uint32_t line_count;
    const struct event_line *lines; /* line_id, category, kind and amounts only */
    int64_t *named; /* minor units refunded by name of the line, at most what was paid;
                       NULL in a new order: nothing */
};

/* Room for one more refund and for growing numbers is the caller's: see ORDER_BYTES_MAX. */
enum { REFERENCE_BYTES_MAX = 4 * 1024 * 1024 };

void order_encode(const struct order *order, struct writer *writer);

/* Decodes a row that this program wrote and whose seal was verified; CHECKs that it is whole. Lists
 * lie in the arena, with one place to spare behind the refunds. */
void order_decode(struct bytes content, struct arena *arena, struct order *out_order);

/* What a spend or a hold took from one lot. */
struct spend_part {
    struct lot lot; /* as it was before: points can come back to a lot that is used up by then */
    int64_t units;
    enum account from; /* active or lapsing */
};

struct spend {
    uint64_t member;
    struct bytes redemption_id;
    struct instant occurred_at;
    uint8_t currency; /* slot */
    int64_t units;
    const struct spend_part *parts; /* in spend order */
    uint32_t part_count;
};

void spend_encode(const struct spend *spend, struct writer *writer);

struct loose_refund {
    uint64_t member;
    struct bytes refund_id;
    struct instant occurred_at;
    uint16_t currency;
    int64_t amount_minor;
};

void loose_refund_encode(const struct loose_refund *refund, struct writer *writer);
void loose_refund_decode(struct bytes content, struct loose_refund *out_refund);

/* True when the row is of this kind, member and id: what a candidate of the locator must answer. */
bool reference_is(struct bytes content, enum reference_kind kind, uint64_t member, struct bytes id);

#endif
