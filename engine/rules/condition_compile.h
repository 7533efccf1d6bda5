/*
 * From a condition's text to its flat program (semantics §9).
 *
 * Invariants:
 * 1. What compiles is accepted by condition_decode, and costs at most CONDITION_COST_MAX.
 * 2. What is CEL but not of the subset is refused by its name; nothing is read as something else.
 * 3. What would divide by zero or leave 64 bits whatever the event is refused.
 */
#ifndef TALLYBOOK_ENGINE_RULES_CONDITION_COMPILE_H
#define TALLYBOOK_ENGINE_RULES_CONDITION_COMPILE_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/condition.h"
#include "engine/rules/cel_error.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/yaml.h"

/* Holds tree and program of any condition. All but the flat bytes can be forgotten afterwards. */
enum { CONDITION_ARENA_BYTES = 512 * 1024 };

/** Compiles a text. *out_condition, with its cost, points into the arena (CONDITION_ARENA_BYTES)
 * and the text. False, with the first mistake, when it cannot be used. */
bool condition_compile(struct bytes text, enum condition_scope scope, struct arena *arena,
                       struct condition *out_condition, struct cel_error *out_error);

/** Compiles a key of a rulebook to the flat bytes, which alone are kept in the arena. Reports what
 * is wrong where it stands in the file. *out_cost is for people (rules check). */
bool condition_compile_node(const struct yaml_node *node, enum condition_scope scope,
                            struct arena *arena, struct diagnostics *diagnostics,
                            struct bytes *out_code, uint64_t *out_cost);

#endif
