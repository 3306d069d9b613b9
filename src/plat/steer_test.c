// Steering: the BPF program and the C function are one function. Hundreds of peers send to groups
// of two and three sockets, and each datagram must arrive where the function says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert_test.h"
#include "plat/steer.h"
#include "plat/udp.h"

#define PEERS 400U
#define GROUP_MAX 3U

struct group {
    struct plat_udp *sockets[GROUP_MAX];
    unsigned size;
    enum plat_steer_kind kind;
};

static struct address parsed(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_text(text), &address), ERR_OK);
    return address;
}

static void open_group(struct group *group, const char *text, unsigned size,
                       enum plat_steer_kind kind)
{
    struct plat_udp_options options = {
        .bind = parsed(text),
        .group_size = size,
        .group_first = true,
        .steer = kind,
        .receive_bytes = 1 << 20,
    };
    group->size = size;
    group->kind = kind;
    for (unsigned i = 0; i < size; i++) {
        assert_int_equal(plat_udp_open(&group->sockets[i], &options), ERR_OK);
        options.bind = plat_udp_local(group->sockets[0]);
        options.group_first = false;
    }
}

static void close_group(struct group *group)
{
    for (unsigned i = 0; i < group->size; i++) {
        plat_udp_close(group->sockets[i]);
    }
}

static unsigned expected_worker(const struct group *group, const struct plat_udp_datagram *datagram)
{
    return group->kind == PLAT_STEER_DTLS
               ? plat_steer_worker_dtls(&datagram->remote, datagram->bytes, group->size)
               : plat_steer_worker(&datagram->remote, group->size);
}

// Reads all that has arrived and counts, per socket, what came and what should have gone elsewhere.
static unsigned read_group(const struct group *group, unsigned arrived[GROUP_MAX])
{
    unsigned astray = 0;
    for (unsigned i = 0; i < group->size; i++) {
        struct plat_udp_datagram datagrams[PLAT_UDP_BATCH];
        arrived[i] = 0;
        for (unsigned count = plat_udp_receive(group->sockets[i], datagrams); count > 0;
             count = plat_udp_receive(group->sockets[i], datagrams)) {
            for (unsigned j = 0; j < count; j++) {
                astray += expected_worker(group, &datagrams[j]) == i ? 0 : 1;
            }
            arrived[i] += count;
        }
    }
    return astray;
}

// Each peer is a socket of its own, on 127.0.0.1 to 127.200.200.200, with the port the kernel
// gives.
static int ipv4_peer(unsigned number)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    name.sin_addr.s_addr = htonl(0x7f000001U + number % 200 * 0x00010000U + number % 7 * 0x0100U);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static int ipv6_peer(unsigned number)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)number;
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static void send_to_group(int fd, const struct group *group, struct slice bytes)
{
    const struct address local = plat_udp_local(group->sockets[0]);
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(local.port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6,
                                .sin6_port = htons(local.port),
                                .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const bool is_ipv4 = address_is_ipv4(&local);
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const struct sockaddr *name =
        is_ipv4 ? (const struct sockaddr *)&ipv4 : (const struct sockaddr *)&ipv6;
    const socklen_t len = is_ipv4 ? sizeof(ipv4) : sizeof(ipv6);
    assert_int_equal(sendto(fd, bytes.ptr, bytes.len, 0, name, len), bytes.len);
}

static void check_plain(const char *text, unsigned size, int (*new_peer)(unsigned number))
{
    struct group group;
    unsigned arrived[GROUP_MAX];
    unsigned total = 0;

    open_group(&group, text, size, PLAT_STEER_PLAIN);
    for (unsigned i = 0; i < PEERS; i++) {
        const int fd = new_peer(i);
        send_to_group(fd, &group, SLICE("hello"));
        (void)close(fd);
    }
    assert_int_equal(read_group(&group, arrived), 0);
    for (unsigned i = 0; i < size; i++) {
        // No socket is starved: a third less than its share is ten deviations away.
        assert_true(arrived[i] > PEERS / size * 2 / 3);
        total += arrived[i];
    }
    assert_int_equal(total, PEERS);
    close_group(&group);
}

static bool ipv6_is_there(void)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool there = fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return there;
}

