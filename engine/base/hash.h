/*
 * XXH3 behind names of our own. The values are part of persisted formats (digests, row hashes):
 * XXH3 is frozen since 0.8.0 and gives the same value on every machine.
 */
#ifndef TALLYBOOK_ENGINE_BASE_HASH_H
#define TALLYBOOK_ENGINE_BASE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"

/** A number modulo 2^128; also an XXH3-128 value. */
struct hash128 {
    uint64_t lo, hi;
};

/** XXH3 of 64 bits. */
uint64_t hash64(struct bytes span, uint64_t seed);

/** XXH3 of 128 bits. */
struct hash128 hash128(struct bytes span, uint64_t seed);

/** 32 lower-case hexadecimal digits, most significant first, and a NUL. */
void hash128_format(struct hash128 hash, char out[33]);

/** Sums modulo 2^128: a set's digest, whatever the order in which its members come and go. */
static inline struct hash128
hash128_add(struct hash128 a, struct hash128 b)
{
    uint64_t lo = a.lo + b.lo;
    return (struct hash128){lo, a.hi + b.hi + (lo < a.lo)};
}

static inline struct hash128
hash128_sub(struct hash128 a, struct hash128 b)
{
    return (struct hash128){a.lo - b.lo, a.hi - b.hi - (a.lo < b.lo)};
}

static inline bool
hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

#endif
