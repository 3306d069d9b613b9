// Datagrams over loopback: addresses of both sides, batches, everything that the kernel may refuse,
// and who may have the port.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert_test.h"
#include "plat/udp.h"

static struct address parsed(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_text(text), &address), ERR_OK);
    return address;
}

static struct plat_udp_options alone_on(const char *text)
{
    return (struct plat_udp_options){.bind = parsed(text), .group_size = 1, .group_first = true};
}

static struct plat_udp *opened(const char *text)
{
    const struct plat_udp_options options = alone_on(text);
    struct plat_udp *udp;
    assert_int_equal(plat_udp_open(&udp, &options), ERR_OK);
    return udp;
}

static bool ipv6_is_there(void)
{
    const struct plat_udp_options options = alone_on("[::1]:0");
    struct plat_udp *udp;
    if (plat_udp_open(&udp, &options) != ERR_OK) {
        return false;
    }
    plat_udp_close(udp);
    return true;
}

// The socket's port at an address of our choice.
static struct address port_at(const struct plat_udp *udp, const char *text)
{
    struct address address = parsed(text);
    address.port = plat_udp_local(udp).port;
    return address;
}

static void send_one(struct plat_udp *udp, struct address to, struct slice bytes)
{
    const struct plat_udp_datagram datagram = {.remote = to, .bytes = bytes};
    assert_int_equal(plat_udp_send(udp, &datagram, 1), 1);
}

static struct plat_udp_datagram received_one(struct plat_udp *udp)
{
    struct plat_udp_datagram datagrams[PLAT_UDP_BATCH];
    assert_int_equal(plat_udp_receive(udp, datagrams), 1);
    return datagrams[0];
}

static void check_exchange(const char *server_bind, const char *server_at, const char *client_bind)
{
    struct plat_udp *server = opened(server_bind);
    struct plat_udp *client = opened(client_bind);
    const struct address asked = port_at(server, server_at);
    const struct address client_at = plat_udp_local(client);

    assert_true(plat_udp_local(server).port != 0);
    send_one(client, asked, SLICE("question"));
    const struct plat_udp_datagram question = received_one(server);
    assert_true(slice_equal(question.bytes, SLICE("question")));
    assert_false(question.truncated);
    assert_true(address_equal(&question.remote, &client_at));
    assert_true(address_equal(&question.local, &asked));

    // The answer comes from the address that was asked, though the socket is bound to any.
    const struct plat_udp_datagram answer = {
        .remote = question.remote, .local = question.local, .bytes = SLICE("answer")};
    assert_int_equal(plat_udp_send(server, &answer, 1), 1);
    const struct plat_udp_datagram got = received_one(client);
    assert_true(slice_equal(got.bytes, SLICE("answer")));
    assert_true(address_equal(&got.remote, &asked));
    plat_udp_close(server);
    plat_udp_close(client);
}

static void answer_leaves_from_the_address_that_was_asked(void **state)
{
    (void)state;
    check_exchange("0.0.0.0:0", "127.0.0.5:0", "127.0.0.9:0");
    check_exchange("127.0.0.5:0", "127.0.0.5:0", "127.0.0.1:0");
}

static void ipv6_does_the_same(void **state)
{
    (void)state;
    if (!ipv6_is_there()) {
        skip();
    }
    check_exchange("[::]:0", "[::1]:0", "[::1]:0");
    check_exchange("[::1]:0", "[::1]:0", "[::1]:0");
}

// Both families on one port are two sockets, as the configuration names them.
static void ipv6_socket_leaves_ipv4_alone(void **state)
{
    (void)state;
    if (!ipv6_is_there()) {
        skip();
    }
    struct plat_udp *ipv6 = opened("[::]:0");
    struct plat_udp_options options = alone_on("0.0.0.0:0");
    struct plat_udp *ipv4;
    options.bind.port = plat_udp_local(ipv6).port;
    assert_int_equal(plat_udp_open(&ipv4, &options), ERR_OK);
    send_one(ipv4, port_at(ipv6, "127.0.0.1:0"), SLICE("to ourselves"));
    struct plat_udp_datagram datagrams[PLAT_UDP_BATCH];
    assert_int_equal(plat_udp_receive(ipv6, datagrams), 0);
    assert_int_equal(plat_udp_receive(ipv4, datagrams), 1);
    plat_udp_close(ipv4);
    plat_udp_close(ipv6);
}

