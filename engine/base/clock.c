#include "engine/base/clock.h"

#include <time.h>

#include "engine/base/check.h"

static struct timespec
clock_read(clockid_t which)
{
    struct timespec now;
    int failed = clock_gettime(which, &now);
    CHECK(failed == 0);
    return now;
}

int64_t
clock_wall_ms(void)
{
    struct timespec now = clock_read(CLOCK_REALTIME);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_monotonic_ns(void)
{
    struct timespec now = clock_read(CLOCK_MONOTONIC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
