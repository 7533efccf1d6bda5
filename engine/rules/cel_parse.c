#include "engine/rules/cel_parse.h"

#include <string.h>

#include "engine/rules/cel_lex.h"

enum { SHOWN_BYTES = 40 };

struct parser {
    struct cel_lexer lexer;
    struct cel_token token; /* the next one */
    struct arena *arena;
    unsigned depth;
    uint32_t node_count;
    struct cel_error *error;
};

static bool parse_expression(struct parser *parser, struct cel_node **out_node);

static bool
advance(struct parser *parser)
{
    return cel_next(&parser->lexer, &parser->token, parser->error);
}

/* Complains of the token at hand. */
static bool
unexpected(struct parser *parser, const char *wanted)
{
    const struct cel_token *token = &parser->token;
    if (token->kind == CEL_TOKEN_END) {
        return cel_fail(parser->error, CEL_SYNTAX, token->offset, "the condition ends where %s",
                        wanted);
    }
    if (token->kind == CEL_TOKEN_OPEN_MAP) {
        return cel_fail(parser->error, CEL_OUTSIDE, token->offset,
                        "conditions build no maps or messages ({…})");
    }
    uint32_t size = parser->lexer.at - token->offset;
    return cel_fail(parser->error, CEL_SYNTAX, token->offset, "'%.*s' stands where %s",
                    (int)(size < SHOWN_BYTES ? size : SHOWN_BYTES),
                    (const char *)parser->lexer.source.data + token->offset, wanted);
}

static bool
expect(struct parser *parser, enum cel_token_kind kind, const char *wanted)
{
    if (parser->token.kind != kind) return unexpected(parser, wanted);
    return advance(parser);
}

static struct cel_node *
new_node(struct parser *parser, enum cel_kind kind, uint32_t offset)
{
    struct cel_node *node = NULL;
    if (parser->node_count++ < CEL_NODES_MAX) node = arena_alloc(parser->arena, sizeof *node);
    if (node == NULL) {
        cel_fail(parser->error, CEL_TOO_MUCH, offset, "the condition is too long");
        cel_hint(parser->error, "make two rules of it");
        return NULL;
    }
    *node = (struct cel_node){.kind = kind, .offset = offset};
    return node;
}

/* ---- Operands ---- */

/* Expressions up to `close`, which is consumed; a list may end with a comma. */
static bool
parse_elements(struct parser *parser, enum cel_token_kind close, bool may_trail,
               struct cel_node **out_first)
{
    struct cel_node *first = NULL, **last = &first;
    while (parser->token.kind != close) {
        if (!parse_expression(parser, last)) return false;
        last = &(*last)->next;
        if (parser->token.kind == close) break;
        if (!expect(parser, CEL_TOKEN_COMMA, "',' or the closing bracket should")) return false;
        if (parser->token.kind == close && !may_trail) {
            return unexpected(parser, "a value should");
        }
    }
    *out_first = first;
    return advance(parser);
}

/* Words that CEL keeps for itself; `null` is a value of CEL, the others mean nothing. */
static bool
check_reserved(struct parser *parser, struct bytes name, uint32_t offset)
{
    static const char *const reserved[] = {
        "as",  "break", "const",   "continue",  "else",   "for", "function", "if",    "import",
        "let", "loop",  "package", "namespace", "return", "var", "void",     "while",
    };
    if (bytes_equal(name, BYTES_LITERAL("null"))) {
        cel_fail(parser->error, CEL_OUTSIDE, offset, "conditions have no null");
        return cel_hint(parser->error, "what was not told is \"\" or 0; has() asks for a key");
    }
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (bytes_equal(name, bytes_from_cstr(reserved[i]))) {
            return cel_fail(parser->error, CEL_SYNTAX, offset, "'%s' is a reserved word",
                            reserved[i]);
        }
    }
    return true;
}

static bool
parse_name(struct parser *parser, struct cel_node **out_node)
{
    struct cel_token token = parser->token;
    if (!check_reserved(parser, token.text, token.offset) || !advance(parser)) return false;
    bool call = parser->token.kind == CEL_TOKEN_OPEN;
    struct cel_node *node = new_node(parser, call ? CEL_CALL : CEL_NAME, token.offset);
    if (node == NULL) return false;
    node->text = token.text;
    *out_node = node;
    if (!call) return true;
    return advance(parser) && parse_elements(parser, CEL_TOKEN_CLOSE, false, &node->second);
}

