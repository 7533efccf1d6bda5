/*
 * Ranks 1 … n with probability proportional to 1/rank: Zipf's law with exponent 1, as members buy.
 *
 * Exact, by rejection from the inverted integral (Hörmann and Derflinger 1996): no table, the same
 * few dozen nanoseconds for a thousand ranks and for twenty million.
 */
#ifndef TALLYBOOK_BENCH_ZIPF_H
#define TALLYBOOK_BENCH_ZIPF_H

#include <stdint.h>

struct zipf {
    uint64_t count;
    double integral_first, integral_last, squeeze;
};

/** A sampler of ranks 1 … count (> 0). */
struct zipf zipf_of(uint64_t count);

/** A rank, from random numbers that are drawn from *random (random_next). */
uint64_t zipf_sample(const struct zipf *zipf, uint64_t *random);

/** SplitMix64: any seed gives a good sequence. */
static inline uint64_t
random_next(uint64_t *random)
{
    uint64_t mixed = *random += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/** A number below bound, 1 … 2^32, as even as 64 bits give. */
static inline uint64_t
random_below(uint64_t *random, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)random_next(random) * bound >> 64);
}

#endif
