// The local back end: staging a group, settling what is due, one write. See local_priv.h.
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "store/local_priv.h"

// Settled in one commit because they have enough readings. On average every 64th record makes one.
#define COMMIT_SEALS_MAX 64U
// Settled in one commit because the journal or the head is full: more than may have come in.
#define COMMIT_RELIEF(records) (2U * (records) + 64U)
#define TICK_SEALS_MAX 256U
#define COMMIT_SWEEP_ROWS 16U
#define TICK_SWEEP_ROWS 128U
// A delete that finds its device full of markers carries them out at once, up to this much work.
#define DELETE_SWEEP_STEPS 64U

// Devices come into the head.

static enum err read_row(struct store_local *local, uint64_t number)
{
    uint8_t key[STORE_DEVICE_KEY];
    store_wire_put_u64(key, number);
    local->row_bytes.len = 0;
    const enum err err = local->blocks->ops->get(local->blocks, STORE_FAMILY_DEVICES,
                                                 slice_of(key, sizeof(key)), &local->row_bytes);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return err;
    }
    return store_row_decode(store_bytes_view(&local->row_bytes), &local->row);
}

static void adopt_row(struct store_local *local, struct store_head_device *device)
{
    const struct store_row *const row = &local->row;
    device->has_stamp = row->has_stamp;
    device->stamp_ms = row->stamp_ms;
    device->is_purged = row->is_purged;
    device->marker_count = row->marker_count;
    device->sealed_through = row->sealed_through;
    // Spread, so that devices that began together do not all seal in one commit.
    device->seal_at = STORE_SEAL_READINGS / 2 +
                      (uint32_t)(hash_word(device->number) % (STORE_SEAL_READINGS / 2)) + 1;
    for (uint32_t i = 0; i < row->key_count; i++) {
        store_head_add_key(&local->head, device, row->keys[i].number);
    }
    device->key_cursor = 0;
}

enum err store_local_need(struct store_local *local, uint64_t number, uint64_t tenant,
                          struct store_head_device **device)
{
    struct store_head *const head = &local->head;
    *device = store_head_find(head, number);
    if (*device != NULL) {
        return ERR_OK;
    }
    const enum err err = read_row(local, number);
    if (err != ERR_OK) {
        return err;
    }
    const bool is_new = local->row_bytes.len == 0;
    plat_rwlock_write(&head->lock);
    struct store_head_device *made =
        store_head_insert(head, number, is_new ? tenant : local->row.tenant);
    if (made != NULL) {
        adopt_row(local, made);
        if (!store_head_set_row(head, made, store_bytes_view(&local->row_bytes))) {
            store_head_drop(head, made);
            made = NULL;
        }
    }
    plat_rwlock_unlock(&head->lock);
    *device = made;
    return made == NULL ? ERR_EXHAUSTED : ERR_OK;
}

// Staging a save.

static uint32_t add_name(struct store_local *local, uint64_t tenant, struct slice name)
{
    const uint32_t keys_max = local->limits.keys_max;
    if (name.len > STORE_KEY_NAME_MAX || (keys_max > 0 && local->dictionary.count >= keys_max) ||
        store_dictionary_tenant_count(&local->dictionary, tenant) >=
            local->limits.keys_per_tenant_max) {
        return 0;
    }
    plat_rwlock_write(&local->head.lock);
    const uint32_t number = store_dictionary_add(&local->dictionary, tenant, name);
    plat_rwlock_unlock(&local->head.lock);
    return number;
}

// The number of a key of the device; 0 when device or tenant have no room for one more.
static uint32_t need_key(struct store_local *local, struct store_head_device *device,
                         struct slice name)
{
    // Devices send the same keys in the same order: compare with the one expected, before hashing.
    if (device->key_cursor < device->key_count) {
        const uint32_t expected = device->keys[device->key_cursor];
        if (slice_equal(store_dictionary_name(&local->dictionary, expected)->name, name)) {
            device->key_cursor++;
            return expected;
        }
    }
    uint32_t number = store_dictionary_find(&local->dictionary, device->tenant, name);
    if (number != 0 && store_head_find_key(device, number) != UINT32_MAX) {
        return number;
    }
    if (device->key_count >= local->limits.keys_per_device_max) {
        return 0;
    }
    if (number == 0) {
        number = add_name(local, device->tenant, name);
    }
    if (number != 0) {
        store_head_add_key(&local->head, device, number);
    }
    return number;
}

