// Blocks on RocksDB, by its C interface; the only code that sees it.
//
// The families are column families with options for their shapes: journal and traces are written
// once and deleted in ranges, mostly before they ever leave memory; series rows are some kilobytes
// and read by ranges; device rows are read one by one. Every write is synced. Compaction is
// rate-limited, so that it never starves the sync of the journal, and drops blocks that have
// expired.
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "plat/clock.h"
#include "plat/file.h"
#include "store/blocks.h"
#include "store/series.h"

#define INFO_LOG_FATAL 4 // the least that is written
#define MIB ((uint64_t)1 << 20)
#define QUIET_S 60U // between two lines about what failed
#define CACHE_BYTES (64 * MIB)
#define SERIES_BUFFER_BYTES (32 * MIB)
#define DEVICES_BUFFER_BYTES (16 * MIB)
#define META_BUFFER_BYTES (2 * MIB)
#define TRACES_BUFFER_BYTES (8 * MIB)
#define WAL_SLACK_BYTES (32 * MIB)
#define STATE_BUFFER_BYTES (16 * MIB)
// Of each family, in memory at once.
#define BUFFERS_MAX 3
#define OPEN_FILES_MAX 512
// What is kept of the open files, and what a compaction works with.
#define FILES_BYTES (64 * MIB)
#define COMPACTION_BYTES_PER_SECOND (64 * (int64_t)MIB)
#define DELETION_WINDOW 512
// Rewrites blocks this old even if nothing else does, so that expired ones go.
#define SERIES_REWRITE_SECONDS "1209600"

struct rocks {
    struct store_blocks base;
    char *directory;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_options_t *family_options[STORE_FAMILY_COUNT];
    rocksdb_column_family_handle_t *families[STORE_FAMILY_COUNT];
    rocksdb_cache_t *cache;
    rocksdb_ratelimiter_t *limiter;
    rocksdb_writeoptions_t *write_options;
    rocksdb_readoptions_t *get_options;
    rocksdb_readoptions_t *scan_options[STORE_SCAN_USES];
    rocksdb_writebatch_t *batch;
    struct span expiry_every;
    bool has_failed; // a write did
};

struct rocks_scan {
    struct store_scan base;
    rocksdb_iterator_t *iterator;
};

// "default" must be there, so one of ours has that name.
static const char *const family_names[STORE_FAMILY_COUNT] = {
    [STORE_FAMILY_JOURNAL] = "journal", [STORE_FAMILY_SERIES] = "series",
    [STORE_FAMILY_DEVICES] = "devices", [STORE_FAMILY_META] = "default",
    [STORE_FAMILY_TRACES] = "traces",   [STORE_FAMILY_STATE] = "state",
};

// RocksDB's C interface says what went wrong in words only.
static enum err error_of(const char *text)
{
    static const struct {
        const char *part;
        enum err err;
    } known[] = {
        {"No space left", ERR_NO_SPACE},      {"lock hold by current process", ERR_IN_USE},
        {"While lock file", ERR_IN_USE},      {"Permission denied", ERR_FORBIDDEN},
        {"newer version", ERR_NEWER_VERSION}, {"Corruption", ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(text, known[i].part) != NULL) {
            return known[i].err;
        }
    }
    return ERR_IO;
}

// A damaged block is met at each read of it again: a line a minute is enough. Any thread.
static void log_failure(const char *text)
{
    static _Atomic uint64_t quiet_until_ns;
    const struct mono now = plat_clock_mono();
    uint64_t until_ns = atomic_load_explicit(&quiet_until_ns, memory_order_relaxed);
    if (now.ns >= until_ns && atomic_compare_exchange_strong(&quiet_until_ns, &until_ns,
                                                             mono_add(now, span_s(QUIET_S)).ns)) {
        LOG(LOG_ERROR, "store.database", LOG_TEXT("reason", text));
    }
}

static enum err take_error(char *owned_text)
{
    if (owned_text == NULL) {
        return ERR_OK;
    }
    const enum err err = error_of(owned_text);
    log_failure(owned_text);
    rocksdb_free(owned_text);
    return err;
}

// Options.

