// Random bytes: every byte of the memory is filled, none beside it, and no two calls give the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plat/entropy.h"

static void all_bytes_are_filled_and_none_beside(void **state)
{
    (void)state;
    // One request may give 256 bytes at once; larger ones may come in parts.
    enum { LEN = 100000 };
    uint8_t *bytes = calloc(1, LEN + 2);
    uint8_t *seen = calloc(1, LEN + 2);
    assert_non_null(bytes);
    assert_non_null(seen);
    for (unsigned round = 0; round < 8; round++) {
        plat_entropy(bytes + 1, LEN);
        for (size_t i = 0; i < LEN + 2; i++) {
            seen[i] |= bytes[i];
        }
    }
    size_t untouched = 0;
    for (size_t i = 1; i <= LEN; i++) {
        untouched += seen[i] == 0 ? 1 : 0;
    }
    assert_int_equal(untouched, 0);
    assert_int_equal(seen[0], 0);
    assert_int_equal(seen[LEN + 1], 0);
    free(bytes);
    free(seen);
}

static void words_differ(void **state)
{
    (void)state;
    uint64_t words[64];
    for (size_t i = 0; i < 64; i++) {
        words[i] = plat_entropy_word();
        for (size_t j = 0; j < i; j++) {
            assert_true(words[i] != words[j]);
        }
    }
}

static void no_bytes_is_no_work(void **state)
{
    (void)state;
    plat_entropy(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_are_filled_and_none_beside),
        cmocka_unit_test(words_differ),
        cmocka_unit_test(no_bytes_is_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
