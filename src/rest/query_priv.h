// rest/query_priv.h: what the files share that read queries: query.c (entities, pages, keys),
// query_predicates.c (key filters).
#pragma once

#include "rest/query.h"
#include "rest/shape.h"

#define REST_QUERY_ALARM 100 // among the kinds of keys: known, not served

// The different keys of a query; a cell of each row stands for each.
struct rest_query_keys {
    struct core_query_key *items; // room for REST_QUERY_KEYS
    uint32_t count;
};

const char *rest_query_kind_name(enum core_query_key_kind kind);
MUST_USE enum err rest_query_read_key(const struct rest_query_reader *reader,
                                      struct codec_json object, const char *place,
                                      struct core_query_key *key);
// Where the key stands among those of the query; it is added if need be.
MUST_USE enum err rest_query_take_key(const struct rest_query_reader *reader,
                                      struct rest_query_keys *keys,
                                      const struct core_query_key *key, uint32_t *at);
// `keyFilters` and `keyFiltersOperation` of a query.
MUST_USE enum err rest_query_read_predicates(const struct rest_query_reader *reader,
                                             struct codec_json query, struct core_find *find,
                                             struct rest_query_keys *keys);
