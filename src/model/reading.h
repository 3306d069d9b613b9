// model/reading.h: what devices measure. A point is (device, key, time, value); a reading is the
// points of one event, which share a time. Every codec produces these, whatever the payload was.
//
// Keys and texts are views into the payload or the turn arena.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum model_value_type {
    MODEL_VALUE_BOOLEAN = 0,
    MODEL_VALUE_LONG = 1,
    MODEL_VALUE_DOUBLE = 2,
    MODEL_VALUE_STRING = 3,
    MODEL_VALUE_JSON = 4, // compact JSON text of an object or array
};

// The numbers of the types are stored; they never change.
struct model_value {
    enum model_value_type type;
    union {
        bool boolean;
        int64_t number;
        double real;
        struct slice text; // STRING (UTF-8), JSON
    };
};

struct model_point {
    struct slice key;
    struct model_value value;
};

struct model_reading {
    bool has_time;   // the sender gave the time; else the server assigns one
    int64_t time_ms; // when has_time
    const struct model_point *points;
    uint32_t point_count;
};

struct model_readings {
    const struct model_reading *items;
    uint32_t count;
    uint32_t point_count; // of all together
};

#define MODEL_KEY_UNITS_MAX 255U // UTF-16 units
#define MODEL_POINTS_MAX 10000U  // in one request

bool model_value_equal(const struct model_value *a, const struct model_value *b);

// ERR_INVALID with a reason for a key that is blank, over 255 UTF-16 units, holds a control
// character, or looks like markup (`<` followed by a letter, `/`, `!` or `?`).
MUST_USE enum err model_key_check(struct slice key, const char **reason);
// The same for the name of something else, whose kind goes before the fault: "is blank".
MUST_USE enum err model_name_check(struct slice name, const char **fault);
