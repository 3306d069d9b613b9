// model/ids.h: how things are named. Outside, entities have version 1 UUIDs; inside the store a
// device and a tenant have numbers of 64 bits that are never reused.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/slice.h"
#include "base/time.h"

struct uuid {
    uint8_t bytes[16];
};

#define UUID_TEXT_SIZE 37

// 13814000-1dd2-11b2-8080-808080808080: "no customer", and the system tenant.
extern const struct uuid uuid_null;

bool uuid_equal(const struct uuid *a, const struct uuid *b);
// Lower-case text with terminator; returns `text`.
const char *uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE]);
// False if it is not 8-4-4-4-12 hexadecimal digits.
MUST_USE bool uuid_parse(struct slice text, struct uuid *uuid);
// Version 1 from a wall time (1582 to 5236) and 61 random bits, which take the place of clock and
// node (RFC 4122 4.5); `tick` (100 ns units, 0 to 9,999) orders the ids of one millisecond.
struct uuid uuid_make(struct wall at, uint32_t tick, uint64_t random);
// The time inside a version 1 UUID.
struct wall uuid_time(const struct uuid *uuid);

struct tenant_id {
    uint64_t number; // from 1
};

struct device_id {
    uint64_t number; // from 1
};

#define SHARD_COUNT 256

// The shard of a device: hash(device number) mod 256.
unsigned device_shard(struct device_id device);
