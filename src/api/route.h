// api/route.h: which resource a path names (device-api.md 1.1, 1.2). Pure look-up, no credentials.
//
// The device API hides everything under /api/v1 behind position rules: the feature stands after the
// token, or directly after v1 when a certificate or key names the device. A request with exactly
// one Uri-Path option is split at its slashes first, since some clients put the whole path there.
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "coap/options.h"

enum api_place {
    API_PLACE_ROOT,      // "/"
    API_PLACE_API,       // "/api" alone
    API_PLACE_V1,        // "/api/v1" and below
    API_PLACE_ELSEWHERE, // nothing is served there
};

enum api_feature {
    API_FEATURE_NONE,
    API_FEATURE_TELEMETRY,
    API_FEATURE_ATTRIBUTES,
    API_FEATURE_RPC,
    API_FEATURE_CLAIM,
    API_FEATURE_PROVISION,
};

struct api_route {
    enum api_place place;
    enum api_feature feature; // for API_PLACE_V1
    bool has_token;           // the path holds a device token
    struct slice token;       // a view into the options
    bool has_call;            // rpc/{id}: something stands behind the feature
    bool call_is_number;      // it is a number of 32 bits
    int32_t call;
};

void api_route_find(const struct coap_options *options, struct api_route *route);

// "telemetry" and so on, for people.
const char *api_feature_name(enum api_feature feature);
