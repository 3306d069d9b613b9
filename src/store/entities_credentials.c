#include "store/entities.h"
#include "store/sql.h"

enum err store_credentials_insert(struct store_tx *tx, struct device_id device,
                                  const struct model_credentials *credentials)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "INSERT INTO credentials (device, id, kind, credential, value, version)"
                          " VALUES (?,?,?,?,?,1)",
                          NULL);
    store_sql_bind_int(&query, (int64_t)device.number);
    store_sql_bind_uuid(&query, &credentials->id);
    store_sql_bind_int(&query, credentials->kind);
    store_sql_bind_text(&query, credentials->credential);
    store_sql_bind_text(&query, credentials->value);
    return store_sql_done(&query, NULL);
}

// Why an update found nothing to change: there is no such device, or the version is another.
static enum err why_unchanged(struct store_tx *tx, const struct uuid *device)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT 1 FROM device WHERE id = ?", NULL);
    store_sql_bind_uuid(&query, device);
    const bool exists = store_sql_row(&query);
    const enum err err = store_sql_end(&query);
    return err != ERR_OK ? err : exists ? ERR_CONFLICT : ERR_NOT_FOUND;
}

enum err store_credentials_update(struct store_tx *tx, struct model_credentials *credentials,
                                  bool check_version)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "UPDATE credentials SET kind = ?, credential = ?, value = ?, version = version + 1"
        " WHERE device = (SELECT number FROM device WHERE id = ?) AND (? OR version = ?)"
        " RETURNING version",
        NULL);
    store_sql_bind_int(&query, credentials->kind);
    store_sql_bind_text(&query, credentials->credential);
    store_sql_bind_text(&query, credentials->value);
    store_sql_bind_uuid(&query, &credentials->device);
    store_sql_bind_int(&query, !check_version);
    store_sql_bind_int(&query, credentials->version);
    const bool found = store_sql_row(&query);
    if (found) {
        credentials->version = store_sql_read_int(&query);
    }
    const enum err err = store_sql_done(&query, NULL);
    if (err != ERR_OK || found) {
        return err;
    }
    return why_unchanged(tx, &credentials->device);
}

enum err store_credentials_taken(struct store_tx *tx, struct slice credential, bool *taken)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT 1 FROM credentials WHERE credential = ?", NULL);
    store_sql_bind_text(&query, credential);
    *taken = store_sql_row(&query);
    return store_sql_end(&query);
}

