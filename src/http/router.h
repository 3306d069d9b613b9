// http/router.h: which handler serves a method and path. A pattern is "/api/device/{deviceId}";
// literal segments win over parameters, in whatever order the table stands.
#pragma once

#include "base/slice.h"
#include "http/server.h"

#define HTTP_ROUTE_PARAMETERS_MAX 6

struct http_route {
    enum http_method method;
    const char *pattern;
    const void *target; // the caller's
};

struct http_match {
    const struct http_route *route;                     // NULL unless HTTP_MATCH
    struct slice parameters[HTTP_ROUTE_PARAMETERS_MAX]; // in the order of the pattern
    unsigned parameter_count;
    unsigned methods; // a bit (1 << method) for each that the path has, for HTTP_NO_METHOD
};

enum http_match_verdict { HTTP_MATCH, HTTP_NO_PATH, HTTP_NO_METHOD };

enum http_match_verdict http_router_match(const struct http_route *routes, unsigned count,
                                          enum http_method method, struct slice path,
                                          struct http_match *match);
