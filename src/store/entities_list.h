// store/entities_list.h: what all lists of entities share: the LIKE pattern of a text search, and the
// choice of the statement by sort property. Each list has one fixed text per order.
#pragma once

#include "base/buf.h"
#include "model/entity.h"
#include "store/sql.h"

struct store_order {
    const char *property;
    const char *ascending;
    const char *descending;
};

// The text for the page's order: the first row if no property is named; NULL if none fits.
static inline const char *store_list_order(const struct store_order *orders, unsigned count,
                                           const struct model_page *page)
{
    for (unsigned i = 0; i < count; i++) {
        if (page->sort.len == 0 || slice_equal(page->sort, slice_text(orders[i].property))) {
            return page->descending ? orders[i].descending : orders[i].ascending;
        }
    }
    return NULL;
}

// "%text%" with the wildcards of LIKE escaped by '\'; empty `ptr` for no search.
static inline struct slice store_list_pattern(struct arena *memory, struct slice search)
{
    uint8_t *bytes = search.len > 0 ? arena_take(memory, search.len * 2 + 2) : NULL;
    if (bytes == NULL) {
        return SLICE_EMPTY;
    }
    struct buf out = buf_over(bytes, search.len * 2 + 2);
    buf_put_u8(&out, '%');
    for (size_t i = 0; i < search.len; i++) {
        if (search.ptr[i] == '%' || search.ptr[i] == '_' || search.ptr[i] == '\\') {
            buf_put_u8(&out, '\\');
        }
        buf_put_u8(&out, search.ptr[i]);
    }
    buf_put_u8(&out, '%');
    return buf_view(&out);
}

static inline void store_list_bind_page(struct store_query *query, const struct model_page *page)
{
    store_sql_bind_int(query, page->size);
    store_sql_bind_int(query, (int64_t)page->size * page->number);
}
