#include "engine/rules/cel_emit.h"

#include "engine/base/check.h"
#include "engine/rules/cel_parse.h"

/* A node makes at most two constants or five instructions (?: makes two, && three with its skip).
 */
enum { OPS_MAX = 5 * CEL_NODES_MAX, CONSTANTS_MAX = 2 * CEL_NODES_MAX };

struct emitter {
    struct condition_op *ops;
    struct condition_constant *constants;
    uint32_t op_count, constant_count;
};

static void emit(struct emitter *emitter, const struct cel_node *node);

/* Adds an instruction and returns its place. */
static uint32_t
add_op(struct emitter *emitter, enum condition_code code, unsigned what, unsigned first,
       uint32_t span)
{
    CHECK(emitter->op_count < OPS_MAX);
    emitter->ops[emitter->op_count] =
        (struct condition_op){(uint8_t)code, (uint8_t)what, (uint16_t)first, span};
    return emitter->op_count++;
}

static uint32_t
add_constant(struct emitter *emitter, struct condition_constant constant)
{
    CHECK(emitter->constant_count < CONSTANTS_MAX);
    emitter->constants[emitter->constant_count] = constant;
    return emitter->constant_count++;
}

/* Makes the jump at `at` go behind the last instruction. */
static void
land(struct emitter *emitter, uint32_t at)
{
    emitter->ops[at].span = emitter->op_count - 1 - at;
}

static struct condition_constant
constant_of(const struct cel_node *node)
{
    struct condition_constant constant = {.type = (enum condition_type)node->type};
    if (node->type == CEL_TYPE_TEXT) {
        constant.text = node->text;
    } else {
        constant.number = node->number;
    }
    return constant;
}

static void
emit_constant(struct emitter *emitter, struct condition_constant constant)
{
    add_op(emitter, CONDITION_OP_CONST, 0, add_constant(emitter, constant), 0);
}

/* The key of a map, written as a field or in brackets. */
static void
emit_key(struct emitter *emitter, const struct cel_node *node)
{
    if (node->kind == CEL_INDEX) {
        emit(emitter, node->second);
    } else {
        emit_constant(emitter,
                      (struct condition_constant){.type = CONDITION_TEXT, .text = node->text});
    }
}

static void
emit_in_list(struct emitter *emitter, const struct cel_node *node)
{
    emit(emitter, node->first);
    uint32_t first = node->second->count == 0 ? 0 : emitter->constant_count;
    for (const struct cel_node *each = node->second->first; each != NULL; each = each->next) {
        add_constant(emitter, constant_of(each));
    }
    add_op(emitter, CONDITION_OP_IN, node->first->type, first, node->second->count);
}

static void
emit_loop(struct emitter *emitter, const struct cel_node *node)
{
    uint32_t loop = add_op(emitter, CONDITION_OP_LOOP, (unsigned)node->number, 0, 0);
    emit(emitter, node->argument);
    uint32_t next = add_op(emitter, CONDITION_OP_NEXT, (unsigned)node->number, 0, 0);
    land(emitter, loop);
    emitter->ops[next].span = next - loop;
}

static void
emit_logic(struct emitter *emitter, const struct cel_node *node)
{
    bool is_and = node->kind == CEL_AND;
    emit(emitter, node->first);
    uint32_t skip =
        add_op(emitter, is_and ? CONDITION_OP_SKIP_IF_FALSE : CONDITION_OP_SKIP_IF_TRUE, 0, 0, 0);
    emit(emitter, node->second);
    add_op(emitter, is_and ? CONDITION_OP_AND : CONDITION_OP_OR, 0, 0, 0);
    land(emitter, skip);
}

static void
emit_choose(struct emitter *emitter, const struct cel_node *node)
{
    emit(emitter, node->first);
    uint32_t choose = add_op(emitter, CONDITION_OP_CHOOSE, 0, 0, 0);
    emit(emitter, node->second);
    uint32_t jump = add_op(emitter, CONDITION_OP_JUMP, 0, 0, 0);
    land(emitter, choose);
    emit(emitter, node->third);
    land(emitter, jump);
}

/* Nodes whose kind alone says what they do. */
static void
emit_plain(struct emitter *emitter, const struct cel_node *node)
{
    switch (node->kind) {
    case CEL_TEXT: emit_constant(emitter, constant_of(node)); return;
    case CEL_AND:
    case CEL_OR: emit_logic(emitter, node); return;
    case CEL_CHOOSE: emit_choose(emitter, node); return;
    case CEL_NOT:
    case CEL_NEGATE:
        emit(emitter, node->first);
        add_op(emitter, node->kind == CEL_NOT ? CONDITION_OP_NOT : CONDITION_OP_NEGATE, 0, 0, 0);
        return;
    case CEL_BINARY:
        emit(emitter, node->first);
        emit(emitter, node->second);
        add_op(emitter, node->operation,
               node->operation < CONDITION_OP_ADD ? (unsigned)node->first->type : 0, 0, 0);
        return;
    default: UNREACHABLE();
    }
}

static void
emit(struct emitter *emitter, const struct cel_node *node)
{
    unsigned number = (unsigned)node->number;
    switch (node->form) {
    case CEL_FORM_PLAIN: emit_plain(emitter, node); return;
    case CEL_FORM_KNOWN: emit_constant(emitter, constant_of(node)); return;
    case CEL_FORM_FIELD: add_op(emitter, CONDITION_OP_FIELD, number, node->source, 0); return;
    case CEL_FORM_COUNT: add_op(emitter, CONDITION_OP_COUNT, number, node->source, 0); return;
    case CEL_FORM_LINES: add_op(emitter, CONDITION_OP_LINES, 0, 0, 0); return;
    case CEL_FORM_LOOKUP:
        emit_key(emitter, node);
        add_op(emitter, CONDITION_OP_LOOKUP, number, node->source, 0);
        return;
    case CEL_FORM_HAS:
        emit_key(emitter, node);
        add_op(emitter, CONDITION_OP_HAS, number, node->source, 0);
        return;
    case CEL_FORM_IN_MAP:
        emit(emitter, node->first);
        add_op(emitter, CONDITION_OP_HAS, number, node->source, 0);
        return;
    case CEL_FORM_IN_LIST: emit_in_list(emitter, node); return;
    case CEL_FORM_LENGTH:
        emit(emitter, node->argument);
        add_op(emitter, CONDITION_OP_LENGTH, 0, 0, 0);
        return;
    case CEL_FORM_STARTS:
        emit(emitter, node->first);
        emit(emitter, node->argument);
        add_op(emitter, CONDITION_OP_STARTS, 0, 0, 0);
        return;
    case CEL_FORM_LOOP: emit_loop(emitter, node); return;
    }
    UNREACHABLE();
}

bool
cel_emit(const struct cel_node *root, enum condition_scope scope, struct arena *arena,
         struct condition *out_condition, struct cel_error *out_error)
{
    struct emitter emitter = {
        .ops = arena_alloc(arena, OPS_MAX * sizeof *emitter.ops),
        .constants = arena_alloc(arena, CONSTANTS_MAX * sizeof *emitter.constants),
    };
    if (emitter.ops == NULL || emitter.constants == NULL) {
        return cel_fail(out_error, CEL_TOO_MUCH, root->offset, "the condition is too long");
    }
    emit(&emitter, root);
    *out_condition = (struct condition){
        .scope = scope,
        .ops = emitter.ops,
        .op_count = emitter.op_count,
        .constants = emitter.constants,
        .constant_count = emitter.constant_count,
    };
    return true;
}
