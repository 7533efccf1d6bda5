#include <criterion/criterion.h>
#include <math.h>

#include "bench/zipf.h"

enum { RANKS = 50, SAMPLES = 2000000 };

Test(zipf, follows_the_law)
{
    static const uint64_t counts[] = {1, 2, 3, RANKS};
    uint64_t random = 7;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct zipf zipf = zipf_of(counts[i]);
        uint64_t seen[RANKS + 1] = {0};
        for (int s = 0; s < SAMPLES; s++) {
            uint64_t rank = zipf_sample(&zipf, &random);
            cr_assert(rank >= 1 && rank <= counts[i], "rank %lu of %lu", rank, counts[i]);
            seen[rank]++;
        }
        double harmonic = 0;
        for (uint64_t rank = 1; rank <= counts[i]; rank++)
            harmonic += 1 / (double)rank;
        for (uint64_t rank = 1; rank <= counts[i]; rank++) {
            double share = 1 / ((double)rank * harmonic);
            double expected = SAMPLES * share;
            double deviation = sqrt(SAMPLES * share * (1 - share));
            cr_assert_lt(fabs((double)seen[rank] - expected), 5 * deviation + 1,
                         "rank %lu of %lu: %lu, expected %.0f", rank, counts[i], seen[rank],
                         expected);
        }
    }
}

Test(zipf, reaches_the_end_of_many)
{
    struct zipf zipf = zipf_of(20000000);
    uint64_t random = 7, highest = 0, beyond_half = 0;
    for (int s = 0; s < SAMPLES; s++) {
        uint64_t rank = zipf_sample(&zipf, &random);
        cr_assert(rank >= 1 && rank <= 20000000);
        if (rank > highest) highest = rank;
        beyond_half += rank > 10000000;
    }
    cr_expect_gt(highest, 19990000);
    /* ln 2 of the harmonic number of 20 million, 17.39: 4.0 %. */
    cr_expect(beyond_half > SAMPLES * 39 / 1000 && beyond_half < SAMPLES * 41 / 1000, "%lu",
              beyond_half);
}
