#include "rest/query.h"

#include <stdio.h>

#include "rest/query_priv.h"

#define PLACE_SIZE 64U

static const struct rest_word key_kinds[] = {
    {"ENTITY_FIELD", CORE_QUERY_FIELD},      {"TIME_SERIES", CORE_QUERY_SERIES},
    {"ATTRIBUTE", CORE_QUERY_ATTRIBUTE},     {"CLIENT_ATTRIBUTE", CORE_QUERY_CLIENT},
    {"SHARED_ATTRIBUTE", CORE_QUERY_SHARED}, {"SERVER_ATTRIBUTE", CORE_QUERY_SERVER},
    {"ALARM_FIELD", REST_QUERY_ALARM},       {NULL, 0},
};

const char *rest_query_kind_name(enum core_query_key_kind kind)
{
    for (const struct rest_word *word = key_kinds; word->text != NULL; word++) {
        if (word->meaning == (int)kind) {
            return word->text;
        }
    }
    return NULL;
}

enum err rest_query_read_key(const struct rest_query_reader *reader, struct codec_json object,
                             const char *place, struct core_query_key *key)
{
    static const struct rest_member members[] = {
        {"type", CODEC_JSON_STRING}, {"key", CODEC_JSON_STRING}, {NULL, 0}};
    int kind = 0;
    enum err err = rest_shape_check(reader->problem, object, place, members, reader->is_strict);
    err = err == ERR_OK ? rest_shape_word(reader->problem, object, place, "type", key_kinds, &kind)
                        : err;
    if (err != ERR_OK) {
        return err;
    }
    if (kind == REST_QUERY_ALARM) {
        return rest_shape_refuse(reader->problem, ERR_UNSUPPORTED,
                                 "%s.type: ALARM_FIELD is not served by this version", place);
    }
    *key = (struct core_query_key){(enum core_query_key_kind)kind, rest_shape_text(object, "key")};
    if (key->name.len == 0) {
        return rest_shape_refuse(reader->problem, ERR_INVALID, "%s.key is empty", place);
    }
    return ERR_OK;
}

enum err rest_query_take_key(const struct rest_query_reader *reader, struct rest_query_keys *keys,
                             const struct core_query_key *key, uint32_t *at)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->items[i].kind == key->kind && slice_equal(keys->items[i].name, key->name)) {
            *at = i;
            return ERR_OK;
        }
    }
    if (keys->count == REST_QUERY_KEYS) {
        return rest_shape_refuse(reader->problem, ERR_INVALID,
                                 "The query has more than %u different keys", REST_QUERY_KEYS);
    }
    *at = keys->count++;
    keys->items[*at] = *key;
    return ERR_OK;
}

static enum err take_keys(const struct rest_query_reader *reader, struct codec_json array,
                          const char *place, struct rest_query_keys *keys)
{
    enum err err = ERR_OK;
    if (!codec_json_exists(array) || codec_json_is(array, CODEC_JSON_NULL)) {
        return ERR_OK;
    }
    struct codec_json_walk walk = codec_json_walk_over(array);
    struct codec_json item;
    struct slice unnamed;
    for (unsigned i = 0; err == ERR_OK && codec_json_walk_next(&walk, &unnamed, &item); i++) {
        char within[PLACE_SIZE];
        struct core_query_key key;
        uint32_t at = 0;
        snprintf(within, sizeof(within), "%s[%u]", place, i);
        err = rest_query_read_key(reader, item, within, &key);
        err = err == ERR_OK ? rest_query_take_key(reader, keys, &key, &at) : err;
    }
    return err;
}

static enum err make_keys(const struct rest_query_reader *reader, struct rest_query_keys *keys)
{
    keys->count = 0;
    keys->items = arena_take_array(reader->memory, REST_QUERY_KEYS, sizeof(*keys->items));
    return keys->items != NULL ? ERR_OK : ERR_EXHAUSTED;
}

enum err rest_query_read_keys(const struct rest_query_reader *reader, struct codec_json array,
                              const char *place, struct core_query_key **keys, uint32_t *count)
{
    struct rest_query_keys taken;
    enum err err = make_keys(reader, &taken);
    err = err == ERR_OK ? take_keys(reader, array, place, &taken) : err;
    *keys = taken.items;
    *count = taken.count;
    return err;
}

// Which entities.

enum filter_kind { FILTER_ONE, FILTER_LIST, FILTER_NAME, FILTER_ALL, FILTER_TYPES, FILTER_OTHER };