// A port that nobody has any more.
static struct address closed_port(const char *text)
{
    struct plat_udp *udp = opened(text);
    const struct address address = plat_udp_local(udp);
    plat_udp_close(udp);
    return address;
}

static void check_unreachable(const char *any, const char *one)
{
    struct plat_udp_options options = alone_on(any);
    struct plat_udp_path paths[PLAT_UDP_PATHS];
    struct plat_udp *udp;
    struct plat_udp *there = opened(one);
    options.tells_unreachable = true;
    assert_int_equal(plat_udp_open(&udp, &options), ERR_OK);
    const struct address nobody = closed_port(one);
    const struct address from = port_at(udp, one);
    assert_int_equal(plat_udp_unreachable(udp, paths), 0);
    for (unsigned i = 0; i < 3; i++) {
        const struct plat_udp_datagram batch[] = {
            {.remote = nobody, .local = from, .bytes = SLICE("lost")},
            {.remote = plat_udp_local(there), .local = from, .bytes = SLICE("found")},
            {.remote = plat_udp_local(there), .local = from, .bytes = SLICE("found")},
        };
        // What is said about one datagram stops no other, in this call or the next.
        assert_int_equal(plat_udp_send(udp, batch, 3), 3);
    }
    assert_int_equal(plat_udp_unreachable(udp, paths), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(address_equal(&paths[i].remote, &nobody));
        assert_true(address_equal(&paths[i].local, &from));
    }
    assert_int_equal(plat_udp_unreachable(udp, paths), 0);
    struct plat_udp_datagram datagrams[PLAT_UDP_BATCH];
    assert_int_equal(plat_udp_receive(there, datagrams), 6);
    plat_udp_close(there);
    plat_udp_close(udp);
}

static void what_does_not_arrive_is_told(void **state)
{
    (void)state;
    check_unreachable("0.0.0.0:0", "127.0.0.5:0");
    check_unreachable("127.0.0.5:0", "127.0.0.5:0");
    if (ipv6_is_there()) {
        check_unreachable("[::]:0", "[::1]:0");
    }
}

static void nothing_there_is_no_wait(void **state)
{
    (void)state;
    struct plat_udp *udp = opened("127.0.0.1:0");
    struct plat_udp_datagram datagrams[PLAT_UDP_BATCH];
    assert_int_equal(plat_udp_receive(udp, datagrams), 0);
    assert_int_equal(plat_udp_send(udp, datagrams, 0), 0);
    plat_udp_close(udp);
}

static void batches_keep_their_order(void **state)
{
    (void)state;
    enum { COUNT = PLAT_UDP_BATCH * 2 + 10 };
    static struct plat_udp_datagram out[COUNT];
    static uint32_t numbers[COUNT];
    struct plat_udp *server = opened("127.0.0.1:0");
    struct plat_udp *client = opened("127.0.0.1:0");
    struct plat_udp_datagram in[PLAT_UDP_BATCH];
    static const unsigned expected[] = {PLAT_UDP_BATCH, PLAT_UDP_BATCH, 10, 0};
    uint32_t next = 0;

    for (uint32_t i = 0; i < COUNT; i++) {
        numbers[i] = i;
        out[i] = (struct plat_udp_datagram){.remote = plat_udp_local(server),
                                            .bytes = slice_of(&numbers[i], sizeof(numbers[i]))};
    }
    assert_int_equal(plat_udp_send(client, out, COUNT), COUNT);
    for (size_t batch = 0; batch < 4; batch++) {
        const unsigned count = plat_udp_receive(server, in);
        assert_int_equal(count, expected[batch]);
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(in[i].bytes.len, sizeof(next));
            assert_memory_equal(in[i].bytes.ptr, &next, sizeof(next));
            next++;
        }
    }
    plat_udp_close(server);
    plat_udp_close(client);
}

