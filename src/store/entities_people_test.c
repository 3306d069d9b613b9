// Tenants, customers, users with their sessions, profiles and settings in the entity store: every
// field, and every refusal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/entities_jobs_test.h"

struct customer_job {
    struct model_customer customer;
    struct model_device device;
    struct model_user user;
};

static enum err update_customer(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_customer_update(tx, &job->customer);
}

static enum err get_customer(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_customer_get(tx, &test.memory, job->customer.tenant, &job->customer.id,
                              &job->customer);
}

static enum err find_customer(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_customer_by_title(tx, &test.memory, test.tenant.number, job->customer.title,
                                   &job->customer);
}

static enum err delete_customer(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_customer_delete(tx, job->customer.tenant, &job->customer.id);
}

static enum err insert_user(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_user_insert(tx, &job->user);
}

static enum err get_user(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_user_get(tx, &test.memory, &job->user.id, &job->user);
}

static enum err find_user(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_user_by_email(tx, &test.memory, job->user.email, &job->user);
}

static void customer_keeps_every_field(void **state)
{
    (void)state;
    struct customer_job job = {.customer = test.customers[0]};
    for (unsigned i = 0; i < MODEL_CONTACT_FIELDS; i++) {
        job.customer.contact.fields[i] = slice_of(&"abcdefgh"[i], 1);
    }
    job.customer.additional_info = SLICE("{\"isPublic\":true}");
    assert_int_equal(write_job(update_customer, &job), ERR_OK);
    struct customer_job read = {.customer = {.title = SLICE("Customer A")}};
    assert_int_equal(read_job(find_customer, &read), ERR_OK);
    assert_true(uuid_equal(&read.customer.id, &job.customer.id));
    assert_int_equal(read.customer.version, 2);
    for (unsigned i = 0; i < MODEL_CONTACT_FIELDS; i++) {
        assert_true(slice_equal(read.customer.contact.fields[i], slice_of(&"abcdefgh"[i], 1)));
    }
    assert_true(slice_equal(read.customer.additional_info, SLICE("{\"isPublic\":true}")));
    job.customer.title = SLICE("Customer B");
    assert_int_equal(write_job(update_customer, &job), ERR_ALREADY_EXISTS);
    job.customer.id = entities_test_id(50);
    job.customer.title = SLICE("nobody");
    assert_int_equal(write_job(update_customer, &job), ERR_NOT_FOUND);
    assert_int_equal(read_job(find_customer, &job), ERR_NOT_FOUND);
}

static void deleted_customer_frees_its_devices_and_takes_its_users_along(void **state)
{
    (void)state;
    struct device_job device = {.device = entities_test_device(&test, "meter", 10)};
    device.device.customer = test.customers[0].id;
    assert_int_equal(write_job(insert_device, &device), ERR_OK);
    struct customer_job job = {.customer = test.customers[0],
                               .user = {.id = entities_test_id(30),
                                        .tenant = test.tenant.number,
                                        .customer = test.customers[0].id,
                                        .authority = MODEL_CUSTOMER_USER,
                                        .email = SLICE("a@example.org")}};
    assert_int_equal(write_job(insert_user, &job), ERR_OK);
    assert_int_equal(write_job(delete_customer, &job), ERR_OK);
    assert_int_equal(read_job(get_customer, &job), ERR_NOT_FOUND);
    assert_int_equal(read_job(get_user, &job), ERR_NOT_FOUND);
    assert_int_equal(read_job(get_device, &device), ERR_OK);
    assert_true(uuid_equal(&device.device.customer, &uuid_null));
    assert_null(device.device.customer_title.ptr);
    assert_int_equal(device.device.version, 2);
    assert_int_equal(write_job(delete_customer, &job), ERR_NOT_FOUND);
}

