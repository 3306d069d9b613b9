// The store on local disk: the local back end over RocksDB.
#include "store/blocks.h"
#include "store/local_priv.h"

enum err store_local_open(const char *directory, const struct store_limits *limits,
                          struct store **store, char message[256])
{
    struct store_blocks *blocks = NULL;
    *store = NULL;
    message[0] = '\0';
    const enum err err = store_rocks_open(directory, limits->journal_bytes_max,
                                          limits->expiry_every, &blocks, message);
    return err == ERR_OK ? store_local_open_on(blocks, limits, store, message) : err;
}

uint64_t store_database_bytes_max(const struct store_limits *limits)
{
    return store_rocks_memory_max(limits->journal_bytes_max);
}
