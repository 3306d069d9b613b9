// Fills a data directory with devices for the bench: tokens BENCH0000000 and so on.
// Usage: bench_preload DIRECTORY COUNT
#include <stdio.h>
#include <stdlib.h>

#include "bench/devices.h"
#include "core/core.h"
#include "core/install.h"
#include "plat/clock.h"
#include "plat/file.h"
#include "store/entities_tenant.h"

struct load {
    unsigned count;
};

static enum err insert_one(struct store_tx *tx, const struct model_tenant *tenant,
                           const struct model_device_profile *profile, unsigned number)
{
    char name[32];
    char token[32];
    snprintf(name, sizeof(name), "Bench %07u", number);
    snprintf(token, sizeof(token), "BENCH%07u", number);
    struct model_device device = {.id = bench_device_id(number),
                                  .tenant = tenant->number,
                                  .customer = uuid_null,
                                  .profile = profile->id,
                                  .name = slice_text(name)};
    enum err err = store_device_insert(tx, &device);
    if (err == ERR_OK) {
        const struct model_credentials credentials = {.id = core_new_id(plat_clock_wall()),
                                                      .device = device.id,
                                                      .kind = MODEL_CREDENTIAL_TOKEN,
                                                      .credential = slice_text(token)};
        err = store_credentials_insert(tx, device.number, &credentials);
    }
    return err;
}

static enum err insert_all(struct store_tx *tx, void *context)
{
    static uint8_t memory[65536] __attribute__((aligned(16)));
    const struct load *load = context;
    struct arena arena;
    struct model_tenant tenant;
    struct model_device_profile profile;
    arena_init(&arena, memory, sizeof(memory));
    enum err err = store_tenant_first(tx, &arena, &tenant);
    err = err == ERR_OK ? store_profile_default(tx, &arena, tenant.number, &profile) : err;
    for (unsigned i = 0; err == ERR_OK && i < load->count; i++) {
        err = insert_one(tx, &tenant, &profile, i);
    }
    return err;
}

int main(int count, char **words)
{
    char message[256];
    if (count != 3) {
        fprintf(stderr, "usage: bench_preload DIRECTORY COUNT\n");
        return 2;
    }
    struct core core = {.index = NULL};
    struct load load = {(unsigned)atoi(words[2])};
    enum err err = plat_file_make_directory(words[1]);
    err = err == ERR_OK ? store_entities_open(words[1], 1, &core.entities, message) : err;
    err = err == ERR_OK ? core_install_demo(&core, plat_clock_wall()) : err;
    err = err == ERR_OK ? store_entities_write(core.entities, &load, insert_all, NULL) : err;
    if (err != ERR_OK) {
        fprintf(stderr, "bench_preload: %s\n", err_text(err));
        return 1;
    }
    store_entities_close(core.entities);
    return 0;
}