static bool stage_points(struct store_local *local, struct store_head_device *device,
                         struct store_wire *body, uint32_t count)
{
    uint8_t *at = local->journal.ptr + local->journal.len;
    device->key_cursor = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t key = need_key(local, device, store_record_next_key(body));
        if (key == 0) {
            return false;
        }
        at = store_wire_put_varint(at, key);
        at = store_wire_put_bytes(at, store_wire_get_value_bytes(body));
    }
    store_bytes_end(&local->journal, at);
    return true;
}

// Appends the readings of the record to the journal row; false when a key has no room.
static bool stage_readings(struct store_local *local, struct store_head_device *device,
                           const struct store_record_view *record, int64_t assigned_ms)
{
    struct store_wire body = store_wire_over(record->body);
    const int64_t expires_ms = store_record_expiry(record);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct store_record_reading given = store_record_next_reading(&body);
        const int64_t time_ms = given.has_time ? given.time_ms : assigned_ms;
        const struct store_reading reading = {
            .series = record->series,
            .latest = record->latest,
            .time_ms = time_ms,
            .sequence = local->sequence + i,
            .expires_ms = expires_ms,
            .arrived_ms = expires_ms == 0 ? store_reading_arrived(time_ms, record->proposed) : 0,
            .point_count = given.point_count,
        };
        uint8_t *const at = local->journal.ptr + local->journal.len;
        store_bytes_end(&local->journal, store_reading_put(at, &reading));
        if (!stage_points(local, device, &body, given.point_count)) {
            return false;
        }
    }
    return true;
}

static bool lacks_a_time(const struct store_record_view *record)
{
    struct store_wire body = store_wire_over(record->body);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct store_record_reading reading = store_record_next_reading(&body);
        if (!reading.has_time) {
            return true;
        }
        for (uint32_t p = 0; p < reading.point_count; p++) {
            (void)store_record_next_key(&body);
            (void)store_wire_get_value_bytes(&body);
        }
    }
    return false;
}

static int64_t assign_time(const struct store_head_device *device, struct wall proposed)
{
    const bool is_taken = device->has_stamp && proposed.ms <= device->stamp_ms;
    return is_taken && device->stamp_ms < INT64_MAX ? device->stamp_ms + 1 : proposed.ms;
}

static void note_trace(struct store_local *local, const struct store_trace *trace)
{
    static const struct store_trace none;
    if (memcmp(trace, &none, sizeof(none)) != 0) {
        store_traces_add(&local->traces, trace);
    }
}

static void put_record_head(struct store_local *local, const struct store_journal_record *record)
{
    uint8_t *const at = local->journal.ptr + local->journal.len;
    store_bytes_end(&local->journal, store_journal_put_record(at, record));
    local->journal_row.record_count++;
}

static struct store_journal_record record_head(const struct store_item *item)
{
    return (struct store_journal_record){.verb = item->record.verb,
                                         .device = item->record.device.number,
                                         .tenant = item->record.tenant.number,
                                         .reading_count = item->record.count};
}

struct mark {
    size_t journal_len;
    uint32_t record_count;
    uint32_t names;
    uint32_t keys;
};

static void unstage(struct store_local *local, struct store_head_device *device, struct mark mark)
{
    local->journal.len = mark.journal_len;
    local->journal_row.record_count = mark.record_count;
    device->key_count = mark.keys;
    if (local->dictionary.count > mark.names) {
        plat_rwlock_write(&local->head.lock);
        store_dictionary_truncate(&local->dictionary, mark.names);
        plat_rwlock_unlock(&local->head.lock);
    }
}

