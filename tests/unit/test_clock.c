#include <criterion/criterion.h>
#include <time.h>

#include "engine/base/clock.h"

Test(clock, wall_is_the_system_clock_in_ms)
{
    int64_t before_s = time(NULL);
    int64_t wall_ms = clock_wall_ms();
    int64_t after_s = time(NULL);
    /* time() may lag the precise clock by a tick. */
    cr_expect_geq(wall_ms, before_s * 1000);
    cr_expect_leq(wall_ms, (after_s + 2) * 1000);
}

Test(clock, monotonic_is_in_ns_and_never_goes_back)
{
    struct timespec system;
    cr_assert_eq(clock_gettime(CLOCK_MONOTONIC, &system), 0);
    int64_t last = (int64_t)system.tv_sec * 1000000000 + system.tv_nsec;
    for (int i = 0; i < 100000; i++) {
        int64_t now = clock_monotonic_ns();
        cr_assert_geq(now, last);
        last = now;
    }
    cr_assert_eq(clock_gettime(CLOCK_MONOTONIC, &system), 0);
    cr_expect_leq(last, (int64_t)system.tv_sec * 1000000000 + system.tv_nsec);
}
