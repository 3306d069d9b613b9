// store/attribute.h: an attribute as a row of state: its name is the row's, its value is when it
// was set and to what.
#pragma once

#include "store/state.h"
#include "store/wire.h"

struct store_attribute {
    struct slice key;
    int64_t at_ms;
    struct model_value value;
};

static inline size_t store_attribute_room(const struct model_value *value)
{
    return STORE_WIRE_VARINT_MAX + store_wire_value_room(value);
}

// Writes the row's value at `at`, which has room; returns the position behind.
static inline uint8_t *store_attribute_put(uint8_t *at, int64_t at_ms,
                                           const struct model_value *value)
{
    return store_wire_put_value(store_wire_put_signed(at, at_ms), value);
}

// False if the row is damaged. Views last as long as the row's.
MUST_USE static inline bool store_attribute_get(const struct store_state_row *row,
                                                struct store_attribute *attribute)
{
    struct store_wire wire = store_wire_over(row->value);
    attribute->key = row->name;
    attribute->at_ms = store_wire_get_signed(&wire);
    store_wire_get_value(&wire, &attribute->value);
    return !wire.bad && store_wire_left(&wire) == 0;
}
