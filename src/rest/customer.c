// Customers, and reading tenants and users.
#include "rest/handlers.h"
#include "rest/read.h"
#include "rest/write.h"

static struct rest_write_context write_context(struct rest_call *call)
{
    return (struct rest_write_context){rest_call_writer(call), call->caller.tenant_uuid};
}

static enum err answer_customer(struct rest_call *call, const struct model_customer *customer)
{
    struct rest_write_context context = write_context(call);
    rest_write_customer(&context, customer);
    return ERR_OK;
}

enum err rest_customer_save(struct rest_call *call)
{
    static const char *const names[MODEL_CONTACT_FIELDS] = {
        "country", "state", "city", "address", "address2", "zip", "phone", "email"};
    struct codec_json object;
    struct model_customer customer = {.version = 0};
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? rest_read_id(call, object, "id", &customer.id) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "title", &customer.title) : err;
    for (unsigned i = 0; err == ERR_OK && i < MODEL_CONTACT_FIELDS; i++) {
        err = rest_read_text(call, object, names[i], &customer.contact.fields[i]);
    }
    err = err == ERR_OK ? rest_read_json(call, object, "additionalInfo", &customer.additional_info)
                        : err;
    err = err == ERR_OK ? core_customer_save(&call->admin, &customer) : err;
    return err == ERR_OK ? answer_customer(call, &customer) : err;
}

enum err rest_customer_get(struct rest_call *call)
{
    struct uuid id;
    struct model_customer customer;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_customer_get(&call->admin, &id, &customer) : err;
    return err == ERR_OK ? answer_customer(call, &customer) : err;
}

enum err rest_customer_by_title(struct rest_call *call)
{
    struct model_customer customer;
    const struct slice title = http_request_parameter(call->request, "customerTitle");
    if (title.len == 0) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter 'customerTitle' can't be empty!");
    }
    const enum err err = core_customer_by_title(&call->admin, title, &customer);
    return err == ERR_OK ? answer_customer(call, &customer) : err;
}

enum err rest_customer_delete(struct rest_call *call)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_customer_delete(&call->admin, &id) : err;
}

static void emit_customer(void *context, const struct model_customer *customer)
{
    rest_write_customer(context, customer);
}

enum err rest_customer_list(struct rest_call *call)
{
    struct model_page page;
    int64_t total = 0;
    enum err err = rest_call_page(call, &page);
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = write_context(call);
    rest_write_page_begin(&context);
    err = core_customer_list(&call->admin, &page, &total, &context, emit_customer);
    rest_write_page_end(&context, &page, total);
    return err;
}

enum err rest_tenant_get(struct rest_call *call)
{
    struct uuid id;
    struct model_tenant tenant;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_tenant_get(&call->admin, &id, &tenant) : err;
    if (err == ERR_OK) {
        struct rest_write_context context = write_context(call);
        rest_write_tenant(&context, &tenant);
    }
    return err;
}

enum err rest_user_get(struct rest_call *call)
{
    struct uuid id;
    struct model_user user;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_user_get(&call->admin, &id, &user) : err;
    if (err == ERR_OK) {
        struct rest_write_context context = write_context(call);
        rest_write_user(&context, &user);
    }
    return err;
}

static void emit_user(void *context, const struct model_user *user)
{
    rest_write_user(context, user);
}

static enum err list_users(struct rest_call *call, const struct uuid *customer)
{
    struct model_page page;
    int64_t total = 0;
    enum err err = rest_call_page(call, &page);
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = write_context(call);
    rest_write_page_begin(&context);
    err = core_user_list(&call->admin, customer, &page, &total, &context, emit_user);
    rest_write_page_end(&context, &page, total);
    return err;
}

enum err rest_user_list(struct rest_call *call)
{
    return list_users(call, NULL);
}

enum err rest_user_list_of_customer(struct rest_call *call)
{
    struct uuid customer;
    const enum err err = rest_call_id(call, 0, &customer);
    return err == ERR_OK ? list_users(call, &customer) : err;
}
