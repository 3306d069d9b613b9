#include "server/trace.h"

#include "base/buf.h"

enum { FLAG_MESSAGE = 1, FLAG_CONFIRMABLE = 2 };

void server_trace_write(const struct server_trace *trace, struct store_trace *out)
{
    struct buf buf = buf_over(out->bytes, sizeof(out->bytes));
    buf_put_u64(&buf, trace->key.peer_and_mid);
    buf_put_u16(&buf, trace->key.token);
    buf_put_u8(&buf, (uint8_t)(FLAG_MESSAGE | (trace->key.confirmable ? FLAG_CONFIRMABLE : 0)));
    buf_put_u8(&buf, trace->code);
    buf_put_u32(&buf, trace->steer);
    ASSERT(!buf.overflow && buf.len == STORE_TRACE_SIZE);
}

bool server_trace_read(const struct store_trace *stored, struct server_trace *trace)
{
    struct buf_reader reader = buf_reader_over(slice_of(stored->bytes, sizeof(stored->bytes)));
    trace->key.peer_and_mid = buf_read_u64(&reader);
    trace->key.token = buf_read_u16(&reader);
    const uint8_t flags = buf_read_u8(&reader);
    trace->key.confirmable = (flags & FLAG_CONFIRMABLE) != 0;
    trace->code = buf_read_u8(&reader);
    trace->steer = buf_read_u32(&reader);
    return (flags & FLAG_MESSAGE) != 0;
}
