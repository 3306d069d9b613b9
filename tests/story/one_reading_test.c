// The path of one reading, from the datagram that a device sends to the answer it hears, and back
// to the person who reads it. No sockets and no database: the same code that the server wires, with
// the reference store, and time as a parameter. The stations are those of ARCHITECTURE.md.
//
// Read it from the bottom: `a_reading_travels_from_the_device_to_the_person`.
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/api.h"
#include "coap/endpoint.h"
#include "core/core.h"
#include "model/index.h"
#include "plat/memory.h"
#include "store/store.h"

static const struct tenant_id tenant = {1};
static const struct device_id device = {7};
static const struct wall noon = {1451649600512};

// What a worker owns.
static struct {
    struct epoch epoch;
    struct model_index *index;
    struct store *store;
    struct store_lane *lane;
    struct coap_endpoint *endpoint;
    struct arena turn_memory;
    struct api api;
    struct mono now;
} worker;

static void *reserved(size_t size)
{
    void *memory = plat_memory_reserve(size);
    assert_non_null(memory);
    return memory;
}

static void open_the_store(void)
{
    const struct store_limits limits = {.head_bytes_max = 1U << 20,
                                        .journal_bytes_max = 1U << 20,
                                        .journal_age_max = span_s(300),
                                        .commit_records_max = 64,
                                        .keys_per_device_max = 100,
                                        .keys_per_tenant_max = 1000};
    assert_int_equal(store_memory_open(&limits, &worker.store), ERR_OK);
    assert_int_equal(store_lane_open(worker.store, 1U << 20, NULL, NULL, &worker.lane), ERR_OK);
    assert_int_equal(store_start(worker.store), ERR_OK);
}

static void know_the_device(void)
{
    struct model_index_entry entry = {.device = device,
                                      .tenant = tenant,
                                      .kind = MODEL_CREDENTIAL_TOKEN,
                                      .transport = MODEL_TRANSPORT_DEFAULT,
                                      .credential_len = 5};
    memcpy(entry.credential, "token", 5);
    epoch_init(&worker.epoch, 1);
    assert_int_equal(model_index_create(&worker.index, &worker.epoch, 16), ERR_OK);
    assert_int_equal(model_index_put(worker.index, &entry), ERR_OK);
}

static void open_the_endpoint(void)
{
    const struct coap_endpoint_limits limits = {.dedup = {1024, 8192},
                                                .exchanges_max = 16,
                                                .sent_max = 16,
                                                .peers_max = 16,
                                                .bodies_max = 4,
                                                .bodies_unproven_max = 2,
                                                .body_bytes_max = 131072,
                                                .answer_bytes_max = 8192,
                                                .transmit_max = 16};
    const struct coap_endpoint_settings settings = {
        .ack_wait = span_ms(500), .szx_max = 6, .nstart = 1, .key = {{1, 2}}, .seed = 3};
    worker.endpoint = coap_endpoint_init(reserved(coap_endpoint_footprint(&limits)), &limits,
                                         &settings, worker.now);
}

static int open_all(void **state)
{
    (void)state;
    worker.now = (struct mono){span_s(1).ns};
    arena_init(&worker.turn_memory, reserved(1U << 20), 1U << 20);
    open_the_store();
    know_the_device();
    open_the_endpoint();
    const struct rate no_limit = {.count = 0};
    static struct filter nobody;
    worker.api =
        (struct api){.settings = {.type_cast = true, .body_max = COAP_BODY_MAX},
                     .core = {.lane = worker.lane, .index = worker.index, .reached = &nobody},
                     .memory = &worker.turn_memory};
    worker.api.refusals.table = rate_table_init(reserved(rate_table_footprint(16)), 16, &no_limit);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    store_stop(worker.store);
    store_close(worker.store);
    model_index_destroy(worker.index);
    return 0;
}

// Station 1: a confirmable POST, as libcoap's client would send it.
static struct slice datagram_of_the_device(uint8_t *memory, size_t size)
{
    struct buf out = buf_over(memory, size);
    const struct coap_token coap_token = {{0x4A}, 1};
    struct coap_message_writer writer =
        coap_message_begin(&out, COAP_CON, COAP_POST, 0x1234, &coap_token);
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("api"));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("v1"));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("token"));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("telemetry"));
    coap_message_option_uint(&writer, COAP_OPTION_CONTENT_FORMAT, COAP_FORMAT_JSON);
    coap_message_payload(&writer, SLICE("{\"temperature\":25.5}"));
    assert_false(out.overflow);
    return buf_view(&out);
}

