// The endpoint as the RFCs describe it, one behaviour a test.
#include "coap/endpoint_test.h"

#include "coap/bodies.h"

static void a_ready_answer_is_piggybacked(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    coap_message_payload(&f->writer, SLICE("hello"));
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_REQUEST);
    assert_true(slice_equal(f->event.request.body, SLICE("hello")));
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    expect(f, COAP_ACK, COAP_CREATED);
    assert_int_equal(f->message.mid, 7);
    assert_int_equal(f->message.token.len, 2);
    expect_nothing(f);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void a_repeat_gets_the_same_answer_without_the_handler(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_GET, 7);
    assert_true(input(f));
    assert_false(input(f));
    assert_true(coap_peer_equal(f->repeated.peer, &f->peer));
    assert_int_equal(f->repeated.dedup.peer_and_mid, f->event.request.dedup.peer_and_mid);
    assert_int_equal(f->repeated.method, COAP_GET);
    assert_true(f->repeated.confirmable);
    expect_nothing(f);
    reply_with(f, COAP_CONTENT, SLICE("body"));
    expect(f, COAP_ACK, COAP_CONTENT);
    const size_t len = f->sent_len;
    request(f, COAP_CON, COAP_GET, 7);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_int_equal(f->sent_len, len);
    assert_true(slice_equal(f->message.payload, SLICE("body")));
    assert_int_equal(coap_endpoint_stats(f->endpoint).duplicates, 2);
    drop(f);
}

static void a_late_answer_is_a_confirmable_message_of_its_own(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    assert_true(input(f));
    const struct coap_handle exchange = f->event.request.exchange;
    (void)pass_ms(f, 499);
    expect_nothing(f);
    (void)pass_ms(f, 40);
    expect(f, COAP_ACK, COAP_EMPTY);
    assert_int_equal(f->message.mid, 7);
    // A repeat gets the empty ACK again.
    request(f, COAP_CON, COAP_POST, 7);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_EMPTY);
    f->event.request.exchange = exchange;
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    expect(f, COAP_CON, COAP_CREATED);
    assert_int_equal(f->message.token.len, 2);
    const uint16_t mid = f->message.mid;
    // Repeated until it is acknowledged, then done.
    (void)pass_ms(f, 3100);
    expect(f, COAP_CON, COAP_CREATED);
    assert_int_equal(f->message.mid, mid);
    empty_message(f, COAP_ACK, mid);
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_DELIVERED);
    (void)pass_ms(f, 60000);
    expect_nothing(f);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void an_unacknowledged_answer_is_given_up_after_four_repeats(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    coap_message_payload(&f->writer, SLICE("a body that pays for five small answers"));
    assert_true(input(f));
    const struct coap_handle exchange = f->event.request.exchange;
    (void)pass_ms(f, 520);
    expect(f, COAP_ACK, COAP_EMPTY);
    f->event.request.exchange = exchange;
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    unsigned transmissions = 0;
    bool lost = false;
    for (unsigned i = 0; i < 200 && !lost; i++) {
        while (output(f)) {
            transmissions++;
        }
        lost = pass_ms(f, 500) == COAP_EVENT_LOST;
    }
    assert_true(lost);
    assert_int_equal(transmissions, 5);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void a_rst_ends_a_message_of_ours(void **state)
{
    (void)state;
    struct coap_endpoint_settings separate = usual;
    separate.separate_responses = true;
    struct fixture *f = make(&separate);
    request(f, COAP_CON, COAP_POST, 7);
    assert_true(input(f));
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    expect(f, COAP_CON, COAP_CREATED);
    empty_message(f, COAP_RST, f->message.mid);
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_REJECTED);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void refusals_stay_piggybacked_where_successes_are_separate(void **state)
{
    (void)state;
    struct coap_endpoint_settings separate = usual;
    separate.separate_responses = true;
    struct fixture *f = make(&separate);
    request(f, COAP_CON, COAP_POST, 7);
    assert_true(input(f));
    reply_with(f, COAP_BAD_REQUEST, SLICE_EMPTY);
    expect(f, COAP_ACK, COAP_BAD_REQUEST);
    drop(f);
}

static void a_non_request_gets_a_non_answer_once(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_NON, COAP_POST, 7);
    assert_true(input(f));
    (void)pass_ms(f, 600);
    expect_nothing(f);
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    expect(f, COAP_NON, COAP_CREATED);
    request(f, COAP_NON, COAP_POST, 7);
    assert_false(input(f));
    expect_nothing(f);
    drop(f);
}

