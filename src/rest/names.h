// rest/names.h: names of keys from many devices, each once, sorted.
//
// Bound: REST_NAMES_MAX.
#pragma once

#include "rest/call.h"

#define REST_NAMES_MAX 10000U
// Devices that are looked at for the names of their keys.
#define REST_NAMES_DEVICES 100U

struct rest_names {
    struct arena *memory;
    struct slice *items; // room for REST_NAMES_MAX
    uint32_t count;
    bool is_full;
};

// In the request's memory. ERR_EXHAUSTED.
MUST_USE enum err rest_names_make(struct rest_call *call, struct rest_names *names);
// A store_key_fn over a struct rest_names; false once it is full.
bool rest_names_add(void *context, struct slice name);
// ERR_UNSUPPORTED, with the problem, for names of which not all are there.
MUST_USE enum err rest_names_check(struct rest_call *call, const struct rest_names *names);
// As an array.
void rest_names_put(struct codec_json_writer *writer, const struct rest_names *names);
