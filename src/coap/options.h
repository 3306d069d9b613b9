// coap/options.h: all options of a request or response in one struct, read in one pass by a table
// of number, format, length and repeatability (RFC 7252 5.10, 7641, 7959, 7967, 8768, 9175).
//
// Rules for what is not understood (RFC 7252 5.4): an unknown critical option, or a known critical
// one with a bad length or repeated against its rule, is named in `bad_option`; elective ones are
// ignored. A Uri-Path or Uri-Query beyond the bound counts as bad.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"
#include "coap/message.h"

enum coap_option_number {
    COAP_OPTION_IF_MATCH = 1,
    COAP_OPTION_URI_HOST = 3,
    COAP_OPTION_ETAG = 4,
    COAP_OPTION_IF_NONE_MATCH = 5,
    COAP_OPTION_OBSERVE = 6,
    COAP_OPTION_URI_PORT = 7,
    COAP_OPTION_LOCATION_PATH = 8,
    COAP_OPTION_URI_PATH = 11,
    COAP_OPTION_CONTENT_FORMAT = 12,
    COAP_OPTION_MAX_AGE = 14,
    COAP_OPTION_URI_QUERY = 15,
    COAP_OPTION_HOP_LIMIT = 16,
    COAP_OPTION_ACCEPT = 17,
    COAP_OPTION_LOCATION_QUERY = 20,
    COAP_OPTION_BLOCK2 = 23,
    COAP_OPTION_BLOCK1 = 27,
    COAP_OPTION_SIZE2 = 28,
    COAP_OPTION_PROXY_URI = 35,
    COAP_OPTION_PROXY_SCHEME = 39,
    COAP_OPTION_SIZE1 = 60,
    COAP_OPTION_ECHO = 252,
    COAP_OPTION_NO_RESPONSE = 258,
    COAP_OPTION_REQUEST_TAG = 292,
};

#define COAP_PATH_SEGMENTS_MAX 16
#define COAP_QUERIES_MAX 16
#define COAP_ETAGS_MAX 4

// One Block option (RFC 7959 2.2).
struct coap_block {
    uint32_t number;
    bool more;
    uint8_t szx; // size is 16 << szx, 0 to 6; 7 is a format error
};

static inline uint32_t coap_block_size(struct coap_block block)
{
    return 16U << block.szx;
}

struct coap_options {
    // Views into the message.
    struct slice path[COAP_PATH_SEGMENTS_MAX];
    struct slice query[COAP_QUERIES_MAX];
    struct slice etag[COAP_ETAGS_MAX];
    struct slice echo;
    // From the first value of Request-Tag to the end of its last one: what is between them says how
    // long each is.
    struct slice request_tags;
    size_t request_tag_len; // of the first
    struct slice uri_host;
    uint8_t path_count;
    uint8_t query_count;
    uint8_t etag_count;
    // Present or not.
    bool has_observe, has_block1, has_block2, has_size1, has_size2, has_hop_limit;
    bool has_if_match, has_if_none_match, has_proxy, has_request_tag, has_echo, has_max_age;
    bool has_uri_port;
    uint8_t no_response; // bits of RFC 7967; 0 if absent
    uint8_t hop_limit;
    uint16_t uri_port;
    uint32_t observe;
    uint32_t content_format; // enum coap_format or any other number; COAP_FORMAT_NONE
    uint32_t accept;
    uint32_t size1;
    uint32_t size2;
    uint32_t max_age;
    struct coap_block block1;
    struct coap_block block2;
    uint32_t bad_option; // number of the first option that forbids processing; 0 if none
};

// Reads them all in one pass.
void coap_options_read(struct slice encoded, struct coap_options *options);

// "Uri-Path" and so on, for diagnostics; NULL if unknown.
const char *coap_option_name(uint32_t number);

// The query parameter "name=value": its value, or `ptr == NULL`. The last of several wins.
struct slice coap_options_query(const struct coap_options *options, struct slice name);

// A keyed hash over what names a request for Block1 and Block2 state: method, path and query, and
// all values of Request-Tag in their order (RFC 9175 3.2 and 3.3).
uint64_t coap_options_request_hash(const struct coap_options *options, uint8_t method,
                                   struct hash_key key);
