/*
 * From a checked tree to the flat program of engine/core/condition.h.
 */
#ifndef TALLYBOOK_ENGINE_RULES_CEL_EMIT_H
#define TALLYBOOK_ENGINE_RULES_CEL_EMIT_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/core/condition.h"
#include "engine/rules/cel_error.h"
#include "engine/rules/cel_tree.h"

/** The program of a tree that cel_check accepted, not judged by condition_check yet; it lives in
 * the arena and the text. False when it is too long. */
bool cel_emit(const struct cel_node *root, enum condition_scope scope, struct arena *arena,
              struct condition *out_condition, struct cel_error *out_error);

#endif
