#include "story/stage.h"

#include <sched.h>

#include "plat/memory.h"
#include "server/trace.h"

struct stage stage;
const struct tenant_id stage_tenant = {1};
const struct device_id stage_device = {7};

const struct wall stage_noon = {1451649600512};

const struct coap_peer stage_peer = {.remote_ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 33},
                                     .remote_port = 5683};

static void *reserved(size_t size)
{
    void *memory = plat_memory_reserve(size);
    assert_non_null(memory);
    return memory;
}

static void wake(void *context)
{
    (void)context;
}

static struct store *open_the_reference_store(void)
{
    const struct store_limits limits = {.head_bytes_max = 1U << 20,
                                        .journal_bytes_max = 1U << 20,
                                        .journal_age_max = span_s(300),
                                        .commit_records_max = 64,
                                        .keys_per_device_max = 100,
                                        .keys_per_tenant_max = 1000};
    struct store *store = NULL;
    assert_int_equal(store_memory_open(&limits, &store), ERR_OK);
    return store;
}

static void start_the_store(struct store *store)
{
    stage.core.store = store;
    assert_int_equal(store_lane_open(store, 1U << 20, NULL, wake, &stage.lane), ERR_OK);
    assert_int_equal(store_lane_open(store, 1U << 20, NULL, wake, &stage.shard_lane), ERR_OK);
    assert_int_equal(store_start(store), ERR_OK);
}

static void know_the_device(void)
{
    struct model_index_entry entry = {.device = stage_device,
                                      .tenant = stage_tenant,
                                      .kind = MODEL_CREDENTIAL_TOKEN,
                                      .transport = MODEL_TRANSPORT_DEFAULT,
                                      .credential_len = 5};
    memcpy(entry.credential, "token", 5);
    epoch_init(&stage.epoch, 1);
    assert_int_equal(model_index_create(&stage.core.index, &stage.epoch, 16), ERR_OK);
    assert_int_equal(model_index_put(stage.core.index, &entry), ERR_OK);
}

static const struct coap_endpoint_limits limits = {.dedup = {1024, 8192},
                                                   .exchanges_max = 16,
                                                   .sent_max = 16,
                                                   .peers_max = 16,
                                                   .bodies_max = 4,
                                                   .bodies_unproven_max = 2,
                                                   .body_bytes_max = 131072,
                                                   .answer_bytes_max = 8192,
                                                   .transmit_max = 16};

static void open_the_endpoint(void)
{
    const struct coap_endpoint_settings settings = {
        .ack_wait = span_ms(500), .szx_max = 6, .nstart = 1, .key = {{1, 2}}, .seed = 3};
    stage.endpoint = coap_endpoint_init(reserved(coap_endpoint_footprint(&limits)), &limits,
                                        &settings, stage.now);
}

static void open_the_shard(void)
{
    const struct core_shard_settings settings = {.devices_max = 16,
                                                 .calls_max = 16,
                                                 .calls_per_device = 4,
                                                 .fetches_max = 4,
                                                 .jobs_max = 16,
                                                 .parcels_max = 16,
                                                 .retries_max = 5,
                                                 .response_wait = span_s(30),
                                                 .pace = span_s(3),
                                                 .probe_every = span_s(86400),
                                                 .probe_again = span_s(60),
                                                 .probe_most = span_s(3600),
                                                 .silence_most = span_s(2592000),
                                                 .fetch_most = span_s(60)};
    const struct core_shard_plan plan = {.core = &stage.core,
                                         .party = stage.worker,
                                         .lane = stage.shard_lane,
                                         .memory = &stage.turn_memory,
                                         .ops = &api_notice_ops,
                                         .settings = settings};
    stage.shard = core_shard_init(reserved(core_shard_footprint(&settings)), &plan, stage.now);
}

static void open_the_api(void)
{
    const struct rate no_limit = {.count = 0};
    stage.api = (struct api){.settings = {.type_cast = true, .body_max = COAP_BODY_MAX},
                             .core = {.lane = stage.lane,
                                      .index = stage.core.index,
                                      .bus = stage.core.bus,
                                      .party = stage.worker,
                                      .reached = stage.core.reached},
                             .memory = &stage.turn_memory};
    stage.api.follows = reserved(limits.exchanges_max * sizeof(struct api_follow));
    stage.api.refusals.table = rate_table_init(reserved(rate_table_footprint(16)), 16, &no_limit);
}

int stage_open(void **state)
{
    (void)state;
    stage_open_on(open_the_reference_store());
    return 0;
}

void stage_open_on(struct store *owned_store)
{
    memset(&stage, 0, sizeof(stage));
    stage.now = (struct mono){span_s(1).ns};
    stage.core.reached = &stage.reached;
    arena_init(&stage.turn_memory, reserved(4U << 20), 4U << 20);
    assert_int_equal(bus_create(&stage.core.bus, 1, CORE_MAIL_RING), ERR_OK);
    assert_int_equal(bus_join(stage.core.bus, NULL, &stage.worker), ERR_OK);
    assert_int_equal(bus_join(stage.core.bus, NULL, &stage.desk), ERR_OK);
    start_the_store(owned_store);
    know_the_device();
    open_the_endpoint();
    open_the_shard();
    open_the_api();
}

