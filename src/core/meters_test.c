// Limits of tenant profiles: what a message costs whom, and how a tenant's limit is split.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/meters.h"

#define PARTIES 3U

static const struct core_meters_bounds bounds = {16, 4};
static const struct core_cost message = {.messages = 1};

static struct model_quotas *quotas;
static struct model_quota quota;
static struct core_meters *parties[PARTIES];
static struct mono now;
static struct core_refusal refusal;

static struct rate rate_of(const char *text)
{
    struct rate rate;
    assert_int_equal(rate_parse(slice_text(text), &rate), ERR_OK);
    return rate;
}

static void put_quota(void)
{
    const struct uuid profile = {.bytes = {1}};
    assert_int_equal(model_quotas_put_profile(quotas, &profile, &quota), ERR_OK);
    for (uint64_t tenant = 1; tenant <= 8; tenant++) {
        assert_int_equal(model_quotas_put_tenant(quotas, (struct tenant_id){tenant}, &profile),
                         ERR_OK);
    }
}

static int set_up(void **state)
{
    (void)state;
    now = (struct mono){span_s(1000).ns};
    quota = (struct model_quota){.devices_max = 0};
    assert_int_equal(model_quotas_create(&quotas, 8), ERR_OK);
    for (unsigned i = 0; i < PARTIES; i++) {
        const size_t size = (core_meters_footprint(&bounds) + 63U) & ~(size_t)63U;
        void *memory = aligned_alloc(64, size);
        assert_non_null(memory);
        memset(memory, 0, size);
        parties[i] = core_meters_init(memory, &bounds, quotas, parties, PARTIES);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PARTIES; i++) {
        free(parties[i]);
    }
    model_quotas_destroy(quotas);
    return 0;
}

static bool admit(unsigned party, uint64_t tenant, uint64_t device, struct core_cost cost)
{
    const struct model_index_entry entry = {.device = {device}, .tenant = {tenant}};
    refusal = (struct core_refusal){.reason = NULL};
    return core_meters_admit(parties[party], now, &entry, cost, &refusal);
}

static unsigned admitted(unsigned party, uint64_t device, struct core_cost cost)
{
    unsigned count = 0;
    while (count < 1000 && admit(party, 1, device, cost)) {
        count++;
    }
    return count;
}

static struct core_cost publish(uint32_t points)
{
    return (struct core_cost){.messages = 1, .points = points};
}

static void expect_refusal(const char *reason, uint32_t wait_s)
{
    assert_string_equal(refusal.reason, reason);
    assert_int_equal(refusal.wait_s, wait_s);
}

static void nothing_is_limited_unless_a_profile_says_so(void **state)
{
    (void)state;
    assert_int_equal(admitted(0, 1, message), 1000);
    put_quota();
    assert_int_equal(admitted(0, 1, publish(100000)), 1000);
    quota.tenant_messages = rate_of("1:60");
    put_quota();
    assert_int_equal(admitted(0, 1, message), 1);
    assert_true(admit(0, 9, 1, message)); // a tenant without profile
    quota.tenant_messages = rate_of("");
    put_quota();
    assert_int_equal(admitted(0, 1, message), 1000);
    assert_true(core_meters_admit(NULL, now, NULL, message, &refusal));
}

static void each_device_has_its_own_limit(void **state)
{
    (void)state;
    quota.device_messages = rate_of("3:30");
    put_quota();
    assert_int_equal(admitted(0, 1, message), 3);
    expect_refusal("over the device's limit of messages", 10);
    assert_int_equal(admitted(0, 2, message), 3);
    now = mono_add(now, span_s(10));
    assert_int_equal(admitted(0, 1, message), 1);
    assert_int_equal(core_meters_figures(parties[0]).by_device, 3);
    assert_int_equal(core_meters_figures(parties[0]).by_tenant, 0);
}

static void publishes_and_messages_are_counted_apart(void **state)
{
    (void)state;
    quota.device_messages = rate_of("1:60");
    quota.device_telemetry_messages = rate_of("2:60");
    quota.device_data_points = rate_of("10:20");
    put_quota();
    assert_true(admit(0, 1, 1, publish(3)));
    assert_false(admit(0, 1, 1, publish(8)));
    expect_refusal("over the device's limit of data points", 2);
    // Nothing was taken by what was refused.
    assert_true(admit(0, 1, 1, publish(7)));
    assert_false(admit(0, 1, 1, publish(1)));
    expect_refusal("over the device's limit of telemetry messages", 30);
    assert_true(admit(0, 1, 1, message));
    assert_false(admit(0, 1, 1, message));
    // Beyond what the bucket ever holds.
    assert_false(admit(0, 1, 2, publish(11)));
    expect_refusal("over the device's limit of data points", 20);
}

