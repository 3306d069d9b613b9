// server/trace.h: how a message is noted with its durable effects, so that after a restart its
// repeats are known (protocol-rules.md section 2). 16 bytes: 8 of the keyed hash over peer and
// message id, 2 of the token, the flags, the code of the answer, and 4 of the steering hash, which
// finds the worker whatever their number is by then.
#pragma once

#include "coap/dedup.h"
#include "store/store.h"

struct server_trace {
    struct coap_dedup_key key;
    uint8_t code;
    uint32_t steer;
};

void server_trace_write(const struct server_trace *trace, struct store_trace *out);
// False if no message caused it.
bool server_trace_read(const struct store_trace *stored, struct server_trace *trace);
