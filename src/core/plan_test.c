// What happens becomes an event of the plan: which one, with which metadata; and what the default
// chain makes of it. A plan that records stands where rule chains will.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/event.h"
#include "core/shard_fixture.h"
#include "core/visit.h"

static struct core_shard_fixture f;
static const struct device_id device = {42};
static const struct tenant_id tenant = {1};
static const struct core_event_names names = {
    {(const uint8_t *)"meter", 5}, {(const uint8_t *)"default", 7}, {(const uint8_t *)"cellar", 6}};

// All events as text.
static struct {
    char text[2048];
    struct buf out;
} recorded;

static void put_pair(void *context, const char *key, struct slice value)
{
    buf_put_format(context, " %s=%.*s", key, SLICE_ARGS(value));
}

static void record(const void *own, const struct core_event *event, struct core_effects *effects)
{
    (void)own;
    buf_put_format(&recorded.out, "%s %llu/%llu", core_event_type(event->kind),
                   (unsigned long long)event->tenant.number,
                   (unsigned long long)event->device.number);
    if (event->call != NULL) {
        buf_put_format(&recorded.out, " %.*s(%.*s)", SLICE_ARGS(event->call->method),
                       SLICE_ARGS(event->call->params));
    }
    core_event_metadata(event, &names, &recorded.out, put_pair);
    buf_put_text(&recorded.out, "\n");
    if (event->kind == CORE_EVENT_TELEMETRY) {
        effects->items[effects->count++] =
            (struct core_effect){.kind = CORE_EFFECT_SAVE_SERIES, .skip_latest = true};
    }
}

static const struct core_plan_ops recorder = {record};
static const struct core_plan plan = {&recorder, NULL};

static const char *events(void)
{
    recorded.text[recorded.out.len] = 0;
    recorded.out.len = 0;
    return recorded.text;
}

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    recorded.out = buf_over(recorded.text, sizeof(recorded.text) - 1);
    f.core.plan = &plan;
    core_shard_fixture_begin(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    core_shard_fixture_end(&f);
    return 0;
}

static void send(struct core_mail mail)
{
    struct core_mail *sent = core_mail_begin(f.worker, 0, 0);
    assert_non_null(sent);
    *sent = mail;
    sent->tenant = tenant;
    sent->device = device;
    core_mail_end(f.worker, 0, sent);
    core_shard_fixture_settle(&f);
}

static void tell(enum core_mail_kind kind, enum core_resource resource)
{
    send((struct core_mail){.kind = (uint8_t)kind,
                            .resource = (uint8_t)resource,
                            .registration = {.route = {.peer = {1}},
                                             .token = {(uint8_t)resource},
                                             .token_len = 1,
                                             .confirmable = true}});
}

static void observe(enum core_resource resource)
{
    tell(CORE_MAIL_SUBSCRIBE, resource);
    tell(CORE_MAIL_STARTED, resource);
}

#define SESSION                                                                                    \
    " 1/42 deviceName=meter deviceType=default deviceLabel=cellar scope=SERVER_SCOPE "             \
    "ts=1800000000000\n"

static void the_first_observation_connects_and_the_last_disconnects(void **state)
{
    (void)state;
    observe(CORE_RESOURCE_RPC);
    assert_string_equal(events(), "CONNECT_EVENT" SESSION);
    observe(CORE_RESOURCE_ATTRIBUTES);
    tell(CORE_MAIL_UNSUBSCRIBE, CORE_RESOURCE_RPC);
    assert_string_equal(events(), "");
    tell(CORE_MAIL_UNSUBSCRIBE, CORE_RESOURCE_ATTRIBUTES);
    assert_string_equal(events(), "DISCONNECT_EVENT" SESSION);
}

static void done(struct core_order *order, enum err err, struct slice response)
{
    (void)response;
    *(enum err *)order->context = err;
}

