#include "store/merge.h"

#include <stdlib.h>

#include "base/time.h"
#include "store/reading.h"
#include "store/series.h"

#define PRUNE_SLACK 256U // points; they are dropped many at a time

struct merge_point {
    int64_t time_ms;
    uint64_t sequence;
    struct model_value value;
    uint8_t *owned_text;
};

struct merge_state {
    const struct store_merge *merge;
    void *context;
    store_merge_fn *emit;
    struct merge_point *heap;
    uint32_t count;
    uint32_t cap;
    size_t waiting; // bytes of the heap with its texts
    uint64_t emitted;
    bool has_last;
    int64_t last_ms; // emitted last
    bool is_done;    // nothing more is wanted
    bool is_walked;  // no more blocks
    int64_t first_day;
    int64_t last_day;
    enum err err;
};

// The heap: the point that comes out next is on top; of one time the highest sequence first.

static bool comes_before(const struct merge_state *state, const struct merge_point *a,
                         const struct merge_point *b)
{
    if (a->time_ms != b->time_ms) {
        return (a->time_ms < b->time_ms) != state->merge->descending;
    }
    return a->sequence > b->sequence;
}

static size_t size_of(const struct merge_point *point)
{
    return sizeof(*point) + (point->owned_text != NULL ? point->value.text.len : 0);
}

