// The names of the nouns' enums, both ways.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/entity.h"

static void transports_have_the_names_of_the_contract(void **state)
{
    (void)state;
    static const char *const names[] = {"DEFAULT", "COAP", "MQTT", "LWM2M", "SNMP"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        enum model_transport transport = MODEL_TRANSPORT_DEFAULT;
        assert_string_equal(model_transport_name((enum model_transport)i), names[i]);
        assert_true(model_transport_parse(slice_text(names[i]), &transport));
        assert_int_equal(transport, i);
    }
}

static void credentials_have_the_names_of_the_contract(void **state)
{
    (void)state;
    static const char *const names[] = {"ACCESS_TOKEN", "X509_CERTIFICATE", "MQTT_BASIC",
                                        "LWM2M_CREDENTIALS"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        enum model_credential_kind kind = MODEL_CREDENTIAL_TOKEN;
        assert_string_equal(model_credential_name((enum model_credential_kind)i), names[i]);
        assert_true(model_credential_parse(slice_text(names[i]), &kind));
        assert_int_equal(kind, i);
    }
}

static void authorities_have_the_names_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(model_authority_name(MODEL_SYS_ADMIN), "SYS_ADMIN");
    assert_string_equal(model_authority_name(MODEL_TENANT_ADMIN), "TENANT_ADMIN");
    assert_string_equal(model_authority_name(MODEL_CUSTOMER_USER), "CUSTOMER_USER");
}

static void other_names_are_refused(void **state)
{
    (void)state;
    enum model_transport transport = MODEL_TRANSPORT_MQTT;
    enum model_credential_kind kind = MODEL_CREDENTIAL_LWM2M;
    assert_false(model_transport_parse(SLICE("coap"), &transport));
    assert_false(model_transport_parse(SLICE("COAPS"), &transport));
    assert_false(model_transport_parse(SLICE_EMPTY, &transport));
    assert_false(model_credential_parse(SLICE("ACCESS_TOKE"), &kind));
    assert_int_equal(transport, MODEL_TRANSPORT_MQTT);
    assert_int_equal(kind, MODEL_CREDENTIAL_LWM2M);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transports_have_the_names_of_the_contract),
        cmocka_unit_test(credentials_have_the_names_of_the_contract),
        cmocka_unit_test(authorities_have_the_names_of_the_contract),
        cmocka_unit_test(other_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
