// rest/shape.h: which members a JSON object may have, and of what types, as a table.
#pragma once

#include "codec/json.h"
#include "core/core.h"

struct rest_member {
    const char *name; // NULL: the end of the table
    enum codec_json_type type;
};

// `value` is an object with members of these types, each of which may be null or absent. With
// `is_strict` it has no others. ERR_SYNTAX with the problem, which begins with `place`.
MUST_USE enum err rest_shape_check(struct core_problem *problem, struct codec_json value,
                                   const char *place, const struct rest_member *members,
                                   bool is_strict);
// Fails with a text.
enum err rest_shape_refuse(struct core_problem *problem, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Members of an object whose shape was checked.
bool rest_shape_has(struct codec_json object, const char *name); // and not null
// `ptr == NULL` if it is not there.
struct slice rest_shape_text(struct codec_json object, const char *name);
bool rest_shape_boolean(struct codec_json object, const char *name);
// `otherwise` if it is not there. ERR_SYNTAX with the problem if it is no integer.
MUST_USE enum err rest_shape_int(struct core_problem *problem, struct codec_json object,
                                 const char *place, const char *name, int64_t otherwise,
                                 int64_t *value);

struct rest_word {
    const char *text; // NULL: the end of the table
    int meaning;
};

// The meaning of a text that is one of some words. ERR_INVALID with the problem.
MUST_USE enum err rest_shape_word(struct core_problem *problem, struct codec_json object,
                                  const char *place, const char *name,
                                  const struct rest_word *words, int *meaning);
