// store/entities_test.h: for tests that need a real entity store: a directory of its own, an open
// store with a tenant, two customers and a profile in it, and an arena.
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/entities_tenant.h"
#include "store/entities_user.h"

struct entities_test {
    char directory[32];
    char message[256];
    struct store_entities *entities;
    struct arena memory;
    uint8_t bytes[1 << 16] __attribute__((aligned(16)));
    struct model_tenant tenant;
    struct model_device_profile profile;
    struct model_customer customers[2];
};

static inline struct uuid entities_test_id(int64_t ms)
{
    static uint64_t tail;
    return uuid_make((struct wall){1700000000000 + ms}, 0, ++tail);
}

static inline enum err entities_test_seed(struct store_tx *tx, void *context)
{
    struct entities_test *test = context;
    enum err err = store_tenant_insert(tx, &test->tenant);
    test->profile.tenant = test->tenant.number;
    err = err == ERR_OK ? store_profile_insert(tx, &test->profile) : err;
    for (unsigned i = 0; err == ERR_OK && i < 2; i++) {
        test->customers[i].tenant = test->tenant.number;
        err = store_customer_insert(tx, &test->customers[i]);
    }
    return err;
}

static inline enum err entities_test_reopen(struct entities_test *test)
{
    store_entities_close(test->entities);
    test->entities = NULL;
    return store_entities_open(test->directory, 2, &test->entities, test->message);
}

// Opens an empty store.
static inline enum err entities_test_open(struct entities_test *test)
{
    snprintf(test->directory, sizeof(test->directory), "/tmp/motehub-XXXXXX");
    if (mkdtemp(test->directory) == NULL) {
        return ERR_IO;
    }
    arena_init(&test->memory, test->bytes, sizeof(test->bytes));
    return store_entities_open(test->directory, 2, &test->entities, test->message);
}

static inline enum err entities_test_fill(struct entities_test *test)
{
    test->tenant = (struct model_tenant){
        .id = entities_test_id(0), .profile = uuid_null, .title = SLICE("Tenant")};
    test->profile = (struct model_device_profile){.id = entities_test_id(1),
                                                  .name = SLICE("default"),
                                                  .is_default = true,
                                                  .provision_type = SLICE("DISABLED"),
                                                  .profile_data = SLICE("{}")};
    test->customers[0] =
        (struct model_customer){.id = entities_test_id(2), .title = SLICE("Customer A")};
    test->customers[1] =
        (struct model_customer){.id = entities_test_id(3), .title = SLICE("Customer B")};
    return store_entities_write(test->entities, test, entities_test_seed, NULL);
}

static inline void entities_test_remove(const char *directory)
{
    char path[512];
    DIR *dir = opendir(directory);
    for (struct dirent *item = dir != NULL ? readdir(dir) : NULL; item != NULL;
         item = readdir(dir)) {
        snprintf(path, sizeof(path), "%s/%s", directory, item->d_name);
        (void)unlink(path);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)rmdir(directory);
}

static inline void entities_test_close(struct entities_test *test)
{
    if (test->entities != NULL) {
        store_entities_close(test->entities);
    }
    entities_test_remove(test->directory);
}

static inline struct model_device entities_test_device(const struct entities_test *test,
                                                       const char *name, int64_t ms)
{
    return (struct model_device){.id = entities_test_id(ms),
                                 .tenant = test->tenant.number,
                                 .customer = uuid_null,
                                 .profile = test->profile.id,
                                 .name = slice_text(name)};
}

// Inserts a device with an access token.
struct entities_test_add {
    struct model_device *device;
    const char *token;
};

static inline enum err entities_test_add(struct store_tx *tx, void *context)
{
    const struct entities_test_add *add = context;
    const struct model_credentials credentials = {.id = entities_test_id(9),
                                                  .device = add->device->id,
                                                  .kind = MODEL_CREDENTIAL_TOKEN,
                                                  .credential = slice_text(add->token)};
    const enum err err = store_device_insert(tx, add->device);
    return err != ERR_OK ? err : store_credentials_insert(tx, add->device->number, &credentials);
}
