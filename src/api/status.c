#include "api/status.h"

#include "base/hash.h"
#include "coap/code.h"

static uint8_t code_of(enum err err)
{
    switch (err) {
    case ERR_OK:
        return COAP_CREATED;
    case ERR_INVALID:
    case ERR_SYNTAX:
    case ERR_KEY_LIMIT:
    case ERR_ALREADY_EXISTS:
    case ERR_CONFLICT:
        return COAP_BAD_REQUEST;
    case ERR_TOO_LARGE:
        return COAP_REQUEST_ENTITY_TOO_LARGE;
    case ERR_UNAUTHORIZED:
    case ERR_EXPIRED:
        return COAP_UNAUTHORIZED;
    case ERR_FORBIDDEN:
    case ERR_WRONG_TRANSPORT:
    case ERR_ENTITY_LIMIT:
        return COAP_FORBIDDEN;
    case ERR_NOT_FOUND:
        return COAP_NOT_FOUND;
    case ERR_NOT_ACCEPTABLE:
        return COAP_NOT_ACCEPTABLE;
    case ERR_UNSUPPORTED_FORMAT:
        return COAP_UNSUPPORTED_CONTENT_FORMAT;
    case ERR_LIMITED:
        return COAP_TOO_MANY_REQUESTS;
    case ERR_UNSUPPORTED:
        return COAP_NOT_IMPLEMENTED;
    case ERR_TIMEOUT:
        return COAP_GATEWAY_TIMEOUT;
    case ERR_EXHAUSTED:
    case ERR_UNAVAILABLE:
    case ERR_NO_SPACE:
    case ERR_IO:
    case ERR_STOPPING:
        return COAP_SERVICE_UNAVAILABLE;
    case ERR_CORRUPT:
    case ERR_NEWER_VERSION:
    case ERR_IN_USE:
    case ERR_COUNT:
        return COAP_INTERNAL_SERVER_ERROR;
    }
    return COAP_INTERNAL_SERVER_ERROR;
}

uint8_t api_status_code(enum err err, bool upstream_codes)
{
    const uint8_t code = code_of(err);
    if (upstream_codes && (code == COAP_TOO_MANY_REQUESTS || code == COAP_FORBIDDEN)) {
        return COAP_INTERNAL_SERVER_ERROR;
    }
    return code;
}

static uint32_t max_age(uint8_t code, uint64_t hash)
{
    const bool is_for_later = code == COAP_SERVICE_UNAVAILABLE || code == COAP_TOO_MANY_REQUESTS;
    return is_for_later ? 2U + (uint32_t)(hash % 9U) : COAP_MAX_AGE_NONE;
}

uint32_t api_status_max_age(uint8_t code, const struct coap_peer *peer)
{
    const struct hash_key no_key = {{0, 0}};
    return max_age(code, coap_peer_hash(peer, no_key));
}

uint32_t api_status_max_age_of_ticket(uint8_t code, uint64_t ticket)
{
    return max_age(code, hash_word(ticket));
}
