#include "core/find.h"

#include <stdlib.h>

#include "core/admin_priv.h"
#include "core/attributes.h"
#include "core/feed.h"
#include "core/series.h"

// The clock is looked at after so many devices.
#define DEVICES_A_LOOK 32U

struct finder {
    const struct core_admin *admin;
    const struct core_find *find;
    const struct core_find_budget *budget;
    struct core_find_row *rows;
    uint32_t count;
    uint32_t room;
    bool is_full; // the arena is
};

// Fields of an entity.

static bool is_field(const struct core_query_key *key, const char *name)
{
    return key->kind == CORE_QUERY_FIELD && slice_equal(key->name, slice_text(name));
}

static void set_text(struct finder *finder, struct core_query_cell *cell, struct slice text)
{
    cell->is_there = text.ptr != NULL;
    cell->value = (struct model_value){.type = MODEL_VALUE_STRING};
    if (text.len > 0) {
        cell->value.text = arena_copy(finder->admin->memory, text);
        finder->is_full = finder->is_full || cell->value.text.ptr == NULL;
    }
}

static void set_field(struct finder *finder, const struct core_query_key *key,
                      const struct model_device *device, struct core_query_cell *cell)
{
    *cell = (struct core_query_cell){.at_ms = finder->admin->caller->now.ms};
    if (is_field(key, "createdTime")) {
        cell->is_there = true;
        cell->value =
            (struct model_value){.type = MODEL_VALUE_LONG, .number = uuid_time(&device->id).ms};
    } else if (is_field(key, "name")) {
        set_text(finder, cell, device->name);
    } else if (is_field(key, "type")) {
        set_text(finder, cell, device->type);
    } else if (is_field(key, "label")) {
        set_text(finder, cell, device->label);
    } else if (is_field(key, "entityType")) {
        set_text(finder, cell, SLICE("DEVICE"));
    } else if (is_field(key, "customerTitle")) {
        set_text(finder, cell, device->customer_title);
    } else if (is_field(key, "additionalInfo")) {
        set_text(finder, cell, device->additional_info);
    }
}

// Takes a device with its fields; its values are not read here, within a walk of the database.
static void add_device(void *context, const struct model_device *device)
{
    struct finder *finder = context;
    const struct core_find *find = finder->find;
    if (finder->is_full || finder->count == finder->room) {
        finder->is_full = true;
        return;
    }
    struct core_find_row *row = &finder->rows[finder->count];
    *row = (struct core_find_row){.id = device->id, .device = device->number};
    row->cells = arena_take_array(finder->admin->memory, find->key_count + 1, sizeof(*row->cells));
    if (row->cells == NULL) {
        finder->is_full = true;
        return;
    }
    for (uint32_t i = 0; i < find->key_count; i++) {
        if (find->keys[i].kind == CORE_QUERY_FIELD) {
            set_field(finder, &find->keys[i], device, &row->cells[i]);
        }
    }
    finder->count++;
}

// Values.

struct reading {
    const struct core_admin *admin;
    const struct core_query_key *keys;
    uint32_t count;
    struct core_query_cell *cells;
    bool is_full;
};

static void set_value(struct reading *reading, struct core_query_cell *cell, int64_t at_ms,
                      const struct model_value *value)
{
    *cell = (struct core_query_cell){true, at_ms, *value};
    if (value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON) {
        cell->value.text =
            value->text.len > 0 ? arena_copy(reading->admin->memory, value->text) : SLICE("");
        reading->is_full = reading->is_full || cell->value.text.ptr == NULL;
    }
}

static bool take_point(void *context, const struct store_point *point)
{
    struct reading *reading = context;
    for (uint32_t i = 0; i < reading->count; i++) {
        if (reading->keys[i].kind == CORE_QUERY_SERIES &&
            slice_equal(reading->keys[i].name, point->key)) {
            set_value(reading, &reading->cells[i], point->time_ms, &point->value);
        }
    }
    return !reading->is_full;
}

