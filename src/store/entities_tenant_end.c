// The end of a tenant, in steps of bounded size.
#include "store/entities_tenant.h"
#include "store/sql.h"

#define ROWS_MAX 1024

enum err store_tenant_end(struct store_tx *tx, const struct uuid *id)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "UPDATE tenant SET ended = 1, title = hex(id), profile = NULL"
                          " WHERE id = ? AND ended = 0",
                          NULL);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

enum err store_tenant_ended(struct store_tx *tx, struct tenant_id *tenant)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT number FROM tenant WHERE ended = 1 LIMIT 1", NULL);
    const bool found = store_sql_row(&query);
    if (found) {
        tenant->number = (uint64_t)store_sql_read_int(&query);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

static enum err drop_devices(struct store_tx *tx, struct tenant_id tenant,
                             struct store_tenant_step *step)
{
    struct store_query purge =
        store_sql_prepare(tx->sql,
                          "INSERT INTO purge (device, tenant) SELECT number, tenant FROM device"
                          " WHERE tenant = ? ORDER BY number LIMIT ?",
                          NULL);
    store_sql_bind_int(&purge, (int64_t)tenant.number);
    store_sql_bind_int(&purge, STORE_TENANT_DEVICES_MAX);
    const enum err err = store_sql_done(&purge, NULL);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "DELETE FROM device WHERE number IN (SELECT number FROM device"
                          " WHERE tenant = ? ORDER BY number LIMIT ?) RETURNING number",
                          NULL);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_int(&query, STORE_TENANT_DEVICES_MAX);
    while (store_sql_row(&query)) {
        ASSERT(step->count < STORE_TENANT_DEVICES_MAX);
        step->devices[step->count++].number = (uint64_t)store_sql_read_int(&query);
    }
    return store_sql_end(&query);
}

// Users before the customers they are of.
static const char *const drops[] = {
    "DELETE FROM user WHERE id IN (SELECT id FROM user WHERE tenant = ?1 LIMIT ?2)",
    "DELETE FROM customer WHERE id IN (SELECT id FROM customer WHERE tenant = ?1 LIMIT ?2)",
    ("DELETE FROM device_profile WHERE id IN"
     " (SELECT id FROM device_profile WHERE tenant = ?1 LIMIT ?2)"),
    "DELETE FROM tenant WHERE number = ?1 AND ended = ?2",
};

#define DROPS (sizeof(drops) / sizeof(drops[0]))

static enum err drop_rows(struct store_tx *tx, struct tenant_id tenant, unsigned drop, int *rows)
{
    struct store_query query = store_sql_prepare(tx->sql, drops[drop], NULL);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_int(&query, drop == DROPS - 1 ? 1 : ROWS_MAX);
    return store_sql_done(&query, rows);
}

enum err store_tenant_drop(struct store_tx *tx, struct tenant_id tenant,
                           struct store_tenant_step *step)
{
    step->count = 0;
    step->finished = false;
    int rows = 0;
    enum err err = drop_devices(tx, tenant, step);
    if (err != ERR_OK || step->count > 0) {
        return err;
    }
    for (unsigned i = 0; err == ERR_OK && rows == 0 && i < DROPS; i++) {
        err = drop_rows(tx, tenant, i, &rows);
        step->finished = i == DROPS - 1;
    }
    return err;
}
