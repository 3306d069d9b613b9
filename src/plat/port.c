#include "plat/port.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "plat/os_address.h"
#include "plat/os_error.h"

static enum err bind_and_listen(int fd, const struct address *address)
{
    union plat_os_address name;
    const socklen_t len = plat_os_address_put(address, &name);
    const int on = 1;

    // As a server does: connections of one before it that are not yet forgotten are no hindrance.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, &name.any, len) != 0 || listen(fd, 1) != 0) {
        return plat_os_error(errno);
    }
    return ERR_OK;
}

enum err plat_port_check_tcp(const struct address *address)
{
    const int family = address_is_ipv4(address) ? AF_INET : AF_INET6;
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return plat_os_error(errno);
    }
    const enum err err = bind_and_listen(fd, address);
    (void)close(fd);
    return err;
}

bool plat_port_peer_left(int descriptor)
{
    struct pollfd peer = {.fd = descriptor, .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0;
}

bool plat_port_has_input(int descriptor)
{
    uint8_t byte;
    return recv(descriptor, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0;
}