static enum core_query_key_kind kind_of(enum core_scope scope)
{
    return scope == CORE_SCOPE_CLIENT   ? CORE_QUERY_CLIENT
           : scope == CORE_SCOPE_SHARED ? CORE_QUERY_SHARED
                                        : CORE_QUERY_SERVER;
}

static bool take_attribute(void *context, enum core_scope scope,
                           const struct store_attribute *attribute)
{
    struct reading *reading = context;
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct core_query_key *key = &reading->keys[i];
        struct core_query_cell *cell = &reading->cells[i];
        const bool is_newest = key->kind == CORE_QUERY_ATTRIBUTE &&
                               (!cell->is_there || attribute->at_ms >= cell->at_ms);
        if ((is_newest || key->kind == kind_of(scope)) && slice_equal(key->name, attribute->key)) {
            set_value(reading, cell, attribute->at_ms, &attribute->value);
        }
    }
    return !reading->is_full;
}

static enum err read_series(struct reading *reading, const struct model_device *device)
{
    struct arena *memory = reading->admin->memory;
    struct slice *names = arena_take_array(memory, reading->count + 1, sizeof(*names));
    uint32_t count = 0;
    if (names == NULL) {
        return ERR_EXHAUSTED;
    }
    for (uint32_t i = 0; i < reading->count; i++) {
        if (reading->keys[i].kind == CORE_QUERY_SERIES) {
            names[count++] = reading->keys[i].name;
        }
    }
    return count == 0
               ? ERR_OK
               : core_series_latest(reading->admin, device, names, count, reading, take_point);
}

static bool has_key_of(const struct reading *reading, enum core_query_key_kind kind)
{
    for (uint32_t i = 0; i < reading->count; i++) {
        if (reading->keys[i].kind == kind || reading->keys[i].kind == CORE_QUERY_ATTRIBUTE) {
            return true;
        }
    }
    return false;
}

enum err core_find_read(const struct core_admin *admin, struct device_id device,
                        const struct core_query_key *keys, uint32_t count,
                        struct core_query_cell *cells)
{
    static const enum core_scope scopes[] = {CORE_SCOPE_CLIENT, CORE_SCOPE_SHARED,
                                             CORE_SCOPE_SERVER};
    struct reading reading = {.admin = admin, .keys = keys, .count = count, .cells = cells};
    const struct model_device of = {.number = device, .tenant = admin->caller->tenant};
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i].kind != CORE_QUERY_FIELD) {
            cells[i] = (struct core_query_cell){.is_there = false};
        }
    }
    enum err err = read_series(&reading, &of);
    for (unsigned i = 0; err == ERR_OK && i < 3; i++) {
        if (has_key_of(&reading, kind_of(scopes[i]))) {
            err = core_attributes_read(admin, &of, scopes[i], &reading, take_attribute);
        }
    }
    return err == ERR_OK && reading.is_full ? ERR_EXHAUSTED : err;
}

// Which devices the first filter names.

// A part of what is left of the caller's memory is for rows of the database.
#define ROWS_SHARE 4U

struct listing {
    struct finder *finder;
    struct arena rows; // of the database, which takes back what a row took
    struct model_page page;
    unsigned search_in;
    int64_t total;
};

// Profiles of these names; none that exists is no device at all.
static enum err read_profiles(struct listing *listing, struct store_tx *tx,
                              struct store_device_filter *filter, bool *is_empty)
{
    const struct core_find *find = listing->finder->find;
    struct arena *memory = &listing->rows;
    struct uuid *profiles = arena_take_array(memory, CORE_FIND_TYPES, sizeof(*profiles));
    if (profiles == NULL) {
        return ERR_EXHAUSTED;
    }
    ASSERT(find->type_count <= CORE_FIND_TYPES);
    for (uint32_t i = 0; i < find->type_count; i++) {
        struct model_device_profile profile;
        const enum err err =
            store_profile_by_name(tx, memory, filter->tenant, find->types[i], &profile);
        if (err == ERR_OK) {
            profiles[filter->profile_count++] = profile.id;
        } else if (err != ERR_NOT_FOUND) {
            return err;
        }
    }
    filter->profiles = profiles;
    *is_empty = find->type_count > 0 && filter->profile_count == 0;
    return ERR_OK;
}

