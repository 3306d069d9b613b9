#include "model/ids.h"

#include "base/hash.h"

// 100 ns units from 1582-10-15, the start of UUID time, to 1970-01-01 (RFC 4122 4.1.4).
#define UUID_EPOCH_UNITS INT64_C(0x01B21DD213814000)
#define UUID_UNITS_PER_MS 10000

const struct uuid uuid_null = {{0x13, 0x81, 0x40, 0x00, 0x1d, 0xd2, 0x11, 0xb2, 0x80, 0x80, 0x80,
                                0x80, 0x80, 0x80, 0x80, 0x80}};

static const char hex_digits[] = "0123456789abcdef";

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

const char *uuid_format(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
    char *at = text;
    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        if (dash_before(i)) {
            *at++ = '-';
        }
        *at++ = hex_digits[uuid->bytes[i] >> 4];
        *at++ = hex_digits[uuid->bytes[i] & 15];
    }
    *at = 0;
    ASSERT(at == text + UUID_TEXT_SIZE - 1);
    return text;
}

static int hex_value(uint8_t c)
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
    struct uuid parsed;
    const uint8_t *at = text.ptr;
    for (size_t i = 0; i < sizeof(parsed.bytes); i++) {
        if (dash_before(i) && *at++ != '-') {
            return false;
        }
        const int high = hex_value(at[0]);
        const int low = hex_value(at[1]);
        if (high < 0 || low < 0) {
            return false;
        }
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *uuid = parsed;
    return true;
}

struct uuid uuid_make(struct wall at, uint32_t tick, uint64_t random)
{
    ASSERT(tick < UUID_UNITS_PER_MS);
    const uint64_t units = (uint64_t)(at.ms * UUID_UNITS_PER_MS + tick + UUID_EPOCH_UNITS);
    struct uuid uuid;
    for (unsigned i = 0; i < 4; i++) {
        uuid.bytes[i] = (uint8_t)(units >> (24 - 8 * i));
    }
    uuid.bytes[4] = (uint8_t)(units >> 40);
    uuid.bytes[5] = (uint8_t)(units >> 32);
    uuid.bytes[6] = (uint8_t)(0x10 | ((units >> 56) & 0x0f)); // version 1
    uuid.bytes[7] = (uint8_t)(units >> 48);
    for (unsigned i = 0; i < 8; i++) {
        uuid.bytes[8 + i] = (uint8_t)(random >> (56 - 8 * i));
    }
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f)); // variant of RFC 4122
    // RFC 4122 4.5: a random node has the multicast bit, so that it is nobody's hardware address.
    uuid.bytes[10] |= 1;
    return uuid;
}

struct wall uuid_time(const struct uuid *uuid)
{
    const uint8_t *b = uuid->bytes;
    const uint64_t low = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    const uint64_t middle = (uint64_t)b[4] << 8 | b[5];
    const uint64_t high = (uint64_t)(b[6] & 0x0f) << 8 | b[7];
    const int64_t units = (int64_t)(high << 48 | middle << 32 | low) - UUID_EPOCH_UNITS;
    // Rounded down, also before 1970.
    const int64_t rest = units % UUID_UNITS_PER_MS;
    return (struct wall){(units - (rest < 0 ? rest + UUID_UNITS_PER_MS : rest)) /
                         UUID_UNITS_PER_MS};
}

unsigned device_shard(struct device_id device)
{
    return (unsigned)(hash_word(device.number) % SHARD_COUNT);
}
