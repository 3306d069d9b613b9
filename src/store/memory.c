// The reference: every rule of store.h in the most obvious way, slow on purpose. Points lie in
// plain arrays, a delete removes them, a read sorts what is left. The conformance suite compares
// the other back ends with this one.
#include <stdlib.h>

#include "plat/thread.h"
#include "store/memory_state.h"
#include "store/writer.h"

struct memory_point {
    struct slice key; // the name in the tenant's list
    int64_t time_ms;
    uint64_t sequence;
    int64_t expires_ms; // 0: by profile
    int64_t from_ms;    // which its life by profile is counted from
    struct model_value value;
    uint8_t *owned_text;
};

struct memory_points {
    struct memory_point *items;
    uint32_t count;
    uint32_t cap;
};

struct memory_name {
    uint64_t tenant;
    uint8_t *owned_bytes;
    size_t len;
};

struct memory_device {
    uint64_t number;
    uint64_t tenant; // whose names it uses: of its first record
    bool is_purged;
    bool has_stamp;
    int64_t stamp; // the last time that the server assigned
    struct memory_points series;
    struct memory_points latest;
    struct slice *keys; // every name it uses, in order of first use
    uint32_t key_count;
};

struct memory {
    struct store_limits limits;
    struct plat_mutex mutex;
    struct memory_device *devices;
    uint32_t device_count;
    struct memory_name *names;
    uint32_t name_count;
    uint64_t sequence;
    struct store_memory_state state;
    const struct store_lives *lives;
};

// Out of memory ends the process: this back end is for tests and small trials.
static void *grown(void *owned_memory, size_t size)
{
    void *const memory = realloc(owned_memory, size == 0 ? 1 : size);
    ASSERT(memory != NULL);
    return memory;
}

static struct memory_device *find_device(struct memory *memory, uint64_t number)
{
    for (uint32_t i = 0; i < memory->device_count; i++) {
        if (memory->devices[i].number == number) {
            return &memory->devices[i];
        }
    }
    return NULL;
}

static struct memory_device *need_device(struct memory *memory,
                                         const struct store_record_view *record)
{
    struct memory_device *device = find_device(memory, record->device.number);
    if (device == NULL) {
        memory->devices =
            grown(memory->devices, (memory->device_count + 1U) * sizeof(*memory->devices));
        device = &memory->devices[memory->device_count++];
        *device = (struct memory_device){.number = record->device.number,
                                         .tenant = record->tenant.number};
    }
    return device;
}

static struct slice find_name(const struct memory *memory, uint64_t tenant, struct slice name)
{
    for (uint32_t i = 0; i < memory->name_count; i++) {
        const struct slice known = slice_of(memory->names[i].owned_bytes, memory->names[i].len);
        if (memory->names[i].tenant == tenant && slice_equal(known, name)) {
            return known;
        }
    }
    return SLICE_EMPTY;
}

static uint32_t tenant_names(const struct memory *memory, uint64_t tenant)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < memory->name_count; i++) {
        count += memory->names[i].tenant == tenant;
    }
    return count;
}

static bool has_room_for_name(const struct memory *memory, uint64_t tenant)
{
    const uint32_t most = memory->limits.keys_max;
    return tenant_names(memory, tenant) < memory->limits.keys_per_tenant_max &&
           (most == 0 || memory->name_count < most);
}

static struct slice add_name(struct memory *memory, uint64_t tenant, struct slice name)
{
    uint8_t *const bytes = grown(NULL, name.len);
    if (name.len > 0) {
        memcpy(bytes, name.ptr, name.len);
    }
    memory->names = grown(memory->names, (memory->name_count + 1U) * sizeof(*memory->names));
    memory->names[memory->name_count++] = (struct memory_name){tenant, bytes, name.len};
    return slice_of(bytes, name.len);
}

static bool device_has_key(const struct memory_device *device, struct slice key)
{
    for (uint32_t i = 0; i < device->key_count; i++) {
        if (slice_equal(device->keys[i], key)) {
            return true;
        }
    }
    return false;
}

