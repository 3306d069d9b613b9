// tests/sim/network.h: a network on a virtual clock: it loses, repeats, delays and so reorders
// datagrams, all from one seed. What is in the air is bounded; beyond that it is lost.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/random.h"
#include "base/slice.h"
#include "base/time.h"

struct sim_network;

struct sim_weather {
    uint32_t loss_percent;
    uint32_t repeat_percent;
    uint32_t slow_percent; // of datagrams that take up to `slow_ms` in place of up to `delay_ms`
    uint64_t delay_ms;
    uint64_t slow_ms;
};

struct sim_datagram {
    struct address from;
    struct address to;
    struct slice bytes;
};

struct sim_network *sim_network_create(struct random *random, struct sim_weather weather);
void sim_network_destroy(struct sim_network *network);

void sim_network_send(struct sim_network *network, struct mono now,
                      const struct sim_datagram *datagram);
// The next datagram that has arrived by now; false if there is none. Valid until the next call.
bool sim_network_receive(struct sim_network *network, struct mono now,
                         struct sim_datagram *datagram);
struct mono sim_network_deadline(const struct sim_network *network);
// A hash over everything that was delivered, and when.
uint64_t sim_network_trace(const struct sim_network *network);