static const struct rest_word filter_kinds[] = {
    {"singleEntity", FILTER_ONE},
    {"entityList", FILTER_LIST},
    {"entityName", FILTER_NAME},
    {"entityType", FILTER_ALL},
    {"deviceType", FILTER_TYPES},
    {"assetType", FILTER_OTHER},
    {"edgeType", FILTER_OTHER},
    {"entityViewType", FILTER_OTHER},
    {"apiUsageState", FILTER_OTHER},
    {"relationsQuery", FILTER_OTHER},
    {"assetSearchQuery", FILTER_OTHER},
    {"deviceSearchQuery", FILTER_OTHER},
    {"entityViewSearchQuery", FILTER_OTHER},
    {"edgeSearchQuery", FILTER_OTHER},
    {NULL, 0},
};

// By enum filter_kind.
static const struct rest_member filter_members[][4] = {
    {{"type", CODEC_JSON_STRING}, {"singleEntity", CODEC_JSON_OBJECT}},
    {{"type", CODEC_JSON_STRING},
     {"entityType", CODEC_JSON_STRING},
     {"entityList", CODEC_JSON_ARRAY}},
    {{"type", CODEC_JSON_STRING},
     {"entityType", CODEC_JSON_STRING},
     {"entityNameFilter", CODEC_JSON_STRING}},
    {{"type", CODEC_JSON_STRING}, {"entityType", CODEC_JSON_STRING}},
    {{"type", CODEC_JSON_STRING},
     {"deviceTypes", CODEC_JSON_ARRAY},
     {"deviceNameFilter", CODEC_JSON_STRING}},
};

static enum err check_entity_type(const struct rest_query_reader *reader, struct codec_json object,
                                  const char *place)
{
    const struct slice type = rest_shape_text(object, "entityType");
    if (slice_equal(type, SLICE("DEVICE"))) {
        return ERR_OK;
    }
    return rest_shape_refuse(reader->problem, ERR_UNSUPPORTED,
                             "%s.entityType: only DEVICE is found in this version, not '%.*s'",
                             place, SLICE_ARGS(slice_sub(type, 0, 48)));
}

static enum err read_uuid(const struct rest_query_reader *reader, struct slice text,
                          const char *place, struct uuid *id)
{
    if (uuid_parse(text, id)) {
        return ERR_OK;
    }
    return rest_shape_refuse(reader->problem, ERR_INVALID, "%s is not a UUID: '%.*s'", place,
                             SLICE_ARGS(slice_sub(text, 0, 48)));
}

static enum err read_one(const struct rest_query_reader *reader, struct codec_json filter,
                         struct core_find *find)
{
    static const char place[] = "entityFilter.singleEntity";
    static const struct rest_member members[] = {
        {"entityType", CODEC_JSON_STRING}, {"id", CODEC_JSON_STRING}, {NULL, 0}};
    const struct codec_json entity = codec_json_get(filter, "singleEntity");
    struct uuid *id = arena_take_array(reader->memory, 1, sizeof(*id));
    enum err err = rest_shape_check(reader->problem, entity, place, members, reader->is_strict);
    err = err == ERR_OK ? check_entity_type(reader, entity, place) : err;
    err = err == ERR_OK && id == NULL ? ERR_EXHAUSTED : err;
    find->is_by_id = true;
    find->ids = id;
    find->id_count = 1;
    return err == ERR_OK ? read_uuid(reader, rest_shape_text(entity, "id"),
                                     "entityFilter.singleEntity.id", id)
                         : err;
}

// Texts of an array into `reader->memory`; their number is bounded by `most`.
static enum err read_texts(const struct rest_query_reader *reader, struct codec_json filter,
                           const char *name, uint32_t most, const struct slice **texts,
                           uint32_t *count)
{
    const struct codec_json array = codec_json_get(filter, name);
    if (!rest_shape_has(filter, name)) {
        return rest_shape_refuse(reader->problem, ERR_INVALID, "entityFilter.%s is missing", name);
    }
    if (codec_json_count(array) > most) {
        return rest_shape_refuse(reader->problem, ERR_INVALID,
                                 "entityFilter.%s has more than %u elements", name, most);
    }
    struct slice *taken =
        arena_take_array(reader->memory, codec_json_count(array) + 1, sizeof(*taken));
    if (taken == NULL) {
        return ERR_EXHAUSTED;
    }
    struct codec_json_walk walk = codec_json_walk_over(array);
    struct codec_json item;
    struct slice unnamed;
    *texts = taken;
    for (*count = 0; codec_json_walk_next(&walk, &unnamed, &item); (*count)++) {
        if (!codec_json_is(item, CODEC_JSON_STRING) || !codec_json_string(item, &taken[*count])) {
            return rest_shape_refuse(reader->problem, ERR_SYNTAX,
                                     "entityFilter.%s[%u] is not a text", name, *count);
        }
    }
    return ERR_OK;
}

