// bench/peers.h: a fleet on few sockets. Each device is a peer of its own: its address lies in
// 127.0.0.0/8, its port is that of one of the sockets. A device that moves gets another address and
// another port, and what still comes to the old one is lost, as behind a NAT that has forgotten it.
#pragma once

#include <stdint.h>

#include "base/slice.h"

struct bench_peers;

// `moves`: how often the device has moved; address and port follow from both numbers.
struct bench_peer {
    uint32_t device;
    uint32_t moves;
};

typedef void bench_peers_take_fn(void *context, struct bench_peer at, struct slice datagram);

// Sockets that speak to 127.0.0.1:port, for at most 15 million devices. `epoll` learns of them; the
// data of their events is below BENCH_PEERS_SOCKETS. Ends the program when there is no socket.
#define BENCH_PEERS_SOCKETS 4U
struct bench_peers *bench_peers_open(unsigned port, uint32_t devices, int epoll);
// Room for `len` bytes (at most BENCH_DATAGRAM_MAX) from this peer; they leave with the next flush.
#define BENCH_DATAGRAM_MAX 512U
uint8_t *bench_peers_prepare(struct bench_peers *peers, struct bench_peer from, size_t len);
// What the kernel has no room for is lost.
void bench_peers_flush(struct bench_peers *peers);
// One batch from the socket that an event named.
void bench_peers_receive(struct bench_peers *peers, uint32_t socket, bench_peers_take_fn *take,
                         void *context);
