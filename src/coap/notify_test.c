// Notifications: what goes out, in whose turn, and what is told about it.
#include "coap/endpoint_test.h"
#include "coap/notify.h"

static const struct coap_notice simple = {.token = {{7, 8}, 2},
                                          .code = COAP_CONTENT,
                                          .confirmable = true,
                                          .has_observe = true,
                                          .observe = 5,
                                          .content_format = COAP_FORMAT_JSON,
                                          .max_age_s = 86400,
                                          .uri_hash = 77,
                                          .ticket = 9,
                                          .payload = {(const uint8_t *)"{}", 2}};

// A registration that pays for a first notification, and its answer.
static void register_peer(struct fixture *f)
{
    request(f, COAP_CON, COAP_GET, 1);
    coap_message_payload(&f->writer, SLICE("a body that pays for some more bytes"));
    assert_true(input(f));
    const struct coap_reply reply = {.code = COAP_CONTENT,
                                     .content_format = COAP_FORMAT_JSON,
                                     .max_age_s = COAP_MAX_AGE_NONE,
                                     .has_observe = true,
                                     .payload = SLICE("{}"),
                                     .authenticated = true};
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_true(f->options.has_observe);
    assert_int_equal(f->options.observe, 0);
}

static struct coap_handle notify(struct fixture *f, const struct coap_notice *notice)
{
    struct coap_notice to_peer = *notice;
    struct coap_handle sent;
    to_peer.peer = f->peer;
    assert_int_equal(coap_endpoint_notify(f->endpoint, f->now, &to_peer, &sent), ERR_OK);
    return sent;
}

static void expect_news(struct fixture *f, enum coap_event_kind kind, uint64_t ticket)
{
    assert_true(coap_endpoint_tick(f->endpoint, f->now, &f->event));
    assert_int_equal(f->event.kind, kind);
    assert_int_equal(f->event.ticket, ticket);
}

static void acknowledge(struct fixture *f, enum coap_event_kind kind, uint64_t ticket)
{
    empty_message(f, kind == COAP_EVENT_DELIVERED ? COAP_ACK : COAP_RST, f->message.mid);
    assert_true(input(f));
    assert_int_equal(f->event.kind, kind);
    assert_int_equal(f->event.ticket, ticket);
}

