// People administer devices: what is made, refused and seen by whom, and that the index follows
// before the verb returns.
#include <ctype.h>
#include <pthread.h>

#include "core/verbs_test.h"

static struct core_device_save draft(const char *name)
{
    return (struct core_device_save){.device = {.id = uuid_null,
                                                .customer = uuid_null,
                                                .profile = uuid_null,
                                                .name = slice_text(name)}};
}

// A device that was made with this token.
static struct model_device made(const char *name, const char *token)
{
    struct core_device_save save = draft(name);
    save.token = slice_text(token);
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    return save.device;
}

static struct model_device made_for(const char *name, const char *token, unsigned customer)
{
    struct core_device_save save = draft(name);
    save.token = slice_text(token);
    save.device.customer = test.entities.customers[customer].id;
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    return save.device;
}

static void new_device_gets_id_profile_and_a_random_token(void **state)
{
    (void)state;
    struct core_device_save save = draft("meter");
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    assert_int_equal(uuid_time(&save.device.id).ms, CORE_TEST_NOW.ms);
    assert_true(slice_equal(save.device.type, SLICE("default")));
    assert_true(uuid_equal(&save.device.profile, &test.entities.profile.id));
    assert_int_equal(save.device.version, 1);

    struct model_credentials credentials;
    assert_int_equal(core_credentials_get(&test.admin, &save.device.id, &credentials), ERR_OK);
    assert_int_equal(credentials.kind, MODEL_CREDENTIAL_TOKEN);
    assert_int_equal(credentials.credential.len, 20);
    for (size_t i = 0; i < credentials.credential.len; i++) {
        assert_true(isalnum(credentials.credential.ptr[i]));
    }
    assert_non_null(
        model_index_find(test.core.index, MODEL_CREDENTIAL_TOKEN, credentials.credential));
}

static void given_token_is_used(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "MY_TOKEN");
    assert_int_equal(core_test_find(&test, "MY_TOKEN"), device.number.number);
}

