#include "store/entities.h"
#include "store/entities_list.h"

#define FROM                                                                                       \
    " FROM device JOIN device_profile ON device_profile.id = device.profile"                       \
    " LEFT JOIN customer ON customer.id = device.customer"
#define COLUMNS                                                                                    \
    "device.id, device.number, device.tenant, device.customer, device.profile, device.name,"       \
    " device_profile.name, device.label, device.additional_info, device.device_data,"              \
    " customer.title, customer.additional_info, device_profile.transport, device.version"

static void bind_customer(struct store_query *query, const struct uuid *customer)
{
    if (uuid_equal(customer, &uuid_null)) {
        store_sql_bind_null(query);
    } else {
        store_sql_bind_uuid(query, customer);
    }
}

enum err store_device_insert(struct store_tx *tx, struct model_device *device)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "INSERT INTO device (id, tenant, customer, profile, name, label,"
                 " additional_info, device_data, version) VALUES (?,?,?,?,?,?,?,?,1)", NULL);
    store_sql_bind_uuid(&query, &device->id);
    store_sql_bind_int(&query, (int64_t)device->tenant.number);
    bind_customer(&query, &device->customer);
    store_sql_bind_uuid(&query, &device->profile);
    store_sql_bind_text(&query, device->name);
    store_sql_bind_text(&query, device->label);
    store_sql_bind_text(&query, device->additional_info);
    store_sql_bind_text(&query, device->device_data);
    const enum err err = store_sql_done(&query, NULL);
    device->number.number = (uint64_t)sqlite3_last_insert_rowid(tx->sql->db);
    device->version = 1;
    return err;
}

static enum err version_conflict(struct store_tx *tx, const struct uuid *device)
{
    struct store_query query = store_sql_prepare(tx->sql, "SELECT 1 FROM device WHERE id = ?", NULL);
    store_sql_bind_uuid(&query, device);
    const bool exists = store_sql_row(&query);
    const enum err err = store_sql_end(&query);
    return err != ERR_OK ? err : exists ? ERR_CONFLICT : ERR_NOT_FOUND;
}

enum err store_device_update(struct store_tx *tx, struct model_device *device, bool check_version)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "UPDATE device SET customer = ?, profile = ?, name = ?, label = ?,"
                 " additional_info = ?, device_data = ?, version = version + 1"
                 " WHERE id = ? AND tenant = ? AND (? OR version = ?) RETURNING version, number",
        NULL);
    bind_customer(&query, &device->customer);
    store_sql_bind_uuid(&query, &device->profile);
    store_sql_bind_text(&query, device->name);
    store_sql_bind_text(&query, device->label);
    store_sql_bind_text(&query, device->additional_info);
    store_sql_bind_text(&query, device->device_data);
    store_sql_bind_uuid(&query, &device->id);
    store_sql_bind_int(&query, (int64_t)device->tenant.number);
    store_sql_bind_int(&query, !check_version);
    store_sql_bind_int(&query, device->version);
    const bool found = store_sql_row(&query);
    if (found) {
        device->version = store_sql_read_int(&query);
        device->number.number = (uint64_t)store_sql_read_int(&query);
    }
    const enum err err = store_sql_done(&query, NULL);
    return err != ERR_OK || found ? err : version_conflict(tx, &device->id);
}

enum err store_device_delete(struct store_tx *tx, struct tenant_id tenant, const struct uuid *id)
{
    struct store_query purge = store_sql_prepare(
        tx->sql, "INSERT INTO purge (device, tenant)"
                 " SELECT number, tenant FROM device WHERE tenant = ? AND id = ?", NULL);
    store_sql_bind_int(&purge, (int64_t)tenant.number);
    store_sql_bind_uuid(&purge, id);
    enum err err = store_sql_done(&purge, NULL);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query =
        store_sql_prepare(tx->sql, "DELETE FROM device WHERE tenant = ? AND id = ?", NULL);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    int changed = 0;
    err = store_sql_done(&query, &changed);
    return err == ERR_OK && changed == 0 ? ERR_NOT_FOUND : err;
}

static void device_read(struct store_query *query, struct model_device *device)
{
    device->id = store_sql_read_uuid(query);
    device->number.number = (uint64_t)store_sql_read_int(query);
    device->tenant.number = (uint64_t)store_sql_read_int(query);
    device->customer = store_sql_read_uuid(query);
    device->profile = store_sql_read_uuid(query);
    device->name = store_sql_read_text(query);
    device->type = store_sql_read_text(query);
    device->label = store_sql_read_text(query);
    device->additional_info = store_sql_read_text(query);
    device->device_data = store_sql_read_text(query);
    device->customer_title = store_sql_read_text(query);
    device->customer_info = store_sql_read_text(query);
    device->transport = (enum model_transport)store_sql_read_int(query);
    device->version = store_sql_read_int(query);
}

static enum err device_one(struct store_query *query, struct model_device *device)
{
    const bool found = store_sql_row(query);
    if (found) {
        device_read(query, device);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_device_get(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                          const struct uuid *id, struct model_device *device)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS FROM " WHERE device.tenant = ? AND device.id = ?", memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    return device_one(&query, device);
}

enum err store_device_by_name(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                              struct slice name, struct model_device *device)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS FROM " WHERE device.tenant = ? AND device.name = ?", memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_text(&query, name);
    return device_one(&query, device);
}