static enum err run_list(struct store_tx *tx, void *context)
{
    struct listing *listing = context;
    struct finder *finder = listing->finder;
    const struct core_caller *caller = finder->admin->caller;
    const bool is_customer = caller->authority == MODEL_CUSTOMER_USER;
    struct store_device_filter filter = {.tenant = caller->tenant,
                                         .customer = is_customer ? &caller->customer : NULL,
                                         .name_start = finder->find->name_start,
                                         .search_in = listing->search_in};
    bool is_empty = false;
    const enum err err = read_profiles(listing, tx, &filter, &is_empty);
    if (err != ERR_OK || is_empty) {
        return err;
    }
    return store_device_list(tx, &listing->rows, &filter, &listing->page, &listing->total, finder,
                             add_device);
}

static enum err run_ids(struct store_tx *tx, void *context)
{
    struct finder *finder = context;
    const struct core_find *find = finder->find;
    const struct core_caller *caller = finder->admin->caller;
    enum err err = ERR_OK;
    for (uint32_t i = 0; err == ERR_OK && i < find->id_count; i++) {
        struct model_device device;
        err = store_device_get(tx, finder->admin->memory, caller->tenant, &find->ids[i], &device);
        const bool is_seen = err == ERR_OK && (caller->authority != MODEL_CUSTOMER_USER ||
                                               uuid_equal(&device.customer, &caller->customer));
        if (is_seen) {
            add_device(finder, &device);
        }
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    return err;
}

static bool make_room(struct finder *finder, uint32_t room)
{
    finder->rows = arena_take_array(finder->admin->memory, (size_t)room + 1, sizeof(*finder->rows));
    finder->room = room;
    return finder->rows != NULL;
}

static enum err list_devices(struct listing *listing)
{
    struct finder *finder = listing->finder;
    const struct core_admin *admin = finder->admin;
    struct arena *memory = admin->memory;
    const size_t share = (memory->size - memory->used) / ROWS_SHARE;
    void *rows = arena_take(memory, share);
    if (rows == NULL || !make_room(finder, listing->page.size)) {
        return ERR_EXHAUSTED;
    }
    arena_init(&listing->rows, rows, share);
    const enum err err = store_entities_read(admin->core->entities, listing, run_list);
    return err == ERR_OK && finder->is_full ? ERR_EXHAUSTED : err;
}

static int compare_devices(const void *a, const void *b)
{
    const struct core_find_row *left = a;
    const struct core_find_row *right = b;
    return (left->device.number > right->device.number) -
           (left->device.number < right->device.number);
}

// A device that is named twice is there once.
static void drop_doubles(struct finder *finder)
{
    uint32_t kept = 0;
    qsort(finder->rows, finder->count, sizeof(*finder->rows), compare_devices);
    for (uint32_t i = 0; i < finder->count; i++) {
        if (kept == 0 || finder->rows[kept - 1].device.number != finder->rows[i].device.number) {
            finder->rows[kept++] = finder->rows[i];
        }
    }
    finder->count = kept;
}

static enum err refuse_scan(const struct finder *finder)
{
    core_problem_set(finder->admin->problem,
                     "The query has to look at more than %u devices; narrow its entityFilter",
                     finder->budget->devices);
    return ERR_UNSUPPORTED;
}

static enum err take_candidates(struct finder *finder)
{
    const struct core_find *find = finder->find;
    const uint32_t most = finder->budget->devices;
    if (!find->is_by_id) {
        struct listing listing = {.finder = finder, .page = {.size = most}};
        const enum err err = list_devices(&listing);
        return err == ERR_OK && listing.total > most ? refuse_scan(finder) : err;
    }
    if (find->id_count > most) {
        return refuse_scan(finder);
    }
    if (!make_room(finder, find->id_count)) {
        return ERR_EXHAUSTED;
    }
    const enum err err = store_entities_read(finder->admin->core->entities, finder, run_ids);
    drop_doubles(finder);
    return err == ERR_OK && finder->is_full ? ERR_EXHAUSTED : err;
}

// Reading values, testing, sorting.

static enum err check_time(const struct finder *finder, uint32_t done)
{
    if (done % DEVICES_A_LOOK != 0 ||
        !mono_reached(finder->budget->clock(), finder->budget->until)) {
        return ERR_OK;
    }
    core_problem_set(finder->admin->problem,
                     "The query takes too long; narrow its entityFilter or ask for less");
    return ERR_UNSUPPORTED;
}

static enum err read_row(const struct finder *finder, const struct core_find_row *row)
{
    return core_find_read(finder->admin, row->device, finder->find->keys, finder->find->key_count,
                          row->cells);
}

static bool is_searched(const struct core_query_key *key)
{
    return key->kind != CORE_QUERY_FIELD || is_field(key, "name") || is_field(key, "label") ||
           is_field(key, "type");
}

static bool is_found(const struct core_find *find, const struct core_find_row *row)
{
    bool is_mentioned = find->search.len == 0;
    for (uint32_t i = 0; !is_mentioned && i < find->shown_count; i++) {
        is_mentioned = is_searched(&find->keys[i]) &&
                       core_query_mentions(&row->cells[i], find->search, find->text);
    }
    return is_mentioned &&
           core_query_holds(find->predicates, find->predicate_count, row->cells, find->text);
}

// Keeps the rows that the query asks for. Values are read only if it asks for any.
static enum err sift(struct finder *finder, bool needs_values)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < finder->count; i++) {
        const size_t mark = arena_mark(finder->admin->memory);
        enum err err = check_time(finder, i);
        err = err == ERR_OK && needs_values ? read_row(finder, &finder->rows[i]) : err;
        if (err != ERR_OK) {
            return err;
        }
        if (is_found(finder->find, &finder->rows[i])) {
            finder->rows[kept++] = finder->rows[i];
        } else {
            arena_rewind(finder->admin->memory, mark);
        }
    }
    finder->count = kept;
    return ERR_OK;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct core_find_row *left = a;
    const struct core_find_row *right = b;
    const struct core_find *find = context;
    int order = 0;
    if (find->sort != CORE_FIND_NO_SORT) {
        order = core_query_compare(&left->cells[find->sort], &right->cells[find->sort],
                                   find->is_descending);
    }
    if (order != 0) {
        return order;
    }
    // Of equals the one that was made first, or last.
    order = compare_devices(a, b);
    return find->is_descending ? -order : order;
}