// Makes the key known to tenant and device; false beyond their limits.
static bool admit_key(struct memory *memory, struct memory_device *device, struct slice key)
{
    if (device_has_key(device, key)) {
        return true;
    }
    struct slice name = find_name(memory, device->tenant, key);
    if (key.len > STORE_KEY_NAME_MAX || device->key_count == memory->limits.keys_per_device_max ||
        (name.ptr == NULL && !has_room_for_name(memory, device->tenant))) {
        return false;
    }
    if (name.ptr == NULL) {
        name = add_name(memory, device->tenant, key);
    }
    device->keys = grown(device->keys, (device->key_count + 1U) * sizeof(*device->keys));
    device->keys[device->key_count++] = name;
    return true;
}

// All keys of the record or none.
static bool admit_keys(struct memory *memory, struct memory_device *device,
                       const struct store_record_view *record)
{
    const uint32_t name_count = memory->name_count;
    const uint32_t key_count = device->key_count;
    struct store_wire body = store_wire_over(record->body);
    bool is_admitted = true;
    for (uint32_t i = 0; i < record->count && is_admitted; i++) {
        const uint32_t points = store_record_next_reading(&body).point_count;
        for (uint32_t p = 0; p < points && is_admitted; p++) {
            is_admitted = admit_key(memory, device, store_record_next_key(&body));
            (void)store_wire_get_value_bytes(&body);
        }
    }
    while (!is_admitted && memory->name_count > name_count) {
        free(memory->names[--memory->name_count].owned_bytes);
    }
    device->key_count = is_admitted ? device->key_count : key_count;
    return is_admitted;
}

static void remove_point(struct memory_points *points, uint32_t index)
{
    free(points->items[index].owned_text);
    points->items[index] = points->items[--points->count];
}

static void add_point(struct memory_points *points, struct memory_point point)
{
    point.owned_text = NULL;
    if (point.value.type == MODEL_VALUE_STRING || point.value.type == MODEL_VALUE_JSON) {
        const struct slice text = point.value.text;
        point.owned_text = grown(NULL, text.len);
        if (text.len > 0) {
            memcpy(point.owned_text, text.ptr, text.len);
        }
        point.value.text.ptr = point.owned_text;
    }
    if (points->count == points->cap) {
        points->cap = points->cap * 2 + 16;
        points->items = grown(points->items, points->cap * sizeof(*points->items));
    }
    points->items[points->count++] = point;
}

// Of a key that stands twice in one reading the later one counts.
static void add_to_series(struct memory_points *points, struct memory_point point)
{
    for (uint32_t i = points->count; i-- > 0;) {
        const struct memory_point *const old = &points->items[i];
        if (old->sequence == point.sequence && slice_equal(old->key, point.key)) {
            remove_point(points, i);
            break;
        }
    }
    add_point(points, point);
}

static struct memory_point *find_latest(struct memory_device *device, struct slice key)
{
    for (uint32_t i = 0; i < device->latest.count; i++) {
        if (slice_equal(device->latest.items[i].key, key)) {
            return &device->latest.items[i];
        }
    }
    return NULL;
}

static void offer_latest(struct memory_device *device, const struct memory_point *point)
{
    const struct memory_point *const old = find_latest(device, point->key);
    if (old != NULL && point->time_ms < old->time_ms) {
        return;
    }
    if (old != NULL) {
        remove_point(&device->latest, (uint32_t)(old - device->latest.items));
    }
    add_point(&device->latest, *point);
}

static int64_t assign_time(struct memory_device *device, struct wall proposed)
{
    int64_t time_ms = proposed.ms;
    if (device->has_stamp && time_ms <= device->stamp && device->stamp < INT64_MAX) {
        time_ms = device->stamp + 1;
    }
    return time_ms;
}

// A time more than a day ahead of its arrival is not believed.
static int64_t believed(int64_t time_ms, struct wall arrival)
{
    const __int128 ahead = (__int128)time_ms - arrival.ms;
    return ahead > 24 * 3600 * 1000 ? arrival.ms : time_ms;
}

