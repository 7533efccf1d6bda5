/*
 * Conditions of rules as flat programs (semantics §9): a typed subset of CEL, compiled from text in
 * engine/rules (condition_compile.h) and evaluated here without allocation.
 *
 * Invariants:
 * 1. A decoded condition cannot go wrong: types, depth of the stack, jumps, names and cost were
 * checked when it was decoded, whoever wrote its bytes.
 * 2. Jumps go forward, but for the one that goes over the lines of the order, once, not nested: the
 * cost is bounded and known beforehand.
 * 3. Answers are CEL's, errors included: whole numbers have 64 bits and never wrap; false absorbs
 * an error in &&, true in ||, on either side; `exists` and `all` do the same over lines.
 */
#ifndef TALLYBOOK_ENGINE_CORE_CONDITION_H
#define TALLYBOOK_ENGINE_CORE_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/core/event.h"
#include "engine/core/quantity.h"

enum {
    CONDITION_FORMAT = 1,
    CONDITION_BYTES_MAX = 8192, /* of the flat program */
    CONDITION_STACK_MAX = 32,   /* values at once; a person reads no deeper */
    /* Steps at an order of EVENT_LINES_MAX lines, each with EVENT_ATTRIBUTES_MAX attributes: about
     * 0.2 s. Lets a rule by line look over the order's lines for one thing. */
    CONDITION_COST_MAX = 20 * 1000 * 1000,
};

/* All enums of this file but condition_result are persisted codes. */

enum condition_type {
    CONDITION_BOOL = 1,
    CONDITION_INT = 2,
    CONDITION_TEXT = 3,
    CONDITION_TIME = 4
};

enum condition_variable {
    CONDITION_ORDER = 1,
    CONDITION_LINE = 2,
    CONDITION_ACTIVITY = 3,
    CONDITION_SPEND = 4,
    CONDITION_MEMBER = 5,
    CONDITION_EVENT = 6,
};

/* Which variables exist: `member` and `event` always, and besides them those named. */
enum condition_scope {
    CONDITION_SCOPE_MEMBER = 1,   /* nothing else */
    CONDITION_SCOPE_ORDER = 2,    /* order */
    CONDITION_SCOPE_LINE = 3,     /* order, and line: the one at hand */
    CONDITION_SCOPE_ACTIVITY = 4, /* activity */
    CONDITION_SCOPE_SPEND = 5,    /* spend */
};

enum condition_field {
#define CONDITION_FIELD(number, code, variable, name, type, member) CONDITION_FIELD_##code = number,
#define CONDITION_MAP(number, code, variable, name, member)
#include "engine/core/condition_field.def"
#undef CONDITION_FIELD
#undef CONDITION_MAP
};

enum condition_map {
#define CONDITION_FIELD(number, code, variable, name, type, member)
#define CONDITION_MAP(number, code, variable, name, member) CONDITION_MAP_##code = number,
#include "engine/core/condition_field.def"
#undef CONDITION_FIELD
#undef CONDITION_MAP
};

/* Whose line a field or a map of `line` is read from. */
enum condition_source { CONDITION_AT_HAND = 0, CONDITION_OF_LOOP = 1 };

enum condition_loop { CONDITION_EXISTS = 1, CONDITION_ALL = 2 };

enum condition_code {
#define CONDITION_OP(number, name) CONDITION_OP_##name = number,
#include "engine/core/condition_op.def"
#undef CONDITION_OP
};

struct condition_op {
    uint8_t code; /* enum condition_code */
    uint8_t what; /* a field, map, type or loop, as the code says; else 0 */
    uint16_t first;
    uint32_t span;
};

struct condition_constant {
    enum condition_type type;
    union {
        int64_t number; /* CONDITION_BOOL: 0 or 1; CONDITION_TIME: milliseconds */
        struct bytes text;
    };
};