static void a_refusal_without_effect_is_judged_anew(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    for (unsigned i = 0; i < 2; i++) {
        request(f, COAP_CON, COAP_POST, 7);
        assert_true(input(f));
        const struct coap_reply reply = {.code = COAP_UNAUTHORIZED,
                                         .content_format = COAP_FORMAT_NONE,
                                         .max_age_s = COAP_MAX_AGE_NONE,
                                         .no_effect = true};
        coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
        expect(f, COAP_ACK, COAP_UNAUTHORIZED);
    }
    drop(f);
}

static void a_dropped_request_leaves_nothing(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    assert_true(input(f));
    coap_endpoint_drop(f->endpoint, f->event.request.exchange);
    (void)pass_ms(f, 1000);
    expect_nothing(f);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void a_ping_gets_a_rst(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    empty_message(f, COAP_CON, 77);
    assert_false(input(f));
    expect(f, COAP_RST, COAP_EMPTY);
    assert_int_equal(f->message.mid, 77);
    drop(f);
}

static void malformed_con_gets_a_rst_malformed_non_nothing(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    buf_put_u8(&f->out, 0xFF);
    assert_false(input(f));
    expect(f, COAP_RST, COAP_EMPTY);
    request(f, COAP_NON, COAP_POST, 8);
    buf_put_u8(&f->out, 0xFF);
    assert_false(input(f));
    expect_nothing(f);
    assert_int_equal(coap_endpoint_stats(f->endpoint).malformed, 2);
    drop(f);
}

static void unmatched_acks_and_rsts_are_ignored(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    empty_message(f, COAP_ACK, 1);
    assert_false(input(f));
    empty_message(f, COAP_RST, 2);
    assert_false(input(f));
    expect_nothing(f);
    drop(f);
}

static void an_unknown_critical_option_is_4_02_for_con_and_silence_for_non(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    coap_message_option(&f->writer, 65001, SLICE("x"));
    coap_message_payload(&f->writer, SLICE("enough bytes to pay for the diagnostic"));
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_BAD_OPTION);
    assert_true(slice_equal(f->message.payload, SLICE("unknown critical option 65001")));
    request(f, COAP_NON, COAP_POST, 8);
    coap_message_option(&f->writer, 65001, SLICE("x"));
    assert_false(input(f));
    expect_nothing(f);
    // An elective one is ignored.
    request(f, COAP_CON, COAP_POST, 9);
    coap_message_option(&f->writer, 65000, SLICE("x"));
    assert_true(input(f));
    drop(f);
}

struct option_row {
    uint32_t number;
    struct slice value;
    uint8_t code;
};

