// A new data directory is filled: with the demo data of server-api.md 1.4, or with a password that
// is told once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/core_test.h"
#include "core/install.h"
#include "core/session.h"
#include "store/entities_user.h"

static struct core_test test;

// An empty entity store: no tenant, nobody.
static int set_up(void **state)
{
    (void)state;
    static const struct rate rate = {.capacity = {100}, .seconds = {30}, .count = 1};
    memset(&test, 0, sizeof(test));
    arena_init(&test.memory, test.bytes, sizeof(test.bytes));
    epoch_init(&test.epoch, 1);
    if (entities_test_open(&test.entities) != ERR_OK ||
        store_attempts_create(&test.core.attempts, &rate) != ERR_OK ||
        model_index_create(&test.core.index, &test.epoch, 20) != ERR_OK ||
        model_quotas_create(&test.core.quotas, 2) != ERR_OK) {
        return -1;
    }
    test.core.entities = test.entities.entities;
    test.core.epoch = &test.epoch;
    test.core.pause = core_test_pause;
    test.admin = (struct core_admin){&test.core, &test.caller, &test.memory, &test.problem};
    return core_open(&test.core, CORE_TEST_NOW) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    core_test_close(&test);
    return 0;
}

static enum err log_in(const char *email, const char *password)
{
    const struct core_login login = {slice_text(email), slice_text(password), 1, {1000000000U}};
    struct model_user user;
    arena_reset(&test.memory);
    const enum err err =
        core_session_log_in(&test.core, &test.memory, &login, &user, &test.problem);
    if (err == ERR_OK) {
        test.caller = core_session_caller(&user, CORE_TEST_NOW);
    }
    return err;
}

static void demo_accounts_and_devices_are_all_there(void **state)
{
    (void)state;
    static const struct {
        const char *name, *token, *type, *customer;
    } devices[] = {
        {"Test Device A1", "A1_TEST_TOKEN", "default", "Customer A"},
        {"Test Device A2", "A2_TEST_TOKEN", "default", "Customer A"},
        {"Test Device A3", "A3_TEST_TOKEN", "default", "Customer A"},
        {"Test Device B1", "B1_TEST_TOKEN", "default", "Customer B"},
        {"Test Device C1", "C1_TEST_TOKEN", "default", "Customer C"},
        {"DHT11 Demo Device", "DHT11_DEMO_TOKEN", "default", ""},
        {"Raspberry Pi Demo Device", "RASPBERRY_PI_DEMO_TOKEN", "default", ""},
        {"Thermostat T1", "T1_TEST_TOKEN", "thermostat", ""},
        {"Thermostat T2", "T2_TEST_TOKEN", "thermostat", ""},
    };
    assert_int_equal(core_install_demo(&test.core, CORE_TEST_NOW), ERR_OK);
    assert_int_equal(core_index_fill(&test.core), ERR_OK);
    assert_int_equal(log_in("sysadmin@thingsboard.org", "sysadmin"), ERR_OK);
    assert_int_equal(test.caller.authority, MODEL_SYS_ADMIN);
    static const char *const customers[] = {"customer@thingsboard.org", "customerA@thingsboard.org",
                                            "customerB@thingsboard.org",
                                            "customerC@thingsboard.org"};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(log_in(customers[i], "customer"), ERR_OK);
        assert_int_equal(test.caller.authority, MODEL_CUSTOMER_USER);
    }
    assert_int_equal(log_in("tenant@thingsboard.org", "tenant"), ERR_OK);
    assert_int_equal(test.caller.authority, MODEL_TENANT_ADMIN);
    assert_int_equal(model_index_count(test.core.index), 9);
    for (unsigned i = 0; i < 9; i++) {
        struct model_device device;
        arena_reset(&test.memory);
        assert_int_equal(core_device_by_name(&test.admin, slice_text(devices[i].name), &device),
                         ERR_OK);
        assert_int_equal(core_test_find(&test, devices[i].token), device.number.number);
        assert_true(slice_equal(device.type, slice_text(devices[i].type)));
        assert_true(slice_equal(device.customer_title, slice_text(devices[i].customer)));
    }
}

static void deleted_demo_device_stays_deleted(void **state)
{
    (void)state;
    struct model_device device;
    assert_int_equal(core_install_demo(&test.core, CORE_TEST_NOW), ERR_OK);
    assert_int_equal(core_index_fill(&test.core), ERR_OK);
    assert_int_equal(log_in("tenant@thingsboard.org", "tenant"), ERR_OK);
    assert_int_equal(core_device_by_name(&test.admin, SLICE("Thermostat T1"), &device), ERR_OK);
    assert_int_equal(core_device_delete(&test.admin, &device.id), ERR_OK);
    assert_int_equal(core_install_demo(&test.core, CORE_TEST_NOW), ERR_OK);
    assert_int_equal(core_device_by_name(&test.admin, SLICE("Thermostat T1"), &device),
                     ERR_NOT_FOUND);
    assert_int_equal(core_device_by_name(&test.admin, SLICE("Thermostat T2"), &device), ERR_OK);
}

static enum err keep(void *context, const char *password)
{
    memcpy(context, password, strlen(password) + 1);
    return ERR_OK;
}

static enum err cannot_keep(void *context, const char *password)
{
    (void)context;
    (void)password;
    return ERR_NO_SPACE;
}

