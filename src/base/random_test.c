// Random numbers: the reference values of xoshiro256**, the same run from the same seed, and that
// small bounds are met evenly.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void generator_is_xoshiro256_star_star(void **state)
{
    (void)state;
    struct random random = {{1, 2, 3, 4}};
    assert_true(random_next(&random) == 11520);
    assert_true(random_next(&random) == 0);
    assert_true(random_next(&random) == 1509978240);
    assert_true(random_next(&random) == UINT64_C(1215971899390074240));
}

static void same_seed_gives_the_same_run(void **state)
{
    (void)state;
    struct random one;
    struct random two;
    struct random other;
    unsigned same = 0;
    random_init(&one, 42);
    random_init(&two, 42);
    random_init(&other, 43);
    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t number = random_next(&one);
        assert_true(number == random_next(&two));
        same += number == random_next(&other) ? 1 : 0;
    }
    assert_int_equal(same, 0);
}

static void seed_zero_is_as_good_as_any(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 0);
    assert_true((random.state[0] | random.state[1] | random.state[2] | random.state[3]) != 0);
    assert_true(random_next(&random) != random_next(&random));
}

static void below_stays_below_and_meets_each_value_evenly(void **state)
{
    (void)state;
    enum { BOUND = 7, DRAWS = 70000 };
    unsigned counts[BOUND] = {0};
    struct random random;
    random_init(&random, 5);
    for (unsigned i = 0; i < DRAWS; i++) {
        counts[random_below(&random, BOUND)]++;
    }
    // The deviation is some 93; five times that is never met by chance.
    for (unsigned i = 0; i < BOUND; i++) {
        assert_in_range(counts[i], DRAWS / BOUND - 465, DRAWS / BOUND + 465);
    }
    assert_true(random_below(&random, 1) == 0);
}

static void large_bounds_are_not_favoured_at_the_low_end(void **state)
{
    (void)state;
    // With this bound a plain remainder would give the lower third twice as often as the rest.
    const uint64_t bound = UINT64_MAX / 4 * 3;
    unsigned low = 0;
    struct random random;
    random_init(&random, 6);
    for (unsigned i = 0; i < 30000; i++) {
        const uint64_t number = random_below(&random, bound);
        assert_true(number < bound);
        low += number < bound / 3 ? 1 : 0;
    }
    assert_in_range(low, 9500, 10500);
}

static void chance_follows_its_fraction(void **state)
{
    (void)state;
    unsigned hits = 0;
    struct random random;
    random_init(&random, 8);
    for (unsigned i = 0; i < 10000; i++) {
        assert_true(random_chance(&random, 3, 3));
        assert_false(random_chance(&random, 0, 3));
        hits += random_chance(&random, 1, 4) ? 1 : 0;
    }
    assert_in_range(hits, 2250, 2750);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_is_xoshiro256_star_star),
        cmocka_unit_test(same_seed_gives_the_same_run),
        cmocka_unit_test(seed_zero_is_as_good_as_any),
        cmocka_unit_test(below_stays_below_and_meets_each_value_evenly),
        cmocka_unit_test(large_bounds_are_not_favoured_at_the_low_end),
        cmocka_unit_test(chance_follows_its_fraction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
