// rest/query.h: queries for entities in JSON (server-api.md 5.4) as core/find.h takes them, and
// what they find as EntityData.
//
// Bounds: REST_QUERY_KEYS different keys of a query, REST_QUERY_IDS of a list of entities,
// CORE_QUERY_PREDICATES_MAX predicates, REST_QUERY_DEPTH COMPLEX ones within each other.
#pragma once

#include "codec/json.h"
#include "core/find.h"

#define REST_QUERY_DEVICES 100000U // that one request over REST looks at
#define REST_QUERY_KEYS 1000U
#define REST_QUERY_IDS 10000U
#define REST_QUERY_DEPTH 8U
#define REST_QUERY_PAGE_SIZE 10000U

struct rest_query_reader {
    struct arena *memory; // the query lives in it, and in the JSON
    struct core_problem *problem;
    bool is_strict; // unknown members are errors, else they are left alone
};

// {entityFilter, pageLink, entityFields, latestValues, keyFilters, keyFiltersOperation}. `dynamic`
// may be NULL. ERR_SYNTAX when the JSON has another shape, ERR_INVALID when what it says makes no
// sense, ERR_UNSUPPORTED for what this version does not find: each with the problem.
MUST_USE enum err rest_query_read(const struct rest_query_reader *reader, struct codec_json object,
                                  struct core_find *find, bool *is_dynamic);
// {entityFilter, keyFilters, keyFiltersOperation}
MUST_USE enum err rest_query_read_count(const struct rest_query_reader *reader,
                                        struct codec_json object, struct core_find *find);
// [{type, key}, ...], at `place`. The array may be absent or null.
MUST_USE enum err rest_query_read_keys(const struct rest_query_reader *reader,
                                       struct codec_json array, const char *place,
                                       struct core_query_key **keys, uint32_t *count);

// Adds keys that are read along with those of a query that was read, but not searched; `columns`
// has where each of them stands.
MUST_USE enum err rest_query_add_keys(const struct rest_query_reader *reader,
                                      struct core_find *find, const struct core_query_key *keys,
                                      uint32_t count, uint32_t *columns);

// {"entityId":{..},"latest":{ . Groups of cells may follow, then rest_query_begin_series.
void rest_query_begin_entity(struct codec_json_writer *writer, const struct uuid *id);
// The cells by the kinds of their keys. With `only` (may be NULL) those that it has true.
void rest_query_put_latest(struct codec_json_writer *writer, const struct core_query_key *keys,
                           const struct core_query_cell *cells, const bool *only, uint32_t count);
// },"timeseries":{ . Arrays by key may follow, then rest_query_end_entity.
void rest_query_begin_series(struct codec_json_writer *writer);
// },"aggLatest":{}}
void rest_query_end_entity(struct codec_json_writer *writer);