enum err store_credentials_get(struct store_tx *tx, struct arena *memory, const struct uuid *device,
                               struct model_credentials *credentials)
{
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "SELECT credentials.id, kind, credential, value, credentials.version"
                          " FROM credentials JOIN device ON device.number = credentials.device"
                          " WHERE device.id = ?",
                          memory);
    store_sql_bind_uuid(&query, device);
    const bool found = store_sql_row(&query);
    if (found) {
        credentials->id = store_sql_read_uuid(&query);
        credentials->device = *device;
        credentials->kind = (enum model_credential_kind)store_sql_read_int(&query);
        credentials->credential = store_sql_read_text(&query);
        credentials->value = store_sql_read_text(&query);
        credentials->version = store_sql_read_int(&query);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

// How a device saves power is said in its own data or in its profile's; only those of COAP profiles
// are looked at. A mode of the device's own goes with its own time (device-api.md 7.1). The mode
// comes as a number of enum model_power: what else people wrote there may be of any length.
#define OWN(field) "json_extract(device.device_data, '$.transportConfiguration." field "')"
#define PROFILES(field)                                                                            \
    "json_extract(profile_data, '$.transportConfiguration.clientSettings." field "')"
#define WHEN_COAP(value) "CASE WHEN transport = 1 THEN " value " END"
#define TIME(field)                                                                                \
    WHEN_COAP("coalesce(" OWN(field) ", CASE WHEN " OWN("powerMode") " IS NULL THEN " PROFILES(    \
        field) " END)")

#define MODE_OF(text) "CASE " text " WHEN 'PSM' THEN 1 WHEN 'E_DRX' THEN 2 END"
#define POWER_MODE WHEN_COAP(MODE_OF("coalesce(" OWN("powerMode") ", " PROFILES("powerMode") ")"))
#define POWER_COLUMNS POWER_MODE ", " TIME("psmActivityTimer") ", " TIME("pagingTransmissionWindow")

#define INDEX_COLUMNS                                                                              \
    "SELECT device.number, device.tenant, device.id, kind, transport, credential, " POWER_COLUMNS  \
    " FROM device JOIN credentials ON credentials.device = device.number"                          \
    " JOIN device_profile ON device_profile.id = device.profile"                                   \
    " JOIN tenant ON tenant.number = device.tenant AND tenant.ended = 0"

static void read_power(struct store_query *query, struct model_index_entry *entry)
{
    const int64_t mode = store_sql_read_int(query);
    const int64_t psm_ms = store_sql_read_int(query);
    const int64_t edrx_ms = store_sql_read_int(query);
    const int64_t awake_ms = mode == MODEL_POWER_PSM ? psm_ms : edrx_ms;
    if (mode == MODEL_POWER_PSM || mode == MODEL_POWER_EDRX) {
        entry->power = (uint8_t)mode;
        entry->awake_ms = awake_ms > 0 && awake_ms <= UINT32_MAX ? (uint32_t)awake_ms : 0;
    }
}

static void index_read(struct store_query *query, struct model_index_entry *entry)
{
    *entry = (struct model_index_entry){.device = {(uint64_t)store_sql_read_int(query)}};
    entry->tenant.number = (uint64_t)store_sql_read_int(query);
    entry->uuid = store_sql_read_uuid(query);
    entry->kind = (enum model_credential_kind)store_sql_read_int(query);
    entry->transport = (enum model_transport)store_sql_read_int(query);
    const struct slice credential = store_sql_read_text(query);
    const size_t len =
        credential.len < MODEL_CREDENTIAL_ID_MAX ? credential.len : MODEL_CREDENTIAL_ID_MAX;
    entry->credential_len = (uint8_t)len;
    if (len > 0) {
        memcpy(entry->credential, credential.ptr, len);
    }
    read_power(query, entry);
}

static enum err emit_all(struct store_query *query, struct arena *arena, void *context,
                         store_index_fn *emit)
{
    enum err err = ERR_OK;
    while (err == ERR_OK && store_sql_row(query)) {
        struct model_index_entry entry;
        index_read(query, &entry);
        err = emit(context, &entry);
        arena_reset(arena);
    }
    const enum err ended = store_sql_end(query);
    return err != ERR_OK ? err : ended;
}

enum err store_index_load(struct store_tx *tx, void *context, store_index_fn *emit)
{
    uint8_t memory[1024] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct store_query query = store_sql_prepare(tx->sql, INDEX_COLUMNS, &arena);
    return emit_all(&query, &arena, context, emit);
}

enum err store_index_of_profile(struct store_tx *tx, const struct uuid *profile, void *context,
                                store_index_fn *emit)
{
    uint8_t memory[1024] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct store_query query =
        store_sql_prepare(tx->sql, INDEX_COLUMNS " WHERE device.profile = ?", &arena);
    store_sql_bind_uuid(&query, profile);
    return emit_all(&query, &arena, context, emit);
}

// The one entry of a query whose parameter is bound.
static enum err read_one(struct store_query *query, struct model_index_entry *entry)
{
    const bool found = store_sql_row(query);
    if (found) {
        index_read(query, entry);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_index_entry(struct store_tx *tx, const struct uuid *device,
                           struct model_index_entry *entry)
{
    uint8_t memory[1024] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct store_query query =
        store_sql_prepare(tx->sql, INDEX_COLUMNS " WHERE device.id = ?", &arena);
    store_sql_bind_uuid(&query, device);
    return read_one(&query, entry);
}

enum err store_index_by_credential(struct store_tx *tx, enum model_credential_kind kind,
                                   struct slice credential, struct model_index_entry *entry)
{
    uint8_t memory[1024] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct store_query query =
        store_sql_prepare(tx->sql, INDEX_COLUMNS " WHERE credential = ? AND kind = ?", &arena);
    store_sql_bind_text(&query, credential);
    store_sql_bind_int(&query, kind);
    return read_one(&query, entry);
}

enum err store_purge_next(struct store_tx *tx, struct tenant_id *tenant, struct device_id *device)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT tenant, device FROM purge ORDER BY device LIMIT 1", NULL);
    const bool found = store_sql_row(&query);
    if (found) {
        tenant->number = (uint64_t)store_sql_read_int(&query);
        device->number = (uint64_t)store_sql_read_int(&query);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_purge_done(struct store_tx *tx, struct device_id device)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "DELETE FROM purge WHERE device = ?", NULL);
    store_sql_bind_int(&query, (int64_t)device.number);
    return store_sql_done(&query, NULL);
}