static bool
parse_literal(struct parser *parser, bool negative, struct cel_node **out_node)
{
    const struct cel_token *token = &parser->token;
    enum cel_kind kind = token->kind == CEL_TOKEN_NUMBER ? CEL_NUMBER
                         : token->kind == CEL_TOKEN_TEXT ? CEL_TEXT
                                                         : CEL_TRUTH;
    if (kind == CEL_NUMBER && !negative && token->number > INT64_MAX) {
        return cel_fail(parser->error, CEL_CONSTANT, token->offset, "this number leaves 64 bits");
    }
    struct cel_node *node = new_node(parser, kind, token->offset);
    if (node == NULL) return false;
    node->text = token->text;
    node->number = token->kind == CEL_TOKEN_TRUE;
    if (kind == CEL_NUMBER) {
        node->number = (int64_t)(negative ? 0 - token->number : token->number);
    }
    *out_node = node;
    return advance(parser);
}

static bool
parse_primary(struct parser *parser, struct cel_node **out_node)
{
    uint32_t offset = parser->token.offset;
    switch (parser->token.kind) {
    case CEL_TOKEN_NUMBER:
    case CEL_TOKEN_TEXT:
    case CEL_TOKEN_TRUE:
    case CEL_TOKEN_FALSE: return parse_literal(parser, false, out_node);
    case CEL_TOKEN_NAME: return parse_name(parser, out_node);
    case CEL_TOKEN_OPEN:
        return advance(parser) && parse_expression(parser, out_node) &&
               expect(parser, CEL_TOKEN_CLOSE, "')' should");
    case CEL_TOKEN_OPEN_LIST: {
        struct cel_node *list = new_node(parser, CEL_LIST, offset);
        if (list == NULL || !advance(parser) ||
            !parse_elements(parser, CEL_TOKEN_CLOSE_LIST, true, &list->first)) {
            return false;
        }
        *out_node = list;
        return true;
    }
    case CEL_TOKEN_DOT:
        cel_fail(parser->error, CEL_OUTSIDE, offset, "conditions have no absolute names (.name)");
        return cel_hint(parser->error, "leave out the dot");
    default: return unexpected(parser, "a value should");
    }
}

/* What follows an operand: .field, .function(…), [key]. */
static bool
parse_member(struct parser *parser, struct cel_node *node, struct cel_node **out_node)
{
    for (;;) {
        uint32_t offset = parser->token.offset;
        struct cel_node *outer;
        if (parser->token.kind == CEL_TOKEN_DOT) {
            if (!advance(parser)) return false;
            if (parser->token.kind == CEL_TOKEN_QUESTION) {
                return cel_fail(parser->error, CEL_OUTSIDE, offset,
                                "conditions have no optional values (.?)");
            }
            bool named = parser->token.kind == CEL_TOKEN_NAME &&
                         !bytes_equal(parser->token.text, BYTES_LITERAL("null"));
            if (!named) return unexpected(parser, "a name should");
            struct cel_token name = parser->token;
            if (!advance(parser)) return false;
            bool call = parser->token.kind == CEL_TOKEN_OPEN;
            outer = new_node(parser, call ? CEL_CALL : CEL_SELECT, name.offset);
            if (outer == NULL) return false;
            outer->text = name.text;
            if (call && !(advance(parser) &&
                          parse_elements(parser, CEL_TOKEN_CLOSE, false, &outer->second))) {
                return false;
            }
        } else if (parser->token.kind == CEL_TOKEN_OPEN_LIST) {
            outer = new_node(parser, CEL_INDEX, offset);
            if (outer == NULL || !advance(parser) || !parse_expression(parser, &outer->second) ||
                !expect(parser, CEL_TOKEN_CLOSE_LIST, "']' should")) {
                return false;
            }
        } else if (parser->token.kind == CEL_TOKEN_OPEN_MAP) {
            return unexpected(parser, "an operator should");
        } else {
            *out_node = node;
            return true;
        }
        outer->first = node;
        node = outer;
    }
}

/* ---- Operators, the tightest first ---- */

/* A run of ! or a run of -, never mixed. A minus before a number belongs to the number, so that the
 * least one can be written. */
static bool
parse_unary(struct parser *parser, struct cel_node **out_node)
{
    enum cel_token_kind sign = parser->token.kind;
    struct cel_node *operand, **place = out_node;
    bool negative = false;
    while (parser->token.kind == sign && (sign == CEL_TOKEN_NOT || sign == CEL_TOKEN_MINUS)) {
        uint32_t offset = parser->token.offset;
        if (!advance(parser)) return false;
        if (sign == CEL_TOKEN_MINUS && parser->token.kind == CEL_TOKEN_NUMBER) {
            negative = true;
            break;
        }
        struct cel_node *node =
            new_node(parser, sign == CEL_TOKEN_NOT ? CEL_NOT : CEL_NEGATE, offset);
        if (node == NULL) return false;
        *place = node;
        place = &node->first;
    }
    bool good = negative ? parse_literal(parser, true, &operand) : parse_primary(parser, &operand);
    return good && parse_member(parser, operand, place);
}