static void cut_page(const struct finder *finder, struct core_find_page *page)
{
    const struct core_find *find = finder->find;
    const uint64_t start = (uint64_t)find->page * find->page_size;
    const uint64_t left = start < finder->count ? finder->count - start : 0;
    page->total = finder->count;
    page->rows = finder->rows + (left > 0 ? start : 0);
    page->count = left < find->page_size ? (uint32_t)left : find->page_size;
}

static bool needs_values(const struct core_find *find)
{
    bool needs = find->sort != CORE_FIND_NO_SORT && find->keys[find->sort].kind != CORE_QUERY_FIELD;
    for (uint32_t i = 0; i < find->predicate_count; i++) {
        const struct core_query_predicate *predicate = &find->predicates[i];
        needs = needs ||
                (predicate->kind != CORE_PREDICATE_ALL && predicate->kind != CORE_PREDICATE_ANY &&
                 find->keys[predicate->column].kind != CORE_QUERY_FIELD);
    }
    for (uint32_t i = 0; find->search.len > 0 && i < find->shown_count; i++) {
        needs = needs || find->keys[i].kind != CORE_QUERY_FIELD;
    }
    return needs;
}

// Whether the entity store can give the page as it is; then also how.
static bool can_list(const struct core_find *find, struct listing *listing)
{
    static const char *const sorts[] = {"createdTime", "name", "type", "label"};
    bool is_sorted = find->sort == CORE_FIND_NO_SORT;
    listing->page = (struct model_page){.size = find->page_size,
                                        .number = find->page,
                                        .search = find->search,
                                        .descending = find->is_descending};
    for (unsigned i = 0; !is_sorted && i < sizeof(sorts) / sizeof(sorts[0]); i++) {
        is_sorted = is_field(&find->keys[find->sort], sorts[i]);
        listing->page.sort = slice_text(sorts[i]);
    }
    for (uint32_t i = 0; i < find->shown_count; i++) {
        const struct core_query_key *key = &find->keys[i];
        listing->search_in |= is_field(key, "name")    ? STORE_SEARCH_NAME
                              : is_field(key, "label") ? STORE_SEARCH_LABEL
                              : is_field(key, "type")  ? STORE_SEARCH_TYPE
                                                       : 0U;
    }
    return is_sorted && !find->is_by_id && find->predicate_count == 0 && !needs_values(find) &&
           (find->search.len == 0 || listing->search_in != 0);
}

