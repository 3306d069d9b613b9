// The gates of the device API, row by row: form before credential before payload, and what each
// refusal says. The store is the reference one; requests are made by hand.
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/status.h"
#include "core/event.h"
#include "core/flown.h"
#include "core/meters.h"
#include "plat/memory.h"

static struct {
    struct epoch epoch;
    struct bus *bus;
    struct bus_party *party;
    struct model_index *index;
    struct store *store;
    struct store_lane *lane;
    struct arena memory;
    struct api api;
} f;

static void *reserved(size_t size)
{
    void *memory = plat_memory_reserve(size);
    assert_non_null(memory);
    return memory;
}

static void know(const char *token, uint64_t number, enum model_transport transport)
{
    struct model_index_entry entry = {.device = {number},
                                      .tenant = {1},
                                      .kind = MODEL_CREDENTIAL_TOKEN,
                                      .transport = transport,
                                      .credential_len = (uint8_t)strlen(token)};
    memcpy(entry.credential, token, strlen(token));
    assert_int_equal(model_index_put(f.index, &entry), ERR_OK);
}

static int open_all(void **state)
{
    (void)state;
    const struct store_limits limits = {.head_bytes_max = 1U << 20,
                                        .journal_bytes_max = 1U << 20,
                                        .journal_age_max = span_s(300),
                                        .commit_records_max = 64,
                                        .keys_per_device_max = 3,
                                        .keys_per_tenant_max = 1000};
    const struct rate few = {{5}, {3600}, 1};
    epoch_init(&f.epoch, 1);
    assert_int_equal(model_index_create(&f.index, &f.epoch, 16), ERR_OK);
    assert_int_equal(store_memory_open(&limits, &f.store), ERR_OK);
    assert_int_equal(store_lane_open(f.store, 1U << 20, NULL, NULL, &f.lane), ERR_OK);
    assert_int_equal(store_start(f.store), ERR_OK);
    know("T", 1, MODEL_TRANSPORT_DEFAULT);
    know("M", 2, MODEL_TRANSPORT_MQTT);
    arena_init(&f.memory, reserved(1U << 20), 1U << 20);
    static struct filter nobody;
    assert_int_equal(bus_create(&f.bus, 1, CORE_MAIL_RING), ERR_OK);
    assert_int_equal(bus_join(f.bus, NULL, &f.party), ERR_OK);
    f.api = (struct api){.settings = {.type_cast = true, .body_max = 65536},
                         .core = {.lane = f.lane,
                                  .index = f.index,
                                  .bus = f.bus,
                                  .party = f.party,
                                  .reached = &nobody},
                         .memory = &f.memory};
    f.api.refusals.table = rate_table_init(reserved(rate_table_footprint(16)), 16, &few);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    store_stop(f.store);
    bus_destroy(f.bus);
    store_close(f.store);
    model_index_destroy(f.index);
    return 0;
}

struct row {
    const char *what;
    uint8_t method;
    const char *path;
    uint32_t format;
    const char *query; // NULL: none
    const char *body;
    uint8_t code;       // 0: the reading is stored
    const char *reason; // the diagnostic, or NULL for any
};

static const struct coap_peer peer = {.remote_ip = {[10] = 0xff, [11] = 0xff, [12] = 9}};
static uint16_t source;

static struct coap_peer next_peer(void)
{
    struct coap_peer next = peer;
    next.remote_ip[14] = (uint8_t)(++source >> 8);
    next.remote_ip[15] = (uint8_t)source;
    return next;
}

static enum api_outcome run(const struct row *row, const struct coap_peer *from,
                            struct coap_reply *reply)
{
    static uint32_t generation = 1;
    struct coap_options options = {.content_format = row->format, .accept = COAP_FORMAT_NONE};
    struct slice rest = slice_text(row->path);
    while (rest.ptr != NULL) {
        options.path[options.path_count++] = slice_cut(&rest, '/');
    }
    if (row->query != NULL) {
        options.query[options.query_count++] = slice_text(row->query);
    }
    const struct coap_request request = {.exchange = {{1, generation += 2}},
                                         .peer = from,
                                         .options = &options,
                                         .body = slice_text(row->body),
                                         .method = row->method,
                                         .confirmable = true};
    const struct api_time now = {{span_s(1).ns}, {1000}};
    const struct api_origin origin = {.steer = 0};
    arena_reset(&f.memory);
    epoch_enter(&f.epoch, 0);
    const enum api_outcome outcome = api_request(&f.api, now, &request, &origin, reply);
    epoch_leave(&f.epoch, 0);
    return outcome;
}

