// Counters: what one thread adds another reads, never torn and never going back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/metric.h"

#define STEP UINT64_C(0x100000001)
#define STEPS 200000U

static void counts_add_up_and_levels_are_set(void **state)
{
    (void)state;
    struct metric metric = {0};
    metric_add(&metric, 2);
    metric_add(&metric, 3);
    assert_true(metric_read(&metric) == 5);
    metric_set(&metric, 1);
    assert_true(metric_read(&metric) == 1);
}

static void *count_on(void *context)
{
    for (unsigned i = 0; i < STEPS; i++) {
        metric_add(context, STEP);
    }
    return NULL;
}

static void other_thread_sees_whole_and_growing_values(void **state)
{
    (void)state;
    struct metric metric = {0};
    pthread_t owner;
    uint64_t last = 0;
    assert_int_equal(pthread_create(&owner, NULL, count_on, &metric), 0);
    while (last < STEP * STEPS) {
        const uint64_t value = metric_read(&metric);
        assert_true(value >= last);
        assert_true(value % STEP == 0);
        last = value;
    }
    assert_int_equal(pthread_join(owner, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_add_up_and_levels_are_set),
        cmocka_unit_test(other_thread_sees_whole_and_growing_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
