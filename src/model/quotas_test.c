// Quotas of tenants: a table of tenants over a table of profiles, read while it is written.
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "model/quotas.h"

static struct model_quotas *quotas;

static struct uuid profile_id(unsigned i)
{
    return uuid_make((struct wall){1700000000000 + i}, 0, i);
}

static struct tenant_id tenant(uint64_t number)
{
    return (struct tenant_id){number};
}

// Every number of it is the same.
static struct model_quota filled(uint32_t value)
{
    struct model_quota quota = {.devices_max = value, .rpc_ttl_days = value};
    struct rate *const rates[] = {&quota.tenant_messages, &quota.device_data_points};
    for (unsigned i = 0; i < 2; i++) {
        rates[i]->count = 1;
        rates[i]->capacity[0] = value;
        rates[i]->seconds[0] = value;
    }
    return quota;
}

static bool is_filled(const struct model_quota *quota, uint32_t value)
{
    const struct model_quota expected = filled(value);
    return memcmp(quota, &expected, sizeof(expected)) == 0;
}

static void put_profile(unsigned i, uint32_t value)
{
    const struct uuid id = profile_id(i);
    const struct model_quota quota = filled(value);
    assert_int_equal(model_quotas_put_profile(quotas, &id, &quota), ERR_OK);
}

static enum err put_tenant(uint64_t number, unsigned profile)
{
    const struct uuid id = profile_id(profile);
    return model_quotas_put_tenant(quotas, tenant(number), &id);
}

static struct model_quota of(uint64_t number)
{
    struct model_quota quota;
    model_quotas_of(quotas, tenant(number), &quota);
    return quota;
}

static int set_up(void **state)
{
    (void)state;
    return model_quotas_create(&quotas, 8) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    model_quotas_destroy(quotas);
    return 0;
}

static void a_tenant_has_what_its_profile_allows(void **state)
{
    (void)state;
    put_profile(1, 11);
    put_profile(2, 22);
    assert_int_equal(put_tenant(1, 1), ERR_OK);
    assert_int_equal(put_tenant(2, 2), ERR_OK);
    const struct model_quota first = of(1);
    const struct model_quota second = of(2);
    assert_true(is_filled(&first, 11));
    assert_true(is_filled(&second, 22));
    // Another profile, and another value of the profile.
    assert_int_equal(put_tenant(1, 2), ERR_OK);
    put_profile(2, 33);
    const struct model_quota moved = of(1);
    const struct model_quota changed = of(2);
    assert_true(is_filled(&moved, 33));
    assert_true(is_filled(&changed, 33));
    assert_int_equal(model_quotas_tenants(quotas), 2);
}

static void who_is_not_there_has_no_limit(void **state)
{
    (void)state;
    const struct model_quota none = of(7);
    assert_int_equal(none.devices_max, 0);
    assert_int_equal(none.storage_ttl_days, 0);
    assert_int_equal(none.tenant_messages.count, 0);
    put_profile(1, 11);
    assert_int_equal(put_tenant(7, 1), ERR_OK);
    model_quotas_remove_tenant(quotas, tenant(7));
    model_quotas_remove_tenant(quotas, tenant(7));
    assert_int_equal(of(7).devices_max, 0);
    assert_int_equal(model_quotas_tenants(quotas), 0);
}

static void profiles_with_rates_are_known(void **state)
{
    (void)state;
    const struct uuid first = profile_id(1);
    const struct uuid second = profile_id(2);
    const struct model_quota none = {.devices_max = 5};
    const struct model_quota some = {.device_telemetry_messages = {{1}, {1}, 1}};
    assert_false(model_quotas_have_rates(quotas));
    assert_int_equal(model_quotas_put_profile(quotas, &first, &none), ERR_OK);
    assert_false(model_quotas_have_rates(quotas));
    assert_int_equal(model_quotas_put_profile(quotas, &first, &some), ERR_OK);
    assert_int_equal(model_quotas_put_profile(quotas, &second, &some), ERR_OK);
    assert_true(model_quotas_have_rates(quotas));
    assert_int_equal(model_quotas_put_profile(quotas, &first, &none), ERR_OK);
    assert_true(model_quotas_have_rates(quotas));
    model_quotas_remove_profile(quotas, &second);
    assert_false(model_quotas_have_rates(quotas));
}

