// What tenant profiles allow: their JSON is the only place where it is kept, and is read here, by
// the names of server-api.md section 10.
#include "store/entities_tenant.h"
#include "store/sql.h"

// clang-format off
#define MEMBER(name) ", json_extract(profile_data, '$.configuration." name "')"
#define SELECT                                                                                     \
    "SELECT id"                                                                                    \
    MEMBER("maxDevices")                                                                           \
    MEMBER("maxCustomers")                                                                         \
    MEMBER("maxUsers")                                                                             \
    MEMBER("defaultStorageTtlDays")                                                                \
    MEMBER("rpcTtlDays")                                                                           \
    MEMBER("transportTenantMsgRateLimit")                                                          \
    MEMBER("transportTenantTelemetryMsgRateLimit")                                                 \
    MEMBER("transportTenantTelemetryDataPointsRateLimit")                                          \
    MEMBER("transportDeviceMsgRateLimit")                                                          \
    MEMBER("transportDeviceTelemetryMsgRateLimit")                                                 \
    MEMBER("transportDeviceTelemetryDataPointsRateLimit")                                          \
    " FROM tenant_profile"
// clang-format on

// Six texts of four rates each have room in it many times over.
#define ROW_SIZE 2048U

// A member that is absent or null reads as 0.
static uint32_t read_count(struct store_query *query)
{
    const int64_t value = store_sql_read_int(query);
    return value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static enum err quota_read(struct store_query *query, struct model_quota *quota)
{
    *quota = (struct model_quota){
        .devices_max = read_count(query),
    };
    uint32_t *const counts[] = {&quota->customers_max, &quota->users_max, &quota->storage_ttl_days,
                                &quota->rpc_ttl_days};
    struct rate *const rates[] = {
        &quota->tenant_messages, &quota->tenant_telemetry_messages, &quota->tenant_data_points,
        &quota->device_messages, &quota->device_telemetry_messages, &quota->device_data_points};
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        *counts[i] = read_count(query);
    }
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < sizeof(rates) / sizeof(rates[0]); i++) {
        err = rate_parse(store_sql_read_text(query), rates[i]);
    }
    return err;
}

static enum err quota_rows(struct store_query *query, struct arena *memory, void *context,
                           store_quota_fn *emit)
{
    enum err err = ERR_OK;
    while (err == ERR_OK && store_sql_row(query)) {
        struct model_quota quota;
        arena_reset(memory);
        const struct uuid id = store_sql_read_uuid(query);
        err = quota_read(query, &quota);
        err = err == ERR_OK ? emit(context, &id, &quota) : err;
    }
    const enum err ended = store_sql_end(query);
    return err != ERR_OK ? err : ended;
}

enum err store_quota_load(struct store_tx *tx, void *context, store_quota_fn *emit)
{
    uint8_t bytes[ROW_SIZE] __attribute__((aligned(16)));
    struct arena memory;
    arena_init(&memory, bytes, sizeof(bytes));
    struct store_query query = store_sql_prepare(tx->sql, SELECT, &memory);
    return quota_rows(&query, &memory, context, emit);
}

struct one {
    struct model_quota *quota;
    bool found;
};

static enum err take_one(void *context, const struct uuid *profile, const struct model_quota *quota)
{
    (void)profile;
    struct one *one = context;
    *one->quota = *quota;
    one->found = true;
    return ERR_OK;
}

enum err store_quota_get(struct store_tx *tx, const struct uuid *profile, struct model_quota *quota)
{
    uint8_t bytes[ROW_SIZE] __attribute__((aligned(16)));
    struct arena memory;
    struct one one = {quota, false};
    arena_init(&memory, bytes, sizeof(bytes));
    struct store_query query = store_sql_prepare(tx->sql, SELECT " WHERE id = ?", &memory);
    store_sql_bind_uuid(&query, profile);
    const enum err err = quota_rows(&query, &memory, &one, take_one);
    return err == ERR_OK && !one.found ? ERR_NOT_FOUND : err;
}

enum err store_quota_load_tenants(struct store_tx *tx, void *context, store_quota_tenant_fn *emit)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT number, profile FROM tenant WHERE ended = 0 AND profile IS NOT NULL",
        NULL);
    enum err err = ERR_OK;
    while (err == ERR_OK && store_sql_row(&query)) {
        const struct tenant_id tenant = {(uint64_t)store_sql_read_int(&query)};
        const struct uuid profile = store_sql_read_uuid(&query);
        err = emit(context, tenant, &profile);
    }
    const enum err ended = store_sql_end(&query);
    return err != ERR_OK ? err : ended;
}

enum err store_quota_has_default(struct store_tx *tx, bool *has)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT 1 FROM tenant_profile WHERE is_default = 1", NULL);
    *has = store_sql_row(&query);
    return store_sql_end(&query);
}

enum err store_quota_adopt(struct store_tx *tx)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "UPDATE tenant SET profile ="
                          " (SELECT id FROM tenant_profile WHERE is_default = 1)"
                          " WHERE profile IS NULL AND ended = 0",
                          NULL);
    return store_sql_done(&query, NULL);
}

static enum err count(struct store_tx *tx, const char *text, struct tenant_id tenant,
                      int64_t *number)
{
    struct store_query query = store_sql_prepare(tx->sql, text, NULL);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    *number = store_sql_row(&query) ? store_sql_read_int(&query) : 0;
    return store_sql_end(&query);
}

enum err store_quota_count_devices(struct store_tx *tx, struct tenant_id tenant, int64_t *number)
{
    return count(tx, "SELECT count(*) FROM device WHERE tenant = ?", tenant, number);
}

enum err store_quota_count_customers(struct store_tx *tx, struct tenant_id tenant, int64_t *number)
{
    return count(tx, "SELECT count(*) FROM customer WHERE tenant = ?", tenant, number);
}

enum err store_quota_count_users(struct store_tx *tx, struct tenant_id tenant, int64_t *number)
{
    return count(tx, "SELECT count(*) FROM user WHERE tenant = ?", tenant, number);
}
