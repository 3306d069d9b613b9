// How long points stay: by attribute, by profile, and what comes first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/lives.h"
#include "plat/memory.h"

static const struct tenant_id tenant = {3};
static const struct tenant_id other = {4};
static const struct device_id device = {7};

static struct model_quotas *quotas;
static void *memory;
static struct core_lives *lives;

static int set_up(void **state)
{
    (void)state;
    const struct uuid profile = {.bytes = {1}};
    const struct model_quota quota = {.storage_ttl_days = 2};
    assert_int_equal(model_quotas_create(&quotas, 8), ERR_OK);
    assert_int_equal(model_quotas_put_profile(quotas, &profile, &quota), ERR_OK);
    assert_int_equal(model_quotas_put_tenant(quotas, tenant, &profile), ERR_OK);
    memory = plat_memory_reserve(core_lives_footprint());
    assert_non_null(memory);
    lives = core_lives_init(memory, quotas);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plat_memory_release(memory, core_lives_footprint());
    model_quotas_destroy(quotas);
    return 0;
}

static void set_number(int64_t number)
{
    const struct model_value value = {.type = MODEL_VALUE_LONG, .number = number};
    core_lives_set(lives, device, &value);
}

static void everything_stays_until_the_attributes_are_known(void **state)
{
    (void)state;
    set_number(5);
    assert_int_equal(core_lives_of(lives, tenant, device), 0);
    core_lives_ready(lives);
    assert_int_equal(core_lives_of(lives, tenant, device), 5);
}

static void the_attribute_comes_before_the_profile(void **state)
{
    (void)state;
    core_lives_ready(lives);
    assert_int_equal(core_lives_of(lives, tenant, device), 2 * 86400);
    assert_int_equal(core_lives_of(lives, other, device), 0);
    set_number(3600);
    assert_int_equal(core_lives_of(lives, tenant, device), 3600);
    assert_int_equal(core_lives_of(lives, other, device), 3600);
    assert_int_equal(core_lives_of(lives, tenant, (struct device_id){8}), 2 * 86400);
    set_number(0);
    assert_int_equal(core_lives_of(lives, tenant, device), 0);
    core_lives_set(lives, device, NULL);
    assert_int_equal(core_lives_of(lives, tenant, device), 2 * 86400);
}

static void what_is_no_number_of_seconds_says_nothing(void **state)
{
    (void)state;
    const struct model_value text = {.type = MODEL_VALUE_STRING, .text = SLICE("10")};
    const struct model_value real = {.type = MODEL_VALUE_DOUBLE, .real = 10};
    core_lives_ready(lives);
    set_number(10);
    core_lives_set(lives, device, &text);
    assert_int_equal(core_lives_of(lives, tenant, device), 2 * 86400);
    core_lives_set(lives, device, &real);
    assert_int_equal(core_lives_of(lives, tenant, device), 2 * 86400);
    set_number(-1);
    assert_int_equal(core_lives_of(lives, tenant, device), 2 * 86400);
    set_number(INT64_MAX);
    assert_int_equal(core_lives_of(lives, tenant, device), 0);
    set_number(UINT32_MAX - 1);
    assert_int_equal(core_lives_of(lives, tenant, device), UINT32_MAX - 1);
}

static void points_of_a_device_beyond_the_bound_stay(void **state)
{
    (void)state;
    const struct model_value value = {.type = MODEL_VALUE_LONG, .number = 1};
    core_lives_ready(lives);
    core_lives_set(lives, (struct device_id){CORE_LIVES_MAX}, &value);
    core_lives_set(NULL, device, &value);
    assert_int_equal(core_lives_of(lives, tenant, (struct device_id){CORE_LIVES_MAX}), 0);
    core_lives_set(lives, (struct device_id){CORE_LIVES_MAX - 1}, &value);
    assert_int_equal(core_lives_of(lives, tenant, (struct device_id){CORE_LIVES_MAX - 1}), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_stays_until_the_attributes_are_known),
        TEST(the_attribute_comes_before_the_profile),
        TEST(what_is_no_number_of_seconds_says_nothing),
        TEST(points_of_a_device_beyond_the_bound_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