static void ipv4_peers_arrive_where_the_function_says(void **state)
{
    (void)state;
    check_plain("0.0.0.0:0", 2, ipv4_peer);
    check_plain("0.0.0.0:0", 3, ipv4_peer);
    check_plain("127.0.0.1:0", 3, ipv4_peer);
}

static void ipv6_peers_arrive_where_the_function_says(void **state)
{
    (void)state;
    if (!ipv6_is_there()) {
        skip();
    }
    check_plain("[::1]:0", 2, ipv6_peer);
    check_plain("[::]:0", 3, ipv6_peer);
}

static void ipv4_options_do_not_move_the_port(void **state)
{
    (void)state;
    static const uint8_t no_operation[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct group group;
    unsigned arrived[GROUP_MAX];

    open_group(&group, "127.0.0.1:0", 3, PLAT_STEER_PLAIN);
    for (unsigned i = 0; i < 100; i++) {
        const int fd = ipv4_peer(i);
        assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, no_operation, i % 3 * 4), 0);
        send_to_group(fd, &group, SLICE("hello"));
        (void)close(fd);
    }
    assert_int_equal(read_group(&group, arrived), 0);
    assert_int_equal(arrived[0] + arrived[1] + arrived[2], 100);
    close_group(&group);
}

// Behind an extension header the program cannot find the port: all such peers of one address go to
// one worker, whichever their port.
static void ipv6_extension_headers_steer_by_address(void **state)
{
    (void)state;
    static const uint8_t padding[8] = {0, 0, 1, 4, 0, 0, 0, 0};
    struct group group;
    unsigned arrived[GROUP_MAX];
    bool allowed = ipv6_is_there();

    if (!allowed) {
        skip();
    }
    open_group(&group, "[::1]:0", 3, PLAT_STEER_PLAIN);
    for (unsigned i = 0; i < 50 && allowed; i++) {
        const int fd = ipv6_peer(i);
        allowed = setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof(padding)) == 0;
        if (allowed) {
            send_to_group(fd, &group, SLICE("hello"));
        }
        (void)close(fd);
    }
    (void)read_group(&group, arrived);
    close_group(&group);
    if (!allowed) {
        skip();
    }
    const struct address without_port = parsed("[::1]:0");
    assert_int_equal(arrived[plat_steer_worker(&without_port, 3)], 50);
}

static void dtls_records_follow_their_connection_id(void **state)
{
    (void)state;
    struct group group;
    unsigned arrived[GROUP_MAX];
    uint8_t record[64] = {0};
    unsigned sent = 0;

    open_group(&group, "127.0.0.1:0", 3, PLAT_STEER_DTLS);
    const int fd = ipv4_peer(1);
    for (unsigned id = 0; id < 256; id++) {
        // 25 has a connection id at byte 11; 22 and 23 have none and carry anything there.
        record[0] = (uint8_t)(id % 4 == 3 ? 22 : 25);
        record[11] = (uint8_t)id;
        send_to_group(fd, &group, slice_of(record, sizeof(record)));
        sent++;
    }
    assert_int_equal(read_group(&group, arrived), 0);
    assert_int_equal(arrived[0] + arrived[1] + arrived[2], sent);
    // 64 records of each third, and the others all on the socket of their peer.
    assert_true(arrived[0] >= 60 && arrived[1] >= 60 && arrived[2] >= 60);
    (void)close(fd);
    close_group(&group);
}

static void short_datagrams_on_the_dtls_port_are_steered_too(void **state)
{
    (void)state;
    struct group group;
    unsigned arrived[GROUP_MAX];
    uint8_t record[16];
    unsigned sent = 0;

    memset(record, 25, sizeof(record));
    open_group(&group, "127.0.0.1:0", 3, PLAT_STEER_DTLS);
    for (unsigned i = 0; i < 20; i++) {
        const int fd = ipv4_peer(i);
        for (size_t len = 0; len <= sizeof(record); len++) {
            send_to_group(fd, &group, slice_of(record, len));
            sent++;
        }
        (void)close(fd);
    }
    assert_int_equal(read_group(&group, arrived), 0);
    assert_int_equal(arrived[0] + arrived[1] + arrived[2], sent);
    close_group(&group);
}

