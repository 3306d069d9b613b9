// The replay of the journal into the head. It is bounded by the journal, never by the data;
// readings that are in blocks already are told by their sequence.
//
// A row is taken apart first, then its readings are put to their devices. Those lie anywhere in the
// head, so each is looked for some readings ahead.
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "plat/clock.h"
#include "store/local_priv.h"

// Readings between two steps towards the memory of a device.
#define AHEAD 8U

struct replayed {
    uint64_t device;
    uint64_t tenant;
    uint64_t sequence;
    struct slice bytes;  // as they go into the head
    struct slice points; // the part of them that has the points
    uint32_t point_count;
    bool has_stamp; // the last one of a record for which the server assigned a time
    int64_t stamp_ms;
};

struct replay {
    struct store_local *local;
    struct mono now;
    struct replayed *readings; // of one row
    uint32_t count;
    uint32_t cap;
};

// Taking a row apart.

static void take_reading(struct replay *replay, const struct store_journal_record *record,
                         struct store_wire *wire)
{
    const uint8_t *const start = wire->at;
    const struct store_reading reading = store_reading_get(wire);
    const uint8_t *const points = wire->at;
    store_reading_skip_points(wire, reading.point_count);
    replay->readings = store_array_room(replay->readings, &replay->cap, replay->count + 1,
                                        sizeof(*replay->readings));
    replay->readings[replay->count++] = (struct replayed){
        .device = record->device,
        .tenant = record->tenant,
        .sequence = reading.sequence,
        .bytes = slice_of(start, (size_t)(wire->at - start)),
        .points = slice_of(points, (size_t)(wire->at - points)),
        .point_count = reading.point_count,
    };
}

static enum err take_record(struct replay *replay, struct store_journal_row *row)
{
    struct store_journal_record record;
    store_journal_next(row, &record);
    for (uint32_t i = 0; i < record.reading_count && !row->records.bad; i++) {
        take_reading(replay, &record, &row->records);
    }
    if (row->records.bad) {
        return ERR_CORRUPT;
    }
    if (record.has_stamp && record.reading_count > 0) {
        struct replayed *const last = &replay->readings[replay->count - 1];
        last->has_stamp = true;
        last->stamp_ms = record.stamp_ms;
    }
    return ERR_OK;
}

static enum err take_row(struct replay *replay, struct store_journal_row *row)
{
    uint64_t sequence = row->sequence_first;
    enum err err = ERR_OK;
    replay->count = 0;
    for (uint32_t i = 0; i < row->record_count && err == ERR_OK; i++) {
        err = take_record(replay, row);
    }
    for (uint32_t i = 0; i < replay->count && err == ERR_OK; i++) {
        err = replay->readings[i].sequence < sequence ? ERR_CORRUPT : ERR_OK;
        sequence = replay->readings[i].sequence + 1;
    }
    return err;
}

// Putting its readings to their devices.

// Makes room in a head that is smaller than it was: everything old goes to blocks.
static bool is_due(const struct store_local *local, const struct store_head_device *oldest,
                   struct mono now)
{
    (void)local;
    (void)oldest;
    (void)now;
    return true;
}

static enum err relieve(struct store_local *local)
{
    store_local_begin(local, (struct store_now){.mono = plat_clock_mono()});
    const enum err err = store_local_settle_oldest(local, UINT32_MAX, (struct mono){0}, is_due);
    return err == ERR_OK ? store_local_end(local) : err;
}

static enum err need_with_relief(struct store_local *local, const struct replayed *reading,
                                 struct store_head_device **device)
{
    enum err err = store_local_need(local, reading->device, reading->tenant, device);
    if (err == ERR_EXHAUSTED) {
        err = relieve(local);
        if (err == ERR_OK) {
            err = store_local_need(local, reading->device, reading->tenant, device);
        }
    }
    return err;
}

static enum err append_with_relief(struct store_local *local, const struct replayed *reading,
                                   struct store_head_device **device)
{
    if (store_head_append(&local->head, *device, reading->bytes, 1)) {
        return ERR_OK;
    }
    enum err err = relieve(local);
    if (err == ERR_OK) {
        // Settled, it may have been dropped.
        err = store_local_need(local, reading->device, reading->tenant, device);
    }
    if (err == ERR_OK && !store_head_append(&local->head, *device, reading->bytes, 1)) {
        err = ERR_EXHAUSTED;
    }
    return err;
}

static void add_keys(struct store_local *local, struct store_head_device *device,
                     const struct replayed *reading)
{
    struct store_wire wire = store_wire_over(reading->points);
    device->key_cursor = 0;
    for (uint32_t i = 0; i < reading->point_count; i++) {
        const uint32_t key = (uint32_t)store_wire_get_varint(&wire);
        (void)store_wire_get_value_bytes(&wire);
        if (store_head_find_key(device, key) == UINT32_MAX) {
            store_head_add_key(&local->head, device, key);
        }
    }
}

