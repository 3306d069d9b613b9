// Configuration files: nested maps, keys with dots, lists; and for everything that is wrong a line
// with file, line, column, key and reason.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

static enum err load(const char *text, struct conf **conf, char message[512])
{
    struct buf out = buf_over(message, 511);

    assert_int_equal(conf_create(conf), ERR_OK);
    const enum err err = conf_load_yaml(*conf, "f.yaml", slice_text(text), &out);
    message[out.len] = 0;
    return err;
}

static void nested_maps_and_dotted_keys_are_the_same(void **state)
{
    static const char *const texts[] = {
        "coap:\n  workers: 2\n  bind: [127.0.0.1:1, '[::1]:2']\nlog.level: debug\n",
        "coap.workers: 2\ncoap.bind: 127.0.0.1:1, [::1]:2\nlog:\n  level: debug\n",
        "coap:\n  bind:\n    - 127.0.0.1:1\n    - \"[::1]:2\"\n  workers: 2\nlog: {level: debug}\n",
        "---\n# comment\nlog.level: debug\ncoap: {workers: 2, bind: '127.0.0.1:1,[::1]:2'}\n...\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct conf *conf;
        char message[512];
        assert_int_equal(load(texts[i], &conf, message), ERR_OK);
        assert_string_equal(message, "");
        assert_int_equal(conf_int(conf, "coap.workers"), 2);
        assert_string_equal(conf_text(conf, "coap.bind"), "127.0.0.1:1,[::1]:2");
        assert_string_equal(conf_text(conf, "log.level"), "debug");
        assert_false(conf_is_set(conf, "http.bind"));
        conf_destroy(conf);
    }
}

static void files_that_say_nothing_are_fine(void **state)
{
    static const char *const texts[] = {
        "", "# nothing\n", "---\n", "{}", "coap:\n  # workers: 2\n", "''", "coap: {}\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct conf *conf;
        char message[512];
        assert_int_equal(load(texts[i], &conf, message), ERR_OK);
        conf_destroy(conf);
    }
}

static const struct {
    const char *text;
    const char *message;
} wrong[] = {
    {"coap:\n  workers: 65\n", "f.yaml:2:12: coap.workers: is 65, above 64"},
    {"coap:\n  worker: 2\n", "f.yaml:2:11: coap.worker: no such key; did you mean coap.workers?"},
    {"a: b\n", "f.yaml:1:4: a: no such key"},
    {"coap: 5\n", "f.yaml:1:7: coap: no such key"},
    {"coapp:\n  bind: x\n", "f.yaml:2:3: coapp: no such section"},
    {"coap.bind:\n  x: 1\n", "f.yaml:2:3: coap.bind: is a key, not a section"},
    {"coap.workers:\n", "f.yaml:1:14: coap.workers: \"\" is not a number"},
    {"coap.workers: 1\ncoap:\n  workers: 2\n",
     "f.yaml:3:12: coap.workers: stands in line 1 already"},
    {"coap.bind: [127.0.0.1:1, x]\n",
     "f.yaml:1:12: coap.bind: \"x\" is no address with a port, as 0.0.0.0:5683 or [::]:5683"},
    {"coap.bind: [{a: b}]\n", "f.yaml:1:13: coap.bind: a list holds plain values only"},
    {"coap.bind: [[a]]\n", "f.yaml:1:13: coap.bind: a list cannot stand here"},
    {"? [a]\n: b\n", "f.yaml:1:3: a list cannot stand here"},
    {"? {a: b}\n: c\n", "f.yaml:1:3: a map cannot be a key"},
    {"- a\n", "f.yaml:1:1: the file is not a map of keys"},
    {"hello\n", "f.yaml:1:1: the file is not a map of keys"},
    {"coap: {coap: {coap: {bind: x}}}\n", "f.yaml:1:14: coap.coap: no such section"},
    {"data.dir: &x data\n", "f.yaml:1:11: data.dir: anchors are not taken"},
    {"data.dir: *x\n", "f.yaml:1:11: data.dir: aliases are not taken"},
    {"data.dir: a\n---\ndata.dir: b\n", "f.yaml:2:1: a second document is not taken"},
    {"'': x\n", "f.yaml:1:1: no such key"},
    {"\"a\\0b\": x\n", "f.yaml:1:1: a: no such key"},
};

static void errors_name_the_place_the_key_and_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct conf *conf;
        char message[512];
        assert_int_equal(load(wrong[i].text, &conf, message), ERR_INVALID);
        assert_string_equal(message, wrong[i].message);
        conf_destroy(conf);
    }
}

static void broken_yaml_names_its_place(void **state)
{
    static const char *const texts[] = {"a: [b\n",          "a: 'b\n",   "\ta: b\n",
                                        "data.dir: b: c\n", "a: \x01\n", "a: \xFF\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct conf *conf;
        char message[512];
        assert_int_equal(load(texts[i], &conf, message), ERR_SYNTAX);
        assert_memory_equal(message, "f.yaml:", 7);
        conf_destroy(conf);
    }
}

static void size_and_depth_are_bounded(void **state)
{
    static char text[8192];
    struct conf *conf;
    char message[512];

    (void)state;
    // A name, a value and a list that are too long.
    memset(text, 'a', 300);
    strcpy(text + 300, ": b\n");
    assert_int_equal(load(text, &conf, message), ERR_INVALID);
    conf_destroy(conf);
    strcpy(text, "data.dir: ");
    memset(text + 10, 'a', 2000);
    text[2010] = 0;
    assert_int_equal(load(text, &conf, message), ERR_INVALID);
    assert_string_equal(message, "f.yaml:1:11: data.dir: is longer than 1024 characters");
    conf_destroy(conf);
    strcpy(text, "coap.bind: [a");
    for (unsigned i = 0; i < 600; i++) {
        strcat(text, ",a");
    }
    strcat(text, "]");
    assert_int_equal(load(text, &conf, message), ERR_INVALID);
    assert_non_null(strstr(message, "coap.bind: the list is too long"));
    conf_destroy(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_maps_and_dotted_keys_are_the_same),
        cmocka_unit_test(files_that_say_nothing_are_fine),
        cmocka_unit_test(errors_name_the_place_the_key_and_the_reason),
        cmocka_unit_test(broken_yaml_names_its_place),
        cmocka_unit_test(size_and_depth_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
