/*
 * What a condition's names and types mean, judged against the facts that exist where it stands
 * (engine/core/condition_field.def). What CEL has and the subset has not is refused by name.
 */
#ifndef TALLYBOOK_ENGINE_RULES_CEL_CHECK_H
#define TALLYBOOK_ENGINE_RULES_CEL_CHECK_H

#include <stdbool.h>

#include "engine/core/condition.h"
#include "engine/rules/cel_error.h"
#include "engine/rules/cel_tree.h"

/** Judges a tree and fills in what its nodes mean. True when it is a truth value. */
bool cel_check(struct cel_node *root, enum condition_scope scope, struct cel_error *out_error);

#endif
