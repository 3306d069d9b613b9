// core/attributes.h: attributes of devices, in three scopes: what the device says of itself
// (client), what the server tells it (shared), and what concerns the server alone.
//
// A change is one commit: all attributes of a request are there or none. Reads for people block;
// a worker asks for a load and gets it on its lane (store/state.h).
#pragma once

#include "core/admin.h"
#include "core/presence.h"
#include "store/attribute.h"

// Of one device, with 32 bytes for each attribute (REST 400 beyond it).
#define CORE_SHARED_BYTES_MAX (256U << 10)

enum core_scope {
    CORE_SCOPE_CLIENT = STORE_STATE_CLIENT,
    CORE_SCOPE_SHARED = STORE_STATE_SHARED,
    CORE_SCOPE_SERVER = STORE_STATE_SERVER,
};

// "CLIENT_SCOPE" and so on; exact case. False if it is none.
MUST_USE bool core_scope_parse(struct slice name, enum core_scope *scope);

// For devices.

// Sets client attributes. `memory` is for the time of the call. Errors as core_telemetry_save.
MUST_USE enum err core_attributes_publish(const struct core_worker *worker, struct arena *memory,
                                          const struct core_principal *principal,
                                          const struct model_reading *attributes, struct wall now,
                                          const struct store_trace *trace, uint64_t ticket,
                                          enum core_step *step);
// The client and shared attributes of the device: in `*load` if they are remembered (see
// store_load_recall), else NULL, and they come on the lane; `note` comes back with them.
// ERR_EXHAUSTED.
MUST_USE enum err core_attributes_load(const struct core_worker *worker, struct device_id device,
                                       struct slice note, uint64_t ticket,
                                       struct store_load **load);

typedef bool core_attribute_fn(void *context, enum core_scope scope,
                               const struct store_attribute *attribute);
// For threads that may block. In order of their names. ERR_CORRUPT if one cannot be read.
MUST_USE enum err core_attributes_scan(const struct core *core, struct device_id device,
                                       enum core_scope scope, void *context,
                                       core_attribute_fn *emit);

// At start: gives what is stored in the server scope to those who keep some of it in memory,
// presence and lives. Goes through the attributes of all devices.
MUST_USE enum err core_attributes_restore(const struct core *core, struct core_presence_time now);

// For people.

MUST_USE enum err core_attributes_save(const struct core_admin *admin, struct core_desk *desk,
                                       const struct model_device *device, enum core_scope scope,
                                       const struct model_reading *attributes);
// Names that are not there are no error.
MUST_USE enum err core_attributes_delete(const struct core_admin *admin, struct core_desk *desk,
                                         const struct model_device *device, enum core_scope scope,
                                         const struct slice *keys, uint32_t count);

// In order of their names. ERR_CORRUPT if one cannot be read.
MUST_USE enum err core_attributes_read(const struct core_admin *admin,
                                       const struct model_device *device, enum core_scope scope,
                                       void *context, core_attribute_fn *emit);
