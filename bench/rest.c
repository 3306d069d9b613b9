#include "bench/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define RESPONSE_MAX 2047

struct connection {
    int descriptor;
    uint32_t device; // whose request is under way
    size_t len;
    char response[RESPONSE_MAX + 1];
};

struct bench_rest {
    const char *token;
    unsigned connections;
    unsigned idle_count;
    uint32_t *idle;
    struct connection *all;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int connect_to(unsigned port)
{
    const int on = 1;
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor, (const struct sockaddr *)&server, sizeof(server)) != 0) {
        fail("bench_load: connect");
    }
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return descriptor;
}

struct bench_rest *bench_rest_open(unsigned port, unsigned connections, int epoll)
{
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    struct bench_rest *rest = calloc(1, sizeof(*rest));
    rest->token = getenv("BENCH_TOKEN") != NULL ? getenv("BENCH_TOKEN") : "";
    rest->connections = connections;
    rest->all = calloc(connections, sizeof(*rest->all));
    rest->idle = calloc(connections, sizeof(*rest->idle));
    for (uint32_t i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = BENCH_PEERS_SOCKETS + i};
        rest->all[i].descriptor = connect_to(port);
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, rest->all[i].descriptor, &event);
        rest->idle[rest->idle_count++] = i;
    }
    return rest;
}

bool bench_rest_begin(struct bench_load *load, uint32_t device, const char *method,
                      const char *path, const char *body)
{
    struct bench_rest *rest = load->rest;
    char request[REQUEST_MAX];
    if (rest->idle_count == 0) {
        return false;
    }
    struct connection *connection = &rest->all[rest->idle[--rest->idle_count]];
    const int len = snprintf(request, sizeof(request),
                             "%s %s HTTP/1.1\r\nHost: localhost\r\nX-Authorization: Bearer %s\r\n"
                             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                             method, path, rest->token, strlen(body), body);
    connection->device = device;
    connection->len = 0;
    if (send(connection->descriptor, request, (size_t)len, MSG_NOSIGNAL) != len) {
        fail("bench_load: send");
    }
    return true;
}

bool bench_rest_is_idle(const struct bench_rest *rest)
{
    return rest->idle_count == rest->connections;
}

// The body when the response is whole, else a slice without bytes at NULL.
static struct slice whole_body(const struct connection *connection)
{
    const char *const end = strstr(connection->response, "\r\n\r\n");
    if (end == NULL) {
        return SLICE_EMPTY;
    }
    const char *const field = strcasestr(connection->response, "\r\ncontent-length:");
    const size_t wanted = field != NULL && field < end ? (size_t)atoi(field + 17) : 0;
    const size_t head = (size_t)(end + 4 - connection->response);
    if (connection->len - head < wanted) {
        return SLICE_EMPTY;
    }
    return (struct slice){(const uint8_t *)end + 4, wanted};
}

void bench_rest_receive(struct bench_load *load, uint32_t event)
{
    struct bench_rest *rest = load->rest;
    const uint32_t number = event - BENCH_PEERS_SOCKETS;
    struct connection *connection = &rest->all[number];
    const ssize_t got = recv(connection->descriptor, connection->response + connection->len,
                             RESPONSE_MAX - connection->len, MSG_DONTWAIT);
    if (got <= 0) {
        fail("bench_load: the server closed a connection");
    }
    connection->len += (size_t)got;
    connection->response[connection->len] = '\0';
    const struct slice body = whole_body(connection);
    if (body.ptr == NULL) {
        return;
    }
    rest->idle[rest->idle_count++] = number;
    load->rested(load, connection->device, (unsigned)atoi(connection->response + 9), body);
}
