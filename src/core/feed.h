// core/feed.h: tells who watches devices that something of one has changed, once that is on disk.
// What changed is read again from the store by whoever wants to know: so nothing is missed, bursts
// merge, and a device that nobody watches costs one look into a filter.
#pragma once

#include <stdatomic.h>

#include "base/filter.h"
#include "bus/bus.h"
#include "model/ids.h"

enum {
    CORE_FEED_SERIES = 1,
    CORE_FEED_CLIENT = 2, // attributes by scope
    CORE_FEED_SHARED = 4,
    CORE_FEED_SERVER = 8,
};

struct core_feed {
    struct filter watched;   // by hash of the device number
    unsigned party;          // who is told
    _Atomic uint64_t missed; // changes that found no room in a ring: everything is to be read again
};

// Who watches says so before the first read.
void core_feed_watch(struct core_feed *feed, struct device_id device);
// `feed` may be NULL: nobody watches.
bool core_feed_is_watched(const struct core_feed *feed, struct device_id device);
// By the owner of `party`, who flushes it. `what` are bits of the above.
void core_feed_publish(struct core_feed *feed, struct bus_party *party, struct device_id device,
                       unsigned what);