static void set_table(const struct rocks *rocks, rocksdb_options_t *options, size_t block_size,
                      bool is_looked_up)
{
    rocksdb_block_based_table_options_t *const table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_size(table, block_size);
    rocksdb_block_based_options_set_block_cache(table, rocks->cache);
    rocksdb_block_based_options_set_format_version(table, 5);
    // The index of the series follows the data, so it shares the cache. What is looked up by key
    // has filters of 10 bits a row, which stay in memory: in the cache, scans would push them out.
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, !is_looked_up);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    if (is_looked_up) {
        rocksdb_block_based_options_set_filter_policy(table,
                                                      rocksdb_filterpolicy_create_bloom_full(10));
    }
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
}

static rocksdb_options_t *family_options(uint64_t buffer_bytes, int compression)
{
    rocksdb_options_t *const options = rocksdb_options_create();
    rocksdb_options_set_write_buffer_size(options, buffer_bytes);
    rocksdb_options_set_max_write_buffer_number(options, BUFFERS_MAX);
    rocksdb_options_set_compression(options, compression);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    rocksdb_options_set_max_bytes_for_level_base(options, 256 * MIB);
    rocksdb_options_set_target_file_size_base(options, 64 * MIB);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, 4);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, 20);
    rocksdb_options_set_level0_stop_writes_trigger(options, 36);
    return options;
}

// Drops blocks that expired one round of expiry.c ago; a wall clock that was wrong for less loses
// nothing. The time is that of the compaction's beginning: the filter itself calls nothing and
// takes no lock.

struct expiry_filter {
    int64_t before_ms;
};

static unsigned char filter_expired(void *state, int level, const char *key, size_t key_len,
                                    const char *value, size_t value_len, char **new_value,
                                    size_t *new_value_len, unsigned char *value_changed)
{
    const struct expiry_filter *const filter = state;
    (void)level;
    (void)key;
    (void)key_len;
    (void)new_value;
    (void)new_value_len;
    *value_changed = 0;
    const int64_t expiry_ms = store_block_expiry(slice_of(value, value_len));
    return expiry_ms != 0 && expiry_ms <= filter->before_ms;
}

static const char *filter_name(void *state)
{
    (void)state;
    return "motehub.expiry";
}

static rocksdb_compactionfilter_t *filter_create(void *state,
                                                 rocksdb_compactionfiltercontext_t *context)
{
    const struct rocks *const rocks = state;
    (void)context;
    struct expiry_filter *const filter = malloc(sizeof(*filter));
    ASSERT(filter != NULL);
    filter->before_ms = plat_clock_wall().ms - (int64_t)(rocks->expiry_every.ns / 1000000);
    return rocksdb_compactionfilter_create(filter, free, filter_expired, filter_name);
}

static void factory_destroy(void *state)
{
    (void)state;
}

// Larger ones save no writing: the journal is as long as its bound, so most of what is flushed is
// still needed whatever the buffer's size.
static uint64_t journal_buffer(uint64_t journal_bytes_max)
{
    const uint64_t half = journal_bytes_max / 2;
    return half < 4 * MIB ? 4 * MIB : half > 32 * MIB ? 32 * MIB : half;
}

uint64_t store_rocks_memory_max(uint64_t journal_bytes_max)
{
    return CACHE_BYTES + FILES_BYTES +
           BUFFERS_MAX *
               (journal_buffer(journal_bytes_max) + TRACES_BUFFER_BYTES + SERIES_BUFFER_BYTES +
                DEVICES_BUFFER_BYTES + STATE_BUFFER_BYTES + META_BUFFER_BYTES);
}

