// Clocks go forward, at the pace of the C library's, and CPU time counts work but not sleep.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "plat/clock.h"

static void sleep_ms(long ms)
{
    const struct timespec span = {.tv_sec = 0, .tv_nsec = ms * 1000000};
    (void)nanosleep(&span, NULL);
}

static void monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    struct mono last = plat_clock_mono();
    assert_true(last.ns > 0);
    for (unsigned i = 0; i < 100000; i++) {
        const struct mono now = plat_clock_mono();
        assert_true(now.ns >= last.ns);
        last = now;
    }
}

static void monotonic_clock_counts_nanoseconds(void **state)
{
    (void)state;
    const struct mono before = plat_clock_mono();
    sleep_ms(30);
    const struct span passed = mono_since(plat_clock_mono(), before);
    assert_true(passed.ns >= span_ms(30).ns);
    assert_true(passed.ns < span_s(30).ns);
}

static void wall_clock_is_the_time_of_day(void **state)
{
    (void)state;
    const int64_t before = (int64_t)time(NULL) * 1000 - 1000;
    const struct wall now = plat_clock_wall();
    const int64_t after = (int64_t)time(NULL) * 1000 + 2000;
    assert_true(now.ms > before && now.ms < after);
}

static void cpu_time_counts_work_and_not_sleep(void **state)
{
    (void)state;
    // Read first, so that it counts all that the other counts.
    const struct span process = plat_clock_process_cpu();
    const struct span thread = plat_clock_thread_cpu();
    sleep_ms(100);
    assert_true(plat_clock_thread_cpu().ns - thread.ns < span_ms(100).ns);
    while (plat_clock_thread_cpu().ns - thread.ns < span_ms(10).ns) {
    }
    assert_true(plat_clock_process_cpu().ns - process.ns >= span_ms(10).ns);
}

static void microseconds_are_of_the_same_clock(void **state)
{
    (void)state;
    const struct wall before = plat_clock_wall();
    const int64_t now_us = plat_clock_wall_us();
    const struct wall after = plat_clock_wall();
    assert_in_range(now_us / 1000, before.ms, after.ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_clock_never_goes_back),
        cmocka_unit_test(microseconds_are_of_the_same_clock),
        cmocka_unit_test(monotonic_clock_counts_nanoseconds),
        cmocka_unit_test(wall_clock_is_the_time_of_day),
        cmocka_unit_test(cpu_time_counts_work_and_not_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
