#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_put(struct buf *buf, const void *bytes, size_t len)
{
    if (buf->overflow || len > buf->cap - buf->len) {
        buf->overflow = true;
        return;
    }
    if (len > 0) {
        memcpy(buf->ptr + buf->len, bytes, len);
        buf->len += len;
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

void buf_put_u8(struct buf *buf, uint8_t value)
{
    buf_put(buf, &value, 1);
}

static void put_big_endian(struct buf *buf, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    }
    buf_put(buf, bytes, size);
}

void buf_put_u16(struct buf *buf, uint16_t value)
{
    put_big_endian(buf, value, 2);
}

void buf_put_u32(struct buf *buf, uint32_t value)
{
    put_big_endian(buf, value, 4);
}

void buf_put_u64(struct buf *buf, uint64_t value)
{
    put_big_endian(buf, value, 8);
}

void buf_put_varint(struct buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    while (value >= 0x80) {
        bytes[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (uint8_t)value;
    buf_put(buf, bytes, len);
}

void buf_put_varint_signed(struct buf *buf, int64_t value)
{
    buf_put_varint(buf, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

void buf_put_format(struct buf *buf, const char *format, ...)
{
    if (buf->overflow) {
        return;
    }
    va_list args;
    va_start(args, format);
    const size_t room = buf_room(buf);
    const int len = vsnprintf((char *)buf->ptr + buf->len, room, format, args);
    va_end(args);
    // vsnprintf needs a byte for its terminator, which is not part of the text.
    if (len < 0 || (size_t)len >= room) {
        buf->overflow = true;
        return;
    }
    buf->len += (size_t)len;
}

struct slice buf_read_slice(struct buf_reader *reader, size_t len)
{
    if (reader->overflow || len > reader->rest.len) {
        reader->overflow = true;
        return SLICE_EMPTY;
    }
    const struct slice out = slice_of(reader->rest.ptr, len);
    reader->rest.ptr += len;
    reader->rest.len -= len;
    return out;
}

static uint64_t read_big_endian(struct buf_reader *reader, size_t size)
{
    const struct slice bytes = buf_read_slice(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        value = value << 8 | bytes.ptr[i];
    }
    return value;
}

uint8_t buf_read_u8(struct buf_reader *reader)
{
    return (uint8_t)read_big_endian(reader, 1);
}

uint16_t buf_read_u16(struct buf_reader *reader)
{
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t buf_read_u32(struct buf_reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t buf_read_u64(struct buf_reader *reader)
{
    return read_big_endian(reader, 8);
}

uint64_t buf_read_varint(struct buf_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->overflow || reader->rest.len == 0) {
            break;
        }
        const uint8_t byte = *reader->rest.ptr;
        reader->rest.ptr++;
        reader->rest.len--;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    reader->overflow = true;
    return 0;
}

int64_t buf_read_varint_signed(struct buf_reader *reader)
{
    const uint64_t value = buf_read_varint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}
