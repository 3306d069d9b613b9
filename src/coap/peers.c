#include "coap/peers.h"

#include <string.h>

#include "base/map.h"

// Entries stand in an array; a doubly linked list orders them by last use; a map finds them.
#define NOBODY UINT32_MAX

struct entry {
    struct coap_peer_state state;
    uint64_t hash;
    uint32_t newer;
    uint32_t older;
};

struct coap_peers {
    struct entry *entries;
    struct map *map;
    struct hash_key key;
    struct random *random;
    uint32_t count;
    uint32_t count_max;
    uint32_t newest;
    uint32_t oldest;
};

static size_t round64(size_t size)
{
    return (size + 63U) & ~(size_t)63U;
}

size_t coap_peers_footprint(uint32_t peers_max)
{
    return round64(sizeof(struct coap_peers)) + round64(peers_max * sizeof(struct entry)) +
           map_footprint(peers_max);
}

struct coap_peers *coap_peers_init(void *memory, uint32_t peers_max, struct hash_key key,
                                   struct random *random)
{
    struct coap_peers *peers = memory;
    uint8_t *at = (uint8_t *)memory + round64(sizeof(*peers));
    *peers = (struct coap_peers){
        .entries = (struct entry *)(void *)at,
        .map = map_init(at + round64(peers_max * sizeof(struct entry)), peers_max),
        .key = key,
        .random = random,
        .count_max = peers_max,
        .newest = NOBODY,
        .oldest = NOBODY};
    return peers;
}

static void unlink_entry(struct coap_peers *peers, uint32_t index)
{
    const struct entry *entry = &peers->entries[index];
    if (entry->newer != NOBODY) {
        peers->entries[entry->newer].older = entry->older;
    } else {
        peers->newest = entry->older;
    }
    if (entry->older != NOBODY) {
        peers->entries[entry->older].newer = entry->newer;
    } else {
        peers->oldest = entry->newer;
    }
}

static void link_newest(struct coap_peers *peers, uint32_t index)
{
    struct entry *entry = &peers->entries[index];
    entry->newer = NOBODY;
    entry->older = peers->newest;
    if (peers->newest != NOBODY) {
        peers->entries[peers->newest].newer = index;
    } else {
        peers->oldest = index;
    }
    peers->newest = index;
}

struct search {
    const struct coap_peers *peers;
    const struct coap_peer *peer;
};

static bool is_peer(void *context, uint32_t value)
{
    const struct search *search = context;
    return coap_peer_equal(&search->peers->entries[value].state.peer, search->peer);
}

static uint32_t index_of(const struct coap_peers *peers, const struct coap_peer *peer,
                         uint64_t hash)
{
    struct search search = {peers, peer};
    return map_find(peers->map, hash, &search, is_peer);
}

struct coap_peer_state *coap_peers_find(struct coap_peers *peers, const struct coap_peer *peer)
{
    const uint32_t index = index_of(peers, peer, coap_peer_hash(peer, peers->key));
    return index == MAP_NONE ? NULL : &peers->entries[index].state;
}

// A free entry, or that of the peer used longest ago that has nothing in flight. Peers with
// messages in flight are few (each holds a slot of the endpoint), so the walk is short.
static uint32_t free_entry(struct coap_peers *peers)
{
    if (peers->count < peers->count_max) {
        return peers->count++;
    }
    uint32_t index = peers->oldest;
    while (index != NOBODY && peers->entries[index].state.in_flight > 0) {
        index = peers->entries[index].newer;
    }
    if (index != NOBODY) {
        map_remove(peers->map, peers->entries[index].hash, index);
        unlink_entry(peers, index);
    }
    return index;
}

struct coap_peer_state *coap_peers_take(struct coap_peers *peers, struct mono now,
                                        const struct coap_peer *peer)
{
    const uint64_t hash = coap_peer_hash(peer, peers->key);
    uint32_t index = index_of(peers, peer, hash);
    if (index != MAP_NONE) {
        unlink_entry(peers, index);
        link_newest(peers, index);
        return &peers->entries[index].state;
    }
    index = free_entry(peers);
    if (index == NOBODY) {
        return NULL;
    }
    struct entry *entry = &peers->entries[index];
    *entry = (struct entry){.hash = hash,
                            .state = {.peer = *peer,
                                      .mid_next = (uint16_t)random_next(peers->random),
                                      .allowance_start = now}};
    link_newest(peers, index);
    const bool put = map_put(peers->map, hash, index);
    ASSERT(put);
    return &entry->state;
}

