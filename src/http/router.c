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
    enum http_match_verdict verdict = HTTP_NO_PATH;
    unsigned best = 0;
    for (unsigned i = 0; i < count; i++) {
        struct http_match candidate = {.tag = routes[i].tag};
        unsigned literals = 0;
        if (!matches(slice_text(routes[i].pattern), path, &candidate, &literals)) {
            continue;
        }
        if (routes[i].method != method) {
            verdict = verdict == HTTP_MATCH ? HTTP_MATCH : HTTP_NO_METHOD;
        } else if (verdict != HTTP_MATCH || literals > best) {
            verdict = HTTP_MATCH;
            best = literals;
            *match = candidate;
        }
    }
    return verdict;
}