static void bad_devices_are_refused_with_their_reason(void **state)
{
    (void)state;
    static char long_text[300];
    memset(long_text, 'x', sizeof(long_text) - 1);
    (void)made("taken", "TAKEN");
    const struct {
        const char *name, *label, *token;
        enum err err;
        const char *problem;
    } cases[] = {
        {"", "", "", ERR_INVALID, "Device name"},
        {"  ", "", "", ERR_INVALID, "Device name"},
        {long_text, "", "", ERR_INVALID, "Device name"},
        {"<script>", "", "", ERR_INVALID, "Device name"},
        {"a\nb", "", "", ERR_INVALID, "Device name"},
        {"fine", "<b>", "", ERR_INVALID, "Device label"},
        {"fine", "", long_text, ERR_INVALID, "credentials id"},
        {"fine", "", "a\tb", ERR_INVALID, "credentials id"},
        {"fine", "", "TAKEN", ERR_ALREADY_EXISTS,
         "Device credentials are already assigned to another device!"},
        {"taken", "", "", ERR_ALREADY_EXISTS, "Device with such name already exists!"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct core_device_save save = draft(cases[i].name);
        save.device.label = slice_text(cases[i].label);
        save.token = slice_text(cases[i].token);
        test.problem.text[0] = 0;
        assert_int_equal(core_device_save(&test.admin, &save), cases[i].err);
        assert_non_null(strstr(test.problem.text, cases[i].problem));
    }
    assert_int_equal(model_index_count(test.core.index), 1);
}

static void type_names_a_profile_that_is_found_or_made(void **state)
{
    (void)state;
    struct core_device_save first = draft("one");
    struct core_device_save second = draft("two");
    first.device.type = second.device.type = SLICE("thermostat");
    assert_int_equal(core_device_save(&test.admin, &first), ERR_OK);
    assert_int_equal(core_device_save(&test.admin, &second), ERR_OK);
    assert_true(uuid_equal(&first.device.profile, &second.device.profile));
    assert_false(uuid_equal(&first.device.profile, &test.entities.profile.id));
    struct model_device_profile profile;
    assert_int_equal(core_profile_get(&test.admin, &first.device.profile, &profile), ERR_OK);
    assert_true(slice_equal(profile.name, SLICE("thermostat")));
    assert_int_equal(profile.transport, MODEL_TRANSPORT_DEFAULT);
    assert_true(slice_equal(profile.provision_type, SLICE("DISABLED")));
    assert_false(profile.is_default);
    struct core_device_save third = draft("three");
    third.device.type = SLICE("<x>");
    assert_int_equal(core_device_save(&test.admin, &third), ERR_INVALID);
}

static void profile_of_a_refused_device_is_not_made(void **state)
{
    (void)state;
    (void)made("taken", "TAKEN");
    struct core_device_save save = draft("taken");
    save.device.type = SLICE("thermostat");
    assert_int_equal(core_device_save(&test.admin, &save), ERR_ALREADY_EXISTS);
    const struct model_page page = {.size = 10};
    const struct core_device_list list = {.page = &page, .type = SLICE("thermostat")};
    int64_t total = -1;
    assert_int_equal(core_device_list(&test.admin, &list, &total, NULL, NULL), ERR_OK);
    assert_int_equal(total, 0);
}

static void references_to_nothing_are_refused(void **state)
{
    (void)state;
    struct core_device_save save = draft("meter");
    save.device.profile = entities_test_id(900);
    assert_int_equal(core_device_save(&test.admin, &save), ERR_INVALID);
    assert_non_null(strstr(test.problem.text, "device profile"));
    save = draft("meter");
    save.device.customer = entities_test_id(901);
    assert_int_equal(core_device_save(&test.admin, &save), ERR_NOT_FOUND);
    assert_non_null(strstr(test.problem.text, "Customer with id ["));
    save = draft("meter");
    save.device.id = entities_test_id(902);
    assert_int_equal(core_device_save(&test.admin, &save), ERR_NOT_FOUND);
    assert_non_null(strstr(test.problem.text, "Device with id ["));
    assert_non_null(strstr(test.problem.text, "] is not found"));
}

static void update_replaces_the_device_and_holds_to_its_version(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "TOKEN");
    struct core_device_save save = draft("renamed");
    save.device.id = device.id;
    save.device.version = 1;
    save.device.label = SLICE("label");
    save.has_version = true;
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    assert_int_equal(save.device.version, 2);
    // Its token stays.
    assert_int_equal(core_test_find(&test, "TOKEN"), device.number.number);
    save.device.version = 1;
    assert_int_equal(core_device_save(&test.admin, &save), ERR_CONFLICT);
    struct model_device read;
    assert_int_equal(core_device_get(&test.admin, &device.id, &read), ERR_OK);
    assert_true(slice_equal(read.name, SLICE("renamed")));
    assert_true(slice_equal(read.label, SLICE("label")));
    assert_int_equal(read.version, 2);
}

static void update_with_credentials_changes_both_or_neither(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "OLD");
    (void)made("other", "OTHER");
    struct model_credentials credentials = {.credential = SLICE("OTHER")};
    struct core_device_save save = draft("renamed");
    save.device.id = device.id;
    save.credentials = &credentials;
    assert_int_equal(core_device_save(&test.admin, &save), ERR_ALREADY_EXISTS);
    struct model_device read;
    assert_int_equal(core_device_get(&test.admin, &device.id, &read), ERR_OK);
    assert_true(slice_equal(read.name, SLICE("meter")));
    credentials.credential = SLICE("NEW");
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    assert_int_equal(core_test_find(&test, "OLD"), 0);
    assert_int_equal(core_test_find(&test, "NEW"), device.number.number);
}

static void deleted_device_is_gone_at_once(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "TOKEN");
    assert_int_equal(core_device_delete(&test.admin, &device.id), ERR_OK);
    assert_int_equal(core_test_find(&test, "TOKEN"), 0);
    struct model_device read;
    assert_int_equal(core_device_get(&test.admin, &device.id, &read), ERR_NOT_FOUND);
    assert_int_equal(core_device_delete(&test.admin, &device.id), ERR_NOT_FOUND);
    // Name and token are free again.
    (void)made("meter", "TOKEN");
}

