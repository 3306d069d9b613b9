// tests/story/stage.h: what stories are played on: one worker with its endpoint and its shard over
// the reference store or one that is given, a device that is known by its token, and a desk at
// which a person gives orders. No sockets and no threads but the store's; time stands still.
//
// What workers, shards and desks say to each other is mail. A story takes it up letter by letter,
// so that each can be looked at.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/api.h"
#include "coap/endpoint.h"
#include "core/shard.h"

#define STAGE_LETTER_BODY 2048U

struct stage_letter {
    struct core_mail mail;
    uint8_t body[STAGE_LETTER_BODY];
    unsigned from;
};

struct stage {
    struct core core;
    struct epoch epoch;
    struct filter reached;
    struct bus_party *worker;
    struct bus_party *desk;
    struct store_lane *lane;       // of the api
    struct store_lane *shard_lane; // of the shard
    struct coap_endpoint *endpoint;
    struct core_shard *shard;
    struct arena turn_memory;
    struct api api;
    struct mono now;
    struct stage_letter letter; // the one in hand
    uint8_t datagram[512];      // the last that the device sent
    uint8_t heard[COAP_DATAGRAM_MAX];
};

extern struct stage stage;
extern const struct tenant_id stage_tenant;
extern const struct device_id stage_device;
extern const struct coap_peer stage_peer; // the device
extern const struct wall stage_noon;      // the time of all stories

// For cmocka: everything new, everything gone.
int stage_open(void **state);
int stage_close(void **state);
// The same over a store that is open and not started; closed with the stage.
void stage_open_on(struct store *owned_store);
// What the store remembers of messages is told to the endpoint, as at each start of the server.
void stage_recall(void);

// A request of the device to /api/v1/token/...: `path` may have several segments. With `observe` it
// registers. What is sent stays in `stage.datagram`.
struct stage_request {
    uint8_t method;
    uint16_t mid;
    uint8_t token;
    const char *path;
    bool observe;
    const char *payload;
};

// The request arrives at the endpoint, which knows it already: it answers by itself.
void stage_repeat(const struct stage_request *request);
// The request arrives at the endpoint and goes on to the api; what that makes of it.
enum api_outcome stage_request(const struct stage_request *request, struct coap_reply *reply);
// An empty ACK of the device arrives: what the endpoint makes of it.
struct coap_event stage_acknowledge(uint16_t mid);

// The next datagram to the device. Views last until the next one.
struct coap_message stage_hear(struct coap_options *options);
void stage_hear_nothing(void);

// The next letter, which must be of that kind: waits for the store if need be.
const struct core_mail *stage_take(enum core_mail_kind kind);
// The letter in hand is for the shard.
void stage_to_shard(void);
// A person's order goes to the shard.
void stage_order(struct core_order *order);
