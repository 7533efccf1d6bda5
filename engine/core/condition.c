#include "engine/core/condition.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/check.h"

/* A value of a program that was checked carries no type: the instruction knows it. */
struct value {
    bool error; /* nothing else counts then */
    union {
        int64_t number; /* bool: 0 or 1; time: milliseconds */
        struct bytes text;
    };
};

struct machine {
    const struct condition *condition;
    const struct condition_facts *facts;
    uint32_t line;     /* of the loop */
    struct value over; /* what the loop knows of the lines before */
};

static const struct value value_error = {.error = true};

static struct value
value_of(int64_t number)
{
    return (struct value){.number = number};
}

/* ---- What may be read ---- */

#define OFFSET_ORDER(member)    offsetof(struct condition_facts, member)
#define OFFSET_LINE(member)     offsetof(struct event_line, member)
#define OFFSET_ACTIVITY(member) offsetof(struct condition_facts, member)
#define OFFSET_SPEND(member)    offsetof(struct condition_facts, member)
#define OFFSET_MEMBER(member)   offsetof(struct condition_facts, member)
#define OFFSET_EVENT(member)    offsetof(struct condition_facts, member)

static const struct condition_name fields[CONDITION_NUMBERS_END] = {
#define CONDITION_FIELD(number, code, variable, name, type, member)                                \
    [number] = {CONDITION_##variable, CONDITION_##type, #name, OFFSET_##variable(member)},
#define CONDITION_MAP(number, code, variable, name, member)
#include "engine/core/condition_field.def"
#undef CONDITION_FIELD
#undef CONDITION_MAP
};

static const struct condition_name maps[CONDITION_NUMBERS_END] = {
#define CONDITION_FIELD(number, code, variable, name, type, member)
#define CONDITION_MAP(number, code, variable, name, member)                                        \
    [number] = {CONDITION_##variable, CONDITION_TEXT, #name, OFFSET_##variable(member)},
#include "engine/core/condition_field.def"
#undef CONDITION_FIELD
#undef CONDITION_MAP
};

const struct condition_name *
condition_field(unsigned number)
{
    return number < CONDITION_NUMBERS_END && fields[number].name != NULL ? &fields[number] : NULL;
}

const struct condition_name *
condition_map(unsigned number)
{
    return number < CONDITION_NUMBERS_END && maps[number].name != NULL ? &maps[number] : NULL;
}

const char *
condition_variable_name(enum condition_variable variable)
{
    switch (variable) {
    case CONDITION_ORDER: return "order";
    case CONDITION_LINE: return "line";
    case CONDITION_ACTIVITY: return "activity";
    case CONDITION_SPEND: return "spend";
    case CONDITION_MEMBER: return "member";
    case CONDITION_EVENT: return "event";
    }
    UNREACHABLE();
}

bool
condition_scope_has(enum condition_scope scope, enum condition_variable variable)
{
    switch (variable) {
    case CONDITION_ORDER: return scope == CONDITION_SCOPE_ORDER || scope == CONDITION_SCOPE_LINE;
    case CONDITION_LINE: return scope == CONDITION_SCOPE_LINE;
    case CONDITION_ACTIVITY: return scope == CONDITION_SCOPE_ACTIVITY;
    case CONDITION_SPEND: return scope == CONDITION_SCOPE_SPEND;
    case CONDITION_MEMBER:
    case CONDITION_EVENT: return true;
    }
    UNREACHABLE();
}

struct bytes
condition_line_kind(enum line_kind kind)
{
    switch (kind) {
    case LINE_GOODS: return BYTES_LITERAL("goods");
    case LINE_SHIPPING: return BYTES_LITERAL("shipping");
    case LINE_TAX: return BYTES_LITERAL("tax");
    case LINE_FEE: return BYTES_LITERAL("fee");
    case LINE_GIFT_CARD: return BYTES_LITERAL("gift_card");
    }
    UNREACHABLE();
}

/* ---- Reading constants and facts ---- */

static struct value
constant_value(const struct condition_constant *constant)
{
    if (constant->type == CONDITION_TEXT) return (struct value){.text = constant->text};
    return value_of(constant->number);
}

static const struct event_line *
source_line(const struct machine *machine, uint16_t source)
{
    return source == CONDITION_OF_LOOP ? &machine->facts->order.lines[machine->line]
                                       : machine->facts->line;
}

static struct value
read_field(const struct machine *machine, const struct condition_op *op)
{
    const struct condition_name *name = &fields[op->what];
    const void *base = machine->facts;
    if (name->variable == CONDITION_LINE) {
        const struct event_line *line = source_line(machine, op->first);
        if (op->what == CONDITION_FIELD_LINE_KIND) {
            return (struct value){.text = condition_line_kind(line->kind)};
        }
        base = line;
    }
    const uint8_t *place = (const uint8_t *)base + name->offset;
    struct value value = {.error = false};
    if (name->type == CONDITION_TEXT) {
        memcpy(&value.text, place, sizeof value.text);
    } else {
        memcpy(&value.number, place, sizeof value.number);
    }
    return value;
}

static_assert(sizeof(struct instant) == sizeof(int64_t), "read_field copies instants as numbers");

static struct attributes
read_map(const struct machine *machine, const struct condition_op *op)
{
    const struct condition_name *name = &maps[op->what];
    const void *base = machine->facts;
    if (name->variable == CONDITION_LINE) base = source_line(machine, op->first);
    struct attributes attributes;
    memcpy(&attributes, (const uint8_t *)base + name->offset, sizeof attributes);
    return attributes;
}

/* NULL when the key is absent. */
static const struct attribute *
find_key(struct attributes attributes, struct bytes key)
{
    for (uint32_t i = 0; i < attributes.count; i++) {
        if (bytes_equal(attributes.items[i].key, key)) return &attributes.items[i];
    }
    return NULL;
}

/* ---- Instructions ---- */

static void
look_up(const struct machine *machine, const struct condition_op *op, struct value *key)
{
    if (key->error) return;
    const struct attribute *found = find_key(read_map(machine, op), key->text);
    if (op->code == CONDITION_OP_HAS) {
        *key = value_of(found != NULL);
    } else {
        *key = found == NULL ? value_error : (struct value){.text = found->value};
    }
}

static void
is_one_of(const struct machine *machine, const struct condition_op *op, struct value *value)
{
    if (value->error) return;
    const struct condition_constant *constants = machine->condition->constants + op->first;
    bool found = false;
    for (uint32_t i = 0; i < op->span && !found; i++) {
        found = op->what == CONDITION_TEXT ? bytes_equal(value->text, constants[i].text)
                                           : value->number == constants[i].number;
    }
    *value = value_of(found);
}

/* The number of characters: bytes of UTF-8 that begin one. */
static int64_t
text_length(struct bytes text)
{
    int64_t length = 0;
    for (size_t i = 0; i < text.size; i++) {
        length += (text.data[i] & 0xc0) != 0x80;
    }
    return length;
}

static bool
compare(const struct condition_op *op, const struct value *left, const struct value *right)
{
    int order;
    if (op->what == CONDITION_TEXT) {
        order = bytes_compare(left->text, right->text); /* UTF-8 sorts as its characters do */
    } else {
        order = (left->number > right->number) - (left->number < right->number);
    }
    switch (op->code) {
    case CONDITION_OP_EQUAL: return order == 0;
    case CONDITION_OP_DIFFERENT: return order != 0;
    case CONDITION_OP_LESS: return order < 0;
    case CONDITION_OP_LESS_EQUAL: return order <= 0;
    case CONDITION_OP_GREATER: return order > 0;
    case CONDITION_OP_GREATER_EQUAL: return order >= 0;
    }
    UNREACHABLE();
}

bool
condition_calculate(enum condition_code code, int64_t left, int64_t right, int64_t *out_result)
{
    int64_t result = 0;
    bool out_of_range = right == 0;
    switch (code) {
    case CONDITION_OP_ADD: out_of_range = __builtin_add_overflow(left, right, &result); break;
    case CONDITION_OP_SUBTRACT: out_of_range = __builtin_sub_overflow(left, right, &result); break;
    case CONDITION_OP_MULTIPLY: out_of_range = __builtin_mul_overflow(left, right, &result); break;
    case CONDITION_OP_DIVIDE:
        if (right == -1) out_of_range = left == INT64_MIN;
        if (!out_of_range) result = left / right;
        break;
    case CONDITION_OP_REMAINDER:
        /* The least number by -1 leaves nothing, though the machine's division would trap. */
        if (!out_of_range && right != -1) result = left % right;
        break;
    default: UNREACHABLE();
    }
    if (out_of_range) return false;
    *out_result = result;
    return true;
}

static struct value
calculate(enum condition_code code, struct value left, struct value right)
{
    int64_t result;
    return condition_calculate(code, left.number, right.number, &result) ? value_of(result)
                                                                         : value_error;
}

/* AND where `decides` is 0, OR where it is 1: the value that decides does so on either side of an
 * error. */
static struct value
join(struct value left, struct value right, int64_t decides)
{
    if (!left.error && left.number == decides) return left;
    if (!right.error && right.number == decides) return right;
    return left.error ? left : right;
}

/* Instructions with two operands; the result takes the left one's place. */
static void
combine(const struct condition_op *op, struct value *left, const struct value *right)
{
    if (op->code == CONDITION_OP_AND || op->code == CONDITION_OP_OR) {
        *left = join(*left, *right, op->code == CONDITION_OP_OR);
    } else if (left->error || right->error) {
        *left = value_error;
    } else if (op->code == CONDITION_OP_STARTS) {
        *left = value_of(bytes_start_with(left->text, right->text));
    } else if (op->code >= CONDITION_OP_ADD && op->code <= CONDITION_OP_REMAINDER) {
        *left = calculate((enum condition_code)op->code, *left, *right);
    } else {
        *left = value_of(compare(op, left, right));
    }
}

/* Instructions with one operand, which the result replaces. */
static void
convert(const struct condition_op *op, struct value *value)
{
    if (value->error) return;
    switch (op->code) {
    case CONDITION_OP_LENGTH: value->number = text_length(value->text); break;
    case CONDITION_OP_NOT: value->number = !value->number; break;
    case CONDITION_OP_NEGATE: *value = calculate(CONDITION_OP_SUBTRACT, value_of(0), *value); break;
    default: UNREACHABLE();
    }
}

/* Where a loop begins: the end of the loop when there is no line. */
static const struct condition_op *
begin_loop(struct machine *machine, const struct condition_op *op, struct value **top)
{
    machine->line = 0;
    machine->over = value_of(op->what == CONDITION_ALL);
    if (machine->facts->order.line_count != 0) return op;
    *++*top = machine->over;
    return op + op->span;
}

/* A loop ends with its last line or the first that decides, which an error does not. */
static const struct condition_op *
next_line(struct machine *machine, const struct condition_op *op, struct value **top)
{
    int64_t decides = op->what == CONDITION_EXISTS;
    machine->over = join(machine->over, **top, decides);
    bool decided = !machine->over.error && machine->over.number == decides;
    if (decided || ++machine->line == machine->facts->order.line_count) {
        **top = machine->over;
        return op;
    }
    --*top;
    return op - op->span;
}

/* An error chooses neither part: it becomes the result. */
static const struct condition_op *
choose(const struct condition_op *op, struct value **top)
{
    const struct value *chooser = *top;
    if (chooser->error) return op + op->span + op[op->span].span;
    --*top;
    return chooser->number ? op : op + op->span;
}

static enum condition_result
result_of(const struct value *value)
{
    if (value->error) return CONDITION_ERROR;
    return value->number ? CONDITION_TRUE : CONDITION_FALSE;
}

enum condition_result
condition_evaluate(const struct condition *condition, const struct condition_facts *facts)
{
    struct machine machine = {.condition = condition, .facts = facts};
    struct value stack[1 + CONDITION_STACK_MAX]; /* the first is below the stack */
    struct value *top = stack;
    const struct condition_op *end = condition->ops + condition->op_count;
    for (const struct condition_op *op = condition->ops; op < end; op++) {
        switch (op->code) {
        case CONDITION_OP_CONST: *++top = constant_value(&condition->constants[op->first]); break;
        case CONDITION_OP_FIELD: *++top = read_field(&machine, op); break;
        case CONDITION_OP_COUNT: *++top = value_of(read_map(&machine, op).count); break;
        case CONDITION_OP_LINES: *++top = value_of(facts->order.line_count); break;
        case CONDITION_OP_LOOKUP:
        case CONDITION_OP_HAS: look_up(&machine, op, top); break;
        case CONDITION_OP_IN: is_one_of(&machine, op, top); break;
        case CONDITION_OP_LENGTH:
        case CONDITION_OP_NOT:
        case CONDITION_OP_NEGATE: convert(op, top); break;
        case CONDITION_OP_SKIP_IF_FALSE:
            if (result_of(top) == CONDITION_FALSE) op += op->span;
            break;
        case CONDITION_OP_SKIP_IF_TRUE:
            if (result_of(top) == CONDITION_TRUE) op += op->span;
            break;
        case CONDITION_OP_CHOOSE: op = choose(op, &top); break;
        case CONDITION_OP_JUMP: op += op->span; break;
        case CONDITION_OP_LOOP: op = begin_loop(&machine, op, &top); break;
        case CONDITION_OP_NEXT: op = next_line(&machine, op, &top); break;
        default: top--; combine(op, top, top + 1);
        }
    }
    CHECK(top == stack + 1);
    return result_of(top);
}
