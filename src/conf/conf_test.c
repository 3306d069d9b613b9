// Values after all sources: defaults, --set, the order in which sources override, reads by type,
// and the table for people.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert_test.h"
#include "conf/conf.h"

struct fixture {
    struct conf *conf;
    char text[512];
    struct buf message;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->message = buf_over(f->text, sizeof(f->text) - 1);
    *state = f;
    return conf_create(&f->conf) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    conf_destroy(f->conf);
    free(f);
    return 0;
}

static void without_a_word_the_defaults_stand(void **state)
{
    struct fixture *f = *state;

    assert_true(conf_bool(f->conf, "coap.enabled"));
    assert_int_equal(conf_int(f->conf, "coap.workers"), 0);
    assert_int_equal(conf_size(f->conf, "coap.body-max"), 65536);
    assert_int_equal(conf_span_ms(f->conf, "coap.ack-wait"), 500);
    assert_string_equal(conf_text(f->conf, "coap.bind"), "0.0.0.0:5683,[::]:5683");
    assert_string_equal(conf_text(f->conf, "coap.worker-cpus"), "");
    assert_string_equal(conf_text(f->conf, "log.level"), "info");
    assert_false(conf_is_set(f->conf, "coap.bind"));
}

static void an_assignment_sets_a_value(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(conf_set(f->conf, "coap.workers=2", &f->message), ERR_OK);
    assert_int_equal(conf_int(f->conf, "coap.workers"), 2);
    assert_true(conf_is_set(f->conf, "coap.workers"));
    // Setting what is the default already counts.
    assert_int_equal(conf_set(f->conf, "coap.enabled=true", &f->message), ERR_OK);
    assert_true(conf_is_set(f->conf, "coap.enabled"));
    assert_int_equal(conf_set(f->conf, "data.dir=a=b", &f->message), ERR_OK);
    assert_string_equal(conf_text(f->conf, "data.dir"), "a=b");
    assert_int_equal(f->message.len, 0);
}

static void a_wrong_assignment_changes_nothing_and_says_why(void **state)
{
    static const struct {
        const char *assignment;
        const char *message;
    } rows[] = {
        {"coap.workers", "--set: coap.workers: '=' and a value are missing"},
        {"coap.worker=2", "--set: coap.worker: no such key; did you mean coap.workers?"},
        {"what.is.this=2", "--set: what.is.this: no such key"},
        {"=2", "--set: : no such key"},
        {"coap.workers=65", "--set: coap.workers: is 65, above 64"},
        {"coap.workers=", "--set: coap.workers: \"\" is not a number"},
        {"log.level=loud", "--set: log.level: \"loud\" is none of: debug info warn error"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        f->message.len = 0;
        assert_int_equal(conf_set(f->conf, rows[i].assignment, &f->message), ERR_INVALID);
        f->text[f->message.len] = 0;
        assert_string_equal(f->text, rows[i].message);
    }
    assert_false(conf_is_set(f->conf, "coap.workers"));
    assert_false(conf_is_set(f->conf, "log.level"));
}

static void the_stronger_source_wins_in_any_order(void **state)
{
    char variable[] = "MOTEHUB_COAP_WORKERS=3";
    char *const environment[] = {variable, NULL};
    const struct slice file = SLICE("coap.workers: 2\n");
    struct fixture *f = *state;

    assert_int_equal(conf_load_environment(f->conf, environment, &f->message), ERR_OK);
    assert_int_equal(conf_load_yaml(f->conf, "f.yaml", file, &f->message), ERR_OK);
    assert_int_equal(conf_int(f->conf, "coap.workers"), 3);
    assert_int_equal(conf_set(f->conf, "coap.workers=4", &f->message), ERR_OK);
    assert_int_equal(conf_load_environment(f->conf, environment, &f->message), ERR_OK);
    assert_int_equal(conf_int(f->conf, "coap.workers"), 4);
    // Of one source the last counts.
    assert_int_equal(conf_set(f->conf, "coap.workers=5", &f->message), ERR_OK);
    assert_int_equal(conf_int(f->conf, "coap.workers"), 5);
}

static void ask_for_unknown(void *context)
{
    (void)conf_int(((struct fixture *)context)->conf, "coap.nothing");
}

static void ask_for_bool_as_int(void *context)
{
    (void)conf_int(((struct fixture *)context)->conf, "coap.enabled");
}

static void ask_for_int_as_text(void *context)
{
    (void)conf_text(((struct fixture *)context)->conf, "coap.workers");
}

static void a_wrong_question_stops_the_process(void **state)
{
    assert_true(assert_stops(ask_for_unknown, *state));
    assert_true(assert_stops(ask_for_bool_as_int, *state));
    assert_true(assert_stops(ask_for_int_as_text, *state));
}

#define KEY(...) +1
#define CHOICE(...) +1
enum {
    KEY_COUNT = 0
#include "conf/keys.def"
};
#undef KEY
#undef CHOICE

static void the_table_has_a_row_for_each_key(void **state)
{
    static char table[16384];
    struct buf out = buf_over(table, sizeof(table) - 1);
    struct fixture *f = *state;
    size_t lines = 0;

    assert_int_equal(conf_set(f->conf, "coap.ack-wait=2s", &f->message), ERR_OK);
    conf_write_table(f->conf, &out);
    assert_false(out.overflow);
    table[out.len] = 0;
    for (const char *at = table; *at != 0; at++) {
        lines += *at == '\n' ? 1 : 0;
    }
    assert_int_equal(lines, 1 + KEY_COUNT);
    const char *row = strstr(table, "coap.ack-wait");
    assert_non_null(row);
    const char *const parts[] = {"time", "2s", "500ms", "--set", "RFC 7252 5.2.2"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        row = strstr(row, parts[i]);
        assert_non_null(row);
    }
    assert_non_null(strstr(table, "(debug info warn error)"));
}

static void what_changed_is_named_by_whether_it_can_be_reloaded(void **state)
{
    struct fixture *f = *state;
    struct conf *after = NULL;
    char text[128];
    struct buf out = buf_over(text, sizeof(text));
    assert_int_equal(conf_create(&after), ERR_OK);
    assert_int_equal(conf_set(after, "log.level=debug", &f->message), ERR_OK);
    assert_int_equal(conf_set(after, "coap.ack-wait=2s", &f->message), ERR_OK);
    assert_int_equal(conf_set(after, "http.queue=7", &f->message), ERR_OK);
    conf_write_changed(f->conf, after, true, &out);
    assert_true(slice_equal(buf_view(&out), SLICE("log.level")));
    out.len = 0;
    conf_write_changed(f->conf, after, false, &out);
    assert_true(slice_equal(buf_view(&out), SLICE("coap.ack-wait, http.queue")));
    out.len = 0;
    conf_write_changed(after, after, false, &out);
    assert_int_equal(out.len, 0);
    conf_destroy(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_word_the_defaults_stand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_assignment_sets_a_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_assignment_changes_nothing_and_says_why, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_stronger_source_wins_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_question_stops_the_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_table_has_a_row_for_each_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changed_is_named_by_whether_it_can_be_reloaded, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
