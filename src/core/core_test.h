// core/core_test.h: for tests of the verbs: a core over a real entity store with one tenant, two
// customers and a profile, and callers of each authority.
#pragma once

#include "core/admin.h"
#include "core/quota.h"
#include "store/entities_test.h"

struct core_test {
    struct entities_test entities;
    struct epoch epoch;
    struct core core;
    struct core_caller caller;
    struct core_problem problem;
    struct core_admin admin;
    struct arena memory;
    uint8_t bytes[1 << 16] __attribute__((aligned(16)));
};

#define CORE_TEST_NOW ((struct wall){1800000000000})

static inline void core_test_pause(void)
{
}

static inline void core_test_as(struct core_test *test, enum model_authority authority)
{
    const bool has_tenant = authority != MODEL_SYS_ADMIN;
    const bool has_customer = authority == MODEL_CUSTOMER_USER;
    test->caller = (struct core_caller){
        .user = entities_test_id(500),
        .authority = authority,
        .tenant = has_tenant ? test->entities.tenant.number : (struct tenant_id){0},
        .tenant_uuid = has_tenant ? test->entities.tenant.id : uuid_null,
        .customer = has_customer ? test->entities.customers[0].id : uuid_null,
        .now = CORE_TEST_NOW,
    };
    test->problem.text[0] = 0;
    arena_reset(&test->memory);
}

// The index takes `devices_max` entries; a wrong log-in is forgiven after ten seconds, three at a
// time.
static inline enum err core_test_open(struct core_test *test, uint32_t devices_max)
{
    static const struct rate rate = {.capacity = {3}, .seconds = {30}, .count = 1};
    memset(test, 0, sizeof(*test));
    arena_init(&test->memory, test->bytes, sizeof(test->bytes));
    epoch_init(&test->epoch, 1);
    enum err err = entities_test_open(&test->entities);
    err = err == ERR_OK ? entities_test_fill(&test->entities) : err;
    test->core.entities = test->entities.entities;
    test->core.epoch = &test->epoch;
    test->core.pause = core_test_pause;
    err = err == ERR_OK ? store_attempts_create(&test->core.attempts, &rate) : err;
    err = err == ERR_OK ? model_index_create(&test->core.index, &test->epoch, devices_max) : err;
    err = err == ERR_OK ? model_quotas_create(&test->core.quotas, 8) : err;
    err = err == ERR_OK ? core_open(&test->core, CORE_TEST_NOW) : err;
    err = err == ERR_OK ? core_quota_fill(&test->core) : err;
    test->admin = (struct core_admin){&test->core, &test->caller, &test->memory, &test->problem};
    core_test_as(test, MODEL_TENANT_ADMIN);
    return err;
}

static inline void core_test_close(struct core_test *test)
{
    store_attempts_destroy(test->core.attempts);
    model_index_destroy(test->core.index);
    model_quotas_destroy(test->core.quotas);
    entities_test_close(&test->entities);
}

// The device that the index finds by this access token, or 0.
static inline uint64_t core_test_find(const struct core_test *test, const char *token)
{
    const struct model_index_entry *entry =
        model_index_find(test->core.index, MODEL_CREDENTIAL_TOKEN, slice_text(token));
    return entry != NULL ? entry->device.number : 0;
}
