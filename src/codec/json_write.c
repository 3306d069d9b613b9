#include <math.h>
#include <yyjson.h>

#include "codec/json.h"
#include "codec/number.h"

// Levels of the writer: one bit each.
#define WRITER_DEPTH_MAX 64U

static void put_escape(struct buf *out, uint8_t c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof(letters) - 1; i += 2) {
        if ((uint8_t)letters[i] == c) {
            const uint8_t escape[2] = {'\\', (uint8_t)letters[i + 1]};
            buf_put(out, escape, sizeof(escape));
            return;
        }
    }
    const char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    buf_put(out, escape, sizeof(escape));
}

static void put_text(struct buf *out, struct slice text)
{
    size_t run = 0;

    buf_put_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            buf_put_slice(out, slice_sub(text, run, i - run));
            put_escape(out, c);
            run = i + 1;
        }
    }
    buf_put_slice(out, slice_sub(text, run, text.len - run));
    buf_put_u8(out, '"');
}

static void put_leaf(struct buf *out, struct codec_json value)
{
    bool boolean = false;
    struct slice text = SLICE_EMPTY;

    switch (codec_json_type(value)) {
    case CODEC_JSON_NULL:
        buf_put_text(out, "null");
        break;
    case CODEC_JSON_BOOLEAN:
        ASSERT(codec_json_boolean(value, &boolean));
        buf_put_text(out, boolean ? "true" : "false");
        break;
    case CODEC_JSON_NUMBER:
        buf_put_slice(out, codec_json_literal(value));
        break;
    case CODEC_JSON_STRING:
        ASSERT(codec_json_string(value, &text));
        put_text(out, text);
        break;
    case CODEC_JSON_ARRAY:
    case CODEC_JSON_OBJECT:
        ASSERT(false);
        break;
    }
}

struct level {
    bool object;
    size_t left; // values to come; in an object names count too
};

// What stands before a value that is not the first of its level.
static void put_joint(struct buf *out, const struct level *level, bool first)
{
    if (level->object && level->left % 2 == 1) {
        buf_put_u8(out, ':');
    } else if (!first) {
        buf_put_u8(out, ',');
    }
}

void codec_json_write(struct codec_json value, struct buf *out)
{
    struct level levels[CODEC_JSON_DEPTH_MAX + 1];
    const yyjson_val *at = value.inner;
    size_t depth = 0;
    bool first = true;

    levels[0] = (struct level){false, 1};
    // Children stand behind their parent, so the next value is always the next in memory.
    while (!out->overflow) {
        const struct codec_json node = {at++};
        const bool object = codec_json_is(node, CODEC_JSON_OBJECT);
        put_joint(out, &levels[depth], first);
        levels[depth].left--;
        first = false;
        if (object || codec_json_is(node, CODEC_JSON_ARRAY)) {
            ASSERT(depth < CODEC_JSON_DEPTH_MAX);
            const size_t count = codec_json_count(node);
            levels[++depth] = (struct level){object, object ? 2 * count : count};
            buf_put_u8(out, object ? '{' : '[');
            first = true;
        } else {
            put_leaf(out, node);
        }
        for (; depth > 0 && levels[depth].left == 0; depth--) {
            buf_put_u8(out, levels[depth].object ? '}' : ']');
            first = false;
        }
        if (depth == 0) {
            return;
        }
    }
}

struct codec_json_writer codec_json_writer_over(struct buf *out)
{
    return (struct codec_json_writer){.out = out};
}

// Before a name or value: the comma, unless it is the first of its level or follows a name.
static void put_comma(struct codec_json_writer *writer)
{
    const uint64_t bit = UINT64_C(1) << writer->depth;

    if (writer->after_name) {
        writer->after_name = false;
        return;
    }
    if ((writer->has_items & bit) != 0) {
        buf_put_u8(writer->out, ',');
    }
    writer->has_items |= bit;
}

static void begin(struct codec_json_writer *writer, char bracket)
{
    put_comma(writer);
    writer->depth++;
    ASSERT(writer->depth < WRITER_DEPTH_MAX);
    writer->has_items &= ~(UINT64_C(1) << writer->depth);
    buf_put_u8(writer->out, (uint8_t)bracket);
}

static void end(struct codec_json_writer *writer, char bracket)
{
    ASSERT(writer->depth > 0);
    ASSERT(!writer->after_name);
    writer->depth--;
    buf_put_u8(writer->out, (uint8_t)bracket);
}

