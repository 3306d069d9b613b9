#include "http/router.h"

// Compares one path with one pattern, segment by segment. `*literals` counts the segments that are
// equal as text: the pattern with more of them wins.
static bool matches(struct slice pattern, struct slice path, struct http_match *match,
                    unsigned *literals)
{
    match->parameter_count = 0;
    *literals = 0;
    while (pattern.ptr != NULL && path.ptr != NULL) {
        const struct slice want = slice_cut(&pattern, '/');
        const struct slice have = slice_cut(&path, '/');
        if (want.len > 0 && want.ptr[0] == '{') {
            if (have.len == 0 || match->parameter_count == HTTP_ROUTE_PARAMETERS_MAX) {
                return false;
            }
            match->parameters[match->parameter_count++] = have;
        } else if (slice_equal(want, have)) {
            (*literals)++;
        } else {
            return false;
        }
    }
    return pattern.ptr == NULL && path.ptr == NULL;
}

enum http_match_verdict http_router_match(const struct http_route *routes, unsigned count,
                                          enum http_method method, struct slice path,
                                          struct http_match *match)
{
    unsigned methods = 0;
    unsigned best = 0;
    *match = (struct http_match){.route = NULL};
    for (unsigned i = 0; i < count; i++) {
        struct http_match candidate = {.route = &routes[i]};
        unsigned literals = 0;
        if (!matches(slice_text(routes[i].pattern), path, &candidate, &literals)) {
            continue;
        }
        methods |= 1U << routes[i].method;
        if (routes[i].method == method && (match->route == NULL || literals > best)) {
            best = literals;
            *match = candidate;
        }
    }
    match->methods = methods;
    if (match->route != NULL) {
        return HTTP_MATCH;
    }
    return methods != 0 ? HTTP_NO_METHOD : HTTP_NO_PATH;
}