static void a_tenant_beyond_the_bound_is_refused(void **state)
{
    (void)state;
    put_profile(1, 11);
    for (uint64_t i = 1; i <= 8; i++) {
        assert_int_equal(put_tenant(i, 1), ERR_OK);
    }
    assert_int_equal(put_tenant(9, 1), ERR_EXHAUSTED);
    assert_int_equal(put_tenant(8, 1), ERR_OK);
    model_quotas_remove_tenant(quotas, tenant(3));
    assert_int_equal(put_tenant(9, 1), ERR_OK);
    assert_int_equal(of(9).devices_max, 11);
    assert_int_equal(model_quotas_tenants_max(quotas), 8);
}

static void a_profile_that_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_int_equal(put_tenant(1, 1), ERR_NOT_FOUND);
    put_profile(1, 11);
    const struct uuid id = profile_id(1);
    model_quotas_remove_profile(quotas, &id);
    model_quotas_remove_profile(quotas, &id);
    assert_int_equal(put_tenant(1, 1), ERR_NOT_FOUND);
}

static void a_profile_beyond_the_bound_is_refused(void **state)
{
    (void)state;
    const struct model_quota quota = filled(1);
    for (unsigned i = 0; i < MODEL_QUOTAS_PROFILES_MAX; i++) {
        put_profile(i, i);
    }
    const struct uuid more = profile_id(MODEL_QUOTAS_PROFILES_MAX);
    assert_int_equal(model_quotas_put_profile(quotas, &more, &quota), ERR_EXHAUSTED);
    const struct uuid third = profile_id(3);
    model_quotas_remove_profile(quotas, &third);
    assert_int_equal(model_quotas_put_profile(quotas, &more, &quota), ERR_OK);
}

// Numbers are never used again, so the places of those that went must serve others.
static void tenants_come_and_go_for_ever(void **state)
{
    (void)state;
    put_profile(1, 11);
    put_profile(2, 22);
    for (uint64_t i = 1; i < 100000; i++) {
        assert_int_equal(put_tenant(i, 1 + i % 2), ERR_OK);
        if (i > 7) {
            model_quotas_remove_tenant(quotas, tenant(i - 7));
        }
        for (uint64_t j = i > 6 ? i - 6 : 1; j <= i; j++) {
            assert_int_equal(of(j).devices_max, 11 * (1 + j % 2));
        }
    }
    assert_int_equal(model_quotas_tenants(quotas), 7);
}

// More than there are cores, so that some are stopped halfway.
#define READERS 8
#define SECONDS 3

static atomic_bool is_over;

static void *read_on(void *context)
{
    uint64_t *torn = context;
    while (!atomic_load(&is_over)) {
        const struct model_quota quota = of(5);
        // It is never without a profile, and profile 2 is never its own when it holds 99.
        *torn += quota.devices_max == 0 || quota.devices_max == 99 ||
                 !is_filled(&quota, quota.devices_max);
    }
    return NULL;
}

// So that readers are stopped where it hurts, and go on when profile 2 is another's.
static void let_others_run(uint32_t i)
{
    if (i % 4 == 0) {
        (void)sched_yield();
    }
}

static void a_reader_never_takes_a_torn_or_a_foreign_quota(void **state)
{
    (void)state;
    uint64_t torn[READERS] = {0};
    pthread_t readers[READERS];
    put_profile(1, 1);
    assert_int_equal(put_tenant(5, 1), ERR_OK);
    atomic_store(&is_over, false);
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &torn[i]), 0);
    }
    const time_t end = time(NULL) + SECONDS;
    for (uint32_t i = 2; time(NULL) < end; i++) {
        put_profile(1, 100 + i);
        put_profile(2, 100 + i);
        assert_int_equal(put_tenant(5, 2), ERR_OK);
        let_others_run(i);
        assert_int_equal(put_tenant(5, 1), ERR_OK);
        put_profile(2, 99);
        let_others_run(i);
    }
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i], NULL), 0);
        assert_int_equal(torn[i], 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tenant_has_what_its_profile_allows),
        TEST(who_is_not_there_has_no_limit),
        TEST(profiles_with_rates_are_known),
        TEST(a_tenant_beyond_the_bound_is_refused),
        TEST(a_profile_that_is_not_there_is_refused),
        TEST(a_profile_beyond_the_bound_is_refused),
        TEST(tenants_come_and_go_for_ever),
        TEST(a_reader_never_takes_a_torn_or_a_foreign_quota),
    };
    return cmocka_run_group_tests_name("model_quotas", tests, NULL, NULL);
}