static void conditions_and_proxies_are_refused_as_the_rfc_says(void **state)
{
    (void)state;
    const struct option_row rows[] = {
        {COAP_OPTION_PROXY_URI, SLICE("coap://x/"), COAP_PROXYING_NOT_SUPPORTED},
        {COAP_OPTION_PROXY_SCHEME, SLICE("coap"), COAP_PROXYING_NOT_SUPPORTED},
        {COAP_OPTION_HOP_LIMIT, SLICE("\0"), COAP_BAD_REQUEST},
        {COAP_OPTION_BLOCK1, SLICE("\x07"), COAP_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture *f = make(&usual);
        request(f, COAP_CON, COAP_POST, 7);
        coap_message_option(&f->writer, rows[i].number, rows[i].value);
        assert_false(input(f));
        expect(f, COAP_ACK, rows[i].code);
        drop(f);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct fixture *f = make(&usual);
        const struct coap_token none = {.len = 0};
        f->out = buf_over(f->datagram, sizeof(f->datagram));
        f->writer = coap_message_begin(&f->out, COAP_CON, COAP_POST, 7, &none);
        coap_message_option(&f->writer, i == 0 ? COAP_OPTION_IF_NONE_MATCH : COAP_OPTION_IF_MATCH,
                            i == 1 ? SLICE("tag") : SLICE_EMPTY);
        if (i == 2) {
            // An empty If-Match matches whatever exists.
            assert_true(input(f));
        } else {
            assert_false(input(f));
            expect(f, COAP_ACK, COAP_PRECONDITION_FAILED);
        }
        drop(f);
    }
}

static void no_response_leaves_only_the_ack_and_only_when_the_answer_is_known(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    coap_message_option_uint(&f->writer, COAP_OPTION_NO_RESPONSE, 2);
    assert_true(input(f));
    const struct coap_handle exchange = f->event.request.exchange;
    (void)pass_ms(f, 2000);
    expect_nothing(f);
    f->event.request.exchange = exchange;
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    expect(f, COAP_ACK, COAP_EMPTY);
    // Errors were not declined.
    request(f, COAP_NON, COAP_POST, 8);
    coap_message_option_uint(&f->writer, COAP_OPTION_NO_RESPONSE, 2);
    assert_true(input(f));
    reply_with(f, COAP_BAD_REQUEST, SLICE_EMPTY);
    expect(f, COAP_NON, COAP_BAD_REQUEST);
    drop(f);
}

static void full_exchanges_are_5_03_with_max_age(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    for (uint16_t mid = 0; mid < 8; mid++) {
        request(f, COAP_CON, COAP_POST, mid);
        assert_true(input(f));
    }
    request(f, COAP_CON, COAP_POST, 100);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_SERVICE_UNAVAILABLE);
    assert_true(f->options.has_max_age);
    assert_in_range(f->options.max_age, 2, 10);
    // A ping needs no slot.
    empty_message(f, COAP_CON, 101);
    assert_false(input(f));
    expect(f, COAP_RST, COAP_EMPTY);
    drop(f);
}

static void a_truncated_datagram_is_4_13_with_a_block_size(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    request(f, COAP_CON, COAP_POST, 7);
    coap_message_payload(&f->writer, SLICE("cut"));
    const struct coap_datagram datagram = {
        .peer = f->peer, .bytes = buf_view(&f->out), .truncated = true};
    assert_false(coap_endpoint_input(f->endpoint, f->now, &datagram, &f->event));
    expect(f, COAP_ACK, COAP_REQUEST_ENTITY_TOO_LARGE);
    assert_true(f->options.has_block1 && f->options.has_size1);
    assert_int_equal(f->options.block1.szx, 6);
    drop(f);
}

static void send_block(struct fixture *f, uint16_t mid, uint32_t number, bool more, size_t len)
{
    static const uint8_t bytes[1024] = {1, 2, 3};
    request(f, COAP_CON, COAP_POST, mid);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK1, number << 4 | (more ? 8U : 0U) | 6U);
    coap_message_payload(&f->writer, slice_of(bytes, len));
}

static const struct coap_admission welcome = {65536, 1, true};

static void a_body_in_blocks_is_put_together(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    send_block(f, 1, 0, true, 1024);
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_BODY_BEGINS);
    coap_endpoint_admit(f->endpoint, f->now, f->event.request.exchange, &welcome);
    expect(f, COAP_ACK, COAP_CONTINUE);
    assert_true(f->options.has_block1 && f->options.block1.more);
    send_block(f, 2, 1, true, 1024);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTINUE);
    // Its repeat changes nothing.
    send_block(f, 2, 1, true, 1024);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTINUE);
    // The last one may come from another address: the URI holds the credential.
    f->peer.remote_port++;
    send_block(f, 3, 2, false, 10);
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_REQUEST);
    assert_int_equal(f->event.request.body.len, 2058);
    assert_int_equal(f->event.request.body.ptr[1025], 2);
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    expect(f, COAP_ACK, COAP_CREATED);
    assert_int_equal(f->options.block1.number, 2);
    assert_false(f->options.block1.more);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void gaps_and_strangers_get_4_08(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    send_block(f, 1, 3, true, 1024);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_REQUEST_ENTITY_INCOMPLETE);
    send_block(f, 2, 0, true, 1024);
    assert_true(input(f));
    coap_endpoint_admit(f->endpoint, f->now, f->event.request.exchange, &welcome);
    expect(f, COAP_ACK, COAP_CONTINUE);
    send_block(f, 3, 2, true, 1024);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_REQUEST_ENTITY_INCOMPLETE);
    drop(f);
}

