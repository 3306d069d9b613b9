#include "model/ids.h"

#include <string.h>

#include "base/hash.h"

const struct uuid uuid_null = {{0x13, 0x81, 0x40, 0x00, 0x1d, 0xd2, 0x11, 0xb2, 0x80, 0x80, 0x80,
                                0x80, 0x80, 0x80, 0x80, 0x80}};

// 100 ns units between 1582-10-15 and 1970-01-01.
#define GREGORIAN_OFFSET 0x01B21DD213814000ULL

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool dash_after(unsigned byte)
{
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

const char *uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (unsigned i = 0; i < sizeof(uuid->bytes); i++) {
        *at++ = digits[uuid->bytes[i] >> 4];
        *at++ = digits[uuid->bytes[i] & 15];
        if (dash_after(i)) {
            *at++ = '-';
        }
    }
    *at = 0;
    return text;
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct slice text, struct uuid *uuid)
{
    if (text.len != UUID_TEXT_SIZE - 1) {
        return false;
    }
    const uint8_t *at = text.ptr;
    for (unsigned i = 0; i < sizeof(uuid->bytes); i++) {
        const int high = digit_of(at[0]);
        const int low = digit_of(at[1]);
        if (high < 0 || low < 0) {
            return false;
        }
        uuid->bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
        if (dash_after(i) && *at++ != '-') {
            return false;
        }
    }
    return true;
}

struct uuid uuid_make(struct wall at, uint32_t tick, uint64_t random)
{
    const uint64_t time = (uint64_t)at.ms * 10000U + tick + GREGORIAN_OFFSET;
    const uint64_t high = (time & 0xFFFFFFFFU) << 32 | ((time >> 32) & 0xFFFFU) << 16 | 0x1000U |
                          (time >> 48 & 0x0FFFU);
    const uint64_t low = (random & 0x3FFFFFFFFFFFFFFFU) | 0x8000000000000000U;
    struct uuid uuid;
    for (unsigned i = 0; i < 8; i++) {
        uuid.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
        uuid.bytes[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    return uuid;
}

struct wall uuid_time(const struct uuid *uuid)
{
    const uint8_t *b = uuid->bytes;
    const uint64_t low = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    const uint64_t middle = (uint64_t)b[4] << 8 | b[5];
    const uint64_t high = (uint64_t)(b[6] & 0x0F) << 8 | b[7];
    const uint64_t time = high << 48 | middle << 32 | low;
    return (struct wall){(int64_t)(time - GREGORIAN_OFFSET) / 10000};
}

unsigned device_shard(struct device_id device)
{
    return (unsigned)(hash_word(device.number) % SHARD_COUNT);
}