static void several_messages_are_taken_at_once_or_not(void **state)
{
    (void)state;
    quota.device_messages = rate_of("4:4");
    put_quota();
    assert_true(admit(0, 1, 1, (struct core_cost){.messages = 3}));
    assert_false(admit(0, 1, 1, (struct core_cost){.messages = 2}));
    expect_refusal("over the device's limit of messages", 1);
    assert_true(admit(0, 1, 1, message));
}

static void the_tenant_is_asked_first_and_gets_nothing_back(void **state)
{
    (void)state;
    quota.tenant_messages = rate_of("4:40");
    quota.device_messages = rate_of("1:60");
    put_quota();
    assert_true(admit(0, 1, 1, message));
    assert_false(admit(0, 1, 1, message));
    expect_refusal("over the device's limit of messages", 60);
    assert_true(admit(0, 1, 2, message));
    assert_true(admit(0, 1, 3, message));
    assert_false(admit(0, 1, 4, message));
    expect_refusal("over the tenant's limit of messages", 10);
    // Another tenant has its own.
    assert_true(admit(0, 2, 5, message));
    assert_int_equal(core_meters_figures(parties[0]).by_tenant, 1);
}

static void a_changed_profile_acts_at_once(void **state)
{
    (void)state;
    quota.device_messages = rate_of("5:50");
    put_quota();
    assert_int_equal(admitted(0, 1, message), 5);
    quota.device_messages = rate_of("7:50");
    put_quota();
    assert_int_equal(admitted(0, 1, message), 2);
}

static void the_party_that_asks_alone_has_the_whole(void **state)
{
    (void)state;
    quota.tenant_messages = rate_of("100:1000");
    put_quota();
    assert_int_equal(admitted(1, 1, message), 100);
    for (unsigned i = 0; i < 10; i++) {
        core_meters_share(parties, PARTIES);
    }
    now = mono_add(now, span_s(1000));
    assert_int_equal(admitted(1, 1, message), 100);
}

static void parties_that_ask_share_by_what_they_asked(void **state)
{
    (void)state;
    quota.tenant_messages = rate_of("1000:100");
    put_quota();
    assert_true(admit(0, 1, 1, message));
    assert_false(admit(1, 1, 2, message));
    expect_refusal("over the tenant's limit of messages", 1);
    core_meters_share(parties, PARTIES);
    unsigned counts[2] = {0, 0};
    // Ten a second in all; one asks three times as often.
    for (unsigned second = 0; second < 200; second++) {
        now = mono_add(now, span_s(1));
        for (unsigned i = 0; i < 60; i++) {
            counts[0] += admit(0, 1, 1, message);
            counts[1] += i % 3 == 0 && admit(1, 1, 2, message);
        }
        core_meters_share(parties, PARTIES);
    }
    assert_in_range(counts[0] + counts[1], 2000, 3000);
    assert_in_range(counts[1], 400, counts[0] / 2);
    // Who falls silent gives its part to the other, but for what is kept in reserve.
    for (unsigned second = 0; second < 200; second++) {
        now = mono_add(now, span_s(1));
        counts[0] = admitted(0, 1, message);
        core_meters_share(parties, PARTIES);
    }
    assert_in_range(counts[0], 9, 10);
}

static void in_a_full_set_the_one_seen_longest_ago_gives_way(void **state)
{
    (void)state;
    quota.device_messages = rate_of("1:1000");
    quota.tenant_messages = rate_of("50:1000");
    put_quota();
    for (uint64_t device = 1; device <= 100; device++) {
        now = mono_add(now, span_ms(1));
        (void)admit(0, 1 + device % 8, device, message);
    }
    now = mono_add(now, span_ms(1));
    assert_false(admit(0, 1, 100, message)); // it is still known
    assert_true(admit(0, 1, 1, message));    // it is not
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_limited_unless_a_profile_says_so),
        TEST(each_device_has_its_own_limit),
        TEST(publishes_and_messages_are_counted_apart),
        TEST(several_messages_are_taken_at_once_or_not),
        TEST(the_tenant_is_asked_first_and_gets_nothing_back),
        TEST(a_changed_profile_acts_at_once),
        TEST(the_party_that_asks_alone_has_the_whole),
        TEST(parties_that_ask_share_by_what_they_asked),
        TEST(in_a_full_set_the_one_seen_longest_ago_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
