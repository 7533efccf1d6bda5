#include "engine/rules/cel_check.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/core/calendar.h"
#include "engine/rules/diagnostics.h"

enum {
    SHOWN_BYTES = 40,
    CANDIDATES_MAX = 64,
};

struct checker {
    enum condition_scope scope;
    bool in_loop;
    struct bytes loop_name; /* of the line of the loop */
    struct cel_error *error;
};

static bool check(struct checker *checker, struct cel_node *node);

static int
shown(struct bytes text)
{
    return (int)(text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES);
}

static bool
fail(struct checker *checker, enum cel_error_kind kind, const struct cel_node *node,
     const char *message)
{
    return cel_fail(checker->error, kind, node->offset, "%s", message);
}

static const char *
type_name(enum cel_type type)
{
    switch (type) {
    case CEL_TYPE_BOOL: return "true or false";
    case CEL_TYPE_INT: return "a whole number";
    case CEL_TYPE_TEXT: return "a text";
    case CEL_TYPE_TIME: return "an instant";
    case CEL_TYPE_VARIABLE: return "several facts";
    case CEL_TYPE_LINES: return "a list of lines";
    case CEL_TYPE_MAP: return "a map";
    case CEL_TYPE_LIST: return "a list";
    }
    UNREACHABLE();
}

/* How a value of a type is written, or made of others. */
static const char *
type_hint(enum cel_type wanted)
{
    switch (wanted) {
    case CEL_TYPE_BOOL: return "compare it with something: == != < <= > >=, or use has(…)";
    case CEL_TYPE_INT: return "a number stands without quotes; size(…) is the length of a text";
    case CEL_TYPE_TIME: return "an instant is written timestamp(\"2026-01-31T00:00:00Z\")";
    default: return "a text stands in quotes: \"gold\"";
    }
}

static bool
is_value(enum cel_type type)
{
    return type <= CEL_TYPE_TIME;
}

/* ---- Values ---- */

/* The operand is a value of any type. */
static bool
check_value(struct checker *checker, struct cel_node *node)
{
    if (!check(checker, node)) return false;
    if (is_value(node->type)) return true;
    cel_fail(checker->error, CEL_TYPE, node->offset, "%s is no value by itself",
             type_name(node->type));
    switch (node->type) {
    case CEL_TYPE_VARIABLE: return cel_hint(checker->error, "name one of its fields");
    case CEL_TYPE_LINES: return cel_hint(checker->error, "use exists, all or size");
    case CEL_TYPE_MAP: return cel_hint(checker->error, "name a key: .key or [\"key\"]");
    default: return cel_hint(checker->error, "lists stand to the right of 'in'");
    }
}

/* A value that was checked is of one type. */
static bool
require(struct checker *checker, const struct cel_node *node, enum cel_type type, const char *where)
{
    if (node->type == type) return true;
    cel_fail(checker->error, CEL_TYPE, node->offset, "%s needs %s; this is %s", where,
             type_name(type), type_name(node->type));
    return cel_hint(checker->error, "%s", type_hint(type));
}

static bool
check_operand(struct checker *checker, struct cel_node *node, enum cel_type type, const char *where)
{
    return check_value(checker, node) && require(checker, node, type, where);
}

/* ---- Names ---- */

/* "did you mean" among candidates; nothing where none is near. */
static bool
hint_nearest(struct checker *checker, struct bytes written, const char *const *candidates,
             size_t count)
{
    const char *nearest = suggest_nearest(written, candidates, count);
    return nearest == NULL ? false : cel_hint(checker->error, "did you mean '%s'?", nearest);
}

static const char *const scope_variables[] = {
    [CONDITION_SCOPE_MEMBER] = "member, event",
    [CONDITION_SCOPE_ORDER] = "order, member, event",
    [CONDITION_SCOPE_LINE] = "line, order, member, event",
    [CONDITION_SCOPE_ACTIVITY] = "activity, member, event",
    [CONDITION_SCOPE_SPEND] = "spend, member, event",
};

