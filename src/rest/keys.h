// rest/keys.h: the names of keys that a request asks for.
#pragma once

#include "rest/call.h"

#define REST_KEYS_MAX 1000U

struct rest_keys {
    struct slice *items; // without doubles
    uint32_t count;
};

// `key=` as often as needed (names with commas), else `keys=a,b`. ERR_INVALID with the problem when
// there are more than REST_KEYS_MAX.
MUST_USE enum err rest_keys_read(struct rest_call *call, struct rest_keys *keys);
bool rest_keys_have(const struct rest_keys *keys, struct slice key);
