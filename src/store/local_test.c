// The local back end over a simulated disk: the conformance suite; power loss at every operation;
// damage; the bounds of head, journal and disk; seals, sweeps and traces seen from outside.
#include "store/blocks_memory.h"
#include "store/conformance.h"
#include "store/local_priv.h"

static struct store_disk *disk;

static void reset(void *context)
{
    (void)context;
    store_disk_clear(disk);
}

static struct store *open_local(void *context, const struct store_limits *limits)
{
    char message[256] = "";
    struct store *store = NULL;
    (void)context;
    const enum err err = store_local_open_on(store_disk_open(disk), limits, &store, message);
    if (err != ERR_OK) {
        print_error("%s: %s\n", err_name(err), message);
    }
    return store;
}

static const struct store_fixture_backend backend = {
    .is_lasting = true, .reset = reset, .open = open_local};

int main(void)
{
    disk = store_disk_create();
    int failed = store_conformance_run("local", &backend, NULL, 0);
    store_disk_destroy(disk);
    return failed;
}
