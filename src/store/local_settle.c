// Settling: what a device has in the head becomes blocks and a new row, in the batch of the commit.
#include "store/local_priv.h"
#include "store/merge.h"

// The row as it will be with everything in the head, in local->row; nothing is put yet.
static enum err take_device(struct store_local *local, const struct store_head_device *device)
{
    struct store_row *const row = &local->row;
    local->row_bytes.len = local->stream.len = 0;
    store_head_copy(&device->row, device->row.len, &local->row_bytes);
    store_head_copy(&device->readings, device->readings.len, &local->stream);
    const enum err err = store_row_decode(store_bytes_view(&local->row_bytes), row);
    if (err != ERR_OK) {
        return err;
    }
    row->tenant = device->tenant;
    row->has_stamp = device->has_stamp;
    row->stamp_ms = device->stamp_ms;
    row->sealed_through = local->sequence - 1;
    for (uint32_t i = row->key_count; i < device->key_count; i++) {
        store_row_add(row, device->keys[i]);
    }
    return store_seal_take(&local->sealer, store_bytes_view(&local->stream), row);
}

// The newest point of a key before the deleted range, for "rewrite latest".

struct newest {
    struct store_local *local;
    struct store_row_key *key;
    size_t value_start;
};

static bool take_newest(void *context, int64_t time_ms, const struct model_value *value)
{
    struct newest *const newest = context;
    struct store_bytes *const bytes = &newest->local->value;
    uint8_t *const at = store_bytes_room(bytes, store_wire_value_room(value));
    newest->value_start = bytes->len;
    store_bytes_end(bytes, store_wire_put_value(at, value));
    newest->key->has_latest = true;
    newest->key->time_ms = time_ms;
    // The bytes may still move: the length stands, the place is filled in by point_values.
    newest->key->value = slice_of(NULL, bytes->len - newest->value_start);
    return false;
}

static enum err rewrite_latest(struct store_local *local, uint64_t device,
                               struct store_row_key *key, const struct store_local_change *change)
{
    if (change->delete->first_ms == INT64_MIN) {
        return ERR_OK;
    }
    const struct store_merge merge = {
        .blocks = local->blocks,
        .device = device,
        .row = &local->row,
        .readings = store_bytes_view(&local->stream),
        .key = key->number,
        .first_ms = INT64_MIN,
        .last_ms = change->delete->first_ms - 1,
        .descending = true,
        .limit = 1,
        .waiting_max = SIZE_MAX,
        .now = change->now,
        .life_ms = store_lives_ms(local->lives, local->row.tenant, device),
    };
    struct newest newest = {local, key, 0};
    return store_merge_run(&merge, &newest, take_newest);
}

// Rewritten values lie one after the other in local->value, in the order of the keys.
static void point_values(struct store_local *local)
{
    size_t start = 0;
    for (uint32_t i = 0; i < local->row.key_count; i++) {
        struct store_row_key *const key = &local->row.keys[i];
        if (key->has_latest && key->value.ptr == NULL) {
            key->value.ptr = local->value.ptr + start;
            start += key->value.len;
        }
    }
    ASSERT(start == local->value.len);
}

static bool is_named(const struct store_local *local, const struct store_record_view *delete,
                     const struct store_row_key *key)
{
    const struct slice name = store_dictionary_name(&local->dictionary, key->number)->name;
    struct store_wire body = store_wire_over(delete->body);
    for (uint32_t i = 0; i < delete->count; i++) {
        if (slice_equal(store_record_next_key(&body), name)) {
            return true;
        }
    }
    return delete->count == 0;
}

static void mark_deleted(struct store_local *local, const struct store_local_change *change)
{
    const struct store_record_view *const delete = change->delete;
    struct store_row *const row = &local->row;
    const struct store_marker marker = {.sequence = change->delete_sequence,
                                        .first_ms = delete->first_ms,
                                        .last_ms = delete->last_ms};
    store_row_mark(row, marker);
    for (uint32_t i = 0; delete->count > 0 && i < row->key_count; i++) {
        if (is_named(local, delete, &row->keys[i])) {
            store_row_mark_key(row, row->keys[i].number);
        }
    }
    if (delete->count > 0 && row->markers[row->marker_count - 1].key_count == 0) {
        row->marker_count--;
    }
}

static enum err delete_latest(struct store_local *local, uint64_t device,
                              const struct store_local_change *change)
{
    const struct store_record_view *const delete = change->delete;
    struct store_row *const row = &local->row;
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < row->key_count && err == ERR_OK; i++) {
        struct store_row_key *const key = &row->keys[i];
        if (key->has_latest && delete->first_ms <= key->time_ms &&
            key->time_ms <= delete->last_ms && is_named(local, delete, key)) {
            key->has_latest = false;
            err = delete->rewrite_latest ? rewrite_latest(local, device, key, change) : ERR_OK;
        }
    }
    point_values(local);
    // Of a key that lost everything the device keeps nothing, not even the name.
    for (uint32_t i = row->key_count; delete->all_time && i-- > 0;) {
        if (is_named(local, delete, &row->keys[i])) {
            store_row_remove(row, &row->keys[i]);
        }
    }
    return err;
}

