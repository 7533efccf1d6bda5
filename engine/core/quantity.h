/*
 * Quantities of the ledger and their arithmetic (semantics §1): points, money, instants, exact
 * rates, one rounding, exact shares.
 *
 * Invariants:
 * 1. A stored amount has 63 bits: it lies in [-INT64_MAX, INT64_MAX], so negating one is always
 * safe. Whatever would leave that range is reported as overflow (a verdict of the caller), never
 * wrapped.
 * 2. A fraction is always reduced, its denominator positive, and both parts lie within 127 bits.
 * Only the reduced result is judged: an intermediate that needs more bits is no overflow.
 * 3. No floating point.
 */
#ifndef TALLYBOOK_ENGINE_CORE_QUANTITY_H
#define TALLYBOOK_ENGINE_CORE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

/** Units of 10^-scale of a points currency; the scale is the rulebook's. */
struct points {
    int64_t units;
};

/** Minor units of an ISO 4217 currency, which is named by its numeric code. */
struct money {
    int64_t minor;
    uint16_t currency;
};

/** Milliseconds since 1970 UTC. */
struct instant {
    int64_t ms;
};

/** An exact positive factor, reduced. Made by rate_make. */
struct rate {
    int64_t numerator, denominator;
};

/** Persisted codes: never renumbered. */
enum rounding {
    ROUNDING_FLOOR = 1,     /* towards minus infinity */
    ROUNDING_CEIL = 2,      /* towards plus infinity */
    ROUNDING_HALF_UP = 3,   /* to the nearest; a half towards plus infinity */
    ROUNDING_HALF_EVEN = 4, /* to the nearest; a half to the even neighbour */
};

/** An exact sum of products on its way to the one rounding of its grant. */
struct fraction {
    __int128 numerator, denominator;
};

struct currency {
    char alpha[4]; /* "CNY", NUL-terminated */
    uint16_t numeric;
    uint8_t digits; /* decimals of the minor unit */
};

/** a + b; false, and *out untouched, when the sum leaves 63 bits. */
static inline bool
add_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum) || sum == INT64_MIN) return false;
    *out = sum;
    return true;
}

/** a - b; false, and *out untouched, when the difference leaves 63 bits. */
static inline bool
sub_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t difference = 0;
    if (__builtin_sub_overflow(a, b, &difference) || difference == INT64_MIN) return false;
    *out = difference;
    return true;
}

/** Reduces numerator / denominator; false, and *out untouched, when one of them is not positive. */
bool rate_make(int64_t numerator, int64_t denominator, struct rate *out);

/** CHECKs that value is a stored amount (invariant 1). */
static inline struct fraction
fraction_from_i64(int64_t value)
{
    CHECK(value != INT64_MIN);
    return (struct fraction){value, 1};
}

/** a × rate; false, and *out untouched, when the reduced product leaves 127 bits. *out may be a
 * itself. */
bool fraction_multiply_rate(struct fraction a, struct rate rate, struct fraction *out);

/** a + b; false, and *out untouched, when the reduced sum leaves 127 bits. */
bool fraction_add(struct fraction a, struct fraction b, struct fraction *out);

/** The one rounding of a grant; false, and *out untouched, when the whole number leaves 63 bits. */
bool fraction_round(struct fraction a, enum rounding mode, int64_t *out);

/**
 * Shares total (≥ 0) in proportion to weights (each ≥ 0) by largest remainder, ties by order of
 * appearance; the shares sum to total exactly.
 *
 * Weights that are all zero (or none at all) give nobody anything: all shares are 0, and the
 * caller, who sees Σ = 0, still has the total in hand. out_shares has count places, must not
 * overlap weights, and serves as scratch. Returns false, shares untouched, when the weights' sum
 * leaves 63 bits.
 */
bool share_largest_remainder(int64_t total, const int64_t *weights, size_t count,
                             int64_t *out_shares);

/**
 * The same in proportion to exact weights, each not below zero, of which one at least is above.
 * Returns false, shares untouched, when a weight over the common denominator, or their sum, leaves
 * 127 bits.
 */
bool share_by_fractions(int64_t total, const struct fraction *weights, size_t count,
                        int64_t *out_shares);

/** A currency by its three capital letters; NULL when there is no such currency. */
const struct currency *currency_from_alpha(struct bytes alpha);

/** A currency by its numeric code; NULL when there is no such currency. */
const struct currency *currency_find(uint16_t numeric);

#endif
