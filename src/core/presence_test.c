// Presence by hand: marks, sweeps and what they write, on a clock of the test.
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/attributes.h"
#include "core/event.h"
#include "core/feed.h"
#include "core/mail.h"
#include "core/presence.h"
#include "plat/memory.h"
#include "plat/thread.h"

static struct {
    struct core core;
    struct store *store;
    struct core_desk desk;
    struct core_presence *presence;
    void *memory;
    struct core_presence_time now;
    char text[512];
} f;

static const struct device_id device = {7};
static const struct core_presence_settings settings = {{600000000000}, {60000000000}};

static void make_presence(void)
{
    f.memory = plat_memory_reserve(core_presence_footprint());
    assert_non_null(f.memory);
    f.presence = core_presence_init(f.memory, &settings);
    f.core.presence = f.presence;
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
    memset(&f, 0, sizeof(f));
    assert_int_equal(store_memory_open(&limits, &f.store), ERR_OK);
    assert_int_equal(store_lane_open(f.store, 1U << 16, NULL, NULL, &f.desk.lane), ERR_OK);
    assert_int_equal(store_start(f.store), ERR_OK);
    f.now = (struct core_presence_time){{span_s(5000).ns}, {1800000000000}};
    make_presence();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_stop(f.store);
    store_close(f.store);
    plat_memory_release(f.memory, core_presence_footprint());
    return 0;
}

static void pass(uint64_t seconds)
{
    f.now.mono = mono_add(f.now.mono, span_s(seconds));
    f.now.wall.ms += (int64_t)seconds * 1000;
}

static bool append(void *context, const struct store_state_row *row)
{
    struct store_attribute attribute;
    struct buf *out = context;
    assert_true(store_attribute_get(row, &attribute));
    buf_put_format(out, "%.*s=%lld ", SLICE_ARGS(attribute.key),
                   attribute.value.type == MODEL_VALUE_BOOLEAN
                       ? (long long)attribute.value.boolean
                       : (long long)(attribute.value.number - 1800000000000) / 1000);
    return true;
}

// Sweeps, waits for the commit and tells what stands there; times in seconds after the start.
static const char *swept(void)
{
    const struct store_record barrier = {.verb = STORE_CHANGE, .device = {99}};
    const struct store_state_query query = {.kind = STORE_STATE_SERVER, .device = device};
    struct buf out = buf_over(f.text, sizeof(f.text) - 1);
    (void)core_presence_sweep(&f.core, &f.desk, f.now);
    assert_int_equal(core_desk_commit(&f.desk, &barrier), ERR_OK);
    assert_int_equal(store_state_scan(f.store, &query, &out, append), ERR_OK);
    f.text[out.len] = 0;
    return f.text;
}

static void a_heard_device_becomes_active_and_a_silent_one_inactive(void **state)
{
    (void)state;
    assert_string_equal(swept(), "");
    core_presence_heard(f.presence, device, f.now.mono);
    assert_string_equal(swept(), "active=1 lastActivityTime=0 ");
    assert_int_equal(core_presence_active(f.presence), 1);
    assert_true(core_presence_is_active(f.presence, device));
    pass(599);
    assert_string_equal(swept(), "active=1 lastActivityTime=0 ");
    pass(1);
    assert_string_equal(swept(), "active=0 inactivityAlarmTime=600 lastActivityTime=0 ");
    assert_int_equal(core_presence_active(f.presence), 0);
    assert_false(core_presence_is_active(f.presence, device));
    assert_false(core_presence_is_active(NULL, device));
    assert_false(core_presence_is_active(f.presence, (struct device_id){CORE_PRESENCE_MAX}));
    core_presence_heard(f.presence, device, f.now.mono);
    assert_string_equal(swept(), "active=1 inactivityAlarmTime=600 lastActivityTime=600 ");
}

static void an_active_device_is_written_once_in_a_while(void **state)
{
    (void)state;
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    pass(30);
    core_presence_heard(f.presence, device, f.now.mono);
    assert_string_equal(swept(), "active=1 lastActivityTime=0 ");
    pass(40);
    core_presence_heard(f.presence, device, f.now.mono);
    assert_string_equal(swept(), "active=1 lastActivityTime=70 ");
    // The last message counts, written or not.
    pass(10);
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    pass(600);
    assert_string_equal(swept(), "active=0 inactivityAlarmTime=680 lastActivityTime=80 ");
}

