// base/buf.h: a bounded writer over memory given to it. Past its end it writes nothing and sets
// `overflow`, which stays set; from then on nothing at all is written. Test it once, at the end.
// Numbers are written big-endian.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    bool overflow;
};

static inline struct buf buf_over(void *memory, size_t cap)
{
    return (struct buf){(uint8_t *)memory, 0, cap, false};
}

static inline struct slice buf_view(const struct buf *buf)
{
    return slice_of(buf->ptr, buf->len);
}

static inline size_t buf_room(const struct buf *buf)
{
    return buf->cap - buf->len;
}

void buf_put(struct buf *buf, const void *bytes, size_t len);
void buf_put_slice(struct buf *buf, struct slice s);
void buf_put_text(struct buf *buf, const char *text);
void buf_put_u8(struct buf *buf, uint8_t value);
void buf_put_u16(struct buf *buf, uint16_t value);
void buf_put_u32(struct buf *buf, uint32_t value);
void buf_put_u64(struct buf *buf, uint64_t value);
// LEB128, 1 to 10 bytes; the signed form is zigzag.
void buf_put_varint(struct buf *buf, uint64_t value);
void buf_put_varint_signed(struct buf *buf, int64_t value);
// Needs room for the text and one byte more, which it uses while it works.
void buf_put_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The reader over the same layout. Past the end, and for a varint that is longer than 10 bytes or
// larger than 64 bits, it returns zeros and sets `overflow`; from then on it returns zeros only.
struct buf_reader {
    struct slice rest;
    bool overflow;
};

static inline struct buf_reader buf_reader_over(struct slice s)
{
    return (struct buf_reader){s, false};
}

uint8_t buf_read_u8(struct buf_reader *reader);
uint16_t buf_read_u16(struct buf_reader *reader);
uint32_t buf_read_u32(struct buf_reader *reader);
uint64_t buf_read_u64(struct buf_reader *reader);
uint64_t buf_read_varint(struct buf_reader *reader);
int64_t buf_read_varint_signed(struct buf_reader *reader);
// A view of the next `len` bytes.
struct slice buf_read_slice(struct buf_reader *reader, size_t len);