static void datagrams_of_every_size_arrive_and_longer_ones_are_cut(void **state)
{
    (void)state;
    static uint8_t bytes[PLAT_UDP_DATAGRAM_MAX + 1];
    struct plat_udp *server = opened("127.0.0.1:0");
    struct plat_udp *client = opened("127.0.0.1:0");
    static const size_t sizes[] = {0, 1, 1024, PLAT_UDP_DATAGRAM_MAX};

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 13);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct slice whole = slice_of(bytes, sizes[i]);
        send_one(client, plat_udp_local(server), whole);
        const struct plat_udp_datagram got = received_one(server);
        assert_true(slice_equal(got.bytes, whole));
        assert_false(got.truncated);
    }
    send_one(client, plat_udp_local(server), slice_of(bytes, sizeof(bytes)));
    const struct plat_udp_datagram cut = received_one(server);
    assert_true(cut.truncated);
    assert_true(slice_equal(cut.bytes, slice_of(bytes, PLAT_UDP_DATAGRAM_MAX)));
    // The next one is whole again.
    send_one(client, plat_udp_local(server), SLICE("x"));
    assert_false(received_one(server).truncated);
    plat_udp_close(server);
    plat_udp_close(client);
}

static void bad_datagrams_do_not_stop_the_next(void **state)
{
    (void)state;
    static uint8_t too_long[70000];
    struct plat_udp *server = opened("127.0.0.1:0");
    struct plat_udp *client = opened("127.0.0.1:0");
    const struct address to = plat_udp_local(server);
    const struct plat_udp_datagram out[] = {
        {.remote = to, .bytes = SLICE("1")},
        {.remote = to, .bytes = slice_of(too_long, sizeof(too_long))},
        {.remote = to, .bytes = SLICE("2")},
        // Not our address, the other family, and no port.
        {.remote = to, .local = parsed("192.0.2.1:0"), .bytes = SLICE("x")},
        {.remote = parsed("[2001:db8::1]:5683"), .bytes = SLICE("x")},
        {.remote = parsed("127.0.0.1:0"), .bytes = SLICE("x")},
        {.remote = to, .bytes = SLICE("3")},
        {.remote = to, .bytes = slice_of(too_long, sizeof(too_long))},
    };
    struct plat_udp_datagram in[PLAT_UDP_BATCH];

    assert_int_equal(plat_udp_send(client, out, sizeof(out) / sizeof(out[0])), 3);
    assert_int_equal(plat_udp_receive(server, in), 3);
    assert_true(slice_equal(in[0].bytes, SLICE("1")));
    assert_true(slice_equal(in[1].bytes, SLICE("2")));
    assert_true(slice_equal(in[2].bytes, SLICE("3")));
    plat_udp_close(server);
    plat_udp_close(client);
}

static void multicast_address_is_no_source(void **state)
{
    (void)state;
    struct plat_udp *server = opened("127.0.0.1:0");
    struct plat_udp *client = opened("0.0.0.0:0");
    static const char *const locals[] = {"224.0.1.187:5683", "0.0.0.0:0", "[::]:0", "[ff02::fd]:0"};
    for (size_t i = 0; i < 4; i++) {
        const struct plat_udp_datagram datagram = {
            .remote = plat_udp_local(server), .local = parsed(locals[i]), .bytes = SLICE("x")};
        assert_int_equal(plat_udp_send(client, &datagram, 1), 1);
        const struct plat_udp_datagram got = received_one(server);
        assert_true(address_is_loopback(&got.remote));
    }
    plat_udp_close(server);
    plat_udp_close(client);
}

static void nobody_at_the_other_port_stops_nothing(void **state)
{
    (void)state;
    struct plat_udp *server = opened("127.0.0.1:0");
    struct plat_udp *client = opened("127.0.0.1:0");
    struct plat_udp *gone = opened("127.0.0.1:0");
    const struct address nobody = plat_udp_local(gone);

    plat_udp_close(gone);
    for (unsigned i = 0; i < 50; i++) {
        // Each is answered by an ICMP error before the next call.
        send_one(server, nobody, SLICE("lost"));
        send_one(client, plat_udp_local(server), SLICE("found"));
        assert_true(slice_equal(received_one(server).bytes, SLICE("found")));
    }
    plat_udp_close(server);
    plat_udp_close(client);
}

// A connected socket is told of ICMP errors by its next call; so the error is there for sure.
static void pending_error_of_the_socket_is_read_past(void **state)
{
    (void)state;
    struct plat_udp *server = opened("127.0.0.1:0");
    struct plat_udp *gone = opened("127.0.0.1:0");
    struct sockaddr_in name = {.sin_family = AF_INET};

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(plat_udp_local(gone).port);
    const int fd = plat_udp_descriptor(server);
    assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    plat_udp_close(gone);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    struct plat_udp_datagram datagrams[PLAT_UDP_BATCH];
    assert_int_equal(plat_udp_receive(server, datagrams), 0);
    int pending = 0;
    socklen_t len = sizeof(pending);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &len), 0);
    assert_int_equal(pending, 0);
    plat_udp_close(server);
}

