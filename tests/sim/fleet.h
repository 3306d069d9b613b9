// tests/sim/fleet.h: a server endpoint with a model owner, and a fleet of client endpoints that ask
// it things, over the simulated network. The oracles are asserted as it runs.
#pragma once

#include <stdint.h>

#include "sim/network.h"

struct sim_plan {
    uint64_t seed;
    uint64_t seconds; // of virtual time in which new requests are started
    unsigned clients;
    struct sim_weather weather;
    bool addresses_change;
};

struct sim_outcome {
    uint64_t started;
    uint64_t answered;
    uint64_t lost;
    uint64_t rejected;
    uint64_t handled;    // runs of the handler with an effect
    uint64_t duplicates; // noticed by the server
    uint64_t bodies;     // whole bodies that arrived in blocks
    uint64_t trace;
};

// Runs the plan, lets everything come to rest and checks that it did:
//   no handler runs twice for one message of one endpoint;
//   every request ends at its sender: answered, lost or rejected;
//   no unproven peer gets more than three times the bytes it sent;
//   at rest every pool is full again.
struct sim_outcome sim_fleet_run(const struct sim_plan *plan);