static void device_is_found_by_its_name(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "TOKEN");
    struct model_device read;
    assert_int_equal(core_device_by_name(&test.admin, SLICE("meter"), &read), ERR_OK);
    assert_true(uuid_equal(&read.id, &device.id));
    assert_int_equal(core_device_by_name(&test.admin, SLICE("Meter"), &read), ERR_NOT_FOUND);
    assert_string_equal(test.problem.text, "Requested item wasn't found!");
}

static struct device_id saved;

static enum err save_credentials(struct model_credentials *credentials, bool has_version)
{
    return core_credentials_save(&test.admin, credentials, has_version, &saved);
}

static void changed_credentials_hold_from_the_moment_the_verb_returns(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "OLD");
    struct model_credentials credentials = {
        .device = device.id, .credential = SLICE("NEW"), .version = 1};
    assert_int_equal(save_credentials(&credentials, true), ERR_OK);
    assert_int_equal(saved.number, device.number.number);
    assert_int_equal(core_test_find(&test, "OLD"), 0);
    assert_int_equal(core_test_find(&test, "NEW"), device.number.number);
    credentials.version = 1;
    assert_int_equal(save_credentials(&credentials, true), ERR_CONFLICT);
    assert_int_equal(save_credentials(&credentials, false), ERR_OK);
    credentials.credential = SLICE("");
    assert_int_equal(save_credentials(&credentials, false), ERR_INVALID);
    credentials.device = entities_test_id(903);
    credentials.credential = SLICE("X");
    assert_int_equal(save_credentials(&credentials, false), ERR_NOT_FOUND);
}

static unsigned pauses;

// The one worker ends its turn at the third look.
static void worker_is_slow(void)
{
    pauses++;
    if (pauses == 3) {
        epoch_leave(&test.epoch, 0);
    }
}

static void verb_returns_only_when_every_worker_has_passed(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "OLD");
    struct model_credentials credentials = {.device = device.id, .credential = SLICE("NEW")};
    test.core.pause = worker_is_slow;
    pauses = 0;
    epoch_enter(&test.epoch, 0);
    assert_int_equal(save_credentials(&credentials, false), ERR_OK);
    assert_int_equal(pauses, 3);
    pauses = 0;
    epoch_enter(&test.epoch, 0);
    assert_int_equal(core_device_delete(&test.admin, &device.id), ERR_OK);
    assert_int_equal(pauses, 3);
}

static void device_is_assigned_and_taken_away(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "TOKEN");
    const struct uuid nobody = entities_test_id(904);
    struct model_device read;
    assert_int_equal(core_device_assign(&test.admin, &device.id, &uuid_null, &read), ERR_INVALID);
    assert_string_equal(test.problem.text, "Device isn't assigned to any customer!");
    assert_int_equal(core_device_assign(&test.admin, &device.id, &nobody, &read), ERR_NOT_FOUND);
    assert_int_equal(
        core_device_assign(&test.admin, &device.id, &test.entities.customers[1].id, &read), ERR_OK);
    assert_true(uuid_equal(&read.customer, &test.entities.customers[1].id));
    assert_true(slice_equal(read.customer_title, SLICE("Customer B")));
    assert_int_equal(read.version, 2);
    assert_int_equal(core_device_assign(&test.admin, &device.id, &uuid_null, &read), ERR_OK);
    assert_true(uuid_equal(&read.customer, &uuid_null));
    assert_null(read.customer_title.ptr);
    assert_int_equal(core_test_find(&test, "TOKEN"), device.number.number);
}

struct names {
    char text[256];
};

static void add_name(void *context, const struct model_device *device)
{
    struct names *names = context;
    const size_t len = strlen(names->text);
    snprintf(names->text + len, sizeof(names->text) - len, "%.*s ", SLICE_ARGS(device->name));
}

