// Values fall into the bucket of the next power of two.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/histogram.h"

static void values_fall_into_the_next_power_of_two(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        unsigned bucket;
    } rows[] = {{0, 0},
                {1, 0},
                {2, 1},
                {3, 2},
                {4, 2},
                {5, 3},
                {1024, 10},
                {1025, 11},
                {1U << 24, 24},
                {(1U << 24) + 1, 25},
                {UINT64_MAX / 2, 25}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct histogram histogram = {0};
        histogram_add(&histogram, rows[i].value);
        for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
            assert_int_equal(metric_read(&histogram.buckets[bucket]), bucket == rows[i].bucket);
        }
        assert_int_equal(metric_read(&histogram.sum), rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_fall_into_the_next_power_of_two)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
