// coap/code.h: codes, types and content formats by number, under the RFCs' names (RFC 7252 12.1,
// 12.3; RFC 8132; RFC 8516).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define COAP_CODE(class_, detail_) ((uint8_t)(((class_) << 5) | (detail_)))

enum coap_type { COAP_CON = 0, COAP_NON = 1, COAP_ACK = 2, COAP_RST = 3 };

enum coap_code {
    COAP_EMPTY = 0,
    COAP_GET = 1,
    COAP_POST = 2,
    COAP_PUT = 3,
    COAP_DELETE = 4,
    COAP_FETCH = 5,
    COAP_PATCH = 6,
    COAP_IPATCH = 7,
    COAP_CREATED = COAP_CODE(2, 1),
    COAP_DELETED = COAP_CODE(2, 2),
    COAP_VALID = COAP_CODE(2, 3),
    COAP_CHANGED = COAP_CODE(2, 4),
    COAP_CONTENT = COAP_CODE(2, 5),
    COAP_CONTINUE = COAP_CODE(2, 31),
    COAP_BAD_REQUEST = COAP_CODE(4, 0),
    COAP_UNAUTHORIZED = COAP_CODE(4, 1),
    COAP_BAD_OPTION = COAP_CODE(4, 2),
    COAP_FORBIDDEN = COAP_CODE(4, 3),
    COAP_NOT_FOUND = COAP_CODE(4, 4),
    COAP_METHOD_NOT_ALLOWED = COAP_CODE(4, 5),
    COAP_NOT_ACCEPTABLE = COAP_CODE(4, 6),
    COAP_REQUEST_ENTITY_INCOMPLETE = COAP_CODE(4, 8),
    COAP_PRECONDITION_FAILED = COAP_CODE(4, 12),
    COAP_REQUEST_ENTITY_TOO_LARGE = COAP_CODE(4, 13),
    COAP_UNSUPPORTED_CONTENT_FORMAT = COAP_CODE(4, 15),
    COAP_TOO_MANY_REQUESTS = COAP_CODE(4, 29),
    COAP_INTERNAL_SERVER_ERROR = COAP_CODE(5, 0),
    COAP_NOT_IMPLEMENTED = COAP_CODE(5, 1),
    COAP_SERVICE_UNAVAILABLE = COAP_CODE(5, 3),
    COAP_GATEWAY_TIMEOUT = COAP_CODE(5, 4),
    COAP_PROXYING_NOT_SUPPORTED = COAP_CODE(5, 5),
    COAP_HOP_LIMIT_REACHED = COAP_CODE(5, 8),
};

static inline unsigned coap_code_class(uint8_t code)
{
    return code >> 5;
}

static inline bool coap_code_is_request(uint8_t code)
{
    return coap_code_class(code) == 0 && code != COAP_EMPTY;
}

// Content formats; COAP_FORMAT_NONE stands for an absent option.
enum coap_format {
    COAP_FORMAT_TEXT = 0,
    COAP_FORMAT_LINK = 40,
    COAP_FORMAT_OCTETS = 42,
    COAP_FORMAT_JSON = 50,
    COAP_FORMAT_CBOR = 60,
    COAP_FORMAT_SENML_JSON = 110,
    COAP_FORMAT_SENML_CBOR = 112,
    COAP_FORMAT_NONE = 0x10000,
};

// Transmission parameters (RFC 7252 4.8), in milliseconds or as counts.
#define COAP_ACK_TIMEOUT_MS 2000U
#define COAP_ACK_TIMEOUT_MS_MIN 1000U
#define COAP_ACK_TIMEOUT_MS_MAX 60000U
#define COAP_MAX_RETRANSMIT 4U
#define COAP_EXCHANGE_LIFETIME_MS 247000U
#define COAP_NON_LIFETIME_MS 145000U
#define COAP_MAX_TRANSMIT_WAIT_MS 93000U
