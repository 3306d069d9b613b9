#include "codec/cbor.h"

#include <string.h>

#include "codec/number.h"

// Major types and simple values (RFC 8949 3.1, 3.3).
enum {
    MAJOR_UNSIGNED = 0,
    MAJOR_NEGATIVE = 1,
    MAJOR_TEXT = 3,
    MAJOR_ARRAY = 4,
    MAJOR_MAP = 5,
    BYTE_FALSE = 0xf4,
    BYTE_TRUE = 0xf5,
    BYTE_NULL = 0xf6,
    BYTE_DOUBLE = 0xfb,
};

static void put_head(struct buf *out, unsigned major, uint64_t value)
{
    const uint8_t top = (uint8_t)(major << 5);
    if (value < 24) {
        buf_put_u8(out, (uint8_t)(top | value));
    } else if (value <= UINT8_MAX) {
        buf_put_u8(out, top | 24U);
        buf_put_u8(out, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        buf_put_u8(out, top | 25U);
        buf_put_u16(out, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        buf_put_u8(out, top | 26U);
        buf_put_u32(out, (uint32_t)value);
    } else {
        buf_put_u8(out, top | 27U);
        buf_put_u64(out, value);
    }
}

static void put_text(struct buf *out, struct slice text)
{
    put_head(out, MAJOR_TEXT, text.len);
    buf_put_slice(out, text);
}

static bool put_number(struct arena *arena, struct codec_json value, struct buf *out)
{
    struct model_value number;
    const char *reason = NULL;
    uint64_t bits;
    if (codec_number_value(arena, codec_json_literal(value), true, &number, &reason) != ERR_OK) {
        return false;
    }
    if (number.type == MODEL_VALUE_LONG) {
        // -1 - n is the bitwise opposite of n.
        put_head(out, number.number < 0 ? MAJOR_NEGATIVE : MAJOR_UNSIGNED,
                 (uint64_t)(number.number < 0 ? ~number.number : number.number));
    } else if (number.type == MODEL_VALUE_DOUBLE) {
        memcpy(&bits, &number.real, sizeof(bits));
        buf_put_u8(out, BYTE_DOUBLE);
        buf_put_u64(out, bits);
    } else {
        put_text(out, number.text);
    }
    return true;
}

static bool put_leaf(struct arena *arena, struct codec_json value, struct buf *out)
{
    struct slice text;
    bool truth = false;
    switch (codec_json_type(value)) {
    case CODEC_JSON_NULL:
        buf_put_u8(out, BYTE_NULL);
        return true;
    case CODEC_JSON_BOOLEAN:
        buf_put_u8(out, codec_json_boolean(value, &truth) && truth ? BYTE_TRUE : BYTE_FALSE);
        return true;
    case CODEC_JSON_NUMBER:
        return put_number(arena, value, out);
    case CODEC_JSON_STRING:
        if (codec_json_string(value, &text)) {
            put_text(out, text);
        }
        return true;
    case CODEC_JSON_ARRAY:
    case CODEC_JSON_OBJECT:
        break;
    }
    return false;
}

struct level {
    struct codec_json_walk walk;
    bool is_object;
};

struct writer {
    struct arena *arena;
    struct buf *out;
    struct level levels[CODEC_CBOR_DEPTH_MAX];
    unsigned depth;
};

// Opens an array or object on the next level, or writes anything else.
static bool put(struct writer *writer, struct codec_json value)
{
    const bool is_object = codec_json_is(value, CODEC_JSON_OBJECT);
    if (!is_object && !codec_json_is(value, CODEC_JSON_ARRAY)) {
        return put_leaf(writer->arena, value, writer->out);
    }
    if (writer->depth == CODEC_CBOR_DEPTH_MAX) {
        return false;
    }
    put_head(writer->out, is_object ? MAJOR_MAP : MAJOR_ARRAY, codec_json_count(value));
    struct level *level = &writer->levels[writer->depth++];
    level->walk = codec_json_walk_over(value);
    level->is_object = is_object;
    return true;
}

bool codec_cbor_write(struct arena *arena, struct codec_json value, struct buf *out)
{
    struct writer writer = {.arena = arena, .out = out};
    bool is_good = put(&writer, value);
    while (is_good && writer.depth > 0) {
        struct level *level = &writer.levels[writer.depth - 1];
        struct codec_json next;
        struct slice name;
        if (!codec_json_walk_next(&level->walk, &name, &next)) {
            writer.depth--;
            continue;
        }
        if (level->is_object) {
            put_text(out, name);
        }
        is_good = put(&writer, next);
    }
    return is_good;
}
