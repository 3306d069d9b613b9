#include "rest/error.h"

#include "rest/routes.h"

#define ALLOW_SIZE 64U
#define RETRY_AFTER_S 2U

void rest_error_put_clean(struct buf *out, struct slice text)
{
    while (text.len > 0) {
        const size_t step = slice_utf8_step(text);
        if (step == 0) {
            buf_put_text(out, "\xEF\xBF\xBD");
        } else {
            buf_put(out, text.ptr, step);
        }
        text = slice_sub(text, step == 0 ? 1 : step, text.len);
    }
}

static void write_object(struct http_response *response, struct rest_status status,
                         struct slice text, const struct core_problem *problem, struct wall now)
{
    response->content_type = "application/json";
    struct codec_json_writer writer = codec_json_writer_over(&response->body);
    codec_json_begin_object(&writer);
    codec_json_field_int64(&writer, "status", status.http);
    codec_json_field_string(&writer, "message", text);
    codec_json_field_int64(&writer, "errorCode", status.code);
    codec_json_field_int64(&writer, "timestamp", now.ms);
    if (problem != NULL && problem->entity != NULL) {
        codec_json_field_string(&writer, "entityType", slice_text(problem->entity));
        codec_json_field_int64(&writer, "limit", problem->limit);
    }
    codec_json_end_object(&writer);
}

static void begin(struct http_response *response, struct rest_status status)
{
    response->status = status.http;
    response->body.len = 0;
    response->body.overflow = false;
    response->retry_after_s = status.http == 503 || status.http == 429 ? RETRY_AFTER_S : 0;
}

static void answer(struct rest_call *call, struct rest_status status)
{
    struct http_response *response = call->response;
    const char *text = call->problem.text[0] != 0 ? call->problem.text : status.text;
    uint8_t memory[sizeof(call->problem.text) * 3];
    struct buf clean = buf_over(memory, sizeof(memory));
    rest_error_put_clean(&clean, slice_text(text));
    begin(response, status);
    if (call->plain_errors) {
        response->content_type = "text/plain;charset=UTF-8";
        buf_put_slice(&response->body, buf_view(&clean));
        return;
    }
    write_object(response, status, buf_view(&clean), &call->problem, call->now);
}

void rest_error_write(struct http_response *response, enum err err, const char *text,
                      struct wall now)
{
    const struct rest_status status = rest_status(err);
    begin(response, status);
    write_object(response, status, slice_text(text != NULL ? text : status.text), NULL, now);
}

void rest_error_answer(struct rest_call *call, enum err err)
{
    ASSERT(err != ERR_OK);
    answer(call, rest_status(err));
}

static void answer_wrong_method(struct rest_call *call)
{
    char *memory = arena_take(call->request->memory, ALLOW_SIZE);
    if (memory != NULL) {
        struct buf allow = buf_over(memory, ALLOW_SIZE);
        rest_routes_allow(&call->match, &allow);
        buf_put_u8(&allow, 0);
        ASSERT(!allow.overflow);
        call->response->allow = memory;
    }
    if (call->request->method == HTTP_OPTIONS) {
        call->response->content_type = "text/plain";
        return;
    }
    answer(call, rest_status_wrong_method());
}

void rest_error_answer_unrouted(struct rest_call *call, enum http_match_verdict verdict)
{
    const struct slice path = call->request->path;
    ASSERT(verdict != HTTP_MATCH);
    if (verdict == HTTP_NO_PATH) {
        rest_error_answer(call, ERR_NOT_FOUND);
    } else if (call->request->method != HTTP_OPTIONS &&
               (slice_equal(path, SLICE("/api/auth/login")) ||
                slice_equal(path, SLICE("/api/auth/token")))) {
        // Upstream's log-in is a filter before its routes.
        (void)rest_call_refuse(call, ERR_UNAUTHORIZED, "Authentication method not supported");
        rest_error_answer(call, ERR_UNAUTHORIZED);
    } else {
        answer_wrong_method(call);
    }
}
