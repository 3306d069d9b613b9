// store/head.h: what is not sealed yet, per device, in bounded memory.
//
// A device in the head has its row as it is on disk (keys, latest, delete markers: row.h) and,
// behind it, the readings that came since, encoded one after the other (reading.h). So memory and
// disk together always say what the device holds, and a device whose readings are all sealed can be
// dropped at any time. Everything lives in cells of one size; `bytes_max` bounds them.
//
// One thread changes the head. Other threads read `row` and the first `published` bytes of
// `readings` while they hold the lock for reading; the writer takes it for writing only to change
// what they can see: once per commit, and when a device comes or goes. Appending behind `published`
// needs no lock.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/time.h"
#include "plat/thread.h"
#include "store/bytes.h"
#include "store/index.h"

#define STORE_HEAD_CELL 256U
#define STORE_HEAD_KEYS_INLINE 12U

struct store_head_link {
    struct store_head_link *previous;
    struct store_head_link *next;
};

// Bytes in a chain of cells.
struct store_head_chunk;
struct store_head_stream {
    struct store_head_chunk *first;
    struct store_head_chunk *last;
    uint32_t len;
    uint32_t last_used; // bytes in the last cell
};

struct store_head_device {
    struct store_head_link order; // in `unsealed`, oldest record first, or in `sealed`
    struct store_head_link ready; // in `ready` if `is_ready`
    uint64_t number;
    uint64_t tenant;         // whose key names it uses
    int64_t stamp_ms;        // the last time that the server assigned, if `has_stamp`
    uint64_t sealed_through; // sequence up to which the row and blocks hold everything
    uint64_t journal_number; // of the oldest unsealed record: its row
    uint64_t journal_offset; // and the journal's bytes before it
    struct mono since;       // and when it was committed
    struct store_head_stream row;
    struct store_head_stream readings;
    uint32_t published;     // bytes of `readings` that are durable
    uint32_t reading_count; // in `readings`
    uint32_t seal_at;       // reading_count that makes it ready
    uint32_t *keys;         // every key of the device, in order of first use
    uint32_t key_count;
    uint32_t key_cap;
    uint32_t key_cursor;   // where the next key is expected
    uint32_t slot;         // position in the head's table
    uint32_t marker_count; // in `row`
    bool has_stamp;
    bool is_purged;
    bool is_unsealed; // in which list `order` is
    bool is_ready;
    bool is_touched; // by the commit that is being made: has unpublished readings
    bool is_settled; // by the commit that is being made: its row is in the batch
    uint32_t keys_inline[STORE_HEAD_KEYS_INLINE];
};

struct store_head {
    struct plat_rwlock lock;
    struct store_index by_number;
    struct store_head_device **devices;
    uint32_t device_cap;
    uint32_t device_count; // of `devices` that were ever used
    struct store_head_chunk *free_cells;
    uint8_t **slabs;
    uint32_t slab_count;
    uint32_t slab_max;
    uint32_t fresh_cells; // of the last slab, never used yet
    uint64_t cells_used;
    uint64_t cells_max;
    uint64_t sealed_cells; // of devices without readings, which give way when room is needed
    uint64_t key_bytes;    // in key lists that did not fit inline
    uint32_t *free_slots;
    uint32_t free_slot_count;
    uint32_t free_slot_cap;
    uint32_t taken; // devices in the head
    struct store_head_link unsealed;
    struct store_head_link sealed;
    struct store_head_link ready;
};

void store_head_init(struct store_head *head, uint64_t bytes_max);
void store_head_deinit(struct store_head *head);

uint64_t store_head_bytes(const struct store_head *head);
// True if less than a quarter is left, even without the devices that may be dropped: seal.
bool store_head_is_tight(const struct store_head *head);

struct store_head_device *store_head_find(const struct store_head *head, uint64_t number);
// For batches: asks the processor for what a find and an append will touch, so that it is there a
// little later. Each step needs what the one before brought, and is nothing if that is not so.
enum store_head_step {
    STORE_HEAD_PLACE,  // where the device stands in the table
    STORE_HEAD_DEVICE, // the device
    STORE_HEAD_TAIL,   // the end of its readings
};
void store_head_expect(const struct store_head *head, uint64_t number, enum store_head_step step);
// Under the write lock: a device that is not there yet, empty and sealed; drops sealed devices if
// there is no room. NULL when the head is full.
struct store_head_device *store_head_insert(struct store_head *head, uint64_t number,
                                            uint64_t tenant);
// Under the write lock: a device without readings leaves.
void store_head_drop(struct store_head *head, struct store_head_device *device);

// Appends `count` readings, unpublished; drops sealed devices (taking the lock) if there is no
// room. False when the head is full, and nothing was appended.
bool store_head_append(struct store_head *head, struct store_head_device *device,
                       struct slice readings, uint32_t count);
// Under the write lock. False when the head is full; the device has no row then and must be
// dropped.
bool store_head_set_row(struct store_head *head, struct store_head_device *device,
                        struct slice row);
void store_head_clear_readings(struct store_head *head, struct store_head_device *device);

// Copies the first `len` bytes of a stream behind `out`.
void store_head_copy(const struct store_head_stream *stream, uint32_t len, struct store_bytes *out);

// The position of the key in the device's list, or UINT32_MAX. Expects keys in the order of last
// time.
uint32_t store_head_find_key(struct store_head_device *device, uint32_t key);
void store_head_add_key(struct store_head *head, struct store_head_device *device, uint32_t key);
void store_head_set_keys(struct store_head *head, struct store_head_device *device,
                         const uint32_t *keys, uint32_t count);

// The device behind its link in a list; NULL if the list is empty.
struct store_head_device *store_head_oldest(const struct store_head *head);
struct store_head_device *store_head_next_oldest(const struct store_head *head,
                                                 const struct store_head_device *device);
struct store_head_device *store_head_first_ready(const struct store_head *head);
void store_head_set_unsealed(struct store_head *head, struct store_head_device *device,
                             bool is_unsealed);
void store_head_set_ready(struct store_head *head, struct store_head_device *device, bool is_ready);