static void user_keeps_every_field_and_is_found_whatever_the_case(void **state)
{
    (void)state;
    struct customer_job job = {.user = {.id = entities_test_id(30),
                                        .tenant = test.tenant.number,
                                        .customer = uuid_null,
                                        .authority = MODEL_TENANT_ADMIN,
                                        .email = SLICE("Some.One@example.org"),
                                        .first_name = SLICE("Some"),
                                        .last_name = SLICE("One"),
                                        .phone = SLICE("+1"),
                                        .additional_info = SLICE("{}"),
                                        .password_hash = SLICE("$y$"),
                                        .enabled = true,
                                        .changed_ms = 1234}};
    assert_int_equal(write_job(insert_user, &job), ERR_OK);
    struct customer_job read = {.user = {.email = SLICE("some.one@EXAMPLE.org")}};
    assert_int_equal(read_job(find_user, &read), ERR_OK);
    assert_true(uuid_equal(&read.user.id, &job.user.id));
    assert_true(uuid_equal(&read.user.tenant_uuid, &test.tenant.id));
    assert_true(uuid_equal(&read.user.customer, &uuid_null));
    assert_int_equal(read.user.tenant.number, test.tenant.number.number);
    assert_int_equal(read.user.authority, MODEL_TENANT_ADMIN);
    assert_true(slice_equal(read.user.email, job.user.email));
    assert_true(slice_equal(read.user.first_name, job.user.first_name));
    assert_true(slice_equal(read.user.last_name, job.user.last_name));
    assert_true(slice_equal(read.user.phone, job.user.phone));
    assert_true(slice_equal(read.user.password_hash, job.user.password_hash));
    assert_true(read.user.enabled);
    assert_int_equal(read.user.changed_ms, 1234);
    job.user.id = entities_test_id(31);
    job.user.email = SLICE("SOME.ONE@example.org");
    assert_int_equal(write_job(insert_user, &job), ERR_ALREADY_EXISTS);
    read.user.email = SLICE("nobody@example.org");
    assert_int_equal(read_job(find_user, &read), ERR_NOT_FOUND);
}

static enum err set_password(struct store_tx *tx, void *context)
{
    struct customer_job *job = context;
    return store_user_set_password(tx, &job->user.id, SLICE("new"), 99);
}

static void changed_password_is_kept_with_its_time(void **state)
{
    (void)state;
    struct customer_job job = {.user = {.id = entities_test_id(30),
                                        .customer = uuid_null,
                                        .authority = MODEL_SYS_ADMIN,
                                        .email = SLICE("root@example.org")}};
    assert_int_equal(write_job(set_password, &job), ERR_NOT_FOUND);
    assert_int_equal(write_job(insert_user, &job), ERR_OK);
    assert_int_equal(write_job(set_password, &job), ERR_OK);
    assert_int_equal(read_job(get_user, &job), ERR_OK);
    assert_true(slice_equal(job.user.password_hash, SLICE("new")));
    assert_int_equal(job.user.changed_ms, 99);
    assert_int_equal(job.user.version, 2);
    // A system administrator has no tenant.
    assert_int_equal(job.user.tenant.number, 0);
    assert_true(uuid_equal(&job.user.tenant_uuid, &uuid_null));
}

struct session_job {
    struct uuid session;
    int64_t until_ms;
    int64_t now_ms;
    bool ended;
};

static enum err end_session(struct store_tx *tx, void *context)
{
    struct session_job *job = context;
    return store_session_end(tx, &job->session, job->until_ms, job->now_ms);
}

static enum err is_ended(struct store_tx *tx, void *context)
{
    struct session_job *job = context;
    return store_session_ended(tx, &job->session, &job->ended);
}

static void ended_session_is_forgotten_when_its_tokens_are_over(void **state)
{
    (void)state;
    struct session_job first = {entities_test_id(1), 1000, 500, false};
    struct session_job second = {entities_test_id(2), 3000, 1001, false};
    assert_int_equal(read_job(is_ended, &first), ERR_OK);
    assert_false(first.ended);
    assert_int_equal(write_job(end_session, &first), ERR_OK);
    assert_int_equal(write_job(end_session, &first), ERR_OK);
    assert_int_equal(read_job(is_ended, &first), ERR_OK);
    assert_true(first.ended);
    assert_int_equal(write_job(end_session, &second), ERR_OK);
    assert_int_equal(read_job(is_ended, &first), ERR_OK);
    assert_false(first.ended);
    assert_int_equal(read_job(is_ended, &second), ERR_OK);
    assert_true(second.ended);
}

struct profile_job {
    struct model_device_profile profile;
};

static enum err insert_profile(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_profile_insert(tx, &job->profile);
}

static enum err default_profile(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_profile_default(tx, &test.memory, test.tenant.number, &job->profile);
}

