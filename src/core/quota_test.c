// The table of quotas is filled at the start, and every tenant has a profile.
#include "core/verbs_test.h"

static enum err insert_limited(struct store_tx *tx, void *context)
{
    const struct model_tenant_profile profile = {
        .id = entities_test_id(60),
        .name = SLICE("Limited"),
        .profile_data = SLICE("{\"configuration\":{\"maxDevices\":12}}")};
    struct model_tenant *tenant = context;
    tenant->profile = profile.id;
    const enum err err = store_tenant_profile_insert(tx, &profile);
    return err == ERR_OK ? store_tenant_insert(tx, tenant) : err;
}

static enum err default_profile(struct store_tx *tx, void *context)
{
    return store_tenant_profile_default(tx, &test.memory, context);
}

static void an_installation_has_a_default_profile_without_limits(void **state)
{
    (void)state;
    struct model_tenant_profile profile;
    struct model_quota quota;
    const struct model_quota none = {0};
    assert_int_equal(store_entities_read(test.core.entities, &profile, default_profile), ERR_OK);
    assert_true(slice_equal(profile.name, SLICE("Default")));
    model_quotas_of(test.core.quotas, test.caller.tenant, &quota);
    assert_memory_equal(&quota, &none, sizeof(none));
    assert_int_equal(model_quotas_tenants(test.core.quotas), 1);
    // The next start finds it.
    const struct uuid first = profile.id;
    assert_int_equal(core_open(&test.core, (struct wall){1800000001000}), ERR_OK);
    assert_int_equal(store_entities_read(test.core.entities, &profile, default_profile), ERR_OK);
    assert_true(uuid_equal(&profile.id, &first));
}

static void limits_are_known_after_a_start(void **state)
{
    (void)state;
    struct model_tenant tenant = {.id = entities_test_id(61), .title = SLICE("Second")};
    struct model_quota quota;
    assert_int_equal(store_entities_write(test.core.entities, &tenant, insert_limited, NULL),
                     ERR_OK);
    assert_int_equal(core_index_fill(&test.core), ERR_OK);
    model_quotas_of(test.core.quotas, tenant.number, &quota);
    assert_int_equal(quota.devices_max, 12);
}

static void more_tenants_than_there_is_room_for_are_refused_at_the_start(void **state)
{
    (void)state;
    struct model_tenant tenant = {.id = entities_test_id(61), .title = SLICE("Second")};
    assert_int_equal(store_entities_write(test.core.entities, &tenant, insert_limited, NULL),
                     ERR_OK);
    model_quotas_destroy(test.core.quotas);
    assert_int_equal(model_quotas_create(&test.core.quotas, 1), ERR_OK);
    assert_int_equal(core_quota_fill(&test.core), ERR_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_installation_has_a_default_profile_without_limits),
        TEST(limits_are_known_after_a_start),
        TEST(more_tenants_than_there_is_room_for_are_refused_at_the_start),
    };
    return cmocka_run_group_tests_name("core_quota", tests, NULL, NULL);
}
