// Reading users.
#include "rest/handlers.h"

enum err rest_user_get(struct rest_call *call)
{
    struct uuid id;
    struct model_user user;
    enum err err = rest_call_id(call, 0, &id);
    err = err == ERR_OK ? core_user_get(&call->admin, &id, &user) : err;
    if (err == ERR_OK) {
        struct rest_write_context context = rest_call_write(call);
        rest_write_user(&context, &user);
    }
    return err;
}

static void emit_user(void *context, const struct model_user *user)
{
    rest_write_user(context, user);
}

static enum err list(struct rest_call *call, const struct uuid *customer)
{
    struct model_page page;
    int64_t total = 0;
    enum err err = rest_call_page(call, &page);
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = rest_call_write(call);
    rest_write_page_begin(&context);
    err = core_user_list(&call->admin, customer, &page, &total, &context, emit_user);
    rest_write_page_end(&context, &page, total);
    return err;
}

enum err rest_user_list(struct rest_call *call)
{
    return list(call, NULL);
}

enum err rest_user_list_of_customer(struct rest_call *call)
{
    struct uuid customer;
    const enum err err = rest_call_id(call, 0, &customer);
    return err == ERR_OK ? list(call, &customer) : err;
}
