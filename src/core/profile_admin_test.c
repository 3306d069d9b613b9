// Device profiles are written by tenant administrators: names, versions, the default, devices.
#include "core/profile_default.h"
#include "core/verbs_test.h"

static struct model_device_profile draft(const char *name)
{
    return (struct model_device_profile){.id = uuid_null,
                                         .name = slice_text(name),
                                         .transport = MODEL_TRANSPORT_COAP,
                                         .provision_type = SLICE("DISABLED"),
                                         .profile_data = SLICE(CORE_PROFILE_DATA_COAP)};
}

static struct model_device_profile made(const char *name)
{
    struct model_device_profile profile = draft(name);
    assert_int_equal(core_profile_save(&test.admin, &profile, false), ERR_OK);
    return profile;
}

static void expect(enum err err, enum err wanted, const char *problem)
{
    assert_int_equal(err, wanted);
    assert_non_null(strstr(test.problem.text, problem));
}

static void a_profile_is_made_changed_and_deleted(void **state)
{
    (void)state;
    struct model_device_profile profile = made("meters");
    struct model_device_profile read;
    assert_int_equal(profile.version, 1);
    profile.description = SLICE("of water");
    assert_int_equal(core_profile_save(&test.admin, &profile, true), ERR_OK);
    assert_int_equal(core_profile_get(&test.admin, &profile.id, &read), ERR_OK);
    assert_true(slice_equal(read.description, SLICE("of water")));
    assert_int_equal(read.version, 2);
    assert_int_equal(core_profile_delete(&test.admin, &profile.id), ERR_OK);
    expect(core_profile_get(&test.admin, &profile.id, &read), ERR_NOT_FOUND, "Device profile with");
    expect(core_profile_delete(&test.admin, &profile.id), ERR_NOT_FOUND, "Device profile with");
}

static void an_older_version_is_refused(void **state)
{
    (void)state;
    struct model_device_profile profile = made("meters");
    struct model_device_profile old = profile;
    assert_int_equal(core_profile_save(&test.admin, &profile, true), ERR_OK);
    expect(core_profile_save(&test.admin, &old, true), ERR_CONFLICT, "changed meanwhile");
    assert_int_equal(core_profile_save(&test.admin, &old, false), ERR_OK);
}

static void names_and_keys_are_taken_once(void **state)
{
    (void)state;
    struct model_device_profile first = draft("meters");
    first.provision_key = SLICE("key");
    assert_int_equal(core_profile_save(&test.admin, &first, false), ERR_OK);
    struct model_device_profile same_name = draft("meters");
    expect(core_profile_save(&test.admin, &same_name, false), ERR_ALREADY_EXISTS, "such name");
    struct model_device_profile same_key = draft("others");
    same_key.provision_key = SLICE("key");
    expect(core_profile_save(&test.admin, &same_key, false), ERR_ALREADY_EXISTS,
           "provision device key");
    struct model_device_profile nameless = draft("");
    expect(core_profile_save(&test.admin, &nameless, false), ERR_INVALID, "Device profile name");
}

static void the_default_moves_by_its_own_verb_only(void **state)
{
    (void)state;
    struct model_device_profile profile = made("meters");
    struct model_device_profile read;
    profile.is_default = true;
    expect(core_profile_save(&test.admin, &profile, false), ERR_INVALID, "Another default");
    struct model_device_profile fresh = draft("fresh");
    fresh.is_default = true;
    expect(core_profile_save(&test.admin, &fresh, false), ERR_INVALID, "Another default");
    assert_int_equal(core_profile_make_default(&test.admin, &profile.id, &read), ERR_OK);
    assert_true(read.is_default);
    assert_int_equal(core_profile_get(&test.admin, &test.entities.profile.id, &read), ERR_OK);
    assert_false(read.is_default);
    // Again is nothing new; and no save takes it away.
    assert_int_equal(core_profile_make_default(&test.admin, &profile.id, &read), ERR_OK);
    profile.is_default = false;
    assert_int_equal(core_profile_save(&test.admin, &profile, false), ERR_OK);
    assert_true(profile.is_default);
    expect(core_profile_delete(&test.admin, &profile.id), ERR_INVALID, "Default Device Profile");
}

