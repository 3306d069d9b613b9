// The service manager is told by one datagram; without one nothing happens.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "plat/notify.h"

static int listen_at(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    memcpy(at.sun_path, name, strlen(name));
    at.sun_path[0] = name[0] == '@' ? 0 : name[0];
    const size_t len = offsetof(struct sockaddr_un, sun_path) + strlen(name);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&at, (socklen_t)len), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    return descriptor;
}

static void expect(int descriptor, const char *state)
{
    char text[64] = "";
    const ssize_t len = recv(descriptor, text, sizeof(text) - 1, MSG_DONTWAIT);
    assert_int_equal(len, strlen(state));
    assert_string_equal(text, state);
}

static void a_socket_in_a_directory_is_told(void **state)
{
    (void)state;
    char directory[] = "/tmp/plat-notify-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/socket", directory);
    const int descriptor = listen_at(path);
    plat_notify("READY=1");
    plat_notify("STOPPING=1\nSTATUS=as asked");
    expect(descriptor, "READY=1");
    expect(descriptor, "STOPPING=1\nSTATUS=as asked");
    close(descriptor);
    unlink(path);
    plat_notify("READY=1"); // nobody is there any more
    rmdir(directory);
}

static void an_abstract_socket_is_told(void **state)
{
    (void)state;
    char name[64];
    (void)snprintf(name, sizeof(name), "@plat-notify-%d", (int)getpid());
    const int descriptor = listen_at(name);
    plat_notify("READY=1");
    expect(descriptor, "READY=1");
    close(descriptor);
}

static void without_a_manager_nothing_happens(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[299] = 0;
    unsetenv("NOTIFY_SOCKET");
    plat_notify("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    plat_notify("READY=1");
    setenv("NOTIFY_SOCKET", longer, 1);
    plat_notify("READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_in_a_directory_is_told),
        cmocka_unit_test(an_abstract_socket_is_told),
        cmocka_unit_test(without_a_manager_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
