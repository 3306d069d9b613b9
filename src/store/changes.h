// store/changes.h: tells lanes without locks whether the state of a device (store/state.h) has
// changed since they read it. Private to the store.
//
// Devices share a fixed number of stamps, so a change may be reported of one that did not change,
// never the other way round. The writer marks once a change can be read and before it is completed.
// A lane takes the stamp before it reads; what it read is right as long as the stamp is the same
// (2^32 changes meanwhile would be taken for none).
#pragma once

#include "base/hash.h"
#include "base/stamp.h"
#include "store/state.h"

#define STORE_CHANGES_STAMPS (1U << 17)

struct store_changes {
    struct stamp of[STORE_CHANGES_STAMPS];
};

static inline uint32_t store_changes_place(struct device_id device, unsigned kind)
{
    return (uint32_t)(hash_word(device.number << 4 | kind) % STORE_CHANGES_STAMPS);
}

// By the writer. `kinds` are bits (STORE_STATE_BIT).
static inline void store_changes_mark(struct store_changes *changes, struct device_id device,
                                      uint32_t kinds)
{
    for (unsigned kind = 1; kind <= STORE_STATE_KINDS; kind++) {
        if ((kinds & STORE_STATE_BIT(kind)) != 0) {
            stamp_mark(&changes->of[store_changes_place(device, kind)]);
        }
    }
}

// One number for all these kinds: it grows with each mark of any of them.
static inline uint32_t store_changes_read(const struct store_changes *changes,
                                          struct device_id device, uint32_t kinds)
{
    uint32_t sum = 0;
    for (unsigned kind = 1; kind <= STORE_STATE_KINDS; kind++) {
        if ((kinds & STORE_STATE_BIT(kind)) != 0) {
            sum += stamp_read(&changes->of[store_changes_place(device, kind)]);
        }
    }
    return sum;
}
