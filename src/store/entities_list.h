// store/entities_list.h: what all lists of entities share: counting, the LIKE pattern of a text
// search, the choice of the statement by sort property, and the walk over one page. Private to the
// entity store.
//
// Each list has one fixed text per order. The parameters of its texts are, in order: those of the
// filter, the pattern (NULL: no search), and, but for the count, the size and the offset of the
// page.
#pragma once

#include "model/entity.h"
#include "store/entities.h"
#include "store/sql.h"

struct store_order {
    const char *property;
    const char *ascending;
    const char *descending;
};

struct store_list {
    const char *count;
    const struct store_order *orders; // the first one also when no property is named
    unsigned order_count;
    void (*bind)(struct store_query *query, const void *filter);
    // Reads the columns of one row and hands it on; its texts are good during the call.
    void (*row)(struct store_query *query, void *rows);
};

struct store_list_call {
    const void *filter;
    const struct model_page *page;
    int64_t *total;
    void *rows; // for list->row
};

// What LIKE takes for a text that stands anywhere, or at the start, with its wildcards escaped by
// '\\'; `ptr == NULL` for an empty text. ERR_EXHAUSTED.
MUST_USE enum err store_list_pattern(struct arena *memory, struct slice text, bool is_start,
                                     struct slice *pattern);

// For `bind` where there is no filter but the pattern.
void store_list_unfiltered(struct store_query *query, const void *filter);

// ERR_INVALID for a property that is not in the table.
MUST_USE enum err store_list_run(struct store_tx *tx, struct arena *memory,
                                 const struct store_list *list, const struct store_list_call *call);
