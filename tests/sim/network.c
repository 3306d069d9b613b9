#include "sim/network.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

#define IN_AIR_MAX 4096U
#define DATAGRAM_MAX 2048U

struct in_air {
    struct mono arrival;
    uint64_t order; // of sending, to tell equal arrivals apart
    struct address from;
    struct address to;
    size_t len;
    uint8_t bytes[DATAGRAM_MAX];
};

struct sim_network {
    struct random *random;
    struct sim_weather weather;
    uint64_t sent;
    uint64_t trace;
    unsigned count;
    struct in_air *items[IN_AIR_MAX]; // a heap, earliest arrival first
    struct in_air *free_items[IN_AIR_MAX];
    unsigned free_count;
    struct in_air *delivered;
    struct in_air memory[IN_AIR_MAX];
};

struct sim_network *sim_network_create(struct random *random, struct sim_weather weather)
{
    struct sim_network *network = calloc(1, sizeof(*network));
    ASSERT(network != NULL);
    network->random = random;
    network->weather = weather;
    for (unsigned i = 0; i < IN_AIR_MAX; i++) {
        network->free_items[network->free_count++] = &network->memory[i];
    }
    return network;
}

void sim_network_destroy(struct sim_network *network)
{
    free(network);
}

static bool earlier(const struct in_air *a, const struct in_air *b)
{
    return a->arrival.ns != b->arrival.ns ? a->arrival.ns < b->arrival.ns : a->order < b->order;
}

static void swap(struct sim_network *network, unsigned a, unsigned b)
{
    struct in_air *item = network->items[a];
    network->items[a] = network->items[b];
    network->items[b] = item;
}

static void push(struct sim_network *network, struct in_air *item)
{
    unsigned at = network->count++;
    network->items[at] = item;
    while (at > 0 && earlier(network->items[at], network->items[(at - 1) / 2])) {
        swap(network, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static struct in_air *pop(struct sim_network *network)
{
    struct in_air *first = network->items[0];
    network->items[0] = network->items[--network->count];
    for (unsigned at = 0;;) {
        unsigned least = at;
        for (unsigned child = 2 * at + 1; child <= 2 * at + 2 && child < network->count; child++) {
            least = earlier(network->items[child], network->items[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        swap(network, at, least);
        at = least;
    }
}

static void launch(struct sim_network *network, struct mono now,
                   const struct sim_datagram *datagram)
{
    const struct sim_weather *weather = &network->weather;
    const bool slow = random_chance(network->random, weather->slow_percent, 100);
    const uint64_t most = slow ? weather->slow_ms : weather->delay_ms;
    const uint64_t delay_us = random_below(network->random, most * 1000 + 1);
    const bool lost = random_chance(network->random, weather->loss_percent, 100);
    if (lost || network->free_count == 0) {
        return;
    }
    struct in_air *item = network->free_items[--network->free_count];
    ASSERT(datagram->bytes.len <= DATAGRAM_MAX);
    item->arrival = mono_add(now, span_us(delay_us));
    item->order = network->sent++;
    item->from = datagram->from;
    item->to = datagram->to;
    item->len = datagram->bytes.len;
    memcpy(item->bytes, datagram->bytes.ptr, datagram->bytes.len);
    push(network, item);
}

void sim_network_send(struct sim_network *network, struct mono now,
                      const struct sim_datagram *datagram)
{
    launch(network, now, datagram);
    if (random_chance(network->random, network->weather.repeat_percent, 100)) {
        launch(network, now, datagram);
    }
}

bool sim_network_receive(struct sim_network *network, struct mono now,
                         struct sim_datagram *datagram)
{
    if (network->delivered != NULL) {
        network->free_items[network->free_count++] = network->delivered;
        network->delivered = NULL;
    }
    if (network->count == 0 || !mono_reached(now, network->items[0]->arrival)) {
        return false;
    }
    struct in_air *item = pop(network);
    network->delivered = item;
    *datagram = (struct sim_datagram){item->from, item->to, slice_of(item->bytes, item->len)};
    network->trace =
        hash_word(network->trace ^ hash_bytes(datagram->bytes) ^ item->arrival.ns ^ item->to.port);
    return true;
}

struct mono sim_network_deadline(const struct sim_network *network)
{
    return network->count == 0 ? MONO_NEVER : network->items[0]->arrival;
}

uint64_t sim_network_trace(const struct sim_network *network)
{
    return network->trace;
}
