// plat/steer.h: which worker gets a datagram. One function, twice: in C for forwarding and the
// simulator, and as a classic BPF program for SO_ATTACH_REUSEPORT_CBPF. Stable over restarts.
#pragma once

#include "base/address.h"
#include "base/err.h"

#define STEER_WORKERS_MAX 64

// The worker of a plain CoAP peer, by its address and port.
unsigned plat_steer_worker(const struct address *remote, unsigned workers);

// Attaches the same function to the group of `descriptor`, before the second socket binds.
MUST_USE enum err plat_steer_attach(int descriptor, bool ipv6, unsigned workers);
