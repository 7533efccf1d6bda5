/*
 * The examples that stand beside a rulebook's rules: given these events, expect this. Each is told
 * to a ledger of its own in memory (engine/shard/trial.h), and what is there in the end compared.
 */
#ifndef TALLYBOOK_TALLY_RULEBOOK_EXAMPLES_H
#define TALLYBOOK_TALLY_RULEBOOK_EXAMPLES_H

#include "engine/rules/yaml.h"
#include "engine/shard/trial.h"

struct examples_count {
    uint32_t passed, failed;
};

/** One example, and how it ended: how many differences were reported. */
struct example_told {
    struct bytes name;
    bool passed;
    uint32_t differences;
};

/**
 * Runs the examples of a list (or the one called `only`, when that is not empty) under an activated
 * program. What differs is an error in `diagnostics` at the place of the expectation, and so is
 * what cannot be read. `tell` is called after each. False when there is no memory: FAULT_…
 */
bool rulebook_examples_run(const struct yaml_node *list, struct bytes only,
                           const struct program *program, const struct activation *activation,
                           struct arena *arena, struct diagnostics *diagnostics,
                           void (*tell)(void *to, const struct example_told *told), void *to,
                           struct examples_count *out_count, struct fault *out_fault);

#endif
