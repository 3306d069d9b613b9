#include "store/entities.h"
#include "store/entities_contact.h"
#include "store/entities_list.h"

#define COLUMNS "id, tenant, title, " STORE_CONTACT_COLUMNS ", additional_info, version"

enum err store_customer_insert(struct store_tx *tx, const struct model_customer *customer)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "INSERT INTO customer (id, created_ms, tenant, title, " STORE_CONTACT_COLUMNS
        ", additional_info, version) VALUES (?,?,?,?, ?,?,?,?,?,?,?,?, ?, 1)",
        NULL);
    store_sql_bind_uuid(&query, &customer->id);
    store_sql_bind_int(&query, uuid_time(&customer->id).ms);
    store_sql_bind_int(&query, (int64_t)customer->tenant.number);
    store_sql_bind_text(&query, customer->title);
    store_contact_bind(&query, &customer->contact);
    store_sql_bind_text(&query, customer->additional_info);
    return store_sql_done(&query, NULL);
}

enum err store_customer_update(struct store_tx *tx, struct model_customer *customer)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "UPDATE customer SET title = ?, country = ?, state = ?, city = ?, address = ?,"
        " address2 = ?, zip = ?, phone = ?, email = ?, additional_info = ?, version = version + 1"
        " WHERE id = ? AND tenant = ?",
        NULL);
    store_sql_bind_text(&query, customer->title);
    store_contact_bind(&query, &customer->contact);
    store_sql_bind_text(&query, customer->additional_info);
    store_sql_bind_uuid(&query, &customer->id);
    store_sql_bind_int(&query, (int64_t)customer->tenant.number);
    customer->version++;
    return store_sql_done_some(&query);
}

enum err store_customer_delete(struct store_tx *tx, struct tenant_id tenant, const struct uuid *id)
{
    struct store_query users =
        store_sql_prepare(tx->sql, "DELETE FROM user WHERE tenant = ? AND customer = ?", NULL);
    store_sql_bind_int(&users, (int64_t)tenant.number);
    store_sql_bind_uuid(&users, id);
    enum err err = store_sql_done(&users, NULL);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query devices =
        store_sql_prepare(tx->sql,
                          "UPDATE device SET customer = NULL, version = version + 1"
                          " WHERE tenant = ? AND customer = ?",
                          NULL);
    store_sql_bind_int(&devices, (int64_t)tenant.number);
    store_sql_bind_uuid(&devices, id);
    err = store_sql_done(&devices, NULL);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query =
        store_sql_prepare(tx->sql, "DELETE FROM customer WHERE tenant = ? AND id = ?", NULL);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    return store_sql_done_some(&query);
}

static void customer_read(struct store_query *query, struct model_customer *customer)
{
    customer->id = store_sql_read_uuid(query);
    customer->tenant.number = (uint64_t)store_sql_read_int(query);
    customer->title = store_sql_read_text(query);
    store_contact_read(query, &customer->contact);
    customer->additional_info = store_sql_read_text(query);
    customer->version = store_sql_read_int(query);
}

static enum err customer_one(struct store_query *query, struct model_customer *customer)
{
    const bool found = store_sql_row(query);
    if (found) {
        customer_read(query, customer);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_customer_get(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                            const struct uuid *id, struct model_customer *customer)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS " FROM customer WHERE tenant = ? AND id = ?", memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    return customer_one(&query, customer);
}

enum err store_customer_by_title(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                                 struct slice title, struct model_customer *customer)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " COLUMNS " FROM customer WHERE tenant = ? AND title = ?", memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_text(&query, title);
    return customer_one(&query, customer);
}

#define IS_PUBLIC " AND json_extract(additional_info, '$.isPublic') = 1"

enum err store_customer_public(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                               struct model_customer *customer)
{
    struct store_query query = store_sql_prepare(
        tx->sql,
        "SELECT " COLUMNS " FROM customer WHERE tenant = ? AND title = '" STORE_CUSTOMER_PUBLIC
        "'" IS_PUBLIC,
        memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    return customer_one(&query, customer);
}

#define WHERE " FROM customer WHERE tenant = ?1 AND (?2 IS NULL OR title LIKE ?2 ESCAPE '\\')"
#define LIST(order) "SELECT " COLUMNS WHERE " ORDER BY " order " LIMIT ?3 OFFSET ?4"
#define BOTH(column) LIST(column ", id"), LIST(column " DESC, id DESC")

static const struct store_order orders[] = {
    {"createdTime", BOTH("created_ms")},
    {"title", BOTH("title")},
    {"name", BOTH("title")},
    {"email", BOTH("email")},
    {"country", BOTH("country")},
    {"city", BOTH("city")},
};

static void bind_tenant(struct store_query *query, const void *filter)
{
    const struct tenant_id *tenant = filter;
    store_sql_bind_int(query, (int64_t)tenant->number);
}

struct customer_rows {
    void *context;
    store_customer_fn *emit;
};

static void customer_row(struct store_query *query, void *context)
{
    const struct customer_rows *rows = context;
    struct model_customer customer;
    customer_read(query, &customer);
    rows->emit(rows->context, &customer);
}

static const struct store_list customer_list = {
    .count = "SELECT count(*)" WHERE,
    .orders = orders,
    .order_count = sizeof(orders) / sizeof(orders[0]),
    .bind = bind_tenant,
    .row = customer_row,
};

enum err store_customer_list(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                             const struct model_page *page, int64_t *total, void *context,
                             store_customer_fn *emit)
{
    struct customer_rows rows = {context, emit};
    const struct store_list_call call = {&tenant, page, total, &rows};
    return store_list_run(tx, memory, &customer_list, &call);
}
