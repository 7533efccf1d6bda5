/*
 * What is wrong with a file that a person wrote, said so that the person can mend it: place,
 * message, the line itself, a caret, a hint. Used for rulebooks, the configuration and source maps.
 *
 *     shop.yaml:12:5: error: unknown key 'roundng'
 *        12 |     roundng: floor
 *           |     ^
 *     hint: did you mean 'rounding'?
 *
 * Invariants:
 * 1. Reporting never fails and never allocates: what exceeds DIAGNOSTICS_MAX is counted, not kept.
 * 2. Printing is in order of place, whatever the order of finding.
 * 3. What is printed is free of control characters: a hostile file cannot drive a
 * terminal.
 */
#ifndef TALLYBOOK_ENGINE_RULES_DIAGNOSTICS_H
#define TALLYBOOK_ENGINE_RULES_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/bytes.h"

enum {
    DIAGNOSTICS_MAX = 100, /* nobody mends more than that before looking again */
    DIAGNOSTIC_TEXT_MAX = 320,
};

/** A place in a file. Lines and columns count from 1, columns in characters. Line 0: the file as a
 * whole. */
struct place {
    uint32_t line, column;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct diagnostic {
    struct place place;
    enum severity severity;
    char message[DIAGNOSTIC_TEXT_MAX]; /* NUL-terminated; too long a text loses its end */
    char hint[DIAGNOSTIC_TEXT_MAX];    /* empty: none */
};

struct diagnostics {
    const char *file_name; /* as the person named it; borrowed */
    struct bytes source;   /* the file's content, for the source line; borrowed; may be empty */
    struct diagnostic items[DIAGNOSTICS_MAX];
    size_t count;
    size_t error_count, warning_count; /* those beyond DIAGNOSTICS_MAX included */
    bool last_kept;                    /* whether diagnostics_hint has something to add to */
};

/** Starts an empty list about one file. Name and source must outlive it. */
void diagnostics_init(struct diagnostics *diagnostics, const char *file_name, struct bytes source);

/** Adds an error. Always returns false, for `return diagnostics_error(...)`. */
bool diagnostics_error(struct diagnostics *diagnostics, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Adds a warning: the file can be used, but something in it is likely a mistake. */
void diagnostics_warning(struct diagnostics *diagnostics, struct place place, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));

/** Gives the last error or warning its hint: what to do about it. */
void diagnostics_hint(struct diagnostics *diagnostics, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Puts a frame before the message of all that is kept: "frame: message". */
void diagnostics_wrap(struct diagnostics *diagnostics, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Puts the list in order of place; printing needs it done. Stable. */
void diagnostics_sort(struct diagnostics *diagnostics);

/** Prints all that is kept, in order of place, each with its source line, and how many more there
 * are. */
void diagnostics_print(struct diagnostics *diagnostics, FILE *out);

/** The nearest of the candidates to what was written, or NULL when none is near: for "did you
 * mean". Candidates are NUL-terminated. Distance counts insertions, deletions, replacements and
 * swaps of neighbours; near is a third of the length, at least 1. */
const char *suggest_nearest(struct bytes written, const char *const *candidates, size_t count);

#endif
