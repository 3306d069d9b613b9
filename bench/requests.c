#include "bench/requests.h"

#include <stdio.h>
#include <string.h>

#include "bench/devices.h"
#include "bench/list.h"
#include "coap/message.h"
#include "coap/options.h"

#define REPEAT_NS 2000000000ULL
#define PAYLOAD                                                                                    \
    "{\"temperature\":25.5,\"humidity\":60,\"pressure\":1013.25,\"status\":\"ok\",\"on\":true}"

static const struct {
    uint8_t code;
    const char *token; // NULL: no path
    const char *feature;
    bool observe;
} kinds[BENCH_KINDS] = {
    [BENCH_ECHO] = {COAP_POST, "BENCH0000000", "telemetry", false},
    [BENCH_TRIVIAL] = {COAP_GET, NULL, NULL, false},
    [BENCH_TELEMETRY] = {COAP_POST, "BENCH0000000", "telemetry", false},
    [BENCH_PUBLISH] = {COAP_POST, "BENCH0000000", "attributes", false},
    [BENCH_ATTRIBUTES] = {COAP_GET, "BENCH0000000", "attributes", false},
    [BENCH_STRANGER] = {COAP_POST, "NOBDY0000000", "telemetry", false},
    [BENCH_WATCH] = {COAP_GET, "BENCH0000000", "attributes", true},
    [BENCH_LISTEN] = {COAP_GET, "BENCH0000000", "rpc", true},
    [BENCH_REPLY] = {COAP_POST, "BENCH0000000", "rpc", false},
};

// Requests but for their message id, token and the digits of the device.
static struct {
    uint8_t bytes[BENCH_DATAGRAM_MAX];
    size_t len;
    size_t digits; // where they are; 0: none
} templates[BENCH_KINDS];

static void write_request(struct buf *buf, enum bench_kind kind, uint32_t call)
{
    // One byte says which observation it is, two are the message id of another request.
    const struct coap_token token = {{(uint8_t)kind, 0}, kinds[kind].observe ? 1 : 2};
    struct coap_message_writer writer =
        coap_message_begin(buf, COAP_CON, kinds[kind].code, 0, &token);
    if (kinds[kind].observe) {
        coap_message_option_uint(&writer, COAP_OPTION_OBSERVE, 0);
    }
    if (kinds[kind].token != NULL) {
        coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("api"));
        coap_message_option(&writer, COAP_OPTION_URI_PATH, SLICE("v1"));
        coap_message_option(&writer, COAP_OPTION_URI_PATH, slice_text(kinds[kind].token));
        templates[kind].digits = buf->len - BENCH_TOKEN_DIGITS;
        coap_message_option(&writer, COAP_OPTION_URI_PATH, slice_text(kinds[kind].feature));
    }
    if (kind == BENCH_REPLY) {
        char digits[12];
        snprintf(digits, sizeof(digits), "%u", call);
        coap_message_option(&writer, COAP_OPTION_URI_PATH, slice_text(digits));
    }
    if (kinds[kind].code == COAP_POST) {
        coap_message_option_uint(&writer, COAP_OPTION_CONTENT_FORMAT, COAP_FORMAT_JSON);
        coap_message_payload(&writer,
                             kind == BENCH_REPLY ? SLICE("{\"done\":true}") : SLICE(PAYLOAD));
    }
}

void bench_requests_init(struct bench_load *load)
{
    for (unsigned kind = 0; kind < BENCH_KINDS; kind++) {
        struct buf buf = buf_over(templates[kind].bytes, BENCH_DATAGRAM_MAX);
        write_request(&buf, (enum bench_kind)kind, 0);
        templates[kind].len = buf.len;
    }
    for (uint32_t i = 0; i < load->options.devices; i++) {
        load->devices[i].mid = (uint16_t)(load->now_ns / 1000U + i);
        bench_list_push(&load->idle, load->devices, i);
    }
}

// The one kind whose length differs is written anew.
static void renew_reply(uint32_t call)
{
    struct buf buf = buf_over(templates[BENCH_REPLY].bytes, BENCH_DATAGRAM_MAX);
    write_request(&buf, BENCH_REPLY, call);
    templates[BENCH_REPLY].len = buf.len;
}

static void send_request(struct bench_load *load, uint32_t number)
{
    struct bench_device *device = &load->devices[number];
    const unsigned kind = device->kind;
    if (kind == BENCH_REPLY) {
        renew_reply(device->call);
    }
    const size_t len = templates[kind].len;
    uint8_t *bytes = bench_peers_prepare(load->peers, (struct bench_peer){number, 0}, len);
    memcpy(bytes, templates[kind].bytes, len);
    bytes[2] = (uint8_t)(device->mid >> 8);
    bytes[3] = (uint8_t)device->mid;
    if (!kinds[kind].observe) {
        bytes[4] = bytes[2];
        bytes[5] = bytes[3];
    }
    if (templates[kind].digits > 0) {
        bench_token_digits(bytes + templates[kind].digits, number);
    }
    device->sent_ns = load->now_ns;
    load->count.sent++;
    bench_list_push(&load->waiting, load->devices, number);
}

