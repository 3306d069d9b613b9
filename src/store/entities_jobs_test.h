// store/entities_jobs_test.h: the store of a test program, and jobs that several of them run.
#pragma once

#include "store/entities_test.h"

static struct entities_test test;

static inline int set_up(void **state)
{
    (void)state;
    return entities_test_open(&test) == ERR_OK && entities_test_fill(&test) == ERR_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    entities_test_close(&test);
    return 0;
}

static inline enum err write_job(store_job_fn *run, void *context)
{
    return store_entities_write(test.entities, context, run, NULL);
}

static inline enum err read_job(store_job_fn *run, void *context)
{
    return store_entities_read(test.entities, context, run);
}

struct device_job {
    struct model_device device;
    struct model_credentials credentials;
    struct model_index_entry entry;
    bool check_version;
};

static inline enum err insert_device(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    struct entities_test_add add = {&job->device, "token"};
    return entities_test_add(tx, &add);
}

static inline enum err get_device(struct store_tx *tx, void *context)
{
    struct device_job *job = context;
    return store_device_get(tx, &test.memory, job->device.tenant, &job->device.id, &job->device);
}