void store_local_touch(struct store_local *local, struct store_head_device *device, struct mono now)
{
    if (!device->is_touched) {
        device->is_touched = true;
        local->touched =
            store_array_room(local->touched, &local->touched_cap, local->touched_count + 1,
                             sizeof(struct store_head_device *));
        local->touched[local->touched_count++] = device;
    }
    if (!device->is_unsealed) {
        store_head_set_unsealed(&local->head, device, true);
        device->journal_number = local->journal_number;
        device->journal_offset = local->journal_offset;
        device->since = now;
    }
    if (device->reading_count >= device->seal_at) {
        store_head_set_ready(&local->head, device, true);
    }
}

static enum err stage_save(struct store_local *local, struct store_head_device *device,
                           struct store_item *item, struct mono now)
{
    const struct store_record_view *const record = &item->record;
    const struct mark mark = {local->journal.len, local->journal_row.record_count,
                              local->dictionary.count, device->key_count};
    // A key number may take more bytes than a short name; all the rest is bounded by the record.
    (void)store_bytes_room(&local->journal,
                           STORE_JOURNAL_RECORD_MAX + record->body.len +
                               (size_t)record->count * STORE_READING_HEAD_MAX +
                               (size_t)record->point_count * STORE_READING_POINT_MAX);
    struct store_journal_record head = record_head(item);
    head.has_stamp = lacks_a_time(record);
    head.stamp_ms = item->time_ms = assign_time(device, record->proposed);
    put_record_head(local, &head);
    const size_t start = local->journal.len;
    if (!stage_readings(local, device, record, item->time_ms)) {
        unstage(local, device, mark);
        return ERR_KEY_LIMIT;
    }
    const struct slice readings = slice_of(local->journal.ptr + start, local->journal.len - start);
    if (!store_head_append(&local->head, device, readings, record->count)) {
        unstage(local, device, mark);
        return ERR_EXHAUSTED;
    }
    local->sequence += record->count;
    if (head.has_stamp) {
        device->has_stamp = true;
        device->stamp_ms = head.stamp_ms;
    }
    store_local_touch(local, device, now);
    return ERR_OK;
}

// Deletes and purges.

static void stage_head(struct store_local *local, const struct store_item *item)
{
    const struct store_journal_record head = record_head(item);
    (void)store_bytes_room(&local->journal, STORE_JOURNAL_RECORD_MAX);
    put_record_head(local, &head);
}

static enum err stage_delete(struct store_local *local, struct store_head_device *device,
                             const struct store_item *item, struct wall now)
{
    const struct store_local_change change = {
        .delete = &item->record, .delete_sequence = local->sequence++, .now = now};
    const enum err err = store_local_settle(local, device, &change);
    // Its sequence is used up in any case, so its head stands in the journal in any case.
    stage_head(local, item);
    return err;
}

static void stage_purge(struct store_local *local, struct store_head_device *device,
                        const struct store_item *item)
{
    local->sequence++;
    store_local_settle_purge(local, device);
    stage_head(local, item);
}

// False when the record has to wait for the next group.
static bool stage(struct store_local *local, struct store_item *item, struct store_now now,
                  bool is_first)
{
    const struct store_record_view *const record = &item->record;
    struct store_head_device *device = NULL;
    if (record->verb == STORE_CHANGE) {
        store_local_change(local, record);
        note_trace(local, &record->trace);
        return true;
    }
    item->err = store_local_need(local, record->device.number, record->tenant.number, &device);
    local->lacks_room = local->lacks_room || item->err == ERR_EXHAUSTED;
    if (item->err != ERR_OK) {
        return true;
    }
    const bool is_marked_full =
        record->verb == STORE_DELETE && device->marker_count == STORE_ROW_MARKERS_MAX;
    if (device->is_settled || (is_marked_full && !is_first)) {
        return false;
    }
    if (record->verb == STORE_PURGE) {
        store_local_purge_state(local, device->number);
    }
    if (device->is_purged) {
        item->err = record->verb == STORE_PURGE ? ERR_OK : ERR_UNAVAILABLE;
        return true;
    }
    switch (record->verb) {
    case STORE_SAVE:
        item->err = stage_save(local, device, item, now.mono);
        local->lacks_room = local->lacks_room || item->err == ERR_EXHAUSTED;
        break;
    case STORE_DELETE:
        item->err = stage_delete(local, device, item, now.wall);
        break;
    case STORE_PURGE:
        stage_purge(local, device, item);
        break;
    case STORE_CHANGE:
        ASSERT(false);
    }
    if (item->err == ERR_OK) {
        note_trace(local, &record->trace);
    }
    return true;
}

