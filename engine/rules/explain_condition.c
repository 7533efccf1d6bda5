/*
 * From a condition's flat program back to CEL: what is said is what runs. Constant parts were
 * worked out when it was compiled, and brackets stand only where they are needed. Compiled again,
 * the text gives the same program, unless it is longer than an operator may write.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/rules/explain_priv.h"
#include "engine/rules/local_time.h"

/* How strongly a part of an expression holds together, from the weakest. */
enum strength {
    STRENGTH_CHOICE = 1,
    STRENGTH_OR,
    STRENGTH_AND,
    STRENGTH_RELATION,
    STRENGTH_SUM,
    STRENGTH_PRODUCT,
    STRENGTH_UNARY,
    STRENGTH_MEMBER,
};

/* What an instruction leaves: itself, over what the instructions before it left. */
struct part {
    const struct condition_op *op;
    const struct part *first, *second, *third;
};

struct writing {
    struct explainer *explainer;
    const struct condition *condition;
    FILE *out;
};

/* The variable of a loop over lines. */
static const char loop_name[] = "each";

static const struct {
    const char *sign;
    enum strength strength;
} signs[] = {
    [CONDITION_OP_EQUAL] = {" == ", STRENGTH_RELATION},
    [CONDITION_OP_DIFFERENT] = {" != ", STRENGTH_RELATION},
    [CONDITION_OP_LESS] = {" < ", STRENGTH_RELATION},
    [CONDITION_OP_LESS_EQUAL] = {" <= ", STRENGTH_RELATION},
    [CONDITION_OP_GREATER] = {" > ", STRENGTH_RELATION},
    [CONDITION_OP_GREATER_EQUAL] = {" >= ", STRENGTH_RELATION},
    [CONDITION_OP_ADD] = {" + ", STRENGTH_SUM},
    [CONDITION_OP_SUBTRACT] = {" - ", STRENGTH_SUM},
    [CONDITION_OP_MULTIPLY] = {" * ", STRENGTH_PRODUCT},
    [CONDITION_OP_DIVIDE] = {" / ", STRENGTH_PRODUCT},
    [CONDITION_OP_REMAINDER] = {" % ", STRENGTH_PRODUCT},
    [CONDITION_OP_AND] = {" && ", STRENGTH_AND},
    [CONDITION_OP_OR] = {" || ", STRENGTH_OR},
};

/* ---- Reading ---- */

/* How many values of the stack an instruction takes. */
static unsigned
taken(const struct condition_op *op)
{
    switch (op->code) {
    case CONDITION_OP_CONST:
    case CONDITION_OP_FIELD:
    case CONDITION_OP_COUNT:
    case CONDITION_OP_LINES: return 0;
    case CONDITION_OP_LOOKUP:
    case CONDITION_OP_HAS:
    case CONDITION_OP_IN:
    case CONDITION_OP_LENGTH:
    case CONDITION_OP_NEGATE:
    case CONDITION_OP_NOT:
    case CONDITION_OP_NEXT: return 1;
    case CONDITION_OP_CHOOSE: return 3;
    default: return 2;
    }
}

/* Both parts of a choice stand on it: deeper than when it runs, but an instruction adds at most
 * one.
 */
struct stack {
    const struct part **parts; /* as many places as there are instructions */
    uint32_t depth;
};

/* Puts an instruction over what it takes. */
static void
stack_join(struct explainer *explainer, struct stack *stack, const struct condition_op *op)
{
    struct part *part = explain_room(explainer, 1, sizeof *part);
    *part = (struct part){.op = op};
    const struct part **const operands[] = {&part->first, &part->second, &part->third};
    unsigned count = taken(op);
    CHECK(stack->depth >= count);
    stack->depth -= count;
    for (unsigned i = 0; i < count; i++)
        *operands[i] = stack->parts[stack->depth + i];
    stack->parts[stack->depth++] = part;
}

/* The program was checked when it was decoded (condition.h, invariant 1): blocks lie in one another
 * and each leaves one value. A choice ends where the jump of its second part lands. */