static void a_con_notification_is_transmitted_and_delivered(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    register_peer(f);
    (void)notify(f, &simple);
    expect(f, COAP_CON, COAP_CONTENT);
    assert_int_equal(f->options.observe, 5);
    assert_int_equal(f->options.max_age, 86400);
    assert_int_equal(f->options.content_format, COAP_FORMAT_JSON);
    assert_int_equal(f->message.token.bytes[0], 7);
    assert_true(slice_equal(f->message.payload, SLICE("{}")));
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    acknowledge(f, COAP_EVENT_DELIVERED, 9);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void the_second_waits_for_the_first(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    register_peer(f);
    struct coap_notice second = simple;
    second.ticket = 10;
    second.observe = 6;
    (void)notify(f, &simple);
    (void)notify(f, &second);
    expect(f, COAP_CON, COAP_CONTENT);
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    expect_nothing(f);
    acknowledge(f, COAP_EVENT_REJECTED, 9);
    expect(f, COAP_CON, COAP_CONTENT);
    assert_int_equal(f->options.observe, 6);
    expect_news(f, COAP_EVENT_TRANSMITTED, 10);
    acknowledge(f, COAP_EVENT_DELIVERED, 10);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void a_first_time_out_is_told_and_the_last(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    register_peer(f);
    (void)notify(f, &simple);
    expect(f, COAP_CON, COAP_CONTENT);
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    enum coap_event_kind last = COAP_EVENT_NONE;
    unsigned unanswered = 0;
    for (unsigned i = 0; i < 200 && last != COAP_EVENT_LOST; i++) {
        last = pass_ms(f, 500);
        unanswered += last == COAP_EVENT_UNANSWERED ? 1 : 0;
        while (output(f)) {
        }
    }
    assert_int_equal(last, COAP_EVENT_LOST);
    assert_int_equal(f->event.ticket, 9);
    assert_int_equal(unanswered, 1);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

// One that waits behind another learns from that one that nobody answers.
static void one_that_waits_is_told_as_well(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    struct coap_notice next = simple;
    next.ticket = 10;
    register_peer(f);
    (void)notify(f, &simple);
    expect(f, COAP_CON, COAP_CONTENT);
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    (void)notify(f, &next);
    expect_nothing(f);
    assert_int_equal(pass_ms(f, 3100), COAP_EVENT_UNANSWERED);
    const uint64_t first = f->event.ticket;
    assert_int_equal(pass_ms(f, 1), COAP_EVENT_UNANSWERED);
    assert_int_equal(first + f->event.ticket, 9 + 10);
    expect(f, COAP_CON, COAP_CONTENT);
    // Who comes later finds out at once.
    next.ticket = 11;
    (void)notify(f, &next);
    assert_int_equal(pass_ms(f, 1), COAP_EVENT_UNANSWERED);
    assert_int_equal(f->event.ticket, 11);
    assert_int_equal(pass_ms(f, 1), COAP_EVENT_NONE);
    coap_endpoint_check(f->endpoint, false);
    drop(f);
}

static void a_cancelled_one_is_told_no_more_and_gives_its_turn(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    register_peer(f);
    struct coap_notice second = simple;
    second.ticket = 10;
    const struct coap_handle first = notify(f, &simple);
    const struct coap_handle waiting = notify(f, &second);
    second.ticket = 11;
    (void)notify(f, &second);
    expect(f, COAP_CON, COAP_CONTENT);
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    coap_endpoint_cancel(f->endpoint, f->now, waiting);
    coap_endpoint_cancel(f->endpoint, f->now, first);
    coap_endpoint_cancel(f->endpoint, f->now, first);
    expect(f, COAP_CON, COAP_CONTENT);
    expect_news(f, COAP_EVENT_TRANSMITTED, 11);
    acknowledge(f, COAP_EVENT_DELIVERED, 11);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

static void a_non_is_done_when_it_left_and_its_rst_is_known(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    struct coap_notice non = simple;
    non.confirmable = false;
    register_peer(f);
    (void)notify(f, &non);
    expect(f, COAP_NON, COAP_CONTENT);
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    coap_endpoint_check(f->endpoint, true);
    acknowledge(f, COAP_EVENT_REJECTED, 9);
    // Once only.
    assert_false(input(f));
    drop(f);
}

static void a_first_con_is_whole_and_its_repeats_have_to_be_paid(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    uint8_t body[1000];
    memset(body, 'x', sizeof(body));
    struct coap_notice large = simple;
    large.payload = slice_of(body, sizeof(body));
    (void)notify(f, &large);
    expect(f, COAP_CON, COAP_CONTENT);
    assert_int_equal(f->message.payload.len, 1000);
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    assert_int_equal(pass_ms(f, 3100), COAP_EVENT_UNANSWERED);
    expect_nothing(f);
    acknowledge(f, COAP_EVENT_DELIVERED, 9);
    drop(f);
}

static void an_unproven_path_gets_no_more_than_it_paid_for(void **state)
{
    (void)state;
    struct coap_endpoint_settings strict = usual;
    strict.path_check = COAP_PATH_CHECK_STRICT;
    struct fixture *f = make(&strict);
    uint8_t body[3000];
    memset(body, 'x', sizeof(body));
    register_peer(f);
    struct coap_notice large = simple;
    large.payload = slice_of(body, sizeof(body));
    (void)notify(f, &large);
    // Its block is small enough for the bytes of the registration.
    expect(f, COAP_CON, COAP_CONTENT);
    assert_true(f->sent_len < 160);
    assert_true(f->options.has_block2 && f->options.block2.more);
    assert_int_equal(f->options.size2, 3000);
    const size_t size = coap_block_size(f->options.block2);
    assert_true(slice_equal(f->message.payload, slice_of(body, size)));
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    acknowledge(f, COAP_EVENT_DELIVERED, 9);
    // The acknowledgement proved the path.
    (void)notify(f, &large);
    expect(f, COAP_CON, COAP_CONTENT);
    assert_int_equal(f->message.payload.len, 1024);
    drop(f);
}

static void a_non_that_nothing_pays_for_is_lost(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    struct coap_notice non = simple;
    non.confirmable = false;
    (void)notify(f, &non);
    expect_nothing(f);
    expect_news(f, COAP_EVENT_LOST, 9);
    drop(f);
}

static void further_blocks_of_the_last_notification_are_fetched(void **state)
{
    (void)state;
    struct coap_endpoint_settings free_path = usual;
    free_path.path_check = COAP_PATH_CHECK_OFF;
    struct fixture *f = make(&free_path);
    uint8_t body[2500];
    for (unsigned i = 0; i < sizeof(body); i++) {
        body[i] = (uint8_t)(i % 251);
    }
    request(f, COAP_CON, COAP_GET, 1);
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    const struct coap_token token = {{1}, 1};
    f->writer = coap_message_begin(&f->out, COAP_CON, COAP_GET, 1, &token);
    coap_message_option_uint(&f->writer, COAP_OPTION_OBSERVE, 0);
    coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE("t"));
    assert_true(input(f));
    struct coap_notice large = simple;
    large.uri_hash = f->event.request.uri_hash;
    large.payload = slice_of(body, sizeof(body));
    reply_with(f, COAP_VALID, SLICE_EMPTY);
    expect(f, COAP_ACK, COAP_VALID);
    (void)notify(f, &large);
    expect(f, COAP_CON, COAP_CONTENT);
    assert_int_equal(f->options.etag_count, 1);
    uint8_t etag[8];
    memcpy(etag, f->options.etag[0].ptr, sizeof(etag));
    request(f, COAP_CON, COAP_GET, 2);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK2, 1U << 4 | 6);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_true(slice_equal(f->message.payload, slice_of(body + 1024, 1024)));
    // With the last one it is told.
    request(f, COAP_CON, COAP_GET, 3);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK2, 2U << 4 | 6);
    assert_true(input(f));
    assert_int_equal(f->event.kind, COAP_EVENT_FETCHED);
    assert_int_equal(f->event.ticket, 9);
    expect(f, COAP_ACK, COAP_CONTENT);
    assert_true(slice_equal(f->message.payload, slice_of(body + 2048, 452)));
    assert_true(slice_equal(f->options.etag[0], slice_of(etag, sizeof(etag))));
    assert_false(f->options.has_observe);
    // Its repeat is not a second fetch.
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_CONTENT);
    // Beyond the end there is nothing, and nothing is told.
    request(f, COAP_CON, COAP_GET, 4);
    coap_message_option_uint(&f->writer, COAP_OPTION_BLOCK2, 3U << 4 | 6);
    assert_false(input(f));
    expect(f, COAP_ACK, COAP_BAD_REQUEST);
    drop(f);
}