static void recall_one(void *context, const struct store_trace *stored, struct wall at)
{
    struct server_trace trace;
    (void)context;
    (void)at;
    if (server_trace_read(stored, &trace)) {
        coap_dedup_restore(coap_endpoint_dedup(stage.endpoint), stage.now, trace.key, trace.code,
                           span_s(0));
    }
}

void stage_recall(void)
{
    store_traces(stage.core.store, (struct wall){0}, NULL, recall_one);
}

int stage_close(void **state)
{
    (void)state;
    store_stop(stage.core.store);
    bus_destroy(stage.core.bus);
    store_close(stage.core.store);
    model_index_destroy(stage.core.index);
    return 0;
}

static bool receive(struct slice bytes, struct coap_event *event)
{
    const struct coap_datagram datagram = {.peer = stage_peer, .bytes = bytes};
    return coap_endpoint_input(stage.endpoint, stage.now, &datagram, event);
}

static struct slice write_request(const struct stage_request *request)
{
    struct buf out = buf_over(stage.datagram, sizeof(stage.datagram));
    const struct coap_token token = {{request->token}, 1};
    struct coap_message_writer writer =
        coap_message_begin(&out, COAP_CON, request->method, request->mid, &token);
    if (request->observe) {
        coap_message_option_uint(&writer, COAP_OPTION_OBSERVE, 0);
    }
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("api"));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("v1"));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("token"));
    struct slice rest = slice_text(request->path);
    while (rest.ptr != NULL) {
        coap_message_option(&writer, COAP_OPTION_URI_PATH, slice_cut(&rest, '/'));
    }
    coap_message_payload(&writer,
                         request->payload != NULL ? slice_text(request->payload) : SLICE_EMPTY);
    assert_false(out.overflow);
    return buf_view(&out);
}

void stage_repeat(const struct stage_request *request)
{
    struct coap_event event;
    assert_true(receive(write_request(request), &event));
    assert_int_equal(event.kind, COAP_EVENT_REPEATED);
}

enum api_outcome stage_request(const struct stage_request *request, struct coap_reply *reply)
{
    const struct api_time now = {stage.now, stage_noon};
    struct api_origin origin = {.steer = 0};
    struct coap_event event;
    assert_true(receive(write_request(request), &event));
    assert_int_equal(event.kind, COAP_EVENT_REQUEST);
    const struct server_trace trace = {event.request.dedup, COAP_CREATED, origin.steer};
    server_trace_write(&trace, &origin.trace);
    epoch_enter(&stage.epoch, 0);
    const enum api_outcome outcome = api_request(&stage.api, now, &event.request, &origin, reply);
    epoch_leave(&stage.epoch, 0);
    return outcome;
}

struct coap_event stage_acknowledge(uint16_t mid)
{
    struct coap_event event;
    uint8_t memory[COAP_HEADER_SIZE];
    struct buf out = buf_over(memory, sizeof(memory));
    coap_message_write_empty(&out, COAP_ACK, mid);
    assert_true(receive(buf_view(&out), &event));
    return event;
}

struct coap_message stage_hear(struct coap_options *options)
{
    struct coap_datagram out;
    struct coap_message message;
    assert_true(coap_endpoint_output(stage.endpoint, stage.now, &out));
    assert_true(coap_peer_equal(&out.peer, &stage_peer));
    memcpy(stage.heard, out.bytes.ptr, out.bytes.len);
    assert_int_equal(coap_message_parse(slice_of(stage.heard, out.bytes.len), &message),
                     COAP_MESSAGE_OK);
    coap_options_read(message.options, options);
    return message;
}

void stage_hear_nothing(void)
{
    struct coap_datagram out;
    assert_false(coap_endpoint_output(stage.endpoint, stage.now, &out));
}

static const struct core_shard_time *shard_time(void)
{
    static struct core_shard_time now;
    now = (struct core_shard_time){stage.now, stage_noon};
    return &now;
}

const struct core_mail *stage_take(enum core_mail_kind kind)
{
    struct slice message;
    bus_flush(stage.worker);
    while (!bus_next(stage.worker, &stage.letter.from, &message)) {
        // What the store has done meanwhile makes the shard write the next one.
        core_shard_turn(stage.shard, *shard_time());
        bus_flush(stage.worker);
        sched_yield();
    }
    assert_in_range(message.len, sizeof(stage.letter.mail),
                    sizeof(stage.letter.mail) + STAGE_LETTER_BODY);
    memcpy(&stage.letter, message.ptr, message.len);
    bus_release(stage.worker);
    assert_int_equal(stage.letter.mail.kind, kind);
    return &stage.letter.mail;
}

void stage_to_shard(void)
{
    core_shard_take(stage.shard, *shard_time(), stage.letter.from, &stage.letter.mail);
    core_shard_turn(stage.shard, *shard_time());
    core_shard_check(stage.shard);
}

void stage_order(struct core_order *order)
{
    struct core_desk desk = {.bus = stage.core.bus, .party = stage.desk};
    order->tenant = stage_tenant;
    order->device = stage_device;
    assert_int_equal(core_desk_send(&desk, order), ERR_OK);
    (void)stage_take(CORE_MAIL_ORDER);
    stage_to_shard();
}
