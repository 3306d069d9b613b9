// http/query.h: the query of a URL, and percent-decoding. libwebsockets' own reader differs between
// versions, so it is read here.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#define HTTP_QUERY_MAX 32

struct http_parameter {
    struct slice name;
    struct slice value;
};

struct http_query {
    struct http_parameter items[HTTP_QUERY_MAX];
    unsigned count;
};

// Splits and decodes (`%41`, `+`). ERR_INVALID for a bad escape, ERR_TOO_LARGE for more than
// HTTP_QUERY_MAX, ERR_EXHAUSTED (arena).
MUST_USE enum err http_query_read(struct arena *memory, struct slice query, struct http_query *out);

// The first parameter of that name; `ptr == NULL` if it is not there.
struct slice http_query_get(const struct http_query *query, const char *name);
