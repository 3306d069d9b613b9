// Devices and their credentials in the entity store: names, versions, references, what is left of a
// deleted device, and what the index is filled with.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/entities_jobs_test.h"

static enum err find_device(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    return store_device_by_name(tx, &test.memory, test.tenant.number, job->device.name,
                                &job->device);
}

static enum err update_device(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    return store_device_update(tx, &job->device, job->check_version);
}

static enum err delete_device(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    return store_device_delete(tx, job->device.tenant, &job->device.id);
}

static enum err get_credentials(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    return store_credentials_get(tx, &test.memory, &job->device.id, &job->credentials);
}

static enum err update_credentials(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    return store_credentials_update(tx, &job->credentials, job->check_version);
}

static enum err get_entry(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    return store_index_entry(tx, &job->device.id, &job->entry);
}

static void device_names_are_unique_in_their_tenant(void **state)
{
    (void)state;
    struct device_job first = {.device = entities_test_device(&test, "meter", 10)};
    assert_int_equal(write_job(insert_device, &first), ERR_OK);
    struct device_job second = {.device = entities_test_device(&test, "meter", 11)};
    assert_int_equal(write_job(insert_device, &second), ERR_ALREADY_EXISTS);
    struct entities_test other = {.profile.id = entities_test_id(20)};
    memcpy(other.directory, test.directory, sizeof(other.directory));
    other.entities = test.entities;
    assert_int_equal(entities_test_fill(&other), ERR_ALREADY_EXISTS);
    other.tenant.title = SLICE("Other");
    other.tenant.id = entities_test_id(21);
    assert_int_equal(write_job(entities_test_seed, &other), ERR_OK);
    struct device_job third = {.device = entities_test_device(&other, "meter", 12)};
    struct entities_test_add add = {&third.device, "another-token"};
    assert_int_equal(write_job(entities_test_add, &add), ERR_OK);
    // Nobody finds a device of another tenant.
    third.device.tenant = test.tenant.number;
    assert_int_equal(read_job(get_device, &third), ERR_NOT_FOUND);
    assert_int_equal(write_job(update_device, &third), ERR_NOT_FOUND);
    assert_int_equal(write_job(delete_device, &third), ERR_NOT_FOUND);
}

static void references_of_a_device_must_exist(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "meter", 10)};
    job.device.profile = entities_test_id(77);
    assert_int_equal(write_job(insert_device, &job), ERR_CONFLICT);
    job.device.profile = test.profile.id;
    job.device.customer = entities_test_id(78);
    assert_int_equal(write_job(insert_device, &job), ERR_CONFLICT);
}

static void update_counts_the_version_and_checks_it_if_asked(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "meter", 10)};
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    job.device.name = SLICE("renamed");
    job.check_version = true;
    assert_int_equal(write_job(update_device, &job), ERR_OK);
    assert_int_equal(job.device.version, 2);
    job.device.version = 1;
    assert_int_equal(write_job(update_device, &job), ERR_CONFLICT);
    job.check_version = false;
    assert_int_equal(write_job(update_device, &job), ERR_OK);
    assert_int_equal(job.device.version, 3);
    job.device = (struct model_device){.name = SLICE("renamed")};
    assert_int_equal(read_job(find_device, &job), ERR_OK);
    assert_int_equal(job.device.version, 3);
    job.device.name = SLICE("meter");
    assert_int_equal(read_job(find_device, &job), ERR_NOT_FOUND);
}

static void update_to_a_name_that_is_taken_is_refused(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "one", 10)};
    struct device_job other = {.device = entities_test_device(&test, "two", 11)};
    struct entities_test_add add = {&other.device, "token-two"};
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    assert_int_equal(write_job(entities_test_add, &add), ERR_OK);
    other.device.name = SLICE("one");
    assert_int_equal(write_job(update_device, &other), ERR_ALREADY_EXISTS);
}

struct purge {
    struct tenant_id tenant;
    struct device_id device;
};

static enum err next_purge(struct store_tx *tx, void *context)
{
    struct purge *purge = context;
    return store_purge_next(tx, &purge->tenant, &purge->device);
}

static enum err purge_done(struct store_tx *tx, void *context)
{
    struct purge *purge = context;
    return store_purge_done(tx, purge->device);
}

