// The map beside a naive list: small tables and few keys, so that probes are long, wrap around the
// end and share keys.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/random.h"

#define NAIVE_MAX 64U

struct naive {
    uint64_t keys[NAIVE_MAX];
    uint32_t values[NAIVE_MAX];
    uint32_t count;
};

static struct map *new_map(uint32_t entries_max)
{
    void *memory = calloc(1, map_footprint(entries_max));
    assert_non_null(memory);
    return map_init(memory, entries_max);
}

static bool naive_has(const struct naive *naive, uint64_t key, uint32_t value, uint32_t *index)
{
    for (uint32_t i = 0; i < naive->count; i++) {
        if (naive->keys[i] == key && naive->values[i] == value) {
            *index = i;
            return true;
        }
    }
    return false;
}

static uint32_t naive_count_of(const struct naive *naive, uint64_t key)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < naive->count; i++) {
        count += naive->keys[i] == key ? 1 : 0;
    }
    return count;
}

static bool take_any(void *context, uint32_t value)
{
    (void)context;
    (void)value;
    return true;
}

// Some value under the key. No two keys of these tests are the same in what a map keeps of them.
static uint32_t get(const struct map *map, uint64_t key)
{
    return map_find(map, key, NULL, take_any);
}

static bool is_equal(void *context, uint32_t value)
{
    return value == *(const uint32_t *)context;
}

struct seen {
    const struct naive *naive;
    uint64_t key;
    uint32_t count;
    uint32_t wanted;
};

static bool count_value(void *context, uint32_t value)
{
    struct seen *seen = context;
    uint32_t index;
    assert_true(naive_has(seen->naive, seen->key, value, &index));
    seen->count++;
    return value == seen->wanted;
}

static void check_key(const struct map *map, const struct naive *naive, uint64_t key)
{
    struct seen seen = {naive, key, 0, MAP_NONE};
    uint32_t index;
    const uint32_t got = get(map, key);

    assert_int_equal(map_find(map, key, &seen, count_value), MAP_NONE);
    assert_int_equal(seen.count, naive_count_of(naive, key));
    assert_true((got == MAP_NONE) == (seen.count == 0));
    assert_true(got == MAP_NONE || naive_has(naive, key, got, &index));
}

static void random_step(struct map *map, struct naive *naive, uint32_t entries_max,
                        struct random *random)
{
    // Few keys, spread over the 64 bits, 0 among them.
    const uint64_t key = random_below(random, 24) * UINT64_C(0x0123456789abcdef);
    const uint32_t value = (uint32_t)random_below(random, 4);
    uint32_t index;

    if (random_chance(random, 1, 2)) {
        const bool put = map_put(map, key, value);
        assert_true(put == (naive->count < entries_max));
        if (put) {
            naive->keys[naive->count] = key;
            naive->values[naive->count++] = value;
        }
    } else {
        map_remove(map, key, value);
        if (naive_has(naive, key, value, &index)) {
            naive->count--;
            naive->keys[index] = naive->keys[naive->count];
            naive->values[index] = naive->values[naive->count];
        }
    }
    assert_int_equal(map_count(map), naive->count);
    check_key(map, naive, key);
}

static void random_puts_and_removals_agree_with_a_list(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 2, 3, 7, 16, 40, 64};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct naive naive = {.count = 0};
        struct map *map = new_map(sizes[i]);
        struct random random;
        random_init(&random, 7 + i);
        for (unsigned turn = 0; turn < 5000; turn++) {
            random_step(map, &naive, sizes[i], &random);
            map_check(map);
        }
        free(map);
    }
}

static void full_map_refuses_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct map *map = new_map(2);
    assert_true(map_put(map, 1, 10));
    assert_true(map_put(map, 2, 20));
    assert_false(map_put(map, 3, 30));
    assert_int_equal(get(map, 1), 10);
    assert_int_equal(get(map, 2), 20);
    assert_int_equal(get(map, 3), MAP_NONE);
    map_remove(map, 1, 10);
    assert_true(map_put(map, 3, 30));
    free(map);
}

static void find_stops_at_the_value_that_matches(void **state)
{
    (void)state;
    struct naive naive = {{5, 5, 5}, {1, 2, 3}, 3};
    struct map *map = new_map(8);
    for (uint32_t value = 1; value <= 3; value++) {
        assert_true(map_put(map, 5, value));
    }
    struct seen seen = {&naive, 5, 0, 2};
    assert_int_equal(map_find(map, 5, &seen, count_value), 2);
    assert_in_range(seen.count, 1, 3);
    free(map);
}

static void removal_takes_exactly_one_entry(void **state)
{
    (void)state;
    struct map *map = new_map(8);
    assert_true(map_put(map, 5, 1));
    assert_true(map_put(map, 5, 1));
    assert_true(map_put(map, 5, 2));
    map_remove(map, 5, 3);
    map_remove(map, 6, 1);
    assert_int_equal(map_count(map), 3);
    map_remove(map, 5, 1);
    assert_int_equal(map_count(map), 2);
    assert_int_equal(get(map, 5) == MAP_NONE, 0);
    map_remove(map, 5, 1);
    assert_int_equal(get(map, 5), 2);
    free(map);
}

// Ids in sequence and ids that differ only in their upper half are both common.
static void regular_keys_all_stay_reachable(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    for (unsigned shift = 0; shift <= 40; shift += 20) {
        struct map *map = new_map(COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_true(map_put(map, (uint64_t)i << shift, i));
        }
        map_check(map);
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(map_find(map, (uint64_t)i << shift, &i, is_equal), i);
        }
        free(map);
    }
}

// The product of the two is 1 modulo 2^64: Newton's way, each step doubles the right digits.
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd;
    for (unsigned i = 0; i < 5; i++) {
        inverse *= 2 - odd * inverse;
    }
    return inverse;
}

static void keys_that_look_the_same_keep_their_values(void **state)
{
    (void)state;
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t first = UINT64_C(0x1234567800000001) * inverse_of(golden);
    const uint64_t second = UINT64_C(0x1234567800000002) * inverse_of(golden);
    uint32_t wanted = 20;
    struct map *map = new_map(4);
    assert_int_equal(golden * inverse_of(golden), 1);
    assert_true(map_put(map, first, 10));
    assert_int_equal(get(map, second), 10); // such a value is for the caller to refuse
    assert_true(map_put(map, second, 20));
    assert_int_equal(map_find(map, second, &wanted, is_equal), 20);
    map_remove(map, first, 10);
    assert_int_equal(get(map, second), 20);
    map_check(map);
    free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_puts_and_removals_agree_with_a_list),
        cmocka_unit_test(full_map_refuses_and_keeps_what_it_has),
        cmocka_unit_test(find_stops_at_the_value_that_matches),
        cmocka_unit_test(removal_takes_exactly_one_entry),
        cmocka_unit_test(regular_keys_all_stay_reachable),
        cmocka_unit_test(keys_that_look_the_same_keep_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
