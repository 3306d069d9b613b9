#include "store/blocks_memory.h"

#include "plat/thread.h"
#include "store/record.h"

// Rows never change once made; a family is a version, an array of rows that never changes either. A
// write makes new versions, a scan holds the one that it was opened on.
struct row {
    uint32_t references;
    size_t key_len;
    size_t value_len;
    uint8_t bytes[]; // key, value
};

struct version {
    uint32_t references;
    uint32_t count;
    uint32_t cap;
    struct row **rows;
};

struct store_disk {
    struct plat_mutex mutex;
    struct version *families[STORE_FAMILY_COUNT];
    uint64_t operations;
    uint64_t cut_at;
    bool keeps_last;
    bool is_cut;
    uint64_t free_space;
};

enum change_kind { CHANGE_PUT, CHANGE_REMOVE, CHANGE_REMOVE_RANGE };

struct change {
    enum change_kind kind;
    enum store_family family;
    struct row *row; // PUT: the new row; REMOVE: key; REMOVE_RANGE: from, to
};

struct memory_blocks {
    struct store_blocks base;
    struct store_disk *disk;
    struct change *changes;
    uint32_t change_count;
    uint32_t change_cap;
};

struct memory_scan {
    struct store_scan base;
    struct store_disk *disk;
    struct version *version;
    uint32_t position;
};

static struct slice row_key(const struct row *row)
{
    return slice_of(row->bytes, row->key_len);
}

static struct slice row_value(const struct row *row)
{
    return slice_of(row->bytes + row->key_len, row->value_len);
}

static struct row *row_create(struct slice key, struct slice value)
{
    struct row *const row = malloc(sizeof(*row) + key.len + value.len);
    ASSERT(row != NULL);
    row->references = 1;
    row->key_len = key.len;
    row->value_len = value.len;
    memcpy(row->bytes, key.ptr, key.len);
    if (value.len > 0) {
        memcpy(row->bytes + key.len, value.ptr, value.len);
    }
    return row;
}

static void row_unref(struct row *row)
{
    if (--row->references == 0) {
        free(row);
    }
}

static struct version *version_create(void)
{
    struct version *const version = calloc(1, sizeof(*version));
    ASSERT(version != NULL);
    version->references = 1;
    return version;
}

static void version_unref(struct version *version)
{
    if (--version->references == 0) {
        for (uint32_t i = 0; i < version->count; i++) {
            row_unref(version->rows[i]);
        }
        free(version->rows);
        free(version);
    }
}

static struct version *version_copy(const struct version *old)
{
    struct version *const version = version_create();
    version->rows = store_array_room(NULL, &version->cap, old->count + 1, sizeof(*version->rows));
    for (uint32_t i = 0; i < old->count; i++) {
        version->rows[i] = old->rows[i];
        version->rows[i]->references++;
    }
    version->count = old->count;
    return version;
}

