#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Structs of it are compared and hashed as bytes.
_Static_assert(sizeof(struct address) == 24, "no padding");

bool address_is_ipv4(const struct address *address)
{
    return memcmp(address->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        bits |= bytes[i];
    }
    return bits == 0;
}

bool address_is_loopback(const struct address *address)
{
    if (address_is_ipv4(address)) {
        return address->ip[12] == 127;
    }
    return all_zero(address->ip, 15) && address->ip[15] == 1;
}

bool address_is_multicast(const struct address *address)
{
    const uint8_t *ipv4 = address->ip + 12;

    if (address_is_ipv4(address)) {
        return (ipv4[0] & 0xf0) == 0xe0 || (ipv4[0] & ipv4[1] & ipv4[2] & ipv4[3]) == 0xff;
    }
    return address->ip[0] == 0xff;
}

bool address_is_any(const struct address *address)
{
    return address_is_ipv4(address) ? all_zero(address->ip + 12, 4) : all_zero(address->ip, 16);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 && a->scope == b->scope && a->port == b->port;
}

static bool is_link_local(const struct address *address)
{
    return address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

// Decimal digits without sign, 0 to `max`.
static bool parse_number(struct slice text, uint32_t max, uint32_t *number)
{
    int64_t value;
    if (text.len == 0 || text.ptr[0] == '-' || !slice_to_int64(text, &value) || value > max) {
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

// `inet_pton` wants a string; the longest address has INET6_ADDRSTRLEN - 1 characters.
static bool parse_ip(int family, struct slice text, uint8_t *ip)
{
    char string[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(string) || memchr(text.ptr, 0, text.len) != NULL) {
        return false;
    }
    memcpy(string, text.ptr, text.len);
    string[text.len] = 0;
    return inet_pton(family, string, ip) == 1;
}

// What stands between the brackets: an IPv6 address and perhaps a scope.
static bool parse_bracketed(struct slice inside, struct address *address)
{
    struct slice scope = inside;
    const struct slice ip = slice_cut(&scope, '%');

    if (!parse_ip(AF_INET6, ip, address->ip)) {
        return false;
    }
    if (scope.ptr == NULL) {
        return true;
    }
    return is_link_local(address) && parse_number(scope, UINT32_MAX, &address->scope) &&
           address->scope != 0;
}

enum err address_parse(struct slice text, struct address *address)
{
    struct address parsed = {0};
    struct slice rest = text;
    uint32_t port;
    bool good;

    if (slice_starts_with(text, SLICE("["))) {
        rest = slice_sub(text, 1, text.len);
        good =
            parse_bracketed(slice_cut(&rest, ']'), &parsed) && slice_starts_with(rest, SLICE(":"));
        rest = slice_sub(rest, 1, rest.len);
    } else {
        memcpy(parsed.ip, mapped_prefix, sizeof(mapped_prefix));
        good = parse_ip(AF_INET, slice_cut(&rest, ':'), parsed.ip + 12);
    }
    if (!good || rest.len > 5 || !parse_number(rest, UINT16_MAX, &port)) {
        return ERR_SYNTAX;
    }
    parsed.port = (uint16_t)port;
    *address = parsed;
    return ERR_OK;
}

const char *address_format(const struct address *address, char *text)
{
    char ip[INET6_ADDRSTRLEN];
    const bool ipv4 = address_is_ipv4(address);
    const char *done = ipv4 ? inet_ntop(AF_INET, address->ip + 12, ip, sizeof(ip))
                            : inet_ntop(AF_INET6, address->ip, ip, sizeof(ip));

    ASSERT(done != NULL);
    if (ipv4) {
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", ip, (unsigned)address->port);
    } else if (address->scope != 0) {
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "[%s%%%u]:%u", ip, (unsigned)address->scope,
                       (unsigned)address->port);
    } else {
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", ip, (unsigned)address->port);
    }
    return text;
}