// Waits for the commit; the answer of it.
static struct coap_reply completed(void)
{
    struct store_completion completion;
    struct coap_handle exchange;
    struct coap_reply reply;
    store_flush(f.lane);
    while (!store_collect(f.lane, &completion)) {
        sched_yield();
    }
    api_completed(&f.api, &completion, &exchange, &reply);
    return reply;
}

#define JSON COAP_FORMAT_JSON
#define NONE COAP_FORMAT_NONE
#define GOOD "api/v1/T/telemetry"

static const struct row rows[] = {
    {"a reading", COAP_POST, GOOD, JSON, NULL, "{\"a\":1}", 0, NULL},
    {"without a format", COAP_POST, GOOD, NONE, NULL, "{a:1}", 0, NULL},
    {"mislabelled as octets", COAP_POST, GOOD, COAP_FORMAT_OCTETS, NULL, "{\"a\":1}", 0, NULL},
    {"mislabelled as something unknown", COAP_POST, GOOD, 41, NULL, "{\"a\":1}", 0, NULL},
    {"JSON labelled as text", COAP_POST, GOOD, COAP_FORMAT_TEXT, NULL, "{\"a\":1}", 0, NULL},
    {"text under a key", COAP_POST, GOOD, COAP_FORMAT_TEXT, "key=a", "25.5", 0, NULL},
    {"words under a key", COAP_POST, GOOD, COAP_FORMAT_TEXT, "key=a", "all is well", 0, NULL},
    {"nothing to store", COAP_POST, GOOD, JSON, NULL, "{}", COAP_CREATED, NULL},
    {"an empty array", COAP_POST, GOOD, JSON, NULL, "[]", COAP_CREATED, NULL},
    {"text without a key", COAP_POST, GOOD, COAP_FORMAT_TEXT, NULL, "25.5", COAP_BAD_REQUEST, NULL},
    {"text under a bad key", COAP_POST, GOOD, COAP_FORMAT_TEXT, "key= ", "25.5", COAP_BAD_REQUEST,
     NULL},
    {"broken JSON", COAP_POST, GOOD, JSON, NULL, "{\"a\":", COAP_BAD_REQUEST, NULL},
    {"an empty body", COAP_POST, GOOD, JSON, NULL, "", COAP_BAD_REQUEST, NULL},
    {"a number", COAP_POST, GOOD, JSON, NULL, "5", COAP_BAD_REQUEST, NULL},
    {"a bad key", COAP_POST, GOOD, JSON, NULL, "{\"<b\":1}", COAP_BAD_REQUEST, NULL},
    {"CBOR", COAP_POST, GOOD, COAP_FORMAT_CBOR, NULL, "{\"a\":1}", COAP_UNSUPPORTED_CONTENT_FORMAT,
     NULL},
    {"SenML", COAP_POST, GOOD, COAP_FORMAT_SENML_JSON, NULL, "[]", COAP_UNSUPPORTED_CONTENT_FORMAT,
     NULL},
    {"an unknown format that is no JSON", COAP_POST, GOOD, 41, NULL, "<a/>",
     COAP_UNSUPPORTED_CONTENT_FORMAT, NULL},
    {"an unknown format that lenient JSON reads as a bare word", COAP_POST, GOOD, 41, NULL,
     "\x01\x02\x03", COAP_UNSUPPORTED_CONTENT_FORMAT, NULL},
    {"an unknown format, JSON, no telemetry", COAP_POST, GOOD, 41, NULL, "[5]", COAP_BAD_REQUEST,
     NULL},
    {"GET on telemetry", COAP_GET, GOOD, NONE, NULL, "", COAP_BAD_REQUEST,
     "the feature has no such method"},
    {"GET on telemetry, wrong token", COAP_GET, "api/v1/x/telemetry", NONE, NULL, "",
     COAP_BAD_REQUEST, NULL},
    {"PUT", COAP_PUT, GOOD, JSON, NULL, "{}", COAP_METHOD_NOT_ALLOWED, NULL},
    {"DELETE", COAP_DELETE, GOOD, JSON, NULL, "{}", COAP_METHOD_NOT_ALLOWED, NULL},
    {"FETCH", COAP_FETCH, GOOD, JSON, NULL, "{}", COAP_METHOD_NOT_ALLOWED, NULL},
    {"PATCH", COAP_PATCH, GOOD, JSON, NULL, "{}", COAP_METHOD_NOT_ALLOWED, NULL},
    {"iPATCH", COAP_IPATCH, GOOD, JSON, NULL, "{}", COAP_METHOD_NOT_ALLOWED, NULL},
    {"PUT where no feature is", COAP_PUT, "api/v1/T/x", JSON, NULL, "{}", COAP_METHOD_NOT_ALLOWED,
     NULL},
    {"/api alone", COAP_GET, "api", NONE, NULL, "", COAP_METHOD_NOT_ALLOWED, NULL},
    {"elsewhere", COAP_POST, "efento/m", NONE, NULL, "", COAP_NOT_FOUND, NULL},
    {"no feature", COAP_POST, "api/v1/T/firmware", JSON, NULL, "{}", COAP_BAD_REQUEST, NULL},
    {"attributes", COAP_POST, "api/v1/T/attributes", JSON, NULL, "{\"a\":1}", 0, NULL},
    {"no attributes", COAP_POST, "api/v1/T/attributes", JSON, NULL, "{}", COAP_CREATED, NULL},
    {"attributes in an array", COAP_POST, "api/v1/T/attributes", JSON, NULL, "[]", COAP_BAD_REQUEST,
     "byte 0: attributes are one object"},
    {"a wrong token", COAP_POST, "api/v1/x/telemetry", JSON, NULL, "{}", COAP_UNAUTHORIZED,
     "no valid credential"},
    {"no token", COAP_POST, "api/v1/telemetry", JSON, NULL, "{}", COAP_UNAUTHORIZED, NULL},
    {"an empty token", COAP_POST, "api/v1//telemetry", JSON, NULL, "{}", COAP_UNAUTHORIZED, NULL},
    {"another transport", COAP_POST, "api/v1/M/telemetry", JSON, NULL, "{}", COAP_FORBIDDEN, NULL},
    {"not served yet", COAP_POST, "api/v1/T/claim", JSON, NULL, "{}", COAP_NOT_IMPLEMENTED, NULL},
    {"the banner", COAP_GET, "", NONE, NULL, "", COAP_CONTENT, "Motehub CoAP server"},
    {"POST to the banner", COAP_POST, "", NONE, NULL, "", COAP_METHOD_NOT_ALLOWED, NULL},
};

