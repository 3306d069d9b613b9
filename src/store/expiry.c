// The search for what has expired, so that its space comes back. Reads never wait for it.
//
// Blocks whose readings expire by themselves are listed by the hour in which there is something to
// do (seal.h). Readings that live by profile are found by their devices: the row knows the first
// day on which there are any, so a device that has nothing old costs the reading of its row. Blocks
// of a device come in the order of their first time, so the walk ends at the first one that holds a
// reading which lives on; days that are still to come are walked by themselves, since the life of
// what lies there counts from its arrival.
//
// Only what expired one round ago goes: a wall clock that was wrong for less loses nothing.
#include "base/log.h"
#include "store/local_priv.h"

#define STEP_ROWS 128U
#define STEP_PAUSE_MS 10U
#define FIRST_AFTER_S 60U
#define DAY_MS INT64_C(86400000)

struct mono store_expiry_first(const struct store_limits *limits, struct mono now)
{
    const uint64_t most_ns = span_s(FIRST_AFTER_S).ns;
    const uint64_t ns = limits->expiry_every.ns;
    return ns == 0 ? MONO_NEVER : mono_add(now, (struct span){ns < most_ns ? ns : most_ns});
}

static int64_t day_start(int64_t day)
{
    return day <= INT64_MIN / DAY_MS ? INT64_MIN : day * DAY_MS;
}

// What became of the readings of a block.
struct tally {
    uint32_t over;
    uint32_t living_by_profile;
    uint32_t own_count; // expire by themselves
    uint32_t own_over;
    int64_t own_ms[STORE_BLOCK_READINGS_MAX];
};

static enum err count_readings(const struct store_block *block, const struct store_rewrite *what,
                               struct tally *tally)
{
    struct store_frame frame;
    const enum err err = store_block_frame(block, &frame);
    *tally = (struct tally){.over = 0};
    for (uint32_t i = 0; err == ERR_OK && i < block->reading_count; i++) {
        const struct store_reading reading = store_frame_reading(&frame, i);
        const bool is_own = reading.expires_ms != 0;
        const bool is_over = store_reading_is_over(&reading, what->life_ms, what->now);
        tally->over += is_over;
        tally->living_by_profile += !is_own && !is_over;
        tally->own_over += is_own && is_over;
        if (is_own) {
            tally->own_ms[tally->own_count++] = reading.expires_ms;
        }
    }
    return err;
}

// A block that cannot be read stays as it is: its device alone is harmed, and says so when read.
static enum err forgive(uint64_t device, enum err err)
{
    if (err == ERR_CORRUPT) {
        LOG(LOG_WARN, "store.block-damaged", LOG_INT("device", device));
        return ERR_OK;
    }
    return err;
}

// Blocks that are listed.

static enum err expire_listed(struct store_local *local, struct slice key, struct wall now)
{
    const struct store_rewrite what = {.now = now};
    struct store_series_key parts;
    struct store_block block;
    struct tally tally;
    enum err err = local->blocks->ops->get(local->blocks, STORE_FAMILY_SERIES, key, &local->stream);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    if (!store_series_key_get(key, &parts)) {
        return ERR_CORRUPT;
    }
    err = store_block_open(store_bytes_view(&local->stream), parts.first_ms, &block);
    err = err == ERR_OK ? count_readings(&block, &what, &tally) : err;
    if (err != ERR_OK || tally.own_count == 0) {
        return forgive(parts.device, err);
    }
    if (2 * tally.own_over < tally.own_count) {
        store_seal_put_expiry(local->blocks, key.ptr, tally.own_ms, tally.own_count);
        return ERR_OK;
    }
    metric_add(&local->expired, tally.over);
    return store_rewrite_block(local, parts.device, key, &block, &what);
}