static void deleted_device_leaves_a_purge_and_its_number_is_never_used_again(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "meter", 10)};
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    const uint64_t number = job.device.number.number;
    assert_int_equal(write_job(delete_device, &job), ERR_OK);
    assert_int_equal(read_job(get_device, &job), ERR_NOT_FOUND);
    assert_int_equal(read_job(get_credentials, &job), ERR_NOT_FOUND);
    assert_int_equal(write_job(delete_device, &job), ERR_NOT_FOUND);
    assert_int_equal(entities_test_reopen(&test), ERR_OK);

    struct purge purge = {{0}, {0}};
    assert_int_equal(read_job(next_purge, &purge), ERR_OK);
    assert_int_equal(purge.device.number, number);
    assert_int_equal(purge.tenant.number, test.tenant.number.number);
    assert_int_equal(write_job(purge_done, &purge), ERR_OK);
    assert_int_equal(read_job(next_purge, &purge), ERR_NOT_FOUND);

    job.device.id = entities_test_id(11);
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    assert_true(job.device.number.number > number);
}

static void credentials_are_unique_whatever_their_kind(void **state)
{
    (void)state;
    struct device_job one = {.device = entities_test_device(&test, "one", 10)};
    struct device_job two = {.device = entities_test_device(&test, "two", 11)};
    struct entities_test_add add = {&two.device, "token-two"};
    assert_int_equal(write_job(insert_device, &one), ERR_OK);
    assert_int_equal(write_job(entities_test_add, &add), ERR_OK);
    two.credentials = (struct model_credentials){
        .device = two.device.id, .kind = MODEL_CREDENTIAL_MQTT_BASIC, .credential = SLICE("token")};
    assert_int_equal(write_job(update_credentials, &two), ERR_ALREADY_EXISTS);
    assert_int_equal(read_job(get_credentials, &two), ERR_OK);
    assert_true(slice_equal(two.credentials.credential, SLICE("token-two")));
}

static void changed_credentials_are_what_the_index_will_hold(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "meter", 10)};
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    assert_int_equal(read_job(get_credentials, &job), ERR_OK);
    assert_int_equal(job.credentials.version, 1);
    job.credentials.kind = MODEL_CREDENTIAL_X509;
    job.credentials.credential = SLICE("0011");
    job.credentials.value = SLICE("PEM");
    job.check_version = true;
    assert_int_equal(write_job(update_credentials, &job), ERR_OK);
    assert_int_equal(job.credentials.version, 2);
    job.credentials.version = 1;
    assert_int_equal(write_job(update_credentials, &job), ERR_CONFLICT);
    assert_int_equal(read_job(get_entry, &job), ERR_OK);
    assert_int_equal(job.entry.device.number, job.device.number.number);
    assert_int_equal(job.entry.tenant.number, test.tenant.number.number);
    assert_true(uuid_equal(&job.entry.uuid, &job.device.id));
    assert_int_equal(job.entry.kind, MODEL_CREDENTIAL_X509);
    assert_true(
        slice_equal(slice_of(job.entry.credential, job.entry.credential_len), SLICE("0011")));
    job.credentials.device = entities_test_id(44);
    assert_int_equal(write_job(update_credentials, &job), ERR_NOT_FOUND);
    job.device.id = job.credentials.device;
    assert_int_equal(read_job(get_entry, &job), ERR_NOT_FOUND);
}

static enum err make_coap_profile(struct store_tx *tx, void *context)
{
    struct model_device_profile *profile = context;
    return store_profile_insert(tx, profile);
}

static enum err update_profile(struct store_tx *tx, void *context)
{
    return store_profile_update(tx, context);
}

// A device, not written yet, of a profile for CoAP, which is.
static struct device_job coap_device(struct model_device_profile *profile)
{
    struct device_job job = {.device = entities_test_device(&test, "one", 10)};
    *profile = test.profile;
    profile->id = entities_test_id(30);
    profile->name = SLICE("coap");
    profile->is_default = false;
    profile->transport = MODEL_TRANSPORT_COAP;
    assert_int_equal(write_job(make_coap_profile, profile), ERR_OK);
    job.device.profile = profile->id;
    return job;
}