static void each_request_gets_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        const struct coap_peer from = next_peer();
        struct coap_reply reply = {.code = 0};
        const enum api_outcome outcome = run(row, &from, &reply);
        if (row->code == 0) {
            assert_int_equal(outcome, API_PENDING);
            assert_int_equal(completed().code, COAP_CREATED);
            continue;
        }
        if (outcome != API_REPLIED || reply.code != row->code) {
            fail_msg("%s: %u.%02u", row->what, reply.code >> 5, reply.code & 31);
        }
        if (row->reason != NULL) {
            assert_true(slice_equal(reply.payload, slice_text(row->reason)));
        }
        assert_int_equal(reply.no_effect, reply.code != COAP_CREATED);
    }
}

static void a_syntax_error_names_its_place(void **state)
{
    (void)state;
    const struct row row = {"", COAP_POST, GOOD, JSON, NULL, "{\"a\":1,}", COAP_BAD_REQUEST, NULL};
    struct coap_reply reply;
    assert_int_equal(run(&row, &peer, &reply), API_REPLIED);
    assert_true(slice_starts_with(reply.payload, SLICE("byte 7: ")));
}

static void a_source_over_its_limit_hears_nothing(void **state)
{
    (void)state;
    const struct row row = {"", COAP_POST, "api/v1/x/telemetry", JSON, NULL, "{}", 0, NULL};
    const struct coap_peer from = next_peer();
    struct coap_reply reply;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(run(&row, &from, &reply), API_REPLIED);
    }
    assert_int_equal(run(&row, &from, &reply), API_DROPPED);
    // Its neighbour behind the same address is served all the same, and so is another source.
    const struct row good = {"", COAP_POST, GOOD, JSON, NULL, "{}", 0, NULL};
    assert_int_equal(run(&good, &from, &reply), API_REPLIED);
    assert_int_equal(reply.code, COAP_CREATED);
    const struct coap_peer other = next_peer();
    assert_int_equal(run(&row, &other, &reply), API_REPLIED);
}

