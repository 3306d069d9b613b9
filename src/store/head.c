#include "store/head.h"

#include <assert.h>
#include <stdlib.h>

#define SLAB_CELLS 1024U
#define LINE_BYTES 64U // of the processor's caches
#define CHUNK_BYTES (STORE_HEAD_CELL - (uint32_t)sizeof(void *))

struct store_head_chunk {
    struct store_head_chunk *next;
    uint8_t bytes[CHUNK_BYTES];
};

static_assert(sizeof(struct store_head_chunk) == STORE_HEAD_CELL, "a chunk is one cell");
static_assert(sizeof(struct store_head_device) <= STORE_HEAD_CELL, "a device is one cell");

#define DEVICE_OF(link, member)                                                                    \
    ((struct store_head_device *)(void *)((uint8_t *)(link)-offsetof(struct store_head_device,     \
                                                                     member)))

// Lists.

static void list_init(struct store_head_link *list)
{
    list->previous = list->next = list;
}

static void list_append(struct store_head_link *list, struct store_head_link *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

static void list_remove(struct store_head_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->previous = link->next = NULL;
}

// Cells.

void store_head_init(struct store_head *head, uint64_t bytes_max)
{
    *head = (struct store_head){.cells_max = bytes_max / STORE_HEAD_CELL};
    plat_rwlock_init(&head->lock);
    store_index_init(&head->by_number);
    list_init(&head->unsealed);
    list_init(&head->sealed);
    list_init(&head->ready);
}

static void free_keys(struct store_head *head, struct store_head_device *device)
{
    if (device->keys != device->keys_inline) {
        head->key_bytes -= device->key_cap * sizeof(*device->keys);
        free(device->keys);
    }
}

void store_head_deinit(struct store_head *head)
{
    for (uint32_t i = 0; i < head->device_count; i++) {
        if (head->devices[i] != NULL) {
            free_keys(head, head->devices[i]);
        }
    }
    for (uint32_t i = 0; i < head->slab_count; i++) {
        free(head->slabs[i]);
    }
    free(head->slabs);
    free(head->devices);
    free(head->free_slots);
    store_index_deinit(&head->by_number);
    plat_rwlock_deinit(&head->lock);
}

uint64_t store_head_bytes(const struct store_head *head)
{
    return head->cells_used * STORE_HEAD_CELL + head->key_bytes;
}

static uint64_t cells_left(const struct store_head *head)
{
    const uint64_t used = head->cells_used + head->key_bytes / STORE_HEAD_CELL;
    return used < head->cells_max ? head->cells_max - used : 0;
}

bool store_head_is_tight(const struct store_head *head)
{
    return cells_left(head) + head->sealed_cells < head->cells_max / 4;
}

static void add_slab(struct store_head *head)
{
    head->slabs =
        store_array_room(head->slabs, &head->slab_max, head->slab_count + 1, sizeof(*head->slabs));
    uint8_t *const slab = aligned_alloc(64, (size_t)SLAB_CELLS * STORE_HEAD_CELL);
    ASSERT(slab != NULL);
    head->slabs[head->slab_count++] = slab;
    head->fresh_cells = SLAB_CELLS;
}

// The caller made sure that one is left.
static void *take_cell(struct store_head *head)
{
    head->cells_used++;
    if (head->free_cells != NULL) {
        struct store_head_chunk *const cell = head->free_cells;
        head->free_cells = cell->next;
        return cell;
    }
    if (head->fresh_cells == 0) {
        add_slab(head);
    }
    head->fresh_cells--;
    return head->slabs[head->slab_count - 1] +
           (size_t)(SLAB_CELLS - 1 - head->fresh_cells) * STORE_HEAD_CELL;
}

static void give_cell(struct store_head *head, void *cell)
{
    struct store_head_chunk *const chunk = cell;
    chunk->next = head->free_cells;
    head->free_cells = chunk;
    head->cells_used--;
}

// Cells of a device apart from its readings.
static uint32_t resident_cells(const struct store_head_device *device)
{
    return 1 + (uint32_t)((device->row.len + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

// Under the write lock: drops sealed devices other than `kept`, the longest sealed first, until
// `count` cells are left.
static bool make_room(struct store_head *head, uint64_t count, const struct store_head_device *kept)
{
    struct store_head_link *link = head->sealed.next;
    while (cells_left(head) < count && link != &head->sealed) {
        struct store_head_device *const device = DEVICE_OF(link, order);
        link = link->next;
        if (!device->is_settled && device != kept) {
            store_head_drop(head, device);
        }
    }
    return cells_left(head) >= count;
}

// Streams.

static uint32_t cells_for(const struct store_head_stream *stream, size_t more)
{
    const size_t room = stream->last == NULL ? 0 : CHUNK_BYTES - stream->last_used;
    return more <= room ? 0 : (uint32_t)((more - room + CHUNK_BYTES - 1) / CHUNK_BYTES);
}

static void stream_append(struct store_head *head, struct store_head_stream *stream, struct slice s)
{
    while (s.len > 0) {
        if (stream->last == NULL || stream->last_used == CHUNK_BYTES) {
            struct store_head_chunk *const chunk = take_cell(head);
            chunk->next = NULL;
            if (stream->last == NULL) {
                stream->first = chunk;
            } else {
                stream->last->next = chunk;
            }
            stream->last = chunk;
            stream->last_used = 0;
        }
        const size_t room = CHUNK_BYTES - stream->last_used;
        const size_t len = s.len < room ? s.len : room;
        memcpy(stream->last->bytes + stream->last_used, s.ptr, len);
        stream->last_used += (uint32_t)len;
        stream->len += (uint32_t)len;
        s = slice_of(s.ptr + len, s.len - len);
    }
}

static void stream_clear(struct store_head *head, struct store_head_stream *stream)
{
    struct store_head_chunk *chunk = stream->first;
    while (chunk != NULL) {
        struct store_head_chunk *const next = chunk->next;
        give_cell(head, chunk);
        chunk = next;
    }
    *stream = (struct store_head_stream){0};
}

void store_head_copy(const struct store_head_stream *stream, uint32_t len, struct store_bytes *out)
{
    if (len == 0) {
        return; // the writer may be setting `first` right now
    }
    uint8_t *at = store_bytes_room(out, len);
    const struct store_head_chunk *chunk = stream->first;
    while (len > 0) {
        const uint32_t part = len < CHUNK_BYTES ? len : CHUNK_BYTES;
        memcpy(at, chunk->bytes, part);
        at += part;
        len -= part;
        if (len > 0) {
            chunk = chunk->next;
        }
    }
    store_bytes_end(out, at);
}

bool store_head_append(struct store_head *head, struct store_head_device *device,
                       struct slice readings, uint32_t count)
{
    const uint64_t cells = cells_for(&device->readings, readings.len);
    if (readings.len > UINT32_MAX - device->readings.len) {
        return false;
    }
    if (cells > cells_left(head)) {
        plat_rwlock_write(&head->lock);
        const bool is_there = make_room(head, cells, device);
        plat_rwlock_unlock(&head->lock);
        if (!is_there) {
            return false;
        }
    }
    stream_append(head, &device->readings, readings);
    device->reading_count += count;
    return true;
}

bool store_head_set_row(struct store_head *head, struct store_head_device *device, struct slice row)
{
    ASSERT(!device->is_unsealed);
    head->sealed_cells -= resident_cells(device);
    stream_clear(head, &device->row);
    const bool is_there = make_room(head, cells_for(&device->row, row.len), device);
    if (is_there) {
        stream_append(head, &device->row, row);
    }
    head->sealed_cells += resident_cells(device);
    return is_there;
}

void store_head_clear_readings(struct store_head *head, struct store_head_device *device)
{
    stream_clear(head, &device->readings);
    device->published = 0;
    device->reading_count = 0;
}

// Devices.

struct store_head_device *store_head_find(const struct store_head *head, uint64_t number)
{
    const uint32_t slot = store_index_get(&head->by_number, number);
    return slot == STORE_INDEX_NONE ? NULL : head->devices[slot];
}

void store_head_expect(const struct store_head *head, uint64_t number, enum store_head_step step)
{
    if (step == STORE_HEAD_PLACE) {
        store_index_expect(&head->by_number, number);
        return;
    }
    const struct store_head_device *const device = store_head_find(head, number);
    if (device == NULL) {
        return;
    }
    if (step == STORE_HEAD_TAIL) {
        const struct store_head_chunk *const last = device->readings.last;
        __builtin_prefetch(last == NULL ? NULL : last->bytes + device->readings.last_used, 1);
        return;
    }
    for (size_t at = 0; at < sizeof(*device); at += LINE_BYTES) {
        __builtin_prefetch((const uint8_t *)device + at, 1);
    }
}

static uint32_t take_slot(struct store_head *head)
{
    if (head->free_slot_count > 0) {
        return head->free_slots[--head->free_slot_count];
    }
    head->devices = store_array_room(head->devices, &head->device_cap, head->device_count + 1,
                                     sizeof(struct store_head_device *));
    return head->device_count++;
}

struct store_head_device *store_head_insert(struct store_head *head, uint64_t number,
                                            uint64_t tenant)
{
    if (!make_room(head, 1, NULL)) {
        return NULL;
    }
    struct store_head_device *const device = take_cell(head);
    *device = (struct store_head_device){.number = number, .tenant = tenant};
    device->keys = device->keys_inline;
    device->key_cap = STORE_HEAD_KEYS_INLINE;
    device->slot = take_slot(head);
    head->devices[device->slot] = device;
    store_index_put(&head->by_number, number, device->slot);
    list_append(&head->sealed, &device->order);
    head->sealed_cells += resident_cells(device);
    head->taken++;
    return device;
}

void store_head_drop(struct store_head *head, struct store_head_device *device)
{
    ASSERT(!device->is_unsealed && !device->is_ready && device->readings.len == 0);
    head->sealed_cells -= resident_cells(device);
    stream_clear(head, &device->row);
    free_keys(head, device);
    list_remove(&device->order);
    store_index_remove(&head->by_number, device->number, device->slot);
    head->devices[device->slot] = NULL;
    head->free_slots = store_array_room(head->free_slots, &head->free_slot_cap,
                                        head->free_slot_count + 1, sizeof(*head->free_slots));
    head->free_slots[head->free_slot_count++] = device->slot;
    head->taken--;
    give_cell(head, device);
}

// Keys.

uint32_t store_head_find_key(struct store_head_device *device, uint32_t key)
{
    const uint32_t *const keys = device->keys;
    if (device->key_cursor < device->key_count && keys[device->key_cursor] == key) {
        return device->key_cursor++;
    }
    for (uint32_t i = 0; i < device->key_count; i++) {
        if (keys[i] == key) {
            device->key_cursor = i + 1;
            return i;
        }
    }
    return UINT32_MAX;
}

static void grow_keys(struct store_head *head, struct store_head_device *device, uint32_t count)
{
    if (count <= device->key_cap) {
        return;
    }
    uint32_t *const keys = malloc(count * 2 * sizeof(*keys));
    ASSERT(keys != NULL);
    memcpy(keys, device->keys, device->key_count * sizeof(*keys));
    free_keys(head, device);
    device->keys = keys;
    device->key_cap = count * 2;
    head->key_bytes += device->key_cap * sizeof(*keys);
}

void store_head_add_key(struct store_head *head, struct store_head_device *device, uint32_t key)
{
    grow_keys(head, device, device->key_count + 1);
    device->keys[device->key_count++] = key;
    device->key_cursor = device->key_count;
}

void store_head_set_keys(struct store_head *head, struct store_head_device *device,
                         const uint32_t *keys, uint32_t count)
{
    grow_keys(head, device, count);
    memcpy(device->keys, keys, count * sizeof(*keys));
    device->key_count = count;
    device->key_cursor = 0;
}

// Which list a device is in.

struct store_head_device *store_head_oldest(const struct store_head *head)
{
    return head->unsealed.next == &head->unsealed ? NULL : DEVICE_OF(head->unsealed.next, order);
}

struct store_head_device *store_head_next_oldest(const struct store_head *head,
                                                 const struct store_head_device *device)
{
    return device->order.next == &head->unsealed ? NULL : DEVICE_OF(device->order.next, order);
}

struct store_head_device *store_head_first_ready(const struct store_head *head)
{
    return head->ready.next == &head->ready ? NULL : DEVICE_OF(head->ready.next, ready);
}

void store_head_set_unsealed(struct store_head *head, struct store_head_device *device,
                             bool is_unsealed)
{
    if (device->is_unsealed != is_unsealed) {
        head->sealed_cells +=
            is_unsealed ? 0 - (uint64_t)resident_cells(device) : (uint64_t)resident_cells(device);
    }
    list_remove(&device->order);
    list_append(is_unsealed ? &head->unsealed : &head->sealed, &device->order);
    device->is_unsealed = is_unsealed;
}

void store_head_set_ready(struct store_head *head, struct store_head_device *device, bool is_ready)
{
    if (is_ready == device->is_ready) {
        return;
    }
    if (is_ready) {
        list_append(&head->ready, &device->ready);
    } else {
        list_remove(&device->ready);
    }
    device->is_ready = is_ready;
}
