#include "rest/shape.h"

#include <stdarg.h>
#include <stdio.h>

#define QUOTE_MAX 48U

enum err rest_shape_refuse(struct core_problem *problem, enum err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof(problem->text), format, args);
    va_end(args);
    return err;
}

static const char *type_name(enum codec_json_type type)
{
    switch (type) {
    case CODEC_JSON_NULL:
        return "null";
    case CODEC_JSON_BOOLEAN:
        return "a boolean";
    case CODEC_JSON_NUMBER:
        return "a number";
    case CODEC_JSON_STRING:
        return "a text";
    case CODEC_JSON_ARRAY:
        return "an array";
    case CODEC_JSON_OBJECT:
        return "an object";
    }
    return "";
}

enum err rest_shape_check(struct core_problem *problem, struct codec_json value, const char *place,
                          const struct rest_member *members, bool is_strict)
{
    if (!codec_json_exists(value) || !codec_json_is(value, CODEC_JSON_OBJECT)) {
        return rest_shape_refuse(problem, ERR_SYNTAX, "%s is not an object", place);
    }
    struct codec_json_walk walk = codec_json_walk_over(value);
    struct codec_json member;
    struct slice name;
    while (codec_json_walk_next(&walk, &name, &member)) {
        const struct rest_member *known = members;
        while (known->name != NULL && !slice_equal(name, slice_text(known->name))) {
            known++;
        }
        if (known->name == NULL && is_strict) {
            return rest_shape_refuse(problem, ERR_SYNTAX, "%s has no '%.*s'", place,
                                     SLICE_ARGS(slice_sub(name, 0, QUOTE_MAX)));
        }
        if (known->name != NULL && !codec_json_is(member, CODEC_JSON_NULL) &&
            !codec_json_is(member, known->type)) {
            return rest_shape_refuse(problem, ERR_SYNTAX, "%s.%s is not %s", place, known->name,
                                     type_name(known->type));
        }
    }
    return ERR_OK;
}

bool rest_shape_has(struct codec_json object, const char *name)
{
    const struct codec_json member = codec_json_get(object, name);
    return codec_json_exists(member) && !codec_json_is(member, CODEC_JSON_NULL);
}

struct slice rest_shape_text(struct codec_json object, const char *name)
{
    struct slice text = SLICE_EMPTY;
    if (rest_shape_has(object, name)) {
        (void)!codec_json_string(codec_json_get(object, name), &text);
    }
    return text;
}

bool rest_shape_boolean(struct codec_json object, const char *name)
{
    bool value = false;
    return rest_shape_has(object, name) &&
           codec_json_boolean(codec_json_get(object, name), &value) && value;
}

enum err rest_shape_int(struct core_problem *problem, struct codec_json object, const char *place,
                        const char *name, int64_t otherwise, int64_t *value)
{
    *value = otherwise;
    if (!rest_shape_has(object, name) || codec_json_int64(codec_json_get(object, name), value)) {
        return ERR_OK;
    }
    return rest_shape_refuse(problem, ERR_SYNTAX, "%s.%s is not an integer", place, name);
}

enum err rest_shape_word(struct core_problem *problem, struct codec_json object, const char *place,
                         const char *name, const struct rest_word *words, int *meaning)
{
    const struct slice text = rest_shape_text(object, name);
    for (const struct rest_word *word = words; word->text != NULL; word++) {
        if (slice_equal(text, slice_text(word->text))) {
            *meaning = word->meaning;
            return ERR_OK;
        }
    }
    if (text.ptr == NULL) {
        return rest_shape_refuse(problem, ERR_INVALID, "%s.%s is missing", place, name);
    }
    return rest_shape_refuse(problem, ERR_INVALID, "%s.%s is unknown: '%.*s'", place, name,
                             SLICE_ARGS(slice_sub(text, 0, QUOTE_MAX)));
}
