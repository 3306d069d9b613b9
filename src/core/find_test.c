// Finding devices stays within its budget: of devices, of time, of memory; and by authority.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/core_test.h"
#include "core/find.h"

#define DEVICES 5U

static struct core_test test;
static struct mono now;

static struct mono clock_read(void)
{
    return now;
}

static int set_up(void **state)
{
    (void)state;
    if (core_test_open(&test, 10) != ERR_OK) {
        return -1;
    }
    for (unsigned i = 0; i < DEVICES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "device %u", i);
        struct core_device_save save = {
            .device = {.id = uuid_null,
                       .customer = i == 0 ? test.entities.customers[0].id : uuid_null,
                       .profile = uuid_null,
                       .name = slice_text(name)}};
        if (core_device_save(&test.admin, &save) != ERR_OK) {
            return -1;
        }
    }
    now = (struct mono){1};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    core_test_close(&test);
    return 0;
}

static const struct core_query_key name = {CORE_QUERY_FIELD, {(const uint8_t *)"name", 4}};

// Everything by name; scanned, not listed, when it is to be filtered.
static struct core_find all_of(const struct core_query_predicate *predicates, uint32_t count)
{
    return (struct core_find){.keys = &name,
                              .key_count = 1,
                              .shown_count = 1,
                              .predicates = predicates,
                              .predicate_count = count,
                              .page_size = 10,
                              .sort = CORE_FIND_NO_SORT};
}

static const struct core_query_predicate is_device = {
    .kind = CORE_PREDICATE_TEXT,
    .operation = CORE_PREDICATE_STARTS_WITH,
    .value = {.type = MODEL_VALUE_STRING, .text = {(const uint8_t *)"device", 6}}};

static struct core_find_budget budget_of(uint32_t devices)
{
    return (struct core_find_budget){devices, {1000}, clock_read};
}

static void expect_refusal(const struct core_find *find, const struct core_find_budget *budget,
                           const char *text)
{
    struct core_find_page page;
    int64_t total = 0;
    assert_int_equal(core_find_run(&test.admin, find, budget, false, &page), ERR_UNSUPPORTED);
    assert_non_null(strstr(test.problem.text, text));
    test.problem.text[0] = 0;
    arena_reset(&test.memory);
    assert_int_equal(core_find_count(&test.admin, find, budget, &total), ERR_UNSUPPORTED);
    assert_non_null(strstr(test.problem.text, text));
}

static void a_scan_looks_at_so_many_devices(void **state)
{
    (void)state;
    const struct core_find find = all_of(&is_device, 1);
    const struct core_find_budget enough = budget_of(DEVICES);
    const struct core_find_budget scarce = budget_of(DEVICES - 1);
    struct core_find_page page;
    assert_int_equal(core_find_run(&test.admin, &find, &enough, false, &page), ERR_OK);
    assert_int_equal(page.count, DEVICES);
    assert_true(slice_equal(page.rows[4].cells[0].value.text, SLICE("device 4")));
    expect_refusal(&find, &scarce, "more than 4 devices");
}

static void ids_count_against_the_budget(void **state)
{
    (void)state;
    const struct uuid ids[DEVICES] = {{{0}}};
    struct core_find find = all_of(NULL, 0);
    const struct core_find_budget scarce = budget_of(DEVICES - 1);
    find.is_by_id = true;
    find.ids = ids;
    find.id_count = DEVICES;
    expect_refusal(&find, &scarce, "more than 4 devices");
}

static void a_list_needs_no_scan(void **state)
{
    (void)state;
    struct core_find find = all_of(NULL, 0);
    const struct core_find_budget scarce = budget_of(1);
    struct core_find_page page;
    int64_t total = 0;
    find.page_size = 2;
    find.page = 1;
    find.sort = 0;
    find.is_descending = true;
    assert_int_equal(core_find_run(&test.admin, &find, &scarce, false, &page), ERR_OK);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.total, DEVICES);
    assert_true(slice_equal(page.rows[0].cells[0].value.text, SLICE("device 2")));
    assert_int_equal(core_find_count(&test.admin, &find, &scarce, &total), ERR_OK);
    assert_int_equal(total, DEVICES);
}

static void a_scan_takes_so_long(void **state)
{
    (void)state;
    const struct core_find find = all_of(&is_device, 1);
    const struct core_find_budget budget = budget_of(DEVICES);
    now = (struct mono){1000};
    expect_refusal(&find, &budget, "takes too long");
}

static void a_query_has_so_much_memory(void **state)
{
    (void)state;
    const struct core_find find = all_of(&is_device, 1);
    const struct core_find_budget budget = budget_of(DEVICES);
    struct core_find_page page = {.count = 0};
    enum err err = ERR_UNSUPPORTED;
    size_t size = 64;
    // Until it is enough: then everything is there.
    for (; err == ERR_UNSUPPORTED && size < sizeof(test.bytes); size += 64) {
        arena_init(&test.memory, test.bytes, size);
        test.problem.text[0] = 0;
        err = core_find_run(&test.admin, &find, &budget, false, &page);
        assert_int_equal(err == ERR_UNSUPPORTED, strstr(test.problem.text, "memory") != NULL);
    }
    assert_int_equal(err, ERR_OK);
    assert_in_range(size, 1024, 16384);
    assert_int_equal(page.count, DEVICES);
}

static void a_customer_finds_what_it_has(void **state)
{
    (void)state;
    const struct core_find_budget budget = budget_of(DEVICES);
    const struct core_query_predicate *const predicates[] = {NULL, &is_device};
    for (unsigned i = 0; i < 2; i++) {
        const struct core_find find = all_of(predicates[i], i);
        struct core_find_page page;
        core_test_as(&test, MODEL_CUSTOMER_USER);
        assert_int_equal(core_find_run(&test.admin, &find, &budget, false, &page), ERR_OK);
        assert_int_equal(page.total, 1);
        assert_true(slice_equal(page.rows[0].cells[0].value.text, SLICE("device 0")));
        core_test_as(&test, MODEL_SYS_ADMIN);
        assert_int_equal(core_find_run(&test.admin, &find, &budget, false, &page), ERR_FORBIDDEN);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_scan_looks_at_so_many_devices),
        TEST(ids_count_against_the_budget),
        TEST(a_list_needs_no_scan),
        TEST(a_scan_takes_so_long),
        TEST(a_query_has_so_much_memory),
        TEST(a_customer_finds_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
