#include "rest/status.h"

enum {
    CODE_GENERAL = 2,
    CODE_AUTHENTICATION = 10,
    CODE_TOKEN_EXPIRED = 11,
    CODE_PERMISSION_DENIED = 20,
    CODE_BAD_REQUEST = 31,
    CODE_NOT_FOUND = 32,
    CODE_TOO_MANY_REQUESTS = 33,
    CODE_VERSION_CONFLICT = 35,
    CODE_ENTITIES_LIMIT = 41,
    CODE_DATABASE = 46,
};

struct rest_status rest_status(enum err err)
{
    switch (err) {
    case ERR_OK:
        return (struct rest_status){200, 0, ""};
    case ERR_INVALID:
    case ERR_SYNTAX:
    case ERR_ALREADY_EXISTS:
    case ERR_UNSUPPORTED:
    case ERR_KEY_LIMIT:
        return (struct rest_status){400, CODE_BAD_REQUEST, err_text(err)};
    case ERR_TOO_LARGE:
        return (struct rest_status){413, CODE_BAD_REQUEST, err_text(err)};
    case ERR_NOT_ACCEPTABLE:
        return (struct rest_status){406, CODE_BAD_REQUEST, err_text(err)};
    case ERR_UNSUPPORTED_FORMAT:
        return (struct rest_status){415, CODE_BAD_REQUEST, err_text(err)};
    case ERR_NOT_FOUND:
        return (struct rest_status){404, CODE_NOT_FOUND, "Requested item wasn't found!"};
    case ERR_CONFLICT:
        return (struct rest_status){409, CODE_VERSION_CONFLICT, err_text(err)};
    case ERR_UNAUTHORIZED:
        return (struct rest_status){401, CODE_AUTHENTICATION, "Authentication failed"};
    case ERR_EXPIRED:
        return (struct rest_status){401, CODE_TOKEN_EXPIRED, "Token has expired"};
    case ERR_FORBIDDEN:
    case ERR_WRONG_TRANSPORT:
        return (struct rest_status){403, CODE_PERMISSION_DENIED,
                                    "You don't have permission to perform this operation!"};
    case ERR_ENTITY_LIMIT:
        return (struct rest_status){403, CODE_ENTITIES_LIMIT, err_text(err)};
    case ERR_LIMITED:
        return (struct rest_status){429, CODE_TOO_MANY_REQUESTS,
                                    "Too many requests for current tenant!"};
    case ERR_EXHAUSTED:
    case ERR_UNAVAILABLE:
    case ERR_NO_SPACE:
    case ERR_STOPPING:
        return (struct rest_status){503, CODE_GENERAL, err_text(err)};
    case ERR_TIMEOUT:
        return (struct rest_status){504, CODE_GENERAL, err_text(err)};
    case ERR_IO:
    case ERR_CORRUPT:
        return (struct rest_status){500, CODE_DATABASE, "Database error"};
    case ERR_NEWER_VERSION:
    case ERR_IN_USE:
    case ERR_COUNT:
        return (struct rest_status){500, CODE_GENERAL, err_text(err)};
    }
    return (struct rest_status){500, CODE_GENERAL, "unexpected"};
}

struct rest_status rest_status_wrong_method(void)
{
    return (struct rest_status){405, CODE_BAD_REQUEST, "Request method is not supported"};
}
