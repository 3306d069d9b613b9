#include "coap/options.h"

#include <string.h>

#include "base/assert.h"

// The table of RFC 7252 5.10 with those of the later RFCs. Critical options have odd numbers.
struct definition {
    uint16_t number;
    uint16_t len_min;
    uint16_t len_max;
    bool repeatable;
    const char *name;
};

static const struct definition definitions[] = {
    {COAP_OPTION_IF_MATCH, 0, 8, true, "If-Match"},
    {COAP_OPTION_URI_HOST, 1, 255, false, "Uri-Host"},
    {COAP_OPTION_ETAG, 1, 8, true, "ETag"},
    {COAP_OPTION_IF_NONE_MATCH, 0, 0, false, "If-None-Match"},
    {COAP_OPTION_OBSERVE, 0, 3, false, "Observe"},
    {COAP_OPTION_URI_PORT, 0, 2, false, "Uri-Port"},
    {COAP_OPTION_LOCATION_PATH, 0, 255, true, "Location-Path"},
    {COAP_OPTION_URI_PATH, 0, 255, true, "Uri-Path"},
    {COAP_OPTION_CONTENT_FORMAT, 0, 2, false, "Content-Format"},
    {COAP_OPTION_MAX_AGE, 0, 4, false, "Max-Age"},
    {COAP_OPTION_URI_QUERY, 0, 255, true, "Uri-Query"},
    {COAP_OPTION_HOP_LIMIT, 1, 1, false, "Hop-Limit"},
    {COAP_OPTION_ACCEPT, 0, 2, false, "Accept"},
    {COAP_OPTION_LOCATION_QUERY, 0, 255, true, "Location-Query"},
    {COAP_OPTION_BLOCK2, 0, 3, false, "Block2"},
    {COAP_OPTION_BLOCK1, 0, 3, false, "Block1"},
    {COAP_OPTION_SIZE2, 0, 4, false, "Size2"},
    {COAP_OPTION_PROXY_URI, 1, 1034, false, "Proxy-Uri"},
    {COAP_OPTION_PROXY_SCHEME, 1, 255, false, "Proxy-Scheme"},
    {COAP_OPTION_SIZE1, 0, 4, false, "Size1"},
    {COAP_OPTION_ECHO, 1, 40, false, "Echo"},
    {COAP_OPTION_NO_RESPONSE, 0, 1, false, "No-Response"},
    {COAP_OPTION_REQUEST_TAG, 0, 8, true, "Request-Tag"},
};

#define DEFINITION_COUNT (sizeof(definitions) / sizeof(definitions[0]))

static const struct definition *definition_of(uint32_t number)
{
    for (unsigned i = 0; i < DEFINITION_COUNT; i++) {
        if (definitions[i].number == number) {
            return &definitions[i];
        }
    }
    return NULL;
}

const char *coap_option_name(uint32_t number)
{
    const struct definition *definition = definition_of(number);
    return definition != NULL ? definition->name : NULL;
}

static void clear(struct coap_options *options)
{
    // The arrays of views stay as they are; their counts say what is in them.
    options->echo = options->request_tags = options->uri_host = SLICE_EMPTY;
    options->path_count = options->query_count = options->etag_count = 0;
    options->has_observe = options->has_block1 = options->has_block2 = false;
    options->has_size1 = options->has_size2 = options->has_hop_limit = false;
    options->has_if_match = options->has_if_none_match = options->has_proxy = false;
    options->has_request_tag = options->has_echo = options->has_max_age = false;
    options->has_uri_port = false;
    options->no_response = 0;
    options->hop_limit = 0;
    options->uri_port = 0;
    options->observe = options->size1 = options->size2 = options->max_age = 0;
    options->content_format = options->accept = COAP_FORMAT_NONE;
    options->block1 = options->block2 = (struct coap_block){0, false, 0};
    options->bad_option = 0;
}

static bool append(struct slice *list, uint8_t *count, unsigned most, struct slice value)
{
    if (*count == most) {
        return false;
    }
    list[(*count)++] = value;
    return true;
}

static bool take_block(struct slice value, bool *has, struct coap_block *block)
{
    const uint32_t number = coap_option_uint(value);
    *block = (struct coap_block){number >> 4, (number & 8) != 0, number & 7};
    *has = true;
    // SZX 7 is reserved (RFC 7959 2.2).
    return block->szx != 7;
}

static uint32_t take_uint(struct slice value, bool *has)
{
    *has = true;
    return coap_option_uint(value);
}

// Options of one number stand beside one another.
static void take_request_tag(struct coap_options *options, struct slice value)
{
    if (options->has_request_tag) {
        const uint8_t *first = options->request_tags.ptr;
        options->request_tags = slice_of(first, (size_t)(value.ptr + value.len - first));
        return;
    }
    options->request_tags = value;
    options->request_tag_len = value.len;
    options->has_request_tag = true;
}