static enum err expire_index(struct store_local *local, struct wall now, uint32_t *rows)
{
    const struct store_blocks_ops *const ops = local->blocks->ops;
    const uint8_t from = STORE_SEAL_EXPIRY;
    struct store_scan *const scan =
        ops->scan_open(local->blocks, STORE_FAMILY_META, STORE_SCAN_ONCE);
    struct slice block = SLICE_EMPTY;
    int64_t hour = 0;
    enum err err = ERR_OK;
    bool is_due = true;
    for (ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&from, 1)); err == ERR_OK && *rows > 0;
         ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY)) {
        is_due = scan->is_valid && store_seal_get_expiry(scan->key, &hour, &block) &&
                 hour <= now.ms / STORE_SEAL_HOUR_MS;
        if (!is_due) {
            break;
        }
        (*rows)--;
        err = expire_listed(local, block, now);
        ops->remove(local->blocks, STORE_FAMILY_META, scan->key);
        local->has_changes = true;
    }
    err = err == ERR_OK ? scan->err : err;
    ops->scan_close(scan);
    local->expiry.is_past_index = !is_due;
    return err;
}

// Devices.

static void begin_walk(struct store_expiry *expiry, int64_t first_day, int64_t last_day)
{
    expiry->has_job = true;
    expiry->has_kept = false;
    store_days_begin(&expiry->days, expiry->device, first_day, last_day);
}

// Whether the device of this row has anything to do; begins with it.
static void consider(struct store_local *local, const struct store_row *row, struct wall now)
{
    struct store_expiry *const expiry = &local->expiry;
    const int64_t today = wall_day(now);
    const struct store_reading oldest = {.time_ms = day_start(row->profile_day)};
    expiry->life_ms = row->has_blocks && !row->is_purged
                          ? store_lives_ms(local->lives, row->tenant, expiry->device)
                          : 0;
    if (expiry->life_ms == 0) {
        return;
    }
    expiry->first_day = row->first_day;
    expiry->profile_day = row->profile_day;
    expiry->last_day = row->last_day;
    expiry->sealed_through = row->sealed_through;
    expiry->is_ahead = !store_reading_is_over(&oldest, expiry->life_ms, now);
    if (!expiry->is_ahead) {
        begin_walk(expiry, row->profile_day, row->last_day < today ? row->last_day : today);
    } else if (row->last_day > today) {
        begin_walk(expiry, today + 1, row->last_day);
    }
}

static enum err find_device(struct store_local *local, struct wall now, uint32_t *rows)
{
    struct store_expiry *const expiry = &local->expiry;
    const struct store_blocks_ops *const ops = local->blocks->ops;
    uint8_t from[STORE_DEVICE_KEY];
    store_wire_put_u64(from, expiry->device + 1);
    struct store_scan *const scan =
        ops->scan_open(local->blocks, STORE_FAMILY_DEVICES, STORE_SCAN_ONCE);
    ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(from, sizeof(from)));
    for (; scan->is_valid && *rows > 0 && !expiry->has_job; (*rows)--) {
        struct store_wire wire = store_wire_over(scan->key);
        expiry->device = store_wire_get_u64(&wire);
        if (store_row_decode(scan->value, &local->row) == ERR_OK) {
            consider(local, &local->row, now);
        }
        ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
    }
    expiry->is_running = scan->is_valid || expiry->has_job;
    const enum err err = scan->err;
    ops->scan_close(scan);
    return err;
}

static void note_kept(struct store_expiry *expiry, int64_t day)
{
    expiry->kept_day = expiry->has_kept ? expiry->kept_day : day;
    expiry->has_kept = true;
}

// The block on which the scan stands; `lives` says that a reading of it lives on by profile.
static enum err expire_block(struct store_local *local, const struct store_scan *scan,
                             const struct store_series_key *at, struct wall now, bool *lives)
{
    struct store_expiry *const expiry = &local->expiry;
    const struct store_rewrite what = {.life_ms = expiry->life_ms, .now = now};
    struct store_block block;
    struct tally tally;
    enum err err = store_block_open(scan->value, at->first_ms, &block);
    err = err == ERR_OK ? count_readings(&block, &what, &tally) : err;
    if (err != ERR_OK) {
        note_kept(expiry, at->day);
        return forgive(at->device, err);
    }
    *lives = tally.living_by_profile > 0;
    const bool is_all = tally.over == block.reading_count;
    if (!is_all) {
        note_kept(expiry, at->day);
    }
    if (is_all) {
        store_rewrite_remove(local, scan->key);
    } else if (!*lives && 2 * tally.over >= block.reading_count) {
        err = store_rewrite_block(local, at->device, scan->key, &block, &what);
    } else {
        tally.over = 0;
    }
    metric_add(&local->expired, tally.over);
    return err;
}

