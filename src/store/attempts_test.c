// Wrong log-ins: counted by key, forgiven with time; looking costs nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/attempts.h"

static const struct rate three_in_thirty_seconds = {.capacity = {3}, .seconds = {30}, .count = 1};

static struct mono at(uint64_t second)
{
    return (struct mono){1000000000U * (second + 1)};
}

static void attempts_end_after_too_many_wrong_ones(void **state)
{
    (void)state;
    struct store_attempts *attempts = NULL;
    assert_int_equal(store_attempts_create(&attempts, &three_in_thirty_seconds), ERR_OK);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned look = 0; look < 10; look++) {
            assert_true(store_attempts_allowed(attempts, at(0), 7));
        }
        store_attempts_failed(attempts, at(0), 7);
    }
    assert_false(store_attempts_allowed(attempts, at(0), 7));
    assert_true(store_attempts_allowed(attempts, at(0), 8));
    store_attempts_destroy(attempts);
}

static void attempts_come_back_with_time(void **state)
{
    (void)state;
    struct store_attempts *attempts = NULL;
    assert_int_equal(store_attempts_create(&attempts, &three_in_thirty_seconds), ERR_OK);
    for (unsigned i = 0; i < 5; i++) {
        store_attempts_failed(attempts, at(0), 7);
    }
    assert_false(store_attempts_allowed(attempts, at(5), 7));
    assert_true(store_attempts_allowed(attempts, at(11), 7));
    store_attempts_failed(attempts, at(11), 7);
    assert_false(store_attempts_allowed(attempts, at(12), 7));
    store_attempts_destroy(attempts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_end_after_too_many_wrong_ones),
        cmocka_unit_test(attempts_come_back_with_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