// RFC 7252 5.3.1: the sender would take it for the answer to its request.
static void none_goes_out_with_the_token_of_an_open_request(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    struct coap_notice notice = simple;
    struct coap_handle sent;
    register_peer(f);
    request(f, COAP_CON, COAP_POST, 2);
    assert_true(input(f));
    coap_endpoint_expect_notices(f->endpoint, f->event.request.exchange);
    notice.peer = f->peer;
    notice.token = f->event.request.token;
    assert_int_equal(coap_endpoint_notify(f->endpoint, f->now, &notice, &sent), ERR_UNAVAILABLE);
    // To others, or with another token, it does.
    notice.peer.remote_port++;
    assert_int_equal(coap_endpoint_notify(f->endpoint, f->now, &notice, &sent), ERR_OK);
    expect(f, COAP_CON, COAP_CONTENT);
    (void)notify(f, &simple);
    expect(f, COAP_CON, COAP_CONTENT);
    acknowledge(f, COAP_EVENT_DELIVERED, 9);
    coap_endpoint_expect_notices(f->endpoint, f->event.request.exchange);
    notice.peer = f->peer;
    request(f, COAP_CON, COAP_POST, 3);
    assert_true(input(f));
    coap_endpoint_drop(f->endpoint, f->event.request.exchange);
    assert_int_equal(coap_endpoint_notify(f->endpoint, f->now, &notice, &sent), ERR_UNAVAILABLE);
    drop(f);
}