static void save_reading(struct memory *memory, struct memory_device *device,
                         const struct store_record_view *record, struct store_wire *body,
                         int64_t assigned)
{
    const struct store_record_reading reading = store_record_next_reading(body);
    memory->sequence++;
    for (uint32_t p = 0; p < reading.point_count; p++) {
        struct memory_point point = {.sequence = memory->sequence,
                                     .time_ms = reading.has_time ? reading.time_ms : assigned};
        point.key = find_name(memory, device->tenant, store_record_next_key(body));
        store_wire_get_value(body, &point.value);
        if (record->latest) {
            offer_latest(device, &point);
        }
        point.expires_ms = store_record_expiry(record);
        point.from_ms = believed(point.time_ms, record->proposed);
        if (record->series) {
            add_to_series(&device->series, point);
        }
    }
}

static enum err save(struct memory *memory, struct memory_device *device, struct store_item *item)
{
    const struct store_record_view *const record = &item->record;
    if (!admit_keys(memory, device, record)) {
        return ERR_KEY_LIMIT;
    }
    item->time_ms = assign_time(device, record->proposed);
    struct store_wire body = store_wire_over(record->body);
    bool is_assigned = false;
    for (uint32_t i = 0; i < record->count; i++) {
        struct store_wire peek = body;
        is_assigned = is_assigned || !store_record_next_reading(&peek).has_time;
        save_reading(memory, device, record, &body, item->time_ms);
    }
    if (is_assigned) {
        device->has_stamp = true;
        device->stamp = item->time_ms;
    }
    return ERR_OK;
}

static bool is_in_range(const struct store_record_view *record, int64_t time_ms)
{
    return record->first_ms <= time_ms && time_ms <= record->last_ms;
}

static bool is_alive(const struct memory *memory, const struct memory_device *device,
                     const struct memory_point *point, struct wall now)
{
    const uint64_t life_ms = store_lives_ms(memory->lives, device->tenant, device->number);
    if (point->expires_ms != 0) {
        return now.ms < point->expires_ms;
    }
    return life_ms == 0 || now.ms < (__int128)point->from_ms + life_ms;
}

// The newest of `key` before `end_ms`, the highest sequence of that time; NULL if there is none.
static const struct memory_point *newest_before(const struct memory *memory,
                                                const struct memory_device *device,
                                                struct slice key, int64_t end_ms, struct wall now)
{
    const struct memory_point *best = NULL;
    for (uint32_t i = 0; i < device->series.count; i++) {
        const struct memory_point *const point = &device->series.items[i];
        if (point->time_ms < end_ms && slice_equal(point->key, key) &&
            is_alive(memory, device, point, now) &&
            (best == NULL || point->time_ms > best->time_ms ||
             (point->time_ms == best->time_ms && point->sequence >= best->sequence))) {
            best = point;
        }
    }
    return best;
}

static void delete_latest(const struct memory *memory, struct memory_device *device,
                          const struct store_record_view *record, struct slice key, struct wall now)
{
    const struct memory_point *const old = find_latest(device, key);
    if (old == NULL || !is_in_range(record, old->time_ms)) {
        return;
    }
    remove_point(&device->latest, (uint32_t)(old - device->latest.items));
    const struct memory_point *const newest =
        newest_before(memory, device, key, record->first_ms, now);
    if (record->rewrite_latest && newest != NULL) {
        add_point(&device->latest, *newest);
    }
}

static void delete_key(const struct memory *memory, struct memory_device *device,
                       const struct store_record_view *record, struct slice key, struct wall now)
{
    for (uint32_t i = device->series.count; i-- > 0;) {
        const struct memory_point *const point = &device->series.items[i];
        if (slice_equal(point->key, key) && is_in_range(record, point->time_ms)) {
            remove_point(&device->series, i);
        }
    }
    if (!record->latest) {
        return;
    }
    delete_latest(memory, device, record, key, now);
    if (record->all_time) {
        // Nothing is left of the key, so it no longer counts against the device's limit.
        for (uint32_t i = 0; i < device->key_count; i++) {
            if (slice_equal(device->keys[i], key)) {
                device->keys[i] = device->keys[--device->key_count];
                return;
            }
        }
    }
}

