// The floor that every figure is compared with: a bare UDP echo on loopback, recvmmsg and sendmmsg
// in batches of 64, nothing else. Usage: bench_echo PORT
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BATCH 64
#define DATAGRAM_MAX 2048

static unsigned char bytes[BATCH][DATAGRAM_MAX];
static struct sockaddr_in peers[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static int open_socket(unsigned short port)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int size = 8 << 20;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) != 0) {
        perror("bind");
        exit(1);
    }
    return fd;
}

int main(int count, char **words)
{
    if (count != 2) {
        fprintf(stderr, "usage: bench_echo PORT\n");
        return 2;
    }
    const int fd = open_socket((unsigned short)atoi(words[1]));
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &peers[i];
    }
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){bytes[i], DATAGRAM_MAX};
            messages[i].msg_hdr.msg_namelen = sizeof(peers[i]);
        }
        const int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < got; i++) {
            parts[i].iov_len = messages[i].msg_len;
        }
        if (got > 0) {
            (void)sendmmsg(fd, messages, (unsigned)got, 0);
        }
    }
}
