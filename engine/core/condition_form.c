/*
 * The flat form of a condition, byte by byte. "varint" and "zigzag" as in engine/base/bytes.h,
 * "text" a varint length and that many bytes. Everything has exactly one encoding.
 *
 *   u8      CONDITION_FORMAT
 *   u8      scope
 *   varint  constants, then for each:    u8 type, then BOOL: u8 0 or 1; INT, TIME: zigzag; TEXT:
 * text varint  instructions, then for each: u8 code, u8 what, varint first, varint span
 *
 * What an instruction does not use is 0 (condition_op.def).
 *
 * The check walks the instructions once, with the types that the stack will have. Where control can
 * go two ways it opens a block, which ends where both ways meet; what runs in a block may use no
 * value from below its floor, and leaves exactly one above it, so both ways leave the same stack.
 */
#include <stddef.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"
#include "engine/core/condition.h"

enum {
    BLOCKS_MAX = 64, /* open at once; text is nested less deeply (engine/rules/cel_parse.h) */
    OP_BYTES_MIN = 4,
    CONSTANT_BYTES_MIN = 2,
};

static_assert(CONDITION_BYTES_MAX / CONSTANT_BYTES_MIN <= UINT16_MAX,
              "condition_op.first names a constant");

/* ---- The walk ---- */

enum block_kind {
    BLOCK_SKIP, /* the second operand of && or || */
    BLOCK_THEN, /* what CHOOSE does when true; ends with its JUMP */
    BLOCK_ELSE, /* what it does when false */
    BLOCK_BODY, /* what is asked of each line; ends at NEXT */
};

struct block {
    enum block_kind kind;
    uint32_t end;         /* the instruction where it is over */
    uint32_t outer_floor; /* of what is around it */
    uint8_t type;         /* BLOCK_ELSE: of the value that BLOCK_THEN left */
};

struct walk {
    const struct condition *condition;
    uint32_t at;
    uint8_t types[CONDITION_STACK_MAX];
    uint32_t depth, floor;
    struct block blocks[BLOCKS_MAX];
    uint32_t block_count;
    bool in_loop;
    uint64_t cost;
    const char *reason;
};

static bool
refuse(struct walk *walk, const char *reason)
{
    walk->reason = reason;
    return false;
}

static bool
walk_push(struct walk *walk, uint8_t type)
{
    if (walk->depth == CONDITION_STACK_MAX) return refuse(walk, "its stack is too deep");
    walk->types[walk->depth++] = type;
    return true;
}

static bool
walk_pop(struct walk *walk, uint8_t type)
{
    if (walk->depth == walk->floor) return refuse(walk, "an operand is missing");
    if (walk->types[--walk->depth] != type) return refuse(walk, "an operand has another type");
    return true;
}

/* The last instruction's successor that a block opened here may reach. */
static uint32_t
limit(const struct walk *walk)
{
    if (walk->block_count == 0) return walk->condition->op_count;
    const struct block *inner = &walk->blocks[walk->block_count - 1];
    return inner->kind == BLOCK_THEN ? inner->end - 1 : inner->end;
}

static bool
open_block(struct walk *walk, enum block_kind kind, uint64_t end, uint32_t floor)
{
    if (walk->block_count == BLOCKS_MAX) return refuse(walk, "it is nested too deeply");
    if (end > limit(walk)) return refuse(walk, "a jump leaves its block");
    walk->blocks[walk->block_count++] =
        (struct block){kind, (uint32_t)end, walk->floor, CONDITION_BOOL};
    walk->floor = floor;
    return true;
}

/* The innermost block is over: one value above its floor. */
static bool
close_block(struct walk *walk, uint8_t type)
{
    if (walk->depth != walk->floor + 1 || walk->types[walk->floor] != type) {
        return refuse(walk, "a block leaves another value");
    }
    walk->floor = walk->blocks[--walk->block_count].outer_floor;
    return true;
}

