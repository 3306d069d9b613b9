// Persistent calls that ended and are old enough go; the others stay.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core_test.h"
#include "core/rpc_expiry.h"

#define DAY_MS INT64_C(86400000)

static struct core_test t;
static struct core_desk desk;
static struct model_device devices[3]; // the last is not there any more

static void set_days(uint32_t days)
{
    const struct uuid profile = {.bytes = {9}};
    const struct model_quota quota = {.rpc_ttl_days = days};
    assert_int_equal(model_quotas_put_profile(t.core.quotas, &profile, &quota), ERR_OK);
    assert_int_equal(model_quotas_put_tenant(t.core.quotas, t.entities.tenant.number, &profile),
                     ERR_OK);
}

static int set_up(void **state)
{
    static const struct store_limits limits = {.head_bytes_max = 1U << 20,
                                               .journal_bytes_max = 1U << 20,
                                               .journal_age_max = {3600000000000},
                                               .commit_records_max = 64,
                                               .keys_per_device_max = 100,
                                               .keys_per_tenant_max = 1000};
    (void)state;
    assert_int_equal(core_test_open(&t, 16), ERR_OK);
    assert_int_equal(store_memory_open(&limits, &t.core.store), ERR_OK);
    desk = (struct core_desk){.lane = NULL};
    assert_int_equal(store_lane_open(t.core.store, 1U << 20, NULL, NULL, &desk.lane), ERR_OK);
    assert_int_equal(store_start(t.core.store), ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        struct core_device_save save = {.device = {.name = i == 0 ? SLICE("one") : SLICE("two"),
                                                   .id = uuid_null,
                                                   .customer = uuid_null,
                                                   .profile = uuid_null}};
        assert_int_equal(core_device_save(&t.admin, &save), ERR_OK);
        devices[i] = save.device;
    }
    devices[2] = (struct model_device){.id = {.bytes = {77}}, .number = {99}};
    set_days(10);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_stop(t.core.store);
    store_close(t.core.store);
    core_test_close(&t);
    return 0;
}

struct made {
    unsigned device;
    unsigned number;
    int64_t age_ms;
    enum core_call_status status;
    bool is_oneway;
};

static struct uuid id_of(unsigned number)
{
    return (struct uuid){.bytes = {(uint8_t)(number >> 8), (uint8_t)number, 1}};
}

static void put_rows(const struct made *made, struct slice request, struct slice status)
{
    const struct uuid id = id_of(made->number);
    uint8_t names[2][CORE_CALL_UUID_NAME];
    const struct store_state_change changes[] = {
        {STORE_STATE_RPC, core_row_uuid_name(&id, false, names[0]), false, request},
        {STORE_STATE_RPC, core_row_uuid_name(&id, true, names[1]), false, status}};
    const struct store_record record = {
        .verb = STORE_CHANGE, .device = devices[made->device].number, .change = {changes, 2}};
    assert_int_equal(core_desk_commit(&desk, &record), ERR_OK);
}

static void make(struct made made)
{
    uint8_t request_bytes[256];
    uint8_t status_bytes[64];
    const struct core_call_request call = {.method = SLICE("m"),
                                           .params = SLICE("null"),
                                           .is_oneway = made.is_oneway,
                                           .is_persistent = true,
                                           .created = {CORE_TEST_NOW.ms - made.age_ms},
                                           .expires = {CORE_TEST_NOW.ms},
                                           .device = devices[made.device].id,
                                           .id = id_of(made.number)};
    struct buf request = buf_over(request_bytes, sizeof(request_bytes));
    struct buf status = buf_over(status_bytes, sizeof(status_bytes));
    core_row_put_request(&request, made.number, &call);
    core_row_put_status(&status, made.status, SLICE_EMPTY);
    put_rows(&made, buf_view(&request), buf_view(&status));
}

static bool count_row(void *context, const struct store_state_row *row)
{
    (void)row;
    (*(unsigned *)context)++;
    return true;
}

