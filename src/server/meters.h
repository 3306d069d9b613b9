// server/meters.h: the memory of the limits on what devices send (core/meters.h): one party for
// each worker and one for the threads of HTTP, which share it behind a lock.
#pragma once

#include "core/meters.h"
#include "plat/thread.h"
#include "server/settings.h"

struct server_meters {
    struct core_meters *parties[CORE_METERS_PARTIES_MAX];
    unsigned count;
    void *memory;
    size_t size;
    struct plat_mutex lock; // of the last party
    struct mono due;        // the control thread's: the next sharing
};

// Fills in the core's meters. ERR_EXHAUSTED.
MUST_USE enum err server_meters_open(struct server_meters *meters,
                                     const struct server_settings *settings, struct core *core);
void server_meters_close(struct server_meters *meters);

// Bytes of one party, touched as used.
size_t server_meters_size(const struct server_settings *settings);
// The control thread: gives out the parts of the tenants' limits once a second.
void server_meters_share(struct server_meters *meters, struct mono now);
