// Tenants and tenant profiles in the entity store, what profiles allow, and a database of the time
// before there were any.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/entities_jobs_test.h"
#include "store/entities_schema.h"

struct profile_job {
    struct model_tenant_profile profile;
    struct model_quota quota;
    struct model_tenant tenant;
    unsigned count;
};

static struct profile_job made(const char *name, const char *data)
{
    return (struct profile_job){.profile = {.id = entities_test_id(40),
                                            .name = slice_text(name),
                                            .profile_data = slice_text(data)}};
}

static enum err insert_profile(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_tenant_profile_insert(tx, &job->profile);
}

static enum err get_quota(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_quota_get(tx, &job->profile.id, &job->quota);
}

static enum err adopt(struct store_tx *tx, void *context)
{
    (void)context;
    return store_quota_adopt(tx);
}

static enum err get_tenant(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_tenant_get(tx, &test.memory, &test.tenant.id, &job->tenant);
}

static enum err has_default(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_quota_has_default(tx, &job->profile.is_default);
}

static enum err count_profile(void *context, const struct uuid *profile,
                              const struct model_quota *quota)
{
    struct profile_job *job = context;
    job->profile.id = *profile;
    job->quota = *quota;
    job->count++;
    return job->count == 3 ? ERR_EXHAUSTED : ERR_OK;
}

static enum err load_quotas(struct store_tx *tx, void *context)
{
    return store_quota_load(tx, context, count_profile);
}

static enum err count_tenant(void *context, struct tenant_id tenant, const struct uuid *profile)
{
    struct profile_job *job = context;
    job->tenant.number = tenant;
    job->tenant.profile = *profile;
    job->count++;
    return ERR_OK;
}

static enum err load_tenants(struct store_tx *tx, void *context)
{
    return store_quota_load_tenants(tx, context, count_tenant);
}

static void what_a_profile_allows_is_read_from_its_json(void **state)
{
    (void)state;
    struct profile_job job =
        made("small", "{\"configuration\":{\"type\":\"DEFAULT\",\"maxDevices\":3,"
                      "\"maxCustomers\":4.0,\"maxUsers\":5,\"defaultStorageTtlDays\":6,"
                      "\"rpcTtlDays\":7,\"transportTenantMsgRateLimit\":\"1:2\","
                      "\"transportTenantTelemetryMsgRateLimit\":\"3:4,5:6\","
                      "\"transportTenantTelemetryDataPointsRateLimit\":\"7:8\","
                      "\"transportDeviceMsgRateLimit\":\"9:10\","
                      "\"transportDeviceTelemetryMsgRateLimit\":\"11:12\","
                      "\"transportDeviceTelemetryDataPointsRateLimit\":\"13:14\"}}");
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    assert_int_equal(read_job(get_quota, &job), ERR_OK);
    const struct model_quota *quota = &job.quota;
    assert_int_equal(quota->devices_max, 3);
    assert_int_equal(quota->customers_max, 4);
    assert_int_equal(quota->users_max, 5);
    assert_int_equal(quota->storage_ttl_days, 6);
    assert_int_equal(quota->rpc_ttl_days, 7);
    assert_int_equal(quota->tenant_messages.capacity[0], 1);
    assert_int_equal(quota->tenant_messages.seconds[0], 2);
    assert_int_equal(quota->tenant_telemetry_messages.count, 2);
    assert_int_equal(quota->tenant_telemetry_messages.seconds[1], 6);
    assert_int_equal(quota->tenant_data_points.capacity[0], 7);
    assert_int_equal(quota->device_messages.capacity[0], 9);
    assert_int_equal(quota->device_telemetry_messages.capacity[0], 11);
    assert_int_equal(quota->device_data_points.seconds[0], 14);
}

static void what_a_profile_does_not_say_is_not_limited(void **state)
{
    (void)state;
    const struct model_quota none = {0};
    struct profile_job job = made("empty", "{}");
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    assert_int_equal(read_job(get_quota, &job), ERR_OK);
    assert_memory_equal(&job.quota, &none, sizeof(none));
    job = made("nulls", "{\"configuration\":{\"maxDevices\":null,\"maxUsers\":-1,"
                        "\"transportDeviceMsgRateLimit\":\"\","
                        "\"transportTenantMsgRateLimit\":null}}");
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    assert_int_equal(read_job(get_quota, &job), ERR_OK);
    assert_memory_equal(&job.quota, &none, sizeof(none));
    job.profile.id = entities_test_id(41);
    assert_int_equal(read_job(get_quota, &job), ERR_NOT_FOUND);
}

static void a_rate_that_is_none_is_an_error(void **state)
{
    (void)state;
    struct profile_job job =
        made("bad", "{\"configuration\":{\"transportDeviceMsgRateLimit\":\"10 per second\"}}");
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    assert_int_equal(read_job(get_quota, &job), ERR_INVALID);
    assert_int_equal(read_job(load_quotas, &job), ERR_INVALID);
}

