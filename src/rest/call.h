// rest/call.h: one request on its way through a handler: who calls, what the path and body say, and
// the words for answering.
#pragma once

#include "codec/json.h"
#include "core/admin.h"
#include "core/session.h"
#include "http/router.h"
#include "rest/rest.h"

struct rest_call {
    const struct rest *rest;
    const struct http_request *request;
    struct http_response *response;
    struct http_match match;
    struct wall now;
    struct core_claims claims;
    struct model_user user;
    struct core_caller caller;
    struct core_problem problem;
    struct core_admin admin;
    bool plain_errors;  // failures are a plain text (server-api.md 1.5, the exception)
};

typedef enum err rest_handler_fn(struct rest_call *call);

struct rest_route {
    enum http_method method;
    const char *pattern;
    unsigned authorities;  // mask of enum model_authority; 0: nobody has to be logged in
    bool plain_errors;
    rest_handler_fn *handler;
};

// The path parameter at a position as an id. ERR_INVALID with the problem.
MUST_USE enum err rest_call_id(struct rest_call *call, unsigned position, struct uuid *id);
// A query parameter as an id; `*given` says whether it is there.
MUST_USE enum err rest_call_id_parameter(struct rest_call *call, const char *name, bool *given,
                                         struct uuid *id);
// Query parameters; the default when absent. ERR_INVALID with the problem.
MUST_USE enum err rest_call_int(struct rest_call *call, const char *name, bool required,
                                int64_t otherwise, int64_t *value);
MUST_USE enum err rest_call_boolean(struct rest_call *call, const char *name, bool otherwise,
                                    bool *value);
// pageSize, page, textSearch, sortProperty, sortOrder (server-api.md 0.1).
MUST_USE enum err rest_call_page(struct rest_call *call, struct model_page *page);
// The body as a JSON object. ERR_SYNTAX or ERR_INVALID with the problem naming the place.
MUST_USE enum err rest_call_body(struct rest_call *call, struct codec_json *object);

// Fails with a text.
enum err rest_call_refuse(struct rest_call *call, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct codec_json_writer rest_call_writer(struct rest_call *call);