static const struct part *
read_parts(struct explainer *explainer, const struct condition *condition)
{
    struct stack stack = {
        .parts = explain_room(explainer, condition->op_count, sizeof *stack.parts),
    };
    const struct condition_op **choices =
        explain_room(explainer, condition->op_count, sizeof *choices);
    uint32_t *ends = explain_room(explainer, condition->op_count, sizeof *ends);
    uint32_t depth = 0;
    for (uint32_t at = 0; at <= condition->op_count; at++) {
        while (depth > 0 && ends[depth - 1] == at)
            stack_join(explainer, &stack, choices[--depth]);
        if (at == condition->op_count) break;
        const struct condition_op *op = &condition->ops[at];
        switch (op->code) {
        case CONDITION_OP_SKIP_IF_FALSE:
        case CONDITION_OP_SKIP_IF_TRUE:
        case CONDITION_OP_JUMP:
        case CONDITION_OP_LOOP: break;
        case CONDITION_OP_CHOOSE: {
            uint32_t jump = at + op->span;
            choices[depth] = op;
            ends[depth++] = jump + condition->ops[jump].span + 1;
            break;
        }
        default: stack_join(explainer, &stack, op);
        }
    }
    CHECK(stack.depth == 1);
    return stack.parts[0];
}

/* ---- Writing ---- */

static void write_part(const struct writing *writing, const struct part *part,
                       enum strength at_least);

static void
write_text(const struct writing *writing, struct bytes text)
{
    fputs(word_literal(writing->explainer, text), writing->out);
}

static void
write_constant(const struct writing *writing, const struct condition_constant *constant)
{
    const struct program *program = writing->explainer->program; /* of one alone: none */
    char instant[LOCAL_TIME_TEXT_MAX];
    switch (constant->type) {
    case CONDITION_BOOL: fputs(constant->number != 0 ? "true" : "false", writing->out); return;
    case CONDITION_INT: fprintf(writing->out, "%" PRId64, constant->number); return;
    case CONDITION_TEXT: write_text(writing, constant->text); return;
    case CONDITION_TIME:
        local_time_format(program == NULL ? NULL : &program->zone,
                          (struct instant){constant->number}, instant);
        fprintf(writing->out, "timestamp(\"%s\")", instant);
        return;
    }
    UNREACHABLE();
}

static void
write_name(const struct writing *writing, const struct condition_name *name, uint16_t source)
{
    fprintf(writing->out, "%s.%s",
            source == CONDITION_OF_LOOP ? loop_name : condition_variable_name(name->variable),
            name->name);
}

static void
write_list(const struct writing *writing, const struct condition_op *op)
{
    fputs(" in [", writing->out);
    for (uint32_t i = 0; i < op->span; i++) {
        if (i != 0) fputs(", ", writing->out);
        write_constant(writing, &writing->condition->constants[op->first + i]);
    }
    fputs("]", writing->out);
}

static enum strength
strength_of(const struct writing *writing, const struct part *part)
{
    const struct condition_op *op = part->op;
    const struct condition_constant *constant;
    switch (op->code) {
    case CONDITION_OP_CONST:
        constant = &writing->condition->constants[op->first];
        return constant->type == CONDITION_INT && constant->number < 0 ? STRENGTH_UNARY
                                                                       : STRENGTH_MEMBER;
    case CONDITION_OP_HAS:
    case CONDITION_OP_IN: return STRENGTH_RELATION;
    case CONDITION_OP_NOT:
    case CONDITION_OP_NEGATE: return STRENGTH_UNARY;
    case CONDITION_OP_CHOOSE: return STRENGTH_CHOICE;
    case CONDITION_OP_FIELD:
    case CONDITION_OP_LOOKUP:
    case CONDITION_OP_COUNT:
    case CONDITION_OP_LINES:
    case CONDITION_OP_LENGTH:
    case CONDITION_OP_STARTS:
    case CONDITION_OP_NEXT: return STRENGTH_MEMBER;
    default: return signs[op->code].strength;
    }
}

