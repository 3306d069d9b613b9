// Every key of device-api.md section 9, one row each: its variable, its default there, and what
// becomes of it here. A variable that means a key of ours brings the same default and takes effect;
// the others are named in one warning.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf_priv.h"

#define VARIABLE_SIZE 160
#define MESSAGE_SIZE 4096

struct row {
    const char *variable;
    const char *fallback; // its default
    const char *key;      // NULL: it has no meaning here
    const char *other;    // another value, and how it reads as ours
    const char *ours;
};

static const struct row rows[] = {
    {"COAP_SERVER_ENABLED", "true", "coap.enabled", "false", "false"},
    {"COAP_BIND_ADDRESS", "0.0.0.0", "coap.bind", "127.0.0.1", "127.0.0.1:5683"},
    {"COAP_BIND_PORT", "5683", "coap.bind", "7", "0.0.0.0:7"},
    {"COAP_DTLS_ENABLED", "false", NULL, NULL, NULL},
    {"COAP_DTLS_BIND_ADDRESS", "0.0.0.0", NULL, NULL, NULL},
    {"COAP_DTLS_BIND_PORT", "5684", NULL, NULL, NULL},
    {"COAP_DTLS_RETRANSMISSION_TIMEOUT_MS", "9000", NULL, NULL, NULL},
    {"COAP_DTLS_CONNECTION_ID_LENGTH", "8", NULL, NULL, NULL},
    {"COAP_DTLS_MAX_TRANSMISSION_UNIT", "1024", NULL, NULL, NULL},
    {"COAP_DTLS_MAX_FRAGMENT_LENGTH", "1024", NULL, NULL, NULL},
    {"COAP_DTLS_CREDENTIALS_TYPE", "PEM", NULL, NULL, NULL},
    {"COAP_DTLS_PEM_CERT", "coapserver.pem", NULL, NULL, NULL},
    {"COAP_DTLS_PEM_KEY", "coapserver_key.pem", NULL, NULL, NULL},
    {"COAP_DTLS_PEM_KEY_PASSWORD", "server_key_password", NULL, NULL, NULL},
    {"COAP_DTLS_KEY_STORE_TYPE", "JKS", NULL, NULL, NULL},
    {"COAP_DTLS_KEY_STORE", "coapserver.jks", NULL, NULL, NULL},
    {"COAP_DTLS_KEY_STORE_PASSWORD", "server_ks_password", NULL, NULL, NULL},
    {"COAP_DTLS_KEY_ALIAS", "serveralias", NULL, NULL, NULL},
    {"COAP_DTLS_KEY_PASSWORD", "server_key_password", NULL, NULL, NULL},
    {"TB_COAP_X509_DTLS_SKIP_VALIDITY_CHECK_FOR_CLIENT_CERT", "false", NULL, NULL, NULL},
    {"TB_COAP_X509_DTLS_SESSION_INACTIVITY_TIMEOUT", "86400000", NULL, NULL, NULL},
    {"TB_COAP_X509_DTLS_SESSION_REPORT_TIMEOUT", "1800000", NULL, NULL, NULL},
    {"TB_TRANSPORT_API_ENABLED", "true", "coap.enabled", "false", "false"},
    {"COAP_ENABLED", "true", "coap.enabled", "false", "false"},
    {"COAP_TIMEOUT", "10000", "coap.timeout", "5000", "5000"},
    {"COAP_PIGGYBACK_TIMEOUT", "500", "coap.ack-wait", "700", "700"},
    {"COAP_PSM_ACTIVITY_TIMER", "10000", "coap.psm-awake", "5000", "5000"},
    {"COAP_PAGING_TRANSMISSION_WINDOW", "10000", "coap.edrx-awake", "5000", "5000"},
    {"TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT", "600000", NULL, NULL, NULL},
    {"TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT", "3000", "presence.sweep-every", "500", "500"},
    {"TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY", "LAST", NULL, NULL, NULL},
    {"JSON_TYPE_CAST_ENABLED", "true", "json.type-cast", "false", "false"},
    {"JSON_MAX_STRING_VALUE_LENGTH", "0", "json.string-length-max", "64", "64"},
    {"CLIENT_SIDE_RPC_TIMEOUT", "60000", NULL, NULL, NULL},
    {"TB_TRANSPORT_CALLBACK_THREAD_POOL_SIZE", "20", NULL, NULL, NULL},
    {"TB_TRANSPORT_LOG_ENABLED", "true", NULL, NULL, NULL},
    {"TB_TRANSPORT_LOG_MAX_LENGTH", "1024", NULL, NULL, NULL},
    {"TB_TRANSPORT_STATS_ENABLED", "true", NULL, NULL, NULL},
    {"TB_TRANSPORT_STATS_PRINT_INTERVAL_MS", "60000", NULL, NULL, NULL},
    {"TB_TRANSPORT_IP_RATE_LIMITS_ENABLED", "false", NULL, NULL, NULL},
    {"TB_TRANSPORT_MAX_WRONG_CREDENTIALS_PER_IP", "10", NULL, NULL, NULL},
    {"TB_TRANSPORT_IP_BLOCK_TIMEOUT", "60000", NULL, NULL, NULL},
    {"TB_TRANSPORT_SSL_CERTIFICATE_RELOAD_ENABLED", "true", NULL, NULL, NULL},
    {"TB_TRANSPORT_SSL_CERTIFICATE_RELOAD_CHECK_INTERVAL_SECONDS", "60", NULL, NULL, NULL},
    {"SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", "true", NULL, NULL, NULL},
    {"SECURITY_CLAIM_DURATION", "86400000", NULL, NULL, NULL},
    {"CACHE_SPECS_CLAIM_DEVICES_TTL", "1440", NULL, NULL, NULL},
    {"CACHE_SPECS_CLAIM_DEVICES_MAX_SIZE", "1000", NULL, NULL, NULL},
    {"CACHE_SPECS_OTA_PACKAGES_DATA_TTL", "60", NULL, NULL, NULL},
    {"CACHE_SPECS_OTA_PACKAGES_DATA_MAX_SIZE", "10", NULL, NULL, NULL},
    {"MIN_SERVER_SIDE_RPC_TIMEOUT", "5000", "rpc.timeout-min", "700", "700"},
    {"DEFAULT_SERVER_SIDE_RPC_TIMEOUT", "10000", "rpc.timeout-default", "700", "700"},
    {"ACTORS_RPC_MAX_RETRIES", "5", "rpc.retries-max", "7", "7"},
    {"ACTORS_RPC_SUBMIT_STRATEGY_TYPE", "BURST", "rpc.strategy",
     "SEQUENTIAL_ON_RESPONSE_FROM_DEVICE", "on-response"},
    {"ACTORS_RPC_RESPONSE_TIMEOUT_MS", "30000", "rpc.response-wait", "700", "700"},
    {"ACTORS_RPC_CLOSE_SESSION_ON_RPC_DELIVERY_TIMEOUT", "false", NULL, NULL, NULL},
    {"ACTORS_MAX_CONCURRENT_SESSION_PER_DEVICE", "1", NULL, NULL, NULL},
    {"ACTORS_SESSION_SYNC_TIMEOUT", "10000", NULL, NULL, NULL},
    {"DEFAULT_INACTIVITY_TIMEOUT", "600", "presence.inactivity", "30", "30s"},
    {"DEFAULT_STATE_CHECK_INTERVAL", "60", NULL, NULL, NULL},
    {"PERSIST_STATE_TO_TELEMETRY", "false", NULL, NULL, NULL},
    {"TB_QUEUE_TRANSPORT_MAX_REQUEST_TIMEOUT", "10000", NULL, NULL, NULL},
    {"TB_QUEUE_CORE_OTA_PACK_INTERVAL_MS", "60000", NULL, NULL, NULL},
    {"TB_QUEUE_CORE_OTA_PACK_SIZE", "100", NULL, NULL, NULL},
    {"SQL_ATTRIBUTES_VALUE_NO_XSS_VALIDATION", "false", NULL, NULL, NULL},
    {"SQL_TS_VALUE_NO_XSS_VALIDATION", "false", NULL, NULL, NULL},
    {"DEVICE_CONNECTIVITY_COAP_ENABLED", "true", NULL, NULL, NULL},
    {"DEVICE_CONNECTIVITY_COAP_HOST", "", NULL, NULL, NULL},
    {"DEVICE_CONNECTIVITY_COAP_PORT", "5683", NULL, NULL, NULL},
    {"DEVICE_CONNECTIVITY_COAPS_ENABLED", "false", NULL, NULL, NULL},
    {"DEVICE_CONNECTIVITY_COAPS_HOST", "", NULL, NULL, NULL},
    {"DEVICE_CONNECTIVITY_COAPS_PORT", "5684", NULL, NULL, NULL},
    {"DEVICE_CONNECTIVITY_COAPS_PEM_CERT_FILE", "cafile.pem", NULL, NULL, NULL},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct conf *defaults(void)
{
    struct conf *conf;
    assert_int_equal(conf_create(&conf), ERR_OK);
    return conf;
}

// The configuration when one variable is set, which is no reason for a word.
static struct conf *with(const char *variable, const char *value)
{
    char text[VARIABLE_SIZE];
    char memory[MESSAGE_SIZE];
    struct buf message = buf_over(memory, sizeof(memory));
    char *const environment[] = {text, NULL};
    struct conf *conf = defaults();
    assert_true(snprintf(text, sizeof(text), "%s=%s", variable, value) < (int)sizeof(text));
    assert_int_equal(conf_load_environment(conf, environment, &message), ERR_OK);
    assert_int_equal(message.len, 0);
    return conf;
}

static const struct conf_value *value_of(struct conf *conf, const char *name)
{
    const struct conf_key *key = conf_key_find(slice_text(name));
    assert_non_null(key);
    return conf_value_at(conf, key);
}

// Our list has an entry for IPv6 as well, which upstream's one address replaces.
static void assert_same_default(const struct row *row)
{
    struct conf *ours = defaults();
    struct conf *theirs = with(row->variable, row->fallback);
    const struct conf_value *a = value_of(ours, row->key);
    const struct conf_value *b = value_of(theirs, row->key);
    if (strcmp(row->key, "coap.bind") == 0) {
        assert_string_equal(b->text, "0.0.0.0:5683");
        assert_memory_equal(a->text, b->text, strlen(b->text));
    } else {
        assert_true(a->number == b->number);
        assert_int_equal(b->source, CONF_ENVIRONMENT);
    }
    conf_destroy(ours);
    conf_destroy(theirs);
}

static void variables_with_a_meaning_bring_the_same_default_and_take_effect(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].key == NULL) {
            continue;
        }
        assert_same_default(&rows[i]);
        struct conf *conf = with(rows[i].variable, rows[i].other);
        assert_string_equal(value_of(conf, rows[i].key)->text, rows[i].ours);
        conf_destroy(conf);
    }
}

// All of upstream's variables at once: one line names those without a meaning, in their order.
static void variables_without_a_meaning_are_named_in_one_warning(void **state)
{
    static char texts[ROWS][VARIABLE_SIZE];
    char *environment[ROWS + 1] = {NULL};
    char memory[MESSAGE_SIZE];
    char expected_memory[MESSAGE_SIZE];
    struct buf message = buf_over(memory, sizeof(memory));
    struct buf expected = buf_over(expected_memory, sizeof(expected_memory));
    struct conf *conf = defaults();
    bool is_first = true;

    (void)state;
    buf_put_text(&expected, "environment: without meaning here: ");
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s=%s", rows[i].variable, rows[i].fallback);
        environment[i] = texts[i];
        if (rows[i].key == NULL) {
            buf_put_format(&expected, "%s%s", is_first ? "" : ", ", rows[i].variable);
            is_first = false;
        }
    }
    assert_int_equal(conf_load_environment(conf, environment, &message), ERR_OK);
    assert_false(message.overflow || expected.overflow);
    assert_true(slice_equal(buf_view(&message), buf_view(&expected)));
    conf_destroy(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_with_a_meaning_bring_the_same_default_and_take_effect),
        cmocka_unit_test(variables_without_a_meaning_are_named_in_one_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