static enum err read_list(const struct rest_query_reader *reader, struct codec_json filter,
                          struct core_find *find)
{
    const struct slice *texts = NULL;
    enum err err = check_entity_type(reader, filter, "entityFilter");
    err = err == ERR_OK
              ? read_texts(reader, filter, "entityList", REST_QUERY_IDS, &texts, &find->id_count)
              : err;
    if (err != ERR_OK) {
        return err;
    }
    struct uuid *ids = arena_take_array(reader->memory, (size_t)find->id_count + 1, sizeof(*ids));
    err = ids != NULL ? ERR_OK : ERR_EXHAUSTED;
    for (uint32_t i = 0; err == ERR_OK && i < find->id_count; i++) {
        char place[PLACE_SIZE];
        snprintf(place, sizeof(place), "entityFilter.entityList[%u]", i);
        err = read_uuid(reader, texts[i], place, &ids[i]);
    }
    find->is_by_id = true;
    find->ids = ids;
    return err;
}

static enum err read_filter(const struct rest_query_reader *reader, struct codec_json filter,
                            struct core_find *find)
{
    static const struct rest_member any[] = {{"type", CODEC_JSON_STRING}, {NULL, 0}};
    static const char place[] = "entityFilter";
    int kind = 0;
    enum err err = rest_shape_check(reader->problem, filter, place, any, false);
    err = err == ERR_OK
              ? rest_shape_word(reader->problem, filter, place, "type", filter_kinds, &kind)
              : err;
    if (err != ERR_OK) {
        return err;
    }
    if (kind == FILTER_OTHER) {
        return rest_shape_refuse(reader->problem, ERR_UNSUPPORTED,
                                 "entityFilter.type: %.*s is not served by this version",
                                 SLICE_ARGS(rest_shape_text(filter, "type")));
    }
    err = rest_shape_check(reader->problem, filter, place, filter_members[kind], reader->is_strict);
    if (err != ERR_OK) {
        return err;
    }
    switch ((enum filter_kind)kind) {
    case FILTER_ONE:
        return read_one(reader, filter, find);
    case FILTER_LIST:
        return read_list(reader, filter, find);
    case FILTER_NAME:
        find->name_start = rest_shape_text(filter, "entityNameFilter");
        return check_entity_type(reader, filter, place);
    case FILTER_ALL:
        return check_entity_type(reader, filter, place);
    case FILTER_TYPES:
        find->name_start = rest_shape_text(filter, "deviceNameFilter");
        return read_texts(reader, filter, "deviceTypes", CORE_FIND_TYPES, &find->types,
                          &find->type_count);
    case FILTER_OTHER:
        break;
    }
    return ERR_UNSUPPORTED;
}

// The page.

static enum err read_sort(const struct rest_query_reader *reader, struct codec_json order,
                          struct core_find *find, struct rest_query_keys *keys)
{
    static const char place[] = "pageLink.sortOrder";
    static const struct rest_member members[] = {
        {"key", CODEC_JSON_OBJECT}, {"direction", CODEC_JSON_STRING}, {NULL, 0}};
    static const struct rest_word directions[] = {{"ASC", false}, {"DESC", true}, {NULL, 0}};
    int is_descending = false;
    struct core_query_key key;
    enum err err = rest_shape_check(reader->problem, order, place, members, reader->is_strict);
    err = err == ERR_OK ? rest_query_read_key(reader, codec_json_get(order, "key"),
                                              "pageLink.sortOrder.key", &key)
                        : err;
    if (err == ERR_OK && rest_shape_has(order, "direction")) {
        err =
            rest_shape_word(reader->problem, order, place, "direction", directions, &is_descending);
    }
    find->is_descending = is_descending != 0;
    return err == ERR_OK ? rest_query_take_key(reader, keys, &key, &find->sort) : err;
}