static enum err append(struct replay *replay, const struct replayed *reading,
                       struct store_head_device **device)
{
    struct store_local *const local = replay->local;
    const enum err err = append_with_relief(local, reading, device);
    if (err != ERR_OK) {
        return err;
    }
    add_keys(local, *device, reading);
    store_local_touch(local, *device, replay->now);
    local->touched_count = 0;
    (*device)->is_touched = false;
    (*device)->published = (*device)->readings.len;
    return ERR_OK;
}

static enum err put_reading(struct replay *replay, const struct replayed *reading)
{
    struct store_local *const local = replay->local;
    struct store_head_device *device = NULL;
    local->sequence = reading->sequence; // a seal on the way covers what is before this reading
    enum err err = need_with_relief(local, reading, &device);
    if (err == ERR_OK && !device->is_purged && reading->sequence > device->sealed_through) {
        err = append(replay, reading, &device);
    }
    if (err == ERR_OK && reading->has_stamp &&
        (!device->has_stamp || reading->stamp_ms > device->stamp_ms)) {
        device->has_stamp = true;
        device->stamp_ms = reading->stamp_ms;
    }
    local->sequence = reading->sequence + 1;
    return err;
}

static enum err put_readings(struct replay *replay)
{
    const struct store_head *const head = &replay->local->head;
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < replay->count + 3 * AHEAD && err == ERR_OK; i++) {
        if (i < replay->count) {
            store_head_expect(head, replay->readings[i].device, STORE_HEAD_PLACE);
        }
        if (i >= AHEAD && i - AHEAD < replay->count) {
            store_head_expect(head, replay->readings[i - AHEAD].device, STORE_HEAD_DEVICE);
        }
        if (i >= 2 * AHEAD && i - 2 * AHEAD < replay->count) {
            store_head_expect(head, replay->readings[i - 2 * AHEAD].device, STORE_HEAD_TAIL);
        }
        if (i >= 3 * AHEAD) {
            err = put_reading(replay, &replay->readings[i - 3 * AHEAD]);
        }
    }
    return err;
}

// The rows.

static enum err replay_row(struct replay *replay, const struct store_scan *scan, bool is_first)
{
    struct store_local *const local = replay->local;
    struct store_journal_row row;
    enum err err = store_journal_open(scan->value, &row);
    struct store_wire key = store_wire_over(scan->key);
    if (err != ERR_OK) {
        return err;
    }
    if (store_wire_get_u64(&key) != row.number ||
        (!is_first &&
         (row.number != local->journal_number || row.sequence_first != local->sequence))) {
        return ERR_CORRUPT;
    }
    if (is_first) {
        local->journal_first = row.number;
    }
    local->journal_number = row.number;
    replay->now = plat_clock_mono();
    err = take_row(replay, &row);
    err = err == ERR_OK ? put_readings(replay) : err;
    local->journal_number = row.number + 1;
    local->sequence = row.sequence_next;
    local->journal_last = local->journal_offset;
    local->journal_offset += scan->value.len;
    return err;
}

static enum err replay_rows(struct replay *replay, uint64_t *rows)
{
    struct store_blocks *const blocks = replay->local->blocks;
    struct store_scan *const scan =
        blocks->ops->scan_open(blocks, STORE_FAMILY_JOURNAL, STORE_SCAN_ONCE);
    const uint8_t least = 0;
    enum err err = ERR_OK;
    blocks->ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&least, 1));
    for (*rows = 0; err == ERR_OK && scan->is_valid; ++*rows) {
        err = replay_row(replay, scan, *rows == 0);
        if (err == ERR_OK) {
            blocks->ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
        }
    }
    err = err == ERR_OK ? scan->err : err;
    blocks->ops->scan_close(scan);
    return err;
}

enum err store_local_replay(void *backend, char message[256])
{
    struct store_local *const local = backend;
    struct replay replay = {.local = local};
    uint64_t rows = 0;
    const enum err err = replay_rows(&replay, &rows);
    free(replay.readings);
    if (err != ERR_OK) {
        (void)snprintf(message, 256, "row %llu of the journal cannot be replayed: %s",
                       (unsigned long long)(local->journal_first + (rows > 0 ? rows - 1 : 0)),
                       err_text(err));
        return err;
    }
    local->blocks->ops->write_recovered(local->blocks);
    LOG(LOG_INFO, "store.replayed", LOG_INT("rows", rows), LOG_INT("bytes", local->journal_offset),
        LOG_INT("devices", local->head.taken));
    return ERR_OK;
}