// The position of the first row with a key >= `key`.
static uint32_t lower_bound(const struct version *version, struct slice key)
{
    uint32_t low = 0;
    uint32_t high = version->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (store_record_compare_keys(row_key(version->rows[middle]), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool has_key_at(const struct version *version, uint32_t position, struct slice key)
{
    return position < version->count && slice_equal(row_key(version->rows[position]), key);
}

static void version_remove(struct version *version, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        row_unref(version->rows[i]);
    }
    for (uint32_t i = to; i < version->count; i++) {
        version->rows[from + i - to] = version->rows[i];
    }
    version->count -= to - from;
}

static void version_put(struct version *version, struct row *owned_row)
{
    const uint32_t position = lower_bound(version, row_key(owned_row));
    if (has_key_at(version, position, row_key(owned_row))) {
        version_remove(version, position, position + 1);
    }
    version->rows =
        store_array_room(version->rows, &version->cap, version->count + 1, sizeof(*version->rows));
    for (uint32_t i = version->count++; i > position; i--) {
        version->rows[i] = version->rows[i - 1];
    }
    version->rows[position] = owned_row;
}

static void version_apply(struct version *version, const struct change *change)
{
    const uint32_t from = lower_bound(version, row_key(change->row));
    switch (change->kind) {
    case CHANGE_PUT:
        change->row->references++;
        version_put(version, change->row);
        return;
    case CHANGE_REMOVE:
        if (has_key_at(version, from, row_key(change->row))) {
            version_remove(version, from, from + 1);
        }
        return;
    case CHANGE_REMOVE_RANGE:
        version_remove(version, from, lower_bound(version, row_value(change->row)));
        return;
    }
}

// Counts the operation; false once the disk is cut.
static bool disk_operates(struct store_disk *disk)
{
    if (disk->operations++ >= disk->cut_at) {
        disk->is_cut = true;
    }
    return !disk->is_cut;
}

static void add_change(struct store_blocks *blocks, enum change_kind kind, enum store_family family,
                       struct row *owned_row)
{
    struct memory_blocks *const self = (struct memory_blocks *)blocks;
    plat_mutex_lock(&self->disk->mutex);
    (void)disk_operates(self->disk);
    plat_mutex_unlock(&self->disk->mutex);
    self->changes = store_array_room(self->changes, &self->change_cap, self->change_count + 1,
                                     sizeof(*self->changes));
    self->changes[self->change_count++] = (struct change){kind, family, owned_row};
}

static void memory_put(struct store_blocks *blocks, enum store_family family, struct slice key,
                       struct slice value)
{
    add_change(blocks, CHANGE_PUT, family, row_create(key, value));
}

static void memory_remove(struct store_blocks *blocks, enum store_family family, struct slice key)
{
    add_change(blocks, CHANGE_REMOVE, family, row_create(key, SLICE_EMPTY));
}

static void memory_remove_range(struct store_blocks *blocks, enum store_family family,
                                struct slice from, struct slice to)
{
    ASSERT(store_record_compare_keys(from, to) <= 0);
    add_change(blocks, CHANGE_REMOVE_RANGE, family, row_create(from, to));
}

static void apply_all(struct memory_blocks *self)
{
    struct version *changed[STORE_FAMILY_COUNT] = {0};
    for (uint32_t i = 0; i < self->change_count; i++) {
        const enum store_family family = self->changes[i].family;
        if (changed[family] == NULL) {
            changed[family] = version_copy(self->disk->families[family]);
        }
        version_apply(changed[family], &self->changes[i]);
    }
    for (uint32_t i = 0; i < STORE_FAMILY_COUNT; i++) {
        if (changed[i] != NULL) {
            version_unref(self->disk->families[i]);
            self->disk->families[i] = changed[i];
        }
    }
}

static enum err memory_write(struct store_blocks *blocks)
{
    struct memory_blocks *const self = (struct memory_blocks *)blocks;
    struct store_disk *const disk = self->disk;
    plat_mutex_lock(&disk->mutex);
    const bool was_cut = disk->is_cut;
    const bool works = disk_operates(disk);
    if (works || (!was_cut && disk->keeps_last)) {
        apply_all(self);
    }
    for (uint32_t i = 0; i < self->change_count; i++) {
        row_unref(self->changes[i].row);
    }
    self->change_count = 0;
    plat_mutex_unlock(&disk->mutex);
    return works ? ERR_OK : ERR_IO;
}

static enum err memory_get(struct store_blocks *blocks, enum store_family family, struct slice key,
                           struct store_bytes *value)
{
    struct store_disk *const disk = ((struct memory_blocks *)blocks)->disk;
    plat_mutex_lock(&disk->mutex);
    const struct version *const version = disk->families[family];
    const uint32_t position = lower_bound(version, key);
    const bool is_found = has_key_at(version, position, key);
    value->len = 0;
    if (is_found) {
        store_bytes_put(value, row_value(version->rows[position]));
    }
    plat_mutex_unlock(&disk->mutex);
    return is_found ? ERR_OK : ERR_NOT_FOUND;
}

static struct store_scan *memory_scan_open(struct store_blocks *blocks, enum store_family family,
                                           enum store_scan_use use)
{
    (void)use;
    struct store_disk *const disk = ((struct memory_blocks *)blocks)->disk;
    struct memory_scan *const scan = calloc(1, sizeof(*scan));
    ASSERT(scan != NULL);
    plat_mutex_lock(&disk->mutex);
    scan->disk = disk;
    scan->version = disk->families[family];
    scan->version->references++;
    plat_mutex_unlock(&disk->mutex);
    return &scan->base;
}

static void memory_scan_move(struct store_scan *base, enum store_scan_move move, struct slice key)
{
    struct memory_scan *const scan = (struct memory_scan *)base;
    const struct version *const version = scan->version;
    switch (move) {
    case STORE_SCAN_SEEK:
        scan->position = lower_bound(version, key);
        break;
    case STORE_SCAN_SEEK_BACK:
        scan->position = lower_bound(version, key);
        if (!has_key_at(version, scan->position, key)) {
            scan->position--; // below 0 it is no position, as past the end
        }
        break;
    case STORE_SCAN_NEXT:
        scan->position++;
        break;
    case STORE_SCAN_BACK:
        scan->position--;
        break;
    }
    base->is_valid = scan->position < version->count;
    if (base->is_valid) {
        base->key = row_key(version->rows[scan->position]);
        base->value = row_value(version->rows[scan->position]);
    }
}

static void memory_scan_close(struct store_scan *base)
{
    struct memory_scan *const scan = (struct memory_scan *)base;
    plat_mutex_lock(&scan->disk->mutex);
    version_unref(scan->version);
    plat_mutex_unlock(&scan->disk->mutex);
    free(scan);
}

static uint64_t memory_memory(const struct store_blocks *blocks)
{
    (void)blocks;
    return 0;
}

static void memory_write_recovered(struct store_blocks *blocks)
{
    (void)blocks;
}

static enum err memory_figures(struct store_blocks *blocks, struct store_blocks_figures *figures)
{
    struct store_disk *const disk = ((struct memory_blocks *)blocks)->disk;
    plat_mutex_lock(&disk->mutex);
    *figures = (struct store_blocks_figures){.free_space = disk->free_space};
    plat_mutex_unlock(&disk->mutex);
    return ERR_OK;
}

static void memory_close(struct store_blocks *blocks)
{
    struct memory_blocks *const self = (struct memory_blocks *)blocks;
    for (uint32_t i = 0; i < self->change_count; i++) {
        row_unref(self->changes[i].row);
    }
    free(self->changes);
    free(self);
}

static const struct store_blocks_ops memory_ops = {
    .put = memory_put,
    .remove = memory_remove,
    .remove_range = memory_remove_range,
    .write = memory_write,
    .get = memory_get,
    .scan_open = memory_scan_open,
    .scan_move = memory_scan_move,
    .scan_close = memory_scan_close,
    .write_recovered = memory_write_recovered,
    .figures = memory_figures,
    .memory = memory_memory,
    .close = memory_close,
};

struct store_blocks *store_disk_open(struct store_disk *disk)
{
    struct memory_blocks *const self = calloc(1, sizeof(*self));
    ASSERT(self != NULL);
    self->base.ops = &memory_ops;
    self->disk = disk;
    return &self->base;
}

struct store_disk *store_disk_create(void)
{
    struct store_disk *const disk = calloc(1, sizeof(*disk));
    ASSERT(disk != NULL);
    plat_mutex_init(&disk->mutex);
    for (uint32_t i = 0; i < STORE_FAMILY_COUNT; i++) {
        disk->families[i] = version_create();
    }
    store_disk_cut(disk, UINT64_MAX, false);
    disk->free_space = UINT64_MAX;
    return disk;
}

void store_disk_clear(struct store_disk *disk)
{
    for (uint32_t i = 0; i < STORE_FAMILY_COUNT; i++) {
        version_unref(disk->families[i]);
        disk->families[i] = version_create();
    }
    disk->operations = 0;
    store_disk_cut(disk, UINT64_MAX, false);
    disk->free_space = UINT64_MAX;
}

void store_disk_destroy(struct store_disk *disk)
{
    for (uint32_t i = 0; i < STORE_FAMILY_COUNT; i++) {
        version_unref(disk->families[i]);
    }
    plat_mutex_deinit(&disk->mutex);
    free(disk);
}

uint64_t store_disk_operations(struct store_disk *disk)
{
    plat_mutex_lock(&disk->mutex);
    const uint64_t operations = disk->operations;
    plat_mutex_unlock(&disk->mutex);
    return operations;
}

void store_disk_cut(struct store_disk *disk, uint64_t operation, bool keeps_last)
{
    plat_mutex_lock(&disk->mutex);
    disk->cut_at = operation;
    disk->keeps_last = keeps_last;
    disk->is_cut = false;
    plat_mutex_unlock(&disk->mutex);
}

void store_disk_set_free_space(struct store_disk *disk, uint64_t bytes)
{
    plat_mutex_lock(&disk->mutex);
    disk->free_space = bytes;
    plat_mutex_unlock(&disk->mutex);
}

bool store_disk_damage(struct store_disk *disk, enum store_family family)
{
    const struct version *const version = disk->families[family];
    if (version->count == 0) {
        return false;
    }
    struct row *const row = version->rows[0];
    row->bytes[row->key_len + row->value_len / 2] ^= 0x10;
    return true;
}

uint32_t store_disk_rows(struct store_disk *disk, enum store_family family)
{
    plat_mutex_lock(&disk->mutex);
    const uint32_t rows = disk->families[family]->count;
    plat_mutex_unlock(&disk->mutex);
    return rows;
}