static void all_profiles_and_tenants_are_loaded_until_it_is_enough(void **state)
{
    (void)state;
    struct profile_job job = made("one", "{\"configuration\":{\"maxDevices\":1}}");
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    struct profile_job second = made("two", "{\"configuration\":{\"maxDevices\":2}}");
    assert_int_equal(write_job(insert_profile, &second), ERR_OK);
    assert_int_equal(read_job(load_quotas, &job), ERR_OK);
    assert_int_equal(job.count, 2);
    struct profile_job third = made("three", "{}");
    assert_int_equal(write_job(insert_profile, &third), ERR_OK);
    job.count = 0;
    assert_int_equal(read_job(load_quotas, &job), ERR_EXHAUSTED);
    assert_int_equal(write_job(insert_profile, &third), ERR_ALREADY_EXISTS);
}

static void a_tenant_without_a_profile_gets_the_default_one(void **state)
{
    (void)state;
    struct profile_job job = made("Default", "{}");
    assert_int_equal(read_job(has_default, &job), ERR_OK);
    assert_false(job.profile.is_default);
    assert_int_equal(read_job(load_tenants, &job), ERR_OK);
    assert_int_equal(job.count, 0);
    job.profile.is_default = true;
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    assert_int_equal(write_job(adopt, &job), ERR_OK);
    assert_int_equal(read_job(load_tenants, &job), ERR_OK);
    assert_int_equal(job.count, 1);
    assert_int_equal(job.tenant.number.number, test.tenant.number.number);
    assert_true(uuid_equal(&job.tenant.profile, &job.profile.id));
    assert_int_equal(read_job(get_tenant, &job), ERR_OK);
    assert_true(slice_equal(job.tenant.profile_name, SLICE("Default")));
    // A second default one cannot be.
    struct profile_job other = made("Other", "{}");
    other.profile.is_default = true;
    assert_int_equal(write_job(insert_profile, &other), ERR_ALREADY_EXISTS);
}

static void write_first_layout(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, store_entities_steps[0], NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO tenant (id, title, version)"
                     " VALUES (x'00112233445566778899aabbccddeeff', 'Old', 7);"
                     "INSERT INTO user (id, created_ms, tenant, authority, email, enabled,"
                     " changed_ms, version) VALUES (x'01', 1, 1, 2, 'old@example.org', 1, 5, 1);"
                     "PRAGMA user_version=1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static enum err is_filled(struct store_tx *tx, void *context)
{
    char mark = 0;
    (void)context;
    return store_setting_get(tx, STORE_SETTING_FILLED, &mark, sizeof(mark));
}

static void a_database_of_the_first_layout_is_brought_up(void **state)
{
    (void)state;
    char path[128];
    static const uint8_t id[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    assert_int_equal(store_entities_read(test.entities, NULL, is_filled), ERR_NOT_FOUND);
    store_entities_close(test.entities);
    test.entities = NULL;
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/entities.db%s", test.directory, ends[i]);
        (void)unlink(path);
    }
    snprintf(path, sizeof(path), "%s/entities.db", test.directory);
    write_first_layout(path);
    assert_int_equal(store_entities_open(test.directory, 2, &test.entities, test.message), ERR_OK);
    memcpy(test.tenant.id.bytes, id, sizeof(id));
    struct profile_job job = made("Default", "{\"configuration\":{\"maxDevices\":9}}");
    // It has a user, so it was filled.
    assert_int_equal(store_entities_read(test.entities, NULL, is_filled), ERR_OK);
    assert_int_equal(read_job(get_tenant, &job), ERR_OK);
    assert_true(slice_equal(job.tenant.title, SLICE("Old")));
    assert_int_equal(job.tenant.version, 7);
    assert_null(job.tenant.profile_name.ptr);
    job.profile.is_default = true;
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    assert_int_equal(write_job(adopt, &job), ERR_OK);
    assert_int_equal(read_job(get_tenant, &job), ERR_OK);
    assert_true(uuid_equal(&job.tenant.profile, &job.profile.id));
    assert_int_equal(entities_test_reopen(&test), ERR_OK);
    assert_int_equal(read_job(get_tenant, &job), ERR_OK);
    assert_true(slice_equal(job.tenant.profile_name, SLICE("Default")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_profile_allows_is_read_from_its_json),
        TEST(what_a_profile_does_not_say_is_not_limited),
        TEST(a_rate_that_is_none_is_an_error),
        TEST(all_profiles_and_tenants_are_loaded_until_it_is_enough),
        TEST(a_tenant_without_a_profile_gets_the_default_one),
        TEST(a_database_of_the_first_layout_is_brought_up),
    };
    return cmocka_run_group_tests_name("store_entities_tenant", tests, NULL, NULL);
}
