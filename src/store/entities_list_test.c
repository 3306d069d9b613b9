// Lists of entities: pages, totals, search and order, for each of the four nouns.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/entities_test.h"

static struct entities_test test;

struct made {
    const char *name;
    const char *label;
    int customer; // -1: none
};

// In the order of their creation.
static const struct made made[] = {
    {"beta", "z", 0},     {"alpha", "y", -1}, {"Gamma_1", "x", 1},
    {"gamma%2", NULL, 0}, {"delta", "w", 0},
};
#define MADE (sizeof(made) / sizeof(made[0]))

static enum err fill(struct store_tx *tx, void *context)
{
    (void)context;
    char token[16];
    for (unsigned i = 0; i < MADE; i++) {
        struct model_device device = entities_test_device(&test, made[i].name, 10 + i);
        device.label = made[i].label != NULL ? slice_text(made[i].label) : SLICE_EMPTY;
        if (made[i].customer >= 0) {
            device.customer = test.customers[made[i].customer].id;
        }
        snprintf(token, sizeof(token), "token-%u", i);
        struct entities_test_add add = {&device, token};
        const enum err err = entities_test_add(tx, &add);
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

static int set_up(void **state)
{
    (void)state;
    return entities_test_open(&test) == ERR_OK && entities_test_fill(&test) == ERR_OK &&
                   store_entities_write(test.entities, NULL, fill, NULL) == ERR_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    entities_test_close(&test);
    return 0;
}

struct list {
    struct store_device_filter filter;
    struct model_page page;
    struct arena *memory;
    int64_t total;
    char names[256];
};

static void add_name(char names[256], struct slice name)
{
    const size_t len = strlen(names);
    snprintf(names + len, 256 - len, "%s%.*s", len > 0 ? " " : "", SLICE_ARGS(name));
}

static void add_device(void *context, const struct model_device *device)
{
    struct list *list = context;
    add_name(list->names, device->name);
}

static enum err run_devices(struct store_tx *tx, void *context)
{
    struct list *list = context;
    list->filter.tenant = test.tenant.number;
    return store_device_list(tx, list->memory != NULL ? list->memory : &test.memory, &list->filter,
                             &list->page, &list->total, list, add_device);
}

static void assert_devices(struct list list, int64_t total, const char *names)
{
    list.page.size = list.page.size != 0 ? list.page.size : 100;
    assert_int_equal(store_entities_read(test.entities, &list, run_devices), ERR_OK);
    assert_string_equal(list.names, names);
    assert_int_equal(list.total, total);
}

static void devices_come_in_the_order_of_their_creation(void **state)
{
    (void)state;
    assert_devices((struct list){0}, 5, "beta alpha Gamma_1 gamma%2 delta");
    assert_devices((struct list){.page.sort = SLICE("createdTime"), .page.descending = true}, 5,
                   "delta gamma%2 Gamma_1 alpha beta");
}

static void devices_come_in_the_order_asked_for(void **state)
{
    (void)state;
    assert_devices((struct list){.page.sort = SLICE("name")}, 5,
                   "Gamma_1 alpha beta delta gamma%2");
    assert_devices((struct list){.page.sort = SLICE("label")}, 5,
                   "gamma%2 delta Gamma_1 alpha beta");
    assert_devices((struct list){.page.sort = SLICE("label"), .page.descending = true}, 5,
                   "beta alpha Gamma_1 delta gamma%2");
    assert_devices((struct list){.page.sort = SLICE("customerTitle")}, 5,
                   "alpha beta gamma%2 delta Gamma_1");
    assert_devices((struct list){.page.sort = SLICE("type")}, 5,
                   "beta alpha Gamma_1 gamma%2 delta");
    assert_devices((struct list){.page.sort = SLICE("deviceProfileName"), .page.descending = true},
                   5, "delta gamma%2 Gamma_1 alpha beta");
}

static void pages_cut_the_list_and_know_its_length(void **state)
{
    (void)state;
    assert_devices((struct list){.page = {.size = 2}}, 5, "beta alpha");
    assert_devices((struct list){.page = {.size = 2, .number = 1}}, 5, "Gamma_1 gamma%2");
    assert_devices((struct list){.page = {.size = 2, .number = 2}}, 5, "delta");
    assert_devices((struct list){.page = {.size = 2, .number = 3}}, 5, "");
    assert_devices((struct list){.page = {.size = UINT32_MAX, .number = UINT32_MAX}}, 5, "");
}

static void search_finds_a_part_of_the_name_whatever_its_case(void **state)
{
    (void)state;
    assert_devices((struct list){.page.search = SLICE("GAMMA")}, 2, "Gamma_1 gamma%2");
    assert_devices((struct list){.page.search = SLICE("ta")}, 2, "beta delta");
    assert_devices((struct list){.page.search = SLICE("omega")}, 0, "");
}

static void wildcards_in_a_search_are_letters(void **state)
{
    (void)state;
    assert_devices((struct list){.page.search = SLICE("%")}, 1, "gamma%2");
    assert_devices((struct list){.page.search = SLICE("_")}, 1, "Gamma_1");
    assert_devices((struct list){.page.search = SLICE("\\")}, 0, "");
    assert_devices((struct list){.page.search = SLICE("' OR 1=1 --")}, 0, "");
}

static void filters_narrow_the_list_and_its_total(void **state)
{
    (void)state;
    const struct uuid nobody = entities_test_id(99);
    assert_devices((struct list){.filter.customer = &test.customers[0].id, .page.size = 2}, 3,
                   "beta gamma%2");
    assert_devices((struct list){.filter = {.profiles = &test.profile.id, .profile_count = 1},
                                 .page.search = SLICE("a_")},
                   1, "Gamma_1");
    assert_devices((struct list){.filter = {.profiles = &nobody, .profile_count = 1}}, 0, "");
    const struct uuid both[] = {nobody, test.profile.id};
    assert_devices((struct list){.filter = {.profiles = both, .profile_count = 2}}, 5,
                   "beta alpha Gamma_1 gamma%2 delta");
}

static void names_are_filtered_by_their_beginning(void **state)
{
    (void)state;
    assert_devices((struct list){.filter.name_start = SLICE("gamma")}, 2, "Gamma_1 gamma%2");
    assert_devices((struct list){.filter.name_start = SLICE("gamma_")}, 1, "Gamma_1");
    assert_devices((struct list){.filter.name_start = SLICE("amma")}, 0, "");
    assert_devices((struct list){.filter.name_start = SLICE("g"), .page.search = SLICE("2")}, 1,
                   "gamma%2");
}

static void a_search_looks_where_it_is_told(void **state)
{
    (void)state;
    const struct slice type = test.profile.name;
    assert_devices((struct list){.filter.search_in = STORE_SEARCH_LABEL, .page.search = SLICE("X")},
                   1, "Gamma_1");
    assert_devices((struct list){.filter.search_in = STORE_SEARCH_LABEL | STORE_SEARCH_NAME,
                                 .page.search = SLICE("x")},
                   1, "Gamma_1");
    assert_devices((struct list){.filter.search_in = STORE_SEARCH_NAME, .page.search = SLICE("x")},
                   0, "");
    assert_devices((struct list){.filter.search_in = STORE_SEARCH_TYPE, .page.search = type}, 5,
                   "beta alpha Gamma_1 gamma%2 delta");
    assert_devices((struct list){.filter.search_in = STORE_SEARCH_LABEL, .page.search = type}, 0,
                   "");
}

static void unknown_property_is_refused(void **state)
{
    (void)state;
    struct list list = {.page = {.size = 10, .sort = SLICE("name; DROP TABLE device")}};
    assert_int_equal(store_entities_read(test.entities, &list, run_devices), ERR_INVALID);
}

static void full_arena_is_said_and_not_hidden(void **state)
{
    (void)state;
    uint8_t bytes[32] __attribute__((aligned(16)));
    struct arena narrow;
    arena_init(&narrow, bytes, sizeof(bytes));
    struct list rows = {.page = {.size = 10}, .memory = &narrow};
    assert_int_equal(store_entities_read(test.entities, &rows, run_devices), ERR_EXHAUSTED);
    struct list search = {
        .page = {.size = 10, .search = SLICE("a search that is longer than its arena")},
        .memory = &narrow};
    assert_int_equal(store_entities_read(test.entities, &search, run_devices), ERR_EXHAUSTED);
}

struct other_list {
    struct model_page page;
    const struct uuid *customer;
    int64_t total;
    char names[256];
};

static void add_customer(void *context, const struct model_customer *customer)
{
    struct other_list *list = context;
    add_name(list->names, customer->title);
}

static enum err run_customers(struct store_tx *tx, void *context)
{
    struct other_list *list = context;
    return store_customer_list(tx, &test.memory, test.tenant.number, &list->page, &list->total,
                               list, add_customer);
}

static void customers_are_listed_by_every_property(void **state)
{
    (void)state;
    static const char *const properties[] = {"",      "createdTime", "title", "name",
                                             "email", "country",     "city"};
    for (unsigned i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        struct other_list up = {.page = {.size = 10, .sort = slice_text(properties[i])}};
        assert_int_equal(store_entities_read(test.entities, &up, run_customers), ERR_OK);
        assert_int_equal(up.total, 2);
        struct other_list down = up;
        down.page.descending = true;
        down.names[0] = 0;
        assert_int_equal(store_entities_read(test.entities, &down, run_customers), ERR_OK);
        if (i >= 1 && i <= 3) {
            assert_string_equal(up.names, "Customer A Customer B");
            assert_string_equal(down.names, "Customer B Customer A");
        }
    }
    struct other_list search = {.page = {.size = 10, .search = SLICE("ER b")}};
    assert_int_equal(store_entities_read(test.entities, &search, run_customers), ERR_OK);
    assert_string_equal(search.names, "Customer B");
    struct other_list wrong = {.page = {.size = 10, .sort = SLICE("label")}};
    assert_int_equal(store_entities_read(test.entities, &wrong, run_customers), ERR_INVALID);
}

static void add_profile(void *context, const struct model_device_profile *profile)
{
    struct other_list *list = context;
    add_name(list->names, profile->name);
}

static enum err run_profiles(struct store_tx *tx, void *context)
{
    struct other_list *list = context;
    const struct store_profile_filter filter = {.tenant = test.tenant.number};
    return store_profile_list(tx, &test.memory, &filter, &list->page, &list->total, list,
                              add_profile);
}

static enum err more_profiles(struct store_tx *tx, void *context)
{
    (void)context;
    struct model_device_profile profile = test.profile;
    profile.id = entities_test_id(5);
    profile.name = SLICE("coap");
    profile.is_default = false;
    profile.description = SLICE("a first description");
    return store_profile_insert(tx, &profile);
}

static void profiles_are_listed_by_every_property(void **state)
{
    (void)state;
    static const char *const properties[] = {"createdTime", "name", "type", "description",
                                             "isDefault"};
    static const char *const names[] = {"default coap", "coap default", "coap default",
                                        "default coap", "coap default"};
    assert_int_equal(store_entities_write(test.entities, NULL, more_profiles, NULL), ERR_OK);
    for (unsigned i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        struct other_list list = {.page = {.size = 10, .sort = slice_text(properties[i])}};
        assert_int_equal(store_entities_read(test.entities, &list, run_profiles), ERR_OK);
        assert_string_equal(list.names, names[i]);
        list.page.descending = true;
        assert_int_equal(store_entities_read(test.entities, &list, run_profiles), ERR_OK);
        assert_int_equal(list.total, 2);
    }
}

static void add_user(void *context, const struct model_user *user)
{
    struct other_list *list = context;
    add_name(list->names, user->email);
}

static enum err run_users(struct store_tx *tx, void *context)
{
    struct other_list *list = context;
    const struct store_user_filter filter = {.tenant = test.tenant.number,
                                             .customer = list->customer};
    return store_user_list(tx, &test.memory, &filter, &list->page, &list->total, list, add_user);
}

static enum err more_users(struct store_tx *tx, void *context)
{
    (void)context;
    struct model_user user = {.id = entities_test_id(7),
                              .tenant = test.tenant.number,
                              .customer = uuid_null,
                              .authority = MODEL_TENANT_ADMIN,
                              .email = SLICE("tenant@example.org"),
                              .first_name = SLICE("B")};
    enum err err = store_user_insert(tx, &user);
    user.id = entities_test_id(8);
    user.customer = test.customers[0].id;
    user.authority = MODEL_CUSTOMER_USER;
    user.email = SLICE("customer@example.org");
    user.first_name = SLICE("A");
    return err != ERR_OK ? err : store_user_insert(tx, &user);
}

static void users_are_listed_by_customer_and_property(void **state)
{
    (void)state;
    static const char *const properties[] = {"createdTime", "email", "firstName", "lastName"};
    assert_int_equal(store_entities_write(test.entities, NULL, more_users, NULL), ERR_OK);
    for (unsigned i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        struct other_list list = {
            .page = {.size = 10, .sort = slice_text(properties[i]), .descending = true}};
        assert_int_equal(store_entities_read(test.entities, &list, run_users), ERR_OK);
        assert_int_equal(list.total, 2);
        list.page.descending = false;
        list.names[0] = 0;
        assert_int_equal(store_entities_read(test.entities, &list, run_users), ERR_OK);
        assert_string_equal(list.names, i == 0 ? "tenant@example.org customer@example.org"
                                               : "customer@example.org tenant@example.org");
    }
    struct other_list own = {.page = {.size = 10}, .customer = &test.customers[0].id};
    assert_int_equal(store_entities_read(test.entities, &own, run_users), ERR_OK);
    assert_string_equal(own.names, "customer@example.org");
    assert_int_equal(own.total, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(devices_come_in_the_order_of_their_creation),
        TEST(devices_come_in_the_order_asked_for),
        TEST(pages_cut_the_list_and_know_its_length),
        TEST(search_finds_a_part_of_the_name_whatever_its_case),
        TEST(wildcards_in_a_search_are_letters),
        TEST(filters_narrow_the_list_and_its_total),
        TEST(names_are_filtered_by_their_beginning),
        TEST(a_search_looks_where_it_is_told),
        TEST(unknown_property_is_refused),
        TEST(full_arena_is_said_and_not_hidden),
        TEST(customers_are_listed_by_every_property),
        TEST(profiles_are_listed_by_every_property),
        TEST(users_are_listed_by_customer_and_property),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
