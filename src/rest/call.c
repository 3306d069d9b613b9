#include "rest/call.h"

#include <stdarg.h>
#include <stdio.h>

#define PAGE_SIZE_MAX 10000

enum err rest_call_refuse(struct rest_call *call, enum err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(call->problem.text, sizeof(call->problem.text), format, args);
    va_end(args);
    return err;
}

static enum err read_id(struct rest_call *call, struct slice text, struct uuid *id)
{
    if (uuid_parse(text, id)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID, "Invalid UUID string: %.*s",
                            SLICE_ARGS(slice_sub(text, 0, 64)));
}

enum err rest_call_id(struct rest_call *call, unsigned position, struct uuid *id)
{
    ASSERT(position < call->match.parameter_count);
    return read_id(call, call->match.parameters[position], id);
}

enum err rest_call_device(struct rest_call *call, unsigned type, unsigned id,
                          struct model_device *device)
{
    struct uuid uuid;
    const struct slice name =
        type == REST_CALL_NO_TYPE ? SLICE("DEVICE") : call->match.parameters[type];
    if (!slice_equal(name, SLICE("DEVICE"))) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Entities of type '%.*s' hold no data in this version",
                                SLICE_ARGS(slice_sub(name, 0, 32)));
    }
    if (call->caller.authority == MODEL_SYS_ADMIN) {
        return rest_call_refuse(call, ERR_FORBIDDEN,
                                "System administrator is not allowed to perform this operation!");
    }
    enum err err = rest_call_id(call, id, &uuid);
    err = err == ERR_OK ? core_device_get(&call->admin, &uuid, device) : err;
    if (err == ERR_NOT_FOUND) {
        return rest_call_refuse(call, err, "Device with requested id wasn't found!");
    }
    return err;
}

uint64_t rest_call_source(const struct rest_call *call)
{
    const struct address *remote = &call->request->remote;
    return hash_bytes(slice_of(remote->ip, address_is_ipv4(remote) ? 16 : 8));
}

struct core_desk *rest_call_desk(const struct rest_call *call)
{
    return &call->rest->desks[call->rest->thread()];
}

enum err rest_call_id_parameter(struct rest_call *call, const char *name, bool *given,
                                struct uuid *id)
{
    const struct slice text = http_request_parameter(call->request, name);
    *given = text.len > 0;
    return *given ? read_id(call, text, id) : ERR_OK;
}

bool rest_call_has(const struct rest_call *call, const char *name)
{
    return http_request_parameter(call->request, name).len > 0;
}

struct ids {
    struct uuid ids[REST_CALL_IDS_MAX];
    unsigned count;
};

static enum err read_ids(struct rest_call *call, const char *name, struct ids *ids)
{
    struct slice rest;
    enum err err = rest_call_required(call, name, &rest);
    ids->count = 0;
    while (err == ERR_OK && rest.ptr != NULL) {
        if (ids->count == REST_CALL_IDS_MAX) {
            return rest_call_refuse(call, ERR_INVALID, "Parameter '%s' holds more than %u ids",
                                    name, REST_CALL_IDS_MAX);
        }
        err = read_id(call, slice_cut(&rest, ','), &ids->ids[ids->count++]);
    }
    return err;
}

enum err rest_call_list_of(struct rest_call *call, const char *name, rest_call_one_fn *one)
{
    struct ids ids;
    enum err err = read_ids(call, name, &ids);
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = rest_call_write(call);
    codec_json_begin_array(&context.writer);
    for (unsigned i = 0; err == ERR_OK && i < ids.count; i++) {
        const size_t mark = arena_mark(call->request->memory);
        err = one(call, &ids.ids[i], &context);
        if (err == ERR_NOT_FOUND || err == ERR_FORBIDDEN) {
            call->problem.text[0] = 0;
            err = ERR_OK;
        }
        arena_rewind(call->request->memory, mark);
    }
    codec_json_end_array(&context.writer);
    return err;
}

