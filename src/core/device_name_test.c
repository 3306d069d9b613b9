// A name that another device has is made free; how it looks is shown over REST
// (tests/test_rest.py).
#include "core/device_name.h"
#include "core/verbs_test.h"

static enum err insert_numbered(struct store_tx *tx, void *context)
{
    char name[16];
    struct model_device device = entities_test_device(&test.entities, "n", 1);
    enum err err = store_device_insert(tx, &device);
    const unsigned *count = context;
    for (unsigned i = 1; err == ERR_OK && i <= *count; i++) {
        (void)snprintf(name, sizeof(name), "n%u", i);
        device = entities_test_device(&test.entities, name, 1 + i);
        err = store_device_insert(tx, &device);
    }
    return err;
}

static enum err save(const struct core_name_rule *rule, struct core_device_save *saved)
{
    *saved = (struct core_device_save){.device = {.id = uuid_null,
                                                  .customer = uuid_null,
                                                  .profile = uuid_null,
                                                  .name = SLICE("n")},
                                       .name_rule = *rule};
    return core_device_save(&test.admin, saved);
}

static void numbers_end_somewhere(void **state)
{
    (void)state;
    unsigned count = CORE_DEVICE_NAME_TRIES - 1;
    const struct core_name_rule numbers = {true, true, SLICE("")};
    const struct core_name_rule letters = {true, false, SLICE("")};
    struct core_device_save saved;
    assert_int_equal(store_entities_write(test.core.entities, &count, insert_numbered, NULL),
                     ERR_OK);
    assert_int_equal(save(&numbers, &saved), ERR_OK);
    assert_true(slice_equal(saved.device.name, SLICE("n1000")));
    assert_int_equal(save(&numbers, &saved), ERR_ALREADY_EXISTS);
    assert_string_equal(test.problem.text, "No free name was found in 1000 tries");
    assert_int_equal(save(&letters, &saved), ERR_OK);
    assert_int_equal(saved.device.name.len, 7);
}

static void a_full_arena_is_told(void **state)
{
    (void)state;
    unsigned count = 0;
    const struct core_name_rule numbers = {true, true, slice_of(test.bytes, sizeof(test.bytes))};
    struct core_device_save saved;
    assert_int_equal(store_entities_write(test.core.entities, &count, insert_numbered, NULL),
                     ERR_OK);
    assert_int_equal(save(&numbers, &saved), ERR_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_end_somewhere),
        TEST(a_full_arena_is_told),
    };
    return cmocka_run_group_tests_name("core_device_name", tests, NULL, NULL);
}
