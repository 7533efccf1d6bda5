/*
 * From an operator's YAML to a program that the fold can run. Finds every mistake in one go, not
 * only the first.
 *
 * Invariants:
 * 1. What compiles is accepted by program_decode, and the fold cannot divide by zero, loop or meet
 * an unknown name in it.
 * 2. The same text gives the same program on every machine with the same tz database.
 * 3. After an error there is no program; a warning does not prevent one.
 */
#ifndef TALLYBOOK_ENGINE_RULES_COMPILE_H
#define TALLYBOOK_ENGINE_RULES_COMPILE_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/program.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/yaml.h"

enum {
    /* Holds the tree, the defaults, the program and its normalised form of any rulebook within the
     * limits. */
    RULES_ARENA_BYTES = YAML_ARENA_BYTES + 48 * 1024 * 1024,

    /* Steps that all conditions together may take for one event (condition.h): half a second. */
    RULES_COST_MAX = 100 * 1000 * 1000,
};

/** Compiles a rulebook. `diagnostics` was started on the same text. Everything in *out_program
 * points into the arena, which has RULES_ARENA_BYTES. False when there was an error. */
bool rules_compile(struct bytes yaml, struct arena *arena, struct diagnostics *diagnostics,
                   struct program *out_program);

/** The same from a tree that was read already. */
bool rules_compile_tree(const struct yaml_node *root, struct arena *arena,
                        struct diagnostics *diagnostics, struct program *out_program);

/** The list under `examples` of a rulebook's tree, for `rules test`; NULL when there is none. */
const struct yaml_node *rules_examples(const struct yaml_node *root);

#endif
