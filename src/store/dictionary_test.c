// Key names and their numbers: one row of numbers over all tenants, names apart by tenant, the last
// ones taken back.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/dictionary.h"

static void numbers_are_given_in_order_of_first_use(void **state)
{
    (void)state;
    struct store_dictionary dictionary;
    store_dictionary_init(&dictionary);
    assert_int_equal(store_dictionary_find(&dictionary, 1, SLICE("t")), 0);
    assert_int_equal(store_dictionary_add(&dictionary, 1, SLICE("t")), 1);
    assert_int_equal(store_dictionary_add(&dictionary, 2, SLICE("t")), 2);
    assert_int_equal(store_dictionary_add(&dictionary, 1, SLICE("")), 3);
    assert_int_equal(store_dictionary_find(&dictionary, 1, SLICE("t")), 1);
    assert_int_equal(store_dictionary_find(&dictionary, 2, SLICE("t")), 2);
    assert_int_equal(store_dictionary_find(&dictionary, 1, SLICE("")), 3);
    assert_int_equal(store_dictionary_find(&dictionary, 2, SLICE("")), 0);
    assert_int_equal(store_dictionary_tenant_count(&dictionary, 1), 2);
    assert_int_equal(store_dictionary_tenant_count(&dictionary, 2), 1);
    assert_int_equal(store_dictionary_tenant_count(&dictionary, 3), 0);
    assert_int_equal(store_dictionary_name(&dictionary, 2)->tenant, 2);
    store_dictionary_deinit(&dictionary);
}

static void last_names_are_taken_back(void **state)
{
    (void)state;
    struct store_dictionary dictionary;
    store_dictionary_init(&dictionary);
    (void)store_dictionary_add(&dictionary, 1, SLICE("a"));
    (void)store_dictionary_add(&dictionary, 1, SLICE("b"));
    (void)store_dictionary_add(&dictionary, 2, SLICE("c"));
    store_dictionary_truncate(&dictionary, 1);
    assert_int_equal(store_dictionary_find(&dictionary, 1, SLICE("a")), 1);
    assert_int_equal(store_dictionary_find(&dictionary, 1, SLICE("b")), 0);
    assert_int_equal(store_dictionary_tenant_count(&dictionary, 1), 1);
    assert_int_equal(store_dictionary_tenant_count(&dictionary, 2), 0);
    assert_int_equal(store_dictionary_add(&dictionary, 2, SLICE("d")), 2);
    store_dictionary_deinit(&dictionary);
}

static void names_stay_where_they_are_while_the_list_grows(void **state)
{
    (void)state;
    struct store_dictionary dictionary;
    char name[16];
    store_dictionary_init(&dictionary);
    (void)store_dictionary_add(&dictionary, 1, SLICE("first"));
    const struct slice first = store_dictionary_name(&dictionary, 1)->name;
    for (uint64_t i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "name%u", (unsigned)i);
        assert_int_equal(store_dictionary_add(&dictionary, i % 7, slice_text(name)), i + 2);
    }
    assert_ptr_equal(store_dictionary_name(&dictionary, 1)->name.ptr, first.ptr);
    for (uint64_t i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "name%u", (unsigned)i);
        assert_int_equal(store_dictionary_find(&dictionary, i % 7, slice_text(name)), i + 2);
        assert_int_equal(store_dictionary_find(&dictionary, 7, slice_text(name)), 0);
    }
    store_dictionary_deinit(&dictionary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_given_in_order_of_first_use),
        cmocka_unit_test(last_names_are_taken_back),
        cmocka_unit_test(names_stay_where_they_are_while_the_list_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
