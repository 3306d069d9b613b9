// core/find.h: finds devices by what they are and by their latest values (server-api.md 5.4): the
// query code of `POST /api/entitiesQuery` and of entity subscriptions alike.
//
// Lists that are filtered, searched and sorted by fields of the entity only come a page at a time
// from the entity store. Everything else is a bounded scan: all devices that the first filter names
// are looked at, at most `devices` of the budget and not beyond its time, by what is latest of them
// and never by their series. Callers block on the disk.
//
// Bounds: the budget, CORE_FIND_TYPES of a filter, the arena of the caller.
#pragma once

#include "core/admin.h"
#include "core/query.h"

#define CORE_FIND_TYPES STORE_DEVICE_PROFILES_MAX
#define CORE_FIND_NO_SORT UINT32_MAX

struct core_find {
    // Of all devices that the caller may see those of a list, or else those whose name begins so
    // and that are of one of these types. Without any of it: all.
    bool is_by_id;
    const struct uuid *ids;
    uint32_t id_count;
    struct slice name_start; // whatever its case
    const struct slice *types;
    uint32_t type_count;
    // The cells of a row, those that are shown first: a search looks at these.
    const struct core_query_key *keys;
    uint32_t key_count;
    uint32_t shown_count;
    const struct core_query_predicate *predicates;
    uint32_t predicate_count;
    // The page. `search` looks at "name", "label", "type" and values; empty: for nothing.
    uint32_t page_size;
    uint32_t page;
    struct slice search;
    uint32_t sort; // by this key, or CORE_FIND_NO_SORT: in the order of their creation
    bool is_descending;
    core_query_text_fn *text;
};

struct core_find_budget {
    uint32_t devices;
    struct mono until;
    struct mono (*clock)(void);
};

struct core_find_row {
    struct uuid id;
    struct device_id device;
    struct core_query_cell *cells; // one for each key
};

struct core_find_page {
    struct core_find_row *rows;
    uint32_t count;
    int64_t total; // on all pages
};

// One page. With `is_watched` its devices are watched (core/feed.h) before their values are read.
// ERR_FORBIDDEN; ERR_UNSUPPORTED, with the problem, when the query goes beyond the budget or the
// memory.
MUST_USE enum err core_find_run(const struct core_admin *admin, const struct core_find *find,
                                const struct core_find_budget *budget, bool is_watched,
                                struct core_find_page *page);
// How many there are on all pages.
MUST_USE enum err core_find_count(const struct core_admin *admin, const struct core_find *find,
                                  const struct core_find_budget *budget, int64_t *total);

// Reads what is latest of one device into the cells of keys that are no fields; those of fields are
// left alone. Texts live in the caller's memory.
MUST_USE enum err core_find_read(const struct core_admin *admin, struct device_id device,
                                 const struct core_query_key *keys, uint32_t count,
                                 struct core_query_cell *cells);
