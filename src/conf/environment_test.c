// The environment: our own names, upstream's as aliases, those without a meaning in one line, and
// names that are wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

#define VARIABLES_MAX 8

// Loads variables given as one text, with '|' between them.
static enum err load_into(struct conf *conf, const char *variables, char message[512])
{
    char copy[1024];
    char *environment[VARIABLES_MAX + 1] = {NULL};
    struct buf out = buf_over(message, 511);
    size_t count = 0;

    assert_true(strlen(variables) < sizeof(copy));
    strcpy(copy, variables);
    for (char *at = strtok(copy, "|"); at != NULL; at = strtok(NULL, "|")) {
        assert_true(count < VARIABLES_MAX);
        environment[count++] = at;
    }
    const enum err err = conf_load_environment(conf, environment, &out);
    message[out.len] = 0;
    return err;
}

// What a key is after the variables, as text.
static const char *loaded(const char *variables, const char *key, char text[1200])
{
    struct conf *conf;
    char message[512];
    static char table[16384];
    struct buf out = buf_over(table, sizeof(table) - 1);

    assert_int_equal(conf_create(&conf), ERR_OK);
    assert_int_equal(load_into(conf, variables, message), ERR_OK);
    assert_string_equal(message, "");
    conf_write_table(conf, &out);
    table[out.len] = 0;
    conf_destroy(conf);
    // The third word of the key's row.
    char pattern[64];
    snprintf(pattern, sizeof(pattern), "\n%s ", key);
    const char *row = strstr(table, pattern);
    assert_non_null(row);
    assert_int_equal(sscanf(row, "%*s %*s %1199s", text), 1);
    return text;
}

