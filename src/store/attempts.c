#include "store/attempts.h"

#include <stdlib.h>

#include "plat/memory.h"
#include "plat/thread.h"

struct store_attempts {
    struct plat_mutex mutex;
    struct rate_table *table;
};

size_t store_attempts_footprint(void)
{
    return rate_table_footprint(STORE_ATTEMPTS_MAX);
}

enum err store_attempts_create(struct store_attempts **out, const struct rate *rate)
{
    struct store_attempts *attempts = calloc(1, sizeof(*attempts));
    void *memory = plat_memory_reserve(store_attempts_footprint());
    if (attempts == NULL || memory == NULL) {
        free(attempts);
        plat_memory_release(memory, store_attempts_footprint());
        return ERR_EXHAUSTED;
    }
    plat_mutex_init(&attempts->mutex);
    attempts->table = rate_table_init(memory, STORE_ATTEMPTS_MAX, rate);
    *out = attempts;
    return ERR_OK;
}

void store_attempts_destroy(struct store_attempts *attempts)
{
    plat_mutex_deinit(&attempts->mutex);
    plat_memory_release(attempts->table, store_attempts_footprint());
    free(attempts);
}

bool store_attempts_allowed(struct store_attempts *attempts, struct mono now, uint64_t key)
{
    plat_mutex_lock(&attempts->mutex);
    const bool allowed = rate_table_has(attempts->table, now, key);
    plat_mutex_unlock(&attempts->mutex);
    return allowed;
}

void store_attempts_failed(struct store_attempts *attempts, struct mono now, uint64_t key)
{
    plat_mutex_lock(&attempts->mutex);
    (void)!rate_table_take(attempts->table, now, key);
    plat_mutex_unlock(&attempts->mutex);
}

uint32_t store_attempts_count(struct store_attempts *attempts)
{
    plat_mutex_lock(&attempts->mutex);
    const uint32_t count = rate_table_count(attempts->table);
    plat_mutex_unlock(&attempts->mutex);
    return count;
}
