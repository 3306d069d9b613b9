// plat/os_address.h: addresses as the kernel wants them. For the files of this folder.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/address.h"

union plat_os_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

// Writes the address, IPv4 as such, and returns its size.
socklen_t plat_os_address_put(const struct address *address, union plat_os_address *name);
// The inverse; `name` is of one of the two families.
struct address plat_os_address_take(const union plat_os_address *name);