static void hear_many(uint64_t count)
{
    for (uint64_t number = 1; number <= count; number++) {
        core_presence_heard(f.presence, (struct device_id){number}, f.now.mono);
    }
}

// Until the lane is empty.
static void drain(void)
{
    const struct store_record barrier = {.verb = STORE_CHANGE, .device = {99}};
    while (core_desk_commit(&f.desk, &barrier) == ERR_EXHAUSTED) {
        sched_yield();
    }
}

// More devices than the lane takes at a time, all of which are written again and again.
static void each_device_has_its_turn(void **state)
{
    (void)state;
    const uint64_t count = 2000;
    bool was_behind = false;
    for (unsigned sweep = 0; sweep < 8; sweep++) {
        hear_many(count);
        (void)core_presence_sweep(&f.core, &f.desk, f.now);
        was_behind = was_behind || core_presence_is_behind(f.presence);
        drain();
        pass(60);
    }
    assert_true(was_behind);
    assert_int_equal(core_presence_active(f.presence), count);
}

// So many records wait for their end to be taken that the lane has no place for another.
static unsigned take_all_places(void)
{
    struct store_record record = {.verb = STORE_CHANGE, .device = {99}};
    unsigned count = 0;
    for (unsigned refused = 0; refused < 2;) {
        record.ticket = UINT64_MAX - count;
        if (store_submit(f.desk.lane, &record) == ERR_OK) {
            count++;
            refused = 0;
            continue;
        }
        // It may have been for room in the ring, which the writer makes.
        store_flush(f.desk.lane);
        plat_thread_sleep(span_ms(20));
        refused++;
    }
    return count;
}

static void give_places(unsigned count)
{
    struct store_completion completion;
    for (unsigned i = 0; i < count; i++) {
        assert_true(store_collect(f.desk.lane, &completion));
    }
}

// Mails that say that the device changed.
static unsigned told_to(struct bus_party *watcher)
{
    struct slice message;
    unsigned from;
    unsigned count = 0;
    while (bus_next(watcher, &from, &message)) {
        const struct core_mail *mail = (const struct core_mail *)(const void *)message.ptr;
        assert_int_equal(mail->kind, CORE_MAIL_CHANGED);
        assert_int_equal(mail->device.number, device.number);
        count++;
    }
    bus_release(watcher);
    return count;
}

static void watchers_are_told_by_the_next_sweep_if_there_was_no_place(void **state)
{
    (void)state;
    static struct core_feed feed;
    struct bus_party *watcher;
    assert_int_equal(bus_create(&f.desk.bus, 1, CORE_MAIL_RING), ERR_OK);
    assert_int_equal(bus_join(f.desk.bus, NULL, &watcher), ERR_OK);
    assert_int_equal(bus_join(f.desk.bus, NULL, &f.desk.party), ERR_OK);
    feed.party = bus_number(watcher);
    core_feed_watch(&feed, device);
    f.core.feed = &feed;
    const unsigned places = take_all_places();
    core_presence_heard(f.presence, device, f.now.mono);
    assert_int_equal(core_presence_sweep(&f.core, &f.desk, f.now), 1);
    assert_int_equal(told_to(watcher), 0);
    assert_true(core_presence_is_behind(f.presence));
    give_places(places);
    assert_int_equal(core_presence_sweep(&f.core, &f.desk, f.now), 0);
    assert_int_equal(told_to(watcher), 1);
    assert_false(core_presence_is_behind(f.presence));
    assert_int_equal(core_presence_sweep(&f.core, &f.desk, f.now), 0);
    assert_int_equal(told_to(watcher), 0);
    bus_destroy(f.desk.bus);
}

static void a_device_may_have_its_own_timeout(void **state)
{
    (void)state;
    core_presence_set_timeout(f.presence, device, 1500);
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    pass(1);
    assert_string_equal(swept(), "active=1 lastActivityTime=0 ");
    pass(1);
    assert_string_equal(swept(), "active=0 inactivityAlarmTime=2 lastActivityTime=0 ");
    core_presence_set_timeout(f.presence, device, 0);
    // Back to the usual: it is taken for active again only because it was heard 2 s ago.
    assert_string_equal(swept(), "active=1 inactivityAlarmTime=2 lastActivityTime=0 ");
}

