// http/client.h: one request to an HTTP server, waited for. For commands at a terminal, not for
// threads of the server: it blocks, and makes a connection for each request.
//
// Bounds: the deadline covers everything; an answer that does not fit into `body` is an error.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/time.h"

#define HTTP_CLIENT_PATH_MAX 4096U
#define HTTP_CLIENT_BODY_MAX (1U << 20) // of a request

// Where the server is: "http://host:port" or "https://host:port"; https checks the certificate.
struct http_client_place {
    bool is_secure;
    uint16_t port;
    char host[256];
};

// ERR_SYNTAX; nothing may stand behind the port but a slash.
MUST_USE enum err http_client_parse(const char *url, struct http_client_place *place);

struct http_client_request {
    const struct http_client_place *place;
    const char *method;
    const char *path;   // with query, escaped
    const char *bearer; // a token, or NULL
    struct slice body;  // JSON; empty: none
    struct span deadline;
};

// The status and the body of the answer. ERR_UNAVAILABLE: no connection, or it broke; ERR_TIMEOUT;
// ERR_TOO_LARGE. `message` gets the library's words for it, if there are any.
MUST_USE enum err http_client_fetch(const struct http_client_request *request, unsigned *status,
                                    struct buf *body, struct buf *message);
