// A filter forgets nothing, and says "perhaps" only for what shares a bit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/filter.h"

static void what_was_put_in_is_found(void **state)
{
    (void)state;
    static struct filter filter;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_false(filter_has(&filter, i * 7));
        filter_put(&filter, i * 7);
        filter_put(&filter, i * 7);
    }
    for (uint64_t i = 0; i < 7000; i++) {
        assert_int_equal(filter_has(&filter, i), i % 7 == 0);
    }
}

static void hashes_that_share_a_bit_are_taken_for_one_another(void **state)
{
    (void)state;
    static struct filter filter;
    filter_put(&filter, 5);
    assert_true(filter_has(&filter, 5 + (uint64_t)FILTER_BITS));
    assert_false(filter_has(&filter, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_is_found),
        cmocka_unit_test(hashes_that_share_a_bit_are_taken_for_one_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
