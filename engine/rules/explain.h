/*
 * A programme in plain words: what an operator reads to find mistakes. Of currencies, earn rules,
 * levels and returns every value appears, defaults included; campaigns, awards, streaks, missions,
 * caps, spending, limits and the filters of earn rules are not told yet. Each line stands for
 * itself, so that two versions can be compared line by line.
 */
#ifndef TALLYBOOK_ENGINE_RULES_EXPLAIN_H
#define TALLYBOOK_ENGINE_RULES_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/core/program.h"

/** Prints the programme in English. */
void explain_program(const struct program *program, FILE *out);

/** Prints what changes from one version to the next: lines of explain_program that go ("- "), come
 * ("+ "), each under its heading, or that nothing changes. Lines that only moved are not shown.
 * FAULT_UNAVAILABLE when memory is short. */
bool explain_changes(const struct program *previous, const struct program *next, FILE *out,
                     struct fault *out_fault);

#endif
