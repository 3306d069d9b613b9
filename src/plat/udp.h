// plat/udp.h: batches of datagrams on one bound socket (recvmmsg, sendmmsg), with the local address
// of each, so that an answer leaves from the address that was asked (IP_PKTINFO, IPV6_PKTINFO).
//
// Sockets of one address share the port by SO_REUSEPORT; a classic BPF program on the group decides
// which of them gets a datagram (plat/steer.h). They are opened in the order of the workers, the
// first with `group_first` and the others with its bound address. The first takes the port as its
// own before it opens it to the group, so a second server on the same port is told so.
//
// All memory is taken when the socket is opened; receiving and sending take none.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/err.h"
#include "base/slice.h"
#include "plat/steer.h"

#define PLAT_UDP_BATCH 64
// Largest datagram that is read whole; a longer one is handed over cut, with `truncated` set.
#define PLAT_UDP_DATAGRAM_MAX 2048

struct plat_udp;

struct plat_udp_options {
    struct address bind;
    unsigned group_size;        // sockets that will share the port; the program is made for it
    bool group_first;           // this one carries the steering program
    enum plat_steer_kind steer; // what the program goes by
    uint32_t receive_bytes;     // SO_RCVBUFFORCE, else SO_RCVBUF; 0 leaves the system's default
    bool tells_unreachable;     // see plat_udp_unreachable; its owner then has to call that
};

struct plat_udp_datagram {
    struct address remote;
    // Where it was sent to, perhaps a multicast address; its port is the socket's. For sending:
    // where it leaves from; an any or multicast address lets the kernel choose.
    struct address local;
    struct slice bytes;
    bool truncated;
};

// Start-up only. ERR_IN_USE if the port is taken by another process, ERR_FORBIDDEN if not allowed,
// ERR_INVALID if no such local address, else ERR_IO.
MUST_USE enum err plat_udp_open(struct plat_udp **udp, const struct plat_udp_options *options);
void plat_udp_close(struct plat_udp *udp);
int plat_udp_descriptor(const struct plat_udp *udp);
// The bound address (its port if 0 was asked for).
struct address plat_udp_local(const struct plat_udp *udp);
// What the kernel granted, in bytes, as `receive_bytes` counts them.
uint32_t plat_udp_receive_bytes(const struct plat_udp *udp);

// Reads up to PLAT_UDP_BATCH datagrams without blocking; views into the socket's own buffers, valid
// until the next receive. Returns the count, 0 if there are none.
unsigned plat_udp_receive(struct plat_udp *udp, struct plat_udp_datagram out[PLAT_UDP_BATCH]);

// Sends any number of datagrams without blocking, in order. What the kernel refuses for want of
// room is dropped, as the network may; returns how many it took. Errors of one datagram (no route,
// too long, an address that is not ours any more, the other family) never stop the next.
unsigned plat_udp_send(struct plat_udp *udp, const struct plat_udp_datagram *datagrams,
                       unsigned count);

// Between which addresses a datagram of ours did not arrive.
struct plat_udp_path {
    struct address remote;
    struct address local;
};

// For a socket that the loop marked with PLAT_LOOP_ERROR: up to PLAT_UDP_PATHS paths of which an
// ICMP message says that the destination, its port or its network cannot be reached; returns the
// count. Such a message is easily forged. In a group of sockets it may come to any of them,
// whatever the steering says. The loop says so again while there are more.
//
// The queue takes of the receive buffer's memory, so one call takes twice what the answers to one
// batch can cause.
#define PLAT_UDP_PATHS (2 * PLAT_UDP_BATCH)
unsigned plat_udp_unreachable(struct plat_udp *udp, struct plat_udp_path out[PLAT_UDP_PATHS]);

// Datagrams that the kernel dropped because the receive buffer was full (SO_RXQ_OVFL).
uint64_t plat_udp_kernel_drops(const struct plat_udp *udp);
