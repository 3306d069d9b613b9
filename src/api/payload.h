// api/payload.h: the body of a request by its label: JSON, text with `?key=`, or a format that is
// not served (protocol-rules.md section 6).
#pragma once

#include "api/call.h"
#include "model/reading.h"

enum api_payload_form {
    API_PAYLOAD_TELEMETRY,
    API_PAYLOAD_ATTRIBUTES, // one object: one reading without a time
};

// Readings in turn memory. ERR_INVALID, ERR_SYNTAX with the place; ERR_UNSUPPORTED_FORMAT;
// ERR_EXHAUSTED.
MUST_USE enum err api_payload_read(const struct api_call *call, enum api_payload_form form,
                                   struct model_readings *readings, struct err_place *place);
