// coap/endpoint_test.h: the endpoint for tests: raw datagrams go in, raw datagrams come out, the
// test is the owner and the clock.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "coap/endpoint.h"

static const struct coap_link links[] = {{"/api/v1", "rt=\"d\";ct=50"}, {"/a", NULL}};

struct fixture {
    void *memory;
    struct coap_endpoint *endpoint;
    struct mono now;
    struct coap_peer peer;
    struct coap_event event;
    struct coap_request repeated; // the last that was told as COAP_EVENT_REPEATED
    uint8_t sent[COAP_DATAGRAM_MAX];
    size_t sent_len;
    struct coap_message message; // the last datagram that came out
    struct coap_options options;
    uint8_t datagram[4096];
    struct buf out;
    struct coap_message_writer writer;
};

static const struct coap_endpoint_limits small_limits = {
    .dedup = {1024, 8192},
    .exchanges_max = 8,
    .sent_max = 8,
    .peers_max = 16,
    .bodies_max = 12,
    .bodies_unproven_max = 2,
    .body_bytes_max = 131072,
    .answer_bytes_max = 16384,
    .transmit_max = 32,
};

static const struct coap_endpoint_settings usual = {.ack_wait = {500000000},
                                                    .szx_max = 6,
                                                    .nstart = 1,
                                                    .key = {{1, 2}},
                                                    .seed = 9,
                                                    .links = links,
                                                    .link_count = 2};

static inline struct fixture *make(const struct coap_endpoint_settings *settings)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const size_t size = (coap_endpoint_footprint(&small_limits) + 63U) & ~(size_t)63U;
    f->memory = aligned_alloc(64, size);
    memset(f->memory, 0, size);
    f->now = (struct mono){span_s(100).ns};
    f->endpoint = coap_endpoint_init(f->memory, &small_limits, settings, f->now);
    f->peer = (struct coap_peer){.remote_ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1},
                                 .remote_port = 40000};
    return f;
}

static inline void drop(struct fixture *f)
{
    coap_endpoint_check(f->endpoint, false);
    free(f->memory);
    free(f);
}

// A request to /t, to be completed with options above Uri-Path.
static inline void request(struct fixture *f, enum coap_type type, uint8_t method, uint16_t mid)
{
    const struct coap_token token = {{0xA0, (uint8_t)mid}, 2};
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    f->writer = coap_message_begin(&f->out, type, method, mid, &token);
    coap_message_option(&f->writer, COAP_OPTION_URI_PATH, SLICE("t"));
}

// True if the event is one for the owner to act on; a repeat leaves the event of its request.
static inline bool input(struct fixture *f)
{
    const struct coap_datagram datagram = {.peer = f->peer, .bytes = buf_view(&f->out)};
    struct coap_event event;
    if (!coap_endpoint_input(f->endpoint, f->now, &datagram, &event)) {
        return false;
    }
    if (event.kind == COAP_EVENT_REPEATED) {
        f->repeated = event.request;
        return false;
    }
    f->event = event;
    return true;
}

static inline bool output(struct fixture *f)
{
    struct coap_datagram datagram;
    if (!coap_endpoint_output(f->endpoint, f->now, &datagram)) {
        return false;
    }
    memcpy(f->sent, datagram.bytes.ptr, datagram.bytes.len);
    f->sent_len = datagram.bytes.len;
    assert_int_equal(coap_message_parse(slice_of(f->sent, f->sent_len), &f->message),
                     COAP_MESSAGE_OK);
    coap_options_read(f->message.options, &f->options);
    return true;
}

static inline void expect_nothing(struct fixture *f)
{
    struct coap_datagram datagram;
    assert_false(coap_endpoint_output(f->endpoint, f->now, &datagram));
}

static inline void expect(struct fixture *f, enum coap_type type, uint8_t code)
{
    assert_true(output(f));
    assert_int_equal(f->message.type, type);
    assert_int_equal(f->message.code, code);
}

static inline void reply_with(struct fixture *f, uint8_t code, struct slice payload)
{
    const struct coap_reply reply = {.code = code,
                                     .content_format = COAP_FORMAT_NONE,
                                     .max_age_s = COAP_MAX_AGE_NONE,
                                     .payload = payload,
                                     .authenticated = true};
    coap_endpoint_reply(f->endpoint, f->now, f->event.request.exchange, &reply);
}

// Lets time pass; the outcome that the endpoint tells, if any.
static inline enum coap_event_kind pass_ms(struct fixture *f, uint64_t ms)
{
    f->now = mono_add(f->now, span_ms(ms));
    (void)!coap_endpoint_tick(f->endpoint, f->now, &f->event);
    return f->event.kind;
}

static inline void empty_message(struct fixture *f, enum coap_type type, uint16_t mid)
{
    f->out = buf_over(f->datagram, sizeof(f->datagram));
    coap_message_write_empty(&f->out, type, mid);
}
