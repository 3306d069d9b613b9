// bus/bus.h: messages between the threads of this process, in-process only: bounded rings, one for
// each pair of sender and receiver, so that nobody ever waits for a lock (base/ring.h).
//
// A thread that takes part is a party. Parties join at start, in the order of their numbers:
// workers first. Rings exist between two parties if at least one of them is a worker, and to the
// party that joined last as a hub.
//
// Bounds: BUS_PARTIES_MAX parties; the rings' sizes. A full ring is said to the sender, who has a
// rule for it; nothing is dropped here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "plat/loop.h"

#define BUS_PARTIES_MAX 192U

struct bus;
struct bus_party;

// Bytes that the rings reserve once `workers` and `others` have joined, the last of them as a hub.
size_t bus_footprint(unsigned workers, unsigned others, size_t ring_bytes);
// Any thread: bytes of messages that wait now.
uint64_t bus_used(const struct bus *bus);
// Start-up only. A message may take a quarter of `ring_bytes`, a power of two.
MUST_USE enum err bus_create(struct bus **bus, unsigned workers, size_t ring_bytes);
void bus_destroy(struct bus *bus);
unsigned bus_workers(const struct bus *bus);

// Start-up only, before anybody sends. With `loop` the party is woken there when something comes;
// with NULL it has a loop of its own, for bus_wait. ERR_EXHAUSTED.
MUST_USE enum err bus_join(struct bus *bus, struct plat_loop *loop, struct bus_party **party);
// The same for the last party that joins: everybody can send to it.
MUST_USE enum err bus_join_hub(struct bus *bus, struct plat_loop *loop, struct bus_party **party);
unsigned bus_number(const struct bus_party *party);

// Room for a message of `len` bytes, aligned to 8, or NULL when the ring to that party is full or
// too small. Send it with bus_commit; nothing arrives before bus_flush.
MUST_USE void *bus_reserve(struct bus_party *party, unsigned to, size_t len);
void bus_commit(struct bus_party *party, unsigned to, size_t len);
// Wakes those to whom something was sent. Once per turn.
void bus_flush(struct bus_party *party);
// What the party sent to itself arrives at once; false if that is nothing. Wakes nobody.
bool bus_flush_own(struct bus_party *party);
// True if at most half of the ring to that party is in use: what can wait leaves the other half to
// answers.
bool bus_has_room(const struct bus_party *party, unsigned to);

// The next message and whom it is from; false when there is none. Valid until bus_release. One
// sender's messages come together; between two bus_release another sender's come first.
MUST_USE bool bus_next(struct bus_party *party, unsigned *from, struct slice *message);
// Gives back the space of all messages that were taken.
void bus_release(struct bus_party *party);
// For a party with a loop of its own: returns when something may have come, or at the deadline.
void bus_wait(struct bus_party *party, struct mono deadline);
// Any thread: lets bus_wait return.
void bus_wake(struct bus_party *party);