// What is due besides the group.

static const struct store_local_change only_seal;

static enum err settle_ready(struct store_local *local)
{
    for (uint32_t n = 0; n < COMMIT_SEALS_MAX; n++) {
        struct store_head_device *const device = store_head_first_ready(&local->head);
        if (device == NULL) {
            break;
        }
        const enum err err = store_local_settle(local, device, &only_seal);
        if (err != ERR_OK) {
            return err;
        }
    }
    return ERR_OK;
}

enum err store_local_settle_oldest(struct store_local *local, uint32_t count, struct mono now,
                                   store_local_due_fn *due)
{
    struct store_head_device *device = store_head_oldest(&local->head);
    for (uint32_t n = 0; n < count && device != NULL && due(local, device, now);) {
        struct store_head_device *const next = store_head_next_oldest(&local->head, device);
        if (!device->is_settled) {
            const enum err err = store_local_settle(local, device, &only_seal);
            if (err != ERR_OK) {
                return err;
            }
            n++;
        }
        device = next;
    }
    return ERR_OK;
}

static bool is_full(const struct store_local *local, const struct store_head_device *oldest,
                    struct mono now)
{
    (void)now;
    return local->journal_offset - oldest->journal_offset > local->limits.journal_bytes_max ||
           local->lacks_room || store_head_is_tight(&local->head);
}

static bool is_aged(const struct store_local *local, const struct store_head_device *oldest,
                    struct mono now)
{
    return mono_since(now, oldest->since).ns >= local->limits.journal_age_max.ns;
}

// The journal is kept from the oldest unsealed record on, and its last row always: it says where
// numbers and sequences go on.
void store_local_trim(struct store_local *local, bool everything)
{
    const bool has_row = local->journal_row.record_count > 0;
    uint64_t number = has_row ? local->journal_number : local->journal_number - 1;
    uint64_t offset = has_row ? local->journal_offset : local->journal_last;
    const struct store_head_device *oldest = store_head_oldest(&local->head);
    while (oldest != NULL && oldest->is_settled) {
        oldest = store_head_next_oldest(&local->head, oldest);
    }
    if (oldest != NULL) {
        number = oldest->journal_number;
        offset = oldest->journal_offset;
    }
    const uint64_t bytes = offset - local->journal_trimmed;
    if (number <= local->journal_first ||
        (!everything && bytes < local->limits.journal_bytes_max / 8)) {
        return;
    }
    uint8_t from[STORE_JOURNAL_KEY];
    uint8_t to[STORE_JOURNAL_KEY];
    store_journal_key(from, local->journal_first);
    store_journal_key(to, number);
    local->blocks->ops->remove_range(local->blocks, STORE_FAMILY_JOURNAL,
                                     slice_of(from, sizeof(from)), slice_of(to, sizeof(to)));
    local->trim_number = number;
    local->trim_offset = offset;
    local->has_changes = true;
}

// The write.

void store_local_begin(struct store_local *local, struct store_now now)
{
    store_journal_begin(&local->journal);
    store_traces_begin(&local->traces);
    local->now = now;
    local->journal_row = (struct store_journal_row){
        .number = local->journal_number, .at = now.wall, .sequence_first = local->sequence};
    local->touched_count = local->settled_count = local->keys_made_count = 0;
    local->rows_made.len = 0;
    local->trim_number = 0;
    local->lacks_room = local->has_changes = false;
}

static void put_names(struct store_local *local)
{
    for (uint32_t number = local->names_durable + 1; number <= local->dictionary.count; number++) {
        const struct store_dictionary_name *const name =
            store_dictionary_name(&local->dictionary, number);
        uint8_t key[5] = {STORE_META_KEY_NAME, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
                          (uint8_t)(number >> 8), (uint8_t)number};
        local->value.len = 0;
        uint8_t *at = store_bytes_room(&local->value, STORE_WIRE_VARINT_MAX + name->name.len);
        at = store_wire_put_varint(at, name->tenant);
        store_bytes_end(&local->value, store_wire_put_bytes(at, name->name));
        local->blocks->ops->put(local->blocks, STORE_FAMILY_META, slice_of(key, sizeof(key)),
                                store_bytes_view(&local->value));
    }
}

