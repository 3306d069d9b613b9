// store/blocks.h: the small ordered store under `local`: rows of bytes in six families, changed in
// batches that are durable as a whole or not at all. RocksDB (rocks.c) is one, a simulated disk
// that can be cut at any operation (blocks_memory.c) the other.
//
// One thread writes: `put`, `remove` and `remove_range` collect a batch, `write` makes it durable
// with a sync. After `write` failed the handle is only good for reading and closing, and a database
// keeps its files and memory until the process ends. Any thread reads; a scan belongs to one
// thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"
#include "store/bytes.h"

enum store_family {
    STORE_FAMILY_JOURNAL, // commit number -> journal row
    STORE_FAMILY_SERIES,  // day, device, first time, sequence -> block of readings
    STORE_FAMILY_DEVICES, // device -> device row
    STORE_FAMILY_META,    // version, key names, devices to sweep
    STORE_FAMILY_TRACES,  // number -> messages that caused the changes of a commit
    STORE_FAMILY_STATE,   // kind, device, name -> value
    STORE_FAMILY_COUNT,
};

// A position among the rows of a family; `key` and `value` are views until the next move.
struct store_scan {
    bool is_valid; // false: past an end, or failed
    enum err err;  // ERR_IO or ERR_CORRUPT when failed
    struct slice key;
    struct slice value;
};

enum store_scan_move {
    STORE_SCAN_SEEK,      // to the first row with a key >= the given one
    STORE_SCAN_SEEK_BACK, // to the last row with a key <= the given one
    STORE_SCAN_NEXT,
    STORE_SCAN_BACK,
};

// Whether what a scan reads is likely to be read again soon. What is read once does not push out
// what is kept in memory.
enum store_scan_use {
    STORE_SCAN_AGAIN,
    STORE_SCAN_ONCE,
};
#define STORE_SCAN_USES 2U

struct store_blocks {
    const struct store_blocks_ops *ops;
};

struct store_blocks_figures {
    uint64_t free_space;   // bytes that may still be written
    bool is_write_stopped; // a write would have to wait for compaction
};

struct store_blocks_ops {
    void (*put)(struct store_blocks *blocks, enum store_family family, struct slice key,
                struct slice value);
    void (*remove)(struct store_blocks *blocks, enum store_family family, struct slice key);
    // Rows with from <= key < to.
    void (*remove_range)(struct store_blocks *blocks, enum store_family family, struct slice from,
                         struct slice to);
    // The batch is empty afterwards. ERR_IO, ERR_NO_SPACE, ERR_CORRUPT.
    enum err (*write)(struct store_blocks *blocks);
    // Copies the value into `value`, whose memory is used again. ERR_NOT_FOUND, ERR_IO,
    // ERR_CORRUPT.
    enum err (*get)(struct store_blocks *blocks, enum store_family family, struct slice key,
                    struct store_bytes *value);
    // A scan sees the rows as they were when it was opened.
    struct store_scan *(*scan_open)(struct store_blocks *blocks, enum store_family family,
                                    enum store_scan_use use);
    void (*scan_move)(struct store_scan *scan, enum store_scan_move move, struct slice key);
    void (*scan_close)(struct store_scan *scan);
    // Once, when the start needs it no more: what came from a log goes to its place behind the
    // rest.
    void (*write_recovered)(struct store_blocks *blocks);
    enum err (*figures)(struct store_blocks *blocks, struct store_blocks_figures *figures);
    // Any thread: bytes of memory that the database holds now.
    uint64_t (*memory)(const struct store_blocks *blocks);
    void (*close)(struct store_blocks *blocks);
};

// What that is at most, for RocksDB: its cache, three buffers of each family, and what it keeps of
// the files that are open.
uint64_t store_rocks_memory_max(uint64_t journal_bytes_max);

// RocksDB in a directory that exists. ERR_IN_USE, ERR_NEWER_VERSION, ERR_CORRUPT, ERR_FORBIDDEN,
// ERR_NO_SPACE, ERR_IO with one line in `message`. Compaction drops blocks that expired that long
// ago (struct store_limits).
MUST_USE enum err store_rocks_open(const char *directory, uint64_t journal_bytes_max,
                                   struct span expiry_every, struct store_blocks **blocks,
                                   char message[256]);