void codec_json_begin_object(struct codec_json_writer *writer)
{
    begin(writer, '{');
}

void codec_json_end_object(struct codec_json_writer *writer)
{
    end(writer, '}');
}

void codec_json_begin_array(struct codec_json_writer *writer)
{
    begin(writer, '[');
}

void codec_json_end_array(struct codec_json_writer *writer)
{
    end(writer, ']');
}

void codec_json_name(struct codec_json_writer *writer, struct slice name)
{
    ASSERT(writer->depth > 0);
    ASSERT(!writer->after_name);
    put_comma(writer);
    put_text(writer->out, name);
    buf_put_u8(writer->out, ':');
    writer->after_name = true;
}

void codec_json_put_null(struct codec_json_writer *writer)
{
    codec_json_put_raw(writer, SLICE("null"));
}

void codec_json_put_boolean(struct codec_json_writer *writer, bool value)
{
    codec_json_put_raw(writer, value ? SLICE("true") : SLICE("false"));
}

static void put_int64(struct buf *out, int64_t value)
{
    uint8_t text[20];
    size_t at = sizeof(text);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        text[--at] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        text[--at] = '-';
    }
    buf_put(out, text + at, sizeof(text) - at);
}

void codec_json_put_int64(struct codec_json_writer *writer, int64_t value)
{
    put_comma(writer);
    put_int64(writer->out, value);
}

void codec_json_put_string(struct codec_json_writer *writer, struct slice text)
{
    put_comma(writer);
    put_text(writer->out, text);
}

void codec_json_put_raw(struct codec_json_writer *writer, struct slice json)
{
    put_comma(writer);
    buf_put_slice(writer->out, json);
}

void codec_json_put_double(struct codec_json_writer *writer, double value)
{
    const bool quoted = !isfinite(value);

    put_comma(writer);
    if (quoted) {
        buf_put_u8(writer->out, '"');
    }
    codec_number_put_double(writer->out, value);
    if (quoted) {
        buf_put_u8(writer->out, '"');
    }
}

void codec_json_put_value(struct codec_json_writer *writer, const struct model_value *value)
{
    switch (value->type) {
    case MODEL_VALUE_BOOLEAN:
        codec_json_put_boolean(writer, value->boolean);
        break;
    case MODEL_VALUE_LONG:
        codec_json_put_int64(writer, value->number);
        break;
    case MODEL_VALUE_DOUBLE:
        codec_json_put_double(writer, value->real);
        break;
    case MODEL_VALUE_STRING:
        codec_json_put_string(writer, value->text);
        break;
    case MODEL_VALUE_JSON:
        codec_json_put_raw(writer, value->text);
        break;
    }
}

// Room for any boolean, integer or double as text.
#define NUMBER_TEXT_SIZE 64U

void codec_json_put_value_text(struct codec_json_writer *writer, const struct model_value *value)
{
    char memory[NUMBER_TEXT_SIZE];
    if (value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON) {
        codec_json_put_string(writer, value->text);
        return;
    }
    struct buf text = buf_over(memory, sizeof(memory));
    codec_value_text(value, &text);
    ASSERT(!text.overflow);
    codec_json_put_string(writer, buf_view(&text));
}

void codec_json_field_string(struct codec_json_writer *writer, const char *name, struct slice text)
{
    codec_json_name(writer, slice_text(name));
    codec_json_put_string(writer, text);
}

void codec_json_field_int64(struct codec_json_writer *writer, const char *name, int64_t value)
{
    codec_json_name(writer, slice_text(name));
    codec_json_put_int64(writer, value);
}

void codec_json_field_boolean(struct codec_json_writer *writer, const char *name, bool value)
{
    codec_json_name(writer, slice_text(name));
    codec_json_put_boolean(writer, value);
}

void codec_json_field_null(struct codec_json_writer *writer, const char *name)
{
    codec_json_name(writer, slice_text(name));
    codec_json_put_null(writer);
}

void codec_value_text(const struct model_value *value, struct buf *out)
{
    switch (value->type) {
    case MODEL_VALUE_BOOLEAN:
        buf_put_text(out, value->boolean ? "true" : "false");
        break;
    case MODEL_VALUE_LONG:
        put_int64(out, value->number);
        break;
    case MODEL_VALUE_DOUBLE:
        codec_number_put_double(out, value->real);
        break;
    case MODEL_VALUE_STRING:
    case MODEL_VALUE_JSON:
        buf_put_slice(out, value->text);
        break;
    }
}
