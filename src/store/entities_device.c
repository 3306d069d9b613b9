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
    struct store_query query =
        store_sql_prepare(tx->sql,
                          "INSERT INTO device (id, tenant, customer, profile, name, label,"
                          " additional_info, device_data, version) VALUES (?,?,?,?,?,?,?,?,1)",
                          NULL);
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

// Why an update found nothing to change: it is not there, or its version is another.
static enum err why_unchanged(struct store_tx *tx, const struct model_device *device)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT 1 FROM device WHERE id = ? AND tenant = ?", NULL);
    store_sql_bind_uuid(&query, &device->id);
    store_sql_bind_int(&query, (int64_t)device->tenant.number);
    const bool exists = store_sql_row(&query);
    const enum err err = store_sql_end(&query);
    return err != ERR_OK ? err : exists ? ERR_CONFLICT : ERR_NOT_FOUND;
}

enum err store_device_update(struct store_tx *tx, struct model_device *device, bool check_version)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "UPDATE device SET customer = ?, profile = ?, name = ?, label = ?,"
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
    return err != ERR_OK || found ? err : why_unchanged(tx, device);
}

enum err store_device_delete(struct store_tx *tx, struct tenant_id tenant, const struct uuid *id)
{
    struct store_query purge =
        store_sql_prepare(tx->sql,
                          "INSERT INTO purge (device, tenant)"
                          " SELECT number, tenant FROM device WHERE tenant = ? AND id = ?",
                          NULL);
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
    return store_sql_done_some(&query);
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

enum err store_device_tenant(struct store_tx *tx, const struct uuid *id, struct tenant_id *tenant)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT tenant FROM device WHERE id = ?", NULL);
    store_sql_bind_uuid(&query, id);
    const bool found = store_sql_row(&query);
    if (found) {
        tenant->number = (uint64_t)store_sql_read_int(&query);
    }
    const enum err err = store_sql_end(&query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
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

// The parameters: tenant, customer, the profiles, the pattern of the name, where to search, then
// those of every list.
#define PROFILES "?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18"
#define WHERE                                                                                      \
    " WHERE device.tenant = ?1 AND (?2 IS NULL OR device.customer = ?2)"                           \
    " AND (?3 IS NULL OR device.profile IN (" PROFILES "))"                                        \
    " AND (?19 IS NULL OR device.name LIKE ?19 ESCAPE '\\')"                                       \
    " AND (?21 IS NULL OR (?20 & 1 AND device.name LIKE ?21 ESCAPE '\\')"                          \
    " OR (?20 & 2 AND device.label LIKE ?21 ESCAPE '\\')"                                          \
    " OR (?20 & 4 AND (SELECT name FROM device_profile AS type WHERE type.id = device.profile)"    \
    " LIKE ?21 ESCAPE '\\'))"
#define LIST(order) "SELECT " COLUMNS FROM WHERE " ORDER BY " order " LIMIT ?22 OFFSET ?23"
#define BOTH(column) LIST(column ", device.number"), LIST(column " DESC, device.number DESC")

static const struct store_order orders[] = {
    {"createdTime", LIST("device.number"), LIST("device.number DESC")},
    {"name", LIST("device.name"), LIST("device.name DESC")},
    {"type", BOTH("device_profile.name")},
    {"deviceProfileName", BOTH("device_profile.name")},
    {"label", BOTH("device.label")},
    {"customerTitle", BOTH("customer.title")},
};

static void bind_optional(struct store_query *query, const struct uuid *uuid)
{
    if (uuid != NULL) {
        store_sql_bind_uuid(query, uuid);
    } else {
        store_sql_bind_null(query);
    }
}

// What is bound: the filter, with its text as a pattern.
struct device_rule {
    const struct store_device_filter *filter;
    struct slice name_start;
};

static void bind_rule(struct store_query *query, const void *context)
{
    const struct device_rule *rule = context;
    const struct store_device_filter *filter = rule->filter;
    store_sql_bind_int(query, (int64_t)filter->tenant.number);
    bind_optional(query, filter->customer);
    for (uint32_t i = 0; i < STORE_DEVICE_PROFILES_MAX; i++) {
        bind_optional(query, i < filter->profile_count ? &filter->profiles[i] : NULL);
    }
    store_sql_bind_text(query, rule->name_start);
    store_sql_bind_int(query, filter->search_in != 0 ? filter->search_in : STORE_SEARCH_NAME);
}

struct device_rows {
    void *context;
    store_device_fn *emit;
};

static void device_row(struct store_query *query, void *context)
{
    const struct device_rows *rows = context;
    struct model_device device;
    device_read(query, &device);
    rows->emit(rows->context, &device);
}

static const struct store_list device_list = {
    .count = "SELECT count(*) FROM device" WHERE,
    .orders = orders,
    .order_count = sizeof(orders) / sizeof(orders[0]),
    .bind = bind_rule,
    .row = device_row,
};

enum err store_device_list(struct store_tx *tx, struct arena *memory,
                           const struct store_device_filter *filter, const struct model_page *page,
                           int64_t *total, void *context, store_device_fn *emit)
{
    ASSERT(filter->profile_count <= STORE_DEVICE_PROFILES_MAX);
    struct device_rows rows = {context, emit};
    struct device_rule rule = {.filter = filter};
    const struct store_list_call call = {&rule, page, total, &rows};
    const enum err err = store_list_pattern(memory, filter->name_start, true, &rule.name_start);
    return err == ERR_OK ? store_list_run(tx, memory, &device_list, &call) : err;
}