// Stores one option whose length fits. False if it cannot be understood.
static bool take(struct coap_options *options, uint32_t number, struct slice value)
{
    switch ((enum coap_option_number)number) {
    case COAP_OPTION_URI_PATH:
        return append(options->path, &options->path_count, COAP_PATH_SEGMENTS_MAX, value);
    case COAP_OPTION_URI_QUERY:
        return append(options->query, &options->query_count, COAP_QUERIES_MAX, value);
    case COAP_OPTION_ETAG:
        (void)append(options->etag, &options->etag_count, COAP_ETAGS_MAX, value);
        return true;
    case COAP_OPTION_CONTENT_FORMAT:
        options->content_format = coap_option_uint(value);
        return true;
    case COAP_OPTION_ACCEPT:
        options->accept = coap_option_uint(value);
        return true;
    case COAP_OPTION_OBSERVE:
        options->observe = take_uint(value, &options->has_observe);
        return true;
    case COAP_OPTION_BLOCK1:
        return take_block(value, &options->has_block1, &options->block1);
    case COAP_OPTION_BLOCK2:
        return take_block(value, &options->has_block2, &options->block2);
    case COAP_OPTION_SIZE1:
        options->size1 = take_uint(value, &options->has_size1);
        return true;
    case COAP_OPTION_SIZE2:
        options->size2 = take_uint(value, &options->has_size2);
        return true;
    case COAP_OPTION_MAX_AGE:
        options->max_age = take_uint(value, &options->has_max_age);
        return true;
    case COAP_OPTION_URI_PORT:
        options->uri_port = (uint16_t)take_uint(value, &options->has_uri_port);
        return true;
    case COAP_OPTION_HOP_LIMIT:
        options->hop_limit = (uint8_t)take_uint(value, &options->has_hop_limit);
        return true;
    case COAP_OPTION_NO_RESPONSE:
        options->no_response = (uint8_t)coap_option_uint(value);
        return true;
    case COAP_OPTION_URI_HOST:
        options->uri_host = value;
        return true;
    case COAP_OPTION_ECHO:
        options->echo = value;
        options->has_echo = true;
        return true;
    case COAP_OPTION_REQUEST_TAG:
        take_request_tag(options, value);
        return true;
    case COAP_OPTION_IF_MATCH:
        // An empty value matches whatever exists (RFC 7252 5.10.8.1), and our resources do.
        options->has_if_match = options->has_if_match || value.len > 0;
        return true;
    case COAP_OPTION_IF_NONE_MATCH:
        options->has_if_none_match = true;
        return true;
    case COAP_OPTION_PROXY_URI:
    case COAP_OPTION_PROXY_SCHEME:
        options->has_proxy = true;
        return true;
    case COAP_OPTION_LOCATION_PATH:
    case COAP_OPTION_LOCATION_QUERY:
        return true;
    }
    return false;
}

void coap_options_read(struct slice encoded, struct coap_options *options)
{
    clear(options);
    struct coap_option_reader reader = coap_option_reader_over(encoded);
    struct coap_option option;
    uint32_t previous = UINT32_MAX;
    while (coap_option_next(&reader, &option)) {
        const struct definition *definition = definition_of(option.number);
        // A supernumerary option is treated like an unrecognized one (RFC 7252 5.4.5).
        const bool understood = definition != NULL && option.value.len >= definition->len_min &&
                                option.value.len <= definition->len_max &&
                                (definition->repeatable || option.number != previous) &&
                                take(options, option.number, option.value);
        previous = option.number;
        const bool critical = (option.number & 1U) == 1;
        if (!understood && critical && options->bad_option == 0) {
            options->bad_option = option.number;
        }
    }
}

struct slice coap_options_query(const struct coap_options *options, struct slice name)
{
    struct slice found = SLICE_EMPTY;
    for (unsigned i = 0; i < options->query_count; i++) {
        struct slice rest = options->query[i];
        const struct slice key = slice_cut(&rest, '=');
        if (rest.ptr != NULL && slice_equal(key, name)) {
            found = rest;
        }
    }
    return found;
}

uint64_t coap_options_request_hash(const struct coap_options *options, uint8_t method,
                                   struct hash_key key)
{
    // Each part goes in with its length, so that "a","b" and "ab" differ.
    uint64_t hash = hash_word(key.words[1] ^ method);
    for (unsigned i = 0; i < options->path_count; i++) {
        hash = hash_word(hash ^ hash_keyed(key, options->path[i]) ^ options->path[i].len);
    }
    hash = hash_word(hash ^ 0x3f);
    for (unsigned i = 0; i < options->query_count; i++) {
        hash = hash_word(hash ^ hash_keyed(key, options->query[i]) ^ options->query[i].len);
    }
    if (options->has_request_tag) {
        hash = hash_word(hash ^ hash_keyed(key, options->request_tags) ^
                         (options->request_tag_len << 8 | 0x23U));
    }
    return hash;
}
