#include "rest/handlers.h"
#include "rest/read.h"

static enum err answer_customer(struct rest_call *call, const struct model_customer *customer)
{
    struct rest_write_context context = rest_call_write(call);
    rest_write_customer(&context, customer);
    return ERR_OK;
}

enum err rest_customer_save(struct rest_call *call)
{
    struct codec_json object;
    bool has_version = false;
    struct model_customer customer = {.version = 0};
    enum err err = rest_call_body(call, &object);
    err = err == ERR_OK ? rest_read_id(call, object, "id", &customer.id) : err;
    err = err == ERR_OK ? rest_read_text(call, object, "title", &customer.title) : err;
    err = err == ERR_OK ? rest_read_contact(call, object, &customer.contact) : err;
    err = err == ERR_OK
              ? rest_read_stored(call, object, "additionalInfo", &customer.additional_info)
              : err;
    // Without one it is overwritten unseen (server-api.md 0.1, "Optimistic lock").
    err = err == ERR_OK ? rest_read_int(call, object, "version", &has_version, &customer.version)
                        : err;
    err = err == ERR_OK ? core_customer_save(&call->admin, &customer, has_version) : err;
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
    struct slice title;
    enum err err = rest_call_required(call, "customerTitle", &title);
    err = err == ERR_OK ? core_customer_by_title(&call->admin, title, &customer) : err;
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

static enum err put_one(struct rest_call *call, const struct uuid *id,
                        struct rest_write_context *context)
{
    struct model_customer customer;
    const enum err err = core_customer_get(&call->admin, id, &customer);
    if (err == ERR_OK) {
        rest_write_customer(context, &customer);
    }
    return err;
}

enum err rest_customer_list_of(struct rest_call *call)
{
    return rest_call_list_of(call, "customerIds", put_one);
}

static enum err get_customer(struct rest_call *call, struct model_customer *customer)
{
    struct uuid id;
    const enum err err = rest_call_id(call, 0, &id);
    return err == ERR_OK ? core_customer_get(&call->admin, &id, customer) : err;
}

enum err rest_customer_short_info(struct rest_call *call)
{
    struct model_customer customer;
    const enum err err = get_customer(call, &customer);
    if (err == ERR_OK) {
        struct rest_write_context context = rest_call_write(call);
        rest_write_customer_short_info(&context, &customer);
    }
    return err;
}

enum err rest_customer_title(struct rest_call *call)
{
    struct model_customer customer;
    const enum err err = get_customer(call, &customer);
    if (err == ERR_OK) {
        call->response->content_type = "application/text";
        buf_put_slice(&call->response->body, customer.title);
    }
    return err;
}

enum err rest_customer_list(struct rest_call *call)
{
    if (rest_call_has(call, "customerIds")) {
        return rest_customer_list_of(call);
    }
    struct rest_call_list list;
    enum err err = rest_call_list_begin(call, &list);
    if (err != ERR_OK) {
        return err;
    }
    return rest_call_list_end(&list, core_customer_list(&call->admin, &list.page, &list.total,
                                                        &list.context, emit_customer));
}