/* Whether the innermost block is of this kind and ends at an instruction. */
static bool
ends_at(const struct walk *walk, enum block_kind kind, uint32_t at)
{
    if (walk->block_count == 0) return false;
    const struct block *inner = &walk->blocks[walk->block_count - 1];
    return inner->kind == kind && inner->end == at;
}

static bool
close_ended(struct walk *walk)
{
    while (ends_at(walk, BLOCK_SKIP, walk->at) || ends_at(walk, BLOCK_ELSE, walk->at)) {
        if (!close_block(walk, walk->blocks[walk->block_count - 1].type)) return false;
    }
    return true;
}

/* ---- Instructions ---- */

/* The instruction that stands `span` after this one, or NULL. */
static const struct condition_op *
op_after(const struct walk *walk, uint32_t span)
{
    uint64_t at = (uint64_t)walk->at + span;
    return span != 0 && at < walk->condition->op_count ? &walk->condition->ops[at] : NULL;
}

static bool
walk_skip(struct walk *walk, const struct condition_op *op)
{
    uint8_t joins = op->code == CONDITION_OP_SKIP_IF_FALSE ? CONDITION_OP_AND : CONDITION_OP_OR;
    const struct condition_op *last = op_after(walk, op->span);
    if (last == NULL || last->code != joins) return refuse(walk, "a skip does not end at its join");
    return walk_pop(walk, CONDITION_BOOL) && walk_push(walk, CONDITION_BOOL) &&
           open_block(walk, BLOCK_SKIP, (uint64_t)walk->at + op->span + 1, walk->depth - 1);
}

static bool
walk_choose(struct walk *walk, const struct condition_op *op)
{
    const struct condition_op *last = op_after(walk, op->span);
    if (last == NULL || last->code != CONDITION_OP_JUMP) {
        return refuse(walk, "a choice has no second part");
    }
    return walk_pop(walk, CONDITION_BOOL) &&
           open_block(walk, BLOCK_THEN, (uint64_t)walk->at + op->span + 1, walk->depth);
}

static bool
walk_jump(struct walk *walk, const struct condition_op *op)
{
    if (!ends_at(walk, BLOCK_THEN, walk->at + 1)) return refuse(walk, "a jump without a choice");
    if (walk->depth != walk->floor + 1) return refuse(walk, "a block leaves another value");
    uint8_t type = walk->types[walk->floor];
    uint32_t floor = walk->floor;
    if (!close_block(walk, type)) return false;
    walk->depth--;
    if (op_after(walk, op->span) == NULL ||
        !open_block(walk, BLOCK_ELSE, (uint64_t)walk->at + op->span + 1, floor)) {
        return refuse(walk, "a jump leaves its block");
    }
    walk->blocks[walk->block_count - 1].type = type;
    return true;
}

static bool
walk_loop(struct walk *walk, const struct condition_op *op)
{
    const struct condition_op *next = op_after(walk, op->span);
    if (walk->in_loop) return refuse(walk, "a loop in a loop");
    if (!condition_scope_has(walk->condition->scope, CONDITION_ORDER)) {
        return refuse(walk, "a variable that its scope does not have");
    }
    if (op->what != CONDITION_EXISTS && op->what != CONDITION_ALL) {
        return refuse(walk, "an unknown loop");
    }
    if (next == NULL || next->code != CONDITION_OP_NEXT || next->what != op->what ||
        next->span != op->span) {
        return refuse(walk, "a loop does not end");
    }
    /* The loop's result is pushed where no line is, so there must be room. */
    if (walk->depth == CONDITION_STACK_MAX) return refuse(walk, "its stack is too deep");
    walk->in_loop = true;
    return open_block(walk, BLOCK_BODY, (uint64_t)walk->at + op->span, walk->depth);
}

static bool
walk_next(struct walk *walk)
{
    if (!ends_at(walk, BLOCK_BODY, walk->at)) return refuse(walk, "the end of no loop");
    walk->in_loop = false;
    return close_block(walk, CONDITION_BOOL);
}

