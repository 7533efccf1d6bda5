/*
 * From a rulebook to the record that puts it into force (semantics §9): the operator's YAML, and
 * its normalised form, which alone is folded.
 *
 * Invariants:
 * 1. What is built here is accepted by every fold: the normalised form was decoded again and
 * follows the version before it.
 * 2. Nothing re-prices the past unless that was asked for.
 */
#ifndef TALLYBOOK_ENGINE_RULES_ACTIVATION_H
#define TALLYBOOK_ENGINE_RULES_ACTIVATION_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/core/event.h"
#include "engine/core/program.h"
#include "engine/rules/diagnostics.h"

/* What the journal says about an activation. */
struct activation_terms {
    const struct program *previous; /* the last activated version; NULL: none yet */
    bool
        live; /* the journal stamps its own time; in a history journal the past is where it plays */
    struct instant now; /* of a live journal */
    bool retroactive;   /* the operator asked for a start in the past */
};

/** Compiles, encodes and judges a rulebook. `diagnostics` was started on the same text. Program and
 * activation point into `yaml` and the arena, which has RULES_ARENA_BYTES (compile.h). False when
 * there was an error. */
bool activation_build(struct bytes yaml, const struct activation_terms *terms, struct arena *arena,
                      struct diagnostics *diagnostics, struct program *out_program,
                      struct activation *out_activation);

#endif
