// core/presence.h: which devices are there. A device is active because it was heard, never because
// a timer assumed so (invariant 9); it becomes inactive when it was not heard for its inactivity
// timeout. People see it as server attributes: active, lastActivityTime, inactivityAlarmTime, and
// lastConnectTime and lastDisconnectTime, which the shards write (device-api.md 8.1).
//
// Workers mark a device with the second in which it was heard: one store of four bytes. One thread
// sweeps the marks; it alone knows what is written and writes what changed. While a device stays
// active its time is written once per `report_every` only.
//
// Bounds: CORE_PRESENCE_MAX device numbers, touched as used; a device beyond them has no presence.
#pragma once

#include <stdatomic.h>

#include "core/core.h"
#include "core/feed.h"
#include "store/attribute.h"

#define CORE_PRESENCE_MAX (1U << 28)

struct core_presence_settings {
    struct span inactivity; // 600 s; a device's own: server attribute inactivityTimeout
    struct span report_every;
};

struct core_presence;

// What one device is known by. Private.
struct core_presence_state {
    int32_t last_s;         // when it was last heard, in seconds of the monotonic clock
    int32_t reported_s;     // of that, what is written
    _Atomic uint32_t flags; // written by the sweeping thread
};

size_t core_presence_footprint(void);
// `memory` is zeroed, aligned to 64, touched as used, and outlives it.
struct core_presence *core_presence_init(void *memory,
                                         const struct core_presence_settings *settings);

// Any thread: the device was heard. `presence` may be NULL: then nobody wants to know.
void core_presence_heard(struct core_presence *presence, struct device_id device, struct mono now);
// Any thread: its own timeout in milliseconds; 0: the usual one.
void core_presence_set_timeout(struct core_presence *presence, struct device_id device,
                               uint64_t timeout_ms);

// The sweeping thread: the device is gone.
void core_presence_forget(struct core_presence *presence, struct device_id device);

struct core_presence_time {
    struct mono mono;
    struct wall wall;
};

// The sweeping thread, or before it starts: takes up what a stored server attribute says of its
// device. Before the first sweep.
void core_presence_restore(struct core_presence *presence, struct device_id device,
                           const struct store_attribute *attribute, struct core_presence_time now);
// The sweeping thread: looks at all devices and writes what changed, in one commit as far as the
// lane takes it; the next sweep begins with the rest. Each device that changed its state is an
// event of the core's plan. The number of those. `core->feed` may be NULL.
uint32_t core_presence_sweep(const struct core *core, struct core_desk *desk,
                             struct core_presence_time now);
// The sweeping thread: there is such a rest.
bool core_presence_is_behind(const struct core_presence *presence);
// Any thread: whether it is active, as the last sweep found. Nobody is if `presence` is NULL.
bool core_presence_is_active(const struct core_presence *presence, struct device_id device);
// Any thread: how many are active.
// Any thread: the highest device number that was marked since the start, or restored.
uint32_t core_presence_highest(const struct core_presence *presence);
uint64_t core_presence_active(const struct core_presence *presence);