enum err rest_call_int(struct rest_call *call, const char *name, bool required, int64_t otherwise,
                       int64_t *value)
{
    const struct slice text = http_request_parameter(call->request, name);
    *value = otherwise;
    if (required) {
        struct slice present;
        const enum err err = rest_call_required(call, name, &present);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (text.len > 0 && !slice_to_int64(text, value)) {
        return rest_call_refuse(call, ERR_INVALID, "Parameter '%s' is not a number: %.*s", name,
                                SLICE_ARGS(slice_sub(text, 0, 64)));
    }
    return ERR_OK;
}

enum err rest_call_required(struct rest_call *call, const char *name, struct slice *text)
{
    *text = http_request_parameter(call->request, name);
    if (text->len > 0) {
        return ERR_OK;
    }
    return text->ptr != NULL
               ? rest_call_refuse(call, ERR_INVALID, "Parameter '%s' can't be empty!", name)
               : rest_call_refuse(call, ERR_INVALID,
                                  "Required request parameter '%s' is not present", name);
}

enum err rest_call_boolean(struct rest_call *call, const char *name, bool otherwise, bool *value)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true},   {"on", true},   {"yes", true}, {"1", true},
                 {"false", false}, {"off", false}, {"no", false}, {"0", false}};
    const struct slice text = http_request_parameter(call->request, name);
    *value = otherwise;
    if (text.len == 0) {
        return ERR_OK;
    }
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (slice_equal_nocase(text, slice_text(words[i].text))) {
            *value = words[i].value;
            return ERR_OK;
        }
    }
    return rest_call_refuse(call, ERR_INVALID, "Parameter '%s' is not a boolean: %.*s", name,
                            SLICE_ARGS(slice_sub(text, 0, 64)));
}

enum err rest_call_page(struct rest_call *call, struct model_page *page)
{
    int64_t size = 0;
    int64_t number = 0;
    enum err err = rest_call_int(call, "pageSize", true, 0, &size);
    err = err == ERR_OK ? rest_call_int(call, "page", true, 0, &number) : err;
    if (err != ERR_OK) {
        return err;
    }
    if (size < 1 || size > PAGE_SIZE_MAX) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Incorrect page link page size '%lld'. Page size must be from 1 to "
                                "%d.",
                                (long long)size, PAGE_SIZE_MAX);
    }
    if (number < 0 || number > INT32_MAX) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Incorrect page link page '%lld'. Page must be from 0 to %d.",
                                (long long)number, INT32_MAX);
    }
    const struct slice order = http_request_parameter(call->request, "sortOrder");
    const bool descending = slice_equal_nocase(order, SLICE("DESC"));
    if (order.len > 0 && !descending && !slice_equal_nocase(order, SLICE("ASC"))) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Unsupported sort order '%.*s'! Only 'ASC' or 'DESC' types are "
                                "allowed.",
                                SLICE_ARGS(slice_sub(order, 0, 32)));
    }
    *page = (struct model_page){.size = (uint32_t)size,
                                .number = (uint32_t)number,
                                .search = http_request_parameter(call->request, "textSearch"),
                                .sort = http_request_parameter(call->request, "sortProperty"),
                                .descending = descending};
    return ERR_OK;
}

enum err rest_call_list_begin(struct rest_call *call, struct rest_call_list *list)
{
    list->total = 0;
    list->context = rest_call_write(call);
    const enum err err = rest_call_page(call, &list->page);
    if (err == ERR_OK) {
        rest_write_page_begin(&list->context);
    }
    return err;
}

enum err rest_call_list_end(struct rest_call_list *list, enum err err)
{
    if (err == ERR_OK) {
        rest_write_page_end(&list->context, &list->page, list->total);
    }
    return err;
}

enum err rest_call_body(struct rest_call *call, struct codec_json *object)
{
    struct err_place place = {NULL, 0};
    const enum err err =
        codec_json_parse(call->request->memory, call->request->body, false, object, &place);
    if (err == ERR_SYNTAX) {
        return rest_call_refuse(call, ERR_SYNTAX, "Malformed JSON at byte %zu: %s", place.offset,
                                place.reason != NULL ? place.reason : "syntax error");
    }
    if (err == ERR_OK && !codec_json_is(*object, CODEC_JSON_OBJECT)) {
        return rest_call_refuse(call, ERR_INVALID, "The request body is not a JSON object");
    }
    return err;
}

struct codec_json_writer rest_call_writer(struct rest_call *call)
{
    return codec_json_writer_over(&call->response->body);
}

struct rest_write_context rest_call_write(struct rest_call *call)
{
    return (struct rest_write_context){rest_call_writer(call), call->caller.tenant_uuid,
                                       call->rest->core->presence, call->request->memory};
}

enum err rest_call_park(struct rest_call *call, struct tenant_id tenant,
                        const struct http_watch *watch, struct http_parked **parked)
{
    const enum err err = call->rest->park(call->request, tenant.number, watch, parked);
    return err == ERR_LIMITED
               ? rest_call_refuse(call, err, "Too many requests of this tenant wait already")
               : err;
}

struct slice rest_call_keep(uint8_t **at, struct slice text)
{
    const struct slice kept = slice_of(*at, text.len);
    if (text.len > 0) {
        memcpy(*at, text.ptr, text.len);
    }
    *at += text.len;
    return kept;
}