static void a_suspended_observation_disconnects_until_it_goes_on(void **state)
{
    (void)state;
    enum err err = ERR_OK;
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    struct core_order order = {
        .kind = CORE_ORDER_CALL,
        .tenant = tenant,
        .device = device,
        .call = {.method = SLICE("m"), .params = SLICE("{}"), .expires = {f.now.wall.ms + 10000}},
        .done = done,
        .context = &err};
    observe(CORE_RESOURCE_RPC);
    (void)events();
    assert_int_equal(core_desk_send(&desk, &order), ERR_OK);
    core_shard_fixture_settle(&f);
    send((struct core_mail){.kind = CORE_MAIL_OUTCOME,
                            .outcome = CORE_OUTCOME_LOST,
                            .ticket = f.seen[f.seen_count - 1].mail.ticket});
    assert_string_equal(events(), "DISCONNECT_EVENT" SESSION);
    tell(CORE_MAIL_HEARD, 0);
    assert_string_equal(events(), "");
    send((struct core_mail){.kind = CORE_MAIL_OUTCOME,
                            .outcome = CORE_OUTCOME_DELIVERED,
                            .ticket = f.seen[f.seen_count - 1].mail.ticket});
    assert_string_equal(events(), "CONNECT_EVENT" SESSION);
    // A restart of the server is neither.
    core_shard_fixture_restart(&f);
    core_shard_fixture_settle(&f);
    assert_string_equal(events(), "");
}

static void ask(struct core_desk *desk, struct core_order *order, enum err *err)
{
    *order = (struct core_order){.tenant = tenant,
                                 .device = device,
                                 .visit = {.wish = CORE_WISH_ANSWER,
                                           .deadline = mono_add(f.now.mono, span_s(10)),
                                           .method = SLICE("getTime"),
                                           .params = SLICE("{\"zone\":1}")},
                                 .done = done,
                                 .context = err};
    core_visit_name(desk, order);
    assert_int_equal(core_desk_send(desk, order), ERR_OK);
    core_shard_fixture_settle(&f);
}

static void a_call_over_http_is_an_event_once_it_waits(void **state)
{
    (void)state;
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk, .ticket = 6};
    struct core_order orders[2];
    enum err errs[2] = {ERR_OK, ERR_OK};
    ask(&desk, &orders[0], &errs[0]);
    assert_string_equal(events(),
                        "TO_SERVER_RPC_REQUEST 1/42 getTime({\"zone\":1}) deviceName=meter "
                        "deviceType=default requestId=0 serviceId=motehub "
                        "sessionId=00000000-002a-8200-8001-000000000007\n");
    assert_int_equal(errs[0], ERR_OK);
    // One that does not wait is none.
    core_shard_end_calls(f.shard, f.now);
    assert_int_equal(errs[0], ERR_STOPPING);
    ask(&desk, &orders[1], &errs[1]);
    assert_int_equal(errs[1], ERR_STOPPING);
    assert_string_equal(events(), "");
}

static void visits_for_calls_and_changes_are_no_events(void **state)
{
    (void)state;
    enum err err = ERR_OK;
    struct core_desk desk = {.bus = f.core.bus, .party = f.desk};
    struct core_order order = {.tenant = tenant,
                               .device = device,
                               .visit = {.wish = CORE_WISH_RPC, .deadline = f.now.mono},
                               .done = done,
                               .context = &err};
    core_visit_name(&desk, &order);
    assert_int_equal(core_desk_send(&desk, &order), ERR_OK);
    core_shard_fixture_settle(&f);
    assert_int_equal(err, ERR_TIMEOUT);
    assert_string_equal(events(), "");
}

static bool count_point(void *context, const struct store_point *point)
{
    (void)point;
    ++*(unsigned *)context;
    return true;
}

