#include "plat/port.h"

#include <errno.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static enum err err_of(int number)
{
    switch (number) {
    case 0:
        return ERR_OK;
    case EADDRINUSE:
        return ERR_IN_USE;
    case EACCES:
    case EPERM:
        return ERR_FORBIDDEN;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

static int bind_and_listen(int descriptor, const struct address *address)
{
    const int on = 1;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int result = 0;
    if (address_is_ipv4(address)) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&to.sin_addr, address->ip + 12, 4);
        result = bind(descriptor, (const struct sockaddr *)&to, sizeof(to));
    } else {
        struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                                  .sin6_port = htons(address->port),
                                  .sin6_scope_id = address->scope};
        memcpy(&to.sin6_addr, address->ip, 16);
        result = bind(descriptor, (const struct sockaddr *)&to, sizeof(to));
    }
    if (result == 0) {
        result = listen(descriptor, 1);
    }
    return result == 0 ? 0 : errno;
}

enum err plat_port_check_tcp(const struct address *address)
{
    const int descriptor =
        socket(address_is_ipv4(address) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return err_of(errno);
    }
    const enum err err = err_of(bind_and_listen(descriptor, address));
    close(descriptor);
    return err;
}
