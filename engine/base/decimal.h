/*
 * Exact decimals between text and scaled integers (semantics §1): parsed from text without a float,
 * and never rounded.
 *
 * Accepted: an optional sign, at least one digit, and optionally a point with at least one digit
 * after it. No exponent, no space, no grouping, no ".5", no "5.".
 */
#ifndef TALLYBOOK_ENGINE_BASE_DECIMAL_H
#define TALLYBOOK_ENGINE_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"

#define DECIMAL_DIGITS_MAX 18
#define DECIMAL_TEXT_MAX   24 /* sign, 20 digits, point, NUL, and one to spare */

enum decimal_status {
    DECIMAL_OK,
    DECIMAL_EMPTY,
    DECIMAL_MALFORMED,
    DECIMAL_TOO_MANY_DIGITS, /* a digit other than 0 beyond the scale */
    DECIMAL_OVERFLOW,        /* the scaled value leaves 63 bits */
};

/** Text to an integer of 10^-digits: "19.99" with 2 digits is 1999. digits is at most
 * DECIMAL_DIGITS_MAX. *out_scaled is untouched unless DECIMAL_OK. */
enum decimal_status decimal_parse(struct bytes text, unsigned digits, int64_t *out_scaled);

/** What is wrong, to be put after the name of the field: "has more digits than …". */
const char *decimal_status_text(enum decimal_status status);

/** An integer of 10^-digits as text with exactly that many decimals, NUL-terminated; returns its
 * length. CHECKs that size suffices: DECIMAL_TEXT_MAX does. */
size_t decimal_format(int64_t scaled, unsigned digits, char *out, size_t size);

#endif
