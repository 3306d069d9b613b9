#include "store/memory_state.h"

#include <stdlib.h>

#include "base/assert.h"

static struct slice copy_of(struct slice bytes)
{
    uint8_t *const copy = malloc(bytes.len + 1);
    ASSERT(copy != NULL);
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    return slice_of(copy, bytes.len);
}

static void free_row(struct store_memory_row *row)
{
    free((void *)(uintptr_t)row->owned_name.ptr);
    free((void *)(uintptr_t)row->owned_value.ptr);
}

static int compare(const struct store_memory_row *a, const struct store_memory_row *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return store_record_compare_keys(a->owned_name, b->owned_name);
}

// The position of the row, or where it would stand.
static uint32_t place_of(const struct store_memory_state *state, const struct store_memory_row *row,
                         bool *is_there)
{
    uint32_t i = 0;
    while (i < state->count && compare(&state->rows[i], row) < 0) {
        i++;
    }
    *is_there = i < state->count && compare(&state->rows[i], row) == 0;
    return i;
}

static void remove_at(struct store_memory_state *state, uint32_t place)
{
    free_row(&state->rows[place]);
    memmove(&state->rows[place], &state->rows[place + 1],
            (state->count - place - 1) * sizeof(*state->rows));
    state->count--;
}

static void insert_at(struct store_memory_state *state, uint32_t place, struct store_memory_row row)
{
    state->rows = realloc(state->rows, (state->count + 1U) * sizeof(*state->rows));
    ASSERT(state->rows != NULL);
    memmove(&state->rows[place + 1], &state->rows[place],
            (state->count - place) * sizeof(*state->rows));
    state->rows[place] = row;
    state->count++;
}

void store_memory_state_deinit(struct store_memory_state *state)
{
    while (state->count > 0) {
        remove_at(state, state->count - 1);
    }
    free(state->rows);
}

void store_memory_state_change(struct store_memory_state *state,
                               const struct store_record_view *record)
{
    struct store_wire body = store_wire_over(record->body);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct store_state_change change = store_record_next_change(&body);
        struct store_memory_row row = {change.kind, record->device.number, change.name,
                                       SLICE_EMPTY};
        bool is_there = false;
        const uint32_t place = place_of(state, &row, &is_there);
        if (is_there) {
            remove_at(state, place);
        }
        if (!change.is_removed) {
            row.owned_name = copy_of(change.name);
            row.owned_value = copy_of(change.value);
            insert_at(state, place, row);
        }
    }
}

void store_memory_state_purge(struct store_memory_state *state, uint64_t device)
{
    for (uint32_t i = state->count; i > 0; i--) {
        if (state->rows[i - 1].device == device) {
            remove_at(state, i - 1);
        }
    }
}

static bool is_wanted(const struct store_state_query *query, const struct store_memory_row *row)
{
    if (row->kind != query->kind ||
        (query->device.number != 0 ? row->device != query->device.number
                                   : row->device < query->since.number)) {
        return false;
    }
    if (query->device.number == 0 && row->device > query->since.number) {
        return true;
    }
    const int order = store_record_compare_keys(row->owned_name, query->from);
    return query->from.len == 0 || (query->descending ? order <= 0 : order >= 0);
}

void store_memory_state_scan(const struct store_memory_state *state,
                             const struct store_state_query *query, void *context,
                             store_state_fn *emit)
{
    for (uint32_t i = 0; i < state->count; i++) {
        const uint32_t place = query->descending ? state->count - 1 - i : i;
        const struct store_memory_row *const row = &state->rows[place];
        if (is_wanted(query, row)) {
            const struct store_state_row view = {
                row->kind, {row->device}, row->owned_name, row->owned_value};
            if (!emit(context, &view)) {
                return;
            }
        }
    }
}