static bool
check_name(struct checker *checker, struct cel_node *node)
{
    node->type = CEL_TYPE_VARIABLE;
    if (checker->in_loop && bytes_equal(node->text, checker->loop_name)) {
        node->variable = CONDITION_LINE;
        node->source = CONDITION_OF_LOOP;
        return true;
    }
    const char *candidates[CONDITION_EVENT];
    size_t count = 0;
    for (unsigned i = CONDITION_ORDER; i <= CONDITION_EVENT; i++) {
        enum condition_variable variable = (enum condition_variable)i;
        const char *name = condition_variable_name(variable);
        bool here = condition_scope_has(checker->scope, variable);
        if (here) candidates[count++] = name;
        if (!bytes_equal(node->text, bytes_from_cstr(name))) continue;
        if (!here) {
            cel_fail(checker->error, CEL_UNKNOWN, node->offset, "there is no '%s' here", name);
            return cel_hint(checker->error, "this kind of rule knows %s",
                            scope_variables[checker->scope]);
        }
        node->variable = variable;
        node->source = CONDITION_AT_HAND;
        return true;
    }
    cel_fail(checker->error, CEL_UNKNOWN, node->offset, "unknown name '%.*s'", shown(node->text),
             (const char *)node->text.data);
    return hint_nearest(checker, node->text, candidates, count);
}

/* The field of a variable: order.store, order.lines, line.attributes. */
static bool
check_field(struct checker *checker, struct cel_node *node)
{
    enum condition_variable variable = node->first->variable;
    const char *candidates[CANDIDATES_MAX];
    size_t count = 0;
    node->source = node->first->source;
    for (unsigned i = 0; i < 2 * CONDITION_NUMBERS_END; i++) {
        bool is_map = i >= CONDITION_NUMBERS_END;
        unsigned number = i % CONDITION_NUMBERS_END;
        const struct condition_name *name =
            is_map ? condition_map(number) : condition_field(number);
        if (name == NULL || name->variable != variable) continue;
        if (count < CANDIDATES_MAX) candidates[count++] = name->name;
        if (!bytes_equal(node->text, bytes_from_cstr(name->name))) continue;
        node->type = is_map ? CEL_TYPE_MAP : (enum cel_type)name->type;
        node->form = CEL_FORM_FIELD;
        node->number = number;
        return true;
    }
    if (variable == CONDITION_ORDER) {
        node->type = CEL_TYPE_LINES;
        if (bytes_equal(node->text, BYTES_LITERAL("lines"))) return true;
        candidates[count++] = "lines";
    }
    cel_fail(checker->error, CEL_UNKNOWN, node->offset, "'%s' has no field '%.*s'",
             condition_variable_name(variable), shown(node->text), (const char *)node->text.data);
    return hint_nearest(checker, node->text, candidates, count);
}

/* A key of a map, as a field or in brackets. */
static bool
look_up(struct cel_node *node)
{
    node->form = CEL_FORM_LOOKUP;
    node->type = CEL_TYPE_TEXT;
    node->number = node->first->number;
    node->source = node->first->source;
    return true;
}

static bool
check_select(struct checker *checker, struct cel_node *node)
{
    if (!check(checker, node->first)) return false;
    if (node->first->type == CEL_TYPE_VARIABLE) return check_field(checker, node);
    if (node->first->type == CEL_TYPE_MAP) return look_up(node);
    return cel_fail(checker->error, CEL_TYPE, node->offset, "%s has no field '%.*s'",
                    type_name(node->first->type), shown(node->text), (const char *)node->text.data);
}

static bool
check_index(struct checker *checker, struct cel_node *node)
{
    if (!check(checker, node->first)) return false;
    switch (node->first->type) {
    case CEL_TYPE_MAP:
        return check_operand(checker, node->second, CEL_TYPE_TEXT, "a key") && look_up(node);
    case CEL_TYPE_LINES:
    case CEL_TYPE_LIST:
        fail(checker, CEL_OUTSIDE, node, "conditions take nothing from a list by its number");
        return cel_hint(checker->error, "use exists or all");
    default:
        return cel_fail(checker->error, CEL_TYPE, node->offset, "%s has no keys",
                        type_name(node->first->type));
    }
}

