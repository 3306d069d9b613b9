#include "store/traces.h"

#include "store/wire.h"

#define ROW_KEY 8U
#define ROW_HEAD 8U
#define STEP_SPAN span_s(1)

void store_traces_init(struct store_traces *traces, const struct store_limits *limits)
{
    *traces = (struct store_traces){.age_max = limits->trace_age_max,
                                    .bytes_max = limits->trace_bytes_max};
}

void store_traces_deinit(struct store_traces *traces)
{
    store_bytes_deinit(&traces->row);
}

static struct store_traces_step *step_at(struct store_traces *traces, uint32_t position)
{
    return &traces->steps[(traces->first + position) % STORE_TRACES_STEPS];
}

// The last row, of `len` bytes, is on disk: it begins a step, or belongs to the last one.
static void note_row(struct store_traces *traces, size_t len, struct mono at)
{
    const struct store_traces_step *last = NULL;
    if (traces->count > 0) {
        last = step_at(traces, traces->count - 1);
    }
    const bool is_due = last == NULL || mono_since(at, last->at).ns >= STEP_SPAN.ns ||
                        traces->offset - last->offset >= traces->bytes_max / 128;
    if (is_due && traces->count < STORE_TRACES_STEPS) {
        *step_at(traces, traces->count++) =
            (struct store_traces_step){traces->number, traces->offset, at};
    }
    traces->offset += len;
}

// The scan stands on a row. The times of commits may go back with the wall clock.
static enum err load_row(struct store_traces *traces, const struct store_scan *scan,
                         struct wall wall, struct mono now)
{
    struct store_wire key = store_wire_over(scan->key);
    struct store_wire value = store_wire_over(scan->value);
    traces->number = store_wire_get_u64(&key);
    const int64_t at_ms = (int64_t)store_wire_get_u64(&value);
    if (key.bad || value.bad || store_wire_left(&value) % STORE_TRACE_SIZE != 0) {
        return ERR_CORRUPT;
    }
    const uint64_t age_ms = wall.ms > at_ms ? (uint64_t)(wall.ms - at_ms) : 0;
    const uint64_t age_ns = age_ms > now.ns / 1000000 ? now.ns : age_ms * 1000000;
    note_row(traces, scan->value.len, (struct mono){now.ns - age_ns});
    return ERR_OK;
}

enum err store_traces_load(struct store_traces *traces, struct store_blocks *blocks,
                           struct wall wall, struct mono now)
{
    const struct store_blocks_ops *const ops = blocks->ops;
    struct store_scan *const scan = ops->scan_open(blocks, STORE_FAMILY_TRACES, STORE_SCAN_ONCE);
    const uint8_t least = 0;
    enum err err = ERR_OK;
    ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&least, 1));
    while (err == ERR_OK && scan->is_valid) {
        err = load_row(traces, scan, wall, now);
        ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
    }
    err = err == ERR_OK ? scan->err : err;
    ops->scan_close(scan);
    return err;
}

void store_traces_begin(struct store_traces *traces)
{
    traces->row.len = 0;
    traces->dropped = 0;
}

void store_traces_add(struct store_traces *traces, const struct store_trace *trace)
{
    if (traces->row.len == 0) {
        uint8_t *const head = store_bytes_room(&traces->row, ROW_HEAD);
        store_bytes_end(&traces->row, head + ROW_HEAD);
    }
    store_bytes_put(&traces->row, slice_of(trace->bytes, STORE_TRACE_SIZE));
}

void store_traces_put(struct store_traces *traces, struct store_blocks *blocks, struct wall at)
{
    if (traces->row.len == 0) {
        return;
    }
    uint8_t key[ROW_KEY];
    store_wire_put_u64(key, ++traces->number);
    store_wire_put_u64(traces->row.ptr, (uint64_t)at.ms);
    blocks->ops->put(blocks, STORE_FAMILY_TRACES, slice_of(key, sizeof(key)),
                     store_bytes_view(&traces->row));
}

// The rows of a step are all as old as the next one or older.
static bool is_over(struct store_traces *traces, uint32_t position, struct mono now)
{
    const struct store_traces_step *const step = step_at(traces, position);
    const struct store_traces_step *const next = step_at(traces, position + 1);
    return mono_since(now, next->at).ns >= traces->age_max.ns ||
           traces->offset + traces->row.len - step->offset > traces->bytes_max;
}

bool store_traces_trim(struct store_traces *traces, struct store_blocks *blocks, struct mono now)
{
    while (traces->dropped + 1 < traces->count && is_over(traces, traces->dropped, now)) {
        traces->dropped++;
    }
    if (traces->dropped == 0) {
        return false;
    }
    uint8_t from[ROW_KEY];
    uint8_t to[ROW_KEY];
    store_wire_put_u64(from, step_at(traces, 0)->number);
    store_wire_put_u64(to, step_at(traces, traces->dropped)->number);
    blocks->ops->remove_range(blocks, STORE_FAMILY_TRACES, slice_of(from, sizeof(from)),
                              slice_of(to, sizeof(to)));
    return true;
}

void store_traces_done(struct store_traces *traces, struct mono now)
{
    traces->first = (traces->first + traces->dropped) % STORE_TRACES_STEPS;
    traces->count -= traces->dropped;
    traces->dropped = 0;
    if (traces->row.len > 0) {
        note_row(traces, traces->row.len, now);
    }
}

uint64_t store_traces_bytes(const struct store_traces *traces)
{
    return traces->count == 0 ? 0 : traces->offset - traces->steps[traces->first].offset;
}

static void emit_row(struct slice row, struct wall since, void *context, store_trace_fn *emit)
{
    struct store_wire wire = store_wire_over(row);
    const struct wall at = {(int64_t)store_wire_get_u64(&wire)};
    while (at.ms >= since.ms && store_wire_left(&wire) >= STORE_TRACE_SIZE) {
        struct store_trace trace;
        memcpy(trace.bytes, store_wire_get_bytes(&wire, STORE_TRACE_SIZE).ptr, STORE_TRACE_SIZE);
        emit(context, &trace, at);
    }
}

void store_traces_emit(struct store_blocks *blocks, struct wall since, void *context,
                       store_trace_fn *emit)
{
    const struct store_blocks_ops *const ops = blocks->ops;
    struct store_scan *const scan = ops->scan_open(blocks, STORE_FAMILY_TRACES, STORE_SCAN_ONCE);
    const uint8_t least = 0;
    ops->scan_move(scan, STORE_SCAN_SEEK, slice_of(&least, 1));
    while (scan->is_valid) {
        emit_row(scan->value, since, context, emit);
        ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
    }
    ops->scan_close(scan);
}
