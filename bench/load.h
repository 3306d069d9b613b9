// bench/load.h: what the parts of the load generator share: the devices, what they wait for, and
// what was counted since the warm-up. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "bench/latency.h"
#include "bench/peers.h"

enum bench_kind {
    BENCH_ECHO,       // as telemetry; any answer counts
    BENCH_TRIVIAL,    // GET /
    BENCH_TELEMETRY,  // POST with five keys
    BENCH_PUBLISH,    // the same five as attributes
    BENCH_ATTRIBUTES, // GET of all that the device has
    BENCH_STRANGER,   // telemetry with a token that nobody has; not repeated
    BENCH_WATCH,      // observe the shared attributes
    BENCH_LISTEN,     // observe the calls
    BENCH_REPLY,      // the answer to a call
    BENCH_KINDS,
};

#define BENCH_NONE UINT32_MAX

// At most one request at a time; it is repeated every two seconds until it is answered.
struct bench_device {
    uint64_t begun_ns;
    uint64_t sent_ns;
    uint32_t next; // in the list it is in: of those that wait, or of the idle ones
    uint32_t previous;
    uint64_t asked_ns; // when REST was asked for something of this device
    uint32_t call;     // the one it replies to
    uint32_t owed;     // a call to reply to once the request under way is over; 0: none
    uint16_t mid;      // the token of its request as well: a separate response is known by it
    uint8_t kind;      // enum bench_kind
    bool waits;
    bool acknowledged; // the answer comes by itself
};

struct bench_list {
    uint32_t first;
    uint32_t last;
    uint32_t count;
};

// Since the warm-up.
struct bench_count {
    uint64_t answered; // what the mode is about: requests, notifications, calls
    uint64_t sent;
    uint64_t repeats;
    uint64_t codes[256];
    struct bench_latency latency;
};

struct bench_options {
    unsigned port;
    uint32_t devices;
    uint32_t in_flight;
    unsigned seconds;
    unsigned warm_up;
    unsigned rate;
    unsigned each; // warm up until every device was answered
    unsigned http;
    unsigned connections;
};

struct bench_rest;
struct bench_load;
// A notification of one of the two observations (BENCH_WATCH, BENCH_LISTEN), already acknowledged.
typedef void bench_notified_fn(struct bench_load *load, uint32_t device, enum bench_kind kind,
                               struct slice payload);
// A request over HTTP was answered.
typedef void bench_rested_fn(struct bench_load *load, uint32_t device, unsigned status,
                             struct slice body);
// Starts what is to be started now; called every turn.
typedef void bench_step_fn(struct bench_load *load);

struct bench_load {
    struct bench_options options;
    int epoll;
    uint64_t now_ns;
    uint64_t start_ns; // of this run
    uint64_t started;  // requests of this run, where they are started at a rate
    struct bench_peers *peers;
    struct bench_rest *rest; // may be NULL
    struct bench_device *devices;
    struct bench_list idle;
    struct bench_list waiting; // by the time of their last transmission
    bench_notified_fn *notified;
    bench_rested_fn *rested;
    struct bench_count count;
    uint32_t missing; // changes that never arrived
};

// One turn: starts, sends, waits for at most a millisecond, takes what came, repeats what is late.
void bench_load_turn(struct bench_load *load, bench_step_fn *step);
// Turns until `seconds` have passed.
void bench_load_run(struct bench_load *load, unsigned seconds, bench_step_fn *step);
// Says that the warm-up is over, and counts from here.
void bench_load_warm(struct bench_load *load);
