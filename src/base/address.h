// base/address.h: an IP address and UDP port as plain bytes. IPv4 stands as v4-mapped IPv6, so that
// there is one form to compare, hash and store.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/slice.h"

struct address {
    uint8_t ip[16];  // network order; ::ffff:a.b.c.d for IPv4
    uint32_t scope;  // interface number of a link-local address, else 0
    uint16_t port;   // host order
    uint16_t unused; // zero, so that the bytes compare
};

#define ADDRESS_TEXT_SIZE 72

bool address_is_ipv4(const struct address *address);
bool address_is_loopback(const struct address *address);
// Also the limited broadcast 255.255.255.255: what went to many must not be answered with errors.
bool address_is_multicast(const struct address *address);
bool address_is_any(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);

// "127.0.0.1:5683", "[::1]:5683", "[fe80::1%3]:5683"; a port must be given.
// A scope is a number and belongs to link-local addresses only. ERR_SYNTAX for anything else.
MUST_USE enum err address_parse(struct slice text, struct address *address);
// The inverse; `text` has ADDRESS_TEXT_SIZE bytes. Returns `text`.
const char *address_format(const struct address *address, char *text);
