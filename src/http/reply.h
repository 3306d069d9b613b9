// http/reply.h: the answer of an exchange on its way to the peer, as fast as the peer reads.
// Private to the server; the service thread only.
#pragma once

#include "http/exchange.h"

enum http_reply_step {
    HTTP_REPLY_MORE,   // call again when the connection takes more
    HTTP_REPLY_DONE,   // all of it is with the kernel
    HTTP_REPLY_FAILED, // the peer is gone or too slow
};

// Writes the next part. `now` is compared with the exchange's deadline; `idle_s` bounds the wait
// for the next part.
MUST_USE enum http_reply_step http_reply_write(struct http_exchange *exchange, struct mono now,
                                               unsigned idle_s);
// "HTTP/1.1 100 Continue". False when the connection broke.
MUST_USE bool http_reply_continue(struct lws *wsi);
