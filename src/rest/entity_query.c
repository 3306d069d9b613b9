// Finding devices by what they are and by their latest values: /api/entitiesQuery.
#include "core/attributes.h"
#include "core/series.h"
#include "rest/handlers.h"
#include "rest/names.h"
#include "rest/query.h"

#define SECONDS_MAX 10U

static enum err begin(struct rest_call *call, struct codec_json *object,
                      struct rest_query_reader *reader, struct core_find_budget *budget)
{
    *reader = (struct rest_query_reader){call->request->memory, &call->problem, false};
    *budget = (struct core_find_budget){
        REST_QUERY_DEVICES, mono_add(call->rest->mono(), span_s(SECONDS_MAX)), call->rest->mono};
    return rest_call_body(call, object);
}

static void put_row(struct codec_json_writer *writer, const struct core_find *find,
                    const struct core_find_row *row)
{
    rest_query_begin_entity(writer, &row->id);
    rest_query_put_latest(writer, find->keys, row->cells, NULL, find->shown_count);
    rest_query_begin_series(writer);
    rest_query_end_entity(writer);
}

enum err rest_entity_query_find(struct rest_call *call)
{
    struct codec_json object;
    struct rest_query_reader reader;
    struct core_find_budget budget;
    struct core_find find;
    struct core_find_page page;
    bool is_dynamic = false;
    enum err err = begin(call, &object, &reader, &budget);
    err = err == ERR_OK ? rest_query_read(&reader, object, &find, &is_dynamic) : err;
    err = err == ERR_OK ? core_find_run(&call->admin, &find, &budget, false, &page) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = rest_call_write(call);
    rest_write_page_begin(&context);
    for (uint32_t i = 0; i < page.count; i++) {
        put_row(&context.writer, &find, &page.rows[i]);
    }
    const struct model_page cut = {.size = find.page_size, .number = find.page};
    rest_write_page_end(&context, &cut, page.total);
    return ERR_OK;
}

enum err rest_entity_query_count(struct rest_call *call)
{
    struct codec_json object;
    struct rest_query_reader reader;
    struct core_find_budget budget;
    struct core_find find;
    int64_t total = 0;
    enum err err = begin(call, &object, &reader, &budget);
    err = err == ERR_OK ? rest_query_read_count(&reader, object, &find) : err;
    err = err == ERR_OK ? core_find_count(&call->admin, &find, &budget, &total) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_put_int64(&writer, total);
    return ERR_OK;
}

static bool add_attribute(void *context, enum core_scope scope,
                          const struct store_attribute *attribute)
{
    (void)scope;
    return rest_names_add(context, attribute->key);
}

struct key_wish {
    bool series;
    bool attributes;
    bool has_scope;
    enum core_scope scope;
};

static enum err read_wish(struct rest_call *call, struct key_wish *wish)
{
    const struct slice scope = http_request_parameter(call->request, "scope");
    struct slice given;
    *wish = (struct key_wish){.has_scope = scope.len > 0};
    enum err err = rest_call_required(call, "timeseries", &given);
    err = err == ERR_OK ? rest_call_required(call, "attributes", &given) : err;
    err = err == ERR_OK ? rest_call_boolean(call, "timeseries", false, &wish->series) : err;
    err = err == ERR_OK ? rest_call_boolean(call, "attributes", false, &wish->attributes) : err;
    if (err == ERR_OK && wish->has_scope && !core_scope_parse(scope, &wish->scope)) {
        return rest_call_refuse(call, ERR_INVALID, "Invalid scope: %.*s",
                                SLICE_ARGS(slice_sub(scope, 0, 32)));
    }
    return err;
}

static enum err read_names(struct rest_call *call, const struct key_wish *wish,
                           struct device_id device, struct rest_names *series,
                           struct rest_names *attributes)
{
    static const enum core_scope scopes[] = {CORE_SCOPE_CLIENT, CORE_SCOPE_SHARED,
                                             CORE_SCOPE_SERVER};
    const struct model_device of = {.number = device, .tenant = call->caller.tenant};
    enum err err =
        wish->series ? core_series_keys(&call->admin, &of, series, rest_names_add) : ERR_OK;
    for (unsigned i = 0; err == ERR_OK && wish->attributes && i < 3; i++) {
        if (!wish->has_scope || wish->scope == scopes[i]) {
            err = core_attributes_read(&call->admin, &of, scopes[i], attributes, add_attribute);
        }
    }
    return err;
}

static void answer_keys(struct rest_call *call, const struct core_find_page *page,
                        const struct rest_names *series, const struct rest_names *attributes)
{
    struct codec_json_writer writer = rest_call_writer(call);
    codec_json_begin_object(&writer);
    codec_json_name(&writer, SLICE("entityTypes"));
    codec_json_begin_array(&writer);
    if (page->count > 0) {
        codec_json_put_string(&writer, SLICE("DEVICE"));
    }
    codec_json_end_array(&writer);
    codec_json_name(&writer, SLICE("timeseries"));
    rest_names_put(&writer, series);
    codec_json_name(&writer, SLICE("attribute"));
    rest_names_put(&writer, attributes);
    codec_json_end_object(&writer);
}

enum err rest_entity_query_keys(struct rest_call *call)
{
    struct codec_json object;
    struct rest_query_reader reader;
    struct core_find_budget budget;
    struct core_find find;
    struct core_find_page page;
    struct key_wish wish;
    struct rest_names series;
    struct rest_names attributes;
    bool is_dynamic = false;
    enum err err = read_wish(call, &wish);
    err = err == ERR_OK ? begin(call, &object, &reader, &budget) : err;
    err = err == ERR_OK ? rest_query_read(&reader, object, &find, &is_dynamic) : err;
    if (err == ERR_OK) {
        find.page_size = find.page_size < REST_NAMES_DEVICES ? find.page_size : REST_NAMES_DEVICES;
        err = core_find_run(&call->admin, &find, &budget, false, &page);
    }
    err = err == ERR_OK ? rest_names_make(call, &series) : err;
    err = err == ERR_OK ? rest_names_make(call, &attributes) : err;
    for (uint32_t i = 0; err == ERR_OK && i < page.count; i++) {
        err = read_names(call, &wish, page.rows[i].device, &series, &attributes);
    }
    err = err == ERR_OK ? rest_names_check(call, &series) : err;
    err = err == ERR_OK ? rest_names_check(call, &attributes) : err;
    if (err == ERR_OK) {
        answer_keys(call, &page, &series, &attributes);
    }
    return err;
}
