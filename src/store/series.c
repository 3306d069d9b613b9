#include "store/series.h"

#include <stdlib.h>

#define BLOCK_VERSION 1U
#define BLOCK_COLUMNS_MAX 1000000U

enum {
    BLOCK_EXPIRES = 1,      // the block has an expiry of its own
    BLOCK_HAS_EXPIRIES = 2, // readings have expiries
    BLOCK_TIMES_DIFFER = 4,
    BLOCK_HAS_ARRIVALS = 8, // readings have arrivals
};

enum {
    COLUMN_MIXED = 0, // each value with its type
    COLUMN_LONGS = 1, // differences
    COLUMN_DOUBLES = 2,
    COLUMN_KIND_MASK = 3,
    COLUMN_HAS_BITMAP = 4,
};

enum {
    SUMMARY_TYPES = 0x1f,
    SUMMARY_SUM_OVERFLOWS = 0x20,
};

#define TYPE_BIT(type) (1U << (unsigned)(type))
#define NUMBER_BITS (TYPE_BIT(MODEL_VALUE_LONG) | TYPE_BIT(MODEL_VALUE_DOUBLE))
#define SUMMARY_MAX (1U + 3U * STORE_WIRE_VARINT_MAX + 8U + 4U * STORE_WIRE_VALUE_MAX)

void store_series_key_put(uint8_t out[STORE_SERIES_KEY], const struct store_series_key *key)
{
    out = store_wire_put_ordered(out, key->day);
    out = store_wire_put_u64(out, key->device);
    out = store_wire_put_ordered(out, key->first_ms);
    store_wire_put_u64(out, key->sequence);
}

bool store_series_key_get(struct slice bytes, struct store_series_key *key)
{
    struct store_wire wire = store_wire_over(bytes);
    key->day = store_wire_get_ordered(&wire);
    key->device = store_wire_get_u64(&wire);
    key->first_ms = store_wire_get_ordered(&wire);
    key->sequence = store_wire_get_u64(&wire);
    return !wire.bad && store_wire_left(&wire) == 0;
}

// Summaries.

static double number_of(const struct model_value *value)
{
    return value->type == MODEL_VALUE_LONG ? (double)value->number : value->real;
}

static bool is_less(const struct model_value *a, const struct model_value *b)
{
    if (a->type == MODEL_VALUE_LONG && b->type == MODEL_VALUE_LONG) {
        return a->number < b->number;
    }
    return number_of(a) < number_of(b);
}

static void summary_add(struct store_summary *summary, const struct model_value *value)
{
    const bool is_first = (summary->types & NUMBER_BITS) == 0;
    summary->types |= (uint8_t)TYPE_BIT(value->type);
    if (value->type == MODEL_VALUE_LONG) {
        summary->long_count++;
        summary->long_sum_fits =
            !__builtin_add_overflow(summary->long_sum, value->number, &summary->long_sum) &&
            summary->long_sum_fits;
    } else if (value->type == MODEL_VALUE_DOUBLE) {
        summary->double_count++;
        summary->double_sum += value->real;
    } else {
        return;
    }
    if (is_first || is_less(value, &summary->least)) {
        summary->least = *value;
    }
    if (is_first || is_less(&summary->most, value)) {
        summary->most = *value;
    }
    if (is_first) {
        summary->first = *value;
    }
    summary->last = *value;
}

static uint8_t *put_summary(uint8_t *at, const struct store_summary *summary)
{
    *at++ = (uint8_t)(summary->types | (summary->long_sum_fits ? 0 : SUMMARY_SUM_OVERFLOWS));
    if ((summary->types & TYPE_BIT(MODEL_VALUE_LONG)) != 0) {
        at = store_wire_put_varint(at, summary->long_count);
        at = store_wire_put_signed(at, summary->long_sum_fits ? summary->long_sum : 0);
    }
    if ((summary->types & TYPE_BIT(MODEL_VALUE_DOUBLE)) != 0) {
        const struct model_value sum = {.type = MODEL_VALUE_DOUBLE, .real = summary->double_sum};
        at = store_wire_put_varint(at, summary->double_count);
        at = store_wire_put_value(at, &sum);
    }
    if ((summary->types & NUMBER_BITS) != 0) {
        at = store_wire_put_value(at, &summary->least);
        at = store_wire_put_value(at, &summary->most);
        at = store_wire_put_value(at, &summary->first);
        at = store_wire_put_value(at, &summary->last);
    }
    return at;
}

