#include "bench/zipf.h"

#include <math.h>

#include "engine/base/check.h"

/* The density 1/x has the integral log x. A rank k stands for the stretch from k − ½ to k + ½ of
 * it; where the stretch holds more than 1/k, the surplus is rejected. */

struct zipf
zipf_of(uint64_t count)
{
    CHECK(count > 0);
    return (struct zipf){
        .count = count,
        .integral_first = log(1.5) - 1,
        .integral_last = log((double)count + 0.5),
        /* Within this distance below the rank nothing is ever rejected: no logarithm is needed. */
        .squeeze = 2 - exp(log(2.5) - 0.5),
    };
}

uint64_t
zipf_sample(const struct zipf *zipf, uint64_t *random)
{
    for (;;) {
        double unit = (double)(random_next(random) >> 11) * 0x1p-53;
        double area = zipf->integral_last + unit * (zipf->integral_first - zipf->integral_last);
        double place = exp(area);
        uint64_t rank = (uint64_t)(place + 0.5);
        if (rank < 1) rank = 1;
        if (rank > zipf->count) rank = zipf->count;
        double exact = (double)rank;
        if (exact - place <= zipf->squeeze) return rank;
        if (area >= log(exact + 0.5) - 1 / exact) return rank;
    }
}
