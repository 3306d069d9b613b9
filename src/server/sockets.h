// server/sockets.h: opens the UDP sockets of all workers: for each bound address one socket per
// worker in one group, whose first one carries the steering program.
#pragma once

#include "base/buf.h"
#include "server/settings.h"
#include "server/worker.h"

// Fills `plans[0 .. workers)`. One line in `message` that names the address. An address family that
// the host does not have is left out if nobody asked for the address by name.
MUST_USE enum err server_sockets_open(const struct server_settings *settings,
                                      struct server_worker_plan *plans, struct buf *message);
void server_sockets_close(const struct server_settings *settings, struct server_worker_plan *plans);
