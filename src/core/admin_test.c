// People administer customers and look at tenants, users and profiles: by authority.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/core_test.h"
#include "core/tenant_admin.h"
#include "core/user_admin.h"

static struct core_test test;
static struct model_tenant other_tenant;
static struct uuid users[5];

enum { ROOT, TENANT, OWN_CUSTOMER, OTHER_CUSTOMER, OTHER_TENANT };

static enum err fill(struct store_tx *tx, void *context)
{
    (void)context;
    other_tenant = (struct model_tenant){
        .id = entities_test_id(700), .profile = uuid_null, .title = SLICE("Other")};
    enum err err = store_tenant_insert(tx, &other_tenant);
    const struct {
        enum model_authority authority;
        struct tenant_id tenant;
        struct uuid customer;
        const char *email;
    } rows[] = {
        {MODEL_SYS_ADMIN, {0}, uuid_null, "root@"},
        {MODEL_TENANT_ADMIN, test.entities.tenant.number, uuid_null, "tenant@"},
        {MODEL_CUSTOMER_USER, test.entities.tenant.number, test.entities.customers[0].id, "own@"},
        {MODEL_CUSTOMER_USER, test.entities.tenant.number, test.entities.customers[1].id, "other@"},
        {MODEL_TENANT_ADMIN, other_tenant.number, uuid_null, "stranger@"},
    };
    for (unsigned i = 0; err == ERR_OK && i < 5; i++) {
        users[i] = entities_test_id(710 + i);
        const struct model_user user = {.id = users[i],
                                        .tenant = rows[i].tenant,
                                        .customer = rows[i].customer,
                                        .authority = rows[i].authority,
                                        .email = slice_text(rows[i].email)};
        err = store_user_insert(tx, &user);
    }
    return err;
}

static int set_up(void **state)
{
    (void)state;
    return core_test_open(&test, 10) == ERR_OK &&
                   store_entities_write(test.core.entities, NULL, fill, NULL) == ERR_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    core_test_close(&test);
    return 0;
}

static struct model_customer draft(const char *title)
{
    return (struct model_customer){.id = uuid_null, .title = slice_text(title)};
}

static void customer_is_made_changed_found_and_deleted(void **state)
{
    (void)state;
    struct model_customer customer = draft("New");
    struct model_customer read;
    assert_int_equal(core_customer_save(&test.admin, &customer, false), ERR_OK);
    assert_int_equal(uuid_time(&customer.id).ms, CORE_TEST_NOW.ms);
    assert_int_equal(customer.version, 1);
    customer.title = SLICE("Renamed");
    assert_int_equal(core_customer_save(&test.admin, &customer, false), ERR_OK);
    assert_int_equal(customer.version, 2);
    assert_int_equal(core_customer_get(&test.admin, &customer.id, &read), ERR_OK);
    assert_true(slice_equal(read.title, SLICE("Renamed")));
    assert_int_equal(core_customer_by_title(&test.admin, SLICE("Renamed"), &read), ERR_OK);
    assert_int_equal(core_customer_delete(&test.admin, &customer.id), ERR_OK);
    assert_int_equal(core_customer_get(&test.admin, &customer.id, &read), ERR_NOT_FOUND);
    assert_non_null(strstr(test.problem.text, "Customer with id ["));
    assert_int_equal(core_customer_by_title(&test.admin, SLICE("Renamed"), &read), ERR_NOT_FOUND);
    assert_int_equal(core_customer_delete(&test.admin, &customer.id), ERR_NOT_FOUND);
}

static void bad_customers_are_refused_with_their_reason(void **state)
{
    (void)state;
    struct model_customer customer = draft("Customer A");
    assert_int_equal(core_customer_save(&test.admin, &customer, false), ERR_ALREADY_EXISTS);
    assert_string_equal(test.problem.text, "Customer with such title already exists!");
    customer = draft("");
    assert_int_equal(core_customer_save(&test.admin, &customer, false), ERR_INVALID);
    assert_non_null(strstr(test.problem.text, "Customer title"));
    customer = draft("Fine");
    customer.id = entities_test_id(900);
    assert_int_equal(core_customer_save(&test.admin, &customer, false), ERR_NOT_FOUND);
}