static const struct coap_peer peer = {
    .remote_ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 33}, .remote_port = 5683};

// Stations 3 and 4: the message is a view of the datagram; it is new; it is a whole request.
static bool the_endpoint_takes(struct slice bytes, struct coap_event *event)
{
    const struct coap_datagram datagram = {.peer = peer, .bytes = bytes};
    return coap_endpoint_input(worker.endpoint, worker.now, &datagram, event);
}

// Stations 5 to 8: who is it, what does it say, into the lane of the store.
static enum api_outcome the_api_runs(const struct coap_event *event, struct coap_reply *reply)
{
    const struct api_time now = {worker.now, noon};
    const struct api_origin origin = {.trace = {{1}}};
    epoch_enter(&worker.epoch, 0);
    const enum api_outcome outcome = api_request(&worker.api, now, &event->request, &origin, reply);
    epoch_leave(&worker.epoch, 0);
    return outcome;
}

// Station 9: one commit for all that came in the turn; the completion comes after it.
static struct store_completion the_store_commits(void)
{
    struct store_completion completion;
    store_flush(worker.lane);
    while (!store_collect(worker.lane, &completion)) {
        sched_yield();
    }
    return completion;
}

// Station 10: the answer, piggybacked since it is in time. Station 11: out it goes.
static struct coap_message the_device_hears(const struct store_completion *completion)
{
    static uint8_t heard[COAP_DATAGRAM_MAX];
    struct coap_handle exchange;
    struct coap_reply reply;
    struct coap_datagram out;
    struct coap_message message;
    api_completed(&worker.api, completion, &exchange, &reply);
    coap_endpoint_reply(worker.endpoint, worker.now, exchange, &reply);
    assert_true(coap_endpoint_output(worker.endpoint, worker.now, &out));
    assert_true(coap_peer_equal(&out.peer, &peer));
    memcpy(heard, out.bytes.ptr, out.bytes.len);
    assert_int_equal(coap_message_parse(slice_of(heard, out.bytes.len), &message), COAP_MESSAGE_OK);
    return message;
}

static bool emit(void *context, const struct store_point *point)
{
    struct store_point *found = context;
    *found = *point;
    return true;
}

// And the person: the latest values of the device.
static struct store_point the_person_reads(void)
{
    struct store_point found = {.time_ms = 0};
    assert_int_equal(store_latest(worker.store, tenant, device, NULL, 0, &found, emit), ERR_OK);
    return found;
}

static void a_reading_travels_from_the_device_to_the_person(void **state)
{
    (void)state;
    uint8_t memory[256];
    struct coap_event event;
    struct coap_reply reply;

    const struct slice datagram = datagram_of_the_device(memory, sizeof(memory));
    assert_true(the_endpoint_takes(datagram, &event));
    assert_int_equal(event.kind, COAP_EVENT_REQUEST);

    assert_int_equal(the_api_runs(&event, &reply), API_PENDING);
    const struct store_completion completion = the_store_commits();
    assert_int_equal(completion.err, ERR_OK);
    assert_int_equal(completion.time_ms, noon.ms);

    const struct coap_message answer = the_device_hears(&completion);
    assert_int_equal(answer.type, COAP_ACK);
    assert_int_equal(answer.code, COAP_CREATED);
    assert_int_equal(answer.mid, 0x1234);

    // A repeat of the same message is answered again and stored once.
    struct coap_datagram out;
    assert_true(the_endpoint_takes(datagram, &event));
    assert_int_equal(event.kind, COAP_EVENT_REPEATED);
    assert_true(coap_endpoint_output(worker.endpoint, worker.now, &out));

    const struct store_point point = the_person_reads();
    assert_int_equal(point.time_ms, noon.ms);
    assert_int_equal(point.value.type, MODEL_VALUE_DOUBLE);
    assert_true(point.value.real == 25.5);
    coap_endpoint_check(worker.endpoint, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reading_travels_from_the_device_to_the_person),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
