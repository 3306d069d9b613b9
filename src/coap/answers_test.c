#include "coap/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 65536U
#define PLACES (BYTES / 64U)

static struct coap_answers *answers;

static int set_up(void **state)
{
    (void)state;
    void *memory = aligned_alloc(64, coap_answers_footprint(BYTES));
    memset(memory, 0, coap_answers_footprint(BYTES));
    answers = coap_answers_init(memory, BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(answers);
    return 0;
}

static void keep(uint64_t key, const char *text)
{
    assert_true(coap_answers_keep(answers, key, slice_text(text), SLICE_EMPTY));
}

static bool is_kept(uint64_t key, const char *text)
{
    return slice_equal(coap_answers_find(answers, key), slice_text(text));
}

static void what_was_kept_is_found(void **state)
{
    (void)state;
    keep(1, "one");
    keep(2, "two");
    assert_true(is_kept(1, "one") && is_kept(2, "two"));
    assert_null(coap_answers_find(answers, 3).ptr);
    assert_null(coap_answers_find(answers, 0).ptr);
}

static void a_newer_answer_takes_the_place_of_the_older(void **state)
{
    (void)state;
    keep(1, "one");
    keep(1, "another");
    assert_true(is_kept(1, "another"));
}

static void what_was_forgotten_is_not_found(void **state)
{
    (void)state;
    assert_true(coap_answers_keep(answers, 1, SLICE("head"), SLICE(" tail")));
    keep(1U + PLACES, "other");
    assert_true(is_kept(1, "head tail"));
    coap_answers_forget(answers, 1);
    coap_answers_forget(answers, 1);
    assert_null(coap_answers_find(answers, 1).ptr);
    assert_true(is_kept(1U + PLACES, "other"));
}

static void four_keys_that_meet_stand_side_by_side(void **state)
{
    (void)state;
    // Equal in all bits that choose the place.
    for (uint64_t n = 1; n <= 4; n++) {
        keep(n * PLACES, "same");
    }
    for (uint64_t n = 1; n <= 4; n++) {
        assert_true(is_kept(n * PLACES, "same"));
    }
    keep(5U * PLACES, "fifth");
    assert_true(is_kept(5U * PLACES, "fifth"));
    assert_null(coap_answers_find(answers, PLACES).ptr);
    assert_true(is_kept(2U * PLACES, "same"));
}

static void the_newest_overwrite_the_oldest(void **state)
{
    (void)state;
    static char text[1001];
    memset(text, 'a', sizeof(text) - 1);
    for (uint64_t key = 1; key <= 100; key++) {
        keep(key, text);
    }
    assert_null(coap_answers_find(answers, 30).ptr);
    assert_true(is_kept(40, text) && is_kept(100, text));
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[BYTES / 2 + 1];
    assert_false(coap_answers_keep(answers, 1, slice_of(bytes, sizeof(bytes)), SLICE_EMPTY));
    assert_false(coap_answers_keep(answers, 1, SLICE_EMPTY, SLICE_EMPTY));
    assert_true(coap_answers_keep(answers, 1, slice_of(bytes, sizeof(bytes) - 1), SLICE_EMPTY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_kept_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_answer_takes_the_place_of_the_older, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_forgotten_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(four_keys_that_meet_stand_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_overwrite_the_oldest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