/** A condition that can be evaluated; immutable, any number of threads. */
struct condition {
    enum condition_scope scope;
    uint64_t cost; /* steps of the costliest event; of a line rule, over all its lines */
    const struct condition_op *ops;
    uint32_t op_count;
    const struct condition_constant *constants;
    uint32_t constant_count;
};

/* ---- The facts of one event. What was not told is empty or 0; texts are valid UTF-8. ---- */

struct condition_order {
    struct bytes order_id;
    struct bytes currency; /* "GBP" */
    struct bytes channel, store, partner;
    int64_t points_tender_minor, gift_card_minor;
    int64_t total_minor; /* amount less discount, over all lines of any kind */
    struct attributes attributes;
    const struct event_line *lines;
    uint32_t line_count;
};

struct condition_activity {
    struct bytes kind; /* "check_in", or the app-defined name */
    struct bytes reference, order_id, channel, store, partner;
    int64_t value;
    struct attributes attributes;
};

struct condition_spend {
    int64_t points; /* units of the currency spent */
    struct bytes channel, store, reward_id;
    struct attributes attributes;
};

struct condition_member {
    struct attributes tiers; /* group -> level held at occurred_at */
    struct instant enrolled_at;
    int64_t birthday_month, birthday_day; /* 0: not known */
    int64_t orders_before;                /* accepted orders so far */
};

struct condition_event {
    struct bytes kind; /* "purchase", "activity" … */
    struct instant occurred_at;
    struct bytes source;
};

/** Only the variables of the condition's scope are read. */
struct condition_facts {
    struct condition_order order;
    struct condition_activity activity;
    struct condition_spend spend;
    struct condition_member member;
    struct condition_event event;
    const struct event_line *line; /* the one at hand, in CONDITION_SCOPE_LINE */
};

enum condition_result { CONDITION_FALSE = 0, CONDITION_TRUE = 1, CONDITION_ERROR = 2 };

/** Whether a condition holds. CONDITION_ERROR (overflow, division by zero, an absent key): the rule
 * does not apply. */
enum condition_result condition_evaluate(const struct condition *condition,
                                         const struct condition_facts *facts);

/** ADD … REMAINDER of two whole numbers, exactly. False when the result leaves 64 bits or the
 * divisor is 0. */
bool condition_calculate(enum condition_code code, int64_t left, int64_t right,
                         int64_t *out_result);

/** A line's kind as conditions name it: "goods", "gift_card" … */
struct bytes condition_line_kind(enum line_kind kind);

/* ---- The flat form, described byte by byte in condition_form.c ---- */

/** Writes a condition. Fails by writer->overflow. */
void condition_encode(const struct condition *condition, struct writer *writer);

/** Reads and checks a condition; it points into `code` and the arena. FAULT_DATA when it may not be
 * evaluated or the arena is full. */
bool condition_decode(struct bytes code, struct arena *arena, struct condition *out_condition,
                      struct fault *out_fault);

/** Judges scope, operations and constants, and counts the cost (invariants 1 and 2);
 * condition->cost is not read. False, with the reason, when the condition may not be evaluated. */
bool condition_check(const struct condition *condition, uint64_t *out_cost,
                     const char **out_reason);

/* ---- What may be read ---- */

/* A field or a map. */
struct condition_name {
    enum condition_variable variable;
    enum condition_type type; /* of a field, or of the values of a map */
    const char *name;
    uint16_t offset; /* in condition_facts; of a `line`: in event_line */
};

enum { CONDITION_NUMBERS_END = 128 }; /* numbers of fields and maps are below */

/** The field of this number; NULL when there is none. */
const struct condition_name *condition_field(unsigned number);

/** The map of this number; NULL when there is none. */
const struct condition_name *condition_map(unsigned number);

/** "order", "line" … */
const char *condition_variable_name(enum condition_variable variable);

/** Whether a variable exists in a scope. */
bool condition_scope_has(enum condition_scope scope, enum condition_variable variable);

#endif