static void too_many_key_names_are_a_bad_request(void **state)
{
    (void)state;
    const struct row row = {"", COAP_POST, GOOD, JSON, NULL, "{\"p\":1,\"q\":1,\"r\":1,\"s\":1}",
                            0,  NULL};
    struct coap_reply reply;
    assert_int_equal(run(&row, &peer, &reply), API_PENDING);
    reply = completed();
    assert_int_equal(reply.code, COAP_BAD_REQUEST);
    assert_true(slice_equal(reply.payload, SLICE("too many key names")));
}

static void strict_formats_take_the_label_at_its_word(void **state)
{
    (void)state;
    static const struct row strict[] = {
        {"", COAP_POST, GOOD, COAP_FORMAT_OCTETS, NULL, "{}", COAP_UNSUPPORTED_CONTENT_FORMAT,
         NULL},
        {"", COAP_POST, GOOD, 41, NULL, "{}", COAP_UNSUPPORTED_CONTENT_FORMAT, NULL},
        {"", COAP_POST, GOOD, COAP_FORMAT_TEXT, NULL, "{}", COAP_BAD_REQUEST, NULL},
        {"", COAP_POST, GOOD, JSON, NULL, "{}", COAP_CREATED, NULL},
    };
    f.api.settings.strict_formats = true;
    for (size_t i = 0; i < sizeof(strict) / sizeof(strict[0]); i++) {
        struct coap_reply reply;
        assert_int_equal(run(&strict[i], &peer, &reply), API_REPLIED);
        assert_int_equal(reply.code, strict[i].code);
    }
    f.api.settings.strict_formats = false;
}

static void a_body_in_blocks_is_judged_by_its_first(void **state)
{
    (void)state;
    struct coap_options options = {
        .path_count = 4,
        .path = {SLICE("api"), SLICE("v1"), SLICE("T"), SLICE("telemetry")},
        .content_format = JSON};
    const struct coap_request request = {
        .peer = &peer, .options = &options, .method = COAP_POST, .confirmable = true};
    const struct api_time now = {{span_s(1).ns}, {1000}};
    struct coap_reply reply;
    struct coap_admission admission = {0};
    assert_int_equal(api_body_begins(&f.api, now, &request, &admission, &reply), API_PENDING);
    assert_int_equal(admission.body_max, 65536);
    assert_int_not_equal(admission.owner, 0);
    options.has_size1 = true;
    options.size1 = 65537;
    assert_int_equal(api_body_begins(&f.api, now, &request, &admission, &reply), API_REPLIED);
    assert_int_equal(reply.code, COAP_REQUEST_ENTITY_TOO_LARGE);
    assert_int_equal(reply.size1, 65536);
    options.path[2] = SLICE("x");
    assert_int_equal(api_body_begins(&f.api, now, &request, &admission, &reply), API_REPLIED);
    assert_int_equal(reply.code, COAP_UNAUTHORIZED);
}

static void expect_recorded(uint64_t device, uint8_t code, const char *path, struct slice reason)
{
    struct core_flown items[2];
    struct core_flown_list list = {.items = items, .max = 1};
    core_flown_read(&f.api.recorder, 1, (struct device_id){device}, &list);
    assert_int_equal(list.count, 1);
    assert_int_equal(items[0].record.code, code);
    assert_int_equal(items[0].record.verdict, CORE_VERDICT_ANSWERED);
    assert_true(slice_equal(core_record_path(&items[0].record), slice_text(path)));
    assert_true(slice_equal(core_record_reason(&items[0].record), reason));
}

