// http/owners.h: how many parked requests each owner has, so that none takes the places of all.
// An owner is a number of whoever parks, in this server a tenant. Whoever calls has a lock.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

struct http_owners;

// Of so many places one owner may have half, rounded up.
static inline uint32_t http_owners_share(uint32_t places)
{
    return places - places / 2;
}

// Bytes for so many places; owners are known while they have one.
size_t http_owners_footprint(uint32_t places);
// Builds it inside `memory` (zeroed, aligned to 16), which outlives it.
struct http_owners *http_owners_init(void *memory, uint32_t places);

// Takes a place. False: the owner has its share already. There is a place, that is the caller's to
// see to.
MUST_USE bool http_owners_take(struct http_owners *owners, uint64_t owner);
void http_owners_give(struct http_owners *owners, uint64_t owner);
// Those that have a place now.
uint32_t http_owners_count(const struct http_owners *owners);