static enum err get_profile(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_profile_get(tx, &test.memory, test.tenant.number, &job->profile.id, &job->profile);
}

static enum err find_profile(struct store_tx *tx, void *context)
{
    struct profile_job *job = context;
    return store_profile_by_name(tx, &test.memory, test.tenant.number, job->profile.name,
                                 &job->profile);
}

static void tenant_has_one_default_profile(void **state)
{
    (void)state;
    struct profile_job job = {.profile = test.profile};
    job.profile.id = entities_test_id(40);
    job.profile.name = SLICE("second");
    assert_int_equal(write_job(insert_profile, &job), ERR_ALREADY_EXISTS);
    job.profile.is_default = false;
    job.profile.transport = MODEL_TRANSPORT_COAP;
    job.profile.provision_key = SLICE("key");
    assert_int_equal(write_job(insert_profile, &job), ERR_OK);
    struct profile_job read = {.profile = {.id = job.profile.id}};
    assert_int_equal(read_job(get_profile, &read), ERR_OK);
    assert_int_equal(read.profile.transport, MODEL_TRANSPORT_COAP);
    assert_true(slice_equal(read.profile.provision_key, SLICE("key")));
    assert_false(read.profile.is_default);
    assert_int_equal(read_job(find_profile, &read), ERR_OK);
    assert_int_equal(read_job(default_profile, &read), ERR_OK);
    assert_true(slice_equal(read.profile.name, SLICE("default")));
    // A name and a provisioning key are taken once.
    job.profile.id = entities_test_id(41);
    assert_int_equal(write_job(insert_profile, &job), ERR_ALREADY_EXISTS);
    job.profile.name = SLICE("third");
    assert_int_equal(write_job(insert_profile, &job), ERR_ALREADY_EXISTS);
    assert_int_equal(read_job(find_profile, &job), ERR_NOT_FOUND);
}

struct bytes_job {
    uint8_t bytes[64];
    size_t len;
};

static enum err put_bytes(struct store_tx *tx, void *context)
{
    struct bytes_job *job = context;
    return store_setting_put(tx, "key", slice_of(job->bytes, job->len));
}

static enum err get_bytes(struct store_tx *tx, void *context)
{
    struct bytes_job *job = context;
    return store_setting_get(tx, "key", job->bytes, job->len);
}

static void setting_has_the_length_it_was_put_with(void **state)
{
    (void)state;
    struct bytes_job job = {.bytes = {1, 0, 2}, .len = 64};
    struct bytes_job read = {.len = 64};
    assert_int_equal(read_job(get_bytes, &read), ERR_NOT_FOUND);
    assert_int_equal(write_job(put_bytes, &job), ERR_OK);
    assert_int_equal(read_job(get_bytes, &read), ERR_OK);
    assert_memory_equal(read.bytes, job.bytes, 64);
    read.len = 32;
    assert_int_equal(read_job(get_bytes, &read), ERR_CORRUPT);
}

static enum err get_tenant(struct store_tx *tx, void *context)
{
    struct model_tenant *tenant = context;
    return store_tenant_get(tx, &test.memory, &tenant->id, tenant);
}

static enum err first_tenant(struct store_tx *tx, void *context)
{
    return store_tenant_first(tx, &test.memory, context);
}

static void tenant_is_found_by_id(void **state)
{
    (void)state;
    struct model_tenant tenant = {.id = test.tenant.id};
    assert_int_equal(read_job(get_tenant, &tenant), ERR_OK);
    assert_int_equal(tenant.number.number, test.tenant.number.number);
    assert_true(slice_equal(tenant.title, SLICE("Tenant")));
    tenant.id = entities_test_id(60);
    assert_int_equal(read_job(get_tenant, &tenant), ERR_NOT_FOUND);
    assert_int_equal(read_job(first_tenant, &tenant), ERR_OK);
    assert_true(uuid_equal(&tenant.id, &test.tenant.id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(customer_keeps_every_field),
        TEST(deleted_customer_frees_its_devices_and_takes_its_users_along),
        TEST(user_keeps_every_field_and_is_found_whatever_the_case),
        TEST(changed_password_is_kept_with_its_time),
        TEST(ended_session_is_forgotten_when_its_tokens_are_over),
        TEST(tenant_has_one_default_profile),
        TEST(setting_has_the_length_it_was_put_with),
        TEST(tenant_is_found_by_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
