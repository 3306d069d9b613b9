// api/api.h: /api/v1 for devices, between the CoAP endpoint and the core. One per worker.
//
// A request passes four gates in this order: the form of the path and method, the credential, the
// payload, the limits; what follows is the core's. Refusals carry a short diagnostic payload with
// the reason and the place (architecture.md section 6, Q-10).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/refusals.h"
#include "base/arena.h"
#include "base/metric.h"
#include "base/time.h"
#include "coap/endpoint.h"
#include "core/core.h" // completions and loads are the store's, by way of the core
#include "core/mail.h"
#include "core/recorder.h"
#include "core/shard.h"

struct api_settings {
    bool type_cast;
    uint32_t string_units_max;
    bool strict_formats;
    bool upstream_codes;
    uint32_t body_max;
    struct span answer_wait;  // for an answer to a call of a device
    struct hash_key hash_key; // random, against chosen collisions of key names
};

struct api_metrics {
    struct metric requests;
    struct metric accepted; // answered 2.xx
    struct metric refused;  // answered 4.xx
    struct metric failed;   // answered 5.xx
    struct metric wrong_tokens;
    struct metric dropped; // refused in silence: the source is over its limit
    struct metric by_code[256];
};

// `?pending=` (protocol-rules.md section 5).
struct api_pending {
    bool is_asked;
    bool as_cbor;
    uint16_t room; // bytes of the answer
    uint64_t sequence;
};

// Calls of devices that wait for an answer, oldest first: all wait equally long.
#define API_WAITING_MAX 4096U
#define API_WAITING_OF_ONE 16U // of one device

struct api_waiting {
    struct {
        struct device_id device;
        struct coap_handle exchange;
        struct mono deadline;
    } items[API_WAITING_MAX];
    uint32_t first;
    uint32_t count;
};

// What follows when an exchange is done with its own: the feed is told, the device gets what waits.
struct api_follow {
    uint32_t generation; // of the exchange; 0: nothing
    uint32_t feed;       // what changed of the device; 0: nobody watches
    struct tenant_id tenant;
    struct device_id device;
    struct api_pending pending;
};

struct api {
    struct api_settings settings;
    struct core_worker core;
    struct api_refusals refusals;
    struct arena *memory; // the worker's turn arena
    struct api_waiting waiting;
    struct api_follow *follows;     // by the place of the exchange
    uint32_t followed;              // those that are set
    struct core_recorder *recorder; // NULL: nothing is recorded
    bool is_reached;                // something may be sent to the device of the last request
    struct api_metrics metrics;
};

// When a request is judged.
struct api_time {
    struct mono mono;
    struct wall wall;
};

enum api_outcome {
    API_REPLIED, // `reply` is the answer
    API_PENDING, // a completion or a load with the exchange's ticket will come
    API_DROPPED, // no answer at all
};

// Where a request came from, as far as it outlives the process.
struct api_origin {
    struct store_trace trace; // goes with its durable effects
    uint32_t steer;           // modulo workers: the worker that speaks to its sender
};

// Runs one whole request. The reply's payload lives in the turn arena.
enum api_outcome api_request(struct api *api, struct api_time now,
                             const struct coap_request *request, const struct api_origin *origin,
                             struct coap_reply *reply);

// Judges the first block of a larger body by path, credential and size before anything is kept.
// API_PENDING means: admit it.
enum api_outcome api_body_begins(struct api *api, struct api_time now,
                                 const struct coap_request *request,
                                 struct coap_admission *admission, struct coap_reply *reply);

// The answer for a completion that arrived on the worker's lane, and whom it is for: API_PENDING
// while more is asked for it.
enum api_outcome api_completed(struct api *api, const struct store_completion *completion,
                               struct coap_handle *exchange, struct coap_reply *reply);

// The answer for a load that arrived there. Its payload lives in the turn arena. The caller
// releases the load.
void api_loaded(struct api *api, struct store_load *load, struct coap_handle *exchange,
                struct coap_reply *reply);

// The answer of a shard that came by mail (core/mail.h): API_PENDING while more is read for it.
enum api_outcome api_answered(struct api *api, const struct core_mail *answer,
                              struct coap_handle *exchange, struct coap_reply *reply);

// Sends what a shard wants a device to be told, and tells the shard what became of it.
void api_notice_send(struct api *api, struct coap_endpoint *endpoint, struct mono now,
                     const struct core_mail *notice);
void api_notice_outcome(struct api *api, const struct coap_event *event);
// Notes that a request arrived again (COAP_EVENT_REPEATED).
void api_repeated(struct api *api, const struct coap_request *request);
// How a shard writes its notices (core/shard.h).
extern const struct core_shard_ops api_notice_ops;

// The next request that has waited too long for an answer from elsewhere; false when there is none.
MUST_USE bool api_expired(struct api *api, struct mono now, struct coap_handle *exchange,
                          struct coap_reply *reply);
struct mono api_deadline(const struct api *api);

// Exchanges name their completions by this.
uint64_t api_ticket(struct coap_handle exchange);