static void an_answer_ends_that(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    struct coap_notice notice = simple;
    register_peer(f);
    request(f, COAP_CON, COAP_POST, 2);
    assert_true(input(f));
    coap_endpoint_expect_notices(f->endpoint, f->event.request.exchange);
    coap_endpoint_expect_notices(f->endpoint, f->event.request.exchange);
    notice.token = f->event.request.token;
    reply_with(f, COAP_CREATED, SLICE_EMPTY);
    expect(f, COAP_ACK, COAP_CREATED);
    (void)notify(f, &notice);
    expect(f, COAP_CON, COAP_CONTENT);
    drop(f);
}

static void what_cannot_arrive_is_told_at_once_and_once(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    struct coap_peer other = f->peer;
    other.remote_port++;
    register_peer(f);
    (void)notify(f, &simple);
    expect(f, COAP_CON, COAP_CONTENT);
    expect_news(f, COAP_EVENT_TRANSMITTED, 9);
    coap_endpoint_unreachable(f->endpoint, &other);
    assert_int_equal(pass_ms(f, 1), COAP_EVENT_NONE);
    coap_endpoint_unreachable(f->endpoint, &f->peer);
    coap_endpoint_unreachable(f->endpoint, &f->peer);
    expect_news(f, COAP_EVENT_UNANSWERED, 9);
    // It is repeated all the same.
    assert_int_equal(pass_ms(f, 3100), COAP_EVENT_NONE);
    expect(f, COAP_CON, COAP_CONTENT);
    acknowledge(f, COAP_EVENT_DELIVERED, 9);
    coap_endpoint_unreachable(f->endpoint, &f->peer);
    assert_int_equal(pass_ms(f, 1), COAP_EVENT_NONE);
    coap_endpoint_check(f->endpoint, true);
    drop(f);
}

// RFC 7252 4.4: whatever id the endpoint begins with, it is none that a run before may have used.
static void message_ids_of_before_a_restart_are_skipped(void **state)
{
    (void)state;
    for (unsigned last = 0; last < 65536; last += 97) {
        struct fixture *f = make(&usual);
        struct coap_notice notice = simple;
        notice.skips_mids = true;
        notice.mid_last = (uint16_t)last;
        (void)notify(f, &notice);
        expect(f, COAP_CON, COAP_CONTENT);
        const uint16_t ahead = (uint16_t)(f->message.mid - last);
        assert_true(ahead == 0 || ahead > 256);
        expect_news(f, COAP_EVENT_TRANSMITTED, 9);
        assert_int_equal(f->event.mid, f->message.mid);
        drop(f);
    }
}

static void without_a_slot_it_is_refused(void **state)
{
    (void)state;
    struct fixture *f = make(&usual);
    struct coap_notice notice = simple;
    struct coap_handle sent;
    for (unsigned i = 0; i < small_limits.sent_max; i++) {
        (void)notify(f, &simple);
    }
    notice.peer = f->peer;
    assert_int_equal(coap_endpoint_notify(f->endpoint, f->now, &notice, &sent), ERR_EXHAUSTED);
    drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_con_notification_is_transmitted_and_delivered),
        cmocka_unit_test(the_second_waits_for_the_first),
        cmocka_unit_test(a_first_time_out_is_told_and_the_last),
        cmocka_unit_test(one_that_waits_is_told_as_well),
        cmocka_unit_test(a_cancelled_one_is_told_no_more_and_gives_its_turn),
        cmocka_unit_test(a_non_is_done_when_it_left_and_its_rst_is_known),
        cmocka_unit_test(a_first_con_is_whole_and_its_repeats_have_to_be_paid),
        cmocka_unit_test(an_unproven_path_gets_no_more_than_it_paid_for),
        cmocka_unit_test(a_non_that_nothing_pays_for_is_lost),
        cmocka_unit_test(further_blocks_of_the_last_notification_are_fetched),
        cmocka_unit_test(without_a_slot_it_is_refused),
        cmocka_unit_test(none_goes_out_with_the_token_of_an_open_request),
        cmocka_unit_test(an_answer_ends_that),
        cmocka_unit_test(what_cannot_arrive_is_told_at_once_and_once),
        cmocka_unit_test(message_ids_of_before_a_restart_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