static enum err apply_delete(struct store_local *local, uint64_t device,
                             const struct store_local_change *change)
{
    local->value.len = 0;
    if (change->delete->first_ms > change->delete->last_ms) {
        return ERR_OK;
    }
    mark_deleted(local, change);
    return change->delete->latest ? delete_latest(local, device, change) : ERR_OK;
}

// Puts the row into the batch and remembers what the head has to learn from it.
static void put_row(struct store_local *local, struct store_head_device *device)
{
    const struct store_row *const row = &local->row;
    const size_t start = local->rows_made.len;
    store_row_encode(row, &local->rows_made);
    uint8_t key[STORE_DEVICE_KEY];
    store_wire_put_u64(key, device->number);
    const struct slice bytes = slice_of(local->rows_made.ptr + start, local->rows_made.len - start);
    local->blocks->ops->put(local->blocks, STORE_FAMILY_DEVICES, slice_of(key, sizeof(key)), bytes);
    local->settled = store_array_room(local->settled, &local->settled_cap, local->settled_count + 1,
                                      sizeof(*local->settled));
    local->keys_made =
        store_array_room(local->keys_made, &local->keys_made_cap,
                         local->keys_made_count + row->key_count + 1, sizeof(*local->keys_made));
    local->settled[local->settled_count++] = (struct store_settled){
        .device = device,
        .row_start = start,
        .row_len = bytes.len,
        .keys_start = local->keys_made_count,
        .keys_count = row->key_count,
        .marker_count = row->marker_count,
        .sealed_through = row->sealed_through,
        .is_purged = row->is_purged,
    };
    for (uint32_t i = 0; i < row->key_count; i++) {
        local->keys_made[local->keys_made_count++] = row->keys[i].number;
    }
    device->is_settled = true;
    local->has_changes = true;
    store_head_set_ready(&local->head, device, false);
}

enum err store_local_settle(struct store_local *local, struct store_head_device *device,
                            const struct store_local_change *change)
{
    ASSERT(!device->is_settled);
    enum err err = take_device(local, device);
    if (err == ERR_OK && change->delete != NULL) {
        err = local->row.marker_count == STORE_ROW_MARKERS_MAX
                  ? ERR_EXHAUSTED
                  : apply_delete(local, device->number, change);
    }
    if (err != ERR_OK) {
        return err;
    }
    store_row_unmark(&local->row, change->unmark_through);
    if (change->is_aged) {
        local->row.first_day = change->first_day;
        local->row.profile_day = change->profile_day;
    }
    store_seal_put(&local->sealer, device->number, &local->row, local->blocks);
    if (!local->row.has_blocks) {
        local->row.marker_count = 0;
    }
    if (local->row.marker_count > 0 && change->delete != NULL) {
        store_sweep_want(local, device->number);
    }
    put_row(local, device);
    metric_add(&local->seals, 1);
    return ERR_OK;
}

void store_local_settle_purge(struct store_local *local, struct store_head_device *device)
{
    struct store_row *const row = &local->row;
    local->row_bytes.len = 0;
    store_head_copy(&device->row, device->row.len, &local->row_bytes);
    // It was read, or written, when it came into the head.
    const bool is_sound = store_row_decode(store_bytes_view(&local->row_bytes), row) == ERR_OK;
    ASSERT(is_sound);
    const bool has_blocks = row->has_blocks;
    const int64_t first_day = row->first_day;
    const int64_t last_day = row->last_day;
    store_row_clear(row);
    row->tenant = device->tenant;
    row->is_purged = true;
    row->sealed_through = local->sequence - 1;
    row->has_blocks = has_blocks;
    row->first_day = row->profile_day = first_day;
    row->last_day = last_day;
    if (has_blocks) {
        store_sweep_want(local, device->number);
    }
    put_row(local, device);
}

void store_local_install(struct store_local *local, const struct store_settled *settled)
{
    struct store_head *const head = &local->head;
    struct store_head_device *const device = settled->device;
    store_head_clear_readings(head, device);
    device->is_touched = false;
    device->is_purged = settled->is_purged;
    device->marker_count = settled->marker_count;
    device->sealed_through = settled->sealed_through;
    store_head_set_unsealed(head, device, false);
    store_head_set_keys(head, device, local->keys_made + settled->keys_start, settled->keys_count);
    if (!store_head_set_row(
            head, device, slice_of(local->rows_made.ptr + settled->row_start, settled->row_len))) {
        device->is_settled = false;
        store_head_drop(head, device);
        return;
    }
    device->is_settled = false;
    device->seal_at = STORE_SEAL_READINGS;
}