static void delete_points(struct memory *memory, struct memory_device *device,
                          const struct store_record_view *record, struct wall now)
{
    memory->sequence++;
    struct store_wire body = store_wire_over(record->body);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct slice key = find_name(memory, device->tenant, store_record_next_key(&body));
        if (key.ptr != NULL) {
            delete_key(memory, device, record, key, now);
        }
    }
    for (uint32_t i = device->key_count; record->count == 0 && i-- > 0;) {
        delete_key(memory, device, record, device->keys[i], now);
    }
}

static void clear_device(struct memory_device *device)
{
    while (device->series.count > 0) {
        remove_point(&device->series, device->series.count - 1);
    }
    while (device->latest.count > 0) {
        remove_point(&device->latest, device->latest.count - 1);
    }
    free(device->series.items);
    free(device->latest.items);
    free(device->keys);
    device->series = device->latest = (struct memory_points){0};
    device->keys = NULL;
    device->key_count = 0;
}

static void apply(struct memory *memory, struct store_item *item, struct wall now)
{
    if (item->record.verb == STORE_CHANGE) {
        store_memory_state_change(&memory->state, &item->record);
        return;
    }
    struct memory_device *const device = need_device(memory, &item->record);
    if (item->record.verb == STORE_PURGE) {
        store_memory_state_purge(&memory->state, device->number);
        clear_device(device);
        device->is_purged = true;
    } else if (device->is_purged) {
        item->err = ERR_UNAVAILABLE;
    } else if (item->record.verb == STORE_SAVE) {
        item->err = save(memory, device, item);
    } else {
        delete_points(memory, device, &item->record, now);
    }
}

static enum err memory_commit(void *backend, struct store_item *items, uint32_t count,
                              struct store_now now, uint32_t *taken)
{
    struct memory *const memory = backend;
    plat_mutex_lock(&memory->mutex);
    for (uint32_t i = 0; i < count; i++) {
        apply(memory, &items[i], now.wall);
    }
    plat_mutex_unlock(&memory->mutex);
    *taken = count;
    return ERR_OK;
}

static enum err memory_tick(void *backend, struct store_now now, struct mono *again)
{
    (void)backend;
    (void)now;
    *again = MONO_NEVER;
    return ERR_OK;
}

static int by_time(const void *left, const void *right)
{
    const struct memory_point *const a = left;
    const struct memory_point *const b = right;
    if (a->time_ms != b->time_ms) {
        return a->time_ms < b->time_ms ? -1 : 1;
    }
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

// Copies what the range asks for into `out` (room for all points of the device), sorted.
static uint32_t select_points(const struct memory *memory, const struct memory_device *device,
                              const struct store_range *range, struct memory_point *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < device->series.count; i++) {
        const struct memory_point *const point = &device->series.items[i];
        if (slice_equal(point->key, range->key) && point->time_ms >= range->start_ms &&
            point->time_ms < range->end_ms && is_alive(memory, device, point, range->now)) {
            out[count++] = *point;
        }
    }
    qsort(out, count, sizeof(*out), by_time);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 == count || out[i + 1].time_ms != out[i].time_ms) {
            out[kept++] = out[i];
        }
    }
    return kept;
}

static struct store_point point_view(const struct memory_point *point)
{
    return (struct store_point){point->key, point->time_ms, point->value};
}

static enum err memory_range(void *backend, const struct store_range *range, void *context,
                             store_point_fn *emit)
{
    struct memory *const memory = backend;
    plat_mutex_lock(&memory->mutex);
    const struct memory_device *const device = find_device(memory, range->device.number);
    const uint32_t points_max = device == NULL ? 0 : device->series.count;
    struct memory_point *const points = grown(NULL, points_max * sizeof(*points));
    const uint32_t found = device == NULL ? 0 : select_points(memory, device, range, points);
    const uint32_t count = range->limit != 0 && range->limit < found ? range->limit : found;
    for (uint32_t i = 0; i < count; i++) {
        const struct store_point view = point_view(&points[range->descending ? found - 1 - i : i]);
        if (!emit(context, &view)) {
            break;
        }
    }
    free(points);
    plat_mutex_unlock(&memory->mutex);
    return ERR_OK;
}

