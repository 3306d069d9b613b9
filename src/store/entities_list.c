#include "store/entities_list.h"

#include "base/buf.h"

void store_list_unfiltered(struct store_query *query, const void *filter)
{
    (void)query;
    (void)filter;
}

static const char *order_text(const struct store_list *list, const struct model_page *page)
{
    for (unsigned i = 0; i < list->order_count; i++) {
        const struct store_order *order = &list->orders[i];
        if (page->sort.len == 0 || slice_equal(page->sort, slice_text(order->property))) {
            return page->descending ? order->descending : order->ascending;
        }
    }
    return NULL;
}

enum err store_list_pattern(struct arena *memory, struct slice text, bool is_start,
                            struct slice *pattern)
{
    *pattern = SLICE_EMPTY;
    if (text.len == 0) {
        return ERR_OK;
    }
    const size_t size = text.len * 2 + 2;
    uint8_t *bytes = arena_take(memory, size);
    if (bytes == NULL) {
        return ERR_EXHAUSTED;
    }
    struct buf out = buf_over(bytes, size);
    if (!is_start) {
        buf_put_u8(&out, '%');
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '\\') {
            buf_put_u8(&out, '\\');
        }
        buf_put_u8(&out, text.ptr[i]);
    }
    buf_put_u8(&out, '%');
    ASSERT(!out.overflow);
    *pattern = buf_view(&out);
    return ERR_OK;
}

static enum err count_rows(struct store_tx *tx, const struct store_list *list,
                           const struct store_list_call *call, struct slice pattern)
{
    struct store_query query = store_sql_prepare(tx->sql, list->count, NULL);
    list->bind(&query, call->filter);
    store_sql_bind_text(&query, pattern);
    *call->total = store_sql_row(&query) ? store_sql_read_int(&query) : 0;
    return store_sql_end(&query);
}

enum err store_list_run(struct store_tx *tx, struct arena *memory, const struct store_list *list,
                        const struct store_list_call *call)
{
    const char *text = order_text(list, call->page);
    if (text == NULL) {
        return ERR_INVALID;
    }
    struct slice pattern;
    enum err err = store_list_pattern(memory, call->page->search, false, &pattern);
    err = err == ERR_OK ? count_rows(tx, list, call, pattern) : err;
    if (err != ERR_OK) {
        return err;
    }
    int64_t offset = 0;
    if (__builtin_mul_overflow(call->page->size, call->page->number, &offset)) {
        offset = INT64_MAX;
    }
    struct store_query query = store_sql_prepare(tx->sql, text, memory);
    list->bind(&query, call->filter);
    store_sql_bind_text(&query, pattern);
    store_sql_bind_int(&query, call->page->size);
    store_sql_bind_int(&query, offset);
    while (store_sql_row(&query)) {
        const size_t mark = arena_mark(memory);
        list->row(&query, call->rows);
        arena_rewind(memory, mark);
    }
    return store_sql_end(&query);
}
