// core/rpc.h: people call devices, and look after the persistent calls they made (server-api.md 4).
#pragma once

#include "core/admin.h"
#include "core/downlink.h"
#include "core/order.h"

// Stores a persistent call; its id is in `request` then. Errors as core/order.h says.
MUST_USE enum err core_rpc_store(const struct core_admin *admin, struct core_desk *desk,
                                 const struct model_device *device,
                                 struct core_call_request *request);
// Makes the order of a call whose end is told to `order->done`; `core_desk_send` gives it.
MUST_USE enum err core_rpc_order(const struct core_admin *admin, const struct model_device *device,
                                 const struct core_call_request *request, struct core_order *order);

// A persistent call. Texts live in the caller's memory.
struct core_rpc {
    struct core_call_request request;
    uint32_t number; // its id at the device
    enum core_call_status status;
    struct slice response; // JSON text, or empty
};

// "QUEUED" and so on.
const char *core_rpc_status_name(enum core_call_status status);
MUST_USE bool core_rpc_status_parse(struct slice name, enum core_call_status *status);

// ERR_NOT_FOUND also when the device is out of the caller's reach.
MUST_USE enum err core_rpc_get(const struct core_admin *admin, const struct uuid *id,
                               struct core_rpc *rpc);
// Whatever its state is.
MUST_USE enum err core_rpc_delete(const struct core_admin *admin, struct core_desk *desk,
                                  const struct uuid *id);

struct core_rpc_list {
    const struct model_device *device;
    bool by_status;
    enum core_call_status status;
    const struct model_page *page;
};

typedef void core_rpc_fn(void *context, const struct core_rpc *rpc);
// Emits one page of those whose method or params hold the page's search text, sorted by
// createdTime, expirationTime, request (method and params as text) or response; equal ones by
// creation. ERR_INVALID for another order; ERR_TOO_LARGE when there are more than can be sorted.
MUST_USE enum err core_rpc_list(const struct core_admin *admin, const struct core_rpc_list *list,
                                int64_t *total, void *context, core_rpc_fn *emit);