// The allowance of a span that is over is not carried on.
static void renew(struct coap_peer_state *state, struct mono now)
{
    const struct span age = mono_since(now, state->allowance_start);
    if (age.ns >= span_ms(COAP_ALLOWANCE_SPAN_MS).ns) {
        state->allowance_bytes = 0;
        state->allowance_start = now;
    }
}

void coap_peers_received(struct coap_peer_state *state, struct mono now, uint32_t bytes)
{
    renew(state, now);
    const uint32_t more = bytes * COAP_ALLOWANCE_FACTOR;
    state->allowance_bytes = state->allowance_bytes > UINT32_MAX / 2 - more
                                 ? UINT32_MAX / 2
                                 : state->allowance_bytes + more;
}

bool coap_peers_allow(struct coap_peer_state *state, struct mono now, uint32_t bytes)
{
    if (state->path_proven) {
        return true;
    }
    renew(state, now);
    if (bytes > state->allowance_bytes) {
        return false;
    }
    state->allowance_bytes -= bytes;
    return true;
}

uint32_t coap_peers_allowance(const struct coap_peer_state *state, struct mono now)
{
    if (state->path_proven) {
        return UINT32_MAX;
    }
    const struct span age = mono_since(now, state->allowance_start);
    return age.ns >= span_ms(COAP_ALLOWANCE_SPAN_MS).ns ? 0 : state->allowance_bytes;
}

uint16_t coap_peers_mid(struct coap_peer_state *state)
{
    return state->mid_next++;
}

void coap_peers_skip_mids(struct coap_peer_state *state, struct random *random, uint16_t last)
{
    const uint16_t ahead = (uint16_t)(state->mid_next - last);
    if (ahead >= 1 && ahead <= COAP_MIDS_SKIPPED) {
        state->mid_next = (uint16_t)(last + COAP_MIDS_SKIPPED + 1 + random_below(random, 0x4000U));
    }
}

void coap_peers_measured(struct coap_peer_state *state, struct span round_trip)
{
    const uint32_t ms = (uint32_t)(round_trip.ns / 1000000U) + 1;
    if (state->round_trip_ms == 0) {
        state->round_trip_ms = ms;
        state->round_trip_var_ms = ms / 2;
        return;
    }
    const uint32_t old = state->round_trip_ms;
    const uint32_t difference = old > ms ? old - ms : ms - old;
    state->round_trip_var_ms = (3 * state->round_trip_var_ms + difference) / 4;
    state->round_trip_ms = (7 * old + ms) / 8;
}

struct span coap_peers_ack_timeout(const struct coap_peer_state *state)
{
    if (state->round_trip_ms == 0) {
        return span_ms(COAP_ACK_TIMEOUT_MS);
    }
    const uint32_t ms = state->round_trip_ms + 4 * state->round_trip_var_ms;
    return span_ms(ms < COAP_ACK_TIMEOUT_MS_MIN   ? COAP_ACK_TIMEOUT_MS_MIN
                   : ms > COAP_ACK_TIMEOUT_MS_MAX ? COAP_ACK_TIMEOUT_MS_MAX
                                                  : ms);
}

uint32_t coap_peers_count(const struct coap_peers *peers)
{
    return peers->count;
}

void coap_peers_check(const struct coap_peers *peers)
{
    uint32_t seen = 0;
    uint32_t newer = NOBODY;
    for (uint32_t index = peers->newest; index != NOBODY; index = peers->entries[index].older) {
        const struct entry *entry = &peers->entries[index];
        ASSERT(entry->newer == newer);
        ASSERT(index_of(peers, &entry->state.peer, entry->hash) == index);
        newer = index;
        seen++;
        ASSERT(seen <= peers->count);
    }
    ASSERT(seen == peers->count && peers->oldest == newer);
    ASSERT(map_count(peers->map) == peers->count);
}
