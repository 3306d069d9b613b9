// Bytes and time drive a whole endpoint: each step of the input takes one action (a datagram, time,
// an answer, a refusal, an admission, a request of ours). What must hold: every invariant after
// each step, no datagram longer than the bound, and after a long rest every pool is full again.
#include <stdlib.h>

#include "coap/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IN_HAND_MAX 16U

static const struct coap_endpoint_limits limits = {
    .dedup = {256, 2048},
    .exchanges_max = 6,
    .sent_max = 4,
    .peers_max = 4,
    .bodies_max = 3,
    .bodies_unproven_max = 2,
    .body_bytes_max = 16384,
    .answer_bytes_max = 8192,
    .transmit_max = 16,
};

static const struct coap_link links[] = {{"/api/v1", "ct=50"}};

struct run {
    struct coap_endpoint *endpoint;
    struct mono now;
    struct buf_reader input;
    struct coap_handle in_hand[IN_HAND_MAX];
    unsigned in_hand_count;
    unsigned asked;
};

static struct coap_peer peer_of(uint8_t number)
{
    return (struct coap_peer){.remote_ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
                              .remote_port = (uint16_t)(1000 + number % 6)};
}

static void drain(struct run *run)
{
    struct coap_datagram datagram;
    while (coap_endpoint_output(run->endpoint, run->now, &datagram)) {
        ASSERT(datagram.bytes.len >= COAP_HEADER_SIZE);
        ASSERT(datagram.bytes.len <= COAP_DATAGRAM_MAX);
    }
}

static void take_event(struct run *run, const struct coap_event *event)
{
    static const uint8_t large[3000];
    if (event->kind == COAP_EVENT_REPEATED) {
        return;
    }
    const uint8_t choice = buf_read_u8(&run->input);
    if (event->kind == COAP_EVENT_BODY_BEGINS && (choice & 3) != 0) {
        const struct coap_admission admission = {
            .body_max = choice * 200U, .owner = choice & 4, .by_uri = (choice & 8) != 0};
        coap_endpoint_admit(run->endpoint, run->now, event->request.exchange, &admission);
        return;
    }
    if (event->kind != COAP_EVENT_REQUEST && event->kind != COAP_EVENT_BODY_BEGINS) {
        return;
    }
    if (event->kind == COAP_EVENT_REQUEST && (choice & 1) != 0 &&
        run->in_hand_count < IN_HAND_MAX) {
        run->in_hand[run->in_hand_count++] = event->request.exchange;
        return;
    }
    if ((choice & 6) == 6) {
        coap_endpoint_drop(run->endpoint, event->request.exchange);
        return;
    }
    const struct coap_reply reply = {
        .code = (choice & 2) != 0 ? COAP_CONTENT : COAP_BAD_REQUEST,
        .content_format =
            (choice & 4) != 0 ? (uint32_t)COAP_FORMAT_JSON : (uint32_t)COAP_FORMAT_NONE,
        .max_age_s = (choice & 8) != 0 ? 60 : COAP_MAX_AGE_NONE,
        .etag = (choice & 16) != 0 ? SLICE("e") : SLICE_EMPTY,
        .payload = slice_of(large, (choice >> 5) * 420U),
        .no_effect = (choice & 1) != 0,
        .authenticated = (choice & 16) == 0,
    };
    coap_endpoint_reply(run->endpoint, run->now, event->request.exchange, &reply);
}

static void step_datagram(struct run *run)
{
    const uint8_t flags = buf_read_u8(&run->input);
    const uint16_t len = buf_read_u16(&run->input) % 1400U;
    const size_t rest = run->input.rest.len;
    struct coap_event event;
    const struct coap_datagram datagram = {
        .peer = peer_of(flags & 7),
        .bytes = buf_read_slice(&run->input, len < rest ? len : rest),
        .truncated = (flags & 8) != 0,
        .multicast = (flags & 16) != 0,
    };
    if (coap_endpoint_input(run->endpoint, run->now, &datagram, &event)) {
        take_event(run, &event);
    }
}

static void step_time(struct run *run, uint64_t ms)
{
    struct coap_event event;
    run->now = mono_add(run->now, span_ms(ms));
    for (unsigned i = 0; i < 64 && coap_endpoint_tick(run->endpoint, run->now, &event); i++) {
        take_event(run, &event);
        drain(run);
    }
}

static void step_answer(struct run *run)
{
    if (run->in_hand_count == 0) {
        return;
    }
    const uint8_t choice = buf_read_u8(&run->input);
    const struct coap_reply reply = {.code = (choice & 1) != 0 ? COAP_CREATED : COAP_FORBIDDEN,
                                     .content_format = COAP_FORMAT_NONE,
                                     .max_age_s = COAP_MAX_AGE_NONE,
                                     .no_effect = (choice & 2) != 0,
                                     .authenticated = true};
    coap_endpoint_reply(run->endpoint, run->now, run->in_hand[--run->in_hand_count], &reply);
}

static void step_request(struct run *run)
{
    const uint8_t flags = buf_read_u8(&run->input);
    const struct slice path[] = {SLICE("x")};
    struct coap_handle sent;
    const struct coap_outgoing outgoing = {.peer = peer_of(flags & 7),
                                           .confirmable = (flags & 8) != 0,
                                           .code = COAP_GET,
                                           .token = {{(uint8_t)run->asked++}, 1},
                                           .path = path,
                                           .path_count = 1,
                                           .content_format = COAP_FORMAT_NONE};
    (void)!coap_endpoint_request(run->endpoint, run->now, &outgoing, &sent);
}

static void rest(struct run *run)
{
    while (run->in_hand_count > 0) {
        step_answer(run);
        drain(run);
    }
    for (unsigned i = 0; i < 600; i++) {
        step_time(run, 1000);
        drain(run);
    }
    coap_endpoint_check(run->endpoint, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 16384) {
        return 0;
    }
    const struct coap_endpoint_settings settings = {
        .ack_wait = {500000000},
        .separate_responses = (data[0] & 1) != 0,
        .path_check = (enum coap_path_check)((data[0] >> 1) % 3),
        .szx_max = (uint8_t)(data[0] >> 4) % 7,
        .nstart = 1,
        .key = {{1, 2}},
        .seed = data[1],
        .links = links,
        .link_count = 1,
    };
    static void *memory;
    const size_t footprint = (coap_endpoint_footprint(&limits) + 63U) & ~(size_t)63U;
    memory = memory != NULL ? memory : aligned_alloc(64, footprint);
    ASSERT(memory != NULL);
    memset(memory, 0, footprint);
    struct run run = {.now = {span_s(10).ns},
                      .input = buf_reader_over(slice_of(data + 2, size - 2))};
    run.endpoint = coap_endpoint_init(memory, &limits, &settings, run.now);
    for (unsigned steps = 0; steps < 400 && !run.input.overflow; steps++) {
        const uint8_t action = buf_read_u8(&run.input);
        switch (action % 6) {
        case 0:
        case 1:
        case 2:
            step_datagram(&run);
            break;
        case 3:
            step_time(&run, (uint64_t)action * action);
            break;
        case 4:
            step_answer(&run);
            break;
        default:
            step_request(&run);
            break;
        }
        if (action % 8 != 7) {
            drain(&run);
        }
        coap_endpoint_check(run.endpoint, false);
    }
    drain(&run);
    rest(&run);
    return 0;
}
