// core/device_http.h: devices that speak HTTP: the same verbs as for workers, on a thread that may
// block (server-api.md 14.2).
#pragma once

#include "core/admin.h"
#include "core/attributes.h"
#include "core/meters.h"

// Who asks, from where.
struct core_visitor {
    struct slice token;
    uint64_t source; // hash of the address it comes from
    struct mono mono;
    struct wall wall;
};

// ERR_UNAUTHORIZED: no device has this token. ERR_WRONG_TRANSPORT: its profile is not for HTTP.
// ERR_LIMITED after too many wrong tokens from this source.
MUST_USE enum err core_device_http_enter(struct core *core, const struct core_visitor *visitor,
                                         struct model_index_entry *device);
// The device counts as heard: what it asked for is taken.
void core_device_http_heard(const struct core *core, const struct model_index_entry *device,
                            const struct core_visitor *visitor);
// Takes what a request costs by the limits of the tenant's profile. ERR_LIMITED.
MUST_USE enum err core_device_http_admit(const struct core *core,
                                         const struct model_index_entry *device,
                                         const struct core_visitor *visitor, struct core_cost cost,
                                         struct core_refusal *refusal);
// Durable when they return. The device counts as heard.
MUST_USE enum err core_device_http_telemetry(struct core *core, struct core_desk *desk,
                                             const struct model_index_entry *device,
                                             const struct model_readings *readings,
                                             const struct core_visitor *visitor);
MUST_USE enum err core_device_http_attributes(struct core *core, struct core_desk *desk,
                                              struct arena *memory,
                                              const struct model_index_entry *device,
                                              const struct model_reading *attributes,
                                              const struct core_visitor *visitor);
