// rest/call.h: one request on its way through a handler: who calls, what the path, query and body
// say, and the words for answering.
#pragma once

#include "codec/json.h"
#include "core/admin.h"
#include "core/session.h"
#include "http/router.h"
#include "rest/rest.h"
#include "rest/write.h"

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
    bool plain_errors; // failures are a plain text (server-api.md 1.5, the exception)
};

// Fills the response and gives ERR_OK, or an error with the reason in `call->problem` (empty if the
// error says it all); what was written by then is dropped.
typedef enum err rest_handler_fn(struct rest_call *call);

// The path parameter at a position as an id. ERR_INVALID with the problem.
MUST_USE enum err rest_call_id(struct rest_call *call, unsigned position, struct uuid *id);
// The device that the path names by its type and id at these positions (`type` REST_CALL_NO_TYPE:
// by the id alone), once the caller may read it; for the requests whose failures are plain texts.
#define REST_CALL_NO_TYPE UINT32_MAX
MUST_USE enum err rest_call_device(struct rest_call *call, unsigned type, unsigned id,
                                   struct model_device *device);
// Who sends the request, for what is counted by sender: an IPv4 address or an IPv6 /64.
uint64_t rest_call_source(const struct rest_call *call);
// The desk of the thread that runs the handler.
struct core_desk *rest_call_desk(const struct rest_call *call);
// A query parameter as an id; `*given` says whether it is there.
MUST_USE enum err rest_call_id_parameter(struct rest_call *call, const char *name, bool *given,
                                         struct uuid *id);
// Answers an array: what `one` writes for each id of a query parameter that is a list of them with
// commas between. What is not there, and what the caller may not read, is left out. ERR_INVALID
// with the problem for an id that is none, an empty list, and more than REST_CALL_IDS_MAX.
#define REST_CALL_IDS_MAX 100U
typedef enum err rest_call_one_fn(struct rest_call *call, const struct uuid *id,
                                  struct rest_write_context *context);
MUST_USE enum err rest_call_list_of(struct rest_call *call, const char *name,
                                    rest_call_one_fn *one);
// Whether a query parameter is there and not empty.
bool rest_call_has(const struct rest_call *call, const char *name);
// Query parameters; the default when absent or empty. ERR_INVALID with the problem.
MUST_USE enum err rest_call_int(struct rest_call *call, const char *name, bool required,
                                int64_t otherwise, int64_t *value);
MUST_USE enum err rest_call_boolean(struct rest_call *call, const char *name, bool otherwise,
                                    bool *value);
MUST_USE enum err rest_call_required(struct rest_call *call, const char *name, struct slice *text);
// pageSize, page, textSearch, sortProperty, sortOrder (server-api.md 0.1).
MUST_USE enum err rest_call_page(struct rest_call *call, struct model_page *page);
// The answer to a request for a page: begun with the parameters of the page read, filled by a verb
// that lists, ended with what the verb said, which comes back.
struct rest_call_list {
    struct model_page page;
    int64_t total;
    struct rest_write_context context;
};
MUST_USE enum err rest_call_list_begin(struct rest_call *call, struct rest_call_list *list);
MUST_USE enum err rest_call_list_end(struct rest_call_list *list, enum err err);
// The body as a JSON object. ERR_SYNTAX or ERR_INVALID with the problem naming the place.
MUST_USE enum err rest_call_body(struct rest_call *call, struct codec_json *object);

// Fails with a text, cut to the size of a problem.
enum err rest_call_refuse(struct rest_call *call, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Parks the request as one of the tenant's. ERR_LIMITED with the problem when it has its share of
// what may be parked, ERR_EXHAUSTED.
MUST_USE enum err rest_call_park(struct rest_call *call, struct tenant_id tenant,
                                 const struct http_watch *watch, struct http_parked **parked);
// A copy at `*at`, which moves on behind it.
struct slice rest_call_keep(uint8_t **at, struct slice text);

// Writers over the response's body.
struct codec_json_writer rest_call_writer(struct rest_call *call);
struct rest_write_context rest_call_write(struct rest_call *call);
