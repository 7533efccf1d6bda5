/*
 * The words of CEL's text: numbers, texts, names, signs. What CEL has and the subset has not
 * (decimals, unsigned numbers, bytes) is recognised and refused by name.
 */
#ifndef TALLYBOOK_ENGINE_RULES_CEL_LEX_H
#define TALLYBOOK_ENGINE_RULES_CEL_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/rules/cel_error.h"

enum cel_token_kind {
    CEL_TOKEN_END,
    CEL_TOKEN_NAME,
    CEL_TOKEN_NUMBER,
    CEL_TOKEN_TEXT,
    CEL_TOKEN_TRUE,
    CEL_TOKEN_FALSE,
    CEL_TOKEN_IN,
    CEL_TOKEN_AND,
    CEL_TOKEN_OR,
    CEL_TOKEN_NOT,
    CEL_TOKEN_QUESTION,
    CEL_TOKEN_COLON,
    CEL_TOKEN_EQUAL,
    CEL_TOKEN_DIFFERENT,
    CEL_TOKEN_LESS,
    CEL_TOKEN_LESS_EQUAL,
    CEL_TOKEN_GREATER,
    CEL_TOKEN_GREATER_EQUAL,
    CEL_TOKEN_PLUS,
    CEL_TOKEN_MINUS,
    CEL_TOKEN_TIMES,
    CEL_TOKEN_SLASH,
    CEL_TOKEN_PERCENT,
    CEL_TOKEN_OPEN,
    CEL_TOKEN_CLOSE,
    CEL_TOKEN_OPEN_LIST,
    CEL_TOKEN_CLOSE_LIST,
    CEL_TOKEN_OPEN_MAP,
    CEL_TOKEN_COMMA,
    CEL_TOKEN_DOT,
};

struct cel_token {
    enum cel_token_kind kind;
    uint32_t offset;
    struct bytes text; /* as written; of CEL_TOKEN_TEXT its meaning, escapes resolved */
    uint64_t number;   /* CEL_TOKEN_NUMBER: at most 2^63, which only a minus makes fit */
};

struct cel_lexer {
    struct bytes source;
    uint32_t at;
    struct arena *arena; /* for texts with escapes */
};

/** The next word. False, with *out_error, at what is none. */
bool cel_next(struct cel_lexer *lexer, struct cel_token *out_token, struct cel_error *out_error);

#endif