static void get_summary(struct store_wire *wire, struct store_summary *summary)
{
    const uint8_t head = store_wire_get_u8(wire);
    *summary = (struct store_summary){.types = head & SUMMARY_TYPES};
    summary->long_sum_fits = (head & SUMMARY_SUM_OVERFLOWS) == 0;
    if ((head & TYPE_BIT(MODEL_VALUE_LONG)) != 0) {
        summary->long_count = (uint32_t)store_wire_get_varint(wire);
        summary->long_sum = store_wire_get_signed(wire);
    }
    if ((head & TYPE_BIT(MODEL_VALUE_DOUBLE)) != 0) {
        struct model_value sum = {0};
        summary->double_count = (uint32_t)store_wire_get_varint(wire);
        store_wire_get_value(wire, &sum);
        summary->double_sum = sum.real;
    }
    if ((head & NUMBER_BITS) != 0) {
        store_wire_get_value(wire, &summary->least);
        store_wire_get_value(wire, &summary->most);
        store_wire_get_value(wire, &summary->first);
        store_wire_get_value(wire, &summary->last);
    }
}

// Building.

void store_builder_init(struct store_builder *builder)
{
    *builder = (struct store_builder){0};
}

void store_builder_deinit(struct store_builder *builder)
{
    free(builder->counts);
    free(builder->touched);
    free(builder->sorted);
    store_bytes_deinit(&builder->columns);
    store_bytes_deinit(&builder->frame);
    store_bytes_deinit(&builder->directory);
}

// Brings the cells into the order of columns; counts[column] is then the end of its cells.
static void sort_cells(struct store_builder *builder, const struct store_block_plan *plan)
{
    const uint32_t cap_before = builder->count_cap;
    builder->counts = store_array_room(builder->counts, &builder->count_cap, plan->column_count,
                                       sizeof(*builder->counts));
    if (builder->count_cap > cap_before) {
        memset(builder->counts, 0, builder->count_cap * sizeof(*builder->counts));
    }
    builder->touched = store_array_room(builder->touched, &builder->touched_cap, plan->column_count,
                                        sizeof(*builder->touched));
    builder->sorted = store_array_room(builder->sorted, &builder->sorted_cap, plan->cell_count,
                                       sizeof(*builder->sorted));
    builder->touched_count = 0;
    for (uint32_t i = 0; i < plan->cell_count; i++) {
        const uint32_t column = plan->cells[i].column;
        if (builder->counts[column]++ == 0) {
            builder->touched[builder->touched_count++] = column;
        }
    }
    uint32_t start = 0;
    for (uint32_t i = 0; i < builder->touched_count; i++) {
        uint32_t *const count = &builder->counts[builder->touched[i]];
        const uint32_t cells = *count;
        *count = start;
        start += cells;
    }
    for (uint32_t i = 0; i < plan->cell_count; i++) {
        builder->sorted[builder->counts[plan->cells[i].column]++] = &plan->cells[i];
    }
}

static uint8_t column_kind(const struct store_summary *summary)
{
    switch (summary->types) {
    case TYPE_BIT(MODEL_VALUE_LONG):
        return COLUMN_LONGS;
    case TYPE_BIT(MODEL_VALUE_DOUBLE):
        return COLUMN_DOUBLES;
    default:
        return COLUMN_MIXED;
    }
}

static void summarise(struct store_summary *summary, const struct store_cell *const *cells,
                      uint32_t count)
{
    *summary = (struct store_summary){.long_sum_fits = true};
    for (uint32_t i = 0; i < count; i++) {
        struct model_value value = {0};
        struct store_wire wire = store_wire_over(cells[i]->value);
        store_wire_get_value(&wire, &value);
        summary_add(summary, &value);
    }
}

static uint8_t *put_values(uint8_t *at, uint8_t kind, const struct store_cell *const *cells,
                           uint32_t count)
{
    int64_t previous = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct slice value = cells[i]->value;
        if (kind == COLUMN_LONGS) {
            struct store_wire wire = store_wire_over(slice_sub(value, 1, value.len));
            const int64_t number = store_wire_get_signed(&wire);
            // Wraps on purpose: the reader's addition wraps back.
            at = store_wire_put_signed(at, (int64_t)((uint64_t)number - (uint64_t)previous));
            previous = number;
        } else if (kind == COLUMN_DOUBLES) {
            memcpy(at, value.ptr + 1, 8);
            at += 8;
        } else {
            at = store_wire_put_bytes(at, value);
        }
    }
    return at;
}

