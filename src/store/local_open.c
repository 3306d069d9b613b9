// Opening the local back end: the version, the key names, and the replay of the journal. What is
// replayed is bounded by the journal, never by the data; readings that are in blocks already are
// told by their sequence.
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "plat/clock.h"
#include "store/local_priv.h"

#define LAYOUT_VERSION 3U

static enum err say(char message[256], enum err err, const char *text)
{
    (void)snprintf(message, 256, "%s", text);
    return err;
}

// The version.

// Brings an older layout forward, one version at a time; step n makes version n + 1 of n. A step is
// one batch, or can be done again after it was interrupted.
typedef enum err migrate_fn(struct store_local *local);

static void copy_traces(struct store_local *local, struct store_journal_row *row)
{
    store_traces_begin(&local->traces);
    for (uint32_t i = 0; i < row->record_count && !row->records.bad; i++) {
        struct store_journal_record record;
        store_journal_next(row, &record);
        for (uint32_t r = 0; r < record.reading_count && !row->records.bad; r++) {
            const struct store_reading reading = store_reading_get(&row->records);
            store_reading_skip_points(&row->records, reading.point_count);
        }
        if (record.has_trace) {
            store_traces_add(&local->traces, &record.trace);
        }
    }
    store_traces_put(&local->traces, local->blocks, row->at);
}

// Version 1 kept the traces in the journal, and lost them with it.
static enum err migrate_traces(struct store_local *local)
{
    const struct store_blocks_ops *const ops = local->blocks->ops;
    struct store_scan *const scan =
        ops->scan_open(local->blocks, STORE_FAMILY_JOURNAL, STORE_SCAN_ONCE);
    const uint8_t least = 0;
    enum err err = ERR_OK;
    ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&least, 1));
    while (err == ERR_OK && scan->is_valid) {
        struct store_journal_row row;
        err = store_journal_open(scan->value, &row);
        if (err == ERR_OK) {
            copy_traces(local, &row);
            ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
        }
    }
    err = err == ERR_OK ? scan->err : err;
    ops->scan_close(scan);
    return err == ERR_OK ? ops->write(local->blocks) : err;
}

// Version 2 knew no arrivals and had no rows for expiries; what it wrote is right without.
static enum err migrate_lives(struct store_local *local)
{
    (void)local;
    return ERR_OK;
}

static migrate_fn *const migrations[] = {
    NULL, // there is nothing before version 1
    migrate_traces,
    migrate_lives,
};

static_assert(sizeof(migrations) / sizeof(migrations[0]) == LAYOUT_VERSION,
              "every version but the last has a way forward");

static enum err write_version(struct store_local *local)
{
    const uint8_t key = STORE_META_VERSION;
    uint8_t value[8];
    store_wire_put_u64(value, LAYOUT_VERSION);
    local->blocks->ops->put(local->blocks, STORE_FAMILY_META, slice_of(&key, 1),
                            slice_of(value, sizeof(value)));
    return local->blocks->ops->write(local->blocks);
}

static bool is_empty(struct store_local *local)
{
    bool is_empty = true;
    for (unsigned family = 0; family < STORE_FAMILY_COUNT; family++) {
        const uint8_t least = 0;
        struct store_scan *const scan = local->blocks->ops->scan_open(
            local->blocks, (enum store_family)family, STORE_SCAN_ONCE);
        local->blocks->ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&least, 1));
        is_empty = is_empty && !scan->is_valid && scan->err == ERR_OK;
        local->blocks->ops->scan_close(scan);
    }
    return is_empty;
}

static enum err check_version(struct store_local *local, char message[256])
{
    const uint8_t key = STORE_META_VERSION;
    const enum err err =
        local->blocks->ops->get(local->blocks, STORE_FAMILY_META, slice_of(&key, 1), &local->value);
    if (err == ERR_NOT_FOUND) {
        return is_empty(local) ? write_version(local)
                               : say(message, ERR_CORRUPT, "device data without a version");
    }
    if (err != ERR_OK) {
        return say(message, err, "the version of the device data cannot be read");
    }
    struct store_wire wire = store_wire_over(store_bytes_view(&local->value));
    const uint64_t version = store_wire_get_u64(&wire);
    if (wire.bad || version == 0) {
        return say(message, ERR_CORRUPT, "the version of the device data is damaged");
    }
    if (version > LAYOUT_VERSION) {
        (void)snprintf(message, 256, "device data of version %llu; this program knows up to %u",
                       (unsigned long long)version, LAYOUT_VERSION);
        return ERR_NEWER_VERSION;
    }
    for (uint64_t at = version; at < LAYOUT_VERSION; at++) {
        const enum err migrated = migrations[at](local);
        if (migrated != ERR_OK) {
            return say(message, migrated, "the device data cannot be brought to this version");
        }
    }
    return version == LAYOUT_VERSION ? ERR_OK : write_version(local);
}

