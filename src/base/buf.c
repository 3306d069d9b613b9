#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

#define VARINT_BYTES_MAX 10

// Room for `len` bytes at the end, or NULL once the buffer has overflowed.
static uint8_t *buf_extend(struct buf *buf, size_t len)
{
    ASSERT(buf->len <= buf->cap);
    if (buf->overflow || len > buf_room(buf)) {
        buf->overflow = true;
        return NULL;
    }
    uint8_t *at = len == 0 ? buf->ptr : buf->ptr + buf->len;
    buf->len += len;
    return at;
}

void buf_put(struct buf *buf, const void *bytes, size_t len)
{
    uint8_t *at = buf_extend(buf, len);
    if (at != NULL && len > 0) {
        memcpy(at, bytes, len);
    }
}

void buf_put_slice(struct buf *buf, struct slice s)
{
    buf_put(buf, s.ptr, s.len);
}

void buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

static void put_big_endian(struct buf *buf, uint64_t value, size_t len)
{
    uint8_t *at = buf_extend(buf, len);
    for (size_t i = 0; at != NULL && i < len; i++) {
        at[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
    }
}

void buf_put_u8(struct buf *buf, uint8_t value)
{
    put_big_endian(buf, value, sizeof(value));
}

void buf_put_u16(struct buf *buf, uint16_t value)
{
    put_big_endian(buf, value, sizeof(value));
}

void buf_put_u32(struct buf *buf, uint32_t value)
{
    put_big_endian(buf, value, sizeof(value));
}

void buf_put_u64(struct buf *buf, uint64_t value)
{
    put_big_endian(buf, value, sizeof(value));
}

void buf_put_varint(struct buf *buf, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    size_t len = 0;

    while (value >= 0x80) {
        ASSERT(len < VARINT_BYTES_MAX - 1);
        bytes[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (uint8_t)value;
    buf_put(buf, bytes, len);
}

void buf_put_varint_signed(struct buf *buf, int64_t value)
{
    const uint64_t sign = value < 0 ? UINT64_MAX : 0;
    buf_put_varint(buf, ((uint64_t)value << 1) ^ sign);
}

void buf_put_format(struct buf *buf, const char *format, ...)
{
    const size_t room = buf_room(buf);
    va_list args;

    if (buf->overflow || room == 0) {
        buf->overflow = true;
        return;
    }
    va_start(args, format);
    const int len = vsnprintf((char *)buf->ptr + buf->len, room, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room) {
        buf->overflow = true;
        return;
    }
    buf->len += (size_t)len;
}

static void reader_fail(struct buf_reader *reader)
{
    reader->overflow = true;
    reader->rest = SLICE_EMPTY;
}

struct slice buf_read_slice(struct buf_reader *reader, size_t len)
{
    if (reader->overflow || len > reader->rest.len) {
        reader_fail(reader);
        return SLICE_EMPTY;
    }
    const struct slice s = slice_sub(reader->rest, 0, len);
    reader->rest = slice_sub(reader->rest, len, reader->rest.len);
    return s;
}

static uint64_t read_big_endian(struct buf_reader *reader, size_t len)
{
    const struct slice s = buf_read_slice(reader, len);
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        value = value << 8 | s.ptr[i];
    }
    return value;
}

uint8_t buf_read_u8(struct buf_reader *reader)
{
    return (uint8_t)read_big_endian(reader, sizeof(uint8_t));
}

uint16_t buf_read_u16(struct buf_reader *reader)
{
    return (uint16_t)read_big_endian(reader, sizeof(uint16_t));
}

uint32_t buf_read_u32(struct buf_reader *reader)
{
    return (uint32_t)read_big_endian(reader, sizeof(uint32_t));
}

uint64_t buf_read_u64(struct buf_reader *reader)
{
    return read_big_endian(reader, sizeof(uint64_t));
}

uint64_t buf_read_varint(struct buf_reader *reader)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        const uint8_t byte = buf_read_u8(reader);
        const uint64_t bits = byte & 0x7f;
        // Of the tenth byte only one bit is left.
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            break;
        }
        value |= bits << (7 * i);
        if (byte < 0x80) {
            return reader->overflow ? 0 : value;
        }
    }
    reader_fail(reader);
    return 0;
}

int64_t buf_read_varint_signed(struct buf_reader *reader)
{
    const uint64_t raw = buf_read_varint(reader);
    return (int64_t)((raw >> 1) ^ (0 - (raw & 1)));
}
