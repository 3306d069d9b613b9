// rest/error.h: failures as people get them: the error object of server-api.md 1.5, or a plain
// text.
#pragma once

#include "rest/call.h"
#include "rest/status.h"

// Replaces what the response holds by the failure. The text is the call's problem, or what the
// error says; bytes of it that are no UTF-8 become U+FFFD.
void rest_error_answer(struct rest_call *call, enum err err);
// The error object, for an answer without a call. `text` may be NULL: what the error says.
void rest_error_write(struct http_response *response, enum err err, const char *text,
                      struct wall now);
// For a path that no route has, or not with this method.
void rest_error_answer_unrouted(struct rest_call *call, enum http_match_verdict verdict);
// Problems quote what people sent, cut to a number of bytes: what is no UTF-8 becomes U+FFFD.
void rest_error_put_clean(struct buf *out, struct slice text);