static void first_start_makes_a_password_once(void **state)
{
    (void)state;
    char password[CORE_INSTALL_PASSWORD_LEN + 1] = "";
    char second[CORE_INSTALL_PASSWORD_LEN + 1] = "";
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, password, keep), ERR_OK);
    assert_int_equal(strlen(password), CORE_INSTALL_PASSWORD_LEN);
    assert_int_equal(log_in("sysadmin@thingsboard.org", password), ERR_OK);
    assert_int_equal(log_in("tenant@thingsboard.org", password), ERR_OK);
    assert_int_equal(log_in("sysadmin@thingsboard.org", "sysadmin"), ERR_UNAUTHORIZED);
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, second, keep), ERR_OK);
    assert_string_equal(second, "");
}

// The administrator gets another address; no start may bring the old one back.
static enum err rename_sysadmin(struct store_tx *tx, void *context)
{
    struct model_user *user = context;
    user->email = SLICE("root@example.org");
    return store_user_update(tx, user);
}

static void rename_it(const char *password)
{
    const struct core_login login = {
        SLICE("sysadmin@thingsboard.org"), slice_text(password), 1, {1000000000U}};
    struct model_user user;
    arena_reset(&test.memory);
    assert_int_equal(core_session_log_in(&test.core, &test.memory, &login, &user, &test.problem),
                     ERR_OK);
    assert_int_equal(store_entities_write(test.core.entities, &user, rename_sysadmin, NULL),
                     ERR_OK);
}

static enum err look_for_sysadmin(struct store_tx *tx, void *context)
{
    return store_user_exists(tx, SLICE("sysadmin@thingsboard.org"), context);
}

static void expect_no_sysadmin(void)
{
    bool exists = true;
    assert_int_equal(store_entities_read(test.core.entities, &exists, look_for_sysadmin), ERR_OK);
    assert_false(exists);
}

static void renamed_administrator_of_a_first_start_stays_the_only_one(void **state)
{
    (void)state;
    char password[CORE_INSTALL_PASSWORD_LEN + 1] = "";
    char second[CORE_INSTALL_PASSWORD_LEN + 1] = "";
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, password, keep), ERR_OK);
    rename_it(password);
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, second, keep), ERR_OK);
    assert_string_equal(second, "");
    expect_no_sysadmin();
    // Not with the demo data either, whose passwords everybody knows.
    assert_int_equal(core_install_demo(&test.core, CORE_TEST_NOW), ERR_OK);
    assert_int_equal(log_in("customer@thingsboard.org", "customer"), ERR_OK);
    expect_no_sysadmin();
}

static void renamed_administrator_of_the_demo_stays_the_only_one(void **state)
{
    (void)state;
    char password[CORE_INSTALL_PASSWORD_LEN + 1] = "";
    assert_int_equal(core_install_demo(&test.core, CORE_TEST_NOW), ERR_OK);
    rename_it("sysadmin");
    assert_int_equal(core_install_demo(&test.core, CORE_TEST_NOW), ERR_OK);
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, password, keep), ERR_OK);
    assert_string_equal(password, "");
    expect_no_sysadmin();
}

static void accounts_are_made_only_once_their_password_is_kept(void **state)
{
    (void)state;
    char password[CORE_INSTALL_PASSWORD_LEN + 1] = "";
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, NULL, cannot_keep),
                     ERR_NO_SPACE);
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, password, keep), ERR_OK);
    assert_int_equal(log_in("sysadmin@thingsboard.org", password), ERR_OK);
}

// Whoever started without demo data once gets them later, without losing what is there.
static void demo_after_a_first_start_keeps_passwords_and_names(void **state)
{
    (void)state;
    char password[CORE_INSTALL_PASSWORD_LEN + 1];
    assert_int_equal(core_install_first(&test.core, CORE_TEST_NOW, password, keep), ERR_OK);
    assert_int_equal(log_in("tenant@thingsboard.org", password), ERR_OK);
    struct core_device_save mine = {.device = {.id = uuid_null,
                                               .customer = uuid_null,
                                               .profile = uuid_null,
                                               .name = SLICE("My device")},
                                    .token = SLICE("A1_TEST_TOKEN")};
    assert_int_equal(core_device_save(&test.admin, &mine), ERR_OK);
    mine.device.id = uuid_null;
    mine.device.name = SLICE("Test Device A2");
    mine.token = SLICE("my-own-token");
    assert_int_equal(core_device_save(&test.admin, &mine), ERR_OK);

    assert_int_equal(core_install_demo(&test.core, CORE_TEST_NOW), ERR_OK);
    assert_int_equal(core_index_fill(&test.core), ERR_OK);
    assert_int_equal(log_in("tenant@thingsboard.org", password), ERR_OK);
    assert_int_equal(log_in("customer@thingsboard.org", "customer"), ERR_OK);
    assert_true(core_test_find(&test, "my-own-token") != 0);
    assert_true(core_test_find(&test, "A3_TEST_TOKEN") != 0);
    assert_int_equal(core_test_find(&test, "A2_TEST_TOKEN"), 0);
    assert_int_equal(model_index_count(test.core.index), 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(demo_accounts_and_devices_are_all_there),
        TEST(deleted_demo_device_stays_deleted),
        TEST(first_start_makes_a_password_once),
        TEST(renamed_administrator_of_a_first_start_stays_the_only_one),
        TEST(renamed_administrator_of_the_demo_stays_the_only_one),
        TEST(accounts_are_made_only_once_their_password_is_kept),
        TEST(demo_after_a_first_start_keeps_passwords_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
