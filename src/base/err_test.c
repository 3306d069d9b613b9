// The table of errors: each has a name and a text of its own, and the numbers stand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert_test.h"
#include "base/err.h"

static void each_error_has_its_own_name_and_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        assert_true(strlen(err_name((enum err)i)) > 0);
        assert_true(strlen(err_text((enum err)i)) > 0);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(err_name((enum err)i), err_name((enum err)j));
            assert_string_not_equal(err_text((enum err)i), err_text((enum err)j));
        }
    }
}

static void names_and_texts_stand_by_their_number(void **state)
{
    (void)state;
    assert_int_equal(ERR_OK, 0);
    assert_string_equal(err_name(ERR_OK), "OK");
    assert_string_equal(err_name(ERR_TOO_LARGE), "TOO_LARGE");
    assert_string_equal(err_text(ERR_TOO_LARGE), "too large");
    assert_string_equal(err_name(ERR_KEY_LIMIT), "KEY_LIMIT");
}

static void ask_for_no_error(void *context)
{
    (void)context;
    (void)err_name(ERR_COUNT);
}

static void number_outside_the_table_is_a_bug(void **state)
{
    (void)state;
    assert_true(assert_stops(ask_for_no_error, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_own_name_and_text),
        cmocka_unit_test(names_and_texts_stand_by_their_number),
        cmocka_unit_test(number_outside_the_table_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