/* ---- Operators ---- */

static bool
check_not(struct checker *checker, struct cel_node *node)
{
    node->type = CEL_TYPE_BOOL;
    return check_operand(checker, node->first, CEL_TYPE_BOOL, "'!'");
}

/* What certainly cannot be calculated, whatever the event. */
static bool
refuse_result(struct checker *checker, const struct cel_node *node, bool divides)
{
    if (divides) {
        fail(checker, CEL_CONSTANT, node, "this divides by zero");
        return cel_hint(checker->error, "write another divisor: an event would never pass here");
    }
    fail(checker, CEL_CONSTANT, node, "this leaves 64 bits");
    return cel_hint(checker->error, "whole numbers go from -9223372036854775808 to "
                                    "9223372036854775807");
}

static bool
check_negate(struct checker *checker, struct cel_node *node)
{
    node->type = CEL_TYPE_INT;
    if (!check_operand(checker, node->first, CEL_TYPE_INT, "'-'")) return false;
    if (node->first->form != CEL_FORM_KNOWN) return true;
    node->form = CEL_FORM_KNOWN;
    if (condition_calculate(CONDITION_OP_SUBTRACT, 0, node->first->number, &node->number)) {
        return true;
    }
    return refuse_result(checker, node, false);
}

static bool
check_logic(struct checker *checker, struct cel_node *node)
{
    const char *name = node->kind == CEL_AND ? "'&&'" : "'||'";
    node->type = CEL_TYPE_BOOL;
    return check_operand(checker, node->first, CEL_TYPE_BOOL, name) &&
           check_operand(checker, node->second, CEL_TYPE_BOOL, name);
}

static bool
check_arithmetic(struct checker *checker, struct cel_node *node)
{
    const struct cel_node *left = node->first, *right = node->second;
    bool divides =
        node->operation == CONDITION_OP_DIVIDE || node->operation == CONDITION_OP_REMAINDER;
    node->type = CEL_TYPE_INT;
    if (!check_value(checker, node->first) || !check_value(checker, node->second)) return false;
    if (left->type == CEL_TYPE_TEXT && node->operation == CONDITION_OP_ADD) {
        return fail(checker, CEL_OUTSIDE, node, "conditions do not join texts with '+'");
    }
    if (left->type == CEL_TYPE_TIME || right->type == CEL_TYPE_TIME) {
        fail(checker, CEL_OUTSIDE, node, "conditions do not calculate with instants");
        return cel_hint(checker->error, "compare instants: < <= > >=");
    }
    if (!require(checker, left, CEL_TYPE_INT, "arithmetic") ||
        !require(checker, right, CEL_TYPE_INT, "arithmetic")) {
        return false;
    }
    if (right->form != CEL_FORM_KNOWN) return true;
    if (divides && right->number == 0) return refuse_result(checker, node, true);
    if (left->form != CEL_FORM_KNOWN) return true;
    node->form = CEL_FORM_KNOWN;
    return condition_calculate(node->operation, left->number, right->number, &node->number) ||
           refuse_result(checker, node, false);
}

static bool
check_same_type(struct checker *checker, const struct cel_node *node, const struct cel_node *left,
                const struct cel_node *right)
{
    if (left->type == right->type) return true;
    cel_fail(checker->error, CEL_TYPE, node->offset, "%s does not go with %s",
             type_name(left->type), type_name(right->type));
    if (left->type == CEL_TYPE_BOOL || right->type == CEL_TYPE_BOOL)
        return cel_hint(checker->error, "true and false stand by themselves, without quotes");
    bool left_is_constant = left->form == CEL_FORM_KNOWN || left->kind == CEL_TEXT;
    return cel_hint(checker->error, "%s", type_hint(left_is_constant ? right->type : left->type));
}

static bool
check_binary(struct checker *checker, struct cel_node *node)
{
    if (node->operation >= CONDITION_OP_ADD) return check_arithmetic(checker, node);
    node->type = CEL_TYPE_BOOL;
    return check_value(checker, node->first) && check_value(checker, node->second) &&
           check_same_type(checker, node, node->first, node->second);
}

