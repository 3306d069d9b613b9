// The permission matrix of server-api.md 1.6, right by right.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/access.h"

static void matrix_is_that_of_the_contract(void **state)
{
    (void)state;
    static const struct {
        enum core_right right;
        bool sysadmin, tenant, customer;
    } matrix[] = {
        {CORE_TENANT_READ, true, true, false},
        {CORE_TENANT_WRITE, true, false, false},
        {CORE_CUSTOMER_READ, false, true, true},
        {CORE_CUSTOMER_WRITE, false, true, false},
        {CORE_USER_READ, true, true, true},
        {CORE_USER_LIST, false, true, true},
        {CORE_USER_WRITE, true, true, true},
        {CORE_USER_MANAGE, true, true, false},
        {CORE_PROFILE_READ, false, true, true},
        {CORE_PROFILE_WRITE, false, true, false},
        {CORE_DEVICE_CREATE, false, true, false},
        {CORE_DEVICE_READ, false, true, true},
        {CORE_DEVICE_WRITE, false, true, true},
        {CORE_DEVICE_DELETE, false, true, false},
        {CORE_DEVICE_ASSIGN, false, true, false},
        {CORE_DEVICE_LIST, false, true, false},
        {CORE_DEVICE_LIST_CUSTOMER, false, true, true},
        {CORE_CREDENTIALS_READ, false, true, true},
        {CORE_CREDENTIALS_WRITE, false, true, false},
        {CORE_ATTRIBUTES_READ, false, true, true},
        {CORE_ATTRIBUTES_WRITE, false, true, true},
        {CORE_TELEMETRY_READ, false, true, true},
        {CORE_TELEMETRY_WRITE, false, true, true},
        {CORE_RPC_CALL, false, true, true},
        {CORE_RPC_DELETE, false, true, false},
    };
    assert_int_equal(sizeof(matrix) / sizeof(matrix[0]), CORE_RIGHTS);
    for (unsigned i = 0; i < CORE_RIGHTS; i++) {
        assert_int_equal(matrix[i].right, i);
        assert_int_equal(core_access_allowed(MODEL_SYS_ADMIN, matrix[i].right), matrix[i].sysadmin);
        assert_int_equal(core_access_allowed(MODEL_TENANT_ADMIN, matrix[i].right),
                         matrix[i].tenant);
        assert_int_equal(core_access_allowed(MODEL_CUSTOMER_USER, matrix[i].right),
                         matrix[i].customer);
    }
}

static void nobody_has_no_right(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CORE_RIGHTS; i++) {
        assert_false(core_access_allowed((enum model_authority)0, (enum core_right)i));
    }
}

// Credentials and people are not for the public.
static void the_public_reads_devices_and_what_they_say(void **state)
{
    (void)state;
    static const enum core_right reads[] = {
        CORE_TENANT_READ, CORE_CUSTOMER_READ,        CORE_PROFILE_READ,    CORE_DEVICE_READ,
        CORE_DEVICE_LIST, CORE_DEVICE_LIST_CUSTOMER, CORE_ATTRIBUTES_READ, CORE_TELEMETRY_READ,
    };
    unsigned found = 0;
    for (unsigned i = 0; i < CORE_RIGHTS; i++) {
        const bool is_one = found < sizeof(reads) / sizeof(reads[0]) && reads[found] == i;
        assert_int_equal(core_access_reads((enum core_right)i), is_one);
        found += is_one;
    }
    assert_int_equal(found, sizeof(reads) / sizeof(reads[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrix_is_that_of_the_contract),
        cmocka_unit_test(nobody_has_no_right),
        cmocka_unit_test(the_public_reads_devices_and_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
