#include "bench/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BATCH 64U
#define RECEIVE_BUFFER (16 << 20)
#define FIRST_ADDRESS 0x7F010001U
#define ADDRESSES 0xFD0000U // from the first one on; 127.255.255.255 is not reached

struct outgoing {
    uint8_t bytes[BENCH_DATAGRAM_MAX];
    struct iovec part;
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct line {
    int descriptor;
    unsigned waiting;
    struct outgoing out[BATCH];
    struct mmsghdr headers[BATCH];
};

struct bench_peers {
    uint32_t devices;
    uint32_t rounds; // moves until an address comes again
    struct sockaddr_in server;
    struct line lines[BENCH_PEERS_SOCKETS];
};

static int open_socket(void)
{
    const int on = 1;
    const int size = RECEIVE_BUFFER;
    const int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    const struct sockaddr_in any = {.sin_family = AF_INET};
    (void)setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
    (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    if (bind(descriptor, (const struct sockaddr *)&any, sizeof(any)) != 0) {
        perror("bind");
        exit(1);
    }
    return descriptor;
}

// What stays the same in each message that leaves here.
static void fill_headers(struct bench_peers *peers, struct line *line)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct outgoing *out = &line->out[i];
        struct msghdr *header = &line->headers[i].msg_hdr;
        out->part.iov_base = out->bytes;
        *header = (struct msghdr){.msg_name = &peers->server,
                                  .msg_namelen = sizeof(peers->server),
                                  .msg_iov = &out->part,
                                  .msg_iovlen = 1,
                                  .msg_control = out->control,
                                  .msg_controllen = sizeof(out->control)};
        struct cmsghdr *control = CMSG_FIRSTHDR(header);
        control->cmsg_level = IPPROTO_IP;
        control->cmsg_type = IP_PKTINFO;
        control->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
    }
}

struct bench_peers *bench_peers_open(unsigned port, uint32_t devices, int epoll)
{
    struct bench_peers *peers = calloc(1, sizeof(*peers));
    peers->devices = devices;
    peers->rounds = ADDRESSES / devices;
    peers->server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    peers->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (uint32_t i = 0; i < BENCH_PEERS_SOCKETS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        peers->lines[i].descriptor = open_socket();
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, peers->lines[i].descriptor, &event);
        fill_headers(peers, &peers->lines[i]);
    }
    return peers;
}

static void flush_line(struct line *line)
{
    unsigned done = 0;
    while (done < line->waiting) {
        const int sent = sendmmsg(line->descriptor, line->headers + done, line->waiting - done, 0);
        if (sent <= 0) {
            break;
        }
        done += (unsigned)sent;
    }
    line->waiting = 0;
}

void bench_peers_flush(struct bench_peers *peers)
{
    for (unsigned i = 0; i < BENCH_PEERS_SOCKETS; i++) {
        flush_line(&peers->lines[i]);
    }
}

uint8_t *bench_peers_prepare(struct bench_peers *peers, struct bench_peer from, size_t len)
{
    struct line *line = &peers->lines[(from.device + from.moves) % BENCH_PEERS_SOCKETS];
    if (line->waiting == BATCH) {
        flush_line(line);
    }
    struct outgoing *out = &line->out[line->waiting];
    struct msghdr *header = &line->headers[line->waiting++].msg_hdr;
    const uint32_t offset = from.device + from.moves % peers->rounds * peers->devices;
    const struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(FIRST_ADDRESS + offset)};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(header)), &info, sizeof(info));
    out->part.iov_len = len;
    return out->bytes;
}

static void take_one(const struct bench_peers *peers, struct msghdr *header, struct slice datagram,
                     bench_peers_take_fn *take, void *context)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(control), sizeof(info));
            const uint32_t offset = ntohl(info.ipi_addr.s_addr) - FIRST_ADDRESS;
            if (offset < peers->rounds * peers->devices) {
                take(context, (struct bench_peer){offset % peers->devices, offset / peers->devices},
                     datagram);
            }
        }
    }
}

void bench_peers_receive(struct bench_peers *peers, uint32_t socket, bench_peers_take_fn *take,
                         void *context)
{
    static uint8_t bytes[BATCH][2048];
    static char controls[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo)) + 64];
    struct mmsghdr headers[BATCH];
    struct iovec parts[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
        headers[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
                                             .msg_iovlen = 1,
                                             .msg_control = controls[i],
                                             .msg_controllen = sizeof(controls[i])};
    }
    const int got = recvmmsg(peers->lines[socket].descriptor, headers, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        take_one(peers, &headers[i].msg_hdr, (struct slice){bytes[i], headers[i].msg_len}, take,
                 context);
    }
}
