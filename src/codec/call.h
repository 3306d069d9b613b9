// codec/call.h: a device's call to the server (device-api.md 2.8): `{"method":"m","params":<any>}`.
#pragma once

#include "base/arena.h"
#include "codec/json.h"

struct codec_call {
    struct slice method; // numbers, true and false as their text
    struct slice params; // JSON text; empty if missing or null
};

// Texts live in the document or in the arena. ERR_INVALID: there is no method. ERR_EXHAUSTED.
MUST_USE enum err codec_call_read(struct arena *arena, struct codec_json object,
                                  struct codec_call *call);
