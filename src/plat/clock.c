#include "plat/clock.h"

#include <time.h>

#include "base/assert.h"

static uint64_t read_ns(clockid_t clock)
{
    struct timespec at;
    const int failed = clock_gettime(clock, &at);

    ASSERT(failed == 0);
    return (uint64_t)at.tv_sec * 1000000000U + (uint64_t)at.tv_nsec;
}

struct mono plat_clock_mono(void)
{
    return (struct mono){read_ns(CLOCK_MONOTONIC)};
}

int64_t plat_clock_wall_us(void)
{
    struct timespec at;
    const int failed = clock_gettime(CLOCK_REALTIME, &at);

    ASSERT(failed == 0);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

struct wall plat_clock_wall(void)
{
    return (struct wall){plat_clock_wall_us() / 1000};
}

struct span plat_clock_thread_cpu(void)
{
    return (struct span){read_ns(CLOCK_THREAD_CPUTIME_ID)};
}

struct span plat_clock_process_cpu(void)
{
    return (struct span){read_ns(CLOCK_PROCESS_CPUTIME_ID)};
}
