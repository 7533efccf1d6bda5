/*
 * CEL's grammar, without what the subset has not: messages, maps, optional values.
 */
#ifndef TALLYBOOK_ENGINE_RULES_CEL_PARSE_H
#define TALLYBOOK_ENGINE_RULES_CEL_PARSE_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/rules/cel_error.h"
#include "engine/rules/cel_tree.h"

enum {
    CEL_TEXT_BYTES_MAX = 4096, /* a page: nobody checks more by reading */
    CEL_NODES_MAX = 1000,
    CEL_DEPTH_MAX = 24, /* brackets and ?: in one another */
};

/** Reads a whole text; tree and texts live in the arena or the text. */
bool cel_parse(struct bytes text, struct arena *arena, struct cel_node **out_root,
               struct cel_error *out_error);

#endif