static enum err read_page(const struct rest_query_reader *reader, struct codec_json link,
                          struct core_find *find, struct rest_query_keys *keys, bool *is_dynamic)
{
    static const char place[] = "pageLink";
    static const struct rest_member members[] = {
        {"page", CODEC_JSON_NUMBER},       {"pageSize", CODEC_JSON_NUMBER},
        {"textSearch", CODEC_JSON_STRING}, {"dynamic", CODEC_JSON_BOOLEAN},
        {"sortOrder", CODEC_JSON_OBJECT},  {NULL, 0}};
    int64_t page = 0;
    int64_t size = 0;
    enum err err = rest_shape_check(reader->problem, link, place, members, reader->is_strict);
    err = err == ERR_OK ? rest_shape_int(reader->problem, link, place, "page", 0, &page) : err;
    err = err == ERR_OK ? rest_shape_int(reader->problem, link, place, "pageSize", 0, &size) : err;
    if (err != ERR_OK) {
        return err;
    }
    if (page < 0 || page > INT32_MAX) {
        return rest_shape_refuse(reader->problem, ERR_INVALID, "pageLink.page must be from 0 to %d",
                                 INT32_MAX);
    }
    if (size < 1 || size > REST_QUERY_PAGE_SIZE) {
        return rest_shape_refuse(reader->problem, ERR_INVALID,
                                 "pageLink.pageSize must be from 1 to %u", REST_QUERY_PAGE_SIZE);
    }
    find->page = (uint32_t)page;
    find->page_size = (uint32_t)size;
    find->search = rest_shape_text(link, "textSearch");
    *is_dynamic = rest_shape_boolean(link, "dynamic");
    return rest_shape_has(link, "sortOrder")
               ? read_sort(reader, codec_json_get(link, "sortOrder"), find, keys)
               : ERR_OK;
}

// What all queries have: which entities, then (`end`) what is asked of them.
static enum err begin(const struct rest_query_reader *reader, struct codec_json object,
                      const struct rest_member *members, struct core_find *find,
                      struct rest_query_keys *keys)
{
    *find = (struct core_find){.sort = CORE_FIND_NO_SORT, .text = codec_value_text};
    enum err err = rest_shape_check(reader->problem, object, "query", members, reader->is_strict);
    err = err == ERR_OK ? make_keys(reader, keys) : err;
    return err == ERR_OK ? read_filter(reader, codec_json_get(object, "entityFilter"), find) : err;
}

static enum err end(const struct rest_query_reader *reader, struct codec_json object,
                    struct core_find *find, struct rest_query_keys *keys)
{
    const enum err err = rest_query_read_predicates(reader, object, find, keys);
    find->keys = keys->items;
    find->key_count = keys->count;
    return err;
}

enum err rest_query_read(const struct rest_query_reader *reader, struct codec_json object,
                         struct core_find *find, bool *is_dynamic)
{
    static const struct rest_member members[] = {{"entityFilter", CODEC_JSON_OBJECT},
                                                 {"pageLink", CODEC_JSON_OBJECT},
                                                 {"entityFields", CODEC_JSON_ARRAY},
                                                 {"latestValues", CODEC_JSON_ARRAY},
                                                 {"keyFilters", CODEC_JSON_ARRAY},
                                                 {"keyFiltersOperation", CODEC_JSON_STRING},
                                                 {NULL, 0}};
    struct rest_query_keys keys;
    enum err err = begin(reader, object, members, find, &keys);
    if (err != ERR_OK) {
        return err;
    }
    const struct codec_json fields = codec_json_get(object, "entityFields");
    const struct codec_json values = codec_json_get(object, "latestValues");
    err = take_keys(reader, fields, "entityFields", &keys);
    err = err == ERR_OK ? take_keys(reader, values, "latestValues", &keys) : err;
    if (err != ERR_OK) {
        return err;
    }
    find->shown_count = keys.count;
    err = read_page(reader, codec_json_get(object, "pageLink"), find, &keys, is_dynamic);
    return err == ERR_OK ? end(reader, object, find, &keys) : err;
}

enum err rest_query_read_count(const struct rest_query_reader *reader, struct codec_json object,
                               struct core_find *find)
{
    static const struct rest_member members[] = {{"entityFilter", CODEC_JSON_OBJECT},
                                                 {"keyFilters", CODEC_JSON_ARRAY},
                                                 {"keyFiltersOperation", CODEC_JSON_STRING},
                                                 {NULL, 0}};
    struct rest_query_keys keys;
    const enum err err = begin(reader, object, members, find, &keys);
    return err == ERR_OK ? end(reader, object, find, &keys) : err;
}

enum err rest_query_add_keys(const struct rest_query_reader *reader, struct core_find *find,
                             const struct core_query_key *keys, uint32_t count, uint32_t *columns)
{
    struct rest_query_keys all;
    enum err err = make_keys(reader, &all);
    if (err != ERR_OK) {
        return err;
    }
    if (find->key_count > 0) {
        memcpy(all.items, find->keys, find->key_count * sizeof(*all.items));
    }
    all.count = find->key_count;
    for (uint32_t i = 0; err == ERR_OK && i < count; i++) {
        err = rest_query_take_key(reader, &all, &keys[i], &columns[i]);
    }
    find->keys = all.items;
    find->key_count = all.count;
    return err;
}