// The key names.

static enum err load_name(struct store_local *local, const struct store_scan *scan)
{
    struct store_wire key = store_wire_over(scan->key);
    struct store_wire value = store_wire_over(scan->value);
    uint32_t number = 0;
    (void)store_wire_get_u8(&key);
    for (int i = 0; i < 4; i++) {
        number = number << 8 | store_wire_get_u8(&key);
    }
    const uint64_t tenant = store_wire_get_varint(&value);
    // Numbers have no gaps, so each must be the next one.
    if (key.bad || value.bad || number != local->dictionary.count + 1) {
        return ERR_CORRUPT;
    }
    store_dictionary_add(&local->dictionary, tenant, slice_of(value.at, store_wire_left(&value)));
    return ERR_OK;
}

static enum err load_names(struct store_local *local, char message[256])
{
    const struct store_blocks_ops *const ops = local->blocks->ops;
    const uint8_t from = STORE_META_KEY_NAME;
    struct store_scan *const scan =
        ops->scan_open(local->blocks, STORE_FAMILY_META, STORE_SCAN_ONCE);
    enum err err = ERR_OK;
    ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&from, 1));
    while (err == ERR_OK && scan->is_valid && scan->key.ptr[0] == STORE_META_KEY_NAME) {
        err = load_name(local, scan);
        ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
    }
    err = err == ERR_OK ? scan->err : err;
    ops->scan_close(scan);
    local->names_durable = local->dictionary.count;
    return err == ERR_OK ? ERR_OK : say(message, err, "the list of key names is damaged");
}

// The replay.

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

static enum err need_with_relief(struct store_local *local, uint64_t number, uint64_t tenant,
                                 struct store_head_device **device)
{
    enum err err = store_local_need(local, number, tenant, device);
    if (err == ERR_EXHAUSTED) {
        err = relieve(local);
        if (err == ERR_OK) {
            err = store_local_need(local, number, tenant, device);
        }
    }
    return err;
}

static enum err append_with_relief(struct store_local *local, struct store_head_device *device,
                                   struct slice bytes)
{
    if (!store_head_append(&local->head, device, bytes, 1)) {
        const uint64_t number = device->number;
        const enum err err = relieve(local);
        if (err != ERR_OK) {
            return err;
        }
        // Settled, it may have been dropped.
        const enum err needed = store_local_need(local, number, device->tenant, &device);
        if (needed != ERR_OK) {
            return needed;
        }
        if (!store_head_append(&local->head, device, bytes, 1)) {
            return ERR_EXHAUSTED;
        }
    }
    store_local_touch(local, device, plat_clock_mono());
    local->touched_count = 0;
    device->is_touched = false;
    device->published = device->readings.len;
    return ERR_OK;
}

static void replay_keys(struct store_local *local, struct store_head_device *device,
                        struct slice points, uint32_t count)
{
    struct store_wire wire = store_wire_over(points);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t key = (uint32_t)store_wire_get_varint(&wire);
        (void)store_wire_get_value_bytes(&wire);
        if (store_head_find_key(device, key) == UINT32_MAX) {
            store_head_add_key(&local->head, device, key);
        }
    }
}

static enum err replay_reading(struct store_local *local, uint64_t number, uint64_t tenant,
                               struct store_wire *wire)
{
    const uint8_t *const start = wire->at;
    const struct store_reading reading = store_reading_get(wire);
    const uint8_t *const points = wire->at;
    store_reading_skip_points(wire, reading.point_count);
    if (wire->bad || reading.sequence < local->sequence) {
        return ERR_CORRUPT;
    }
    struct store_head_device *device = NULL;
    local->sequence = reading.sequence; // a seal on the way covers what is before this reading
    enum err err = need_with_relief(local, number, tenant, &device);
    local->sequence = reading.sequence + 1;
    if (err != ERR_OK || device->is_purged || reading.sequence <= device->sealed_through) {
        return err;
    }
    replay_keys(local, device, slice_of(points, (size_t)(wire->at - points)), reading.point_count);
    local->sequence = reading.sequence;
    err = append_with_relief(local, device, slice_of(start, (size_t)(wire->at - start)));
    local->sequence = reading.sequence + 1;
    return err;
}

