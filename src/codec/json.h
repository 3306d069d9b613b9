// codec/json.h: reading and writing JSON documents for everything above; the parser behind it
// (yyjson) is seen by this folder only.
//
// A document is parsed into an arena and its nodes are views that live as long as the arena and the
// text. Strict JSON first; with `lenient` a text that is not strict is normalised by the grammar of
// device-api.md 2.1 (codec/lenient.h) and parsed again. Nesting is limited to 255. Number literals
// stay as they were written until they are read; reading one with more than 400 digits fails
// (device-api.md Q-29). Of members with the same name the last counts; walks see them all.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/reading.h"

#define CODEC_JSON_DEPTH_MAX 255U

enum codec_json_type {
    CODEC_JSON_NULL,
    CODEC_JSON_BOOLEAN,
    CODEC_JSON_NUMBER,
    CODEC_JSON_STRING,
    CODEC_JSON_ARRAY,
    CODEC_JSON_OBJECT,
};

// One value inside a document. `inner` belongs to the implementation.
struct codec_json {
    const void *inner;
};

// ERR_SYNTAX with place (byte offset in the original text); ERR_EXHAUSTED when the arena is full.
// Empty or blank text is a null document when lenient, else ERR_SYNTAX. After an error the arena is
// as before.
MUST_USE enum err codec_json_parse(struct arena *arena, struct slice text, bool lenient,
                                   struct codec_json *root, struct err_place *place);

enum codec_json_type codec_json_type(struct codec_json value);
bool codec_json_is(struct codec_json value, enum codec_json_type type);
// The member of an object (the last of several), or a value with `inner == NULL`.
struct codec_json codec_json_get(struct codec_json object, const char *name);
static inline bool codec_json_exists(struct codec_json value)
{
    return value.inner != NULL;
}
uint32_t codec_json_count(struct codec_json array_or_object);

// Typed reads; false when the type does not fit. Numbers are read from their literal: 5, 5.0 and
// 5e0 are the integer 5, 5.5 is none.
MUST_USE bool codec_json_boolean(struct codec_json value, bool *out);
MUST_USE bool codec_json_int64(struct codec_json value, int64_t *out);
MUST_USE bool codec_json_string(struct codec_json value, struct slice *out);
// The literal of a number as it was written.
struct slice codec_json_literal(struct codec_json value);

// Walks members or elements in order; `name` is empty for arrays.
struct codec_json_walk {
    const void *inner[3];
    size_t left;
};
struct codec_json_walk codec_json_walk_over(struct codec_json array_or_object);
bool codec_json_walk_next(struct codec_json_walk *walk, struct slice *name,
                          struct codec_json *value);

// Compact text of a value, members in order, nulls kept. Overflow is in the buffer.
void codec_json_write(struct codec_json value, struct buf *out);

// Writes JSON front to back; commas are put by the writer. Nesting at most 64.
struct codec_json_writer {
    struct buf *out;
    uint64_t has_items; // one bit a level
    unsigned depth;
    bool after_name;
};

struct codec_json_writer codec_json_writer_over(struct buf *out);
void codec_json_begin_object(struct codec_json_writer *writer);
void codec_json_end_object(struct codec_json_writer *writer);
void codec_json_begin_array(struct codec_json_writer *writer);
void codec_json_end_array(struct codec_json_writer *writer);
void codec_json_name(struct codec_json_writer *writer, struct slice name);
void codec_json_put_null(struct codec_json_writer *writer);
void codec_json_put_boolean(struct codec_json_writer *writer, bool value);
void codec_json_put_int64(struct codec_json_writer *writer, int64_t value);
void codec_json_put_string(struct codec_json_writer *writer, struct slice text);
// Text that is JSON already.
void codec_json_put_raw(struct codec_json_writer *writer, struct slice json);
// As upstream renders it: 42.0, 1.0E7, 1.0E-5 (shortest digits that read back the same). What is
// not finite becomes a text: "NaN", "Infinity".
void codec_json_put_double(struct codec_json_writer *writer, double value);
void codec_json_put_value(struct codec_json_writer *writer, const struct model_value *value);
// As a text, whatever its type (codec_value_text).
void codec_json_put_value_text(struct codec_json_writer *writer, const struct model_value *value);

// Shorthands for `name` and `put`, with a name from a literal.
void codec_json_field_string(struct codec_json_writer *writer, const char *name, struct slice text);
void codec_json_field_int64(struct codec_json_writer *writer, const char *name, int64_t value);
void codec_json_field_boolean(struct codec_json_writer *writer, const char *name, bool value);
void codec_json_field_null(struct codec_json_writer *writer, const char *name);

// The text of a value where upstream answers values as strings: "25", "42.0", "true", the text.
void codec_value_text(const struct model_value *value, struct buf *out);
