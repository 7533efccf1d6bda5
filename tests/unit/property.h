/*
 * Randomness for property tests: one seed per run, printed with every failure, and set with
 * TB_TEST_SEED to see that failure again.
 */
#ifndef TALLYBOOK_TESTS_UNIT_PROPERTY_H
#define TALLYBOOK_TESTS_UNIT_PROPERTY_H

#include <stdint.h>
#include <stdlib.h>

struct property {
    uint64_t seed; /* for messages */
    uint64_t state;
};

static inline struct property
property_start(void)
{
    const char *asked = getenv("TB_TEST_SEED");
    uint64_t seed = asked == NULL ? 20261124 : strtoull(asked, NULL, 10);
    return (struct property){seed, seed};
}

/* SplitMix64: every seed gives a good sequence. */
static inline uint64_t
property_next(struct property *property)
{
    uint64_t mixed = property->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* A number below bound (> 0). */
static inline uint64_t
property_below(struct property *property, uint64_t bound)
{
    return property_next(property) % bound;
}

/* A number of up to bits bits, small ones as likely as large ones. */
static inline uint64_t
property_magnitude(struct property *property, unsigned bits)
{
    unsigned kept = (unsigned)property_below(property, bits + 1);
    return kept == 0 ? 0 : property_next(property) >> (64 - kept);
}

#endif
