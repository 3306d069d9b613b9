// rest/status.h: what a person gets for each error of the program (server-api.md 1.5).
#pragma once

#include "base/err.h"

struct rest_status {
    int http;
    int code;         // errorCode
    const char *text; // the message when nothing better is known
};

struct rest_status rest_status(enum err err);
// For a path that does not have the method.
struct rest_status rest_status_wrong_method(void);