/* Whether a field or map may be read from this source. */
static bool
walk_name(struct walk *walk, const struct condition_name *name, uint16_t source)
{
    if (name == NULL) return refuse(walk, "a name that does not exist");
    if (source == CONDITION_OF_LOOP) {
        if (!walk->in_loop || name->variable != CONDITION_LINE) {
            return refuse(walk, "a line of no loop");
        }
        return true;
    }
    if (source != CONDITION_AT_HAND ||
        !condition_scope_has(walk->condition->scope, name->variable)) {
        return refuse(walk, "a variable that its scope does not have");
    }
    return true;
}

static bool
walk_in(struct walk *walk, const struct condition_op *op)
{
    const struct condition *condition = walk->condition;
    if (op->what < CONDITION_BOOL || op->what > CONDITION_TIME) {
        return refuse(walk, "an unknown type");
    }
    if ((uint64_t)op->first + op->span > condition->constant_count) {
        return refuse(walk, "a constant that does not exist");
    }
    for (uint32_t i = 0; i < op->span; i++) {
        if (condition->constants[op->first + i].type != op->what) {
            return refuse(walk, "an operand has another type");
        }
    }
    return walk_pop(walk, op->what) && walk_push(walk, CONDITION_BOOL);
}

static bool
walk_binary(struct walk *walk, uint8_t operands, uint8_t result)
{
    return walk_pop(walk, operands) && walk_pop(walk, operands) && walk_push(walk, result);
}

static bool
walk_op(struct walk *walk, const struct condition_op *op)
{
    switch (op->code) {
    case CONDITION_OP_CONST:
        if (op->first >= walk->condition->constant_count) {
            return refuse(walk, "a constant that does not exist");
        }
        return walk_push(walk, (uint8_t)walk->condition->constants[op->first].type);
    case CONDITION_OP_FIELD:
        return walk_name(walk, condition_field(op->what), op->first) &&
               walk_push(walk, (uint8_t)condition_field(op->what)->type);
    case CONDITION_OP_LOOKUP:
    case CONDITION_OP_HAS:
        return walk_name(walk, condition_map(op->what), op->first) &&
               walk_pop(walk, CONDITION_TEXT) &&
               walk_push(walk, op->code == CONDITION_OP_HAS ? CONDITION_BOOL : CONDITION_TEXT);
    case CONDITION_OP_COUNT:
        return walk_name(walk, condition_map(op->what), op->first) &&
               walk_push(walk, CONDITION_INT);
    case CONDITION_OP_LINES:
        if (!condition_scope_has(walk->condition->scope, CONDITION_ORDER)) {
            return refuse(walk, "a variable that its scope does not have");
        }
        return walk_push(walk, CONDITION_INT);
    case CONDITION_OP_IN: return walk_in(walk, op);
    case CONDITION_OP_LENGTH:
        return walk_pop(walk, CONDITION_TEXT) && walk_push(walk, CONDITION_INT);
    case CONDITION_OP_STARTS: return walk_binary(walk, CONDITION_TEXT, CONDITION_BOOL);
    case CONDITION_OP_EQUAL:
    case CONDITION_OP_DIFFERENT:
    case CONDITION_OP_LESS:
    case CONDITION_OP_LESS_EQUAL:
    case CONDITION_OP_GREATER:
    case CONDITION_OP_GREATER_EQUAL: return walk_binary(walk, op->what, CONDITION_BOOL);
    case CONDITION_OP_ADD:
    case CONDITION_OP_SUBTRACT:
    case CONDITION_OP_MULTIPLY:
    case CONDITION_OP_DIVIDE:
    case CONDITION_OP_REMAINDER: return walk_binary(walk, CONDITION_INT, CONDITION_INT);
    case CONDITION_OP_NEGATE:
        return walk_pop(walk, CONDITION_INT) && walk_push(walk, CONDITION_INT);
    case CONDITION_OP_NOT: return walk_pop(walk, CONDITION_BOOL) && walk_push(walk, CONDITION_BOOL);
    case CONDITION_OP_AND:
    case CONDITION_OP_OR: return walk_binary(walk, CONDITION_BOOL, CONDITION_BOOL);
    case CONDITION_OP_SKIP_IF_FALSE:
    case CONDITION_OP_SKIP_IF_TRUE: return walk_skip(walk, op);
    case CONDITION_OP_CHOOSE: return walk_choose(walk, op);
    case CONDITION_OP_JUMP: return walk_jump(walk, op);
    case CONDITION_OP_LOOP: return walk_loop(walk, op);
    case CONDITION_OP_NEXT: return walk_next(walk);
    }
    return refuse(walk, "an unknown instruction");
}

