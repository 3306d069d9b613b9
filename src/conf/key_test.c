// The table of keys: names are well-formed and stay apart in the environment, defaults are valid,
// and a wrong name finds its neighbour.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf_priv.h"

static void names_are_words_with_dots_and_dashes(void **state)
{
    (void)state;
    assert_true(conf_key_count() > 30);
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        const size_t len = strlen(key->name);
        assert_true(len + strlen(CONF_VARIABLE_PREFIX) < CONF_NAME_MAX);
        assert_int_equal(strspn(key->name, "abcdefghijklmnopqrstuvwxyz.-"), len);
        assert_non_null(strchr(key->name, '.'));
        assert_true(strlen(key->help) > 0);
    }
}

static void no_two_keys_meet_in_the_environment(void **state)
{
    (void)state;
    for (const struct conf_key *a = conf_keys; a->name != NULL; a++) {
        for (const struct conf_key *b = a + 1; b->name != NULL; b++) {
            char first[CONF_NAME_MAX];
            char second[CONF_NAME_MAX];
            conf_key_variable(a, first);
            conf_key_variable(b, second);
            assert_string_not_equal(first, second);
        }
    }
}

static void a_variable_is_the_name_in_capitals(void **state)
{
    char variable[CONF_NAME_MAX];

    (void)state;
    conf_key_variable(conf_key_find(SLICE("coap.ack-wait")), variable);
    assert_string_equal(variable, "MOTEHUB_COAP_ACK_WAIT");
}

static void defaults_are_valid(void **state)
{
    (void)state;
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        struct conf_value value;
        char memory[256];
        struct buf reason = buf_over(memory, sizeof(memory));
        assert_int_equal(conf_value_parse(key, slice_text(key->fallback), &value, &reason), ERR_OK);
        assert_string_equal(value.text, key->fallback);
    }
}

static void sections_are_the_beginnings_of_names(void **state)
{
    (void)state;
    assert_true(conf_key_is_section(SLICE("coap")));
    assert_false(conf_key_is_section(SLICE("coa")));
    assert_false(conf_key_is_section(SLICE("coap.bind")));
    assert_false(conf_key_is_section(SLICE("")));
}

static void a_wrong_name_finds_its_neighbour(void **state)
{
    static const struct {
        const char *wrong;
        const char *right;
    } rows[] = {
        {"coap.bnd", "coap.bind"},
        {"coap.ack_wait", "coap.ack-wait"},
        {"coap.acks-wait", "coap.ack-wait"},
        {"htp.bind", "http.bind"},
        {"data-dir", "data.dir"},
        {"completely.different", NULL},
        {"", NULL},
    };
    char longest[CONF_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct conf_key *key = conf_key_nearest(slice_text(rows[i].wrong));
        if (rows[i].right == NULL) {
            assert_null(key);
        } else {
            assert_non_null(key);
            assert_string_equal(key->name, rows[i].right);
        }
        assert_null(conf_key_find(slice_text(rows[i].wrong)));
    }
    memset(longest, 'a', sizeof(longest));
    assert_null(conf_key_nearest(slice_of(longest, sizeof(longest))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_words_with_dots_and_dashes),
        cmocka_unit_test(no_two_keys_meet_in_the_environment),
        cmocka_unit_test(a_variable_is_the_name_in_capitals),
        cmocka_unit_test(defaults_are_valid),
        cmocka_unit_test(sections_are_the_beginnings_of_names),
        cmocka_unit_test(a_wrong_name_finds_its_neighbour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