static bool
check_list(struct checker *checker, struct cel_node *node)
{
    node->type = CEL_TYPE_LIST;
    node->count = 0;
    for (struct cel_node *each = node->first; each != NULL; each = each->next) {
        if (!check_value(checker, each)) return false;
        bool constant = each->kind == CEL_NUMBER || each->kind == CEL_TRUTH ||
                        each->kind == CEL_TEXT ||
                        (each->kind == CEL_CALL && each->form == CEL_FORM_KNOWN);
        if (!constant) {
            fail(checker, CEL_OUTSIDE, each, "a list holds constants only");
            return cel_hint(checker->error, "compare with == and join with ||");
        }
        if (each->type != node->first->type) {
            cel_fail(checker->error, CEL_TYPE, each->offset, "a list holds one type; this is %s",
                     type_name(each->type));
            return cel_hint(checker->error, "%s", type_hint(node->first->type));
        }
        node->count++;
    }
    return true;
}

static bool
check_in(struct checker *checker, struct cel_node *node)
{
    node->type = CEL_TYPE_BOOL;
    if (!check_value(checker, node->first) || !check(checker, node->second)) return false;
    const struct cel_node *right = node->second;
    switch (right->type) {
    case CEL_TYPE_LIST:
        node->form = CEL_FORM_IN_LIST;
        return right->count == 0 || check_same_type(checker, node, node->first, right->first);
    case CEL_TYPE_MAP:
        node->form = CEL_FORM_IN_MAP;
        node->number = right->number;
        node->source = right->source;
        return require(checker, node->first, CEL_TYPE_TEXT, "a key");
    case CEL_TYPE_LINES:
        fail(checker, CEL_OUTSIDE, node, "no line can be written to look for with 'in'");
        return cel_hint(checker->error, "order.lines.exists(l, l.sku == \"…\")");
    default:
        cel_fail(checker->error, CEL_TYPE, node->offset, "'in' needs a list or a map; this is %s",
                 type_name(right->type));
        return cel_hint(checker->error, "a list is written [\"a\", \"b\"]");
    }
}

static bool
check_choose(struct checker *checker, struct cel_node *node)
{
    if (!check_operand(checker, node->first, CEL_TYPE_BOOL, "'?'") ||
        !check_value(checker, node->second) || !check_value(checker, node->third) ||
        !check_same_type(checker, node, node->second, node->third)) {
        return false;
    }
    node->type = node->second->type;
    return true;
}

/* ---- Functions ---- */

static bool
check_has(struct checker *checker, struct cel_node *node, struct cel_node *argument)
{
    node->type = CEL_TYPE_BOOL;
    if (argument->kind != CEL_SELECT) {
        fail(checker, CEL_SYNTAX, node, "has() asks for one key of a map");
        return cel_hint(checker->error, "has(order.attributes.gift), or \"gift\" in "
                                        "order.attributes");
    }
    if (!check_select(checker, argument)) return false;
    if (argument->form != CEL_FORM_LOOKUP) {
        fail(checker, CEL_OUTSIDE, node, "has() asks for keys of maps; fields are always there");
        return cel_hint(checker->error,
                        "compare with \"\" or 0, which stand for what was not told");
    }
    node->form = CEL_FORM_HAS;
    node->number = argument->number;
    node->source = argument->source;
    node->text = argument->text;
    return true;
}

static bool
check_size(struct checker *checker, struct cel_node *node, struct cel_node *argument)
{
    if (!check(checker, argument)) return false;
    node->type = CEL_TYPE_INT;
    node->argument = argument;
    node->number = argument->number;
    node->source = argument->source;
    switch (argument->type) {
    case CEL_TYPE_TEXT: node->form = CEL_FORM_LENGTH; return true;
    case CEL_TYPE_MAP: node->form = CEL_FORM_COUNT; return true;
    case CEL_TYPE_LINES: node->form = CEL_FORM_LINES; return true;
    case CEL_TYPE_LIST:
        node->form = CEL_FORM_KNOWN;
        node->number = argument->count;
        return true;
    default:
        cel_fail(checker->error, CEL_TYPE, node->offset, "%s has no size",
                 type_name(argument->type));
        return cel_hint(checker->error, "texts, lists and maps have one");
    }
}