static void lists_know_type_customer_and_order(void **state)
{
    (void)state;
    (void)made_for("a1", "1", 0);
    (void)made_for("b1", "2", 1);
    struct core_device_save save = draft("c1");
    save.device.type = SLICE("thermostat");
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);

    const struct model_page page = {.size = 10, .sort = SLICE("name"), .descending = true};
    struct core_device_list list = {.page = &page};
    struct names names = {""};
    int64_t total = 0;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_OK);
    assert_string_equal(names.text, "c1 b1 a1 ");
    assert_int_equal(total, 3);
    list.type = SLICE("thermostat");
    names.text[0] = 0;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_OK);
    assert_string_equal(names.text, "c1 ");
    list.type = SLICE_EMPTY;
    list.customer = &test.entities.customers[1].id;
    names.text[0] = 0;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_OK);
    assert_string_equal(names.text, "b1 ");
    const struct model_page wrong = {.size = 10, .sort = SLICE("password")};
    list.page = &wrong;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_INVALID);
    assert_non_null(strstr(test.problem.text, "'password'"));
}

static void customer_user_sees_and_changes_its_own_devices_only(void **state)
{
    (void)state;
    const struct model_device own = made_for("own", "1", 0);
    const struct model_device other = made_for("other", "2", 1);
    struct model_device read;
    struct model_credentials credentials;
    core_test_as(&test, MODEL_CUSTOMER_USER);
    assert_int_equal(core_device_get(&test.admin, &own.id, &read), ERR_OK);
    assert_int_equal(core_credentials_get(&test.admin, &own.id, &credentials), ERR_OK);
    assert_int_equal(core_device_get(&test.admin, &other.id, &read), ERR_FORBIDDEN);
    assert_int_equal(core_credentials_get(&test.admin, &other.id, &credentials), ERR_FORBIDDEN);
    struct core_device_save save = draft("renamed");
    save.device.id = own.id;
    save.device.customer = test.entities.customers[1].id;
    assert_int_equal(core_device_save(&test.admin, &save), ERR_OK);
    // It stays the customer's.
    assert_int_equal(core_device_get(&test.admin, &own.id, &read), ERR_OK);
    assert_true(slice_equal(read.name, SLICE("renamed")));
    save.device.id = other.id;
    assert_int_equal(core_device_save(&test.admin, &save), ERR_FORBIDDEN);

    const struct model_page page = {.size = 10};
    struct core_device_list list = {.page = &page, .customer = &test.caller.customer};
    struct names names = {""};
    int64_t total = 0;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_OK);
    assert_string_equal(names.text, "renamed ");
    list.customer = &test.entities.customers[1].id;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_FORBIDDEN);
    list.customer = NULL;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_FORBIDDEN);
}

static void customer_user_may_not_do_the_rest(void **state)
{
    (void)state;
    const struct model_device own = made_for("own", "1", 0);
    struct model_device read;
    struct model_credentials credentials = {.device = own.id, .credential = SLICE("X")};
    core_test_as(&test, MODEL_CUSTOMER_USER);
    struct core_device_save save = draft("new");
    assert_int_equal(core_device_save(&test.admin, &save), ERR_FORBIDDEN);
    assert_string_equal(test.problem.text, "You don't have permission to perform this operation!");
    save.device.id = own.id;
    save.device.type = SLICE("a-new-type");
    assert_int_equal(core_device_save(&test.admin, &save), ERR_FORBIDDEN);
    save.device.type = SLICE_EMPTY;
    save.credentials = &credentials;
    assert_int_equal(core_device_save(&test.admin, &save), ERR_FORBIDDEN);
    assert_int_equal(save_credentials(&credentials, false), ERR_FORBIDDEN);
    assert_int_equal(core_device_delete(&test.admin, &own.id), ERR_FORBIDDEN);
    assert_int_equal(core_device_by_name(&test.admin, SLICE("own"), &read), ERR_FORBIDDEN);
    assert_int_equal(core_device_assign(&test.admin, &own.id, &uuid_null, &read), ERR_FORBIDDEN);
    assert_int_equal(core_test_find(&test, "1"), own.number.number);
}