static void a_body_over_its_bound_is_4_13_with_size1(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    const struct coap_admission tight = {2000, 1, true};
    send_block(f, 1, 0, true, 1024);
    assert_true(input(f));
    coap_endpoint_admit(f->endpoint, f->now, f->event.request.exchange, &tight);
    expect(f, COAP_ACK, COAP_CONTINUE);
    send_block(f, 2, 1, true, 1024);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_REQUEST_ENTITY_TOO_LARGE);
    assert_int_equal(f->options.size1, 2000);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void bodies_are_forgotten_after_247_s(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    send_block(f, 1, 0, true, 1024);
    assert_true(input(f));
    coap_endpoint_admit(f->endpoint, f->now, f->event.request.exchange, &welcome);
    expect(f, COAP_ACK, COAP_CONTINUE);
    assert_int_equal(coap_endpoint_stats(f->endpoint).bodies, 1);
    (void)pass_ms(f, 247001);
    assert_int_equal(coap_endpoint_stats(f->endpoint).bodies, 0);
    drop(f);
}

// Each from an address of its own.
static void begin_bodies(struct fixture *f, uint16_t count, const struct coap_admission *admission)
{
    for (uint16_t i = 0; i < count; i++) {
        f->peer.remote_port = (uint16_t)(1000 * admission->owner + i);
        send_block(f, 1, 0, true, 1024);
        assert_true(input(f));
        coap_endpoint_admit(f->endpoint, f->now, f->event.request.exchange, admission);
        expect(f, COAP_ACK, COAP_CONTINUE);
    }
}

static void unproven_bodies_give_way_the_oldest_first(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    begin_bodies(f, 5, &(struct coap_admission){65536, 0, false});
    assert_int_equal(coap_endpoint_stats(f->endpoint).bodies, 2);
    drop(f);
}

static void bodies_of_one_give_way_the_oldest_first(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    begin_bodies(f, 1, &(struct coap_admission){65536, 2, false});
    begin_bodies(f, COAP_BODIES_OF_ONE + 1, &(struct coap_admission){65536, 1, false});
    assert_int_equal(coap_endpoint_stats(f->endpoint).bodies, COAP_BODIES_OF_ONE + 1);
    // The first of the second series has gone; its second, and the other's, go on.
    f->peer.remote_port = 1000;
    send_block(f, 2, 1, true, 1024);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_REQUEST_ENTITY_INCOMPLETE);
    f->peer.remote_port = 1001;
    send_block(f, 2, 1, true, 1024);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTINUE);
    drop(f);
}

static void get_block(struct fixture *f, uint16_t mid, uint32_t number, unsigned szx)
{
    request(f, COAP_CON, COAP_GET, mid);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK2, number << 4 | szx);
}

static void a_large_representation_is_served_block_by_block_without_state(void **state)
{
    (void)state;
    struct coap_endpoint_settings open = usual;
    open.path_check = COAP_PATH_CHECK_OFF;
    struct fixture *f = make(&open);
    static uint8_t whole[3000];
    for (size_t i = 0; i < sizeof(whole); i++) {
        whole[i] = (uint8_t)(i / 100);
    }
    size_t got = 0;
    for (uint16_t number = 0; got < sizeof(whole); number++) {
        get_block(f, number, number, 6);
        assert_true(input(f));
        const struct coap_reply reply = {.code = COAP_CONTENT,
                                         .content_format = COAP_FORMAT_OCTETS,
                                         .max_age_s = COAP_MAX_AGE_NONE,
                                         .etag = SLICE("v1"),
                                         .payload = slice_of(whole, sizeof(whole))};
        coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
        expect(f, COAP_ACK, COAP_CONTENT);
        assert_int_equal(f->options.etag_count, 1);
        assert_int_equal(f->options.block2.number, number);
        assert_memory_equal(f->message.payload.ptr, whole + got, f->message.payload.len);
        assert_int_equal(f->options.has_size2, number == 0);
        got += f->message.payload.len;
        assert_int_equal(f->options.block2.more, got < sizeof(whole));
    }
    // Beyond the end.
    get_block(f, 99, 9, 6);
    assert_true(input(f));
    reply_with(f, COAP_CONTENT, slice_of(whole, sizeof(whole)));
    expect(f, COAP_ACK, COAP_BAD_REQUEST);
    drop(f);
}

