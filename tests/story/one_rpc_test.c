// The path of one call (RPC): a person asks a device for something and waits; the device does it
// and answers. No sockets and no database, as in one_notification_test.c, which is to be read
// first: a call is sent as a notification is.
//
// Read it from the bottom: `a_call_travels_to_the_device_and_back`.
#include "story/stage.h"

// What the person's request came to.
static struct {
    unsigned count;
    enum err err;
    char text[64];
} answer;

static void answered(struct core_order *order, enum err err, struct slice response)
{
    (void)order;
    answer.count++;
    answer.err = err;
    assert_in_range(response.len, 0, sizeof(answer.text) - 1);
    memcpy(answer.text, response.ptr, response.len);
    answer.text[response.len] = 0;
}

// Station 1: the device observes its calls. The first answer is empty: 2.03.
static void the_device_observes_its_calls(void)
{
    struct coap_reply reply;
    struct coap_handle exchange;
    struct coap_options options;
    const struct stage_request request = {
        .method = COAP_GET, .mid = 0x2001, .token = 0x4B, .path = "rpc", .observe = true};
    assert_int_equal(stage_request(&request, &reply), API_PENDING);
    (void)stage_take(CORE_MAIL_SUBSCRIBE);
    stage_to_shard();
    (void)stage_take(CORE_MAIL_ANSWER);
    assert_int_equal(api_answered(&stage.api, &stage.letter.mail, &exchange, &reply), API_REPLIED);
    coap_endpoint_reply(stage.endpoint, stage.now, exchange, &reply);
    const struct coap_message message = stage_hear(&options);
    assert_int_equal(message.code, COAP_VALID);
    assert_int_equal(options.observe, 0);
    (void)stage_take(CORE_MAIL_STARTED);
    stage_to_shard();
}

// Station 2: the order goes to the shard. The id comes from the device's own count, of which a few
// are reserved on disk before the first is used: no id is ever used twice. The person's HTTP
// request is parked meanwhile and holds no thread.
static void the_person_calls(struct core_order *order)
{
    *order = (struct core_order){.kind = CORE_ORDER_CALL,
                                 .call = {.method = SLICE("blink"),
                                          .params = SLICE("{\"n\":3}"),
                                          .created = {1451649600512},
                                          .expires = {1451649600512 + 10000}},
                                 .done = answered};
    stage_order(order);
    (void)stage_take(CORE_MAIL_NOTICE);
    assert_int_equal(answer.count, 0);
}

// Station 3: it goes out as a notification, and is acknowledged. The device has it; nobody has its
// answer yet.
static void the_device_takes_it(void)
{
    struct coap_options options;
    struct coap_event event;
    api_notice_send(&stage.api, stage.endpoint, stage.now, &stage.letter.mail);
    const struct coap_message message = stage_hear(&options);
    assert_int_equal(message.type, COAP_CON);
    assert_int_equal(message.token.bytes[0], 0x4B);
    assert_int_equal(options.observe, 1);
    assert_true(slice_equal(message.payload,
                            SLICE("{\"id\":1,\"method\":\"blink\",\"params\":{\"n\":3}}")));
    assert_true(coap_endpoint_tick(stage.endpoint, stage.now, &event));
    api_notice_outcome(&stage.api, &event);
    assert_int_equal(stage_take(CORE_MAIL_OUTCOME)->outcome, CORE_OUTCOME_TRANSMITTED);
    stage_to_shard();
    event = stage_acknowledge(message.mid);
    api_notice_outcome(&stage.api, &event);
    assert_int_equal(stage_take(CORE_MAIL_OUTCOME)->outcome, CORE_OUTCOME_DELIVERED);
    stage_to_shard();
    assert_int_equal(answer.count, 0);
}

// Station 4: the device posts to rpc/1, with a token of its own choice, from wherever it is.
static void the_device_answers(void)
{
    struct coap_reply reply;
    const struct stage_request request = {.method = COAP_POST,
                                          .mid = 0x2002,
                                          .token = 0x77,
                                          .path = "rpc/1",
                                          .payload = "{\"done\":true}"};
    assert_int_equal(stage_request(&request, &reply), API_PENDING);
    const struct core_mail *mail = stage_take(CORE_MAIL_REPLY);
    assert_int_equal(mail->number, 1);
    stage_to_shard();
}

// Station 5: whoever waits is told, on the shard's thread; then the device, so that it forgets the
// call.
static void both_are_told(void)
{
    struct coap_reply reply;
    struct coap_handle exchange;
    struct coap_options options;
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err, ERR_OK);
    assert_string_equal(answer.text, "{\"done\":true}");
    // The worker said besides that it heard the device, which here changes nothing.
    (void)stage_take(CORE_MAIL_HEARD);
    stage_to_shard();
    (void)stage_take(CORE_MAIL_ANSWER);
    assert_int_equal(api_answered(&stage.api, &stage.letter.mail, &exchange, &reply), API_REPLIED);
    coap_endpoint_reply(stage.endpoint, stage.now, exchange, &reply);
    const struct coap_message message = stage_hear(&options);
    assert_int_equal(message.type, COAP_ACK);
    assert_int_equal(message.code, COAP_CREATED);
    assert_int_equal(message.mid, 0x2002);
}

static void a_call_travels_to_the_device_and_back(void **state)
{
    (void)state;
    struct core_order order;
    the_device_observes_its_calls();

    the_person_calls(&order);
    the_device_takes_it();
    the_device_answers();
    both_are_told();

    // It is over: nothing is kept of it, nothing is sent any more.
    stage_hear_nothing();
    assert_int_equal(core_shard_stats(stage.shard).calls, 0);
    coap_endpoint_check(stage.endpoint, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_travels_to_the_device_and_back),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