static unsigned rows(void)
{
    unsigned count = 0;
    const struct store_state_query query = {.kind = STORE_STATE_RPC};
    assert_int_equal(store_state_scan(t.core.store, &query, &count, count_row), ERR_OK);
    return count;
}

// The steps of a round.
static unsigned round_of_steps(void)
{
    struct core_rpc_expiry place = {.device = {0}};
    unsigned steps = 0;
    for (bool is_over = false; !is_over; steps++) {
        assert_in_range(steps, 0, 100);
        assert_int_equal(core_rpc_expire(&t.core, &desk, &place, CORE_TEST_NOW, &is_over), ERR_OK);
    }
    return steps;
}

static void old_calls_that_ended_go(void **state)
{
    (void)state;
    const int64_t old = 10 * DAY_MS;
    make((struct made){0, 1, old, CORE_CALL_SUCCESSFUL, false});
    make((struct made){0, 2, old, CORE_CALL_EXPIRED, false});
    make((struct made){1, 3, old, CORE_CALL_FAILED, false});
    make((struct made){1, 4, old, CORE_CALL_STATUS_DELIVERED, true});
    assert_int_equal(rows(), 8);
    assert_int_equal(round_of_steps(), 1);
    assert_int_equal(rows(), 0);
}

static void calls_that_wait_or_are_younger_stay(void **state)
{
    (void)state;
    const int64_t old = 100 * DAY_MS;
    make((struct made){0, 1, old, CORE_CALL_QUEUED, false});
    make((struct made){0, 2, old, CORE_CALL_SENT, false});
    make((struct made){0, 3, old, CORE_CALL_TIMEOUT, false});
    make((struct made){0, 4, old, CORE_CALL_STATUS_DELIVERED, false});
    make((struct made){1, 5, 10 * DAY_MS - 1, CORE_CALL_SUCCESSFUL, false});
    make((struct made){1, 6, -old, CORE_CALL_SUCCESSFUL, false});
    (void)round_of_steps();
    assert_int_equal(rows(), 12);
}

static void without_a_number_of_days_all_stay(void **state)
{
    (void)state;
    make((struct made){0, 1, 5000 * DAY_MS, CORE_CALL_SUCCESSFUL, false});
    set_days(0);
    (void)round_of_steps();
    assert_int_equal(rows(), 2);
    set_days(4999);
    (void)round_of_steps();
    assert_int_equal(rows(), 0);
}

static void many_calls_take_several_steps(void **state)
{
    (void)state;
    const unsigned count = 2 * CORE_RPC_EXPIRY_REMOVED + 50;
    for (unsigned i = 0; i < count; i++) {
        make((struct made){i % 2, i, 20 * DAY_MS, CORE_CALL_SUCCESSFUL, false});
    }
    for (unsigned i = 0; i < CORE_RPC_EXPIRY_LOOKED + 10; i++) {
        make((struct made){1, 1000 + i, DAY_MS, CORE_CALL_SUCCESSFUL, false});
    }
    assert_in_range(round_of_steps(), 10, 12);
    assert_int_equal(rows(), 2 * (CORE_RPC_EXPIRY_LOOKED + 10));
}

static void damaged_rows_and_foreign_devices_are_passed_by(void **state)
{
    (void)state;
    const int64_t old = 20 * DAY_MS;
    const struct made damaged = {0, 1, old, CORE_CALL_SUCCESSFUL, false};
    make((struct made){1, 2, old, CORE_CALL_SUCCESSFUL, false});
    put_rows(&damaged, SLICE("?"), SLICE("?"));
    make((struct made){0, 3, old, CORE_CALL_SUCCESSFUL, false});
    make((struct made){2, 4, old, CORE_CALL_SUCCESSFUL, false}); // its purge takes it
    (void)round_of_steps();
    assert_int_equal(rows(), 2 + 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_calls_that_ended_go),
        TEST(calls_that_wait_or_are_younger_stay),
        TEST(without_a_number_of_days_all_stay),
        TEST(many_calls_take_several_steps),
        TEST(damaged_rows_and_foreign_devices_are_passed_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