static void set_families(struct rocks *rocks, uint64_t journal_bytes_max)
{
    rocksdb_options_t **const families = rocks->family_options;
    families[STORE_FAMILY_JOURNAL] =
        family_options(journal_buffer(journal_bytes_max), rocksdb_no_compression);
    set_table(rocks, families[STORE_FAMILY_JOURNAL], 64 * 1024, false);
    families[STORE_FAMILY_TRACES] = family_options(TRACES_BUFFER_BYTES, rocksdb_no_compression);
    set_table(rocks, families[STORE_FAMILY_TRACES], 64 * 1024, false);
    families[STORE_FAMILY_SERIES] = family_options(SERIES_BUFFER_BYTES, rocksdb_lz4_compression);
    set_table(rocks, families[STORE_FAMILY_SERIES], 16 * 1024, false);
    // Where much was deleted, files are compacted before their turn, so that the space comes back.
    rocksdb_options_add_compact_on_deletion_collector_factory(families[STORE_FAMILY_SERIES],
                                                              DELETION_WINDOW, DELETION_WINDOW / 2);
    rocksdb_options_set_compaction_filter_factory(
        families[STORE_FAMILY_SERIES],
        rocksdb_compactionfilterfactory_create(rocks, factory_destroy, filter_create, filter_name));
    families[STORE_FAMILY_DEVICES] = family_options(DEVICES_BUFFER_BYTES, rocksdb_lz4_compression);
    set_table(rocks, families[STORE_FAMILY_DEVICES], 4 * 1024, true);
    families[STORE_FAMILY_STATE] = family_options(STATE_BUFFER_BYTES, rocksdb_lz4_compression);
    set_table(rocks, families[STORE_FAMILY_STATE], 4 * 1024, true);
    families[STORE_FAMILY_META] = family_options(META_BUFFER_BYTES, rocksdb_no_compression);
    set_table(rocks, families[STORE_FAMILY_META], 4 * 1024, true);
}

// What is replayed at start would be written as sorted files before anything else happens; that is
// done behind the start instead (rocks_write_recovered). There is no other way to it in the C
// interface.
static rocksdb_options_t *keep_recovered_in_memory(rocksdb_options_t *owned_options)
{
    rocksdb_options_t *const options = rocksdb_options_create();
    char *text = NULL;
    rocksdb_get_options_from_string(owned_options, "avoid_flush_during_recovery=true", options,
                                    &text);
    ASSERT(text == NULL);
    rocksdb_options_destroy(owned_options);
    return options;
}

static void set_options(struct rocks *rocks, uint64_t journal_bytes_max)
{
    rocksdb_options_t *const options = rocksdb_options_create();
    rocks->cache = rocksdb_cache_create_lru(CACHE_BYTES);
    rocks->limiter = rocksdb_ratelimiter_create(COMPACTION_BYTES_PER_SECOND, 100000, 10);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_ratelimiter(options, rocks->limiter);
    rocksdb_options_set_max_background_jobs(options, 2);
    // All of it is read at start. It holds what no sorted file has yet, which is the tail of the
    // journal and of the traces; the other families change more slowly and would keep it back.
    rocksdb_options_set_max_total_wal_size(options, journal_bytes_max + WAL_SLACK_BYTES);
    // A torn end is what power loss leaves of a write that was never acknowledged; anything else in
    // the log that cannot be read is an error.
    rocksdb_options_set_wal_recovery_mode(options,
                                          rocksdb_tolerate_corrupted_tail_records_recovery);
    // One thread writes.
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_options_set_enable_write_thread_adaptive_yield(options, 0);
    rocksdb_options_set_bytes_per_sync(options, MIB);
    rocksdb_options_set_max_open_files(options, OPEN_FILES_MAX);
    // Its own log is a file like any other: once a line did not fit on a full disk, Debian's build
    // asserts at the next one. Errors come to us as results.
    rocksdb_options_set_info_log_level(options, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(options, 4);
    rocksdb_options_set_max_log_file_size(options, 4 * MIB);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocks->options = keep_recovered_in_memory(options);
    rocks->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rocks->write_options, 1);
    rocks->get_options = rocksdb_readoptions_create();
    rocks->scan_options[STORE_SCAN_AGAIN] = rocksdb_readoptions_create();
    rocks->scan_options[STORE_SCAN_ONCE] = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(rocks->scan_options[STORE_SCAN_ONCE], 0);
    set_families(rocks, journal_bytes_max);
}

// Writing.

static struct rocks *rocks_of(struct store_blocks *blocks)
{
    return (struct rocks *)blocks;
}

static void rocks_put(struct store_blocks *blocks, enum store_family family, struct slice key,
                      struct slice value)
{
    struct rocks *const rocks = rocks_of(blocks);
    rocksdb_writebatch_put_cf(rocks->batch, rocks->families[family], (const char *)key.ptr, key.len,
                              value.len == 0 ? "" : (const char *)value.ptr, value.len);
}