static uint64_t recorded(void)
{
    int64_t since;
    return tape_rewind(core_recorder_tape(f.api.recorder, &since)).records;
}

static void what_a_device_was_told_is_recorded(void **state)
{
    (void)state;
    static const struct row good = {"", COAP_POST, GOOD, JSON, "q=1", "{\"a\":1}", 0, NULL};
    static const struct row no_feature = {"", COAP_POST, "api/v1/T/x", JSON, NULL, "{}", 0, NULL};
    static const struct row broken = {"", COAP_POST, GOOD, JSON, NULL, "{", 0, NULL};
    static const struct row transport = {"", COAP_POST, "api/v1/M/telemetry", JSON, NULL, "{}",
                                         0,  NULL};
    static const struct row strangers[] = {
        {"", COAP_POST, "api/v1/x/telemetry", JSON, NULL, "{}", 0, NULL},
        {"", COAP_GET, "", NONE, NULL, "", 0, NULL},
    };
    struct coap_reply reply;
    f.api.recorder =
        core_recorder_init(reserved(core_recorder_footprint(TAPE_SIZE_MIN)), TAPE_SIZE_MIN, 1);
    assert_int_equal(run(&good, &peer, &reply), API_PENDING);
    (void)completed();
    expect_recorded(1, COAP_CREATED, "/api/v1/.../telemetry?q=1", SLICE_EMPTY);
    (void)run(&no_feature, &peer, &reply);
    expect_recorded(1, COAP_BAD_REQUEST, "/api/v1/.../x",
                    SLICE("path is not /api/v1/{token}/telemetry or a like feature"));
    (void)run(&broken, &peer, &reply);
    assert_true(slice_starts_with(reply.payload, SLICE("byte 1: ")));
    expect_recorded(1, COAP_BAD_REQUEST, "/api/v1/.../telemetry", reply.payload);
    (void)run(&transport, &peer, &reply);
    expect_recorded(2, COAP_FORBIDDEN, "/api/v1/.../telemetry",
                    slice_text(err_text(ERR_WRONG_TRANSPORT)));
    const uint64_t before = recorded();
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        (void)run(&strangers[i], &peer, &reply);
        assert_int_equal(recorded(), before);
    }
    f.api.recorder = NULL;
}

struct limited_row {
    struct row row;
    const char *reason;
    uint32_t max_age_s;
};

static void what_is_over_a_limit_is_refused_after_all_else(void **state)
{
    (void)state;
    static const struct core_meters_bounds bounds = {16, 4};
    const struct uuid profile = {.bytes = {1}};
    const struct model_quota quota = {.device_messages = {{1}, {40}, 1},
                                      .device_telemetry_messages = {{2}, {40}, 1},
                                      .device_data_points = {{3}, {30}, 1}};
    const struct row before[] = {
        {"", COAP_POST, GOOD, JSON, NULL, "{", 0, NULL}, // costs nothing
        {"", COAP_POST, GOOD, JSON, NULL, "{\"p\":1}", 0, NULL},
        {"", COAP_POST, "api/v1/T/attributes", JSON, NULL, "{\"p\":1}", 0, NULL},
        {"", COAP_POST, GOOD, JSON, NULL, "{}", 0, NULL}, // a message like any other
    };
    const struct limited_row after[] = {
        {{"", COAP_POST, GOOD, JSON, NULL, "{\"p\":1}", 0, NULL},
         "over the device's limit of telemetry messages",
         20},
        {{"", COAP_POST, GOOD, JSON, NULL, "{\"p\":1,\"q\":2,\"r\":3}", 0, NULL},
         "over the device's limit of telemetry messages",
         20},
        {{"", COAP_GET, "api/v1/T/attributes", COAP_FORMAT_NONE, NULL, "", 0, NULL},
         "over the device's limit of messages",
         40},
        {{"", COAP_POST, "api/v1/T/rpc", JSON, NULL, "{\"method\":\"m\"}", 0, NULL},
         "over the device's limit of messages",
         40},
        {{"", COAP_POST, GOOD, JSON, NULL, "[]", 0, NULL},
         "over the device's limit of messages",
         40},
    };
    struct model_quotas *quotas = NULL;
    struct coap_reply reply;
    assert_int_equal(model_quotas_create(&quotas, 8), ERR_OK);
    assert_int_equal(model_quotas_put_profile(quotas, &profile, &quota), ERR_OK);
    assert_int_equal(model_quotas_put_tenant(quotas, (struct tenant_id){1}, &profile), ERR_OK);
    f.api.core.meters =
        core_meters_init(reserved(core_meters_footprint(&bounds)), &bounds, quotas, NULL, 0);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        const enum api_outcome outcome = run(&before[i], &peer, &reply);
        assert_true(outcome == API_PENDING || reply.code != COAP_TOO_MANY_REQUESTS);
        if (outcome == API_PENDING) {
            assert_int_equal(completed().code, COAP_CREATED);
        }
    }
    const uint64_t limited = core_meters_figures(f.api.core.meters).by_device;
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
        assert_int_equal(run(&after[i].row, &peer, &reply), API_REPLIED);
        assert_int_equal(reply.code, COAP_TOO_MANY_REQUESTS);
        assert_int_equal(reply.max_age_s, after[i].max_age_s);
        assert_true(slice_equal(reply.payload, slice_text(after[i].reason)));
        assert_true(reply.no_effect);
    }
    assert_int_equal(core_meters_figures(f.api.core.meters).by_device - limited, 5);
    f.api.settings.upstream_codes = true;
    assert_int_equal(run(&after[0].row, &peer, &reply), API_REPLIED);
    assert_int_equal(reply.code, COAP_INTERNAL_SERVER_ERROR);
    assert_int_equal(reply.max_age_s, COAP_MAX_AGE_NONE);
    f.api.settings.upstream_codes = false;
    f.api.core.meters = NULL;
    model_quotas_destroy(quotas);
}

