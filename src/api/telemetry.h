// api/telemetry.h: POST /api/v1/{token}/telemetry (device-api.md 2.2): 2.01 once the readings are
// on disk.
#pragma once

#include "api/call.h"

enum api_outcome api_telemetry_post(const struct api_call *call, struct coap_reply *reply);
