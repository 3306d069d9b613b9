// Tenants and tenant profiles are made, changed and deleted; what a profile allows holds at once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/core_test.h"
#include "core/tenant_admin.h"

static struct core_test test;

static void pass(void)
{
    epoch_enter(&test.epoch, 0);
    epoch_leave(&test.epoch, 0);
}

static int set_up(void **state)
{
    (void)state;
    const enum err err = core_test_open(&test, 2000);
    test.core.pause = pass;
    core_test_as(&test, MODEL_SYS_ADMIN);
    return err == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    core_test_close(&test);
    return 0;
}

static void expect(enum err got, enum err err, const char *text)
{
    assert_int_equal(got, err);
    assert_non_null(strstr(test.problem.text, text));
    test.problem.text[0] = 0;
}

static struct model_tenant tenant_draft(const char *title)
{
    return (struct model_tenant){.id = uuid_null, .profile = uuid_null, .title = slice_text(title)};
}

static struct model_tenant made(const char *title)
{
    struct model_tenant tenant = tenant_draft(title);
    assert_int_equal(core_tenant_save(&test.admin, &tenant, false), ERR_OK);
    return tenant;
}

static struct model_tenant_profile profile_draft(const char *name, const char *data)
{
    return (struct model_tenant_profile){
        .id = uuid_null, .name = slice_text(name), .profile_data = slice_text(data)};
}

static struct model_tenant_profile profile_made(const char *name, const char *data)
{
    struct model_tenant_profile profile = profile_draft(name, data);
    assert_int_equal(core_tenant_profile_save(&test.admin, &profile), ERR_OK);
    return profile;
}

// From now on a tenant administrator of this tenant asks.
static void as_administrator_of(const struct model_tenant *tenant)
{
    core_test_as(&test, MODEL_TENANT_ADMIN);
    test.caller.tenant = tenant->number;
    test.caller.tenant_uuid = tenant->id;
}

static enum err add_device(const char *name)
{
    struct core_device_save save = {.device = {.id = uuid_null,
                                               .customer = uuid_null,
                                               .profile = uuid_null,
                                               .name = slice_text(name)},
                                    .token = slice_text(name)};
    return core_device_save(&test.admin, &save);
}

static enum err add_customer(const char *title)
{
    struct model_customer customer = {.id = uuid_null, .title = slice_text(title)};
    return core_customer_save(&test.admin, &customer, false);
}

static void a_new_tenant_has_the_default_profiles(void **state)
{
    (void)state;
    const struct model_tenant tenant = made("Acme");
    struct model_device_profile profile;
    assert_true(slice_equal(tenant.profile_name, SLICE("Default")));
    assert_int_equal(tenant.version, 1);
    assert_int_equal(model_quotas_tenants(test.core.quotas), 2);
    as_administrator_of(&tenant);
    assert_int_equal(core_profile_get(&test.admin, NULL, &profile), ERR_OK);
    assert_true(slice_equal(profile.name, SLICE("default")));
    assert_int_equal(add_device("meter"), ERR_OK);
    assert_int_not_equal(core_test_find(&test, "meter"), 0);
}

static void a_tenant_is_changed_by_its_newest_version_only(void **state)
{
    (void)state;
    struct model_tenant tenant = made("Acme");
    struct model_tenant old = tenant;
    tenant.region = SLICE("Moon");
    assert_int_equal(core_tenant_save(&test.admin, &tenant, true), ERR_OK);
    assert_int_equal(tenant.version, 2);
    expect(core_tenant_save(&test.admin, &old, true), ERR_CONFLICT, "changed meanwhile");
    assert_int_equal(core_tenant_save(&test.admin, &old, false), ERR_OK);
    assert_int_equal(old.version, 3);
    struct model_tenant nobody = tenant_draft("Nobody");
    nobody.id = entities_test_id(900);
    expect(core_tenant_save(&test.admin, &nobody, false), ERR_NOT_FOUND, "Tenant with id");
}

static void bad_tenants_are_refused_with_their_reason(void **state)
{
    (void)state;
    struct model_tenant tenant = tenant_draft("");
    expect(core_tenant_save(&test.admin, &tenant, false), ERR_INVALID, "Tenant title");
    tenant = tenant_draft("Tenant");
    expect(core_tenant_save(&test.admin, &tenant, false), ERR_ALREADY_EXISTS, "such title");
    tenant = tenant_draft("Acme");
    tenant.profile = entities_test_id(901);
    expect(core_tenant_save(&test.admin, &tenant, false), ERR_INVALID, "non existing tenant prof");
    tenant = made("Acme");
    tenant.profile = entities_test_id(901);
    expect(core_tenant_save(&test.admin, &tenant, false), ERR_INVALID, "non existing tenant prof");
}

