// The growing map beside a plain list of pairs: random puts and removes, several values under a
// key.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "store/index.h"

#define PAIRS_MAX 2000U

static void missing_key_has_no_value(void **state)
{
    (void)state;
    struct store_index index;
    store_index_init(&index);
    assert_int_equal(store_index_get(&index, 5), STORE_INDEX_NONE);
    store_index_put(&index, 5, 1);
    store_index_remove(&index, 5, 2);
    assert_int_equal(store_index_get(&index, 5), 1);
    store_index_remove(&index, 5, 1);
    assert_int_equal(store_index_get(&index, 5), STORE_INDEX_NONE);
    assert_int_equal(index.count, 0);
    store_index_deinit(&index);
}

struct pair {
    uint64_t key;
    uint32_t value;
};

static void expect_values(const struct store_index *index, const struct pair *pairs, uint32_t count,
                          uint64_t key)
{
    uint32_t expected = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (pairs[i].key == key) {
            expected++;
            sum += pairs[i].value;
        }
    }
    uint32_t cursor = store_index_begin(index, key);
    uint32_t value = store_index_next(index, key, &cursor);
    while (value != STORE_INDEX_NONE) {
        assert_true(expected > 0);
        expected--;
        sum -= value;
        value = store_index_next(index, key, &cursor);
    }
    assert_int_equal(expected, 0);
    assert_int_equal(sum, 0);
}

static void random_changes_agree_with_a_list(void **state)
{
    (void)state;
    static struct pair pairs[PAIRS_MAX];
    struct store_index index;
    struct random random;
    uint32_t count = 0;
    random_init(&random, 7);
    store_index_init(&index);
    for (uint32_t step = 0; step < 20000; step++) {
        const uint64_t key = random_below(&random, 300);
        if (count < PAIRS_MAX && random_chance(&random, 11, 20)) {
            pairs[count++] = (struct pair){key, step};
            store_index_put(&index, key, step);
        } else if (count > 0) {
            const uint32_t victim = (uint32_t)random_below(&random, count);
            store_index_remove(&index, pairs[victim].key, pairs[victim].value);
            pairs[victim] = pairs[--count];
        }
        if (step % 50 == 0) {
            expect_values(&index, pairs, count, key);
        }
    }
    assert_int_equal(index.count, count);
    for (uint64_t key = 0; key < 300; key++) {
        expect_values(&index, pairs, count, key);
    }
    store_index_deinit(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_key_has_no_value),
        cmocka_unit_test(random_changes_agree_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