static void show(struct store_local *local)
{
    plat_rwlock_write(&local->head.lock);
    for (uint32_t i = 0; i < local->touched_count; i++) {
        struct store_head_device *const device = local->touched[i];
        device->is_touched = false;
        device->published = device->readings.len;
    }
    for (uint32_t i = 0; i < local->settled_count; i++) {
        store_local_install(local, &local->settled[i]);
    }
    plat_rwlock_unlock(&local->head.lock);
    local->names_durable = local->dictionary.count;
    local->sweep.is_pending = local->sweep.is_pending || local->sweep.is_wanted;
    local->sweep.is_wanted = false;
}

static void count_up(struct store_local *local, size_t row_len)
{
    if (row_len > 0) {
        local->journal_last = local->journal_offset;
        local->journal_offset += row_len;
        local->journal_number++;
    }
    if (local->trim_number != 0) {
        local->journal_first = local->trim_number;
        local->journal_trimmed = local->trim_offset;
    }
    metric_add(&local->bytes_written, row_len + local->traces.row.len + local->rows_made.len);
    metric_set(&local->head_bytes, store_head_bytes(&local->head));
    metric_set(&local->journal_bytes, local->journal_offset - local->journal_trimmed);
    metric_set(&local->journal_rows, local->journal_number - local->journal_first);
    metric_set(&local->trace_bytes, store_traces_bytes(&local->traces));
    metric_set(&local->devices, local->head.taken);
    metric_set(&local->key_names, local->dictionary.count);
}

enum err store_local_end(struct store_local *local)
{
    struct store_blocks *const blocks = local->blocks;
    const bool has_row = local->journal_row.record_count > 0;
    if (!has_row && !local->has_changes) {
        return ERR_OK;
    }
    put_names(local);
    if (has_row) {
        local->journal_row.sequence_next = local->sequence;
        store_journal_end(&local->journal, &local->journal_row);
        uint8_t key[STORE_JOURNAL_KEY];
        store_journal_key(key, local->journal_number);
        blocks->ops->put(blocks, STORE_FAMILY_JOURNAL, slice_of(key, sizeof(key)),
                         store_bytes_view(&local->journal));
    }
    store_traces_put(&local->traces, blocks, local->now.wall);
    const enum err err = blocks->ops->write(blocks);
    if (err == ERR_OK) {
        show(local);
        store_traces_done(&local->traces, local->now.mono);
        count_up(local, has_row ? local->journal.len : 0);
    }
    return err;
}

// The operations.

static bool has_space(struct store_local *local)
{
    struct store_blocks_figures figures = {0};
    if (local->blocks->ops->figures(local->blocks, &figures) != ERR_OK) {
        return true; // the write will say what is wrong
    }
    metric_set(&local->is_write_stopped, figures.is_write_stopped);
    return figures.free_space >= local->limits.free_space_min;
}

// A delete whose device is full of markers begins a group; they are carried out first. If that
// takes too long the delete is refused, and the sweep goes on behind.
static enum err make_marker_room(struct store_local *local, const struct store_item *item,
                                 struct store_now now)
{
    struct store_head_device *device = NULL;
    enum err err = ERR_OK;
    for (uint32_t n = 0; n < DELETE_SWEEP_STEPS && local->sweep.is_pending && err == ERR_OK; n++) {
        device = store_head_find(&local->head, item->record.device.number);
        if (device == NULL || device->marker_count < STORE_ROW_MARKERS_MAX) {
            break;
        }
        store_local_begin(local, now);
        err = store_sweep_step(local, TICK_SWEEP_ROWS);
        if (err == ERR_OK) {
            err = store_local_end(local);
        }
    }
    return err;
}

