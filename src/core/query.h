// core/query.h: what a query asks of a device, and whether a device meets it (server-api.md 5.4).
// Pure: cells go in, a verdict comes out; who reads the cells is core/find.h.
//
// A row is the cells of one device, one for each key of the query. What is not there meets no
// predicate, not even one for being different, and is sorted behind everything else.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/reading.h"

enum core_query_key_kind {
    CORE_QUERY_FIELD, // of the entity: "name", "type", ...
    CORE_QUERY_SERIES,
    CORE_QUERY_ATTRIBUTE, // of any scope: the one that was set last
    CORE_QUERY_CLIENT,
    CORE_QUERY_SHARED,
    CORE_QUERY_SERVER,
};

struct core_query_key {
    enum core_query_key_kind kind;
    struct slice name;
};

struct core_query_cell {
    bool is_there;
    int64_t at_ms;
    struct model_value value;
};

enum core_query_predicate_kind {
    CORE_PREDICATE_TEXT,    // of the value as people see it, whatever its type
    CORE_PREDICATE_NUMBER,  // LONG and DOUBLE only
    CORE_PREDICATE_BOOLEAN, // BOOLEAN only
    CORE_PREDICATE_ALL,     // of the `count` results before it
    CORE_PREDICATE_ANY,
};

enum core_query_operation {
    CORE_PREDICATE_EQUAL,
    CORE_PREDICATE_NOT_EQUAL,
    CORE_PREDICATE_STARTS_WITH,
    CORE_PREDICATE_ENDS_WITH,
    CORE_PREDICATE_CONTAINS,
    CORE_PREDICATE_NOT_CONTAINS,
    CORE_PREDICATE_IN, // the texts of a list with commas, blanks around them taken off
    CORE_PREDICATE_NOT_IN,
    CORE_PREDICATE_GREATER,
    CORE_PREDICATE_LESS,
    CORE_PREDICATE_GREATER_OR_EQUAL,
    CORE_PREDICATE_LESS_OR_EQUAL,
};

// Predicates stand in an array in the order in which they are worked out: what ALL and ANY hold
// together comes before them. The last result counts; no predicates hold of everything.
struct core_query_predicate {
    enum core_query_predicate_kind kind;
    enum core_query_operation operation; // of TEXT (up to NOT_IN), NUMBER (no texts), BOOLEAN
    bool ignore_case;                    // ASCII only
    uint32_t column;                     // the cell that is tested
    uint32_t count;                      // of ALL and ANY, at least 1
    struct model_value value;            // STRING for TEXT, LONG or DOUBLE for NUMBER, else BOOLEAN
};

#define CORE_QUERY_PREDICATES_MAX 256U

// The text of a value as people see it (codec_value_text).
typedef void core_query_text_fn(const struct model_value *value, struct buf *out);

// At most CORE_QUERY_PREDICATES_MAX predicates, well formed.
bool core_query_holds(const struct core_query_predicate *predicates, uint32_t count,
                      const struct core_query_cell *cells, core_query_text_fn *text);

// Order of two cells: numbers, texts by their bytes, booleans; what is not there comes last in both
// directions.
int core_query_compare(const struct core_query_cell *a, const struct core_query_cell *b,
                       bool descending);

// Whether the text of the cell holds a part, whatever its case. False if it is not there.
bool core_query_mentions(const struct core_query_cell *cell, struct slice part,
                         core_query_text_fn *text);