static void a_known_etag_is_answered_valid(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    const struct coap_token none = {.len = 0};
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    f->writer = coap_message_begin(&f->out, COAP_CON, COAP_GET, 7, &none);
    coap_message_option(&f->writer, COAP_OPTION_ETAG, SLICE("v1"));
    assert_true(input(f));
    const struct coap_reply reply = {.code = COAP_CONTENT,
                                     .content_format = COAP_FORMAT_JSON,
                                     .max_age_s = COAP_MAX_AGE_NONE,
                                     .etag = SLICE("v1"),
                                     .payload = SLICE("{}")};
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
    expect(f, COAP_ACK, COAP_VALID);
    assert_int_equal(f->message.payload.len, 0);
    drop(f);
}

static void a_large_answer_to_post_is_kept_for_its_blocks(void **state)
{
    (void)state;
    struct coap_endpoint_settings open = usual;
    open.path_check = COAP_PATH_CHECK_OFF;
    struct fixture *f = make(&open);
    static const uint8_t whole[2500] = {[2400] = 9};
    request(f, COAP_CON, COAP_POST, 1);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK2, 6);
    assert_true(input(f));
    reply_with(f, COAP_CONTENT, slice_of(whole, sizeof(whole)));
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_true(f->options.block2.more);
    request(f, COAP_CON, COAP_POST, 2);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK2, 2U << 4 | 6U);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_int_equal(f->message.payload.len, 2500 - 2048);
    assert_int_equal(f->message.payload.ptr[2400 - 2048], 9);
    (void)pass_ms(f, 248000);
    request(f, COAP_CON, COAP_POST, 3);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK2, 1U << 4 | 6U);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_REQUEST_ENTITY_INCOMPLETE);
    drop(f);
}

static void discovery_fits_into_three_times_the_request(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    const struct coap_token none = {.len = 0};
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    f->writer = coap_message_begin(&f->out, COAP_CON, COAP_GET, 7, &none);
    coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE(".well-known"));
    coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE("core"));
    const size_t paid = f->out.len * 3;
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_int_equal(f->options.content_format, COAP_FORMAT_LINK);
    assert_true(f->sent_len <= paid);
    assert_true(f->options.has_block2 && f->options.block2.more);
    drop(f);
}

struct discovery_row {
    uint8_t method;
    const char *queries[2];
    uint32_t accept;
    uint8_t code;
};

static void discovery_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct discovery_row rows[] = {
        {COAP_GET, {NULL, NULL}, COAP_FORMAT_LINK, COAP_CONTENT},
        {COAP_GET, {"rt=d", NULL}, COAP_FORMAT_NONE, COAP_CONTENT},
        {COAP_GET, {"rt=d", "ct=50"}, COAP_FORMAT_NONE, COAP_BAD_REQUEST},
        {COAP_GET, {NULL, NULL}, COAP_FORMAT_JSON, COAP_NOT_ACCEPTABLE},
        {COAP_POST, {NULL, NULL}, COAP_FORMAT_NONE, COAP_METHOD_NOT_ALLOWED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture *f = make(&usual);
        const struct coap_token none = {.len = 0};
        f->out = buf_over(f->datagram, sizeof(f->datagram));
        f->writer = coap_message_begin(&f->out, COAP_CON, rows[i].method, 7, &none);
        coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE(".well-known"));
        coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE("core"));
        for (unsigned q = 0; q < 2 && rows[i].queries[q] != NULL; q++) {
            coap_message_option(&f->writer, COAP_OPTION_URI_QUERY, slice_text(rows[i].queries[q]));
        }
        if (rows[i].accept != COAP_FORMAT_NONE) {
            coap_message_option_uint(&f->writer, COAP_OPTION_ACCEPT, rows[i].accept);
        }
        assert_false(input(f));
        expect(f, COAP_ACK, rows[i].code);
        drop(f);
    }
}