static void older_version_of_a_customer_is_refused(void **state)
{
    (void)state;
    struct model_customer customer = test.entities.customers[0];
    customer.version = 1;
    assert_int_equal(core_customer_save(&test.admin, &customer, true), ERR_OK);
    customer.version = 1;
    assert_int_equal(core_customer_save(&test.admin, &customer, true), ERR_CONFLICT);
    assert_true(test.problem.text[0] != 0);
    customer.version = 0;
    assert_int_equal(core_customer_save(&test.admin, &customer, false), ERR_OK);
    assert_int_equal(customer.version, 3);
}

static void customer_user_reads_its_own_customer_only(void **state)
{
    (void)state;
    struct model_customer read;
    core_test_as(&test, MODEL_CUSTOMER_USER);
    assert_int_equal(core_customer_get(&test.admin, &test.entities.customers[0].id, &read), ERR_OK);
    assert_int_equal(core_customer_get(&test.admin, &test.entities.customers[1].id, &read),
                     ERR_FORBIDDEN);
    struct model_customer customer = draft("New");
    assert_int_equal(core_customer_save(&test.admin, &customer, false), ERR_FORBIDDEN);
    assert_int_equal(core_customer_delete(&test.admin, &test.entities.customers[0].id),
                     ERR_FORBIDDEN);
    assert_int_equal(core_customer_by_title(&test.admin, SLICE("Customer A"), &read),
                     ERR_FORBIDDEN);
    const struct model_page page = {.size = 10};
    int64_t total = 0;
    assert_int_equal(core_customer_list(&test.admin, &page, &total, NULL, NULL), ERR_FORBIDDEN);
    core_test_as(&test, MODEL_SYS_ADMIN);
    assert_int_equal(core_customer_get(&test.admin, &test.entities.customers[0].id, &read),
                     ERR_FORBIDDEN);
}

static void users_are_seen_by_the_matrix(void **state)
{
    (void)state;
    static const struct {
        enum model_authority authority;
        enum err seen[5]; // of root, tenant, own customer, other customer, other tenant
    } matrix[] = {
        {MODEL_SYS_ADMIN, {ERR_OK, ERR_OK, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_OK}},
        {MODEL_TENANT_ADMIN, {ERR_FORBIDDEN, ERR_OK, ERR_OK, ERR_OK, ERR_FORBIDDEN}},
        {MODEL_CUSTOMER_USER, {ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_OK, ERR_FORBIDDEN, ERR_FORBIDDEN}},
    };
    struct model_user user;
    for (unsigned i = 0; i < 3; i++) {
        core_test_as(&test, matrix[i].authority);
        for (unsigned j = 0; j < 5; j++) {
            assert_int_equal(core_user_get(&test.admin, &users[j], &user), matrix[i].seen[j]);
        }
        const struct uuid nobody = entities_test_id(901);
        assert_int_equal(core_user_get(&test.admin, &nobody, &user), ERR_NOT_FOUND);
    }
}

struct names {
    char text[256];
};

static void add(struct names *names, struct slice name)
{
    const size_t len = strlen(names->text);
    snprintf(names->text + len, sizeof(names->text) - len, "%.*s ", SLICE_ARGS(name));
}

static void add_user(void *context, const struct model_user *user)
{
    add(context, user->email);
}

static void add_customer(void *context, const struct model_customer *customer)
{
    add(context, customer->title);
}

static void add_profile(void *context, const struct model_device_profile *profile)
{
    add(context, profile->name);
}

static void users_are_listed_by_who_asks(void **state)
{
    (void)state;
    const struct model_page page = {.size = 10, .sort = SLICE("email")};
    const struct uuid *other = &test.entities.customers[1].id;
    struct names names = {""};
    int64_t total = 0;
    assert_int_equal(core_user_list(&test.admin, NULL, &page, &total, &names, add_user), ERR_OK);
    assert_string_equal(names.text, "other@ own@ tenant@ ");
    assert_int_equal(total, 3);
    names.text[0] = 0;
    assert_int_equal(core_user_list(&test.admin, other, &page, &total, &names, add_user), ERR_OK);
    assert_string_equal(names.text, "other@ ");
    // Whichever customer it asks for, a customer user gets its own.
    core_test_as(&test, MODEL_CUSTOMER_USER);
    names.text[0] = 0;
    assert_int_equal(core_user_list(&test.admin, other, &page, &total, &names, add_user), ERR_OK);
    assert_string_equal(names.text, "own@ ");
    core_test_as(&test, MODEL_SYS_ADMIN);
    assert_int_equal(core_user_list(&test.admin, NULL, &page, &total, &names, add_user),
                     ERR_FORBIDDEN);
}

