// The path of one notification: a person changes a shared attribute, and the device that observes
// them hears of it. No sockets and no database: the same code that the server wires, with the
// reference store, and time that stands still. The stations are those of ARCHITECTURE.md, "Reaching
// a device".
//
// Read it from the bottom: `a_change_travels_from_the_person_to_the_device`.
#include <sched.h>

#include "story/stage.h"

// Station 1: GET attributes with Observe 0. It has to be kept, and that is the shard's affair: the
// worker writes it a letter.
static void the_device_asks_to_observe(void)
{
    struct coap_reply reply;
    const struct stage_request request = {
        .method = COAP_GET, .mid = 0x1001, .token = 0x4A, .path = "attributes", .observe = true};
    assert_int_equal(stage_request(&request, &reply), API_PENDING);
    const struct core_mail *mail = stage_take(CORE_MAIL_SUBSCRIBE);
    assert_int_equal(mail->registration.token[0], 0x4A);
    assert_true(mail->registration.confirmable);
}

// Station 2: the shard commits the observation before it says yes, so that it outlives the server.
// Its answer carries the number of the first notification.
static void the_shard_keeps_the_observation(void)
{
    stage_to_shard();
    assert_int_equal(stage_take(CORE_MAIL_ANSWER)->number, 0);
}

// Station 3: the first answer shows all that there is. It is read on a thread of the store, since
// that may take the disk.
static void the_worker_reads_what_there_is(void)
{
    struct coap_handle exchange;
    struct coap_reply reply;
    struct store_load *load = NULL;
    assert_int_equal(api_answered(&stage.api, &stage.letter.mail, &exchange, &reply), API_PENDING);
    while (load == NULL) {
        load = store_load_collect(stage.lane);
        sched_yield();
    }
    api_loaded(&stage.api, load, &exchange, &reply);
    coap_endpoint_reply(stage.endpoint, stage.now, exchange, &reply);
    store_load_release(load);
}

static void the_device_knows_all_of_them(void)
{
    struct coap_options options;
    const struct coap_message message = stage_hear(&options);
    assert_int_equal(message.type, COAP_ACK);
    assert_int_equal(message.code, COAP_CONTENT);
    assert_true(options.has_observe);
    assert_true(slice_equal(message.payload, SLICE("{}")));
    // Only now may changes follow.
    (void)stage_take(CORE_MAIL_STARTED);
    stage_to_shard();
}

static unsigned orders_done;

static void order_done(struct core_order *order, enum err err, struct slice response)
{
    (void)order;
    (void)response;
    assert_int_equal(err, ERR_OK);
    orders_done++;
}

// Station 4: mode = "eco". One commit holds the value and, in the device's outbox, the number of
// the change. REST answers 200 after it, whatever becomes of the device.
static void the_person_changes_an_attribute(void)
{
    uint8_t row[32];
    const struct model_value eco = {.type = MODEL_VALUE_STRING, .text = SLICE("eco")};
    const uint8_t *end = store_attribute_put(row, 1451649600512, &eco);
    const struct store_state_change item = {STORE_STATE_SHARED, SLICE("mode"), false,
                                            slice_of(row, (size_t)(end - row))};
    const struct store_change change = {&item, 1};
    struct core_order order = {.kind = CORE_ORDER_CHANGE, .change = &change, .done = order_done};
    stage_order(&order);
    (void)stage_take(CORE_MAIL_NOTICE);
    assert_int_equal(orders_done, 1);
}

// Station 5: the letter says what and where to; the endpoint makes a message of it, sends it in its
// turn and keeps it to repeat it. That it left is told to the shard.
static uint16_t the_endpoint_sends_it(void)
{
    struct coap_options options;
    struct coap_event event;
    api_notice_send(&stage.api, stage.endpoint, stage.now, &stage.letter.mail);
    const struct coap_message message = stage_hear(&options);
    assert_int_equal(message.type, COAP_CON);
    assert_int_equal(message.code, COAP_CONTENT);
    assert_int_equal(message.token.bytes[0], 0x4A);
    assert_int_equal(options.observe, 1);
    assert_int_equal(options.max_age, 86400);
    assert_true(slice_equal(message.payload, SLICE("{\"mode\":\"eco\"}")));
    assert_true(coap_endpoint_tick(stage.endpoint, stage.now, &event));
    assert_int_equal(event.kind, COAP_EVENT_TRANSMITTED);
    api_notice_outcome(&stage.api, &event);
    (void)stage_take(CORE_MAIL_OUTCOME);
    stage_to_shard();
    assert_int_equal(core_shard_stats(stage.shard).delivered, 0);
    return message.mid;
}

// Station 6: the ACK is the proof, and nothing else is. The counter that says what the device knows
// moves on, on disk.
static void the_device_acknowledges(uint16_t mid)
{
    const struct coap_event event = stage_acknowledge(mid);
    assert_int_equal(event.kind, COAP_EVENT_DELIVERED);
    api_notice_outcome(&stage.api, &event);
    assert_int_equal(stage_take(CORE_MAIL_OUTCOME)->outcome, CORE_OUTCOME_DELIVERED);
    stage_to_shard();
    assert_int_equal(core_shard_stats(stage.shard).delivered, 1);
}

static void a_change_travels_from_the_person_to_the_device(void **state)
{
    (void)state;
    the_device_asks_to_observe();
    the_shard_keeps_the_observation();
    the_worker_reads_what_there_is();
    the_device_knows_all_of_them();

    the_person_changes_an_attribute();
    const uint16_t mid = the_endpoint_sends_it();
    the_device_acknowledges(mid);

    // Once: nothing is repeated, nothing is left over.
    stage_hear_nothing();
    coap_endpoint_check(stage.endpoint, true);
    assert_int_equal(core_shard_stats(stage.shard).observations, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_travels_from_the_person_to_the_device),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