static bool
check_starts(struct checker *checker, struct cel_node *node, struct cel_node *argument)
{
    node->type = CEL_TYPE_BOOL;
    node->form = CEL_FORM_STARTS;
    node->argument = argument;
    return check_operand(checker, node->first, CEL_TYPE_TEXT, "startsWith") &&
           check_operand(checker, argument, CEL_TYPE_TEXT, "startsWith");
}

static bool
check_timestamp(struct checker *checker, struct cel_node *node, struct cel_node *argument)
{
    if (argument->kind != CEL_TEXT) {
        fail(checker, CEL_OUTSIDE, node, "timestamp() takes a text in quotes");
        return cel_hint(checker->error, "timestamp(\"2026-11-11T00:00:00Z\")");
    }
    struct instant instant;
    enum instant_status status = instant_parse(argument->text, &instant);
    if (status != INSTANT_OK) {
        return cel_fail(checker->error, CEL_CONSTANT, argument->offset, "the instant %s",
                        instant_status_text(status));
    }
    node->type = CEL_TYPE_TIME;
    node->form = CEL_FORM_KNOWN;
    node->number = instant.ms;
    return true;
}

static bool
check_loop(struct checker *checker, struct cel_node *node, enum condition_loop loop)
{
    const char *name = loop == CONDITION_EXISTS ? "exists" : "all";
    struct cel_node *variable = node->second;
    if (!check(checker, node->first)) return false;
    if (node->first->type != CEL_TYPE_LINES) {
        cel_fail(checker->error, CEL_OUTSIDE, node->offset, "%s goes over order.lines only", name);
        return cel_hint(checker->error, "order.lines.%s(l, l.brand == \"acme\")", name);
    }
    if (variable->kind != CEL_NAME) {
        cel_fail(checker->error, CEL_SYNTAX, variable->offset, "%s needs a name for the line",
                 name);
        return cel_hint(checker->error, "order.lines.%s(l, l.brand == \"acme\")", name);
    }
    if (checker->in_loop) {
        fail(checker, CEL_OUTSIDE, node, "conditions have no loop over lines in another");
        return cel_hint(checker->error, "what it costs grows with the square of the lines");
    }
    node->type = CEL_TYPE_BOOL;
    node->form = CEL_FORM_LOOP;
    node->number = loop;
    node->argument = variable->next;
    checker->in_loop = true;
    checker->loop_name = variable->text;
    bool good = check_operand(checker, node->argument, CEL_TYPE_BOOL, name);
    checker->in_loop = false;
    return good;
}

enum function {
    FUNCTION_HAS,
    FUNCTION_SIZE,
    FUNCTION_STARTS,
    FUNCTION_TIMESTAMP,
    FUNCTION_EXISTS,
    FUNCTION_ALL,
};

static const struct {
    const char *name;
    enum function function;
    bool of_target; /* written target.name(…) */
    unsigned arguments;
    const char *usage;
} functions[] = {
    {"has", FUNCTION_HAS, false, 1, "has(order.attributes.key)"},
    {"size", FUNCTION_SIZE, false, 1, "size(order.lines)"},
    {"size", FUNCTION_SIZE, true, 0, "order.lines.size()"},
    {"startsWith", FUNCTION_STARTS, true, 1, "order.store.startsWith(\"…\")"},
    {"timestamp", FUNCTION_TIMESTAMP, false, 1, "timestamp(\"2026-11-11T00:00:00Z\")"},
    {"exists", FUNCTION_EXISTS, true, 2, "order.lines.exists(l, l.brand == \"acme\")"},
    {"all", FUNCTION_ALL, true, 2, "order.lines.all(l, l.kind == \"goods\")"},
};

