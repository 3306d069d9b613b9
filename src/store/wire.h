// store/wire.h: numbers and values as the store writes them, in a lane, in the journal and in
// blocks.
//
// Fixed numbers are big-endian, so that keys sort; varints are LEB128. Writers go to memory that
// is known to have room and return the position behind; readers check every step and end in `bad`,
// which stays set. Inline, because the writer thread handles some fifty numbers per record.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "model/reading.h"

#define STORE_WIRE_VARINT_MAX 10U

// The bytes of a value besides its text: the type, then a number or the length of the text.
#define STORE_WIRE_VALUE_MAX 11U

struct store_wire {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct store_wire store_wire_over(struct slice s)
{
    return (struct store_wire){s.ptr, s.len == 0 ? s.ptr : s.ptr + s.len, false};
}

static inline size_t store_wire_left(const struct store_wire *wire)
{
    return (size_t)(wire->end - wire->at);
}

static inline uint64_t store_wire_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t store_wire_unzigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

static inline uint8_t *store_wire_put_u64(uint8_t *at, uint64_t value)
{
    const uint64_t ordered = __builtin_bswap64(value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    memcpy(at, &value, sizeof(value));
    (void)ordered;
#else
    memcpy(at, &ordered, sizeof(ordered));
#endif
    return at + sizeof(value);
}

static inline uint8_t *store_wire_put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *store_wire_put_signed(uint8_t *at, int64_t value)
{
    return store_wire_put_varint(at, store_wire_zigzag(value));
}

static inline uint8_t *store_wire_put_bytes(uint8_t *at, struct slice bytes)
{
    if (bytes.len > 0) {
        memcpy(at, bytes.ptr, bytes.len);
    }
    return at + bytes.len;
}

// The length, then the bytes.
static inline uint8_t *store_wire_put_text(uint8_t *at, struct slice text)
{
    return store_wire_put_bytes(store_wire_put_varint(at, text.len), text);
}

static inline uint8_t store_wire_get_u8(struct store_wire *wire)
{
    if (wire->at == wire->end) {
        wire->bad = true;
        return 0;
    }
    return *wire->at++;
}

static inline uint64_t store_wire_get_u64(struct store_wire *wire)
{
    if (store_wire_left(wire) < 8) {
        wire->bad = true;
        wire->at = wire->end;
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value = value << 8 | wire->at[i];
    }
    wire->at += 8;
    return value;
}

static inline uint64_t store_wire_get_varint(struct store_wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (wire->at == wire->end) {
            break;
        }
        const uint8_t byte = *wire->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    wire->bad = true;
    wire->at = wire->end;
    return 0;
}

static inline int64_t store_wire_get_signed(struct store_wire *wire)
{
    return store_wire_unzigzag(store_wire_get_varint(wire));
}

static inline struct slice store_wire_get_bytes(struct store_wire *wire, uint64_t len)
{
    if (store_wire_left(wire) < len) {
        wire->bad = true;
        wire->at = wire->end;
        return SLICE_EMPTY;
    }
    const struct slice bytes = slice_of(wire->at, (size_t)len);
    wire->at += len;
    return bytes;
}

static inline struct slice store_wire_get_text(struct store_wire *wire)
{
    return store_wire_get_bytes(wire, store_wire_get_varint(wire));
}

// A time or a day in a key: the sign bit is flipped, so that negative ones sort first.
static inline uint8_t *store_wire_put_ordered(uint8_t *at, int64_t value)
{
    return store_wire_put_u64(at, (uint64_t)value ^ (UINT64_C(1) << 63));
}

static inline int64_t store_wire_get_ordered(struct store_wire *wire)
{
    return (int64_t)(store_wire_get_u64(wire) ^ (UINT64_C(1) << 63));
}

// A value is one byte of type (bit 4 carries a boolean) and its payload.
static inline uint8_t *store_wire_put_value(uint8_t *at, const struct model_value *value)
{
    uint64_t bits = 0;
    switch (value->type) {
    case MODEL_VALUE_BOOLEAN:
        *at++ = (uint8_t)(MODEL_VALUE_BOOLEAN | (value->boolean ? 0x10 : 0));
        return at;
    case MODEL_VALUE_LONG:
        *at++ = MODEL_VALUE_LONG;
        return store_wire_put_signed(at, value->number);
    case MODEL_VALUE_DOUBLE:
        *at++ = MODEL_VALUE_DOUBLE;
        memcpy(&bits, &value->real, sizeof(bits));
        return store_wire_put_u64(at, bits);
    case MODEL_VALUE_STRING:
    case MODEL_VALUE_JSON:
        *at++ = (uint8_t)value->type;
        return store_wire_put_text(at, value->text);
    }
    return at;
}

// The room that `store_wire_put_value` needs at most.
static inline size_t store_wire_value_room(const struct model_value *value)
{
    const bool is_text = value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON;
    return STORE_WIRE_VALUE_MAX + (is_text ? value->text.len : 0);
}

static inline void store_wire_get_value(struct store_wire *wire, struct model_value *value)
{
    const uint8_t head = store_wire_get_u8(wire);
    value->type = (enum model_value_type)(head & 0x0f);
    switch (value->type) {
    case MODEL_VALUE_BOOLEAN:
        value->boolean = (head & 0x10) != 0;
        return;
    case MODEL_VALUE_LONG:
        value->number = store_wire_get_signed(wire);
        return;
    case MODEL_VALUE_DOUBLE: {
        const uint64_t bits = store_wire_get_u64(wire);
        memcpy(&value->real, &bits, sizeof(bits));
        return;
    }
    case MODEL_VALUE_STRING:
    case MODEL_VALUE_JSON:
        value->text = store_wire_get_text(wire);
        return;
    }
    wire->bad = true;
}

// The encoded bytes of the value that stands next, without looking inside.
static inline struct slice store_wire_get_value_bytes(struct store_wire *wire)
{
    const uint8_t *const start = wire->at;
    switch (store_wire_get_u8(wire) & 0x0f) {
    case MODEL_VALUE_BOOLEAN:
        break;
    case MODEL_VALUE_LONG:
        (void)store_wire_get_varint(wire);
        break;
    case MODEL_VALUE_DOUBLE:
        (void)store_wire_get_bytes(wire, 8);
        break;
    case MODEL_VALUE_STRING:
    case MODEL_VALUE_JSON:
        (void)store_wire_get_text(wire);
        break;
    default:
        wire->bad = true;
    }
    return wire->bad ? SLICE_EMPTY : slice_of(start, (size_t)(wire->at - start));
}
