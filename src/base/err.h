// base/err.h: the one list of errors, and the place in an input that an error is about.
//
// A function that can fail returns `enum err` and is MUST_USE; results come by out-pointer. Bugs
// are not errors: they are ASSERTs (base/assert.h).
#pragma once

#include <stddef.h>

#include "base/assert.h"

enum err {
#define ERR(name, text) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_COUNT,
};

// What a person needs to mend bad input: the reason, and the byte offset of the place.
struct err_place {
    const char *reason; // static text, never NULL once set
    size_t offset;      // bytes from the start of the input
};

// The name ("INVALID") and the text ("invalid input") of an error. Never NULL.
const char *err_name(enum err err);
const char *err_text(enum err err);
