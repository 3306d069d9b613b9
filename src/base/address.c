#include "base/address.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_is_ipv4(const struct address *address)
{
    return memcmp(address->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool address_is_loopback(const struct address *address)
{
    if (address_is_ipv4(address)) {
        return address->ip[12] == 127;
    }
    static const uint8_t loopback[16] = {[15] = 1};
    return memcmp(address->ip, loopback, 16) == 0;
}

bool address_is_multicast(const struct address *address)
{
    if (address_is_ipv4(address)) {
        return (address->ip[12] & 0xf0) == 0xe0 ||
               memcmp(address->ip + 12, "\xff\xff\xff\xff", 4) == 0;
    }
    return address->ip[0] == 0xff;
}

bool address_is_any(const struct address *address)
{
    static const uint8_t zero[16] = {0};
    if (address_is_ipv4(address)) {
        return memcmp(address->ip + 12, zero, 4) == 0;
    }
    return memcmp(address->ip, zero, 16) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->port == b->port && a->scope == b->scope && memcmp(a->ip, b->ip, 16) == 0;
}

static bool parse_port(struct slice text, uint16_t *port)
{
    int64_t number = 0;
    if (!slice_to_int64(text, &number) || number < 0 || number > 65535) {
        return false;
    }
    *port = (uint16_t)number;
    return true;
}

static bool parse_ip(struct slice text, bool ipv6, struct address *address)
{
    char host[64];
    if (text.len == 0 || text.len >= sizeof(host)) {
        return false;
    }
    struct slice rest = text;
    const struct slice ip = slice_cut(&rest, '%');
    if (rest.ptr != NULL) {
        int64_t scope = 0;
        if (!ipv6 || !slice_to_int64(rest, &scope) || scope < 1 || scope > UINT32_MAX) {
            return false;
        }
        address->scope = (uint32_t)scope;
    }
    memcpy(host, ip.ptr, ip.len);
    host[ip.len] = 0;
    if (ipv6) {
        return inet_pton(AF_INET6, host, address->ip) == 1;
    }
    memcpy(address->ip, mapped_prefix, sizeof(mapped_prefix));
    return inet_pton(AF_INET, host, address->ip + 12) == 1;
}

enum err address_parse(struct slice text, struct address *address)
{
    memset(address, 0, sizeof(*address));
    struct slice rest = text;
    struct slice host;
    const bool ipv6 = text.len > 0 && text.ptr[0] == '[';
    if (ipv6) {
        host = slice_cut(&rest, ']');
        host = slice_sub(host, 1, host.len);
        if (rest.len == 0 || rest.ptr[0] != ':') {
            return ERR_INVALID;
        }
        rest = slice_sub(rest, 1, rest.len);
    } else {
        host = slice_cut(&rest, ':');
    }
    if (!parse_ip(host, ipv6, address) || !parse_port(rest, &address->port)) {
        return ERR_INVALID;
    }
    return ERR_OK;
}

const char *address_format(const struct address *address, char *text)
{
    char ip[INET6_ADDRSTRLEN];
    if (address_is_ipv4(address)) {
        inet_ntop(AF_INET, address->ip + 12, ip, sizeof(ip));
        snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", ip, address->port);
        return text;
    }
    inet_ntop(AF_INET6, address->ip, ip, sizeof(ip));
    if (address->scope != 0) {
        snprintf(text, ADDRESS_TEXT_SIZE, "[%s%%%u]:%u", ip, address->scope, address->port);
    } else {
        snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", ip, address->port);
    }
    return text;
}