static void rocks_remove(struct store_blocks *blocks, enum store_family family, struct slice key)
{
    struct rocks *const rocks = rocks_of(blocks);
    rocksdb_writebatch_delete_cf(rocks->batch, rocks->families[family], (const char *)key.ptr,
                                 key.len);
}

static void rocks_remove_range(struct store_blocks *blocks, enum store_family family,
                               struct slice from, struct slice to)
{
    struct rocks *const rocks = rocks_of(blocks);
    rocksdb_writebatch_delete_range_cf(rocks->batch, rocks->families[family],
                                       (const char *)from.ptr, from.len, (const char *)to.ptr,
                                       to.len);
}

static enum err rocks_write(struct store_blocks *blocks)
{
    struct rocks *const rocks = rocks_of(blocks);
    char *text = NULL;
    rocksdb_write(rocks->db, rocks->write_options, rocks->batch, &text);
    rocksdb_writebatch_clear(rocks->batch);
    rocks->has_failed = rocks->has_failed || text != NULL;
    return take_error(text);
}

// Reading.

static enum err rocks_get(struct store_blocks *blocks, enum store_family family, struct slice key,
                          struct store_bytes *value)
{
    struct rocks *const rocks = rocks_of(blocks);
    char *text = NULL;
    size_t len = 0;
    value->len = 0;
    rocksdb_pinnableslice_t *const found =
        rocksdb_get_pinned_cf(rocks->db, rocks->get_options, rocks->families[family],
                              (const char *)key.ptr, key.len, &text);
    if (text != NULL) {
        return take_error(text);
    }
    if (found == NULL) {
        return ERR_NOT_FOUND;
    }
    const char *const bytes = rocksdb_pinnableslice_value(found, &len);
    store_bytes_put(value, slice_of(bytes, len));
    rocksdb_pinnableslice_destroy(found);
    return ERR_OK;
}

static struct store_scan *rocks_scan_open(struct store_blocks *blocks, enum store_family family,
                                          enum store_scan_use use)
{
    struct rocks *const rocks = rocks_of(blocks);
    struct rocks_scan *const scan = calloc(1, sizeof(*scan));
    ASSERT(scan != NULL);
    scan->iterator =
        rocksdb_create_iterator_cf(rocks->db, rocks->scan_options[use], rocks->families[family]);
    return &scan->base;
}

static void rocks_scan_move(struct store_scan *base, enum store_scan_move move, struct slice key)
{
    rocksdb_iterator_t *const iterator = ((struct rocks_scan *)base)->iterator;
    switch (move) {
    case STORE_SCAN_SEEK:
        rocksdb_iter_seek(iterator, (const char *)key.ptr, key.len);
        break;
    case STORE_SCAN_SEEK_BACK:
        rocksdb_iter_seek_for_prev(iterator, (const char *)key.ptr, key.len);
        break;
    case STORE_SCAN_NEXT:
        rocksdb_iter_next(iterator);
        break;
    case STORE_SCAN_BACK:
        rocksdb_iter_prev(iterator);
        break;
    }
    base->is_valid = rocksdb_iter_valid(iterator) != 0;
    if (base->is_valid) {
        size_t len = 0;
        const char *bytes = rocksdb_iter_key(iterator, &len);
        base->key = slice_of(bytes, len);
        bytes = rocksdb_iter_value(iterator, &len);
        base->value = slice_of(bytes, len);
    } else {
        char *text = NULL;
        rocksdb_iter_get_error(iterator, &text);
        base->err = take_error(text);
    }
}

static void rocks_scan_close(struct store_scan *base)
{
    rocksdb_iter_destroy(((struct rocks_scan *)base)->iterator);
    free(base);
}

static void rocks_write_recovered(struct store_blocks *blocks)
{
    const struct rocks *const rocks = rocks_of(blocks);
    rocksdb_flushoptions_t *const options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 0);
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        char *text = NULL;
        rocksdb_flush_cf(rocks->db, options, rocks->families[i], &text);
        // Should it fail, the next write says so.
        rocksdb_free(text);
    }
    rocksdb_flushoptions_destroy(options);
}

