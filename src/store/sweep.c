// The sweep carries out what deletes and purges left for later: it writes blocks anew without the
// points that markers deleted, removes the blocks of purged devices, and then forgets the markers.
// It goes device by device in bounded steps that ride on the commits, or in commits of their own
// when nothing else is to do. A crash loses its place and nothing else.
//
// A purge removes blocks by days: the device row knows the first and the last day, each day without
// blocks costs one seek. So its cost follows what the device stored, not what the store holds, and
// compaction has nothing to know about it.
#include <stdlib.h>

#include "base/time.h"
#include "store/local_priv.h"

// From this many rows on a day of a purged device goes by one range; below, each row by itself,
// because range tombstones cost every later read of the file more than single ones.
#define PURGE_ROWS_RANGE 8U

static void meta_key(uint8_t key[STORE_META_KEY_MAX], uint64_t device)
{
    key[0] = STORE_META_SWEEP;
    store_wire_put_u64(key + 1, device);
}

void store_sweep_want(struct store_local *local, uint64_t device)
{
    uint8_t key[STORE_META_KEY_MAX];
    meta_key(key, device);
    local->blocks->ops->put(local->blocks, STORE_FAMILY_META, slice_of(key, sizeof(key)),
                            SLICE_EMPTY);
    local->sweep.is_wanted = true;
    local->has_changes = true;
    if (local->sweep.has_job && local->sweep.device == device) {
        local->sweep.has_job = false; // from its beginning, with what is new
    }
}

// The row of the job's device into local->row.
static enum err load_row(struct store_local *local, struct store_head_device **device)
{
    const enum err err = store_local_need(local, local->sweep.device, 0, device);
    if (err != ERR_OK) {
        return err;
    }
    local->row_bytes.len = 0;
    store_head_copy(&(*device)->row, (*device)->row.len, &local->row_bytes);
    return store_row_decode(store_bytes_view(&local->row_bytes), &local->row);
}

// What there is to do for the device with this row.
static void describe_job(struct store_sweep *sweep, const struct store_row *row)
{
    int64_t first_ms = row->is_purged ? INT64_MIN : INT64_MAX;
    int64_t last_ms = row->is_purged ? INT64_MAX : INT64_MIN;
    sweep->has_job = true;
    sweep->is_purge = row->is_purged;
    sweep->marked_through = 0;
    for (uint32_t i = 0; i < row->marker_count; i++) {
        const struct store_marker *const marker = &row->markers[i];
        first_ms = marker->first_ms < first_ms ? marker->first_ms : first_ms;
        last_ms = marker->last_ms > last_ms ? marker->last_ms : last_ms;
        sweep->marked_through =
            marker->sequence > sweep->marked_through ? marker->sequence : sweep->marked_through;
    }
    const int64_t first_day = wall_day((struct wall){first_ms});
    const int64_t last_day = wall_day((struct wall){last_ms});
    if (row->has_blocks) {
        store_days_begin(&sweep->days, sweep->device,
                         first_day > row->first_day ? first_day : row->first_day,
                         last_day < row->last_day ? last_day : row->last_day);
    } else {
        store_days_begin(&sweep->days, sweep->device, 0, INT64_MIN);
    }
}

// Takes the next device on the list.
static enum err begin_job(struct store_local *local)
{
    struct store_sweep *const sweep = &local->sweep;
    const struct store_blocks_ops *const ops = local->blocks->ops;
    uint8_t from[STORE_META_KEY_MAX];
    meta_key(from, 0);
    struct store_scan *const scan =
        ops->scan_open(local->blocks, STORE_FAMILY_META, STORE_SCAN_ONCE);
    ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(from, sizeof(from)));
    sweep->is_pending = scan->is_valid && scan->key.len == STORE_META_KEY_MAX &&
                        scan->key.ptr[0] == STORE_META_SWEEP;
    if (sweep->is_pending) {
        struct store_wire wire = store_wire_over(slice_sub(scan->key, 1, 8));
        sweep->device = store_wire_get_u64(&wire);
    }
    enum err err = scan->err;
    ops->scan_close(scan);
    struct store_head_device *device = NULL;
    if (err != ERR_OK || !sweep->is_pending) {
        return err;
    }
    err = load_row(local, &device);
    if (err != ERR_OK) {
        return err;
    }
    describe_job(sweep, &local->row);
    return ERR_OK;
}

static bool may_touch(const struct store_row *row, const struct store_block *block)
{
    for (uint32_t i = 0; i < row->marker_count; i++) {
        const struct store_marker *const marker = &row->markers[i];
        if (block->sequence_least < marker->sequence && block->first_ms <= marker->last_ms &&
            block->last_ms >= marker->first_ms) {
            return true;
        }
    }
    return false;
}

