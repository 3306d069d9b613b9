// server/sizes.h: memory that the server gives its parts and no key changes; server/tables.def has
// them all, with what they are for.
#pragma once

#include "core/mail.h"
#include "store/store.h"

// Each worker.
#define SERVER_TURN_BYTES (4U << 20)
#define SERVER_LANE_BYTES (8U << 20)
#define SERVER_LANES 2U
#define SERVER_REFUSAL_SOURCES 4096U

// The control thread, and each thread of REST. A record may take a quarter of its lane.
#define SERVER_CONTROL_LANE_BYTES (1U << 20)
#define SERVER_DESK_LANE_BYTES (16U << 20)
#define SERVER_HTTP_ARENA_BYTES (16U << 20) // beside a copy of the largest body
#define SERVER_HTTP_RESPONSE_BYTES (48U << 20)

// On the bus besides workers and threads of REST: the control thread, the door of the thread that
// runs the sockets, and the feed as a hub.
#define SERVER_PARTIES_MORE 3U

// What the heap gives at most to what has no bound of its own in bytes.
#define SERVER_CONNECTION_BYTES (40U << 10) // a connection of REST in the library
#define SERVER_KEY_BYTES (STORE_KEY_NAME_MAX + 128U)
#define SERVER_COMMIT_BYTES (64U << 20)
#define SERVER_SQL_BYTES (6U << 20) // a connection of SQLite
#define SERVER_SQL_MORE 3U          // besides one for each thread of REST
#define SERVER_THREAD_BYTES (2U << 20)
#define SERVER_THREADS_MORE 14U // besides workers and those of REST
#define SERVER_PROGRAM_BYTES (32U << 20)

static inline uint64_t server_lane_bytes(unsigned workers, unsigned http_threads)
{
    return (uint64_t)workers * SERVER_LANES * SERVER_LANE_BYTES +
           (uint64_t)http_threads * SERVER_DESK_LANE_BYTES + SERVER_CONTROL_LANE_BYTES;
}

static inline size_t server_bus_ring_bytes(unsigned workers)
{
    return workers <= CORE_MAIL_FEW ? CORE_MAIL_RING_FEW : CORE_MAIL_RING;
}
