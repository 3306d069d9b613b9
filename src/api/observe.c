#include "api/observe.h"

#include "api/ask.h"
#include "api/attributes.h"
#include "api/limit.h"
#include "api/status.h"

#define OBSERVE_REGISTER 0U
#define OBSERVE_DEREGISTER 1U

bool api_observe_is_asked(const struct api_call *call)
{
    const struct coap_options *options = call->request->options;
    return options->has_observe && options->observe <= OBSERVE_DEREGISTER;
}

enum api_outcome api_observe(const struct api_call *call, enum core_resource resource,
                             struct coap_reply *reply)
{
    const bool registers = call->request->options->observe == OBSERVE_REGISTER;
    const struct core_cost cost = registers ? api_limit_observe(call, resource) : API_LIMIT_MESSAGE;
    if (!api_limit_admit(call, cost, reply)) {
        return API_REPLIED;
    }
    return api_ask(call, registers ? CORE_MAIL_SUBSCRIBE : CORE_MAIL_UNSUBSCRIBE, resource, 0,
                   SLICE_EMPTY, reply);
}

static enum api_outcome fail(struct api *api, const struct core_mail *answer, enum err err,
                             struct coap_reply *reply)
{
    if (answer->question == CORE_MAIL_SUBSCRIBE && answer->err == ERR_OK) {
        api_ask_started(api, answer, err, 0);
    }
    reply->code = api_status_code(err, api->settings.upstream_codes);
    reply->payload = slice_text(err_text(err));
    reply->no_effect = true;
    return API_REPLIED;
}

enum api_outcome api_observe_answered(struct api *api, const struct core_mail *answer,
                                      struct coap_reply *reply)
{
    if (answer->err != ERR_OK) {
        return fail(api, answer, answer->err, reply);
    }
    if (answer->resource == CORE_RESOURCE_ATTRIBUTES) {
        struct store_load *load = NULL;
        const enum err err = api_attributes_read_all(api, answer, &load);
        if (err != ERR_OK) {
            return fail(api, answer, err, reply);
        }
        return load == NULL ? API_PENDING : api_attributes_loaded(api, load, reply);
    }
    reply->code = COAP_VALID;
    if (answer->question == CORE_MAIL_SUBSCRIBE) {
        reply->has_observe = true;
        reply->observe = answer->number;
        api_ask_started(api, answer, ERR_OK, 0);
    }
    return API_REPLIED;
}