static void more_tenants_than_the_server_takes_are_refused(void **state)
{
    (void)state;
    char title[8];
    for (unsigned i = 1; i < 8; i++) {
        snprintf(title, sizeof(title), "T%u", i);
        (void)made(title);
    }
    struct model_tenant tenant = tenant_draft("T8");
    expect(core_tenant_save(&test.admin, &tenant, false), ERR_EXHAUSTED, "limit of this server");
    assert_int_equal(core_tenant_delete(&test.admin, &test.entities.tenant.id), ERR_OK);
    tenant = tenant_draft("T8");
    assert_int_equal(core_tenant_save(&test.admin, &tenant, false), ERR_OK);
}

struct purges {
    unsigned count;
};

static enum err count_purges(struct store_tx *tx, void *context)
{
    struct purges *purges = context;
    struct tenant_id tenant;
    struct device_id device;
    enum err err = store_purge_next(tx, &tenant, &device);
    while (err == ERR_OK) {
        purges->count++;
        err = store_purge_done(tx, device);
        err = err == ERR_OK ? store_purge_next(tx, &tenant, &device) : err;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void a_deleted_tenant_takes_everything_along(void **state)
{
    (void)state;
    const struct model_tenant tenant = made("Acme");
    struct model_tenant read;
    char name[16];
    as_administrator_of(&tenant);
    for (unsigned i = 0; i < 2 * STORE_TENANT_DEVICES_MAX + 3; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        assert_int_equal(add_device(name), ERR_OK);
        arena_reset(&test.memory);
    }
    assert_int_equal(add_customer("one"), ERR_OK);
    core_test_as(&test, MODEL_SYS_ADMIN);
    assert_int_not_equal(core_test_find(&test, "d514"), 0);
    assert_int_equal(core_tenant_delete(&test.admin, &tenant.id), ERR_OK);
    assert_int_equal(core_test_find(&test, "d0"), 0);
    assert_int_equal(core_test_find(&test, "d514"), 0);
    assert_int_equal(model_index_count(test.core.index), 0);
    expect(core_tenant_get(&test.admin, &tenant.id, &read), ERR_NOT_FOUND, "Tenant with id");
    expect(core_tenant_delete(&test.admin, &tenant.id), ERR_NOT_FOUND, "Tenant with id");
    struct purges purges = {0};
    assert_int_equal(store_entities_write(test.core.entities, &purges, count_purges, NULL), ERR_OK);
    assert_int_equal(purges.count, 2 * STORE_TENANT_DEVICES_MAX + 3);
    assert_int_equal(core_tenant_sweep(&test.core), ERR_NOT_FOUND);
    // Its title is free again, and another tenant is untouched.
    (void)made("Acme");
    assert_int_equal(core_tenant_get(&test.admin, &test.entities.tenant.id, &read), ERR_OK);
}

static enum err end_only(struct store_tx *tx, void *context)
{
    return store_tenant_end(tx, context);
}

static void a_deletion_that_was_interrupted_is_taken_up(void **state)
{
    (void)state;
    struct model_tenant tenant = made("Acme");
    struct model_tenant read;
    as_administrator_of(&tenant);
    assert_int_equal(add_device("meter"), ERR_OK);
    assert_int_equal(add_customer("one"), ERR_OK);
    core_test_as(&test, MODEL_SYS_ADMIN);
    assert_int_equal(store_entities_write(test.core.entities, &tenant.id, end_only, NULL), ERR_OK);
    // As after a restart: nobody sees the tenant, and its device is not in the index.
    expect(core_tenant_get(&test.admin, &tenant.id, &read), ERR_NOT_FOUND, "Tenant with id");
    model_index_destroy(test.core.index);
    assert_int_equal(model_index_create(&test.core.index, &test.epoch, 10), ERR_OK);
    assert_int_equal(core_open(&test.core, CORE_TEST_NOW), ERR_OK);
    assert_int_equal(core_index_fill(&test.core), ERR_OK);
    assert_int_equal(core_test_find(&test, "meter"), 0);
    unsigned steps = 0;
    enum err err = ERR_OK;
    while (err == ERR_OK) {
        err = core_tenant_sweep(&test.core);
        steps++;
    }
    assert_int_equal(err, ERR_NOT_FOUND);
    assert_in_range(steps, 2, 8);
    (void)made("Acme");
}

static void the_limits_of_a_profile_hold_at_once(void **state)
{
    (void)state;
    struct model_tenant_profile profile =
        profile_made("Small", "{\"configuration\":{\"maxDevices\":1,\"maxCustomers\":1}}");
    struct model_tenant tenant = tenant_draft("Acme");
    tenant.profile = profile.id;
    assert_int_equal(core_tenant_save(&test.admin, &tenant, false), ERR_OK);
    as_administrator_of(&tenant);
    assert_int_equal(add_device("one"), ERR_OK);
    expect(add_device("two"), ERR_ENTITY_LIMIT, "Devices limit reached");
    assert_string_equal(test.problem.entity, "DEVICE");
    assert_int_equal(test.problem.limit, 1);
    assert_int_equal(core_test_find(&test, "two"), 0);
    assert_int_equal(add_customer("one"), ERR_OK);
    expect(add_customer("two"), ERR_ENTITY_LIMIT, "Customers limit reached");
    assert_string_equal(test.problem.entity, "CUSTOMER");
    core_test_as(&test, MODEL_SYS_ADMIN);
    profile.profile_data = SLICE("{\"configuration\":{\"maxDevices\":2}}");
    assert_int_equal(core_tenant_profile_save(&test.admin, &profile), ERR_OK);
    as_administrator_of(&tenant);
    assert_int_equal(add_device("two"), ERR_OK);
    expect(add_device("three"), ERR_ENTITY_LIMIT, "Devices limit reached");
    assert_int_equal(add_customer("two"), ERR_OK);
    // Another profile of the tenant counts at once too.
    core_test_as(&test, MODEL_SYS_ADMIN);
    tenant.profile = uuid_null;
    assert_int_equal(core_tenant_save(&test.admin, &tenant, false), ERR_OK);
    as_administrator_of(&tenant);
    assert_int_equal(add_device("three"), ERR_OK);
}

static void the_default_profile_moves_by_its_own_verb_only(void **state)
{
    (void)state;
    struct model_tenant_profile small = profile_made("Small", "{\"configuration\":{}}");
    struct model_tenant_profile old;
    struct model_tenant_profile read;
    assert_int_equal(core_tenant_profile_get(&test.admin, NULL, &old), ERR_OK);
    small.is_default = true;
    expect(core_tenant_profile_save(&test.admin, &small), ERR_INVALID, "Another default");
    struct model_tenant_profile fresh = profile_draft("Fresh", "{\"configuration\":{}}");
    fresh.is_default = true;
    expect(core_tenant_profile_save(&test.admin, &fresh), ERR_INVALID, "Another default");
    assert_int_equal(core_tenant_profile_make_default(&test.admin, &small.id, &read), ERR_OK);
    assert_true(read.is_default);
    assert_int_equal(core_tenant_profile_get(&test.admin, &old.id, &read), ERR_OK);
    assert_false(read.is_default);
    expect(core_tenant_profile_delete(&test.admin, &small.id), ERR_INVALID, "Default Tenant Prof");
    const struct uuid nobody = entities_test_id(902);
    expect(core_tenant_profile_make_default(&test.admin, &nobody, &read), ERR_NOT_FOUND,
           "Tenant profile with id");
    // The failure left the default where it was.
    assert_int_equal(core_tenant_profile_get(&test.admin, NULL, &read), ERR_OK);
    assert_true(uuid_equal(&read.id, &small.id));
}

static void bad_profiles_are_refused_with_their_reason(void **state)
{
    (void)state;
    struct model_tenant_profile profile = profile_draft("", "{}");
    expect(core_tenant_profile_save(&test.admin, &profile), ERR_INVALID, "Tenant profile name");
    profile = profile_draft("Default", "{}");
    expect(core_tenant_profile_save(&test.admin, &profile), ERR_ALREADY_EXISTS, "such name");
    profile = profile_draft("Odd", "{\"configuration\":{\"transportDeviceMsgRateLimit\":\"x\"}}");
    expect(core_tenant_profile_save(&test.admin, &profile), ERR_INVALID, "rate limit");
    struct model_tenant_profile read;
    expect(core_tenant_profile_get(&test.admin, &profile.id, &read), ERR_NOT_FOUND,
           "Tenant profile with id");
    profile.profile_data = SLICE("{}");
    expect(core_tenant_profile_save(&test.admin, &profile), ERR_NOT_FOUND, "Tenant profile with");
}

static void a_profile_that_tenants_have_stays(void **state)
{
    (void)state;
    const struct model_tenant_profile profile = profile_made("Small", "{\"configuration\":{}}");
    struct model_tenant tenant = tenant_draft("Acme");
    tenant.profile = profile.id;
    assert_int_equal(core_tenant_save(&test.admin, &tenant, false), ERR_OK);
    expect(core_tenant_profile_delete(&test.admin, &profile.id), ERR_INVALID, "cannot be deleted");
    assert_int_equal(core_tenant_delete(&test.admin, &tenant.id), ERR_OK);
    assert_int_equal(core_tenant_profile_delete(&test.admin, &profile.id), ERR_OK);
    expect(core_tenant_profile_delete(&test.admin, &profile.id), ERR_NOT_FOUND, "Tenant profile");
}

static void more_profiles_than_the_server_takes_are_refused(void **state)
{
    (void)state;
    char name[8];
    for (unsigned i = 1; i < MODEL_QUOTAS_PROFILES_MAX; i++) {
        snprintf(name, sizeof(name), "P%u", i);
        (void)profile_made(name, "{}");
    }
    struct model_tenant_profile profile = profile_draft("more", "{}");
    expect(core_tenant_profile_save(&test.admin, &profile), ERR_EXHAUSTED, "limit of this server");
}

static void nothing(void *context, const struct model_tenant *tenant)
{
    (void)context;
    (void)tenant;
    fail();
}

static void no_profile(void *context, const struct model_tenant_profile *profile)
{
    (void)context;
    (void)profile;
    fail();
}

static void only_the_system_administrator_may(void **state)
{
    (void)state;
    static const enum model_authority others[] = {MODEL_TENANT_ADMIN, MODEL_CUSTOMER_USER};
    const struct uuid own = test.entities.tenant.id;
    const struct model_page page = {.size = 10};
    int64_t total = 0;
    for (unsigned i = 0; i < 2; i++) {
        core_test_as(&test, others[i]);
        struct model_tenant tenant = tenant_draft("Acme");
        struct model_tenant_profile profile = profile_draft("Small", "{}");
        assert_int_equal(core_tenant_save(&test.admin, &tenant, false), ERR_FORBIDDEN);
        assert_int_equal(core_tenant_delete(&test.admin, &own), ERR_FORBIDDEN);
        assert_int_equal(core_tenant_list(&test.admin, &page, &total, NULL, nothing),
                         ERR_FORBIDDEN);
        assert_int_equal(core_tenant_profile_get(&test.admin, NULL, &profile), ERR_FORBIDDEN);
        assert_int_equal(core_tenant_profile_save(&test.admin, &profile), ERR_FORBIDDEN);
        assert_int_equal(core_tenant_profile_delete(&test.admin, &own), ERR_FORBIDDEN);
        assert_int_equal(core_tenant_profile_make_default(&test.admin, &own, &profile),
                         ERR_FORBIDDEN);
        assert_int_equal(core_tenant_profile_list(&test.admin, &page, &total, NULL, no_profile),
                         ERR_FORBIDDEN);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_tenant_has_the_default_profiles),
        TEST(a_tenant_is_changed_by_its_newest_version_only),
        TEST(bad_tenants_are_refused_with_their_reason),
        TEST(more_tenants_than_the_server_takes_are_refused),
        TEST(a_deleted_tenant_takes_everything_along),
        TEST(a_deletion_that_was_interrupted_is_taken_up),
        TEST(the_limits_of_a_profile_hold_at_once),
        TEST(the_default_profile_moves_by_its_own_verb_only),
        TEST(bad_profiles_are_refused_with_their_reason),
        TEST(a_profile_that_tenants_have_stays),
        TEST(more_profiles_than_the_server_takes_are_refused),
        TEST(only_the_system_administrator_may),
    };
    return cmocka_run_group_tests_name("core_tenant_admin", tests, NULL, NULL);
}
