// plat/steer.h: which worker gets a datagram. One function, twice: in C for forwarding and the
// simulator, and as a classic BPF program for SO_ATTACH_REUSEPORT_CBPF. Stable over restarts and
// versions; another number of workers moves peers.
//
// The kernel counts the sockets of a group in the order in which they were bound: worker i must
// bind the socket that comes i-th.
#pragma once

#include "base/address.h"
#include "base/err.h"
#include "base/slice.h"

#define STEER_WORKERS_MAX 64

enum plat_steer_kind {
    PLAT_STEER_PLAIN, // by the peer's address and port
    PLAT_STEER_DTLS,  // by the connection id where there is one, else as plain
};

// What the worker is taken from: hash modulo workers. Kept with what outlives a worker.
uint32_t plat_steer_hash(const struct address *remote);
// The worker of a plain CoAP peer, by its address and port. The scope plays no part. `workers` is 1
// to STEER_WORKERS_MAX.
unsigned plat_steer_worker(const struct address *remote, unsigned workers);

// The worker of a datagram on the DTLS port: of a record with a connection id (content type 25, RFC
// 9146 section 4) the id's first byte, modulo `workers`; of any other as for a plain peer.
unsigned plat_steer_worker_dtls(const struct address *remote, struct slice datagram,
                                unsigned workers);

// Attaches the same function to the group of `descriptor`, which has SO_REUSEPORT, before the
// second socket binds. ERR_INVALID if it has not; else ERR_IO.
MUST_USE enum err plat_steer_attach(int descriptor, enum plat_steer_kind kind, bool ipv6,
                                    unsigned workers);