static void devices_hold_their_profile_and_its_transport(void **state)
{
    (void)state;
    struct model_device_profile profile = made("meters");
    struct core_device_save save = {.device = {.id = uuid_null,
                                               .name = SLICE("device"),
                                               .profile = profile.id,
                                               .customer = uuid_null}};
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    expect(core_profile_delete(&test.admin, &profile.id), ERR_INVALID, "referenced by the devices");
    profile.transport = MODEL_TRANSPORT_DEFAULT;
    expect(core_profile_save(&test.admin, &profile, false), ERR_INVALID, "transport type");
    assert_int_equal(core_device_delete(&test.admin, &save.device.id), ERR_OK);
    assert_int_equal(core_profile_save(&test.admin, &profile, false), ERR_OK);
    assert_int_equal(core_profile_delete(&test.admin, &profile.id), ERR_OK);
}

// With what its devices know of it, in one transaction: nothing can come between.
static void a_save_is_one_transaction_and_its_devices_know(void **state)
{
    (void)state;
    struct model_device_profile profile = made("meters");
    struct core_device_save save = {.device = {.id = uuid_null,
                                               .name = SLICE("device"),
                                               .profile = profile.id,
                                               .customer = uuid_null},
                                    .token = SLICE("SLEEPER")};
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    const uint64_t before = store_entities_stats(test.core.entities).jobs;
    profile.profile_data =
        SLICE("{\"configuration\":{\"type\":\"DEFAULT\"},\"transportConfiguration\":{"
              "\"type\":\"COAP\",\"clientSettings\":{\"powerMode\":\"PSM\","
              "\"psmActivityTimer\":7000}}}");
    assert_int_equal(core_profile_save(&test.admin, &profile, false), ERR_OK);
    assert_int_equal(store_entities_stats(test.core.entities).jobs, before + 1);
    const struct model_index_entry *entry =
        model_index_find(test.core.index, MODEL_CREDENTIAL_TOKEN, SLICE("SLEEPER"));
    assert_int_equal(entry->power, MODEL_POWER_PSM);
    assert_int_equal(entry->awake_ms, 7000);
}

static void nobody_else_writes_them(void **state)
{
    (void)state;
    static const enum model_authority others[] = {MODEL_SYS_ADMIN, MODEL_CUSTOMER_USER};
    const struct uuid id = made("meters").id;
    for (unsigned i = 0; i < 2; i++) {
        struct model_device_profile profile = draft("mine");
        core_test_as(&test, others[i]);
        assert_int_equal(core_profile_save(&test.admin, &profile, false), ERR_FORBIDDEN);
        assert_int_equal(core_profile_make_default(&test.admin, &id, &profile), ERR_FORBIDDEN);
        assert_int_equal(core_profile_delete(&test.admin, &id), ERR_FORBIDDEN);
    }
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    struct model_device_profile profile = draft("nobody's");
    const struct uuid nobody = entities_test_id(904);
    profile.id = nobody;
    expect(core_profile_save(&test.admin, &profile, false), ERR_NOT_FOUND, "Device profile with");
    expect(core_profile_make_default(&test.admin, &nobody, &profile), ERR_NOT_FOUND,
           "Device profile with");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_profile_is_made_changed_and_deleted),
        TEST(an_older_version_is_refused),
        TEST(names_and_keys_are_taken_once),
        TEST(the_default_moves_by_its_own_verb_only),
        TEST(devices_hold_their_profile_and_its_transport),
        TEST(a_save_is_one_transaction_and_its_devices_know),
        TEST(nobody_else_writes_them),
        TEST(what_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
