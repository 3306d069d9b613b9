// Writing a block anew without some of its points.
#include <stdlib.h>

#include "store/local_priv.h"

// A value of the block, encoded in local->value from `start` on.
struct kept_cell {
    uint32_t reading;
    uint32_t column;
    size_t start;
    size_t len;
};

struct kept {
    struct kept_cell *cells;
    uint32_t count;
    uint32_t cap;
    uint32_t dropped;
    struct store_row columns; // the block's own keys
};

static int by_reading(const void *left, const void *right)
{
    const struct kept_cell *const a = left;
    const struct kept_cell *const b = right;
    if (a->reading != b->reading) {
        return a->reading < b->reading ? -1 : 1;
    }
    return (a->column > b->column) - (a->column < b->column);
}

static bool is_dropped(const struct store_local *local, const struct store_rewrite *what,
                       uint32_t key, const struct store_reading *reading)
{
    return what->deleted
               ? store_row_is_deleted(&local->row, key, reading->time_ms, reading->sequence)
               : store_reading_is_over(reading, what->life_ms, what->now);
}

static enum err keep_column(struct store_local *local, const struct store_block *block,
                            const struct store_rewrite *what, const struct store_frame *frame,
                            const struct store_column *column, struct kept *kept)
{
    struct store_values values;
    struct model_value value = {0};
    uint32_t reading = 0;
    enum err err = ERR_OK;
    store_row_add(&kept->columns, column->key);
    store_values_begin(&values, block, column);
    while (store_values_next(&values, &reading, &value, &err)) {
        const struct store_reading given = store_frame_reading(frame, reading);
        if (is_dropped(local, what, column->key, &given)) {
            kept->dropped++;
            continue;
        }
        const size_t start = local->value.len;
        uint8_t *const at = store_bytes_room(&local->value, store_wire_value_room(&value));
        store_bytes_end(&local->value, store_wire_put_value(at, &value));
        kept->cells =
            store_array_room(kept->cells, &kept->cap, kept->count + 1, sizeof(*kept->cells));
        kept->cells[kept->count++] = (struct kept_cell){reading, kept->columns.key_count - 1, start,
                                                        local->value.len - start};
    }
    return err;
}

static void put_kept(struct store_local *local, uint64_t device, const struct store_frame *frame,
                     struct kept *kept)
{
    struct store_sealer *const sealer = &local->sealer;
    qsort(kept->cells, kept->count, sizeof(*kept->cells), by_reading);
    store_sealer_clear(sealer, &kept->columns);
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < kept->count; i++) {
        const struct kept_cell *const cell = &kept->cells[i];
        if (cell->reading != last) {
            last = cell->reading;
            const struct store_reading reading = store_frame_reading(frame, last);
            store_sealer_add_reading(sealer, &reading);
        }
        store_sealer_add_cell(sealer, cell->column,
                              slice_of(local->value.ptr + cell->start, cell->len));
    }
    // The days and spans that the device row knows already cover these blocks.
    store_seal_put(sealer, device, &kept->columns, local->blocks);
}

void store_rewrite_remove(struct store_local *local, struct slice key)
{
    local->blocks->ops->remove(local->blocks, STORE_FAMILY_SERIES, key);
    local->has_changes = true;
}

enum err store_rewrite_block(struct store_local *local, uint64_t device, struct slice key,
                             const struct store_block *block, const struct store_rewrite *what)
{
    struct store_frame frame;
    struct kept kept = {0};
    struct store_columns columns;
    struct store_column column;
    enum err err = store_block_frame(block, &frame);
    local->value.len = 0;
    store_columns_begin(&columns, block);
    while (err == ERR_OK && store_columns_next(&columns, &column, &err)) {
        err = keep_column(local, block, what, &frame, &column, &kept);
    }
    if (err == ERR_OK && kept.dropped > 0) {
        store_rewrite_remove(local, key);
        if (kept.count > 0) {
            put_kept(local, device, &frame, &kept);
        }
    }
    store_row_deinit(&kept.columns);
    free(kept.cells);
    return err;
}
