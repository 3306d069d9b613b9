#include <stdio.h>
#include <string.h>

#include "bench/devices.h"
#include "coap/message.h"
#include "coap/options.h"
#include "fleet/fleet.h"
#include "plat/clock.h"

#define SECOND 1000000000ULL
#define SENDS_MAX 5U             // RFC 7252 4.8
#define ANSWER_NS (45U * SECOND) // after an empty ACK
#define TOKEN_REQUEST 0U
#define TOKEN_WATCH 1U
#define TOKEN_LISTEN 2U

static uint32_t number_of(const struct fleet *fleet, const struct fleet_device *device)
{
    return (uint32_t)(device - fleet->devices);
}

// Both directions lose alike.
static bool is_lost(struct fleet *fleet, const struct fleet_device *device)
{
    return !fleet->is_calm && random_below(&fleet->weather, 100) < device->loss;
}

static void send_bytes(struct fleet *fleet, const struct fleet_device *device, const uint8_t *bytes,
                       size_t len)
{
    if (!is_lost(fleet, device)) {
        const struct bench_peer from = {number_of(fleet, device), device->moves};
        memcpy(bench_peers_prepare(fleet->peers, from, len), bytes, len);
    }
}

static void send_empty(struct fleet *fleet, const struct fleet_device *device, enum coap_type type,
                       uint16_t mid)
{
    uint8_t bytes[COAP_HEADER_SIZE];
    struct buf buf = buf_over(bytes, sizeof(bytes));
    coap_message_write_empty(&buf, type, mid);
    send_bytes(fleet, device, bytes, sizeof(bytes));
}

// What each kind is: method, feature, Observe (-1: none).
static const struct {
    uint8_t code;
    const char *feature;
    int observe;
} kinds[] = {
    [FLEET_TELEMETRY] = {COAP_POST, "telemetry", -1},
    [FLEET_PUBLISH] = {COAP_POST, "attributes", -1},
    [FLEET_READ] = {COAP_GET, "attributes", -1},
    [FLEET_WATCH] = {COAP_GET, "attributes", 0},
    [FLEET_LISTEN] = {COAP_GET, "rpc", 0},
    [FLEET_REPLY] = {COAP_POST, "rpc", -1},
    [FLEET_ASK] = {COAP_POST, "rpc", -1},
    [FLEET_POLL] = {COAP_POST, "telemetry", -1},
    [FLEET_UNWATCH] = {COAP_GET, "attributes", 1},
    [FLEET_UNLISTEN] = {COAP_GET, "rpc", 1},
};

static struct coap_token token_of(struct fleet_device *device, enum fleet_kind kind)
{
    switch (kind) {
    case FLEET_WATCH:
        return (struct coap_token){{TOKEN_WATCH, ++device->watch.trying}, 2};
    case FLEET_LISTEN:
        return (struct coap_token){{TOKEN_LISTEN, ++device->listen.trying}, 2};
    case FLEET_UNWATCH:
        return (struct coap_token){{TOKEN_WATCH, device->watch.current}, 2};
    case FLEET_UNLISTEN:
        return (struct coap_token){{TOKEN_LISTEN, device->listen.current}, 2};
    case FLEET_NOTHING:
    case FLEET_TELEMETRY:
    case FLEET_PUBLISH:
    case FLEET_READ:
    case FLEET_REPLY:
    case FLEET_ASK:
    case FLEET_POLL:
        break;
    }
    const uint16_t mid = device->request.mid;
    return (struct coap_token){{TOKEN_REQUEST, (uint8_t)(mid >> 8), (uint8_t)mid}, 3};
}

static void write_query(struct coap_message_writer *writer, const struct fleet_device *device)
{
    char query[40];
    if (device->request.kind == FLEET_POLL) {
        snprintf(query, sizeof(query), "pending=%llu", (unsigned long long)device->sequence);
        coap_message_option(writer, COAP_OPTION_URI_QUERY, slice_text(query));
    } else if (device->request.kind == FLEET_READ) {
        coap_message_option(writer, COAP_OPTION_URI_QUERY, SLICE("clientKeys=own"));
    }
}