#define WHERE                                                                                      \
    " WHERE device.tenant = ?1 AND (?2 IS NULL OR device.customer = ?2)"                           \
    " AND (?3 IS NULL OR device.profile = ?3)"                                                     \
    " AND (?4 IS NULL OR device.name LIKE ?4 ESCAPE '\\')"
#define LIST(order)                                                                                \
    "SELECT " COLUMNS FROM WHERE " ORDER BY " order " LIMIT ?5 OFFSET ?6"

static const struct store_order orders[] = {
    {"createdTime", LIST("device.number"), LIST("device.number DESC")},
    {"name", LIST("device.name"), LIST("device.name DESC")},
    {"type", LIST("device_profile.name, device.number"),
     LIST("device_profile.name DESC, device.number")},
    {"deviceProfileName", LIST("device_profile.name, device.number "),
     LIST("device_profile.name DESC, device.number ")},
    {"label", LIST("device.label, device.number"), LIST("device.label DESC, device.number")},
    {"customerTitle", LIST("customer.title, device.number"),
     LIST("customer.title DESC, device.number")},
};

static void bind_optional(struct store_query *query, const struct uuid *uuid)
{
    if (uuid != NULL) {
        store_sql_bind_uuid(query, uuid);
    } else {
        store_sql_bind_null(query);
    }
}

static void bind_filter(struct store_query *query, const struct store_device_filter *filter,
                        struct slice pattern)
{
    store_sql_bind_int(query, (int64_t)filter->tenant.number);
    bind_optional(query, filter->customer);
    bind_optional(query, filter->profile);
    store_sql_bind_text(query, pattern);
}

enum err store_device_list(struct store_tx *tx, struct arena *memory,
                           const struct store_device_filter *filter,
                           const struct model_page *page, int64_t *total, void *context,
                           store_device_fn *emit)
{
    const char *text = store_list_order(orders, sizeof(orders) / sizeof(orders[0]), page);
    if (text == NULL) {
        return ERR_INVALID;
    }
    const struct slice pattern = store_list_pattern(memory, page->search);
    struct store_query counter =
        store_sql_prepare(tx->sql, "SELECT count(*) FROM device" WHERE, NULL);
    bind_filter(&counter, filter, pattern);
    *total = store_sql_row(&counter) ? store_sql_read_int(&counter) : 0;
    const enum err err = store_sql_end(&counter);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query = store_sql_prepare(tx->sql, text, memory);
    bind_filter(&query, filter, pattern);
    store_list_bind_page(&query, page);
    while (store_sql_row(&query)) {
        const size_t mark = arena_mark(memory);
        struct model_device device;
        device_read(&query, &device);
        emit(context, &device);
        arena_rewind(memory, mark);
    }
    return store_sql_end(&query);
}

enum err store_credentials_insert(struct store_tx *tx, struct device_id device,
                                  const struct model_credentials *credentials)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "INSERT INTO credentials (device, id, kind, credential, value, version)"
                 " VALUES (?,?,?,?,?,1)", NULL);
    store_sql_bind_int(&query, (int64_t)device.number);
    store_sql_bind_uuid(&query, &credentials->id);
    store_sql_bind_int(&query, credentials->kind);
    store_sql_bind_text(&query, credentials->credential);
    store_sql_bind_text(&query, credentials->value);
    return store_sql_done(&query, NULL);
}

enum err store_credentials_update(struct store_tx *tx, struct model_credentials *credentials,
                                  bool check_version)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "UPDATE credentials SET kind = ?, credential = ?, value = ?, version = version + 1"
                 " WHERE device = (SELECT number FROM device WHERE id = ?) AND (? OR version = ?)"
                 " RETURNING version", NULL);
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
    return err != ERR_OK || found ? err : version_conflict(tx, &credentials->device);
}

enum err store_credentials_get(struct store_tx *tx, struct arena *memory,
                               const struct uuid *device, struct model_credentials *credentials)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT credentials.id, kind, credential, value, credentials.version"
                 " FROM credentials JOIN device ON device.number = credentials.device"
                 " WHERE device.id = ?", memory);
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

#define INDEX_COLUMNS                                                                              \
    "SELECT device.number, device.tenant, device.id, kind, transport, credential"                  \
    " FROM device JOIN credentials ON credentials.device = device.number"                          \
    " JOIN device_profile ON device_profile.id = device.profile"

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
}

enum err store_index_load(struct store_tx *tx, void *context, store_index_fn *emit)
{
    uint8_t memory[1024] __attribute__((aligned(16)));
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct store_query query = store_sql_prepare(tx->sql, INDEX_COLUMNS, &arena);
    enum err err = ERR_OK;
    while (err == ERR_OK && store_sql_row(&query)) {
        struct model_index_entry entry;
        index_read(&query, &entry);
        err = emit(context, &entry);
        arena_reset(&arena);
    }
    const enum err ended = store_sql_end(&query);
    return err != ERR_OK ? err : ended;
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
    const bool found = store_sql_row(&query);
    if (found) {
        index_read(&query, entry);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
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
