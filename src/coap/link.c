#include "coap/link.h"

#include <string.h>

static bool value_matches(struct slice value, struct slice wanted)
{
    if (wanted.len > 0 && wanted.ptr[wanted.len - 1] == '*') {
        return slice_starts_with(value, slice_sub(wanted, 0, wanted.len - 1));
    }
    return slice_equal(value, wanted);
}

// A value may be a list separated by spaces (RFC 6690 4.1).
static bool any_matches(struct slice values, struct slice wanted)
{
    while (values.ptr != NULL) {
        if (value_matches(slice_cut(&values, ' '), wanted)) {
            return true;
        }
    }
    return false;
}

static struct slice unquoted(struct slice s)
{
    const bool quoted = s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"';
    return quoted ? slice_sub(s, 1, s.len - 2) : s;
}

static bool link_matches(const struct coap_link *link, struct slice filter)
{
    if (filter.len == 0) {
        return true;
    }
    struct slice wanted = filter;
    const struct slice name = slice_cut(&wanted, '=');
    if (wanted.ptr == NULL) {
        return false;
    }
    wanted = unquoted(wanted);
    if (slice_equal(name, SLICE("href"))) {
        return value_matches(slice_text(link->href), wanted);
    }
    struct slice attributes = link->attributes != NULL ? slice_text(link->attributes) : SLICE_EMPTY;
    while (attributes.ptr != NULL) {
        struct slice value = slice_cut(&attributes, ';');
        const struct slice key = slice_cut(&value, '=');
        if (slice_equal(key, name) && any_matches(unquoted(value), wanted)) {
            return true;
        }
    }
    return false;
}

void coap_link_write(struct buf *out, const struct coap_link *links, unsigned count,
                     struct slice filter)
{
    bool first = true;
    for (unsigned i = 0; i < count; i++) {
        if (!link_matches(&links[i], filter)) {
            continue;
        }
        buf_put_text(out, first ? "<" : ",<");
        buf_put_text(out, links[i].href);
        buf_put_u8(out, '>');
        if (links[i].attributes != NULL) {
            buf_put_u8(out, ';');
            buf_put_text(out, links[i].attributes);
        }
        first = false;
    }
}