/* What an instruction does not use is 0: one encoding for one program. */
static bool
operands_fit(const struct condition_op *op)
{
    bool what = false, first = false, span = false;
    switch (op->code) {
    case CONDITION_OP_CONST: first = true; break;
    case CONDITION_OP_FIELD:
    case CONDITION_OP_LOOKUP:
    case CONDITION_OP_HAS:
    case CONDITION_OP_COUNT: what = first = true; break;
    case CONDITION_OP_IN: what = first = span = true; break;
    case CONDITION_OP_EQUAL:
    case CONDITION_OP_DIFFERENT:
    case CONDITION_OP_LESS:
    case CONDITION_OP_LESS_EQUAL:
    case CONDITION_OP_GREATER:
    case CONDITION_OP_GREATER_EQUAL: what = true; break;
    case CONDITION_OP_SKIP_IF_FALSE:
    case CONDITION_OP_SKIP_IF_TRUE:
    case CONDITION_OP_CHOOSE:
    case CONDITION_OP_JUMP: span = true; break;
    case CONDITION_OP_LOOP:
    case CONDITION_OP_NEXT: what = span = true; break;
    default: break;
    }
    return (what || op->what == 0) && (first || op->first == 0) && (span || op->span == 0);
}

static uint64_t
op_cost(const struct walk *walk, const struct condition_op *op)
{
    uint64_t cost = 1;
    if (op->code == CONDITION_OP_LOOKUP || op->code == CONDITION_OP_HAS) {
        cost += EVENT_ATTRIBUTES_MAX;
    } else if (op->code == CONDITION_OP_IN) {
        cost += op->span;
    }
    return walk->in_loop ? cost * EVENT_LINES_MAX : cost;
}

bool
condition_check(const struct condition *condition, uint64_t *out_cost, const char **out_reason)
{
    struct walk walk = {.condition = condition};
    bool good =
        condition->scope >= CONDITION_SCOPE_MEMBER && condition->scope <= CONDITION_SCOPE_SPEND;
    if (!good) refuse(&walk, "an unknown scope");
    while (good && walk.at < condition->op_count) {
        const struct condition_op *op = &condition->ops[walk.at];
        walk.cost += op_cost(&walk, op); /* a LOOP itself runs once, its NEXT for each line */
        good = close_ended(&walk) &&
               (operands_fit(op) || refuse(&walk, "an operand that is not used")) &&
               walk_op(&walk, op);
        walk.at++;
    }
    good = good && close_ended(&walk);
    if (good && (walk.block_count != 0 || walk.depth != 1 || walk.types[0] != CONDITION_BOOL)) {
        good = refuse(&walk, "it does not end with one truth value");
    }
    if (condition->scope == CONDITION_SCOPE_LINE) walk.cost *= EVENT_LINES_MAX;
    if (good && walk.cost > CONDITION_COST_MAX) good = refuse(&walk, "it costs too much");
    *out_reason = walk.reason;
    if (good || walk.cost > CONDITION_COST_MAX) *out_cost = walk.cost;
    return good;
}

/* ---- Bytes ---- */

