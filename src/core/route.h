// core/route.h: where a device can be reached: a peer, which is opaque here (coap/peer.h), and what
// the device said when it registered an observation there.
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CORE_PEER_SIZE 40U
#define CORE_OBSERVE_TOKEN_MAX 8U
#define CORE_FORMAT_NONE UINT16_MAX // a number that is reserved (RFC 7252 12.3)

struct core_route {
    uint8_t peer[CORE_PEER_SIZE];
    uint32_t steer; // modulo workers: the worker that speaks to it
};

// What can be observed (device-api.md 3.1). The numbers are stored; they never change.
enum core_resource {
    CORE_RESOURCE_ATTRIBUTES = 0,
    CORE_RESOURCE_RPC = 1,
};
#define CORE_RESOURCES 2U

struct core_registration {
    uint64_t uri_hash;
    struct core_route route;
    uint16_t content_format; // that it carried, or CORE_FORMAT_NONE
    uint8_t token_len;
    bool confirmable; // the type of the registration
    uint8_t token[CORE_OBSERVE_TOKEN_MAX];
};

static_assert(sizeof(struct core_registration) == 64, "two of them stand beside each device");

static inline bool core_route_equal(const struct core_route *a, const struct core_route *b)
{
    return memcmp(a->peer, b->peer, CORE_PEER_SIZE) == 0;
}

static inline bool core_registration_same_token(const struct core_registration *a,
                                                const struct core_registration *b)
{
    return a->token_len == b->token_len && memcmp(a->token, b->token, a->token_len) == 0;
}
