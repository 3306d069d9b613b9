// core/flight_priv.h: the notification under way to a device (flight.c), and the body in blocks
// that the device fetches (fetch.c). For the files of a shard (core/shard_priv.h).
#pragma once

#include "core/shard_priv.h"

// Sends the next thing that waits, if nothing is under way and it may be sent now.
void core_flight_pump(const struct core_reach *reach);
// Whether something may be sent to this observation now. If only the pace forbids it, the downlink
// is looked at again in time.
MUST_USE bool core_flight_is_free(const struct core_reach *reach, enum core_resource resource);
// The same for what goes to a device that waits over HTTP, if it does, else to the observation.
MUST_USE bool core_flight_may_start(const struct core_reach *reach, enum core_resource resource);
// A notification to the observation's route, or to the device that waits. False when it cannot
// leave now; the downlink is looked at again soon.
MUST_USE bool core_flight_start(const struct core_reach *reach, enum core_resource resource,
                                enum core_flight_kind kind, enum core_notice notice,
                                struct slice body);
// The device may be told now that it has to register again.
MUST_USE bool core_flight_is_lapse_due(const struct core_reach *reach);
// A last message at the end of an observation; nothing waits for it.
void core_flight_last(const struct core_reach *reach, enum core_resource resource,
                      enum core_notice notice);
// The candidate of this observation was just heard: what its route does not acknowledge is tried
// there as well.
void core_flight_try_candidate(const struct core_reach *reach, enum core_resource resource);
// May another candidate take the place of the one that there is? What is under way to that one is
// stopped.
MUST_USE bool core_flight_let_go(const struct core_reach *reach, enum core_resource resource);
// The candidate is none any more; what is under way goes on elsewhere or fails.
void core_flight_discard_candidate(const struct core_reach *reach, enum core_resource resource);
// For the first answer of an observation, so that its last block is told as an outcome.
uint64_t core_flight_ticket(const struct core_reach *reach);
void core_flight_outcome(const struct core_reach *reach, const struct core_mail *mail);
// Takes back what is under way.
void core_flight_cancel(const struct core_reach *reach);
// The device of a notice's ticket, or NULL if nothing waits for it any more.
struct core_downlink *core_flight_find(const struct core_shard *shard, uint64_t ticket);

// fetch.c

// The device has the first block of what is under way, which was sent under this serial. False:
// there is no place to wait for the rest.
MUST_USE bool core_fetch_begin(const struct core_reach *reach, uint32_t serial);
// The first answer of an observation goes in blocks.
void core_fetch_first(const struct core_reach *reach, enum core_resource resource, uint32_t serial);
// The changes that are being fetched; 0 if none are.
uint64_t core_fetch_upto(const struct core_reach *reach, enum core_resource resource);
// The last block of it was asked for. Nothing if it is not waited for.
void core_fetch_done(const struct core_reach *reach, uint32_t serial);
// It is not waited for any more: the device has it otherwise, or (cancel) does not get it.
void core_fetch_stop(const struct core_reach *reach, enum core_resource resource);
void core_fetch_cancel(const struct core_reach *reach, enum core_resource resource);
// Ends those that take too long.
void core_fetch_expire(const struct core_reach *reach);