/* left sign right. Comparisons do not chain; all others go from the left. */
static void
write_binary(const struct writing *writing, const struct part *part)
{
    enum strength strength = signs[part->op->code].strength;
    bool chains = strength != STRENGTH_RELATION;
    write_part(writing, part->first, chains ? strength : strength + 1);
    fputs(signs[part->op->code].sign, writing->out);
    write_part(writing, part->second, strength + 1);
}

/* Instructions that read by name. */
static void
write_reading(const struct writing *writing, const struct part *part)
{
    const struct condition_op *op = part->op;
    FILE *out = writing->out;
    switch (op->code) {
    case CONDITION_OP_FIELD: write_name(writing, condition_field(op->what), op->first); return;
    case CONDITION_OP_LOOKUP:
        write_name(writing, condition_map(op->what), op->first);
        fputs("[", out);
        write_part(writing, part->first, STRENGTH_CHOICE);
        fputs("]", out);
        return;
    case CONDITION_OP_HAS:
        write_part(writing, part->first, STRENGTH_SUM);
        fputs(" in ", out);
        write_name(writing, condition_map(op->what), op->first);
        return;
    case CONDITION_OP_COUNT:
        fputs("size(", out);
        write_name(writing, condition_map(op->what), op->first);
        fputs(")", out);
        return;
    case CONDITION_OP_LINES: fputs("size(order.lines)", out); return;
    default: UNREACHABLE();
    }
}

/* Without brackets around it. */
static void
write_bare(const struct writing *writing, const struct part *part)
{
    const struct condition_op *op = part->op;
    FILE *out = writing->out;
    switch (op->code) {
    case CONDITION_OP_CONST:
        write_constant(writing, &writing->condition->constants[op->first]);
        return;
    case CONDITION_OP_IN:
        write_part(writing, part->first, STRENGTH_SUM);
        write_list(writing, op);
        return;
    case CONDITION_OP_LENGTH:
        fputs("size(", out);
        write_part(writing, part->first, STRENGTH_CHOICE);
        fputs(")", out);
        return;
    case CONDITION_OP_STARTS:
        write_part(writing, part->first, STRENGTH_MEMBER);
        fputs(".startsWith(", out);
        write_part(writing, part->second, STRENGTH_CHOICE);
        fputs(")", out);
        return;
    case CONDITION_OP_NEGATE:
    case CONDITION_OP_NOT:
        fputs(op->code == CONDITION_OP_NOT ? "!" : "-", out);
        write_part(writing, part->first, STRENGTH_UNARY);
        return;
    case CONDITION_OP_CHOOSE:
        write_part(writing, part->first, STRENGTH_OR);
        fputs(" ? ", out);
        write_part(writing, part->second, STRENGTH_OR);
        fputs(" : ", out);
        write_part(writing, part->third, STRENGTH_CHOICE);
        return;
    case CONDITION_OP_NEXT:
        fprintf(out, "order.lines.%s(%s, ", op->what == CONDITION_EXISTS ? "exists" : "all",
                loop_name);
        write_part(writing, part->first, STRENGTH_CHOICE);
        fputs(")", out);
        return;
    case CONDITION_OP_FIELD:
    case CONDITION_OP_LOOKUP:
    case CONDITION_OP_HAS:
    case CONDITION_OP_COUNT:
    case CONDITION_OP_LINES: write_reading(writing, part); return;
    default: write_binary(writing, part);
    }
}

static void
write_part(const struct writing *writing, const struct part *part, enum strength at_least)
{
    bool brackets = strength_of(writing, part) < at_least;
    if (brackets) fputs("(", writing->out);
    write_bare(writing, part);
    if (brackets) fputs(")", writing->out);
}

const char *
word_condition(struct explainer *explainer, const struct condition *condition)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK_MSG(out != NULL, "no memory to write a condition");
    struct writing writing = {explainer, condition, out};
    write_part(&writing, read_parts(explainer, condition), STRENGTH_CHOICE);
    bool written = fclose(out) == 0;
    CHECK_MSG(written, "no memory to write a condition");
    const char *copy = word_name(explainer, bytes_of(text, size));
    free(text);
    return copy;
}