// Readers need not look at days any more that hold nothing. If anything of the device was sealed
// meanwhile, it may be as old; then the next round does it.
static enum err forget_days(struct store_local *local, int64_t profile_day)
{
    const struct store_expiry *const expiry = &local->expiry;
    const bool is_from_first = expiry->profile_day == expiry->first_day;
    const int64_t kept_day = expiry->has_kept ? expiry->kept_day : profile_day;
    const int64_t first_day = !is_from_first                ? expiry->first_day
                              : kept_day > expiry->last_day ? expiry->last_day
                                                            : kept_day;
    const struct store_local_change change = {
        .is_aged = true, .first_day = first_day, .profile_day = profile_day};
    struct store_head_device *device = NULL;
    if (first_day == expiry->first_day && profile_day == expiry->profile_day) {
        return ERR_OK;
    }
    const enum err err = store_local_need(local, expiry->device, 0, &device);
    if (err != ERR_OK) {
        return err == ERR_IO ? err : ERR_OK;
    }
    return device->sealed_through == expiry->sealed_through && !device->is_settled
               ? store_local_settle(local, device, &change)
               : ERR_OK;
}

static enum err end_walk(struct store_local *local, bool lives, int64_t day, struct wall now)
{
    struct store_expiry *const expiry = &local->expiry;
    const int64_t today = wall_day(now);
    expiry->has_job = false;
    if (expiry->is_ahead) {
        return ERR_OK;
    }
    const enum err err = forget_days(local, lives ? day : expiry->days.last_day + 1);
    if (expiry->last_day > today) {
        expiry->is_ahead = true;
        begin_walk(expiry, today + 1, expiry->last_day);
    }
    return err;
}

static enum err walk_device(struct store_local *local, struct wall now, uint32_t *rows)
{
    struct store_days *const days = &local->expiry.days;
    struct store_scan *const scan =
        local->blocks->ops->scan_open(local->blocks, STORE_FAMILY_SERIES, STORE_SCAN_ONCE);
    enum store_days_at place = STORE_DAYS_BETWEEN;
    struct store_series_key at = {0};
    enum err err = ERR_OK;
    bool lives = false;
    store_days_seek(days, local->blocks, scan);
    for (; *rows > 0 && !lives && place != STORE_DAYS_END && err == ERR_OK; (*rows)--) {
        err = store_days_look(days, local->blocks, scan, &place, &at);
        if (err == ERR_OK && place == STORE_DAYS_BLOCK) {
            err = expire_block(local, scan, &at, now, &lives);
            store_days_next(days, local->blocks, scan, &at);
        }
    }
    local->blocks->ops->scan_close(scan);
    const bool is_over = lives || place == STORE_DAYS_END;
    return err == ERR_OK && is_over ? end_walk(local, lives, at.day, now) : err;
}

enum err store_expiry_step(struct store_local *local, struct store_now now)
{
    struct store_expiry *const expiry = &local->expiry;
    const struct span every = local->limits.expiry_every;
    const struct wall before = {now.wall.ms - (int64_t)(every.ns / 1000000)};
    uint32_t rows = STEP_ROWS;
    enum err err = ERR_OK;
    if (!expiry->is_running) {
        *expiry = (struct store_expiry){.is_running = true};
    }
    if (!expiry->is_past_index) {
        err = expire_index(local, before, &rows);
        rows = 0; // what is in the batch now, no scan would see
    }
    while (err == ERR_OK && rows > 0 && expiry->is_running) {
        err =
            expiry->has_job ? walk_device(local, before, &rows) : find_device(local, before, &rows);
    }
    expiry->due = mono_add(now.mono, expiry->is_running ? span_ms(STEP_PAUSE_MS) : every);
    return err;
}
