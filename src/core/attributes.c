#include "core/attributes.h"

#include "core/admin_priv.h"
#include "core/feed.h"
#include "core/lives.h"
#include "core/order.h"

static const struct {
    enum core_scope scope;
    const char *name;
} scopes[] = {
    {CORE_SCOPE_CLIENT, "CLIENT_SCOPE"},
    {CORE_SCOPE_SHARED, "SHARED_SCOPE"},
    {CORE_SCOPE_SERVER, "SERVER_SCOPE"},
};

#define SCOPE_COUNT (sizeof(scopes) / sizeof(scopes[0]))

bool core_scope_parse(struct slice name, enum core_scope *scope)
{
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (slice_equal(name, slice_text(scopes[i].name))) {
            *scope = scopes[i].scope;
            return true;
        }
    }
    return false;
}

static enum store_state_kind kind_of(enum core_scope scope)
{
    return (enum store_state_kind)scope;
}

// Rows for the store, in `memory`.
static enum err make_changes(struct arena *memory, enum core_scope scope,
                             const struct model_reading *attributes, int64_t at_ms,
                             struct store_change *change)
{
    struct store_state_change *const items =
        arena_take_array(memory, attributes->point_count, sizeof(*items));
    if (items == NULL) {
        return ERR_EXHAUSTED;
    }
    for (uint32_t i = 0; i < attributes->point_count; i++) {
        const struct model_point *const point = &attributes->points[i];
        uint8_t *const value = arena_take(memory, store_attribute_room(&point->value));
        if (value == NULL) {
            return ERR_EXHAUSTED;
        }
        const uint8_t *const end = store_attribute_put(value, at_ms, &point->value);
        items[i].kind = kind_of(scope);
        items[i].name = point->key;
        items[i].value = slice_of(value, (size_t)(end - value));
    }
    *change = (struct store_change){items, attributes->point_count};
    return ERR_OK;
}

enum err core_attributes_publish(const struct core_worker *worker, struct arena *memory,
                                 const struct core_principal *principal,
                                 const struct model_reading *attributes, struct wall now,
                                 const struct store_trace *trace, uint64_t ticket,
                                 enum core_step *step)
{
    struct store_record record = {.verb = STORE_CHANGE,
                                  .ticket = ticket,
                                  .tenant = principal->device->tenant,
                                  .device = principal->device->device,
                                  .trace = *trace};
    *step = CORE_DONE;
    if (attributes->point_count == 0) {
        return ERR_OK;
    }
    enum err err = make_changes(memory, CORE_SCOPE_CLIENT, attributes, now.ms, &record.change);
    err = err == ERR_OK ? store_submit(worker->lane, &record) : err;
    if (err == ERR_OK) {
        *step = CORE_PENDING;
    }
    return err;
}

enum err core_attributes_load(const struct core_worker *worker, struct device_id device,
                              struct slice note, uint64_t ticket, struct store_load **load)
{
    const struct store_load_query query = {.device = device,
                                           .kinds = STORE_STATE_BIT(STORE_STATE_CLIENT) |
                                                    STORE_STATE_BIT(STORE_STATE_SHARED),
                                           .note = note,
                                           .ticket = ticket};
    *load = store_load_recall(worker->lane, &query);
    return *load != NULL ? ERR_OK : store_load_submit(worker->lane, &query);
}

// What the set would be in bytes, each attribute with the cost of its row: so it is bounded in
// number as well.
#define ROW_COST 32U

struct weighing {
    const struct store_change *change;
    uint64_t bytes;
};