static void upstream_codes_hide_what_old_clients_do_not_know(void **state)
{
    (void)state;
    assert_int_equal(api_status_code(ERR_LIMITED, false), COAP_TOO_MANY_REQUESTS);
    assert_int_equal(api_status_code(ERR_LIMITED, true), COAP_INTERNAL_SERVER_ERROR);
    assert_int_equal(api_status_code(ERR_WRONG_TRANSPORT, false), COAP_FORBIDDEN);
    assert_int_equal(api_status_code(ERR_WRONG_TRANSPORT, true), COAP_INTERNAL_SERVER_ERROR);
    assert_int_equal(api_status_code(ERR_INVALID, true), COAP_BAD_REQUEST);
    for (unsigned i = 0; i < 300; i++) {
        const struct coap_peer from = next_peer();
        assert_in_range(api_status_max_age(COAP_SERVICE_UNAVAILABLE, &from), 2, 10);
    }
    assert_int_equal(api_status_max_age(COAP_BAD_REQUEST, &peer), COAP_MAX_AGE_NONE);
}

static struct {
    char text[512];
    unsigned count;
    unsigned waiting; // calls of devices that wait by then
} raised;

static void put_pair(void *context, const char *key, struct slice value)
{
    buf_put_format(context, " %s=%.*s", key, SLICE_ARGS(value));
}

static void record(const void *own, const struct core_event *event, struct core_effects *effects)
{
    (void)own;
    static const struct core_event_names names = {
        {(const uint8_t *)"n", 1}, {(const uint8_t *)"t", 1}, {NULL, 0}};
    struct buf out = buf_over(raised.text, sizeof(raised.text) - 1);
    buf_put_format(&out, "%s %llu/%llu %.*s(%.*s)", core_event_type(event->kind),
                   (unsigned long long)event->tenant.number,
                   (unsigned long long)event->device.number, SLICE_ARGS(event->call->method),
                   SLICE_ARGS(event->call->params));
    core_event_metadata(event, &names, &out, put_pair);
    raised.text[out.len] = 0;
    raised.count++;
    raised.waiting = f.api.waiting.count;
    effects->count = 0;
}

static const struct core_plan_ops recorder = {record};
static const struct core_plan recording = {&recorder, NULL};

