// store/disk_test.h: for a test program of the local back end: a simulated disk, stores that are
// opened on it, and what stands there between two of them.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/blocks_memory.h"
#include "store/fixture.h"
#include "store/local_priv.h"

static struct store_disk *disk;

static inline void reset(void *context)
{
    (void)context;
    store_disk_clear(disk);
}

static inline enum err try_open(const struct store_limits *limits, struct store **store,
                                char message[256])
{
    message[0] = '\0';
    const enum err err = store_local_open_on(store_disk_open(disk), limits, store, message);
    return store_fixture_replay(err, store, message);
}

static inline struct store *open_local(void *context, const struct store_limits *limits)
{
    char message[256];
    struct store *store = NULL;
    (void)context;
    if (try_open(limits, &store, message) != ERR_OK) {
        print_error("%s\n", message);
    }
    return store;
}

static const struct store_fixture_backend backend = {
    .is_lasting = true, .reset = reset, .open = open_local};

static inline void put_and_write(enum store_family family, struct slice key, struct slice value)
{
    struct store_blocks *const blocks = store_disk_open(disk);
    blocks->ops->put(blocks, family, key, value);
    assert_int_equal(blocks->ops->write(blocks), ERR_OK);
    blocks->ops->close(blocks);
}

// The row of a device, which the caller deinits.
static inline void read_row(uint64_t device, struct store_row *row)
{
    struct store_blocks *const blocks = store_disk_open(disk);
    struct store_bytes bytes = {0};
    uint8_t key[STORE_DEVICE_KEY];
    store_wire_put_u64(key, device);
    store_row_init(row);
    assert_int_equal(
        blocks->ops->get(blocks, STORE_FAMILY_DEVICES, slice_of(key, sizeof(key)), &bytes), ERR_OK);
    assert_int_equal(store_row_decode(store_bytes_view(&bytes), row), ERR_OK);
    store_bytes_deinit(&bytes);
    blocks->ops->close(blocks);
}
