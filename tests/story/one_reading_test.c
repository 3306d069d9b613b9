// The path of one reading, from the datagram that a device sends to the answer it hears, and back
// to the person who reads it. No sockets and no database: the same code that the server wires, with
// the reference store, and time as a parameter. The stations are those of ARCHITECTURE.md.
//
// Read it from the bottom: `a_reading_travels_from_the_device_to_the_person`.
#include <sched.h>

#include "story/stage.h"

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

// Stations 3 and 4: the message is a view of the datagram; it is new; it is a whole request.
static bool the_endpoint_takes(struct slice bytes, struct coap_event *event)
{
    const struct coap_datagram datagram = {.peer = stage_peer, .bytes = bytes};
    return coap_endpoint_input(stage.endpoint, stage.now, &datagram, event);
}

// Stations 5 to 8: who is it, what does it say, into the lane of the store.
static enum api_outcome the_api_runs(const struct coap_event *event, struct coap_reply *reply)
{
    const struct api_time now = {stage.now, stage_noon};
    const struct api_origin origin = {.trace = {{1}}};
    epoch_enter(&stage.epoch, 0);
    const enum api_outcome outcome = api_request(&stage.api, now, &event->request, &origin, reply);
    epoch_leave(&stage.epoch, 0);
    return outcome;
}

// Station 9: one commit for all that came in the turn; the completion comes after it.
static struct store_completion the_store_commits(void)
{
    struct store_completion completion;
    store_flush(stage.lane);
    while (!store_collect(stage.lane, &completion)) {
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
    api_completed(&stage.api, completion, &exchange, &reply);
    coap_endpoint_reply(stage.endpoint, stage.now, exchange, &reply);
    assert_true(coap_endpoint_output(stage.endpoint, stage.now, &out));
    assert_true(coap_peer_equal(&out.peer, &stage_peer));
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
    assert_int_equal(
        store_latest(stage.core.store, stage_tenant, stage_device, NULL, 0, &found, emit), ERR_OK);
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
    assert_int_equal(completion.time_ms, stage_noon.ms);

    const struct coap_message answer = the_device_hears(&completion);
    assert_int_equal(answer.type, COAP_ACK);
    assert_int_equal(answer.code, COAP_CREATED);
    assert_int_equal(answer.mid, 0x1234);

    // A repeat of the same message is answered again and stored once.
    struct coap_datagram out;
    assert_true(the_endpoint_takes(datagram, &event));
    assert_int_equal(event.kind, COAP_EVENT_REPEATED);
    assert_true(coap_endpoint_output(stage.endpoint, stage.now, &out));

    const struct store_point point = the_person_reads();
    assert_int_equal(point.time_ms, stage_noon.ms);
    assert_int_equal(point.value.type, MODEL_VALUE_DOUBLE);
    assert_true(point.value.real == 25.5);
    coap_endpoint_check(stage.endpoint, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reading_travels_from_the_device_to_the_person),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
