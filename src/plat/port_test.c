// Whether a TCP port is free: a free one, a taken one, one that is not allowed, one that is not
// ours. Whether a peer is there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/os_address.h"
#include "plat/port.h"

static struct address parsed(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(slice_text(text), &address), ERR_OK);
    return address;
}

// A socket that listens, as servers do, and where.
static int listener(const char *text, struct address *at)
{
    union plat_os_address name;
    const struct address wanted = parsed(text);
    socklen_t len = plat_os_address_put(&wanted, &name);
    const int fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, &name.any, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, &name.any, &len), 0);
    *at = plat_os_address_take(&name);
    return fd;
}

static void taken_port_is_said_and_free_once_closed(void **state)
{
    (void)state;
    struct address at;
    const int fd = listener("127.0.0.1:0", &at);
    assert_int_equal(plat_port_check_tcp(&at), ERR_IN_USE);
    (void)close(fd);
    assert_int_equal(plat_port_check_tcp(&at), ERR_OK);
    // The check itself leaves it free.
    assert_int_equal(plat_port_check_tcp(&at), ERR_OK);
}

static void connection_of_an_earlier_server_is_no_hindrance(void **state)
{
    (void)state;
    struct address at;
    union plat_os_address name;
    const int fd = listener("127.0.0.1:0", &at);
    const socklen_t len = plat_os_address_put(&at, &name);
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, &name.any, len), 0);
    const int accepted = accept(fd, NULL, NULL);
    assert_true(accepted >= 0);
    // The side that closes first keeps the port in TIME_WAIT.
    (void)close(accepted);
    (void)close(client);
    (void)close(fd);
    assert_int_equal(plat_port_check_tcp(&at), ERR_OK);
}

static void address_that_is_not_ours_is_invalid(void **state)
{
    (void)state;
    const struct address ipv4 = parsed("192.0.2.1:0");
    const struct address ipv6 = parsed("[2001:db8::1]:0");
    assert_int_equal(plat_port_check_tcp(&ipv4), ERR_INVALID);
    assert_int_equal(plat_port_check_tcp(&ipv6), ERR_INVALID);
}

static int check_port_1_without_privilege(void)
{
    const struct address address = parsed("127.0.0.1:1");
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
        return 1;
    }
    return plat_port_check_tcp(&address) == ERR_FORBIDDEN ? 0 : 2;
}

static void privileged_port_is_forbidden(void **state)
{
    (void)state;
    int first = 0;
    int status = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    const bool known = file != NULL && fscanf(file, "%d", &first) == 1;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!known || first <= 1) {
        skip();
    }
    const pid_t child = fork();
    if (child == 0) {
        _exit(check_port_1_without_privilege());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void peer_that_closed_is_seen_behind_what_it_sent(void **state)
{
    (void)state;
    int pair[2];
    char byte = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_false(plat_port_peer_left(pair[0]) || plat_port_has_input(pair[0]));
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_false(plat_port_peer_left(pair[0]));
    assert_true(plat_port_has_input(pair[0]));
    (void)close(pair[1]);
    assert_true(plat_port_peer_left(pair[0]) && plat_port_has_input(pair[0]));
    assert_int_equal(read(pair[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    assert_false(plat_port_has_input(pair[0]));
    (void)close(pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_port_is_said_and_free_once_closed),
        cmocka_unit_test(connection_of_an_earlier_server_is_no_hindrance),
        cmocka_unit_test(address_that_is_not_ours_is_invalid),
        cmocka_unit_test(privileged_port_is_forbidden),
        cmocka_unit_test(peer_that_closed_is_seen_behind_what_it_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
