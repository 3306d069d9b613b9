#include "plat/os_address.h"

#include <arpa/inet.h>
#include <string.h>

socklen_t plat_os_address_put(const struct address *address, union plat_os_address *name)
{
    memset(name, 0, sizeof(*name));
    if (address_is_ipv4(address)) {
        name->ipv4.sin_family = AF_INET;
        memcpy(&name->ipv4.sin_addr, address->ip + 12, 4);
        name->ipv4.sin_port = htons(address->port);
        return sizeof(name->ipv4);
    }
    name->ipv6.sin6_family = AF_INET6;
    memcpy(&name->ipv6.sin6_addr, address->ip, 16);
    name->ipv6.sin6_port = htons(address->port);
    name->ipv6.sin6_scope_id = address->scope;
    return sizeof(name->ipv6);
}

struct address plat_os_address_take(const union plat_os_address *name)
{
    struct address address = {0};

    if (name->any.sa_family == AF_INET) {
        address.ip[10] = 0xff;
        address.ip[11] = 0xff;
        memcpy(address.ip + 12, &name->ipv4.sin_addr, 4);
        address.port = ntohs(name->ipv4.sin_port);
        return address;
    }
    ASSERT(name->any.sa_family == AF_INET6);
    memcpy(address.ip, &name->ipv6.sin6_addr, 16);
    address.port = ntohs(name->ipv6.sin6_port);
    address.scope = name->ipv6.sin6_scope_id;
    return address;
}
