/*
 * `tally rules check`, `rules explain` and `rules diff`: rulebooks' files read, judged, and told
 * about, for people and as JSON.
 */
#ifndef TALLYBOOK_ENGINE_RULES_REPORT_H
#define TALLYBOOK_ENGINE_RULES_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/fault.h"
#include "engine/rules/diagnostics.h"
#include "engine/rules/explain.h"

struct json_object;

/** Reads a file that a person wrote into the arena. FAULT_NO_INPUT names it when it cannot be read,
 * FAULT_DATA when it is larger than YAML_BYTES_MAX. */
bool rules_read_file(const char *path, struct arena *arena, struct bytes *out_file,
                     struct fault *out_fault);

/** Checks a rulebook. Every error and warning goes to `messages`, a line that says it is sound to
 * `out`; with `json` one document with both goes to `out` instead: {"file", "ok", "rulebook",
 * "version", "diagnostics": [{"line", "column", "severity", "message", "hint"}], "more"}. Unsound
 * is no fault: *out_sound says it. False when there is nothing to judge: FAULT_NO_INPUT, or
 * FAULT_DATA for a file that is too large. */
bool rules_check_file(const char *path, bool json, FILE *out, FILE *messages, bool *out_sound,
                      struct fault *out_fault);

/** Tells in words what a rulebook does; with `json`: {"file", "rulebook", "version", "lines": […]}.
 * One that is not sound is reported as by rules_check_file, warnings go to `messages`. False also
 * with FAULT_TRY_AGAIN when the system has no memory to tell it. */
bool rules_explain_file(const char *path, enum explain_language language, bool json, FILE *out,
                        FILE *messages, bool *out_sound, struct fault *out_fault);

/** Adds to a JSON document what changes between two programs: "removed" and "added", the lines of
 * explain_changes. FAULT_TRY_AGAIN when the system has no memory; nothing is added then. */
bool rules_add_changes(const struct program *previous, const struct program *next,
                       enum explain_language language, struct json_object *object,
                       struct fault *out_fault);

/** Tells in words what changes from the rulebook of paths[0] to that of paths[1]; with `json`:
 * {"from", "to", "removed": […], "added": […]}. The first of them that is not sound is reported as
 * by rules_check_file. Faults as above. */
bool rules_diff_files(const char *const paths[2], enum explain_language language, bool json,
                      FILE *out, FILE *messages, bool *out_sound, struct fault *out_fault);

#endif