static bool is_asked_for(const struct store_latest_query *query, struct slice key)
{
    for (uint32_t i = 0; i < query->key_count; i++) {
        if (slice_equal(query->keys[i], key)) {
            return true;
        }
    }
    return query->key_count == 0;
}

static int by_key(const void *left, const void *right)
{
    const struct slice a = ((const struct memory_point *)left)->key;
    const struct slice b = ((const struct memory_point *)right)->key;
    return store_record_compare_keys(a, b);
}

static enum err memory_latest(void *backend, const struct store_latest_query *query, void *context,
                              store_point_fn *emit)
{
    struct memory *const memory = backend;
    plat_mutex_lock(&memory->mutex);
    struct memory_device *const device = find_device(memory, query->device.number);
    const uint32_t count = device == NULL ? 0 : device->latest.count;
    if (count > 0) {
        qsort(device->latest.items, count, sizeof(*device->latest.items), by_key);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct store_point view = point_view(&device->latest.items[i]);
        if (is_asked_for(query, view.key) && !emit(context, &view)) {
            break;
        }
    }
    plat_mutex_unlock(&memory->mutex);
    return ERR_OK;
}

struct key_emitter {
    void *context;
    store_key_fn *emit;
};

static bool emit_key(void *context, const struct store_point *point)
{
    const struct key_emitter *const emitter = context;
    return emitter->emit(emitter->context, point->key);
}

static enum err memory_keys(void *backend, struct device_id device, void *context,
                            store_key_fn *emit)
{
    const struct store_latest_query query = {device, NULL, 0};
    struct key_emitter emitter = {context, emit};
    return memory_latest(backend, &query, &emitter, emit_key);
}

static enum err memory_state(void *backend, const struct store_state_query *query, void *context,
                             store_state_fn *emit)
{
    struct memory *const memory = backend;
    plat_mutex_lock(&memory->mutex);
    store_memory_state_scan(&memory->state, query, context, emit);
    plat_mutex_unlock(&memory->mutex);
    return ERR_OK;
}

static void memory_traces(void *backend, struct wall since, void *context, store_trace_fn *emit)
{
    (void)backend;
    (void)since;
    (void)context;
    (void)emit;
}

static void memory_set_lives(void *backend, const struct store_lives *lives)
{
    struct memory *const memory = backend;
    memory->lives = lives;
}

static void memory_stats(void *backend, struct store_stats *stats)
{
    (void)backend;
    (void)stats;
}

static void memory_close(void *backend)
{
    struct memory *const memory = backend;
    for (uint32_t i = 0; i < memory->device_count; i++) {
        clear_device(&memory->devices[i]);
    }
    for (uint32_t i = 0; i < memory->name_count; i++) {
        free(memory->names[i].owned_bytes);
    }
    store_memory_state_deinit(&memory->state);
    free(memory->devices);
    free(memory->names);
    plat_mutex_deinit(&memory->mutex);
    free(memory);
}

static const struct store_ops memory_ops = {
    .commit = memory_commit,
    .tick = memory_tick,
    .range = memory_range,
    .latest = memory_latest,
    .keys = memory_keys,
    .state = memory_state,
    .traces = memory_traces,
    .set_lives = memory_set_lives,
    .stats = memory_stats,
    .close = memory_close,
};

enum err store_memory_open(const struct store_limits *limits, struct store **store)
{
    struct memory *const memory = grown(NULL, sizeof(*memory));
    *memory = (struct memory){.limits = *limits};
    plat_mutex_init(&memory->mutex);
    return store_writer_create(&memory_ops, memory, limits, store);
}