void
condition_encode(const struct condition *condition, struct writer *writer)
{
    writer_u8(writer, CONDITION_FORMAT);
    writer_u8(writer, (uint8_t)condition->scope);
    writer_varint(writer, condition->constant_count);
    for (uint32_t i = 0; i < condition->constant_count; i++) {
        const struct condition_constant *constant = &condition->constants[i];
        writer_u8(writer, (uint8_t)constant->type);
        switch (constant->type) {
        case CONDITION_BOOL: writer_u8(writer, (uint8_t)constant->number); break;
        case CONDITION_INT:
        case CONDITION_TIME: writer_zigzag(writer, constant->number); break;
        case CONDITION_TEXT: writer_prefixed(writer, constant->text); break;
        }
    }
    writer_varint(writer, condition->op_count);
    for (uint32_t i = 0; i < condition->op_count; i++) {
        writer_u8(writer, condition->ops[i].code);
        writer_u8(writer, condition->ops[i].what);
        writer_varint(writer, condition->ops[i].first);
        writer_varint(writer, condition->ops[i].span);
    }
}

static struct condition_constant
read_constant(struct reader *reader)
{
    struct condition_constant constant = {.type = (enum condition_type)reader_u8(reader)};
    switch (constant.type) {
    case CONDITION_BOOL:
        constant.number = reader_u8(reader);
        if (constant.number > 1) reader->failed = true;
        break;
    case CONDITION_INT: constant.number = reader_zigzag(reader); break;
    case CONDITION_TIME:
        constant.number = reader_zigzag(reader);
        if (constant.number < INSTANT_MIN_MS || constant.number > INSTANT_MAX_MS) {
            reader->failed = true;
        }
        break;
    case CONDITION_TEXT: constant.text = reader_prefixed(reader); break;
    default: reader->failed = true;
    }
    return constant;
}

static struct condition_op
read_op(struct reader *reader)
{
    struct condition_op op = {.code = reader_u8(reader), .what = reader_u8(reader)};
    uint64_t first = reader_varint(reader), span = reader_varint(reader);
    if (first > UINT16_MAX || span > CONDITION_BYTES_MAX) reader->failed = true;
    op.first = (uint16_t)first;
    op.span = (uint32_t)span;
    return op;
}

/* Room for `count` things of which each has at least so many bytes; NULL, with the reader failed,
 * when there cannot be so many or the arena is full. */
static void *
reserve(struct reader *reader, struct arena *arena, uint64_t count, size_t bytes_min, size_t size)
{
    void *room =
        count <= reader_left(reader) / bytes_min ? arena_alloc(arena, (size_t)count * size) : NULL;
    if (room == NULL) reader->failed = true;
    return room;
}

bool
condition_decode(struct bytes code, struct arena *arena, struct condition *out_condition,
                 struct fault *out_fault)
{
    if (code.size > CONDITION_BYTES_MAX) {
        return fault_set(out_fault, FAULT_DATA, "a condition is too large");
    }
    struct reader reader = reader_of(code);
    if (reader_u8(&reader) != CONDITION_FORMAT) {
        return fault_set(out_fault, FAULT_DATA, "a condition has an unknown format");
    }
    struct condition condition = {.scope = (enum condition_scope)reader_u8(&reader)};
    uint64_t count = reader_varint(&reader);
    struct condition_constant *constants =
        reserve(&reader, arena, count, CONSTANT_BYTES_MIN, sizeof *constants);
    for (uint64_t i = 0; i < count && !reader.failed; i++) {
        constants[i] = read_constant(&reader);
    }
    condition.constants = constants;
    condition.constant_count = (uint32_t)count;
    count = reader_varint(&reader);
    struct condition_op *ops = reserve(&reader, arena, count, OP_BYTES_MIN, sizeof *ops);
    for (uint64_t i = 0; i < count && !reader.failed; i++) {
        ops[i] = read_op(&reader);
    }
    condition.ops = ops;
    condition.op_count = (uint32_t)count;
    const char *reason;
    if (!reader_done(&reader)) {
        return fault_set(out_fault, FAULT_DATA, "a condition cannot be read");
    }
    if (!condition_check(&condition, &condition.cost, &reason)) {
        return fault_set(out_fault, FAULT_DATA, "a condition may not be evaluated: %s", reason);
    }
    *out_condition = condition;
    return true;
}