static void multicast_is_answered_only_to_filtered_discovery_and_late(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    const struct coap_token none = {.len = 0};
    for (unsigned i = 0; i < 3; i++) {
        f->out = buf_over(f->datagram, sizeof(f->datagram));
        f->writer =
            coap_message_begin(&f->out, i == 0 ? COAP_CON : COAP_NON, COAP_GET, (uint16_t)i, &none);
        coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE(".well-known"));
        coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE("core"));
        if (i != 1) {
            coap_message_option(&f->writer, COAP_OPTION_URI_QUERY, SLICE("href=/a"));
        }
        const struct coap_datagram datagram = {
            .peer = f->peer, .bytes = buf_view(&f->out), .multicast = true};
        assert_false(coap_endpoint_input(f->endpoint, f->now, &datagram, &f->event));
        expect_nothing(f);
    }
    unsigned answers = 0;
    for (unsigned i = 0; i < 60; i++) {
        (void)pass_ms(f, 100);
        while (output(f)) {
            answers++;
            assert_int_equal(f->message.type, COAP_NON);
            assert_true(slice_equal(f->message.payload, SLICE("</a>")));
        }
    }
    assert_int_equal(answers, 1);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void strict_path_check_asks_strangers_for_an_echo(void **state)
{
    (void)state;
    struct coap_endpoint_settings strict = usual;
    strict.path_check = COAP_PATH_CHECK_STRICT;
    struct fixture *f = make(&strict);
    static const uint8_t whole[600];
    request(f, COAP_CON, COAP_GET, 1);
    assert_true(input(f));
    struct coap_reply reply = {.code = COAP_CONTENT,
                               .content_format = COAP_FORMAT_OCTETS,
                               .max_age_s = COAP_MAX_AGE_NONE,
                               .payload = slice_of(whole, sizeof(whole))};
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
    expect(f, COAP_ACK, COAP_UNAUTHORIZED);
    assert_true(f->options.has_echo);
    uint8_t echo[40];
    const size_t echo_len = f->options.echo.len;
    memcpy(echo, f->options.echo.ptr, echo_len);
    request(f, COAP_CON, COAP_GET, 2);
    coap_message_option(&f->writer, COAP_OPTION_ECHO, slice_of(echo, echo_len));
    assert_true(input(f));
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_int_equal(f->message.payload.len, 600);
    // Somebody else's Echo proves nothing.
    f->peer.remote_port++;
    request(f, COAP_CON, COAP_GET, 3);
    coap_message_option(&f->writer, COAP_OPTION_ECHO, slice_of(echo, echo_len));
    assert_true(input(f));
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
    expect(f, COAP_ACK, COAP_UNAUTHORIZED);
    drop(f);
}

static void large_answers_come_in_full_blocks_to_who_has_a_credential(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    static const uint8_t whole[5000];
    struct coap_reply reply = {.code = COAP_CONTENT,
                               .content_format = COAP_FORMAT_OCTETS,
                               .max_age_s = COAP_MAX_AGE_NONE,
                               .payload = slice_of(whole, sizeof(whole)),
                               .authenticated = true};
    request(f, COAP_CON, COAP_GET, 1);
    assert_true(input(f));
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_int_equal(f->message.payload.len, 1024);
    assert_true(f->options.block2.more);
    // A stranger gets what fits three times its bytes.
    reply.authenticated = false;
    request(f, COAP_CON, COAP_GET, 2);
    assert_true(input(f));
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_in_range(f->message.payload.len, 16, 128);
    drop(f);
}