static void dtls_function_looks_at_the_record(void **state)
{
    (void)state;
    const struct address remote = parsed("192.0.2.7:40000");
    const unsigned plain = plat_steer_worker(&remote, 64);
    uint8_t record[12] = {25, [11] = 77};
    assert_int_equal(plat_steer_worker_dtls(&remote, slice_of(record, 12), 64), 77 % 64);
    assert_int_equal(plat_steer_worker_dtls(&remote, slice_of(record, 11), 64), plain);
    assert_int_equal(plat_steer_worker_dtls(&remote, SLICE_EMPTY, 64), plain);
    record[0] = 22;
    assert_int_equal(plat_steer_worker_dtls(&remote, slice_of(record, 12), 64), plain);
}

static void peers_spread_evenly(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 16; workers++) {
        unsigned by_port[16] = {0};
        unsigned by_address[16] = {0};
        for (unsigned i = 0; i < 16000; i++) {
            struct address address = parsed("10.0.0.0:5683");
            address.port = (uint16_t)(32768 + i);
            by_port[plat_steer_worker(&address, workers)]++;
            // A fleet in one network, all from the same port.
            address.port = 5683;
            address.ip[14] = (uint8_t)(i >> 8);
            address.ip[15] = (uint8_t)i;
            by_address[plat_steer_worker(&address, workers)]++;
        }
        for (unsigned i = 0; i < workers; i++) {
            assert_in_range(by_port[i], 16000 / workers * 8 / 10, 16000 / workers * 12 / 10);
            assert_in_range(by_address[i], 16000 / workers * 8 / 10, 16000 / workers * 12 / 10);
        }
    }
}

// Peers must find their worker again after a restart with a newer version.
static void function_never_changes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned worker;
    } rows[] = {
        {"127.0.0.1:5683", 53},
        {"192.0.2.7:40000", 31},
        {"[::1]:5683", 24},
        {"[2001:db8::7]:40000", 40},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct address address = parsed(rows[i].text);
        assert_int_equal(plat_steer_worker(&address, 64), rows[i].worker);
    }
}

static void scope_plays_no_part(void **state)
{
    (void)state;
    const struct address one = parsed("[fe80::1%1]:5683");
    const struct address two = parsed("[fe80::1%2]:5683");
    assert_int_equal(plat_steer_worker(&one, 64), plat_steer_worker(&two, 64));
}

static void socket_that_shares_nothing_gets_no_program(void **state)
{
    (void)state;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(plat_steer_attach(fd, PLAT_STEER_PLAIN, false, 2), ERR_INVALID);
    (void)close(fd);
    assert_int_equal(plat_steer_attach(-1, PLAT_STEER_PLAIN, false, 2), ERR_INVALID);
}

static void ask_for_no_workers(void *context)
{
    (void)plat_steer_worker(context, 0);
}

static void ask_for_too_many_workers(void *context)
{
    (void)plat_steer_worker(context, STEER_WORKERS_MAX + 1);
}

static void workers_out_of_range_are_a_bug(void **state)
{
    (void)state;
    struct address address = parsed("127.0.0.1:1");
    assert_true(assert_stops(ask_for_no_workers, &address));
    assert_true(assert_stops(ask_for_too_many_workers, &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_peers_arrive_where_the_function_says),
        cmocka_unit_test(ipv6_peers_arrive_where_the_function_says),
        cmocka_unit_test(ipv4_options_do_not_move_the_port),
        cmocka_unit_test(ipv6_extension_headers_steer_by_address),
        cmocka_unit_test(dtls_records_follow_their_connection_id),
        cmocka_unit_test(short_datagrams_on_the_dtls_port_are_steered_too),
        cmocka_unit_test(dtls_function_looks_at_the_record),
        cmocka_unit_test(peers_spread_evenly),
        cmocka_unit_test(function_never_changes),
        cmocka_unit_test(scope_plays_no_part),
        cmocka_unit_test(socket_that_shares_nothing_gets_no_program),
        cmocka_unit_test(workers_out_of_range_are_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