static bool is_replaced(const struct store_change *change, struct slice name)
{
    for (uint32_t i = 0; i < change->count; i++) {
        if (slice_equal(change->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool weigh_row(void *context, const struct store_state_row *row)
{
    struct weighing *weighing = context;
    if (!is_replaced(weighing->change, row->name)) {
        weighing->bytes += row->name.len + row->value.len + ROW_COST;
    }
    return true;
}

// A device gets all of its shared attributes in one answer. Two changes at once may both fit and be
// a little over it together.
static enum err check_set(const struct core_admin *admin, const struct model_device *device,
                          const struct store_change *change)
{
    struct weighing weighing = {change, 0};
    const struct store_state_query query = {.kind = STORE_STATE_SHARED, .device = device->number};
    for (uint32_t i = 0; i < change->count; i++) {
        const struct store_state_change *item = &change->items[i];
        weighing.bytes += item->name.len + item->value.len + ROW_COST;
    }
    const enum err err = store_state_scan(admin->core->store, &query, &weighing, weigh_row);
    if (err == ERR_OK && weighing.bytes > CORE_SHARED_BYTES_MAX) {
        core_problem_set(
            admin->problem,
            "The shared attributes of a device may have %u KiB together, with 32 bytes "
            "for each",
            CORE_SHARED_BYTES_MAX / 1024);
        return ERR_INVALID;
    }
    return err;
}

// What the device is told of is changed by its shard, which tells it.
static enum err order_changes(const struct core_admin *admin, struct core_desk *desk,
                              const struct model_device *device, const struct store_change *change)
{
    struct slice response;
    struct core_order order = {.kind = CORE_ORDER_CHANGE,
                               .tenant = device->tenant,
                               .device = device->number,
                               .change = change};
    return core_desk_order(desk, &order, admin->memory, &response);
}

static enum err commit_changes(const struct core_admin *admin, struct core_desk *desk,
                               const struct model_device *device, enum core_scope scope,
                               const struct store_change *change)
{
    if (scope == CORE_SCOPE_SHARED) {
        return order_changes(admin, desk, device, change);
    }
    const struct store_record record = {.verb = STORE_CHANGE,
                                        .tenant = device->tenant,
                                        .device = device->number,
                                        .change = *change};
    const enum err err = core_desk_commit(desk, &record);
    if (err == ERR_OK) {
        core_desk_publish(admin->core, desk, device->number,
                          scope == CORE_SCOPE_CLIENT ? CORE_FEED_CLIENT : CORE_FEED_SERVER);
    }
    return err;
}

// What some keep in memory: how long a device may be silent, how long its points stay.
static bool is_setting(struct slice key)
{
    return slice_equal(key, SLICE("inactivityTimeout")) || slice_equal(key, SLICE("TTL"));
}

static void note_setting(const struct core *core, struct device_id device, struct slice key,
                         const struct model_value *value)
{
    const bool is_number = value != NULL && value->type == MODEL_VALUE_LONG && value->number > 0;
    if (slice_equal(key, SLICE("inactivityTimeout"))) {
        core_presence_set_timeout(core->presence, device, is_number ? (uint64_t)value->number : 0);
    } else if (slice_equal(key, SLICE("TTL"))) {
        core_lives_set(core->lives, device, value);
    }
}

struct stored {
    const struct core *core;
    struct slice key;
    bool is_there;
};

static bool note_stored(void *context, const struct store_state_row *row)
{
    struct stored *const stored = context;
    struct store_attribute attribute;
    if (slice_equal(row->name, stored->key) && store_attribute_get(row, &attribute)) {
        stored->is_there = true;
        note_setting(stored->core, row->device, stored->key, &attribute.value);
    }
    return false;
}

// Notes what is stored by now, not what was given: of two people who change a setting at once, the
// last one to come here sees what both have done.
static void note_change(const struct core *core, struct device_id device, struct slice key)
{
    const struct store_state_query query = {
        .kind = STORE_STATE_SERVER, .device = device, .from = key};
    struct stored stored = {core, key, false};
    if (!is_setting(key)) {
        return;
    }
    core_guard_enter(&core->settings);
    const enum err err = store_state_scan(core->store, &query, &stored, note_stored);
    if (err == ERR_OK && !stored.is_there) {
        note_setting(core, device, key, NULL);
    }
    core_guard_leave(&core->settings);
}

enum err core_attributes_save(const struct core_admin *admin, struct core_desk *desk,
                              const struct model_device *device, enum core_scope scope,
                              const struct model_reading *attributes)
{
    struct store_change change;
    enum err err = core_admin_require(admin, CORE_ATTRIBUTES_WRITE);
    err = err == ERR_OK
              ? make_changes(admin->memory, scope, attributes, admin->caller->now.ms, &change)
              : err;
    err = err == ERR_OK && scope == CORE_SCOPE_SHARED ? check_set(admin, device, &change) : err;
    err = err == ERR_OK ? commit_changes(admin, desk, device, scope, &change) : err;
    for (uint32_t i = 0; err == ERR_OK && scope == CORE_SCOPE_SERVER && i < attributes->point_count;
         i++) {
        note_change(admin->core, device->number, attributes->points[i].key);
    }
    return err;
}

enum err core_attributes_delete(const struct core_admin *admin, struct core_desk *desk,
                                const struct model_device *device, enum core_scope scope,
                                const struct slice *keys, uint32_t count)
{
    enum err err = core_admin_require(admin, CORE_ATTRIBUTES_WRITE);
    if (err != ERR_OK) {
        return err;
    }
    struct store_state_change *const items = arena_take_array(admin->memory, count, sizeof(*items));
    if (items == NULL) {
        return ERR_EXHAUSTED;
    }
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct store_state_change){kind_of(scope), keys[i], true, SLICE_EMPTY};
    }
    const struct store_change change = {items, count};
    err = commit_changes(admin, desk, device, scope, &change);
    for (uint32_t i = 0; err == ERR_OK && scope == CORE_SCOPE_SERVER && i < count; i++) {
        note_change(admin->core, device->number, keys[i]);
    }
    return err;
}

struct reader {
    enum core_scope scope;
    void *context;
    core_attribute_fn *emit;
    bool is_bad;
};

static bool read_row(void *context, const struct store_state_row *row)
{
    struct reader *const reader = context;
    struct store_attribute attribute;
    if (!store_attribute_get(row, &attribute)) {
        reader->is_bad = true;
        return false;
    }
    return reader->emit(reader->context, reader->scope, &attribute);
}

enum err core_attributes_scan(const struct core *core, struct device_id device,
                              enum core_scope scope, void *context, core_attribute_fn *emit)
{
    struct reader reader = {scope, context, emit, false};
    const struct store_state_query query = {.kind = kind_of(scope), .device = device};
    const enum err err = store_state_scan(core->store, &query, &reader, read_row);
    return err == ERR_OK && reader.is_bad ? ERR_CORRUPT : err;
}

enum err core_attributes_read(const struct core_admin *admin, const struct model_device *device,
                              enum core_scope scope, void *context, core_attribute_fn *emit)
{
    const enum err err = core_admin_require(admin, CORE_ATTRIBUTES_READ);
    return err == ERR_OK ? core_attributes_scan(admin->core, device->number, scope, context, emit)
                         : err;
}

struct restore {
    const struct core *core;
    struct core_presence_time now;
};

static bool restore_row(void *context, const struct store_state_row *row)
{
    const struct restore *const restore = context;
    struct store_attribute attribute;
    if (!store_attribute_get(row, &attribute)) {
        return true; // found out when it is read
    }
    core_presence_restore(restore->core->presence, row->device, &attribute, restore->now);
    if (slice_equal(attribute.key, SLICE("TTL"))) {
        note_setting(restore->core, row->device, attribute.key, &attribute.value);
    }
    return true;
}

enum err core_attributes_restore(const struct core *core, struct core_presence_time now)
{
    struct restore restore = {core, now};
    const struct store_state_query query = {.kind = STORE_STATE_SERVER};
    const enum err err = store_state_scan(core->store, &query, &restore, restore_row);
    if (err == ERR_OK && core->lives != NULL) {
        core_lives_ready(core->lives);
    }
    return err;
}
