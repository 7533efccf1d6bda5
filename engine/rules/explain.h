/*
 * A programme in plain words, English or Chinese: what an operator reads to find mistakes, and what
 * changes between two versions.
 *
 * Invariants:
 * 1. Every value of the program that makes a difference appears, defaults included; a section in
 * which there is nothing says so.
 * 2. Each line stands for itself and names what it is about, so that two versions can be compared
 * line by line.
 * 3. Only the program is read, and a condition is told as it runs: what is said is what happens,
 * whatever the operator's file looked like.
 * 4. Days are those on the programme's wall, and an end is the last day that belongs to it.
 */
#ifndef TALLYBOOK_ENGINE_RULES_EXPLAIN_H
#define TALLYBOOK_ENGINE_RULES_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/base/fault.h"
#include "engine/core/program.h"

enum explain_language { EXPLAIN_ENGLISH, EXPLAIN_CHINESE };

/** Prints a program: a title, then each section's heading and its lines ("- …"). The program was
 * compiled or decoded. FAULT_TRY_AGAIN when the system has no memory; nothing is printed then. */
bool explain_program(const struct program *program, enum explain_language language, FILE *out,
                     struct fault *out_fault);

/** Prints what changes from one version to the next: lines of explain_program that go ("- ") or
 * come ("+ "), a new one after the one whose place it takes, each under its heading; or that
 * nothing changes. What only moved is not shown. FAULT_TRY_AGAIN as above. */
bool explain_changes(const struct program *previous, const struct program *next,
                     enum explain_language language, FILE *out, struct fault *out_fault);

#endif
