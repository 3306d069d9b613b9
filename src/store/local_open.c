// Opening the local back end: the version, the key names, and which messages are
// remembered. The replay of the journal comes next (local_replay.c).
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

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
