/*
 * A condition as a tree: what cel_parse makes of the text, what cel_check knows about it, what
 * cel_emit makes flat.
 */
#ifndef TALLYBOOK_ENGINE_RULES_CEL_TREE_H
#define TALLYBOOK_ENGINE_RULES_CEL_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/core/condition.h"

/* The meaning of `first`, `second`, `third` and `text` stands beside each kind. */
enum cel_kind {
    CEL_NUMBER, /* number */
    CEL_TRUTH,  /* number: 0 or 1 */
    CEL_TEXT,   /* text */
    CEL_LIST,   /* first: its elements, chained by `next` */
    CEL_NAME,   /* text */
    CEL_SELECT, /* first . text */
    CEL_INDEX,  /* first [ second ] */
    CEL_CALL,   /* first . text ( second… ), the arguments chained; first NULL: text ( … ) */
    CEL_NEGATE, /* - first */
    CEL_NOT,    /* ! first */
    CEL_AND,    /* first && second */
    CEL_OR,     /* first || second */
    CEL_BINARY, /* first `operation` second */
    CEL_IN,     /* first in second */
    CEL_CHOOSE, /* first ? second : third */
};

/* Types of expressions; the first four are values, and persisted types. */
enum cel_type {
    CEL_TYPE_BOOL = CONDITION_BOOL,
    CEL_TYPE_INT = CONDITION_INT,
    CEL_TYPE_TEXT = CONDITION_TEXT,
    CEL_TYPE_TIME = CONDITION_TIME,
    CEL_TYPE_VARIABLE, /* order, line … */
    CEL_TYPE_LINES,    /* order.lines */
    CEL_TYPE_MAP,      /* attributes, tiers */
    CEL_TYPE_LIST,     /* [ … ] */
};

/* What an expression turned out to be, where its kind does not say it. */
enum cel_form {
    CEL_FORM_PLAIN,   /* as its kind says */
    CEL_FORM_KNOWN,   /* `number`, whatever the event; of a timestamp too */
    CEL_FORM_FIELD,   /* `number` of a field, `source` */
    CEL_FORM_LOOKUP,  /* `number` of a map, `source`; key: `second`, or `text` where NULL */
    CEL_FORM_HAS,     /* the same: whether the key is there */
    CEL_FORM_COUNT,   /* `number` of a map, `source` */
    CEL_FORM_LINES,   /* number of lines */
    CEL_FORM_IN_LIST, /* first in second, a list */
    CEL_FORM_IN_MAP,  /* key first in a map: `number`, `source` */
    CEL_FORM_LENGTH,  /* number of characters of `argument` */
    CEL_FORM_STARTS,  /* first starts with `argument` */
    CEL_FORM_LOOP,    /* `number`: enum condition_loop; `argument`: what is asked of each line */
};

struct cel_node {
    enum cel_kind kind;
    uint32_t offset;               /* of the text, where a message should point */
    enum condition_code operation; /* CEL_BINARY */
    struct cel_node *first, *second, *third, *next;
    struct bytes text;
    int64_t number;

    /* Filled in by cel_check. */
    enum cel_type type;
    enum cel_form form;
    enum condition_source source;
    enum condition_variable variable; /* CEL_TYPE_VARIABLE */
    struct cel_node *argument;
    uint32_t count; /* CEL_LIST: of elements */
};

#endif