static void write_body(struct coap_message_writer *writer, const struct fleet_device *device)
{
    char body[80];
    const struct fleet_request *request = &device->request;
    switch (request->kind) {
    case FLEET_TELEMETRY:
    case FLEET_POLL:
        snprintf(body, sizeof(body), "{\"n\":%u}", request->subject);
        break;
    case FLEET_PUBLISH:
        snprintf(body, sizeof(body), "{\"own\":%u}", request->subject);
        break;
    case FLEET_REPLY:
        snprintf(body, sizeof(body), "{\"got\":%lld}",
                 (long long)device->calls[request->subject].params);
        break;
    case FLEET_ASK:
        snprintf(body, sizeof(body), "{\"method\":\"time\",\"params\":{}}");
        break;
    case FLEET_NOTHING:
    case FLEET_READ:
    case FLEET_WATCH:
    case FLEET_LISTEN:
    case FLEET_UNWATCH:
    case FLEET_UNLISTEN:
        return;
    }
    coap_message_payload(writer, slice_text(body));
}

static void write_request(struct fleet *fleet, struct fleet_device *device)
{
    struct fleet_request *request = &device->request;
    const enum fleet_kind kind = request->kind;
    uint8_t access[BENCH_TOKEN_SIZE] = "BENCH0000000";
    char call[12];
    const struct coap_token token = token_of(device, kind);
    struct buf buf = buf_over(request->bytes, sizeof(request->bytes));
    struct coap_message_writer writer =
        coap_message_begin(&buf, COAP_CON, kinds[kind].code, request->mid, &token);
    if (kinds[kind].observe >= 0) {
        coap_message_option_uint(&writer, COAP_OPTION_OBSERVE, (uint32_t)kinds[kind].observe);
    }
    bench_token_digits(access + BENCH_TOKEN_SIZE - BENCH_TOKEN_DIGITS, number_of(fleet, device));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("api"));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("v1"));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, slice_of(access, BENCH_TOKEN_SIZE));
    coap_message_option(&writer, COAP_OPTION_URI_PATH, slice_text(kinds[kind].feature));
    if (kind == FLEET_REPLY) {
        snprintf(call, sizeof(call), "%u", request->subject);
        coap_message_option(&writer, COAP_OPTION_URI_PATH, slice_text(call));
    }
    if (kinds[kind].code == COAP_POST) {
        coap_message_option_uint(&writer, COAP_OPTION_CONTENT_FORMAT, COAP_FORMAT_JSON);
    }
    write_query(&writer, device);
    write_body(&writer, device);
    request->len = buf.len;
}

static void transmit(struct fleet *fleet, struct fleet_device *device)
{
    struct fleet_request *request = &device->request;
    request->sends++;
    request->due_ns = fleet->now_ns + request->wait_ns;
    request->wait_ns *= 2;
    send_bytes(fleet, device, request->bytes, request->len);
}

void fleet_begin(struct fleet *fleet, struct fleet_device *device, enum fleet_kind kind,
                 uint32_t subject)
{
    struct fleet_request *request = &device->request;
    *request = (struct fleet_request){.kind = kind, .subject = subject, .mid = ++device->mid};
    // ACK_TIMEOUT with its random factor (RFC 7252 4.2).
    request->wait_ns = 2U * SECOND + random_below(&fleet->weather, SECOND);
    write_request(fleet, device);
    transmit(fleet, device);
}

void fleet_abandon(struct fleet *fleet, struct fleet_device *device)
{
    const enum fleet_kind kind = device->request.kind;
    if (kind == FLEET_WATCH) {
        device->watch.is_known = false;
    } else if (kind == FLEET_LISTEN) {
        device->listen.is_known = false;
    }
    fleet->abandoned += kind != FLEET_NOTHING;
    device->request.kind = FLEET_NOTHING;
}

void fleet_repeat(struct fleet *fleet, struct fleet_device *device)
{
    const struct fleet_request *request = &device->request;
    if (request->kind == FLEET_NOTHING || fleet->now_ns < request->due_ns) {
        return;
    }
    if (request->acknowledged || request->sends == SENDS_MAX) {
        fleet_abandon(fleet, device);
    } else {
        transmit(fleet, device);
    }
}

static bool find_observe(const struct coap_message *message, uint32_t *number)
{
    struct coap_option option;
    struct coap_option_reader reader = coap_option_reader_over(message->options);
    while (coap_option_next(&reader, &option)) {
        if (option.number == COAP_OPTION_OBSERVE) {
            *number = coap_option_uint(option.value);
            return true;
        }
    }
    return false;
}

static void end_registration(struct fleet *fleet, struct fleet_device *device,
                             struct fleet_observation *observation,
                             const struct coap_message *message)
{
    uint32_t number;
    observation->current = observation->trying;
    observation->moves = device->moves;
    observation->is_known = find_observe(message, &number);
    if (observation == &device->watch && observation->is_known) {
        fleet_state_base(fleet, device, message->payload, number);
    }
}