/* CEL's own functions that the subset has not: known, so that they are refused by what they are. */
static const char *const other_functions[] = {
    "bool",         "bytes",       "contains", "double",          "duration",      "dyn",
    "endsWith",     "exists_one",  "filter",   "getDate",         "getDayOfMonth", "getDayOfWeek",
    "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes",    "getMonth",
    "getSeconds",   "int",         "map",      "matches",         "string",        "type",
    "uint",
};

static bool
refuse_function(struct checker *checker, const struct cel_node *node)
{
    for (size_t i = 0; i < sizeof other_functions / sizeof *other_functions; i++) {
        if (!bytes_equal(node->text, bytes_from_cstr(other_functions[i]))) continue;
        cel_fail(checker->error, CEL_OUTSIDE, node->offset, "conditions do not have %s()",
                 other_functions[i]);
        if (strncmp(other_functions[i], "get", 3) == 0) {
            return cel_hint(checker->error, "days and hours are keys of campaigns, in their zone");
        }
        return cel_hint(checker->error, "functions: has size startsWith timestamp exists all");
    }
    const char *candidates[sizeof functions / sizeof *functions];
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        candidates[i] = functions[i].name;
    }
    cel_fail(checker->error, CEL_UNKNOWN, node->offset, "unknown function '%.*s'",
             shown(node->text), (const char *)node->text.data);
    cel_hint(checker->error, "functions: has size startsWith timestamp exists all");
    return hint_nearest(checker, node->text, candidates, sizeof candidates / sizeof *candidates);
}

static bool
check_call(struct checker *checker, struct cel_node *node)
{
    unsigned arguments = 0;
    for (const struct cel_node *each = node->second; each != NULL; each = each->next) {
        arguments++;
    }
    const char *usage = NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (!bytes_equal(node->text, bytes_from_cstr(functions[i].name))) continue;
        if (usage == NULL) usage = functions[i].usage;
        if (functions[i].of_target != (node->first != NULL)) continue;
        if (functions[i].arguments != arguments) continue;
        switch (functions[i].function) {
        case FUNCTION_HAS: return check_has(checker, node, node->second);
        case FUNCTION_SIZE:
            return check_size(checker, node, node->first ? node->first : node->second);
        case FUNCTION_STARTS: return check_starts(checker, node, node->second);
        case FUNCTION_TIMESTAMP: return check_timestamp(checker, node, node->second);
        case FUNCTION_EXISTS: return check_loop(checker, node, CONDITION_EXISTS);
        case FUNCTION_ALL: return check_loop(checker, node, CONDITION_ALL);
        }
    }
    if (usage == NULL) return refuse_function(checker, node);
    cel_fail(checker->error, CEL_TYPE, node->offset, "%.*s() is not written so", shown(node->text),
             (const char *)node->text.data);
    return cel_hint(checker->error, "%s", usage);
}

static bool
check(struct checker *checker, struct cel_node *node)
{
    switch (node->kind) {
    case CEL_NUMBER:
        node->type = CEL_TYPE_INT;
        node->form = CEL_FORM_KNOWN;
        return true;
    case CEL_TRUTH:
        node->type = CEL_TYPE_BOOL;
        node->form = CEL_FORM_KNOWN;
        return true;
    case CEL_TEXT: node->type = CEL_TYPE_TEXT; return true;
    case CEL_LIST: return check_list(checker, node);
    case CEL_NAME: return check_name(checker, node);
    case CEL_SELECT: return check_select(checker, node);
    case CEL_INDEX: return check_index(checker, node);
    case CEL_CALL: return check_call(checker, node);
    case CEL_NEGATE: return check_negate(checker, node);
    case CEL_NOT: return check_not(checker, node);
    case CEL_AND:
    case CEL_OR: return check_logic(checker, node);
    case CEL_BINARY: return check_binary(checker, node);
    case CEL_IN: return check_in(checker, node);
    case CEL_CHOOSE: return check_choose(checker, node);
    }
    UNREACHABLE();
}

bool
cel_check(struct cel_node *root, enum condition_scope scope, struct cel_error *out_error)
{
    struct checker checker = {.scope = scope, .error = out_error};
    return check_operand(&checker, root, CEL_TYPE_BOOL, "a condition");
}
