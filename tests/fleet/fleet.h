// tests/fleet/fleet.h: many devices that do everything at random over a bad network, for
// tests/test_fleet.py. Each has an address and port of its own and changes them, loses datagrams in
// both directions, and remembers what it was promised. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/slice.h"
#include "bench/peers.h"

#define FLEET_KEYS 4U       // shared attributes k0 to k3 of a device
#define FLEET_READINGS 768U // of a device; then it sends no more
#define FLEET_CALLS 768U    // ids of calls of a device, from 1
#define FLEET_REQUEST_MAX 256U

enum fleet_kind {
    FLEET_NOTHING,
    FLEET_TELEMETRY,
    FLEET_PUBLISH,
    FLEET_READ,   // its own client attribute
    FLEET_WATCH,  // observe the shared attributes
    FLEET_LISTEN, // observe the calls
    FLEET_REPLY,
    FLEET_ASK,  // a call to the server; nobody answers it
    FLEET_POLL, // telemetry with ?pending=
    FLEET_UNWATCH,
    FLEET_UNLISTEN,
};

enum fleet_phase {
    FLEET_BUSY,    // everything
    FLEET_QUIET,   // no moves, only readings and answers
    FLEET_LEAVING, // each observation is ended, then the device is silent; nothing is lost
};

// At most one under way (NSTART 1 of RFC 7252 4.7).
struct fleet_request {
    enum fleet_kind kind;
    uint32_t subject; // which reading, value or call it is about
    uint16_t mid;
    unsigned sends;
    bool acknowledged; // the answer comes by itself
    uint64_t wait_ns;
    uint64_t due_ns;
    size_t len;
    uint8_t bytes[FLEET_REQUEST_MAX];
};

// What the device believes the shared attributes are; values are numbers from 0.
#define FLEET_ABSENT (-1)
struct fleet_shared {
    int64_t values[FLEET_KEYS];
    uint32_t numbers[FLEET_KEYS]; // Observe number of the newest change of each
    uint32_t number;              // of the newest notification applied
    bool is_numbered;
};

// Tokens differ in their last byte with each registration: `trying` is not answered yet.
struct fleet_observation {
    uint8_t current, trying;
    bool is_known;  // its registration was answered, and it has not ended
    uint32_t moves; // of the device when it was registered
    bool is_over;   // ended by the device
};

struct fleet_call {
    int64_t params;
    bool is_seen;
    bool wants_reply;
    int64_t replied_ms; // wall time of the first 2.01 for its answer; 0: none
};

struct fleet_device {
    struct random random; // its choices
    uint32_t loss;        // percent
    bool polls;           // has no observation, but asks for what waits
    uint32_t moves;
    uint64_t move_ns, act_ns;
    struct fleet_request request;
    uint16_t mid;
    uint32_t readings;
    uint8_t stored[FLEET_READINGS]; // by reading: it was acknowledged
    uint32_t published, published_acknowledged;
    struct fleet_observation watch, listen;
    struct fleet_shared shared;
    uint64_t sequence; // ?pending
    struct fleet_call calls[FLEET_CALLS];
    uint32_t reply_next;           // a call that may want a reply
    uint32_t notified, duplicates; // on the wire
};

struct fleet {
    uint64_t seed;
    uint32_t count;
    uint64_t pace_ns;  // mean time between two things a device does
    uint64_t moves_ns; // mean time between two addresses
    enum fleet_phase phase;
    bool is_calm; // nothing is lost any more
    int epoll;
    uint64_t now_ns;
    struct random weather;
    struct bench_peers *peers;
    struct fleet_device *devices;
    uint64_t answers[256];
    uint64_t blank;     // repeated polls that were answered without what was asked
    uint64_t abandoned; // requests without an answer
    char fault[256];    // the first thing a device noticed to be wrong; empty: none
};

// Something is wrong that cannot be seen from outside; the report tells the first.
void fleet_fault(struct fleet *fleet, const struct fleet_device *device, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// choice.c: starts what the device does next, if it is time and nothing is under way; moves it.
void fleet_choose(struct fleet *fleet, struct fleet_device *device);

// request.c
void fleet_begin(struct fleet *fleet, struct fleet_device *device, enum fleet_kind kind,
                 uint32_t subject);
void fleet_repeat(struct fleet *fleet, struct fleet_device *device);
// What came of it is not known: it is not sent again under another message id.
void fleet_abandon(struct fleet *fleet, struct fleet_device *device);
bench_peers_take_fn fleet_take; // context: struct fleet

// state.c: what messages of the server mean to the device. `payload` is JSON.
void fleet_state_reset(struct fleet_device *device);
// The answer to a registration: all shared attributes.
void fleet_state_base(struct fleet *fleet, struct fleet_device *device, struct slice payload,
                      uint32_t number);
void fleet_state_change(struct fleet *fleet, struct fleet_device *device, struct slice payload,
                        uint32_t number);
void fleet_state_call(struct fleet *fleet, struct fleet_device *device, struct slice payload);
// The body of a 2.01 to ?pending=.
void fleet_state_pending(struct fleet *fleet, struct fleet_device *device, struct slice payload);
// Its own attribute, read back.
void fleet_state_own(struct fleet *fleet, struct fleet_device *device, struct slice payload);

// report.c: one JSON object a line for each device, then one of the fleet.
void fleet_report(const struct fleet *fleet);