static enum err rewrite_block(struct store_local *local, const struct store_scan *scan,
                              int64_t first_ms)
{
    static const struct store_rewrite deleted = {.deleted = true};
    struct store_block block;
    const enum err err = store_block_open(scan->value, first_ms, &block);
    if (err != ERR_OK || !may_touch(&local->row, &block)) {
        return err;
    }
    return store_rewrite_block(local, local->sweep.device, scan->key, &block, &deleted);
}

// Removing the blocks of a purged device.

// Removes the device's rows of one day, the first of which the scan stands on; returns how many
// rows it looked at. The scan stands behind them, or somewhere in the day if they went by range.
static uint32_t remove_day(struct store_local *local, struct store_scan *scan, int64_t day)
{
    const struct store_blocks_ops *const ops = local->blocks->ops;
    const struct store_series_key first = {day, local->sweep.device, INT64_MIN, 0};
    const struct store_series_key behind = {day, local->sweep.device + 1, INT64_MIN, 0};
    uint8_t from[STORE_SERIES_KEY];
    uint8_t to[STORE_SERIES_KEY];
    uint8_t keys[PURGE_ROWS_RANGE][STORE_SERIES_KEY];
    uint32_t count = 0;
    store_series_key_put(from, &first);
    store_series_key_put(to, &behind);
    while (scan->is_valid && count < PURGE_ROWS_RANGE && scan->key.len == STORE_SERIES_KEY &&
           memcmp(scan->key.ptr, from, 16) == 0) {
        memcpy(keys[count++], scan->key.ptr, STORE_SERIES_KEY);
        ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
    }
    if (count == PURGE_ROWS_RANGE) {
        ops->remove_range(local->blocks, STORE_FAMILY_SERIES, slice_of(from, sizeof(from)),
                          slice_of(to, sizeof(to)));
    }
    for (uint32_t i = 0; count < PURGE_ROWS_RANGE && i < count; i++) {
        ops->remove(local->blocks, STORE_FAMILY_SERIES, slice_of(keys[i], STORE_SERIES_KEY));
    }
    local->has_changes = true;
    return count;
}

// The walk.

// One row or one jump; `rows` counts down. False when the device has no more rows.
static bool walk(struct store_local *local, struct store_scan *scan, uint32_t *rows, enum err *err)
{
    struct store_sweep *const sweep = &local->sweep;
    struct store_series_key at;
    enum store_days_at place = STORE_DAYS_END;
    (*rows)--;
    *err = store_days_look(&sweep->days, local->blocks, scan, &place, &at);
    if (*err != ERR_OK || place == STORE_DAYS_END) {
        return false;
    }
    if (place == STORE_DAYS_BETWEEN) {
        return true;
    }
    if (sweep->is_purge) {
        const uint32_t looked = remove_day(local, scan, at.day);
        *rows = *rows > looked ? *rows - looked : 0;
        return store_days_skip(&sweep->days, local->blocks, scan, at.day);
    }
    *err = rewrite_block(local, scan, at.first_ms);
    store_days_next(&sweep->days, local->blocks, scan, &at);
    return *err == ERR_OK;
}

static enum err end_job(struct store_local *local, struct store_head_device *device)
{
    struct store_sweep *const sweep = &local->sweep;
    if (device->is_settled) {
        return ERR_OK; // its row is in this batch already; the next step comes back here
    }
    sweep->has_job = false;
    if (!sweep->is_purge) {
        const struct store_local_change change = {.unmark_through = sweep->marked_through};
        const enum err err = store_local_settle(local, device, &change);
        if (err != ERR_OK || local->row.marker_count > 0) {
            return err; // newer markers: the device stays on the list
        }
    }
    uint8_t key[STORE_META_KEY_MAX];
    meta_key(key, sweep->device);
    local->blocks->ops->remove(local->blocks, STORE_FAMILY_META, slice_of(key, sizeof(key)));
    local->has_changes = true;
    return ERR_OK;
}

enum err store_sweep_step(struct store_local *local, uint32_t rows)
{
    struct store_sweep *const sweep = &local->sweep;
    struct store_head_device *device = NULL;
    enum err err = sweep->has_job ? ERR_OK : begin_job(local);
    if (err == ERR_OK && sweep->has_job) {
        err = load_row(local, &device);
    }
    if (err == ERR_EXHAUSTED) {
        sweep->is_pending = sweep->has_job = false;
        sweep->is_blocked = true;
        return ERR_OK;
    }
    if (err != ERR_OK || !sweep->has_job) {
        return err;
    }
    if (local->row.is_purged != sweep->is_purge) {
        sweep->has_job = false; // purged meanwhile: begin again
        return ERR_OK;
    }
    struct store_scan *const scan =
        local->blocks->ops->scan_open(local->blocks, STORE_FAMILY_SERIES, STORE_SCAN_ONCE);
    bool has_more = true;
    store_days_seek(&sweep->days, local->blocks, scan);
    while (has_more && rows > 0) {
        has_more = walk(local, scan, &rows, &err);
    }
    local->blocks->ops->scan_close(scan);
    return err == ERR_OK && !has_more ? end_job(local, device) : err;
}