static void a_clock_that_jumps_moves_no_deadline(void **state)
{
    (void)state;
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    f.now.wall.ms += 3600000;
    pass(599);
    assert_string_equal(swept(), "active=1 lastActivityTime=0 ");
    f.now.wall.ms -= 7200000;
    pass(1);
    assert_string_equal(swept(), "active=0 inactivityAlarmTime=-3000 lastActivityTime=0 ");
}

static void what_was_known_is_known_after_a_restart(void **state)
{
    (void)state;
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    plat_memory_release(f.memory, core_presence_footprint());
    make_presence();
    // Another boot: another monotonic clock.
    f.now.mono = (struct mono){span_s(3).ns};
    f.now.wall.ms += 500000;
    const struct core core = {.store = f.store, .presence = f.presence};
    assert_int_equal(core_attributes_restore(&core, f.now), ERR_OK);
    assert_int_equal(core_presence_active(f.presence), 1);
    assert_string_equal(swept(), "active=1 lastActivityTime=0 ");
    pass(100);
    assert_string_equal(swept(), "active=0 inactivityAlarmTime=600 lastActivityTime=0 ");
}

static void a_device_that_is_gone_is_not_written_any_more(void **state)
{
    (void)state;
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    core_presence_forget(f.presence, device);
    assert_int_equal(core_presence_active(f.presence), 0);
    pass(700);
    assert_string_equal(swept(), "active=1 lastActivityTime=0 ");
    core_presence_heard(f.presence, (struct device_id){CORE_PRESENCE_MAX}, f.now.mono);
    core_presence_heard(NULL, device, f.now.mono);
}

static void put_pair(void *context, const char *key, struct slice value)
{
    buf_put_format(context, " %s=%.*s", key, SLICE_ARGS(value));
}

static void record(const void *own, const struct core_event *event, struct core_effects *effects)
{
    struct buf *const out = *(struct buf *const *)own;
    static const struct core_event_names names = {
        {(const uint8_t *)"n", 1}, {(const uint8_t *)"t", 1}, {(const uint8_t *)"l", 1}};
    assert_int_equal(event->device.number, device.number);
    buf_put_text(out, core_event_type(event->kind));
    core_event_metadata(event, &names, out, put_pair);
    effects->count = 0;
}

static void a_change_of_state_is_an_event_of_the_plan(void **state)
{
    (void)state;
    char text[512] = "";
    struct buf out = buf_over(text, sizeof(text) - 1);
    struct buf *const own = &out;
    const struct core_plan_ops ops = {record};
    const struct core_plan plan = {&ops, &own};
    f.core.plan = &plan;
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    assert_string_equal(text, "ACTIVITY_EVENT deviceName=n deviceType=t deviceLabel=l "
                              "scope=SERVER_SCOPE ts=1800000000000");
    memset(text, 0, sizeof(text));
    out.len = 0;
    // What changes no state is none.
    pass(100);
    core_presence_heard(f.presence, device, f.now.mono);
    (void)swept();
    assert_string_equal(text, "");
    pass(600);
    (void)swept();
    assert_string_equal(text, "INACTIVITY_EVENT deviceName=n deviceType=t deviceLabel=l "
                              "scope=SERVER_SCOPE ts=1800000700000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void a_number_beyond_the_bound_has_no_presence(void **state)
{
    (void)state;
    const struct device_id last = {CORE_PRESENCE_MAX - 1};
    core_presence_heard(f.presence, (struct device_id){CORE_PRESENCE_MAX}, f.now.mono);
    assert_int_equal(core_presence_highest(f.presence), 0);
    core_presence_heard(f.presence, last, f.now.mono);
    assert_int_equal(core_presence_highest(f.presence), last.number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_heard_device_becomes_active_and_a_silent_one_inactive),
        TEST(a_change_of_state_is_an_event_of_the_plan),
        TEST(an_active_device_is_written_once_in_a_while),
        TEST(each_device_has_its_turn),
        TEST(watchers_are_told_by_the_next_sweep_if_there_was_no_place),
        TEST(a_device_may_have_its_own_timeout),
        TEST(a_clock_that_jumps_moves_no_deadline),
        TEST(what_was_known_is_known_after_a_restart),
        TEST(a_device_that_is_gone_is_not_written_any_more),
        TEST(a_number_beyond_the_bound_has_no_presence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