static void customers_and_profiles_are_listed(void **state)
{
    (void)state;
    const struct model_page page = {.size = 10, .sort = SLICE("name"), .descending = true};
    const struct model_page wrong = {.size = 10, .sort = SLICE("no such")};
    struct names names = {""};
    int64_t total = 0;
    assert_int_equal(core_customer_list(&test.admin, &page, &total, &names, add_customer), ERR_OK);
    assert_string_equal(names.text, "Customer B Customer A ");
    names.text[0] = 0;
    assert_int_equal(core_profile_list(&test.admin, NULL, &page, &total, &names, add_profile),
                     ERR_OK);
    assert_string_equal(names.text, "default ");
    assert_int_equal(core_profile_list(&test.admin, NULL, &wrong, &total, &names, add_profile),
                     ERR_INVALID);
    assert_int_equal(core_customer_list(&test.admin, &wrong, &total, &names, add_customer),
                     ERR_INVALID);
    assert_int_equal(core_user_list(&test.admin, NULL, &wrong, &total, &names, add_user),
                     ERR_INVALID);
    assert_non_null(strstr(test.problem.text, "'no such'"));
}

static void profiles_are_read_by_tenant_and_customer(void **state)
{
    (void)state;
    static const enum model_authority readers[] = {MODEL_TENANT_ADMIN, MODEL_CUSTOMER_USER};
    const struct uuid nobody = entities_test_id(902);
    struct model_device_profile profile;
    for (unsigned i = 0; i < 2; i++) {
        core_test_as(&test, readers[i]);
        assert_int_equal(core_profile_get(&test.admin, NULL, &profile), ERR_OK);
        assert_true(profile.is_default);
        assert_int_equal(core_profile_get(&test.admin, &test.entities.profile.id, &profile),
                         ERR_OK);
        assert_int_equal(core_profile_get(&test.admin, &nobody, &profile), ERR_NOT_FOUND);
        assert_non_null(strstr(test.problem.text, "Device profile with id ["));
    }
    core_test_as(&test, MODEL_SYS_ADMIN);
    assert_int_equal(core_profile_get(&test.admin, NULL, &profile), ERR_FORBIDDEN);
}

static void tenant_is_read_by_its_own_and_the_system(void **state)
{
    (void)state;
    const struct uuid nobody = entities_test_id(903);
    struct model_tenant tenant;
    assert_int_equal(core_tenant_get(&test.admin, &test.entities.tenant.id, &tenant), ERR_OK);
    assert_true(slice_equal(tenant.title, SLICE("Tenant")));
    assert_int_equal(core_tenant_get(&test.admin, &other_tenant.id, &tenant), ERR_FORBIDDEN);
    core_test_as(&test, MODEL_SYS_ADMIN);
    assert_int_equal(core_tenant_get(&test.admin, &other_tenant.id, &tenant), ERR_OK);
    assert_int_equal(core_tenant_get(&test.admin, &nobody, &tenant), ERR_NOT_FOUND);
    core_test_as(&test, MODEL_CUSTOMER_USER);
    assert_int_equal(core_tenant_get(&test.admin, &test.entities.tenant.id, &tenant),
                     ERR_FORBIDDEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(customer_is_made_changed_found_and_deleted),
        TEST(bad_customers_are_refused_with_their_reason),
        TEST(older_version_of_a_customer_is_refused),
        TEST(customer_user_reads_its_own_customer_only),
        TEST(users_are_seen_by_the_matrix),
        TEST(users_are_listed_by_who_asks),
        TEST(customers_and_profiles_are_listed),
        TEST(profiles_are_read_by_tenant_and_customer),
        TEST(tenant_is_read_by_its_own_and_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