static void power_saving_is_the_devices_or_its_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *of_profile;
        const char *own; // NULL: no data of its own
        enum model_power power;
        uint32_t awake_ms;
    } rows[] = {
        {"{}", NULL, MODEL_POWER_NONE, 0},
        {"{\"powerMode\":\"DRX\",\"psmActivityTimer\":7000}", NULL, MODEL_POWER_NONE, 0},
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":7000}", NULL, MODEL_POWER_PSM, 7000},
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":null}", NULL, MODEL_POWER_PSM, 0},
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":-1}", NULL, MODEL_POWER_PSM, 0},
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":5000000000}", NULL, MODEL_POWER_PSM, 0},
        {"{\"powerMode\":\"E_DRX\",\"psmActivityTimer\":1,\"pagingTransmissionWindow\":9}", NULL,
         MODEL_POWER_EDRX, 9},
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":7000}", "{}", MODEL_POWER_PSM, 7000},
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":7000}", "{\"psmActivityTimer\":8}",
         MODEL_POWER_PSM, 8},
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":7000}", "{\"powerMode\":\"DRX\"}",
         MODEL_POWER_NONE, 0},
        // A mode of its own does not take the profile's time.
        {"{\"powerMode\":\"PSM\",\"psmActivityTimer\":7000}", "{\"powerMode\":\"PSM\"}",
         MODEL_POWER_PSM, 0},
        {"{}", "{\"powerMode\":\"E_DRX\",\"pagingTransmissionWindow\":5}", MODEL_POWER_EDRX, 5},
        {"{}", "{\"powerMode\":7}", MODEL_POWER_NONE, 0},
    };
    struct model_device_profile profile;
    struct device_job job = coap_device(&profile);
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char data[256];
        char own[256];
        (void)snprintf(data, sizeof(data), "{\"transportConfiguration\":{\"clientSettings\":%s}}",
                       rows[i].of_profile);
        (void)snprintf(own, sizeof(own), "{\"transportConfiguration\":%s}",
                       rows[i].own != NULL ? rows[i].own : "");
        profile.profile_data = slice_text(data);
        job.device.device_data = rows[i].own != NULL ? slice_text(own) : SLICE_EMPTY;
        assert_int_equal(write_job(update_profile, &profile), ERR_OK);
        assert_int_equal(write_job(update_device, &job), ERR_OK);
        assert_int_equal(read_job(get_entry, &job), ERR_OK);
        assert_int_equal(job.entry.power, rows[i].power);
        assert_int_equal(job.entry.awake_ms, rows[i].awake_ms);
    }
}

static void what_people_wrote_as_a_mode_may_be_of_any_length(void **state)
{
    (void)state;
    char text[4096];
    char data[5000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    (void)snprintf(data, sizeof(data), "{\"transportConfiguration\":{\"powerMode\":[\"%s\"]}}",
                   text);
    struct model_device_profile profile;
    struct device_job job = coap_device(&profile);
    job.device.device_data = slice_text(data);
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    assert_int_equal(read_job(get_entry, &job), ERR_OK);
    assert_int_equal(job.entry.power, MODEL_POWER_NONE);
}

struct load {
    unsigned count;
    unsigned stop_at;
};

static enum err load_one(void *context, const struct model_index_entry *entry)
{
    struct load *load = context;
    load->count += entry->credential_len > 0;
    return load->count == load->stop_at ? ERR_EXHAUSTED : ERR_OK;
}

static enum err load_index(struct store_tx *tx, void *context)
{
    return store_index_load(tx, context, load_one);
}

static void index_is_loaded_whole_or_until_it_is_full(void **state)
{
    (void)state;
    struct device_job job = {.device = entities_test_device(&test, "one", 10)};
    struct device_job two = {.device = entities_test_device(&test, "two", 11)};
    struct entities_test_add add = {&two.device, "token-two"};
    assert_int_equal(write_job(insert_device, &job), ERR_OK);
    assert_int_equal(write_job(entities_test_add, &add), ERR_OK);
    struct load all = {0, 0};
    assert_int_equal(read_job(load_index, &all), ERR_OK);
    assert_int_equal(all.count, 2);
    struct load full = {0, 1};
    assert_int_equal(read_job(load_index, &full), ERR_EXHAUSTED);
    assert_int_equal(full.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(device_names_are_unique_in_their_tenant),
        TEST(references_of_a_device_must_exist),
        TEST(update_counts_the_version_and_checks_it_if_asked),
        TEST(update_to_a_name_that_is_taken_is_refused),
        TEST(deleted_device_leaves_a_purge_and_its_number_is_never_used_again),
        TEST(credentials_are_unique_whatever_their_kind),
        TEST(changed_credentials_are_what_the_index_will_hold),
        TEST(power_saving_is_the_devices_or_its_profiles),
        TEST(what_people_wrote_as_a_mode_may_be_of_any_length),
        TEST(index_is_loaded_whole_or_until_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