// What its request paid is spent first, then what the sender has left from before; once each.
static void a_late_answer_spends_what_was_earned_once(void **state)
{
    (void)state;
    struct coap_endpoint_settings strict = usual;
    strict.path_check = COAP_PATH_CHECK_STRICT;
    struct fixture *f = make(&strict);
    static const uint8_t body[90];
    uint32_t paid = 0;
    for (uint16_t mid = 1; mid <= 3; mid++) {
        request(f, COAP_CON, COAP_POST, mid);
        coap_message_payload(&f->writer, SLICE("thirty bytes that pay for some"));
        paid += (uint32_t)f->out.len * 3;
        assert_true(input(f));
        coap_endpoint_expect_notices(f->endpoint, f->event.request.exchange);
        if (mid < 3) {
            reply_with(f, COAP_CREATED, SLICE_EMPTY);
            expect(f, COAP_ACK, COAP_CREATED);
            paid -= (uint32_t)f->sent_len;
        }
    }
    const struct coap_handle exchange = f->event.request.exchange;
    (void)pass_ms(f, 520);
    expect(f, COAP_ACK, COAP_EMPTY);
    paid -= (uint32_t)f->sent_len;
    f->event.request.exchange = exchange;
    reply_with(f, COAP_CONTENT, slice_of(body, sizeof(body)));
    uint32_t spent = 0;
    for (unsigned i = 0; i < 100; i++) {
        while (output(f)) {
            spent += (uint32_t)f->sent_len;
        }
        (void)pass_ms(f, 500);
    }
    assert_in_range(spent, f->sent_len, paid);
    drop(f);
}

static enum err ask(struct fixture *f, uint8_t token, struct coap_handle *sent)
{
    const struct slice path[] = {SLICE("x")};
    const struct coap_outgoing outgoing = {.peer = f->peer,
                                           .confirmable = true,
                                           .code = COAP_GET,
                                           .token = {{token}, 1},
                                           .path = path,
                                           .path_count = 1,
                                           .content_format = COAP_FORMAT_NONE};
    return coap_endpoint_request(f->endpoint, f->now, &outgoing, sent);
}

static void requests_of_ours_wait_for_their_response_one_at_a_time(void **state)
{
    (void)state;
    struct coap_endpoint_settings open = usual;
    open.path_check = COAP_PATH_CHECK_OFF;
    struct fixture *f = make(&open);
    struct coap_handle first;
    struct coap_handle second;
    assert_int_equal(ask(f, 1, &first), ERR_OK);
    assert_int_equal(ask(f, 2, &second), ERR_OK);
    expect(f, COAP_CON, COAP_GET);
    const uint16_t mid = f->message.mid;
    expect_nothing(f); // NSTART
    // A piggybacked response.
    const struct coap_token one = {{1}, 1};
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    f->writer = coap_message_begin(&f->out, COAP_ACK, COAP_CONTENT, mid, &one);
    coap_message_payload(&f->writer, SLICE("yes"));
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_RESPONSE);
    assert_int_equal(f->event.sent.slot.index, first.slot.index);
    assert_true(slice_equal(f->event.response.payload, SLICE("yes")));
    expect(f, COAP_CON, COAP_GET);
    // An empty ACK, then a separate response, which is acknowledged.
    empty_message(f, COAP_ACK, f->message.mid);
    assert_false(input(f));
    const struct coap_token two = {{2}, 1};
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    f->writer = coap_message_begin(&f->out, COAP_CON, COAP_CONTENT, 500, &two);
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_RESPONSE);
    expect(f, COAP_ACK, COAP_EMPTY);
    assert_int_equal(f->message.mid, 500);
    // Nobody waits for it any more.
    assert_false(input(f));
    expect(f, COAP_RST, COAP_EMPTY);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

// It waits for a place in the transmit queue, in its turn already.
static void a_response_to_what_has_not_left_frees_its_turn(void **state)
{
    (void)state;
    struct coap_endpoint_settings open = usual;
    open.path_check = COAP_PATH_CHECK_OFF;
    struct fixture *f = make(&open);
    const struct coap_token one = {{1}, 1};
    struct coap_handle sent;
    for (uint16_t mid = 0; coap_endpoint_room(f->endpoint) > 0; mid++) {
        empty_message(f, COAP_CON, mid);
        assert_false(input(f));
    }
    assert_int_equal(ask(f, 1, &sent), ERR_OK);
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    f->writer = coap_message_begin(&f->out, COAP_NON, COAP_CONTENT, 500, &one);
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_RESPONSE);
    while (output(f)) {
    }
    assert_int_equal(ask(f, 2, &sent), ERR_OK);
    expect(f, COAP_CON, COAP_GET);
    drop(f);
}

