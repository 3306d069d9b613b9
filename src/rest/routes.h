// rest/routes.h: the table of all routes, and what a row says besides method and path.
#pragma once

#include "rest/call.h"

struct rest_action {
    unsigned authorities; // mask of enum model_authority; 0: nobody has to be logged in
    bool plain_errors;    // once it is known who calls
    rest_handler_fn *handler;
};

// Finds the row for a method and path (HEAD is GET).
enum http_match_verdict rest_routes_find(enum http_method method, struct slice path,
                                         struct http_match *match);
// What the matched row says.
const struct rest_action *rest_routes_action(const struct http_match *match);
// The methods of a path as text for "Allow": with HEAD where there is GET, and OPTIONS.
void rest_routes_allow(const struct http_match *match, struct buf *out);
// The rows one by one, in no order; NULL after the last. For tests.
const struct http_route *rest_routes_at(unsigned index);
// Asserts that the table makes sense. For tests.
void rest_routes_check(void);
