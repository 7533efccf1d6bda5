/*
 * What is wrong with the text of a condition: the first thing found, with its place in the text.
 */
#ifndef TALLYBOOK_ENGINE_RULES_CEL_ERROR_H
#define TALLYBOOK_ENGINE_RULES_CEL_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum { CEL_MESSAGE_MAX = 200 };

enum cel_error_kind {
    CEL_SYNTAX,   /* no CEL at all */
    CEL_OUTSIDE,  /* CEL, but not of the subset (semantics §9) */
    CEL_UNKNOWN,  /* a name that does not exist, or not here */
    CEL_TYPE,     /* types that do not go together */
    CEL_CONSTANT, /* what is written divides by zero or leaves 64 bits, whatever the event */
    CEL_TOO_MUCH, /* too long, too deep, too costly */
};

struct cel_error {
    enum cel_error_kind kind;
    uint32_t offset;               /* byte of the text */
    char message[CEL_MESSAGE_MAX]; /* NUL-terminated; too long a text loses its end */
    char hint[CEL_MESSAGE_MAX];    /* empty: none */
};

/** Fills *error, without a hint. Always returns false. */
bool cel_fail(struct cel_error *error, enum cel_error_kind kind, uint32_t offset,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Adds the hint: what to do about it. Always returns false. */
bool cel_hint(struct cel_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** "syntax", "outside", "unknown" …: for tests and machines. */
const char *cel_error_kind_name(enum cel_error_kind kind);

#endif