static void variables_become_values(void **state)
{
    static const struct {
        const char *variables;
        const char *key;
        const char *value;
    } rows[] = {
        {"PATH=/bin|HOME=/|nothing", "coap.enabled", "true"},
        {"MOTEHUB_COAP_ACK_WAIT=2s", "coap.ack-wait", "2s"},
        {"MOTEHUB_COAP_WORKER_CPUS=0,1", "coap.worker-cpus", "0,1"},
        {"MOTEHUB_URL=a|MOTEHUB_USER=b|MOTEHUB_PASSWORD=c", "coap.enabled", "true"},
        // Upstream's names.
        {"COAP_PIGGYBACK_TIMEOUT=700", "coap.ack-wait", "700"},
        {"JSON_TYPE_CAST_ENABLED=false", "json.type-cast", "false"},
        {"JSON_MAX_STRING_VALUE_LENGTH=64", "json.string-length-max", "64"},
        {"COAP_ENABLED=false", "coap.enabled", "false"},
        {"COAP_SERVER_ENABLED=false|COAP_ENABLED=true", "coap.enabled", "false"},
        {"COAP_SERVER_ENABLED=true|COAP_ENABLED=false", "coap.enabled", "false"},
        {"COAP_SERVER_ENABLED=true|COAP_ENABLED=true", "coap.enabled", "true"},
        {"TB_TRANSPORT_API_ENABLED=false", "coap.enabled", "false"},
        {"DEFAULT_INACTIVITY_TIMEOUT=30", "presence.inactivity", "30s"},
        {"ACTORS_RPC_SUBMIT_STRATEGY_TYPE=BURST", "rpc.strategy", "burst"},
        {"ACTORS_RPC_SUBMIT_STRATEGY_TYPE=SEQUENTIAL_ON_ACK_FROM_DEVICE", "rpc.strategy", "on-ack"},
        {"ACTORS_RPC_SUBMIT_STRATEGY_TYPE=SEQUENTIAL_ON_RESPONSE_FROM_DEVICE", "rpc.strategy",
         "on-response"},
        {"MIN_SERVER_SIDE_RPC_TIMEOUT=700", "rpc.timeout-min", "700"},
        // One address and one port fill the first entry; the default's other entry goes.
        {"COAP_BIND_PORT=15683", "coap.bind", "0.0.0.0:15683"},
        {"COAP_BIND_ADDRESS=127.0.0.1", "coap.bind", "127.0.0.1:5683"},
        {"COAP_BIND_ADDRESS=::1|COAP_BIND_PORT=1", "coap.bind", "[::1]:1"},
        {"COAP_BIND_ADDRESS=[::1]", "coap.bind", "[::1]:5683"},
        {"HTTP_BIND_ADDRESS=127.0.0.1|HTTP_BIND_PORT=9090", "http.bind", "127.0.0.1:9090"},
        // Our own names win, wherever they stand.
        {"MOTEHUB_COAP_BIND=127.0.0.1:7|COAP_BIND_PORT=1", "coap.bind", "127.0.0.1:7"},
        {"MOTEHUB_COAP_ENABLED=true|COAP_ENABLED=false", "coap.enabled", "true"},
        {"MOTEHUB_COAP_ACK_WAIT=2s|COAP_PIGGYBACK_TIMEOUT=700", "coap.ack-wait", "2s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1200];
        assert_string_equal(loaded(rows[i].variables, rows[i].key, text), rows[i].value);
    }
}

static void entries_that_were_asked_for_stay_behind_the_first(void **state)
{
    struct conf *conf;
    char message[512];
    struct buf out = buf_over(message, sizeof(message));

    (void)state;
    assert_int_equal(conf_create(&conf), ERR_OK);
    assert_int_equal(
        conf_load_yaml(conf, "f", SLICE("coap.bind: 127.0.0.1:1,[::1]:2,127.0.0.1:3"), &out),
        ERR_OK);
    assert_int_equal(load_into(conf, "COAP_BIND_PORT=9", message), ERR_OK);
    assert_string_equal(conf_text(conf, "coap.bind"), "127.0.0.1:9,[::1]:2,127.0.0.1:3");
    conf_destroy(conf);
}

static void a_switch_off_in_the_file_is_switched_on_by_upstreams_name(void **state)
{
    struct conf *conf;
    char message[512];
    struct buf out = buf_over(message, sizeof(message));

    (void)state;
    assert_int_equal(conf_create(&conf), ERR_OK);
    assert_int_equal(conf_load_yaml(conf, "f", SLICE("coap.enabled: false"), &out), ERR_OK);
    assert_int_equal(load_into(conf, "COAP_ENABLED=true", message), ERR_OK);
    assert_true(conf_bool(conf, "coap.enabled"));
    conf_destroy(conf);
}

static void names_without_a_meaning_are_named_in_one_line(void **state)
{
    struct conf *conf;
    char message[512];

    (void)state;
    assert_int_equal(conf_create(&conf), ERR_OK);
    assert_int_equal(load_into(conf,
                               "SECURITY_CLAIM_DURATION=1|PATH=/bin|COAP_DTLS_ENABLED=true|"
                               "CACHE_SPECS_CLAIM_DEVICES_TTL=5|SECURITY_CLAIM_DURATIONS=1",
                               message),
                     ERR_OK);
    assert_string_equal(message, "environment: without meaning here: SECURITY_CLAIM_DURATION, "
                                 "COAP_DTLS_ENABLED, CACHE_SPECS_CLAIM_DEVICES_TTL");
    conf_destroy(conf);
}

static void a_second_message_stands_on_its_own_line(void **state)
{
    char known[] = "SECURITY_CLAIM_DURATION=1";
    char wrong[] = "MOTEHUB_QWERTY=1";
    char *const fine[] = {known, NULL};
    char *const bad[] = {wrong, NULL};
    struct conf *conf;
    char message[512];
    struct buf out = buf_over(message, sizeof(message) - 1);

    (void)state;
    assert_int_equal(conf_create(&conf), ERR_OK);
    assert_int_equal(conf_load_environment(conf, fine, &out), ERR_OK);
    assert_int_equal(conf_load_environment(conf, fine, &out), ERR_OK);
    assert_int_equal(conf_load_environment(conf, bad, &out), ERR_INVALID);
    assert_int_equal(conf_set(conf, "a.b", &out), ERR_INVALID);
    message[out.len] = 0;
    assert_string_equal(message, "environment: without meaning here: SECURITY_CLAIM_DURATION\n"
                                 "environment: without meaning here: SECURITY_CLAIM_DURATION\n"
                                 "environment: MOTEHUB_QWERTY: names no key\n"
                                 "--set: a.b: '=' and a value are missing");
    conf_destroy(conf);
}

static void wrong_variables_are_named_with_the_reason(void **state)
{
    static const struct {
        const char *variables;
        const char *message;
    } rows[] = {
        {"MOTEHUB_COAP_WORKER=1", "environment: MOTEHUB_COAP_WORKER: names no key; did you mean "
                                  "MOTEHUB_COAP_WORKERS?"},
        {"MOTEHUB_COAP_ACKWAIT=1", "environment: MOTEHUB_COAP_ACKWAIT: names no key; did you mean "
                                   "MOTEHUB_COAP_ACK_WAIT?"},
        {"MOTEHUB_QWERTY=1", "environment: MOTEHUB_QWERTY: names no key"},
        {"MOTEHUB_coap_workers=1", "environment: MOTEHUB_coap_workers: names no key; did you mean "
                                   "MOTEHUB_COAP_WORKERS?"},
        {"MOTEHUB_COAP_WORKERS=x",
         "environment: MOTEHUB_COAP_WORKERS: coap.workers: \"x\" is not a number"},
        {"COAP_PIGGYBACK_TIMEOUT=20s",
         "environment: COAP_PIGGYBACK_TIMEOUT: coap.ack-wait: is 20s, above 10s"},
        {"COAP_ENABLED=maybe",
         "environment: COAP_ENABLED: coap.enabled: \"maybe\" is neither true nor false"},
        {"COAP_BIND_PORT=x", "environment: COAP_BIND_PORT: coap.bind: \"0.0.0.0:x\" is no address "
                             "with a port, as 0.0.0.0:5683 or [::]:5683"},
        {"COAP_BIND_ADDRESS=localhost",
         "environment: COAP_BIND_ADDRESS: coap.bind: \"localhost:5683\" is no address "
         "with a port, as 0.0.0.0:5683 or [::]:5683"},
        {"COAP_BIND_ADDRESS=", "environment: COAP_BIND_ADDRESS: coap.bind: \":5683\" is no address "
                               "with a port, as 0.0.0.0:5683 or [::]:5683"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf *conf;
        char message[512];
        assert_int_equal(conf_create(&conf), ERR_OK);
        assert_int_equal(load_into(conf, rows[i].variables, message), ERR_INVALID);
        assert_string_equal(message, rows[i].message);
        conf_destroy(conf);
    }
}

static void a_variable_that_is_too_long_is_refused(void **state)
{
    static char variable[2000] = "COAP_BIND_ADDRESS=";
    char *const environment[] = {variable, NULL};
    struct conf *conf;
    char message[512];
    struct buf out = buf_over(message, sizeof(message) - 1);

    (void)state;
    memset(variable + 18, 'a', sizeof(variable) - 19);
    assert_int_equal(conf_create(&conf), ERR_OK);
    assert_int_equal(conf_load_environment(conf, environment, &out), ERR_INVALID);
    message[out.len] = 0;
    assert_string_equal(message, "environment: COAP_BIND_ADDRESS: too long");
    conf_destroy(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_become_values),
        cmocka_unit_test(entries_that_were_asked_for_stay_behind_the_first),
        cmocka_unit_test(a_switch_off_in_the_file_is_switched_on_by_upstreams_name),
        cmocka_unit_test(names_without_a_meaning_are_named_in_one_line),
        cmocka_unit_test(a_second_message_stands_on_its_own_line),
        cmocka_unit_test(wrong_variables_are_named_with_the_reason),
        cmocka_unit_test(a_variable_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
