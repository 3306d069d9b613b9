// core/core.h: the verbs of the server, without any protocol: authenticate, administer, ingest. A
// reading by REST and one by CoAP are the same thing here.
//
// `struct core` is shared; what a worker needs of it is the index of devices (lock-free) and a lane
// of the store of its own, together in `struct core_worker`.
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/epoch.h"
#include "base/err.h"
#include "model/index.h"
#include "store/store.h"

struct core_worker {
    struct store_lane *lane;
    const struct model_index *index;
};

// Who speaks: one kind, whatever the credential was (invariant 8).
struct core_principal {
    const struct model_index_entry *device;  // good until the end of the turn
};

// ERR_UNAUTHORIZED: no device has this token. ERR_WRONG_TRANSPORT: its profile is for another
// transport than CoAP (device-api.md 1.4).
MUST_USE enum err core_auth_token(const struct core_worker *worker, struct slice token,
                                  struct core_principal *principal);

enum core_step {
    CORE_DONE,     // nothing had to wait: the outcome is final
    CORE_PENDING,  // the completion of `ticket` arrives on the worker's lane
};

// Takes the readings of one message through the plan of the device's profile into the store.
// `now` is the turn's wall time. ERR_EXHAUSTED when the lane is full, ERR_TOO_LARGE.
MUST_USE enum err core_telemetry_save(const struct core_worker *worker,
                                      const struct core_principal *principal,
                                      const struct model_readings *readings, struct wall now,
                                      const struct store_trace *trace, uint64_t ticket,
                                      enum core_step *step);