static void heap_push(struct merge_state *state, struct merge_point point)
{
    state->heap =
        store_array_room(state->heap, &state->cap, state->count + 1, sizeof(*state->heap));
    uint32_t at = state->count++;
    while (at > 0 && comes_before(state, &point, &state->heap[(at - 1) / 2])) {
        state->heap[at] = state->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    state->heap[at] = point;
    state->waiting += size_of(&point);
}

static int compare(const void *a, const void *b, void *context)
{
    const struct merge_state *const state = context;
    return comes_before(state, b, a) - comes_before(state, a, b);
}

// Drops what cannot come out any more: older points of one time, and all behind the limit. The
// order that is left is a heap.
static void prune(struct merge_state *state)
{
    const uint64_t wanted = state->merge->limit - state->emitted;
    uint32_t kept = 0;
    qsort_r(state->heap, state->count, sizeof(*state->heap), compare, state);
    for (uint32_t i = 0; i < state->count; i++) {
        const struct merge_point *const point = &state->heap[i];
        if (kept < wanted && (kept == 0 || point->time_ms != state->heap[kept - 1].time_ms)) {
            state->heap[kept++] = *point;
        } else {
            state->waiting -= size_of(point);
            free(point->owned_text);
        }
    }
    state->count = kept;
}

static struct merge_point heap_pop(struct merge_state *state)
{
    const struct merge_point top = state->heap[0];
    const struct merge_point moved = state->heap[--state->count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < state->count; child = 2 * at + 1) {
        if (child + 1 < state->count &&
            comes_before(state, &state->heap[child + 1], &state->heap[child])) {
            child++;
        }
        if (!comes_before(state, &state->heap[child], &moved)) {
            break;
        }
        state->heap[at] = state->heap[child];
        at = child;
    }
    if (state->count > 0) {
        state->heap[at] = moved;
    }
    state->waiting -= size_of(&top);
    return top;
}

static bool is_text(const struct model_value *value)
{
    return value->type == MODEL_VALUE_STRING || value->type == MODEL_VALUE_JSON;
}

// Takes a point in if it exists; texts are copied, their source moves on.
static void offer(struct merge_state *state, const struct store_reading *reading,
                  const struct model_value *value)
{
    const struct store_merge *const merge = state->merge;
    if (reading->time_ms < merge->first_ms || reading->time_ms > merge->last_ms ||
        store_reading_is_over(reading, merge->life_ms, merge->now) ||
        store_row_is_deleted(merge->row, merge->key, reading->time_ms, reading->sequence)) {
        return;
    }
    struct merge_point point = {reading->time_ms, reading->sequence, *value, NULL};
    if (is_text(value)) {
        point.owned_text = malloc(value->text.len + 1);
        ASSERT(point.owned_text != NULL);
        if (value->text.len > 0) {
            memcpy(point.owned_text, value->text.ptr, value->text.len);
        }
        point.value.text.ptr = point.owned_text;
    }
    heap_push(state, point);
    const uint64_t wanted = merge->limit - state->emitted;
    if (state->count > PRUNE_SLACK && (state->count - PRUNE_SLACK) / 2 > wanted) {
        prune(state);
    }
    if (state->waiting > merge->waiting_max) {
        state->err = ERR_TOO_LARGE;
    }
}

// Emits what cannot be preceded any more: points before `bound` in the direction of the merge.
static void emit_until(struct merge_state *state, bool has_bound, int64_t bound)
{
    const struct store_merge *const merge = state->merge;
    while (state->count > 0 && !state->is_done) {
        const int64_t top_ms = state->heap[0].time_ms;
        if (has_bound && (merge->descending ? top_ms <= bound : top_ms >= bound)) {
            return;
        }
        const struct merge_point point = heap_pop(state);
        if (!state->has_last || point.time_ms != state->last_ms) {
            state->has_last = true;
            state->last_ms = point.time_ms;
            state->is_done = !state->emit(state->context, point.time_ms, &point.value) ||
                             ++state->emitted == merge->limit;
        }
        free(point.owned_text);
    }
}

// Sources.

static void offer_unsealed(struct merge_state *state)
{
    struct store_wire wire = store_wire_over(state->merge->readings);
    while (store_wire_left(&wire) > 0 && !wire.bad && state->err == ERR_OK) {
        const struct store_reading reading = store_reading_get(&wire);
        bool is_found = false;
        struct model_value found = {0};
        for (uint32_t i = 0; i < reading.point_count && !wire.bad; i++) {
            const uint32_t key = (uint32_t)store_wire_get_varint(&wire);
            struct model_value value = {0};
            store_wire_get_value(&wire, &value);
            if (key == state->merge->key) {
                is_found = true;
                found = value; // the later of two counts
            }
        }
        if (is_found && reading.series && !wire.bad) {
            offer(state, &reading, &found);
        }
    }
    if (wire.bad) {
        state->err = ERR_CORRUPT;
    }
}

static void offer_column(struct merge_state *state, const struct store_block *block,
                         const struct store_column *column)
{
    struct store_frame frame;
    struct store_values values;
    struct model_value value = {0};
    uint32_t position = 0;
    state->err = store_block_frame(block, &frame);
    if (state->err != ERR_OK) {
        return;
    }
    store_values_begin(&values, block, column);
    while (state->err == ERR_OK && store_values_next(&values, &position, &value, &state->err)) {
        const struct store_reading reading = store_frame_reading(&frame, position);
        offer(state, &reading, &value);
    }
}

// The newest reading of the block has expired, and so have all.
static bool is_over(const struct store_merge *merge, const struct store_block *block)
{
    const struct store_reading last = {.time_ms = block->last_ms, .expires_ms = block->expires_ms};
    return (block->expires_ms != 0 || !block->has_expiry) && !block->has_arrival &&
           store_reading_is_over(&last, merge->life_ms, merge->now);
}

static void offer_block(struct merge_state *state, struct slice value, int64_t first_ms)
{
    const struct store_merge *const merge = state->merge;
    struct store_block block;
    struct store_columns columns;
    struct store_column column;
    state->err = store_block_open(value, first_ms, &block);
    if (state->err != ERR_OK || block.last_ms < merge->first_ms || first_ms > merge->last_ms ||
        is_over(merge, &block)) {
        return;
    }
    store_columns_begin(&columns, &block);
    while (store_columns_next(&columns, &column, &state->err)) {
        if (column.key == merge->key) {
            offer_column(state, &block, &column);
            return;
        }
    }
}

// The walk over the blocks.

static int64_t minus_saturated(int64_t time_ms, uint64_t span_ms)
{
    return (uint64_t)time_ms - (uint64_t)INT64_MIN < span_ms
               ? INT64_MIN
               : (int64_t)((uint64_t)time_ms - span_ms);
}

static int64_t plus_saturated(int64_t time_ms, uint64_t span_ms)
{
    return (uint64_t)INT64_MAX - (uint64_t)time_ms < span_ms
               ? INT64_MAX
               : (int64_t)((uint64_t)time_ms + span_ms);
}

static void seek(struct merge_state *state, struct store_scan *scan, int64_t day, int64_t time_ms)
{
    const struct store_merge *const merge = state->merge;
    const bool back = merge->descending;
    const struct store_series_key parts = {day, merge->device, time_ms, back ? UINT64_MAX : 0};
    uint8_t key[STORE_SERIES_KEY];
    store_series_key_put(key, &parts);
    merge->blocks->ops->scan_move(scan, back ? STORE_SCAN_SEEK_BACK : STORE_SCAN_SEEK,
                                  slice_of(key, sizeof(key)));
}

// One step upwards; `scan` stands somewhere at or behind what was sought last.
static void step_up(struct merge_state *state, struct store_scan *scan,
                    const struct store_series_key *at)
{
    const struct store_merge *const merge = state->merge;
    if (at->device < merge->device) {
        seek(state, scan, at->day, INT64_MIN);
    } else if (at->device > merge->device || at->first_ms > merge->last_ms) {
        state->is_walked = at->day >= state->last_day;
        if (!state->is_walked) {
            seek(state, scan, at->day + 1, INT64_MIN);
        }
    } else {
        emit_until(state, true, at->first_ms);
        if (!state->is_done) {
            offer_block(state, scan->value, at->first_ms);
        }
        merge->blocks->ops->scan_move(scan, STORE_SCAN_NEXT, SLICE_EMPTY);
    }
}

static void step_down(struct merge_state *state, struct store_scan *scan,
                      const struct store_series_key *at)
{
    const struct store_merge *const merge = state->merge;
    const int64_t end_ms = plus_saturated(at->first_ms, merge->row->block_span_ms);
    if (at->device > merge->device) {
        seek(state, scan, at->day, INT64_MAX);
    } else if (at->device < merge->device || end_ms < merge->first_ms) {
        state->is_walked = at->day <= state->first_day;
        if (!state->is_walked) {
            seek(state, scan, at->day - 1, INT64_MAX);
        }
    } else {
        emit_until(state, true, end_ms);
        if (!state->is_done) {
            offer_block(state, scan->value, at->first_ms);
        }
        merge->blocks->ops->scan_move(scan, STORE_SCAN_BACK, SLICE_EMPTY);
    }
}

static void walk_blocks(struct merge_state *state)
{
    const struct store_merge *const merge = state->merge;
    const struct store_row *const row = merge->row;
    const int64_t first_day = wall_day((struct wall){merge->first_ms});
    const int64_t last_day = wall_day((struct wall){merge->last_ms});
    const bool from_first = first_day >= row->first_day;
    const bool from_last = last_day <= row->last_day;
    state->first_day = from_first ? first_day : row->first_day;
    state->last_day = from_last ? last_day : row->last_day;
    if (state->first_day > state->last_day) {
        return;
    }
    struct store_scan *const scan =
        merge->blocks->ops->scan_open(merge->blocks, STORE_FAMILY_SERIES, STORE_SCAN_AGAIN);
    if (merge->descending) {
        seek(state, scan, state->last_day, from_last ? merge->last_ms : INT64_MAX);
    } else {
        seek(state, scan, state->first_day,
             from_first ? minus_saturated(merge->first_ms, row->block_span_ms) : INT64_MIN);
    }
    while (scan->is_valid && !state->is_done && !state->is_walked && state->err == ERR_OK) {
        struct store_series_key at;
        if (!store_series_key_get(scan->key, &at)) {
            state->err = ERR_CORRUPT;
        } else if (at.day < state->first_day || at.day > state->last_day) {
            break;
        } else if (merge->descending) {
            step_down(state, scan, &at);
        } else {
            step_up(state, scan, &at);
        }
    }
    if (state->err == ERR_OK) {
        state->err = scan->err;
    }
    merge->blocks->ops->scan_close(scan);
}

enum err store_merge_run(const struct store_merge *merge, void *context, store_merge_fn *emit)
{
    struct merge_state state = {.merge = merge, .context = context, .emit = emit};
    if (merge->first_ms > merge->last_ms || merge->limit == 0) {
        return ERR_OK;
    }
    offer_unsealed(&state);
    if (merge->row->has_blocks && state.err == ERR_OK) {
        walk_blocks(&state);
    }
    if (state.err == ERR_OK) {
        emit_until(&state, false, 0);
    }
    while (state.count > 0) {
        free(heap_pop(&state).owned_text);
    }
    free(state.heap);
    return state.err;
}