static void taken_port_is_said(void **state)
{
    (void)state;
    struct plat_udp *holder = opened("127.0.0.1:0");
    struct plat_udp *other = NULL;
    for (unsigned size = 1; size <= 3; size++) {
        struct plat_udp_options options = alone_on("127.0.0.1:0");
        options.bind = plat_udp_local(holder);
        options.group_size = size;
        assert_int_equal(plat_udp_open(&other, &options), ERR_IN_USE);
        options.bind = port_at(holder, "0.0.0.0:0");
        assert_int_equal(plat_udp_open(&other, &options), ERR_IN_USE);
    }
    plat_udp_close(holder);
}

// The second server of the same user on the same port, both with groups.
static void group_does_not_join_another_servers_group(void **state)
{
    (void)state;
    struct plat_udp *first = NULL;
    struct plat_udp *second = NULL;
    struct plat_udp *stranger = NULL;
    struct plat_udp_options options = alone_on("127.0.0.1:0");

    options.group_size = 2;
    assert_int_equal(plat_udp_open(&first, &options), ERR_OK);
    options.bind = plat_udp_local(first);
    assert_int_equal(plat_udp_open(&stranger, &options), ERR_IN_USE);
    options.group_first = false;
    assert_int_equal(plat_udp_open(&second, &options), ERR_OK);
    options.group_first = true;
    assert_int_equal(plat_udp_open(&stranger, &options), ERR_IN_USE);
    options.group_size = 1;
    assert_int_equal(plat_udp_open(&stranger, &options), ERR_IN_USE);
    plat_udp_close(first);
    plat_udp_close(second);
    // Closed means free at once.
    assert_int_equal(plat_udp_open(&stranger, &options), ERR_OK);
    plat_udp_close(stranger);
}

// Another program that shares its port with everybody of this user.
static void port_that_another_program_shares_is_taken(void **state)
{
    (void)state;
    const int on = 1;
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof(name);
    struct plat_udp *udp = NULL;
    struct plat_udp_options options = alone_on("127.0.0.1:0");
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    options.bind.port = ntohs(name.sin_port);
    for (unsigned size = 1; size <= 2; size++) {
        options.group_size = size;
        assert_int_equal(plat_udp_open(&udp, &options), ERR_IN_USE);
    }
    (void)close(fd);
}

static void address_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    struct plat_udp *udp = NULL;
    static const char *const texts[] = {"192.0.2.1:0", "[2001:db8::1]:0", "[fe80::1]:0"};
    for (size_t i = 0; i < 3; i++) {
        for (unsigned size = 1; size <= 2; size++) {
            struct plat_udp_options options = alone_on(texts[i]);
            options.group_size = size;
            assert_int_equal(plat_udp_open(&udp, &options), ERR_INVALID);
        }
    }
    assert_null(udp);
}

// The first port that needs no privilege, 0 if it cannot be known.
static int first_free_port(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    int port = 0;
    if (file != NULL) {
        if (fscanf(file, "%d", &port) != 1) {
            port = 0;
        }
        (void)fclose(file);
    }
    return port;
}

static void open_privileged_port(void *context)
{
    struct plat_udp *udp;
    const struct plat_udp_options options = alone_on("127.0.0.1:1");
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
        return;
    }
    // The helper sees a process that aborts.
    if (plat_udp_open(&udp, &options) == ERR_FORBIDDEN) {
        abort();
    }
    (void)context;
}

static void privileged_port_is_forbidden(void **state)
{
    (void)state;
    if (first_free_port() <= 1) {
        skip();
    }
    assert_true(assert_stops(open_privileged_port, NULL));
}