static void ask(const char *body, enum api_outcome outcome)
{
    const struct row row = {
        .method = COAP_POST, .path = "api/v1/T/rpc", .format = COAP_FORMAT_NONE, .body = body};
    const struct coap_peer from = next_peer();
    struct coap_reply reply;
    assert_int_equal(run(&row, &from, &reply), outcome);
}

static void a_call_of_a_device_is_an_event_once_it_waits(void **state)
{
    (void)state;
    f.api.core.plan = &recording;
    f.api.waiting.count = 0;
    raised.count = 0;
    ask("{\"method\":\"getTime\",\"params\":{ \"zone\" : 1 }}", API_PENDING);
    assert_int_equal(raised.count, 1);
    assert_int_equal(raised.waiting, 1);
    const char *session = strstr(raised.text, " sessionId=");
    assert_non_null(session);
    // Worker 0, over CoAP.
    assert_memory_equal(session, " sessionId=00000000-0000-81", 27);
    raised.text[session - raised.text] = 0;
    assert_string_equal(raised.text, "TO_SERVER_RPC_REQUEST 1/1 getTime({\"zone\":1}) "
                                     "deviceName=n deviceType=t requestId=0 serviceId=motehub");
    ask("{\"method\":5,\"params\":null}", API_PENDING);
    assert_memory_equal(raised.text, "TO_SERVER_RPC_REQUEST 1/1 5() ", 30);
    assert_int_equal(raised.count, 2);
    // What is refused is none: without a method, and when no more may wait.
    ask("{\"params\":1}", API_REPLIED);
    f.api.waiting.count = API_WAITING_MAX;
    for (uint32_t i = 0; i < API_WAITING_MAX; i++) {
        f.api.waiting.items[i].device.number = 2;
    }
    ask("{\"method\":\"m\"}", API_REPLIED);
    assert_int_equal(raised.count, 2);
    f.api.waiting.count = 0;
    f.api.core.plan = NULL;
    ask("{\"method\":\"m\"}", API_PENDING);
    assert_int_equal(raised.count, 2);
    f.api.waiting.count = 0;
}

// A device answers a call and asks what waits for it.
static void an_answer_that_is_refused_leaves_nothing_to_follow_it(void **state)
{
    (void)state;
    static struct api_follow follows[2];
    const struct row row = {.method = COAP_POST,
                            .path = "api/v1/T/rpc/7",
                            .format = COAP_FORMAT_JSON,
                            .query = "pending=0",
                            .body = "{}"};
    const struct coap_peer from = next_peer();
    struct coap_handle exchange;
    struct coap_reply reply;
    struct slice message;
    unsigned sender;
    f.api.follows = follows;
    assert_int_equal(run(&row, &from, &reply), API_PENDING);
    assert_int_equal(f.api.followed, 1);
    bus_flush(f.party);
    assert_true(bus_next(f.party, &sender, &message));
    struct core_mail answer = *(const struct core_mail *)(const void *)message.ptr;
    assert_int_equal(answer.kind, CORE_MAIL_REPLY);
    assert_false(bus_next(f.party, &sender, &message));
    bus_release(f.party);
    answer.question = answer.kind;
    answer.kind = CORE_MAIL_ANSWER;
    answer.body_len = 0;
    answer.err = ERR_EXHAUSTED;
    assert_int_equal(api_answered(&f.api, &answer, &exchange, &reply), API_REPLIED);
    assert_int_equal(reply.code, COAP_SERVICE_UNAVAILABLE);
    assert_int_equal(f.api.followed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_gets_its_answer),
        cmocka_unit_test(a_syntax_error_names_its_place),
        cmocka_unit_test(a_source_over_its_limit_hears_nothing),
        cmocka_unit_test(too_many_key_names_are_a_bad_request),
        cmocka_unit_test(strict_formats_take_the_label_at_its_word),
        cmocka_unit_test(a_body_in_blocks_is_judged_by_its_first),
        cmocka_unit_test(what_a_device_was_told_is_recorded),
        cmocka_unit_test(what_is_over_a_limit_is_refused_after_all_else),
        cmocka_unit_test(upstream_codes_hide_what_old_clients_do_not_know),
        cmocka_unit_test(a_call_of_a_device_is_an_event_once_it_waits),
        cmocka_unit_test(an_answer_that_is_refused_leaves_nothing_to_follow_it),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
