#include "store/entities.h"
#include "store/entities_contact.h"
#include "store/entities_list.h"

#define TENANT_COLUMNS                                                                             \
    "number, id, title, region, " STORE_CONTACT_COLUMNS ", additional_info, version"
#define CUSTOMER_COLUMNS                                                                           \
    "id, tenant, title, " STORE_CONTACT_COLUMNS ", additional_info, version"

enum err store_tenant_insert(struct store_tx *tx, struct model_tenant *tenant)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "INSERT INTO tenant (id, title, region, " STORE_CONTACT_COLUMNS
                 ", additional_info, version) VALUES (?,?,?, ?,?,?,?,?,?,?,?, ?, 1)", NULL);
    store_sql_bind_uuid(&query, &tenant->id);
    store_sql_bind_text(&query, tenant->title);
    store_sql_bind_text(&query, tenant->region);
    store_contact_bind(&query, &tenant->contact);
    store_sql_bind_text(&query, tenant->additional_info);
    const enum err err = store_sql_done(&query, NULL);
    tenant->number.number = (uint64_t)sqlite3_last_insert_rowid(tx->sql->db);
    tenant->version = 1;
    return err;
}

static enum err tenant_one(struct store_query *query, struct model_tenant *tenant)
{
    const bool found = store_sql_row(query);
    if (found) {
        tenant->number.number = (uint64_t)store_sql_read_int(query);
        tenant->id = store_sql_read_uuid(query);
        tenant->title = store_sql_read_text(query);
        tenant->region = store_sql_read_text(query);
        store_contact_read(query, &tenant->contact);
        tenant->additional_info = store_sql_read_text(query);
        tenant->version = store_sql_read_int(query);
    }
    const enum err err = store_sql_end(query);
    return err == ERR_OK && !found ? ERR_NOT_FOUND : err;
}

enum err store_tenant_get(struct store_tx *tx, struct arena *memory, const struct uuid *id,
                          struct model_tenant *tenant)
{
    struct store_query query =
        store_sql_prepare(tx->sql, "SELECT " TENANT_COLUMNS " FROM tenant WHERE id = ?", memory);
    store_sql_bind_uuid(&query, id);
    return tenant_one(&query, tenant);
}

enum err store_tenant_first(struct store_tx *tx, struct arena *memory, struct model_tenant *tenant)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " TENANT_COLUMNS " FROM tenant ORDER BY number LIMIT 1", memory);
    return tenant_one(&query, tenant);
}

enum err store_customer_insert(struct store_tx *tx, const struct model_customer *customer)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "INSERT INTO customer (id, tenant, title, " STORE_CONTACT_COLUMNS
                 ", additional_info, version) VALUES (?,?,?, ?,?,?,?,?,?,?,?, ?, 1)", NULL);
    store_sql_bind_uuid(&query, &customer->id);
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
        " WHERE id = ? AND tenant = ?", NULL);
    store_sql_bind_text(&query, customer->title);
    store_contact_bind(&query, &customer->contact);
    store_sql_bind_text(&query, customer->additional_info);
    store_sql_bind_uuid(&query, &customer->id);
    store_sql_bind_int(&query, (int64_t)customer->tenant.number);
    int changed = 0;
    const enum err err = store_sql_done(&query, &changed);
    customer->version++;
    return err == ERR_OK && changed == 0 ? ERR_NOT_FOUND : err;
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
    struct store_query devices = store_sql_prepare(
        tx->sql, "UPDATE device SET customer = NULL, version = version + 1"
                 " WHERE tenant = ? AND customer = ?", NULL);
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
    int changed = 0;
    err = store_sql_done(&query, &changed);
    return err == ERR_OK && changed == 0 ? ERR_NOT_FOUND : err;
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
        tx->sql, "SELECT " CUSTOMER_COLUMNS " FROM customer WHERE tenant = ? AND id = ?", memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_uuid(&query, id);
    return customer_one(&query, customer);
}

enum err store_customer_by_title(struct store_tx *tx, struct arena *memory,
                                 struct tenant_id tenant, struct slice title,
                                 struct model_customer *customer)
{
    struct store_query query = store_sql_prepare(
        tx->sql, "SELECT " CUSTOMER_COLUMNS " FROM customer WHERE tenant = ? AND title = ?",
        memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_text(&query, title);
    return customer_one(&query, customer);
}

#define CUSTOMER_WHERE " FROM customer WHERE tenant = ?1 AND (?2 IS NULL OR title LIKE ?2 ESCAPE '\\')"
#define CUSTOMER_LIST(order)                                                                       \
    "SELECT " CUSTOMER_COLUMNS CUSTOMER_WHERE " ORDER BY " order " LIMIT ?3 OFFSET ?4"

static const struct store_order customer_orders[] = {
    {"createdTime", CUSTOMER_LIST("id"), CUSTOMER_LIST("id DESC")},
    {"title", CUSTOMER_LIST("title, id"), CUSTOMER_LIST("title DESC, id")},
    {"name", CUSTOMER_LIST("title, id "), CUSTOMER_LIST("title DESC, id ")},
    {"email", CUSTOMER_LIST("email, id"), CUSTOMER_LIST("email DESC, id")},
    {"country", CUSTOMER_LIST("country, id"), CUSTOMER_LIST("country DESC, id")},
    {"city", CUSTOMER_LIST("city, id"), CUSTOMER_LIST("city DESC, id")},
};

static enum err count_of(struct store_query *query, int64_t *total)
{
    *total = store_sql_row(query) ? store_sql_read_int(query) : 0;
    return store_sql_end(query);
}

enum err store_customer_list(struct store_tx *tx, struct arena *memory, struct tenant_id tenant,
                             const struct model_page *page, int64_t *total, void *context,
                             store_customer_fn *emit)
{
    const char *text = store_list_order(
        customer_orders, sizeof(customer_orders) / sizeof(customer_orders[0]), page);
    if (text == NULL) {
        return ERR_INVALID;
    }
    const struct slice pattern = store_list_pattern(memory, page->search);
    struct store_query counter = store_sql_prepare(tx->sql, "SELECT count(*)" CUSTOMER_WHERE, NULL);
    store_sql_bind_int(&counter, (int64_t)tenant.number);
    store_sql_bind_text(&counter, pattern);
    const enum err err = count_of(&counter, total);
    if (err != ERR_OK) {
        return err;
    }
    struct store_query query = store_sql_prepare(tx->sql, text, memory);
    store_sql_bind_int(&query, (int64_t)tenant.number);
    store_sql_bind_text(&query, pattern);
    store_list_bind_page(&query, page);
    while (store_sql_row(&query)) {
        const size_t mark = arena_mark(memory);
        struct model_customer customer;
        customer_read(&query, &customer);
        emit(context, &customer);
        arena_rewind(memory, mark);
    }
    return store_sql_end(&query);
}