static void put_column(struct store_builder *builder, const struct store_block_plan *plan,
                       uint32_t column, const struct store_cell *const *cells, uint32_t count)
{
    struct store_summary summary;
    summarise(&summary, cells, count);
    const uint8_t kind = column_kind(&summary);
    const bool has_bitmap = count < plan->reading_count;
    const uint32_t bitmap_len = has_bitmap ? (plan->reading_count + 7) / 8 : 0;
    size_t room = 1 + bitmap_len + (size_t)count * STORE_WIRE_VALUE_MAX;
    for (uint32_t i = 0; kind == COLUMN_MIXED && i < count; i++) {
        room += cells[i]->value.len;
    }
    const size_t start = builder->columns.len;
    uint8_t *at = store_bytes_room(&builder->columns, room);
    *at++ = (uint8_t)(kind | (has_bitmap ? COLUMN_HAS_BITMAP : 0));
    memset(at, 0, bitmap_len);
    for (uint32_t i = 0; has_bitmap && i < count; i++) {
        const uint32_t reading = cells[i]->reading - plan->reading_base;
        at[reading / 8] |= (uint8_t)(1U << reading % 8);
    }
    store_bytes_end(&builder->columns, put_values(at + bitmap_len, kind, cells, count));
    at = store_bytes_room(&builder->directory, 3 * STORE_WIRE_VARINT_MAX + SUMMARY_MAX);
    at = store_wire_put_varint(at, plan->column_keys[column]);
    at = store_wire_put_varint(at, count);
    at = store_wire_put_varint(at, builder->columns.len - start);
    store_bytes_end(&builder->directory, put_summary(at, &summary));
}

struct frame_facts {
    bool times_differ;
    bool has_expiries;
    bool all_expire;
    bool has_arrivals;
    int64_t expires_last;
    uint64_t sequence_least;
    uint64_t sequence_most;
};

static struct frame_facts frame_look(const struct store_block_plan *plan)
{
    struct frame_facts facts = {.times_differ = true,
                                .all_expire = true,
                                .expires_last = INT64_MIN,
                                .sequence_least = UINT64_MAX};
    for (uint32_t i = 0; i < plan->reading_count; i++) {
        const struct store_reading *const reading = &plan->readings[i];
        if (i > 0 && reading->time_ms == plan->readings[i - 1].time_ms) {
            facts.times_differ = false;
        }
        facts.has_expiries = facts.has_expiries || reading->expires_ms != 0;
        facts.all_expire = facts.all_expire && reading->expires_ms != 0;
        facts.has_arrivals = facts.has_arrivals || reading->arrived_ms != 0;
        if (reading->expires_ms > facts.expires_last) {
            facts.expires_last = reading->expires_ms;
        }
        if (reading->sequence < facts.sequence_least) {
            facts.sequence_least = reading->sequence;
        }
        if (reading->sequence > facts.sequence_most) {
            facts.sequence_most = reading->sequence;
        }
    }
    return facts;
}

static void put_frame(struct store_builder *builder, const struct store_block_plan *plan,
                      const struct frame_facts *facts)
{
    const struct store_reading *const readings = plan->readings;
    builder->frame.len = 0;
    uint8_t *at =
        store_bytes_room(&builder->frame, 4U * plan->reading_count * STORE_WIRE_VARINT_MAX);
    for (uint32_t i = 1; i < plan->reading_count; i++) {
        at = store_wire_put_varint(at, (uint64_t)readings[i].time_ms -
                                           (uint64_t)readings[i - 1].time_ms);
    }
    uint64_t previous = facts->sequence_least;
    for (uint32_t i = 0; i < plan->reading_count; i++) {
        at = store_wire_put_signed(at, (int64_t)(readings[i].sequence - previous));
        previous = readings[i].sequence;
    }
    for (uint32_t i = 0; facts->has_expiries && i < plan->reading_count; i++) {
        at = store_wire_put_signed(at, readings[i].expires_ms);
    }
    for (uint32_t i = 0; facts->has_arrivals && i < plan->reading_count; i++) {
        at = store_wire_put_signed(at, readings[i].arrived_ms);
    }
    store_bytes_end(&builder->frame, at);
}

