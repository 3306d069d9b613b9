#include "store/seal.h"

#include <stdlib.h>

#include "base/time.h"

void store_sealer_init(struct store_sealer *sealer)
{
    *sealer = (struct store_sealer){0};
    store_builder_init(&sealer->builder);
}

void store_sealer_deinit(struct store_sealer *sealer)
{
    free(sealer->parsed);
    free(sealer->readings);
    free(sealer->cell_ends);
    free(sealer->cells);
    free(sealer->columns);
    free(sealer->column_keys);
    store_builder_deinit(&sealer->builder);
    store_bytes_deinit(&sealer->block);
}

static int by_time(const void *left, const void *right)
{
    const struct store_reading *const a = &((const struct store_seal_reading *)left)->reading;
    const struct store_reading *const b = &((const struct store_seal_reading *)right)->reading;
    if (a->time_ms != b->time_ms) {
        return a->time_ms < b->time_ms ? -1 : 1;
    }
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

// Finds the readings in the stream and sorts them; mostly they are sorted.
static enum err parse(struct store_sealer *sealer, struct slice stream)
{
    struct store_wire wire = store_wire_over(stream);
    bool is_sorted = true;
    sealer->parsed_count = 0;
    while (store_wire_left(&wire) > 0) {
        sealer->parsed = store_array_room(sealer->parsed, &sealer->parsed_cap,
                                          sealer->parsed_count + 1, sizeof(*sealer->parsed));
        struct store_seal_reading *const parsed = &sealer->parsed[sealer->parsed_count++];
        parsed->reading = store_reading_get(&wire);
        const uint8_t *const start = wire.at;
        store_reading_skip_points(&wire, parsed->reading.point_count);
        if (wire.bad) {
            return ERR_CORRUPT;
        }
        parsed->points = slice_of(start, (size_t)(wire.at - start));
        is_sorted = is_sorted && (sealer->parsed_count == 1 || by_time(parsed - 1, parsed) < 0);
    }
    if (!is_sorted) {
        qsort(sealer->parsed, sealer->parsed_count, sizeof(*sealer->parsed), by_time);
    }
    return ERR_OK;
}

void store_sealer_clear(struct store_sealer *sealer, const struct store_row *row)
{
    const uint32_t columns_before = sealer->column_cap;
    sealer->reading_count = sealer->cell_count = 0;
    sealer->column_count = row->key_count;
    sealer->columns = store_array_room(sealer->columns, &sealer->column_cap, row->key_count + 1,
                                       sizeof(*sealer->columns));
    if (sealer->column_cap > columns_before) {
        memset(sealer->columns, 0, sealer->column_cap * sizeof(*sealer->columns));
    }
    memset(sealer->columns, 0, row->key_count * sizeof(*sealer->columns));
    sealer->column_keys = store_array_room(sealer->column_keys, &sealer->column_key_cap,
                                           row->key_count + 1, sizeof(*sealer->column_keys));
    for (uint32_t i = 0; i < row->key_count; i++) {
        sealer->column_keys[i] = row->keys[i].number;
    }
}

void store_sealer_add_reading(struct store_sealer *sealer, const struct store_reading *reading)
{
    const uint32_t count = sealer->reading_count + 1;
    sealer->readings =
        store_array_room(sealer->readings, &sealer->reading_cap, count, sizeof(*sealer->readings));
    sealer->cell_ends = store_array_room(sealer->cell_ends, &sealer->cell_ends_cap, count,
                                         sizeof(*sealer->cell_ends));
    sealer->readings[sealer->reading_count] = *reading;
    sealer->cell_ends[sealer->reading_count] = sealer->cell_count;
    sealer->reading_count = count;
}

// A column that stands twice in a reading keeps the later value.
void store_sealer_add_cell(struct store_sealer *sealer, uint32_t column, struct slice value)
{
    struct store_seal_column *const state = &sealer->columns[column];
    if (state->mark == sealer->reading_count) {
        sealer->cells[state->cell].value = value;
        return;
    }
    sealer->cells = store_array_room(sealer->cells, &sealer->cell_cap, sealer->cell_count + 1,
                                     sizeof(*sealer->cells));
    sealer->cells[sealer->cell_count] =
        (struct store_cell){sealer->reading_count - 1, column, value};
    state->mark = sealer->reading_count;
    state->cell = sealer->cell_count++;
    sealer->cell_ends[sealer->reading_count - 1] = sealer->cell_count;
}

// The column of a key, expected at the cursor.
static uint32_t find_column(const struct store_sealer *sealer, uint32_t count, uint32_t key,
                            uint32_t *cursor)
{
    if (*cursor < count && sealer->column_keys[*cursor] == key) {
        return (*cursor)++;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (sealer->column_keys[i] == key) {
            *cursor = i + 1;
            return i;
        }
    }
    return UINT32_MAX;
}

static enum err take_points(struct store_sealer *sealer, const struct store_seal_reading *parsed,
                            uint32_t column_count)
{
    struct store_wire wire = store_wire_over(parsed->points);
    uint32_t cursor = 0;
    for (uint32_t i = 0; i < parsed->reading.point_count; i++) {
        const uint32_t key = (uint32_t)store_wire_get_varint(&wire);
        const struct slice value = store_wire_get_value_bytes(&wire);
        const uint32_t column = find_column(sealer, column_count, key, &cursor);
        if (column == UINT32_MAX) {
            return ERR_CORRUPT;
        }
        if (parsed->reading.series) {
            store_sealer_add_cell(sealer, column, value);
        }
        if (parsed->reading.latest) {
            sealer->columns[column].has_latest = true;
            sealer->columns[column].latest_ms = parsed->reading.time_ms;
            sealer->columns[column].latest = value;
        }
    }
    return ERR_OK;
}

// Sorted by time, then sequence, the last one seen is the newest of this seal.
static void update_latest(const struct store_sealer *sealer, struct store_row *row)
{
    for (uint32_t i = 0; i < row->key_count; i++) {
        const struct store_seal_column *const column = &sealer->columns[i];
        struct store_row_key *const key = &row->keys[i];
        if (column->has_latest && (!key->has_latest || column->latest_ms >= key->time_ms)) {
            key->has_latest = true;
            key->time_ms = column->latest_ms;
            key->value = column->latest;
        }
    }
}

static void note_block(struct store_row *row, int64_t day, uint64_t span_ms, bool has_by_profile)
{
    if (!row->has_blocks) {
        row->profile_day = day + !has_by_profile;
    } else if (has_by_profile && day < row->profile_day) {
        row->profile_day = day;
    }
    row->first_day = row->has_blocks && row->first_day < day ? row->first_day : day;
    row->last_day = row->has_blocks && row->last_day > day ? row->last_day : day;
    row->has_blocks = true;
    row->block_span_ms = span_ms > row->block_span_ms ? span_ms : row->block_span_ms;
}

static int by_number(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void store_seal_put_expiry(struct store_blocks *blocks, const uint8_t block[STORE_SERIES_KEY],
                           int64_t *expires_ms, uint32_t count)
{
    uint8_t key[STORE_SEAL_EXPIRY_KEY] = {STORE_SEAL_EXPIRY};
    ASSERT(count > 0);
    qsort(expires_ms, count, sizeof(*expires_ms), by_number);
    const int64_t half_ms = expires_ms[(count - 1) / 2];
    // Rounded up, so that what expires about the same time goes at once.
    const int64_t hour = half_ms / STORE_SEAL_HOUR_MS + 1;
    memcpy(store_wire_put_ordered(key + 1, hour), block, STORE_SERIES_KEY);
    blocks->ops->put(blocks, STORE_FAMILY_META, slice_of(key, sizeof(key)), SLICE_EMPTY);
}

bool store_seal_get_expiry(struct slice key, int64_t *hour, struct slice *block)
{
    if (key.len != STORE_SEAL_EXPIRY_KEY || key.ptr[0] != STORE_SEAL_EXPIRY) {
        return false;
    }
    struct store_wire wire = store_wire_over(slice_sub(key, 1, 8));
    *hour = store_wire_get_ordered(&wire);
    *block = slice_sub(key, 9, STORE_SERIES_KEY);
    return true;
}

// Notes when there is something to do about the block; false if all of its readings expire by
// themselves.
static bool put_expiry(const struct store_block_plan *plan, const uint8_t key[STORE_SERIES_KEY],
                       struct store_blocks *blocks)
{
    int64_t expires_ms[STORE_BLOCK_READINGS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->reading_count; i++) {
        if (plan->readings[i].expires_ms != 0) {
            expires_ms[count++] = plan->readings[i].expires_ms;
        }
    }
    if (count > 0) {
        store_seal_put_expiry(blocks, key, expires_ms, count);
    }
    return count < plan->reading_count;
}

// How many readings from `start` on fit one block.
static uint32_t run_length(const struct store_sealer *sealer, uint32_t start)
{
    const int64_t day = wall_day((struct wall){sealer->readings[start].time_ms});
    uint32_t cell = start == 0 ? 0 : sealer->cell_ends[start - 1];
    size_t bytes = 0;
    uint32_t end = start;
    while (end < sealer->reading_count && end - start < STORE_BLOCK_READINGS_MAX &&
           bytes < STORE_BLOCK_BYTES_MAX &&
           wall_day((struct wall){sealer->readings[end].time_ms}) == day) {
        for (; cell < sealer->cell_ends[end]; cell++) {
            bytes += sealer->cells[cell].value.len;
        }
        end++;
    }
    return end - start;
}

void store_seal_put(struct store_sealer *sealer, uint64_t device, struct store_row *row,
                    struct store_blocks *blocks)
{
    uint32_t count = 0;
    for (uint32_t start = 0; start < sealer->reading_count; start += count) {
        count = run_length(sealer, start);
        const uint32_t cells = start == 0 ? 0 : sealer->cell_ends[start - 1];
        const struct store_block_plan plan = {.readings = sealer->readings + start,
                                              .reading_count = count,
                                              .reading_base = start,
                                              .cells = sealer->cells + cells,
                                              .cell_count =
                                                  sealer->cell_ends[start + count - 1] - cells,
                                              .column_keys = sealer->column_keys,
                                              .column_count = sealer->column_count};
        const struct store_reading *const first = &sealer->readings[start];
        const struct store_reading *const last = &sealer->readings[start + count - 1];
        const int64_t day = wall_day((struct wall){first->time_ms});
        const struct store_series_key parts = {day, device, first->time_ms, first->sequence};
        uint8_t key[STORE_SERIES_KEY];
        store_series_key_put(key, &parts);
        sealer->block.len = 0;
        store_builder_encode(&sealer->builder, &plan, &sealer->block);
        blocks->ops->put(blocks, STORE_FAMILY_SERIES, slice_of(key, sizeof(key)),
                         store_bytes_view(&sealer->block));
        const bool has_by_profile = put_expiry(&plan, key, blocks);
        note_block(row, day, (uint64_t)last->time_ms - (uint64_t)first->time_ms, has_by_profile);
    }
}

enum err store_seal_take(struct store_sealer *sealer, struct slice stream, struct store_row *row)
{
    enum err err = parse(sealer, stream);
    store_sealer_clear(sealer, row);
    for (uint32_t i = 0; i < sealer->parsed_count && err == ERR_OK; i++) {
        const struct store_seal_reading *const parsed = &sealer->parsed[i];
        if (parsed->reading.series && parsed->reading.point_count > 0) {
            store_sealer_add_reading(sealer, &parsed->reading);
        }
        err = take_points(sealer, parsed, row->key_count);
    }
    if (err == ERR_OK) {
        update_latest(sealer, row);
    }
    return err;
}
