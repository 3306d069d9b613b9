// core/flown.h: the reading side of the flight recorder: the latest exchanges of one device, put
// together from the tapes of all workers while these write on. It costs a pass or two over all of
// them, a few milliseconds each, on the reader's thread.
#pragma once

#include "core/recorder.h"

// One exchange as it is known now.
struct core_flown {
    struct core_record record; // with the answer, or with what became of it
    int64_t ended_us;          // when `verdict` came to be; 0 while it waits
    uint32_t repeats;          // further copies of the request that arrived
    bool is_retransmitted;     // a notification that was not acknowledged at once
    bool has_moved;            // from another address than the exchange before it
    unsigned worker;
    uint64_t position; // on the tape of its worker
    uint32_t by_link;  // used while reading
    uint32_t by_message;
};

#define CORE_FLOWN_MAX 1000U

struct core_flown_list {
    struct core_flown *items; // room for twice `max`
    unsigned max;             // at most CORE_FLOWN_MAX
    unsigned count;           // the latest of them, oldest first
    uint64_t left_out;        // older ones of the device, which are still recorded
    uint64_t overwritten;     // records of all devices that gave way
    int64_t since_us;         // from here on the record is complete
};

// Any thread: what the workers recorded of a device.
void core_flown_read(struct core_recorder *const *recorders, unsigned count,
                     struct device_id device, struct core_flown_list *list);