struct infix {
    enum cel_token_kind token;
    unsigned level; /* binds the tighter the higher */
    enum cel_kind kind;
    enum condition_code operation;
};

static const struct infix infixes[] = {
    {CEL_TOKEN_OR, 1, CEL_OR, 0},
    {CEL_TOKEN_AND, 2, CEL_AND, 0},
    {CEL_TOKEN_EQUAL, 3, CEL_BINARY, CONDITION_OP_EQUAL},
    {CEL_TOKEN_DIFFERENT, 3, CEL_BINARY, CONDITION_OP_DIFFERENT},
    {CEL_TOKEN_LESS, 3, CEL_BINARY, CONDITION_OP_LESS},
    {CEL_TOKEN_LESS_EQUAL, 3, CEL_BINARY, CONDITION_OP_LESS_EQUAL},
    {CEL_TOKEN_GREATER, 3, CEL_BINARY, CONDITION_OP_GREATER},
    {CEL_TOKEN_GREATER_EQUAL, 3, CEL_BINARY, CONDITION_OP_GREATER_EQUAL},
    {CEL_TOKEN_IN, 3, CEL_IN, 0},
    {CEL_TOKEN_PLUS, 4, CEL_BINARY, CONDITION_OP_ADD},
    {CEL_TOKEN_MINUS, 4, CEL_BINARY, CONDITION_OP_SUBTRACT},
    {CEL_TOKEN_TIMES, 5, CEL_BINARY, CONDITION_OP_MULTIPLY},
    {CEL_TOKEN_SLASH, 5, CEL_BINARY, CONDITION_OP_DIVIDE},
    {CEL_TOKEN_PERCENT, 5, CEL_BINARY, CONDITION_OP_REMAINDER},
};

static const struct infix *
find_infix(enum cel_token_kind token, unsigned level_min)
{
    for (size_t i = 0; i < sizeof infixes / sizeof *infixes; i++) {
        if (infixes[i].token == token) {
            return infixes[i].level >= level_min ? &infixes[i] : NULL;
        }
    }
    return NULL;
}

/* Operators of this level and tighter ones, all of which group to the left. */
static bool
parse_operators(struct parser *parser, unsigned level, struct cel_node **out_node)
{
    struct cel_node *left;
    if (!parse_unary(parser, &left)) return false;
    const struct infix *infix;
    while ((infix = find_infix(parser->token.kind, level)) != NULL) {
        struct cel_node *node = new_node(parser, infix->kind, parser->token.offset);
        if (node == NULL || !advance(parser) ||
            !parse_operators(parser, infix->level + 1, &node->second)) {
            return false;
        }
        node->operation = infix->operation;
        node->first = left;
        left = node;
    }
    *out_node = left;
    return true;
}

static bool
parse_expression(struct parser *parser, struct cel_node **out_node)
{
    struct cel_node *condition;
    if (parser->depth++ == CEL_DEPTH_MAX) {
        cel_fail(parser->error, CEL_TOO_MUCH, parser->token.offset,
                 "the condition is nested too deeply");
        return cel_hint(parser->error, "at most %d brackets and ?: in one another", CEL_DEPTH_MAX);
    }
    if (!parse_operators(parser, 1, &condition)) return false;
    if (parser->token.kind == CEL_TOKEN_QUESTION) {
        struct cel_node *node = new_node(parser, CEL_CHOOSE, parser->token.offset);
        if (node == NULL || !advance(parser) || !parse_operators(parser, 1, &node->second) ||
            !expect(parser, CEL_TOKEN_COLON, "':' should") ||
            !parse_expression(parser, &node->third)) {
            return false;
        }
        node->first = condition;
        condition = node;
    }
    parser->depth--;
    *out_node = condition;
    return true;
}

bool
cel_parse(struct bytes text, struct arena *arena, struct cel_node **out_root,
          struct cel_error *out_error)
{
    if (text.size > CEL_TEXT_BYTES_MAX) {
        cel_fail(out_error, CEL_TOO_MUCH, CEL_TEXT_BYTES_MAX,
                 "the condition has %zu bytes, at most %d are allowed", text.size,
                 CEL_TEXT_BYTES_MAX);
        return cel_hint(out_error, "make two rules of it");
    }
    struct parser parser = {
        .lexer = {.source = text, .arena = arena}, .arena = arena, .error = out_error};
    struct cel_node *root;
    if (!advance(&parser) || !parse_expression(&parser, &root)) return false;
    if (parser.token.kind != CEL_TOKEN_END) return unexpected(&parser, "the condition should end");
    *out_root = root;
    return true;
}
