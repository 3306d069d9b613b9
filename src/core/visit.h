// core/visit.h: a device that speaks HTTP waits for its next call, for the next change of a shared
// attribute, or for the answer to a call of its own (server-api.md 14.2). A visit holds no thread:
// it is an order at the device's shard (core/order.h) that ends once.
//
// A visit is an observer for one notification. Rules:
// - A device has one visit for calls and one for attributes; a newer one takes the place of the
//   older, which ends with ERR_TIMEOUT.
// - Each call and each change goes to one place at a time: to the visit if one waits, since that is
//   the device's newest word, else to the observation. Where it was not taken it is tried anew.
// - What a visit was given counts as delivered when the answer was written to a peer that was still
//   there; else it is as if it had never been sent.
// - From the first visit for attributes on changes are noted while nobody waits, and come with the
//   next one. That first visit hears what is changed after it began.
// - A visit is no session: it neither connects nor disconnects the device.
//
// Bounds: CORE_VISITS_MAX of one device; of all, the requests that may be parked.
#pragma once

#include "core/order.h"

#define CORE_VISITS_MAX 16U

// Makes it the order of a visit, with a name of its own; core_desk_send gives it. Its end: ERR_OK
// with what the device gets as JSON, and a ticket unless that is the answer to its own call;
// ERR_TIMEOUT; ERR_UNAUTHORIZED when the device is gone or its credential changed; ERR_LIMITED,
// ERR_EXHAUSTED, ERR_STOPPING.
void core_visit_name(struct core_desk *desk, struct core_order *order);

// What the thread of the sockets tells, with a party of its own. A word that finds no room is made
// up for: by the visit's deadline, and by trying again what nobody says was written.

// Nobody waits for the visit any more.
void core_visit_left(struct core_desk *desk, struct device_id device, uint64_t number);
// What the visit got was written, or not.
void core_visit_ended(struct core_desk *desk, uint64_t ticket, bool is_written);

// The device answers a call; durable for a persistent one when it returns.
MUST_USE enum err core_visit_reply(struct core_desk *desk, const struct model_index_entry *device,
                                   uint32_t call, struct slice text);