static void system_administrator_has_no_devices(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "1");
    struct model_device read;
    struct model_credentials credentials;
    core_test_as(&test, MODEL_SYS_ADMIN);
    struct core_device_save save = draft("new");
    assert_int_equal(core_device_save(&test.admin, &save), ERR_FORBIDDEN);
    assert_int_equal(core_device_get(&test.admin, &device.id, &read), ERR_FORBIDDEN);
    assert_int_equal(core_credentials_get(&test.admin, &device.id, &credentials), ERR_FORBIDDEN);
    assert_int_equal(core_device_delete(&test.admin, &device.id), ERR_FORBIDDEN);
}

static void other_tenant_finds_nothing(void **state)
{
    (void)state;
    const struct model_device device = made("meter", "1");
    struct model_device read;
    test.caller.tenant.number += 1;
    assert_int_equal(core_device_get(&test.admin, &device.id, &read), ERR_NOT_FOUND);
    assert_int_equal(core_device_delete(&test.admin, &device.id), ERR_NOT_FOUND);
    assert_int_equal(core_device_by_name(&test.admin, SLICE("meter"), &read), ERR_NOT_FOUND);
}

struct creator {
    unsigned number;
    unsigned made;
    unsigned refused;
};

static void *create_many(void *context)
{
    struct creator *creator = context;
    uint8_t bytes[8192] __attribute__((aligned(16)));
    struct arena memory;
    struct core_problem problem;
    const struct core_admin admin = {&test.core, &test.caller, &memory, &problem};
    char name[32];
    for (unsigned i = 0; i < 5; i++) {
        arena_init(&memory, bytes, sizeof(bytes));
        snprintf(name, sizeof(name), "device-%u-%u", creator->number, i);
        struct core_device_save save = draft(name);
        const enum err err = core_device_save(&admin, &save);
        creator->made += err == ERR_OK;
        creator->refused += err == ERR_EXHAUSTED;
    }
    return NULL;
}

// Also when many are inserted in one commit: the limit is exact, and index and entities agree.
static void limit_of_devices_holds_for_creators_at_the_same_time(void **state)
{
    (void)state;
    struct creator creators[8];
    pthread_t threads[8];
    unsigned made_count = 0;
    unsigned refused = 0;
    for (unsigned i = 0; i < 8; i++) {
        creators[i] = (struct creator){.number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, create_many, &creators[i]), 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        made_count += creators[i].made;
        refused += creators[i].refused;
    }
    assert_int_equal(made_count, DEVICES_MAX);
    assert_int_equal(refused, 40 - DEVICES_MAX);
    assert_int_equal(model_index_count(test.core.index), DEVICES_MAX);
    const struct model_page page = {.size = 1};
    const struct core_device_list list = {.page = &page};
    struct names names = {""};
    int64_t total = 0;
    assert_int_equal(core_device_list(&test.admin, &list, &total, &names, add_name), ERR_OK);
    assert_int_equal(total, DEVICES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_device_gets_id_profile_and_a_random_token),
        TEST(given_token_is_used),
        TEST(bad_devices_are_refused_with_their_reason),
        TEST(type_names_a_profile_that_is_found_or_made),
        TEST(profile_of_a_refused_device_is_not_made),
        TEST(references_to_nothing_are_refused),
        TEST(update_replaces_the_device_and_holds_to_its_version),
        TEST(update_with_credentials_changes_both_or_neither),
        TEST(deleted_device_is_gone_at_once),
        TEST(device_is_found_by_its_name),
        TEST(changed_credentials_hold_from_the_moment_the_verb_returns),
        TEST(verb_returns_only_when_every_worker_has_passed),
        TEST(device_is_assigned_and_taken_away),
        TEST(lists_know_type_customer_and_order),
        TEST(customer_user_sees_and_changes_its_own_devices_only),
        TEST(customer_user_may_not_do_the_rest),
        TEST(system_administrator_has_no_devices),
        TEST(other_tenant_finds_nothing),
        TEST(limit_of_devices_holds_for_creators_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
