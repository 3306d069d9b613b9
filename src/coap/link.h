// coap/link.h: /.well-known/core (RFC 6690): a table of resources written as a link-format
// document, filtered by one query `name=value` with an optional trailing `*`; `href` is a name too.
#pragma once

#include "base/buf.h"
#include "base/slice.h"

struct coap_link {
    const char *href;       // "/api/v1"
    const char *attributes; // `rt="motehub.device";ct="50"`, without the leading ';', or NULL
};

// Writes the links that match; `filter` is empty for all. A filter without '=' matches nothing.
void coap_link_write(struct buf *out, const struct coap_link *links, unsigned count,
                     struct slice filter);