void bench_requests_begin(struct bench_load *load, uint32_t number, enum bench_kind kind)
{
    struct bench_device *device = &load->devices[number];
    bench_list_remove(&load->idle, load->devices, number);
    device->mid++;
    device->kind = (uint8_t)kind;
    device->waits = true;
    device->acknowledged = false;
    device->begun_ns = load->now_ns;
    send_request(load, number);
}

static void end_request(struct bench_load *load, uint32_t number)
{
    bench_list_remove(&load->waiting, load->devices, number);
    struct bench_device *device = &load->devices[number];
    device->waits = false;
    bench_list_push(&load->idle, load->devices, number);
    if (device->owed != 0) {
        device->call = device->owed;
        device->owed = 0;
        bench_requests_begin(load, number, BENCH_REPLY);
    }
}

void bench_requests_reply(struct bench_load *load, uint32_t number, uint32_t call)
{
    struct bench_device *device = &load->devices[number];
    if (call == device->call || call == device->owed) {
        load->count.repeats++;
    } else if (device->waits) {
        device->owed = call;
    } else {
        device->call = call;
        bench_requests_begin(load, number, BENCH_REPLY);
    }
}

void bench_requests_repeat_late(struct bench_load *load)
{
    while (load->waiting.first != BENCH_NONE) {
        const uint32_t number = load->waiting.first;
        struct bench_device *device = &load->devices[number];
        if (load->now_ns - device->sent_ns < REPEAT_NS) {
            return;
        }
        if (device->kind == BENCH_STRANGER) {
            end_request(load, number);
            continue;
        }
        bench_list_remove(&load->waiting, load->devices, number);
        if (device->acknowledged) {
            device->sent_ns = load->now_ns; // nothing to repeat, but still waiting
            bench_list_push(&load->waiting, load->devices, number);
        } else {
            load->count.repeats++;
            send_request(load, number);
        }
    }
}

static void acknowledge(struct bench_load *load, uint32_t number, const uint8_t *message)
{
    uint8_t *bytes = bench_peers_prepare(load->peers, (struct bench_peer){number, 0}, 4);
    memcpy(bytes, (const uint8_t[]){0x40 | COAP_ACK << 4, 0, message[2], message[3]}, 4);
}

static void answered(struct bench_load *load, uint32_t number, uint8_t code)
{
    load->count.codes[code]++;
    if (load->rest == NULL) {
        bench_latency_add(&load->count.latency, load->now_ns - load->devices[number].begun_ns);
        load->count.answered++;
    }
    end_request(load, number);
}

// What the server sends by itself: a notification, or a response that was not piggybacked.
static void take_separate(struct bench_load *load, uint32_t number, struct slice datagram)
{
    struct coap_message message;
    struct bench_device *device = &load->devices[number];
    if (coap_message_parse(datagram, &message) != COAP_MESSAGE_OK || message.token.len == 0) {
        return;
    }
    if (message.type == COAP_CON) {
        acknowledge(load, number, datagram.ptr);
    }
    const bool observes = message.token.len == 1;
    const unsigned token = (unsigned)message.token.bytes[0] << 8 | message.token.bytes[1];
    if (device->waits &&
        (observes ? message.token.bytes[0] == device->kind && kinds[device->kind].observe
                  : token == device->mid)) {
        answered(load, number, message.code);
    } else if (observes && load->notified != NULL) {
        load->notified(load, number, (enum bench_kind)message.token.bytes[0], message.payload);
    }
}

void bench_requests_take(void *context, struct bench_peer at, struct slice datagram)
{
    struct bench_load *load = context;
    struct bench_device *device = &load->devices[at.device];
    const uint8_t *bytes = datagram.ptr;
    if (datagram.len < COAP_HEADER_SIZE) {
        return;
    }
    if ((bytes[0] >> 4 & 3) != COAP_ACK && device->kind != BENCH_ECHO) {
        take_separate(load, at.device, datagram);
        return;
    }
    if (!device->waits || (uint16_t)(bytes[2] << 8 | bytes[3]) != device->mid) {
        return;
    }
    if (bytes[1] == COAP_EMPTY) {
        device->acknowledged = true;
    } else {
        answered(load, at.device, bytes[1]);
    }
}