void store_builder_encode(struct store_builder *builder, const struct store_block_plan *plan,
                          struct store_bytes *out)
{
    ASSERT(plan->reading_count > 0 && plan->reading_count <= STORE_BLOCK_READINGS_MAX);
    const struct frame_facts facts = frame_look(plan);
    sort_cells(builder, plan);
    builder->columns.len = builder->directory.len = 0;
    uint32_t start = 0;
    for (uint32_t i = 0; i < builder->touched_count; i++) {
        const uint32_t column = builder->touched[i];
        const uint32_t end = builder->counts[column];
        put_column(builder, plan, column, builder->sorted + start, end - start);
        builder->counts[column] = 0;
        start = end;
    }
    put_frame(builder, plan, &facts);
    const struct store_reading *const last = &plan->readings[plan->reading_count - 1];
    const bool expires = facts.has_expiries && facts.all_expire;
    uint8_t *at = store_bytes_room(out, 10 + 6 * STORE_WIRE_VARINT_MAX);
    *at++ = BLOCK_VERSION;
    *at++ =
        (uint8_t)((expires ? BLOCK_EXPIRES : 0) | (facts.has_expiries ? BLOCK_HAS_EXPIRIES : 0) |
                  (facts.times_differ ? BLOCK_TIMES_DIFFER : 0) |
                  (facts.has_arrivals ? BLOCK_HAS_ARRIVALS : 0));
    if (expires) {
        at = store_wire_put_u64(at, (uint64_t)facts.expires_last);
    }
    at = store_wire_put_varint(at, plan->reading_count);
    at = store_wire_put_varint(at, (uint64_t)last->time_ms - (uint64_t)plan->readings[0].time_ms);
    at = store_wire_put_varint(at, facts.sequence_least);
    at = store_wire_put_varint(at, facts.sequence_most - facts.sequence_least);
    at = store_wire_put_varint(at, builder->frame.len);
    at = store_wire_put_varint(at, builder->touched_count);
    store_bytes_end(out, at);
    store_bytes_put(out, store_bytes_view(&builder->directory));
    store_bytes_put(out, store_bytes_view(&builder->frame));
    store_bytes_put(out, store_bytes_view(&builder->columns));
}

// Reading.

int64_t store_block_expiry(struct slice value)
{
    struct store_wire wire = store_wire_over(value);
    const uint8_t version = store_wire_get_u8(&wire);
    const uint8_t flags = store_wire_get_u8(&wire);
    const bool expires = version == BLOCK_VERSION && (flags & BLOCK_EXPIRES) != 0;
    const uint64_t expiry = expires ? store_wire_get_u64(&wire) : 0;
    return wire.bad ? 0 : (int64_t)expiry;
}

enum err store_block_open(struct slice value, int64_t first_ms, struct store_block *block)
{
    struct store_wire wire = store_wire_over(value);
    const uint8_t version = store_wire_get_u8(&wire);
    const uint8_t flags = store_wire_get_u8(&wire);
    *block = (struct store_block){.first_ms = first_ms};
    block->times_differ = (flags & BLOCK_TIMES_DIFFER) != 0;
    block->has_expiry = (flags & BLOCK_HAS_EXPIRIES) != 0;
    block->has_arrival = (flags & BLOCK_HAS_ARRIVALS) != 0;
    block->expires_ms = (flags & BLOCK_EXPIRES) != 0 ? (int64_t)store_wire_get_u64(&wire) : 0;
    block->reading_count = (uint32_t)store_wire_get_varint(&wire);
    block->last_ms = (int64_t)((uint64_t)first_ms + store_wire_get_varint(&wire));
    block->sequence_least = store_wire_get_varint(&wire);
    block->sequence_most = block->sequence_least + store_wire_get_varint(&wire);
    const uint64_t frame_len = store_wire_get_varint(&wire);
    block->column_count = (uint32_t)store_wire_get_varint(&wire);
    const uint8_t *const directory = wire.at;
    uint64_t columns_len = 0;
    for (uint32_t i = 0; i < block->column_count && !wire.bad && i < BLOCK_COLUMNS_MAX; i++) {
        struct store_summary summary;
        (void)store_wire_get_varint(&wire);
        (void)store_wire_get_varint(&wire);
        columns_len += store_wire_get_varint(&wire);
        get_summary(&wire, &summary);
    }
    block->directory = slice_of(directory, (size_t)(wire.at - directory));
    block->frame = store_wire_get_bytes(&wire, frame_len);
    block->columns = store_wire_get_bytes(&wire, columns_len);
    const bool is_sound = !wire.bad && version == BLOCK_VERSION && store_wire_left(&wire) == 0 &&
                          block->reading_count > 0 &&
                          block->reading_count <= STORE_BLOCK_READINGS_MAX;
    return is_sound ? ERR_OK : ERR_CORRUPT;
}