static enum err rocks_figures(struct store_blocks *blocks, struct store_blocks_figures *figures)
{
    struct rocks *const rocks = rocks_of(blocks);
    uint64_t is_stopped = 0;
    (void)rocksdb_property_int(rocks->db, "rocksdb.is-write-stopped", &is_stopped);
    figures->is_write_stopped = is_stopped != 0;
    return plat_file_free_space(rocks->directory, &figures->free_space);
}

static uint64_t rocks_memory(const struct store_blocks *blocks)
{
    static const char *const names[] = {"rocksdb.cur-size-all-mem-tables",
                                        "rocksdb.estimate-table-readers-mem"};
    const struct rocks *const rocks = (const struct rocks *)blocks;
    uint64_t sum = rocksdb_cache_get_usage(rocks->cache);
    for (int family = 0; family < STORE_FAMILY_COUNT; family++) {
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            uint64_t bytes = 0;
            (void)rocksdb_property_int_cf(rocks->db, rocks->families[family], names[i], &bytes);
            sum += bytes;
        }
    }
    return sum;
}

// Opening and closing.

static void rocks_close(struct store_blocks *blocks)
{
    struct rocks *const rocks = rocks_of(blocks);
    // After a failed write closing would sync that log again, on which Debian's build asserts. What
    // is on disk is right; the rest goes with the process.
    if (rocks->has_failed) {
        return;
    }
    // Handles go before the database: Debian's build asserts on it.
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        if (rocks->families[i] != NULL) {
            rocksdb_column_family_handle_destroy(rocks->families[i]);
        }
    }
    if (rocks->batch != NULL) {
        rocksdb_writebatch_destroy(rocks->batch);
    }
    if (rocks->db != NULL) {
        rocksdb_close(rocks->db);
    }
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        rocksdb_options_destroy(rocks->family_options[i]);
    }
    for (unsigned use = 0; use < STORE_SCAN_USES; use++) {
        rocksdb_readoptions_destroy(rocks->scan_options[use]);
    }
    rocksdb_readoptions_destroy(rocks->get_options);
    rocksdb_writeoptions_destroy(rocks->write_options);
    rocksdb_options_destroy(rocks->options);
    rocksdb_ratelimiter_destroy(rocks->limiter);
    rocksdb_cache_destroy(rocks->cache);
    free(rocks->directory);
    free(rocks);
}

static const struct store_blocks_ops rocks_ops = {
    .put = rocks_put,
    .remove = rocks_remove,
    .remove_range = rocks_remove_range,
    .write = rocks_write,
    .get = rocks_get,
    .scan_open = rocks_scan_open,
    .scan_move = rocks_scan_move,
    .scan_close = rocks_scan_close,
    .write_recovered = rocks_write_recovered,
    .figures = rocks_figures,
    .memory = rocks_memory,
    .close = rocks_close,
};

static char *open_database(struct rocks *rocks)
{
    char *text = NULL;
    rocks->db = rocksdb_open_column_families(
        rocks->options, rocks->directory, STORE_FAMILY_COUNT, family_names,
        (const rocksdb_options_t *const *)rocks->family_options, rocks->families, &text);
    if (text != NULL) {
        return text;
    }
    // There is no other way to it in the C interface.
    const char *const keys[] = {"periodic_compaction_seconds"};
    const char *const values[] = {SERIES_REWRITE_SECONDS};
    rocksdb_set_options_cf(rocks->db, rocks->families[STORE_FAMILY_SERIES], 1, keys, values, &text);
    return text;
}

enum err store_rocks_open(const char *directory, uint64_t journal_bytes_max,
                          struct span expiry_every, struct store_blocks **blocks, char message[256])
{
    struct rocks *const rocks = calloc(1, sizeof(*rocks));
    ASSERT(rocks != NULL);
    *blocks = NULL;
    rocks->base.ops = &rocks_ops;
    rocks->directory = strdup(directory);
    ASSERT(rocks->directory != NULL);
    rocks->expiry_every = expiry_every;
    set_options(rocks, journal_bytes_max);
    char *const text = open_database(rocks);
    if (text != NULL) {
        const enum err err = error_of(text);
        (void)snprintf(message, 256, "device data: %s: %.200s", err_text(err), text);
        rocksdb_free(text);
        rocks_close(&rocks->base);
        return err;
    }
    rocks->batch = rocksdb_writebatch_create();
    *blocks = &rocks->base;
    return ERR_OK;
}
