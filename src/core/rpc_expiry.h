// core/rpc_expiry.h: persistent calls that ended are removed so many days after they were made as
// their tenant's profile says (rpcTtlDays; 0: they are kept). A call that has not ended stays.
//
// A round goes through the calls of all devices in bounded steps; a restart begins anew.
#pragma once

#include "core/downlink.h"

// Calls that a step looks at, and removes, at most.
#define CORE_RPC_EXPIRY_LOOKED 1000U
#define CORE_RPC_EXPIRY_REMOVED 128U

// Where the round is. Zero: at its beginning.
struct core_rpc_expiry {
    struct device_id device;
    struct uuid call;
};

// One step, on a thread that may block. `is_over`: that was the last of the round.
MUST_USE enum err core_rpc_expire(const struct core *core, struct core_desk *desk,
                                  struct core_rpc_expiry *place, struct wall now, bool *is_over);