static enum err settle_due(struct store_local *local, uint32_t records, struct mono now)
{
    enum err err = settle_ready(local);
    if (err == ERR_OK) {
        err = store_local_settle_oldest(local, COMMIT_RELIEF(records), now, is_full);
    }
    if (err == ERR_OK && local->sweep.is_pending) {
        err = store_sweep_step(local, COMMIT_SWEEP_ROWS);
    }
    store_local_trim(local, false);
    if (store_traces_trim(&local->traces, local->blocks, now)) {
        local->has_changes = true;
    }
    return err;
}

static enum err commit(void *backend, struct store_item *items, uint32_t count,
                       struct store_now now, uint32_t *taken)
{
    struct store_local *const local = backend;
    *taken = count;
    if (!has_space(local)) {
        for (uint32_t i = 0; i < count; i++) {
            items[i].err = ERR_NO_SPACE;
        }
        return ERR_OK;
    }
    if (items[0].record.verb == STORE_DELETE) {
        const enum err err = make_marker_room(local, &items[0], now);
        if (err != ERR_OK) {
            return err;
        }
    }
    store_local_begin(local, now);
    for (uint32_t i = 0; i < count; i++) {
        if (!stage(local, &items[i], now, i == 0)) {
            *taken = i;
            break;
        }
    }
    const enum err err = settle_due(local, *taken, now.mono);
    return err != ERR_OK ? err : store_local_end(local);
}

static enum err tick(void *backend, struct store_now now, struct mono *again)
{
    struct store_local *const local = backend;
    const struct store_head_device *oldest = store_head_oldest(&local->head);
    const bool is_due = oldest != NULL && is_aged(local, oldest, now.mono);
    enum err err = ERR_OK;
    if (local->sweep.is_blocked && !store_head_is_tight(&local->head)) {
        local->sweep.is_blocked = false;
        local->sweep.is_pending = true;
    }
    if (is_due || local->sweep.is_pending) {
        store_local_begin(local, now);
        err = store_local_settle_oldest(local, TICK_SEALS_MAX, now.mono, is_aged);
        if (err == ERR_OK && local->sweep.is_pending) {
            err = store_sweep_step(local, TICK_SWEEP_ROWS);
        }
        store_local_trim(local, is_due);
        err = err != ERR_OK ? err : store_local_end(local);
    }
    if (err == ERR_OK && !local->sweep.is_pending && mono_reached(now.mono, local->expiry.due)) {
        store_local_begin(local, now);
        err = store_expiry_step(local, now);
        err = err == ERR_OK ? store_local_end(local) : err;
    }
    oldest = store_head_oldest(&local->head);
    *again = local->sweep.is_pending ? now.mono
             : oldest == NULL        ? MONO_NEVER
                                     : mono_add(oldest->since, local->limits.journal_age_max);
    *again = mono_earlier(*again, local->expiry.due);
    return err;
}

static void set_lives(void *backend, const struct store_lives *lives)
{
    struct store_local *const local = backend;
    local->lives = lives;
}

static void stats(void *backend, struct store_stats *out)
{
    const struct store_local *const local = backend;
    out->seals = metric_read(&local->seals);
    out->expired = metric_read(&local->expired);
    out->bytes_written = metric_read(&local->bytes_written);
    out->head_bytes = metric_read(&local->head_bytes);
    out->head_bytes_max = local->limits.head_bytes_max;
    out->journal_bytes = metric_read(&local->journal_bytes);
    out->journal_rows = metric_read(&local->journal_rows);
    out->trace_bytes = metric_read(&local->trace_bytes);
    out->devices_in_head = metric_read(&local->devices);
    out->database_bytes = local->blocks->ops->memory(local->blocks);
    out->key_names = metric_read(&local->key_names);
    out->write_stopped = metric_read(&local->is_write_stopped) != 0;
}

const struct store_ops store_local_ops = {
    .commit = commit,
    .tick = tick,
    .range = store_local_range,
    .latest = store_local_latest,
    .keys = store_local_keys,
    .state = store_local_state,
    .replay = store_local_replay,
    .traces = store_local_traces,
    .set_lives = set_lives,
    .stats = stats,
    .close = store_local_close,
};