// The request under way got this answer.
static void end_request(struct fleet *fleet, struct fleet_device *device,
                        const struct coap_message *message)
{
    const struct fleet_request *request = &device->request;
    const bool is_good = coap_code_class(message->code) == 2;
    fleet->answers[message->code]++;
    switch (request->kind) {
    case FLEET_POLL:
        if (is_good) {
            fleet_state_pending(fleet, device, message->payload);
        }
        device->stored[request->subject] |= is_good;
        break;
    case FLEET_TELEMETRY:
        device->stored[request->subject] |= is_good;
        break;
    case FLEET_PUBLISH:
        if (is_good) {
            device->published_acknowledged = request->subject;
        }
        break;
    case FLEET_READ:
        if (is_good) {
            fleet_state_own(fleet, device, message->payload);
        }
        break;
    case FLEET_WATCH:
        end_registration(fleet, device, &device->watch, message);
        break;
    case FLEET_LISTEN:
        end_registration(fleet, device, &device->listen, message);
        break;
    case FLEET_REPLY:
        device->calls[request->subject].wants_reply = false;
        if (is_good) {
            device->calls[request->subject].replied_ms = plat_clock_wall().ms;
        }
        break;
    case FLEET_UNWATCH:
        device->watch.is_over = true;
        break;
    case FLEET_UNLISTEN:
        device->listen.is_over = true;
        break;
    case FLEET_NOTHING:
    case FLEET_ASK:
        break;
    }
    device->request.kind = FLEET_NOTHING;
}

// An observation says something; false if the device does not know it.
static bool take_notification(struct fleet *fleet, struct fleet_device *device,
                              const struct coap_message *message)
{
    const bool is_watch = message->token.bytes[0] == TOKEN_WATCH;
    struct fleet_observation *observation = is_watch ? &device->watch : &device->listen;
    const uint8_t token = message->token.bytes[1];
    uint32_t number;
    if (token != observation->current && token != observation->trying) {
        return false;
    }
    device->notified++;
    if (coap_code_class(message->code) != 2 || !find_observe(message, &number)) {
        observation->is_known = false;
    } else if (is_watch) {
        fleet_state_change(fleet, device, message->payload, number);
    } else if (message->payload.len > 0) {
        fleet_state_call(fleet, device, message->payload);
    }
    return true;
}

static bool is_answer(const struct fleet_device *device, const struct coap_message *message)
{
    const struct fleet_request *request = &device->request;
    const struct coap_token *token = &message->token;
    if (request->kind == FLEET_NOTHING) {
        return false;
    }
    if (token->len == 3) {
        return (token->bytes[1] << 8 | token->bytes[2]) == request->mid;
    }
    // A registration whose own answer was lost may be followed by a notification at once: only
    // after an empty ACK is what comes by itself its answer.
    return request->acknowledged &&
           ((request->kind == FLEET_WATCH && token->bytes[0] == TOKEN_WATCH &&
             token->bytes[1] == device->watch.trying) ||
            (request->kind == FLEET_LISTEN && token->bytes[0] == TOKEN_LISTEN &&
             token->bytes[1] == device->listen.trying));
}

static void take_own(struct fleet *fleet, struct fleet_device *device,
                     const struct coap_message *message)
{
    struct fleet_request *request = &device->request;
    if (request->kind == FLEET_NOTHING || message->mid != request->mid) {
        return;
    }
    if (message->type == COAP_RST) {
        fleet_fault(fleet, device, "RST for a request of kind %d", (int)request->kind);
        fleet_abandon(fleet, device);
    } else if (message->code == COAP_EMPTY) {
        request->acknowledged = true;
        request->due_ns = fleet->now_ns + ANSWER_NS;
    } else {
        end_request(fleet, device, message);
    }
}

void fleet_take(void *context, struct bench_peer at, struct slice datagram)
{
    struct fleet *fleet = context;
    struct fleet_device *device = &fleet->devices[at.device];
    struct coap_message message;
    if (at.moves != device->moves || is_lost(fleet, device)) {
        return;
    }
    if (coap_message_parse(datagram, &message) != COAP_MESSAGE_OK) {
        fleet_fault(fleet, device, "a datagram of %zu bytes is no message", datagram.len);
        return;
    }
    if (message.type == COAP_ACK || message.type == COAP_RST) {
        take_own(fleet, device, &message);
        return;
    }
    bool is_known = true;
    if (is_answer(device, &message)) {
        end_request(fleet, device, &message);
    } else if (message.token.len == 2) {
        is_known = take_notification(fleet, device, &message);
    }
    // A late answer is confirmed: it had its effect.
    if (message.type == COAP_CON || !is_known) {
        send_empty(fleet, device, is_known ? COAP_ACK : COAP_RST, message.mid);
    }
}
