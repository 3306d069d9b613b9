// plat/loop.h: one thread's event loop over epoll, with an eventfd to wake it from other threads.
// Nothing is done inside a callback: the loop only says which descriptors are ready; the worker
// does its turn in its own order.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/time.h"

struct plat_loop;

#define PLAT_LOOP_READY_MAX 16
// Set in a tag whose descriptor has an error waiting: for a socket, a message on its error queue.
// It comes again until that is read.
#define PLAT_LOOP_ERROR (1U << 31)

// Start-up only.
MUST_USE enum err plat_loop_create(struct plat_loop **loop);
void plat_loop_destroy(struct plat_loop *loop);

// Watches a descriptor for input under a caller's number (below 1,000); level-triggered.
// ERR_INVALID if there is no such descriptor, ERR_ALREADY_EXISTS if it is watched already.
MUST_USE enum err plat_loop_watch(struct plat_loop *loop, int descriptor, uint32_t tag);

// Waits until a descriptor is ready, another thread wakes the loop or the deadline passes (a
// deadline that has passed returns at once). Up to PLAT_LOOP_READY_MAX tags of ready descriptors
// are stored in `tags`; the count is returned. The wake-up itself is not among them. A wake that
// came since the last wait makes this one return at once. Owner only.
unsigned plat_loop_wait(struct plat_loop *loop, struct mono now, struct mono deadline,
                        uint32_t tags[PLAT_LOOP_READY_MAX]);

// Any thread, also from a signal handler. Cheap when the loop is awake: the system call is made
// only if the loop said that it sleeps.
void plat_loop_wake(struct plat_loop *loop);