static enum err read_page(struct finder *finder, const struct core_find_page *page, bool is_watched)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; err == ERR_OK && i < page->count; i++) {
        if (is_watched) {
            core_feed_watch(finder->admin->core->feed, page->rows[i].device);
        }
        err = check_time(finder, i);
        err = err == ERR_OK ? read_row(finder, &page->rows[i]) : err;
    }
    return err;
}

static enum err require_rights(const struct core_admin *admin)
{
    enum err err = core_admin_require(admin, CORE_DEVICE_READ);
    err = err == ERR_OK ? core_admin_require(admin, CORE_TELEMETRY_READ) : err;
    return err == ERR_OK ? core_admin_require(admin, CORE_ATTRIBUTES_READ) : err;
}

static enum err tell_memory(const struct core_admin *admin, enum err err)
{
    if (err != ERR_EXHAUSTED) {
        return err;
    }
    core_problem_set(admin->problem,
                     "The query needs more memory than there is for one; ask for less");
    return ERR_UNSUPPORTED;
}

static enum err run(struct finder *finder, bool is_watched, struct core_find_page *page)
{
    const struct core_find *find = finder->find;
    struct listing listing = {.finder = finder};
    enum err err = ERR_OK;
    if (can_list(find, &listing)) {
        err = list_devices(&listing);
        *page = (struct core_find_page){finder->rows, finder->count, listing.total};
        return err == ERR_OK ? read_page(finder, page, is_watched) : err;
    }
    const bool is_read = needs_values(find);
    err = take_candidates(finder);
    err = err == ERR_OK ? sift(finder, is_read) : err;
    if (err != ERR_OK) {
        return err;
    }
    qsort_r(finder->rows, finder->count, sizeof(*finder->rows), compare_rows, (void *)find);
    cut_page(finder, page);
    return is_watched || !is_read ? read_page(finder, page, is_watched) : ERR_OK;
}

enum err core_find_run(const struct core_admin *admin, const struct core_find *find,
                       const struct core_find_budget *budget, bool is_watched,
                       struct core_find_page *page)
{
    struct finder finder = {.admin = admin, .find = find, .budget = budget};
    const enum err err = require_rights(admin);
    return err == ERR_OK ? tell_memory(admin, run(&finder, is_watched, page)) : err;
}

static enum err count(struct finder *finder, int64_t *total)
{
    struct listing listing = {.finder = finder};
    if (can_list(finder->find, &listing)) {
        listing.page.size = 0;
        const enum err err = list_devices(&listing);
        *total = listing.total;
        return err;
    }
    enum err err = take_candidates(finder);
    err = err == ERR_OK ? sift(finder, needs_values(finder->find)) : err;
    *total = finder->count;
    return err;
}

enum err core_find_count(const struct core_admin *admin, const struct core_find *find,
                         const struct core_find_budget *budget, int64_t *total)
{
    struct finder finder = {.admin = admin, .find = find, .budget = budget};
    const enum err err = require_rights(admin);
    return err == ERR_OK ? tell_memory(admin, count(&finder, total)) : err;
}