static enum err replay_record(struct store_local *local, struct store_journal_row *row)
{
    struct store_journal_record record;
    enum err err = ERR_OK;
    store_journal_next(row, &record);
    for (uint32_t i = 0; i < record.reading_count && err == ERR_OK; i++) {
        err = replay_reading(local, record.device, record.tenant, &row->records);
    }
    struct store_head_device *device = store_head_find(&local->head, record.device);
    if (device != NULL && record.has_stamp &&
        (!device->has_stamp || record.stamp_ms > device->stamp_ms)) {
        device->has_stamp = true;
        device->stamp_ms = record.stamp_ms;
    }
    return row->records.bad ? ERR_CORRUPT : err;
}

static enum err replay_row(struct store_local *local, const struct store_scan *scan, bool is_first)
{
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
    local->sequence = row.sequence_first;
    for (uint32_t i = 0; i < row.record_count && err == ERR_OK; i++) {
        err = replay_record(local, &row);
    }
    local->journal_number = row.number + 1;
    local->sequence = row.sequence_next;
    local->journal_last = local->journal_offset;
    local->journal_offset += scan->value.len;
    return err;
}

static enum err replay(struct store_local *local, char message[256])
{
    const struct store_blocks_ops *const ops = local->blocks->ops;
    struct store_scan *const scan =
        ops->scan_open(local->blocks, STORE_FAMILY_JOURNAL, STORE_SCAN_ONCE);
    const uint8_t least = 0;
    enum err err = ERR_OK;
    uint64_t rows = 0;
    ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&least, 1));
    for (; err == ERR_OK && scan->is_valid; rows++) {
        err = replay_row(local, scan, rows == 0);
        if (err == ERR_OK) {
            ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
        }
    }
    err = err == ERR_OK ? scan->err : err;
    ops->scan_close(scan);
    if (err != ERR_OK) {
        (void)snprintf(message, 256, "row %llu of the journal cannot be replayed: %s",
                       (unsigned long long)(local->journal_first + (rows > 0 ? rows - 1 : 0)),
                       err_text(err));
        return err;
    }
    LOG(LOG_INFO, "store.replayed", LOG_INT("rows", rows), LOG_INT("bytes", local->journal_offset),
        LOG_INT("devices", local->head.taken));
    return ERR_OK;
}

static enum err load_traces(struct store_local *local, char message[256])
{
    const enum err err =
        store_traces_load(&local->traces, local->blocks, plat_clock_wall(), plat_clock_mono());
    return err == ERR_OK ? ERR_OK : say(message, err, "the list of messages is damaged");
}

// Opening and closing.

enum err store_local_open_on(struct store_blocks *owned_blocks, const struct store_limits *limits,
                             struct store **store, char message[256])
{
    *store = NULL;
    struct store_local *const local = calloc(1, sizeof(*local));
    ASSERT(local != NULL);
    local->blocks = owned_blocks;
    local->limits = *limits;
    local->sequence = local->journal_number = local->journal_first = 1;
    local->sweep.is_pending = true;
    local->expiry.due = store_expiry_first(limits, plat_clock_mono());
    store_head_init(&local->head, limits->head_bytes_max);
    store_dictionary_init(&local->dictionary);
    store_sealer_init(&local->sealer);
    store_row_init(&local->row);
    store_traces_init(&local->traces, limits);
    enum err err = check_version(local, message);
    if (err == ERR_OK) {
        err = load_names(local, message);
    }
    if (err == ERR_OK) {
        err = replay(local, message);
    }
    if (err == ERR_OK) {
        err = load_traces(local, message);
    }
    if (err != ERR_OK) {
        store_local_close(local);
        return err;
    }
    return store_writer_create(&store_local_ops, local, limits, store);
}

void store_local_close(void *backend)
{
    struct store_local *const local = backend;
    local->blocks->ops->close(local->blocks);
    store_head_deinit(&local->head);
    store_dictionary_deinit(&local->dictionary);
    store_sealer_deinit(&local->sealer);
    store_row_deinit(&local->row);
    store_traces_deinit(&local->traces);
    store_bytes_deinit(&local->journal);
    store_bytes_deinit(&local->rows_made);
    store_bytes_deinit(&local->row_bytes);
    store_bytes_deinit(&local->stream);
    store_bytes_deinit(&local->value);
    free(local->touched);
    free(local->settled);
    free(local->keys_made);
    free(local);
}