static void no_descriptors_left_is_an_error(void **state)
{
    (void)state;
    struct rlimit before;
    struct plat_udp *udp = NULL;
    const struct plat_udp_options options = alone_on("127.0.0.1:0");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = dup(0);
    assert_true(next >= 0);
    (void)close(next);
    const struct rlimit tight = {(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    const enum err err = plat_udp_open(&udp, &options);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(err, ERR_EXHAUSTED);
    assert_null(udp);
}

static void what_the_kernel_drops_is_counted(void **state)
{
    (void)state;
    enum { FLOOD = 2000 };
    static uint8_t bytes[1000];
    struct plat_udp_options options = alone_on("127.0.0.1:0");
    struct plat_udp *server;
    struct plat_udp *client = opened("127.0.0.1:0");
    struct plat_udp_datagram in[PLAT_UDP_BATCH];

    options.receive_bytes = 65536;
    assert_int_equal(plat_udp_open(&server, &options), ERR_OK);
    for (unsigned round = 1; round <= 2; round++) {
        uint64_t arrived = 0;
        const uint64_t before = plat_udp_kernel_drops(server);
        for (unsigned i = 0; i < FLOOD; i++) {
            send_one(client, plat_udp_local(server), slice_of(bytes, sizeof(bytes)));
        }
        for (unsigned count = plat_udp_receive(server, in); count > 0;
             count = plat_udp_receive(server, in)) {
            arrived += count;
        }
        assert_true(arrived > 0 && arrived < FLOOD);
        // The count comes with the next datagram that finds room.
        send_one(client, plat_udp_local(server), SLICE("x"));
        (void)received_one(server);
        assert_true(plat_udp_kernel_drops(server) - before == FLOOD - arrived);
    }
    plat_udp_close(server);
    plat_udp_close(client);
}

static void receive_buffer_is_what_was_granted(void **state)
{
    (void)state;
    struct plat_udp_options options = alone_on("127.0.0.1:0");
    struct plat_udp *udp;
    options.receive_bytes = 150000;
    assert_int_equal(plat_udp_open(&udp, &options), ERR_OK);
    assert_int_equal(plat_udp_receive_bytes(udp), 150000);
    plat_udp_close(udp);
    options.receive_bytes = 0;
    assert_int_equal(plat_udp_open(&udp, &options), ERR_OK);
    assert_true(plat_udp_receive_bytes(udp) > 2048);
    plat_udp_close(udp);
}

static void nothing_is_allocated_after_open(void **state)
{
    (void)state;
    struct plat_udp *server = opened("127.0.0.1:0");
    struct plat_udp *client = opened("127.0.0.1:0");
    struct plat_udp_datagram in[PLAT_UDP_BATCH];
    const struct plat_udp_datagram out = {.remote = plat_udp_local(server), .bytes = SLICE("x")};
    const size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(plat_udp_send(client, &out, 1), 1);
        assert_int_equal(plat_udp_receive(server, in), 1);
    }
    assert_int_equal(mallinfo2().uordblks, before);
    plat_udp_close(server);
    plat_udp_close(client);
}

static void open_later_socket_without_port(void *context)
{
    struct plat_udp *udp;
    struct plat_udp_options options = alone_on("127.0.0.1:0");
    (void)context;
    options.group_size = 2;
    options.group_first = false;
    (void)!plat_udp_open(&udp, &options);
}

static void group_without_a_port_is_a_bug(void **state)
{
    (void)state;
    assert_true(assert_stops(open_later_socket_without_port, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_leaves_from_the_address_that_was_asked),
        cmocka_unit_test(ipv6_does_the_same),
        cmocka_unit_test(ipv6_socket_leaves_ipv4_alone),
        cmocka_unit_test(what_does_not_arrive_is_told),
        cmocka_unit_test(nothing_there_is_no_wait),
        cmocka_unit_test(batches_keep_their_order),
        cmocka_unit_test(datagrams_of_every_size_arrive_and_longer_ones_are_cut),
        cmocka_unit_test(bad_datagrams_do_not_stop_the_next),
        cmocka_unit_test(multicast_address_is_no_source),
        cmocka_unit_test(nobody_at_the_other_port_stops_nothing),
        cmocka_unit_test(pending_error_of_the_socket_is_read_past),
        cmocka_unit_test(taken_port_is_said),
        cmocka_unit_test(group_does_not_join_another_servers_group),
        cmocka_unit_test(port_that_another_program_shares_is_taken),
        cmocka_unit_test(address_that_is_not_ours_is_refused),
        cmocka_unit_test(privileged_port_is_forbidden),
        cmocka_unit_test(no_descriptors_left_is_an_error),
        cmocka_unit_test(what_the_kernel_drops_is_counted),
        cmocka_unit_test(receive_buffer_is_what_was_granted),
        cmocka_unit_test(nothing_is_allocated_after_open),
        cmocka_unit_test(group_without_a_port_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
