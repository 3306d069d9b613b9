#include "store/attempts.h"

#include <stdlib.h>

#include "plat/thread.h"

#define SENDERS_MAX 4096U

struct store_attempts {
    struct plat_mutex mutex;
    struct rate_table *table;
};

enum err store_attempts_create(struct store_attempts **out, const struct rate *rate)
{
    struct store_attempts *attempts = calloc(1, sizeof(*attempts));
    void *memory = calloc(1, rate_table_footprint(SENDERS_MAX));
    if (attempts == NULL || memory == NULL) {
        free(attempts);
        free(memory);
        return ERR_EXHAUSTED;
    }
    plat_mutex_init(&attempts->mutex);
    attempts->table = rate_table_init(memory, SENDERS_MAX, rate);
    *out = attempts;
    return ERR_OK;
}

void store_attempts_destroy(struct store_attempts *attempts)
{
    plat_mutex_deinit(&attempts->mutex);
    free(attempts->table);
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
