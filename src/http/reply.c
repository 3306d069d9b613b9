#include "http/reply.h"

#define WRITE_CHUNK 32768U
#define HEADERS_SIZE 4096U
// A body of so many bytes leaves with its headers.
#define SMALL_BODY 4096U

static int add_header(struct lws *wsi, const char *name, const char *value, uint8_t **at,
                      uint8_t *end)
{
    return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
                                       (int)strlen(value), at, end);
}

static bool put_headers(struct http_exchange *exchange, uint8_t **at, uint8_t *end)
{
    struct lws *wsi = exchange->wsi;
    char retry_after[16];
    char length[24];
    lws_snprintf(retry_after, sizeof(retry_after), "%u", (unsigned)exchange->retry_after_s);
    lws_snprintf(length, sizeof(length), "%zu", exchange->out_len);
    if (lws_add_http_header_status(wsi, (unsigned)exchange->status, at, end) != 0 ||
        (exchange->out_len > 0 &&
         add_header(wsi, "content-type:", exchange->content_type, at, end) != 0) ||
        add_header(wsi, "content-length:", length, at, end) != 0 ||
        add_header(wsi, "cache-control:", "no-store", at, end) != 0 ||
        add_header(wsi, "x-content-type-options:", "nosniff", at, end) != 0 ||
        (exchange->close_after && add_header(wsi, "connection:", "close", at, end) != 0) ||
        (exchange->retry_after_s > 0 &&
         add_header(wsi, "retry-after:", retry_after, at, end) != 0) ||
        (exchange->location != NULL &&
         add_header(wsi, "location:", exchange->location, at, end) != 0) ||
        (exchange->allow != NULL && add_header(wsi, "allow:", exchange->allow, at, end) != 0)) {
        return false;
    }
    return lws_finalize_http_header(wsi, at, end) == 0;
}

// Headers, and the body if it is small, as one write.
static enum http_reply_step write_first(struct http_exchange *exchange)
{
    uint8_t memory[LWS_PRE + HEADERS_SIZE + SMALL_BODY];
    uint8_t *start = memory + LWS_PRE;
    uint8_t *at = start;
    const bool has_body = exchange->out_len > 0 && exchange->request.method != HTTP_HEAD;
    const bool is_alone = has_body && exchange->out_len > SMALL_BODY;
    if (!put_headers(exchange, &at, start + HEADERS_SIZE - 1)) {
        return HTTP_REPLY_FAILED;
    }
    if (has_body && !is_alone) {
        memcpy(at, exchange->out + LWS_PRE, exchange->out_len);
        at += exchange->out_len;
        exchange->out_sent = exchange->out_len;
    }
    const size_t len = (size_t)(at - start);
    // The library keeps what the kernel did not take; anything less is a failure.
    if (lws_write(exchange->wsi, start, len, LWS_WRITE_HTTP_HEADERS) < (int)len) {
        return HTTP_REPLY_FAILED;
    }
    return is_alone ? HTTP_REPLY_MORE : HTTP_REPLY_DONE;
}

static enum http_reply_step write_next(struct http_exchange *exchange)
{
    const size_t rest = exchange->out_len - exchange->out_sent;
    const size_t len = rest < WRITE_CHUNK ? rest : WRITE_CHUNK;
    const int written = lws_write(exchange->wsi, exchange->out + LWS_PRE + exchange->out_sent, len,
                                  len == rest ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (written < (int)len) {
        return HTTP_REPLY_FAILED;
    }
    exchange->out_sent += len;
    return len == rest ? HTTP_REPLY_DONE : HTTP_REPLY_MORE;
}

enum http_reply_step http_reply_write(struct http_exchange *exchange, struct mono now,
                                      unsigned idle_s)
{
    ASSERT(exchange->answered && !exchange->dispatched);
    if (mono_reached(now, exchange->deadline)) {
        return HTTP_REPLY_FAILED;
    }
    const bool is_first = !exchange->headers_sent;
    exchange->headers_sent = true;
    const enum http_reply_step step = is_first ? write_first(exchange) : write_next(exchange);
    // Not for the usual answer: the library keeps its time-outs in a sorted list.
    if (step == HTTP_REPLY_MORE) {
        lws_set_timeout(exchange->wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)idle_s);
    }
    return step;
}

bool http_reply_continue(struct lws *wsi)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t memory[LWS_PRE + sizeof(line)];
    const size_t len = sizeof(line) - 1;
    memcpy(memory + LWS_PRE, line, len);
    return lws_write(wsi, memory + LWS_PRE, len, LWS_WRITE_RAW) == (int)len;
}