enum err store_block_frame(const struct store_block *block, struct store_frame *frame)
{
    struct store_wire wire = store_wire_over(block->frame);
    uint64_t time = (uint64_t)block->first_ms;
    for (uint32_t i = 0; i < block->reading_count; i++) {
        time += i == 0 ? 0 : store_wire_get_varint(&wire);
        frame->times_ms[i] = (int64_t)time;
    }
    uint64_t sequence = block->sequence_least;
    for (uint32_t i = 0; i < block->reading_count; i++) {
        sequence += (uint64_t)store_wire_get_signed(&wire);
        frame->sequences[i] = sequence;
    }
    for (uint32_t i = 0; i < block->reading_count; i++) {
        frame->expires_ms[i] = block->has_expiry ? store_wire_get_signed(&wire) : 0;
    }
    for (uint32_t i = 0; i < block->reading_count; i++) {
        frame->arrived_ms[i] = block->has_arrival ? store_wire_get_signed(&wire) : 0;
    }
    return wire.bad || store_wire_left(&wire) != 0 ? ERR_CORRUPT : ERR_OK;
}

void store_columns_begin(struct store_columns *columns, const struct store_block *block)
{
    *columns = (struct store_columns){.block = block,
                                      .directory = store_wire_over(block->directory),
                                      .values = store_wire_over(block->columns),
                                      .left = block->column_count};
}

bool store_columns_next(struct store_columns *columns, struct store_column *column, enum err *err)
{
    if (columns->left == 0) {
        return false;
    }
    columns->left--;
    column->key = (uint32_t)store_wire_get_varint(&columns->directory);
    column->count = (uint32_t)store_wire_get_varint(&columns->directory);
    const uint64_t len = store_wire_get_varint(&columns->directory);
    get_summary(&columns->directory, &column->summary);
    column->values = store_wire_get_bytes(&columns->values, len);
    if (columns->directory.bad || columns->values.bad ||
        column->count > columns->block->reading_count) {
        *err = ERR_CORRUPT;
        return false;
    }
    return true;
}

void store_values_begin(struct store_values *values, const struct store_block *block,
                        const struct store_column *column)
{
    *values = (struct store_values){.wire = store_wire_over(column->values),
                                    .left = column->count,
                                    .reading_count = block->reading_count};
    const uint8_t head = store_wire_get_u8(&values->wire);
    values->kind = head & COLUMN_KIND_MASK;
    if ((head & COLUMN_HAS_BITMAP) != 0) {
        values->bitmap = store_wire_get_bytes(&values->wire, (block->reading_count + 7) / 8);
    } else {
        values->wire.bad = values->wire.bad || column->count != block->reading_count;
    }
}

static bool skip_absent(struct store_values *values)
{
    while (values->reading < values->reading_count &&
           (values->bitmap.ptr[values->reading / 8] >> values->reading % 8 & 1) == 0) {
        values->reading++;
    }
    return values->reading < values->reading_count;
}

bool store_values_next(struct store_values *values, uint32_t *reading, struct model_value *value,
                       enum err *err)
{
    if (values->left == 0 && !values->wire.bad) {
        return false;
    }
    if (values->wire.bad || (values->bitmap.len > 0 && !skip_absent(values))) {
        *err = ERR_CORRUPT;
        return false;
    }
    values->left--;
    *reading = values->reading++;
    if (values->kind == COLUMN_LONGS) {
        values->previous =
            (int64_t)((uint64_t)values->previous + (uint64_t)store_wire_get_signed(&values->wire));
        *value = (struct model_value){.type = MODEL_VALUE_LONG, .number = values->previous};
    } else if (values->kind == COLUMN_DOUBLES) {
        const uint64_t bits = store_wire_get_u64(&values->wire);
        value->type = MODEL_VALUE_DOUBLE;
        memcpy(&value->real, &bits, sizeof(bits));
    } else {
        store_wire_get_value(&values->wire, value);
    }
    if (values->wire.bad) {
        *err = ERR_CORRUPT;
    }
    return !values->wire.bad;
}