static void telemetry_goes_where_the_plan_says(void **state)
{
    (void)state;
    const struct model_index_entry entry = {.device = device, .tenant = tenant};
    const struct core_principal principal = {&entry};
    const struct store_trace no_message = {{0}};
    const struct model_point point = {SLICE("t"), {.type = MODEL_VALUE_LONG, .number = 1}};
    struct model_reading reading = {.points = &point, .point_count = 1};
    const struct model_readings readings = {&reading, 1, 1};
    struct store_completion completion;
    struct core_worker worker = {.plan = &plan};
    enum core_step step = CORE_DONE;
    unsigned latest = 0;
    struct store *store;
    static const struct store_limits limits = {
        .commit_records_max = 64, .keys_per_device_max = 100, .keys_per_tenant_max = 1000};
    assert_int_equal(store_memory_open(&limits, &store), ERR_OK);
    assert_int_equal(store_lane_open(store, 1U << 16, NULL, NULL, &worker.lane), ERR_OK);
    assert_int_equal(store_start(store), ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        reading.has_time = i == 1;
        reading.time_ms = 5;
        assert_int_equal(core_telemetry_save(&worker, &principal, &readings, f.now.wall,
                                             &no_message, i + 1, &step),
                         ERR_OK);
        store_flush(worker.lane);
        assert_int_equal(store_await(worker.lane, i + 1, &completion), ERR_OK);
        assert_int_equal(completion.err, ERR_OK);
    }
    // This plan leaves the latest values alone.
    assert_int_equal(store_latest(store, tenant, device, NULL, 0, &latest, count_point), ERR_OK);
    assert_int_equal(latest, 0);
    worker.plan = NULL;
    assert_int_equal(
        core_telemetry_save(&worker, &principal, &readings, f.now.wall, &no_message, 3, &step),
        ERR_OK);
    store_flush(worker.lane);
    assert_int_equal(store_await(worker.lane, 3, &completion), ERR_OK);
    assert_int_equal(store_latest(store, tenant, device, NULL, 0, &latest, count_point), ERR_OK);
    assert_int_equal(latest, 1);
    assert_string_equal(events(),
                        "POST_TELEMETRY_REQUEST 1/42 deviceName=meter deviceType=default "
                        "ts=1800000000000\n"
                        "POST_TELEMETRY_REQUEST 1/42 deviceName=meter deviceType=default ts=5\n");
    store_stop(store);
    store_close(store);
}

static void the_default_chain_logs_calls_and_lets_the_rest_end(void **state)
{
    (void)state;
    static const enum core_event_kind kinds[] = {CORE_EVENT_CALL, CORE_EVENT_CONNECT,
                                                 CORE_EVENT_DISCONNECT, CORE_EVENT_ACTIVITY,
                                                 CORE_EVENT_INACTIVITY};
    for (unsigned i = 0; i < 5; i++) {
        struct core_effects effects;
        const struct core_event event = {.kind = kinds[i]};
        core_plan_run(NULL, &event, &effects);
        assert_int_equal(effects.count, kinds[i] == CORE_EVENT_CALL ? 1 : 0);
        assert_true(effects.count == 0 || effects.items[0].kind == CORE_EFFECT_LOG);
    }
}

static void sessions_differ_by_where_somebody_waits(void **state)
{
    (void)state;
    static const struct core_asker askers[] = {{CORE_ASKER_COAP, 1, 2},
                                               {CORE_ASKER_HTTP, 1, 2},
                                               {CORE_ASKER_COAP, 2, 1},
                                               {CORE_ASKER_COAP, 1, UINT64_C(1) << 63}};
    static const char *const sessions[] = {
        "00000000-0001-8100-8000-000000000002", "00000000-0001-8200-8000-000000000002",
        "00000000-0002-8100-8000-000000000001", "00000000-0001-8180-8000-000000000000"};
    for (unsigned i = 0; i < 4; i++) {
        const struct core_event_call call = {SLICE("m"), SLICE_EMPTY, askers[i]};
        const struct core_event event = {.kind = CORE_EVENT_CALL, .call = &call};
        core_event_metadata(&event, &names, &recorded.out, put_pair);
        assert_non_null(strstr(events(), sessions[i]));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_observation_connects_and_the_last_disconnects),
        TEST(a_suspended_observation_disconnects_until_it_goes_on),
        TEST(a_call_over_http_is_an_event_once_it_waits),
        TEST(visits_for_calls_and_changes_are_no_events),
        TEST(telemetry_goes_where_the_plan_says),
        TEST(the_default_chain_logs_calls_and_lets_the_rest_end),
        TEST(sessions_differ_by_where_somebody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
