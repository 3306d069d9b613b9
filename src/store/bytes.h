// store/bytes.h: bytes that grow, for the store's own threads. Out of memory stops the process:
// what is kept here is bounded by the limits of the store.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/slice.h"

struct store_bytes {
    uint8_t *ptr;
    size_t len;
    size_t cap;
};

static inline void store_bytes_deinit(struct store_bytes *bytes)
{
    free(bytes->ptr);
    *bytes = (struct store_bytes){0};
}

static inline struct slice store_bytes_view(const struct store_bytes *bytes)
{
    return slice_of(bytes->ptr, bytes->len);
}

// Room for `more` bytes behind the end; returns where they go.
static inline uint8_t *store_bytes_room(struct store_bytes *bytes, size_t more)
{
    if (bytes->cap - bytes->len < more) {
        bytes->cap = (bytes->cap + more) * 2;
        bytes->ptr = realloc(bytes->ptr, bytes->cap);
        ASSERT(bytes->ptr != NULL);
    }
    return bytes->ptr + bytes->len;
}

// The bytes up to `end`, which lies in the room given, count from here on.
static inline void store_bytes_end(struct store_bytes *bytes, const uint8_t *end)
{
    bytes->len = (size_t)(end - bytes->ptr);
    ASSERT(bytes->len <= bytes->cap);
}

static inline void store_bytes_put(struct store_bytes *bytes, struct slice s)
{
    uint8_t *const at = store_bytes_room(bytes, s.len + 1);
    if (s.len > 0) {
        memcpy(at, s.ptr, s.len);
    }
    bytes->len += s.len;
}

// An array that is filled again and again and keeps its memory: room for `count` items of `size`.
static inline void *store_array_room(void *owned_items, uint32_t *cap, uint32_t count, size_t size)
{
    if (count <= *cap) {
        return owned_items;
    }
    *cap = count * 2;
    void *const items = realloc(owned_items, *cap * size);
    ASSERT(items != NULL);
    return items;
}