static void a_request_of_ours_that_nobody_answers_is_lost(void **state)
{
    (void)state;
    struct coap_endpoint_settings open = usual;
    open.path_check = COAP_PATH_CHECK_OFF;
    struct fixture *f = make(&open);
    struct coap_handle sent;
    assert_int_equal(ask(f, 1, &sent), ERR_OK);
    bool lost = false;
    for (unsigned i = 0; i < 200 && !lost; i++) {
        while (output(f)) {
        }
        lost = pass_ms(f, 1000) == COAP_EVENT_LOST;
    }
    assert_true(lost);
    for (uint8_t i = 0; i < 8; i++) {
        assert_int_equal(ask(f, i, &sent), ERR_OK);
    }
    assert_int_equal(ask(f, 9, &sent), ERR_EXHAUSTED);
    drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ready_answer_is_piggybacked),
        cmocka_unit_test(a_repeat_gets_the_same_answer_without_the_handler),
        cmocka_unit_test(a_late_answer_is_a_confirmable_message_of_its_own),
        cmocka_unit_test(an_unacknowledged_answer_is_given_up_after_four_repeats),
        cmocka_unit_test(a_rst_ends_a_message_of_ours),
        cmocka_unit_test(refusals_stay_piggybacked_where_successes_are_separate),
        cmocka_unit_test(a_non_request_gets_a_non_answer_once),
        cmocka_unit_test(a_refusal_without_effect_is_judged_anew),
        cmocka_unit_test(a_dropped_request_leaves_nothing),
        cmocka_unit_test(a_ping_gets_a_rst),
        cmocka_unit_test(malformed_con_gets_a_rst_malformed_non_nothing),
        cmocka_unit_test(unmatched_acks_and_rsts_are_ignored),
        cmocka_unit_test(an_unknown_critical_option_is_4_02_for_con_and_silence_for_non),
        cmocka_unit_test(conditions_and_proxies_are_refused_as_the_rfc_says),
        cmocka_unit_test(no_response_leaves_only_the_ack_and_only_when_the_answer_is_known),
        cmocka_unit_test(full_exchanges_are_5_03_with_max_age),
        cmocka_unit_test(a_truncated_datagram_is_4_13_with_a_block_size),
        cmocka_unit_test(a_body_in_blocks_is_put_together),
        cmocka_unit_test(gaps_and_strangers_get_4_08),
        cmocka_unit_test(a_body_over_its_bound_is_4_13_with_size1),
        cmocka_unit_test(bodies_are_forgotten_after_247_s),
        cmocka_unit_test(unproven_bodies_give_way_the_oldest_first),
        cmocka_unit_test(bodies_of_one_give_way_the_oldest_first),
        cmocka_unit_test(a_large_representation_is_served_block_by_block_without_state),
        cmocka_unit_test(a_known_etag_is_answered_valid),
        cmocka_unit_test(a_large_answer_to_post_is_kept_for_its_blocks),
        cmocka_unit_test(discovery_fits_into_three_times_the_request),
        cmocka_unit_test(discovery_refuses_what_it_does_not_know),
        cmocka_unit_test(multicast_is_answered_only_to_filtered_discovery_and_late),
        cmocka_unit_test(strict_path_check_asks_strangers_for_an_echo),
        cmocka_unit_test(large_answers_come_in_full_blocks_to_who_has_a_credential),
        cmocka_unit_test(a_late_answer_spends_what_was_earned_once),
        cmocka_unit_test(requests_of_ours_wait_for_their_response_one_at_a_time),
        cmocka_unit_test(a_response_to_what_has_not_left_frees_its_turn),
        cmocka_unit_test(a_request_of_ours_that_nobody_answers_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
