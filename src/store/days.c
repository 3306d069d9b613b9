#include "store/days.h"

static void set_position(struct store_days *days, int64_t day, int64_t first_ms, uint64_t sequence)
{
    const struct store_series_key key = {day, days->device, first_ms, sequence};
    store_series_key_put(days->position, &key);
}

void store_days_begin(struct store_days *days, uint64_t device, int64_t first_day, int64_t last_day)
{
    days->device = device;
    days->last_day = last_day;
    set_position(days, first_day, INT64_MIN, 0);
}

void store_days_seek(const struct store_days *days, struct store_blocks *blocks,
                     struct store_scan *scan)
{
    blocks->ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(days->position, STORE_SERIES_KEY));
}

enum err store_days_look(struct store_days *days, struct store_blocks *blocks,
                         struct store_scan *scan, enum store_days_at *place,
                         struct store_series_key *at)
{
    *place = STORE_DAYS_END;
    if (!scan->is_valid) {
        return scan->err;
    }
    if (!store_series_key_get(scan->key, at)) {
        return ERR_CORRUPT;
    }
    const bool is_behind = at->device > days->device;
    if (at->day > days->last_day || (is_behind && at->day == days->last_day)) {
        return ERR_OK;
    }
    *place = STORE_DAYS_BLOCK;
    if (at->device != days->device) {
        *place = STORE_DAYS_BETWEEN;
        set_position(days, at->day + is_behind, INT64_MIN, 0);
        store_days_seek(days, blocks, scan);
    }
    return ERR_OK;
}

void store_days_next(struct store_days *days, struct store_blocks *blocks, struct store_scan *scan,
                     const struct store_series_key *at)
{
    set_position(days, at->day, at->first_ms, at->sequence + 1);
    blocks->ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
}

bool store_days_skip(struct store_days *days, struct store_blocks *blocks, struct store_scan *scan,
                     int64_t day)
{
    if (day == days->last_day) {
        return false;
    }
    set_position(days, day + 1, INT64_MIN, 0);
    store_days_seek(days, blocks, scan);
    return true;
}
