// Shows that the table of routes and the OpenAPI document say the same, in both directions, and
// that the document and its page are served to anyone.
#include "rest/docs.h"

#include <stdlib.h>

#include "rest/fixture.h"
#include "rest/routes.h"

#define MEMORY_SIZE (4U << 20)

static const char *const methods[] = {[HTTP_GET] = "get",
                                      [HTTP_POST] = "post",
                                      [HTTP_PUT] = "put",
                                      [HTTP_DELETE] = "delete",
                                      [HTTP_PATCH] = "patch"};

#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

static struct {
    void *memory;
    struct arena arena;
    struct codec_json paths;
} docs;

static int set_up(void **state)
{
    struct codec_json document;
    struct err_place place;
    docs.memory = malloc(MEMORY_SIZE);
    assert_non_null(docs.memory);
    arena_init(&docs.arena, docs.memory, MEMORY_SIZE);
    assert_int_equal(codec_json_parse(&docs.arena, rest_docs_document, false, &document, &place),
                     ERR_OK);
    docs.paths = codec_json_get(document, "paths");
    assert_true(codec_json_exists(docs.paths));
    return rest_fixture_set_up(state);
}

static int tear_down(void **state)
{
    free(docs.memory);
    return rest_fixture_tear_down(state);
}

static struct codec_json operation_of(const struct http_route *route)
{
    const struct codec_json path = codec_json_get(docs.paths, route->pattern);
    const struct codec_json none = {NULL};
    return codec_json_exists(path) ? codec_json_get(path, methods[route->method]) : none;
}

static void every_route_is_in_the_document(void **state)
{
    (void)state;
    unsigned missing = 0;
    for (unsigned i = 0; rest_routes_at(i) != NULL; i++) {
        const struct http_route *route = rest_routes_at(i);
        if (!codec_json_exists(operation_of(route))) {
            print_message("src/rest/openapi/ lacks %s %s\n", methods[route->method],
                          route->pattern);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static bool is_routed(struct slice path, struct slice method)
{
    for (unsigned i = 0; rest_routes_at(i) != NULL; i++) {
        const struct http_route *route = rest_routes_at(i);
        if (slice_equal(path, slice_text(route->pattern)) &&
            slice_equal(method, slice_text(methods[route->method]))) {
            return true;
        }
    }
    return false;
}

static void every_operation_of_the_document_is_routed(void **state)
{
    (void)state;
    struct codec_json_walk walk = codec_json_walk_over(docs.paths);
    struct codec_json path;
    struct slice name;
    unsigned strangers = 0;
    while (codec_json_walk_next(&walk, &name, &path)) {
        struct codec_json_walk inner = codec_json_walk_over(path);
        struct codec_json operation;
        struct slice method;
        while (codec_json_walk_next(&inner, &method, &operation)) {
            if (!is_routed(name, method)) {
                print_message("no route serves %.*s %.*s\n", SLICE_ARGS(method), SLICE_ARGS(name));
                strangers++;
            }
        }
    }
    assert_int_equal(strangers, 0);
}

static unsigned authorities_of(struct codec_json operation)
{
    static const enum model_authority all[] = {MODEL_SYS_ADMIN, MODEL_TENANT_ADMIN,
                                               MODEL_CUSTOMER_USER};
    struct codec_json_walk walk = codec_json_walk_over(codec_json_get(operation, "x-authorities"));
    struct codec_json element;
    struct slice name;
    struct slice text;
    unsigned mask = 0;
    while (codec_json_walk_next(&walk, &name, &element)) {
        assert_true(codec_json_string(element, &text));
        for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            if (slice_equal(text, slice_text(model_authority_name(all[i])))) {
                mask |= (unsigned)all[i];
            }
        }
    }
    return mask;
}

static void the_document_names_the_callers_of_the_table(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (unsigned i = 0; rest_routes_at(i) != NULL; i++) {
        const struct http_route *route = rest_routes_at(i);
        const struct rest_action *action = route->target;
        const struct codec_json operation = operation_of(route);
        const unsigned described =
            codec_json_exists(operation) ? authorities_of(operation) : UINT32_MAX;
        if (described != action->authorities) {
            print_message("`who` of %s %s is wrong\n", methods[route->method], route->pattern);
            wrong++;
        }
        // Without callers there must be no security, with them that of the whole document.
        assert_int_equal(codec_json_exists(codec_json_get(operation, "security")),
                         action->authorities == 0);
    }
    assert_int_equal(wrong, 0);
}

static void the_document_is_served_to_anyone(void **state)
{
    (void)state;
    rest_fixture_as(REST_NOBODY);
    assert_int_equal(rest_fixture_get("/v3/api-docs"), 200);
    assert_string_equal(rest_fixture.response.content_type, "application/json");
    assert_true(slice_equal(buf_view(&rest_fixture.response.body), rest_docs_document));
    assert_int_equal(rest_fixture_get("/v3/api-docs/thingsboard"), 200);
    assert_true(slice_equal(buf_view(&rest_fixture.response.body), rest_docs_document));
    rest_fixture_as(REST_TENANT);
}

static void the_page_is_served_to_anyone(void **state)
{
    (void)state;
    rest_fixture_as(REST_NOBODY);
    assert_int_equal(rest_fixture_get("/docs"), 200);
    assert_string_equal(rest_fixture.response.content_type, "text/html;charset=UTF-8");
    assert_true(slice_equal(buf_view(&rest_fixture.response.body), rest_docs_page));
    rest_fixture_as(REST_TENANT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_in_the_document),
        cmocka_unit_test(every_operation_of_the_document_is_routed),
        cmocka_unit_test(the_document_names_the_callers_of_the_table),
        cmocka_unit_test(the_document_is_served_to_anyone),
        cmocka_unit_test(the_page_is_served_to_anyone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
