// Reads: what the head holds is copied under its lock, the rest comes from disk without any.
//
// The head is copied before anything is read from disk. Readings that are sealed in between are
// then seen twice, which the merge by sequence does not mind; the other way round they would be
// missed.
#include <stdlib.h>

#include "store/local_priv.h"
#include "store/merge.h"

struct snapshot {
    struct store_bytes row_bytes;
    struct store_bytes readings;
    struct store_row row;
};

static void snapshot_deinit(struct snapshot *snapshot)
{
    store_bytes_deinit(&snapshot->row_bytes);
    store_bytes_deinit(&snapshot->readings);
    store_row_deinit(&snapshot->row);
}

static bool copy_from_head(struct store_local *local, uint64_t number, struct snapshot *snapshot)
{
    plat_rwlock_read(&local->head.lock);
    const struct store_head_device *const device = store_head_find(&local->head, number);
    if (device != NULL) {
        store_head_copy(&device->row, device->row.len, &snapshot->row_bytes);
        store_head_copy(&device->readings, device->published, &snapshot->readings);
        snapshot->row.tenant = device->tenant;
    }
    plat_rwlock_unlock(&local->head.lock);
    return device != NULL;
}

// ERR_NOT_FOUND: there is no such device, or no more.
static enum err take_snapshot(struct store_local *local, uint64_t number, struct snapshot *snapshot)
{
    *snapshot = (struct snapshot){0};
    if (!copy_from_head(local, number, snapshot)) {
        uint8_t key[STORE_DEVICE_KEY];
        store_wire_put_u64(key, number);
        const enum err err = local->blocks->ops->get(
            local->blocks, STORE_FAMILY_DEVICES, slice_of(key, sizeof(key)), &snapshot->row_bytes);
        // It may have come into the head since; what was acknowledged before the call is in the
        // row.
        if (err != ERR_OK) {
            return err;
        }
    }
    const uint64_t tenant = snapshot->row.tenant;
    const enum err err = store_row_decode(store_bytes_view(&snapshot->row_bytes), &snapshot->row);
    if (snapshot->row_bytes.len == 0) {
        snapshot->row.tenant = tenant;
    }
    return err == ERR_OK && snapshot->row.is_purged ? ERR_NOT_FOUND : err;
}

struct range_emitter {
    void *context;
    store_point_fn *emit;
    struct slice key;
};

static bool emit_point(void *context, int64_t time_ms, const struct model_value *value)
{
    const struct range_emitter *const emitter = context;
    const struct store_point point = {emitter->key, time_ms, *value};
    return emitter->emit(emitter->context, &point);
}

static uint32_t find_key(struct store_local *local, uint64_t tenant, struct slice name)
{
    plat_rwlock_read(&local->head.lock);
    const uint32_t number = store_dictionary_find(&local->dictionary, tenant, name);
    plat_rwlock_unlock(&local->head.lock);
    return number;
}

enum err store_local_range(void *backend, const struct store_range *range, void *context,
                           store_point_fn *emit)
{
    struct store_local *const local = backend;
    struct snapshot snapshot;
    enum err err = take_snapshot(local, range->device.number, &snapshot);
    const uint32_t key = err == ERR_OK ? find_key(local, snapshot.row.tenant, range->key) : 0;
    if (key != 0 && range->start_ms < range->end_ms) {
        struct range_emitter emitter = {context, emit, range->key};
        const struct store_merge merge = {
            .blocks = local->blocks,
            .device = range->device.number,
            .row = &snapshot.row,
            .readings = store_bytes_view(&snapshot.readings),
            .key = key,
            .first_ms = range->start_ms,
            .last_ms = range->end_ms - 1,
            .descending = range->descending,
            .limit = range->limit == 0 ? UINT64_MAX : range->limit,
            .waiting_max = STORE_RANGE_WAITING,
            .now = range->now,
            .life_ms = store_lives_ms(local->lives, snapshot.row.tenant, range->device.number),
        };
        err = store_merge_run(&merge, &emitter, emit_point);
    }
    snapshot_deinit(&snapshot);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

// Latest.

// Brings the latest points of the row up to date with the unsealed readings.
static enum err apply_readings(struct snapshot *snapshot)
{
    struct store_wire wire = store_wire_over(store_bytes_view(&snapshot->readings));
    while (store_wire_left(&wire) > 0 && !wire.bad) {
        const struct store_reading reading = store_reading_get(&wire);
        for (uint32_t i = 0; i < reading.point_count && !wire.bad; i++) {
            const uint32_t number = (uint32_t)store_wire_get_varint(&wire);
            const struct slice value = store_wire_get_value_bytes(&wire);
            struct store_row_key *key = store_row_find(&snapshot->row, number);
            if (key == NULL) {
                key = store_row_add(&snapshot->row, number);
            }
            if (reading.latest && (!key->has_latest || reading.time_ms >= key->time_ms)) {
                key->has_latest = true;
                key->time_ms = reading.time_ms;
                key->value = value;
            }
        }
    }
    return wire.bad ? ERR_CORRUPT : ERR_OK;
}

static bool is_asked_for(const struct store_latest_query *query, struct slice name)
{
    for (uint32_t i = 0; i < query->key_count; i++) {
        if (slice_equal(query->keys[i], name)) {
            return true;
        }
    }
    return query->key_count == 0;
}

static int by_name(const void *left, const void *right)
{
    const struct store_point *const a = left;
    const struct store_point *const b = right;
    return store_record_compare_keys(a->key, b->key);
}

// The points asked for with their names, sorted; returns how many.
static uint32_t list_latest(struct store_local *local, const struct snapshot *snapshot,
                            const struct store_latest_query *query, struct store_point *points)
{
    uint32_t count = 0;
    plat_rwlock_read(&local->head.lock);
    for (uint32_t i = 0; i < snapshot->row.key_count; i++) {
        const struct store_row_key *const key = &snapshot->row.keys[i];
        const struct slice name = store_dictionary_name(&local->dictionary, key->number)->name;
        if (key->has_latest && is_asked_for(query, name)) {
            struct store_wire wire = store_wire_over(key->value);
            points[count].key = name;
            points[count].time_ms = key->time_ms;
            store_wire_get_value(&wire, &points[count].value);
            count++;
        }
    }
    plat_rwlock_unlock(&local->head.lock);
    if (count > 0) {
        qsort(points, count, sizeof(*points), by_name);
    }
    return count;
}

enum err store_local_latest(void *backend, const struct store_latest_query *query, void *context,
                            store_point_fn *emit)
{
    struct store_local *const local = backend;
    struct snapshot snapshot;
    enum err err = take_snapshot(local, query->device.number, &snapshot);
    if (err == ERR_OK) {
        err = apply_readings(&snapshot);
    }
    if (err == ERR_OK && snapshot.row.key_count > 0) {
        struct store_point *const points = calloc(snapshot.row.key_count, sizeof(*points));
        ASSERT(points != NULL);
        const uint32_t count = list_latest(local, &snapshot, query, points);
        for (uint32_t i = 0; i < count && emit(context, &points[i]); i++) {
        }
        free(points);
    }
    snapshot_deinit(&snapshot);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
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

enum err store_local_keys(void *backend, struct device_id device, void *context, store_key_fn *emit)
{
    const struct store_latest_query query = {device, NULL, 0};
    struct key_emitter emitter = {context, emit};
    return store_local_latest(backend, &query, &emitter, emit_key);
}

// Traces.

void store_local_traces(void *backend, struct wall since, void *context, store_trace_fn *emit)
{
    const struct store_local *const local = backend;
    store_traces_emit(local->blocks, since, context, emit);
}
