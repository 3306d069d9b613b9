#include "core/rpc.h"

#include <stdlib.h>

#include "core/admin_priv.h"
#include "crypto/hash.h"

// The id of a persistent call names its device: the last five bytes hold the device's number, so
// that its row is found without an index.
#define NUMBER_BYTES 5U
// Persistent calls of one device that a list looks at.
#define LISTED_MAX 100000U

static struct uuid make_id(struct device_id device, struct wall now)
{
    uint64_t random[2];
    crypto_random(random, sizeof(random));
    struct uuid id = uuid_make(now, (uint32_t)(random[1] % 10000U), random[0]);
    for (unsigned i = 0; i < NUMBER_BYTES; i++) {
        id.bytes[15 - i] = (uint8_t)(device.number >> (8 * i));
    }
    return id;
}

static struct device_id device_in(const struct uuid *id)
{
    struct device_id device = {0};
    for (unsigned i = 16 - NUMBER_BYTES; i < 16; i++) {
        device.number = device.number << 8 | id->bytes[i];
    }
    return device;
}

enum err core_rpc_order(const struct core_admin *admin, const struct model_device *device,
                        const struct core_call_request *request, struct core_order *order)
{
    order->kind = CORE_ORDER_CALL;
    order->tenant = device->tenant;
    order->device = device->number;
    order->call = *request;
    order->call.device = device->id;
    return core_admin_require(admin, CORE_RPC_CALL);
}

enum err core_rpc_store(const struct core_admin *admin, struct core_desk *desk,
                        const struct model_device *device, struct core_call_request *request)
{
    struct slice response;
    struct core_order order = {.done = NULL};
    request->id = make_id(device->number, admin->caller->now);
    const enum err err = core_rpc_order(admin, device, request, &order);
    return err == ERR_OK ? core_desk_order(desk, &order, admin->memory, &response) : err;
}

static const struct {
    enum core_call_status status;
    const char *name;
} names[] = {
    {CORE_CALL_QUEUED, "QUEUED"},
    {CORE_CALL_SENT, "SENT"},
    {CORE_CALL_STATUS_DELIVERED, "DELIVERED"},
    {CORE_CALL_SUCCESSFUL, "SUCCESSFUL"},
    {CORE_CALL_TIMEOUT, "TIMEOUT"},
    {CORE_CALL_EXPIRED, "EXPIRED"},
    {CORE_CALL_FAILED, "FAILED"},
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

const char *core_rpc_status_name(enum core_call_status status)
{
    for (unsigned i = 0; i < NAME_COUNT; i++) {
        if (names[i].status == status) {
            return names[i].name;
        }
    }
    return "";
}

bool core_rpc_status_parse(struct slice name, enum core_call_status *status)
{
    for (unsigned i = 0; i < NAME_COUNT; i++) {
        if (slice_equal(name, slice_text(names[i].name))) {
            *status = names[i].status;
            return true;
        }
    }
    return false;
}

struct reader {
    struct arena *memory;
    struct uuid id;
    struct core_rpc *rpc;
    bool has_request;
    bool has_status;
    enum err err;
};

static struct slice copy(struct reader *reader, struct slice text)
{
    uint8_t *bytes = arena_take(reader->memory, text.len + 1);
    if (bytes == NULL) {
        reader->err = ERR_EXHAUSTED;
        return SLICE_EMPTY;
    }
    if (text.len > 0) {
        memcpy(bytes, text.ptr, text.len);
    }
    return slice_of(bytes, text.len);
}

static void read_request(struct reader *reader, struct slice row)
{
    struct core_rpc *rpc = reader->rpc;
    if (!core_row_get_request(row, &rpc->number, &rpc->request)) {
        reader->err = ERR_CORRUPT;
        return;
    }
    rpc->request.id = reader->id;
    rpc->request.method = copy(reader, rpc->request.method);
    rpc->request.params = copy(reader, rpc->request.params);
    rpc->request.info = copy(reader, rpc->request.info);
    reader->has_request = true;
}

static void read_status(struct reader *reader, struct slice row)
{
    struct core_rpc *rpc = reader->rpc;
    if (!core_row_get_status(row, &rpc->status, &rpc->response)) {
        reader->err = ERR_CORRUPT;
        return;
    }
    rpc->response = copy(reader, rpc->response);
    reader->has_status = true;
}

static bool read_row(void *context, const struct store_state_row *row)
{
    struct reader *reader = context;
    const struct slice id = slice_of(reader->id.bytes, sizeof(reader->id.bytes));
    if (!slice_starts_with(row->name, id)) {
        return false;
    }
    if (row->name.len == id.len) {
        read_request(reader, row->value);
    } else {
        read_status(reader, row->value);
    }
    return reader->err == ERR_OK;
}

static enum err read_call(const struct core_admin *admin, const struct uuid *id,
                          struct core_rpc *rpc)
{
    struct reader reader = {.memory = admin->memory, .id = *id, .rpc = rpc};
    const struct store_state_query query = {.kind = STORE_STATE_RPC,
                                            .device = device_in(id),
                                            .from = slice_of(id->bytes, sizeof(id->bytes))};
    if (query.device.number == 0) {
        return ERR_NOT_FOUND;
    }
    const enum err err = store_state_scan(admin->core->store, &query, &reader, read_row);
    if (err != ERR_OK || reader.err != ERR_OK) {
        return err != ERR_OK ? err : reader.err;
    }
    return reader.has_request && reader.has_status ? ERR_OK : ERR_NOT_FOUND;
}

enum err core_rpc_get(const struct core_admin *admin, const struct uuid *id, struct core_rpc *rpc)
{
    struct model_device device;
    enum err err = core_admin_require(admin, CORE_RPC_CALL);
    err = err == ERR_OK ? read_call(admin, id, rpc) : err;
    return err == ERR_OK ? core_device_get(admin, &rpc->request.device, &device) : err;
}

enum err core_rpc_delete(const struct core_admin *admin, struct core_desk *desk,
                         const struct uuid *id)
{
    struct core_rpc rpc;
    struct model_device device;
    struct slice response;
    enum err err = core_admin_require(admin, CORE_RPC_DELETE);
    err = err == ERR_OK ? read_call(admin, id, &rpc) : err;
    err = err == ERR_OK ? core_device_get(admin, &rpc.request.device, &device) : err;
    if (err != ERR_OK) {
        return err;
    }
    struct core_order order = {.kind = CORE_ORDER_CALL_DROP,
                               .tenant = device.tenant,
                               .device = device.number,
                               .call = {.id = *id}};
    return core_desk_order(desk, &order, admin->memory, &response);
}

// What a list is sorted and chosen by; the rest is read for the page only.
struct listed {
    struct uuid id;
    int64_t key;
    struct slice text;
    uint32_t order; // of rows with equal keys
};

enum sort { BY_CREATION, BY_EXPIRY, BY_REQUEST, BY_RESPONSE };

static const struct {
    const char *property;
    enum sort sort;
} sorts[] = {
    {"createdTime", BY_CREATION},
    {"expirationTime", BY_EXPIRY},
    {"request", BY_REQUEST},
    {"response", BY_RESPONSE},
};

struct gathered {
    const struct core_rpc_list *list;
    struct arena *memory;
    enum sort sort;
    struct listed *items;
    uint32_t count;
    bool is_open; // the last item's status has not been seen
    bool is_full;
    bool is_bad;
};

// What an item is sorted by, in two parts; the row's own bytes do not last.
static void keep_text(struct gathered *all, struct slice head, struct slice tail)
{
    uint8_t *bytes = arena_take(all->memory, head.len + tail.len + 1);
    if (bytes == NULL) {
        all->is_full = true;
        return;
    }
    struct buf text = buf_over(bytes, head.len + tail.len);
    buf_put_slice(&text, head);
    buf_put_slice(&text, tail);
    all->items[all->count].text = buf_view(&text);
}

static void gather_request(struct gathered *all, const struct store_state_row *row)
{
    struct core_call_request request;
    struct listed *item = &all->items[all->count];
    const struct slice search = all->list->page->search;
    if (!core_row_get_request(row->value, &item->order, &request)) {
        all->is_bad = true;
        return;
    }
    memcpy(item->id.bytes, row->name.ptr, sizeof(item->id.bytes));
    item->key = all->sort == BY_EXPIRY ? request.expires.ms : request.created.ms;
    item->text = SLICE_EMPTY;
    all->is_open = slice_contains_nocase(request.method, search) ||
                   slice_contains_nocase(request.params, search);
    if (all->is_open && all->sort == BY_REQUEST) {
        keep_text(all, request.method, request.params);
    }
}

static void gather_status(struct gathered *all, const struct store_state_row *row)
{
    enum core_call_status status;
    struct slice response;
    if (!core_row_get_status(row->value, &status, &response)) {
        all->is_bad = true;
        return;
    }
    if (all->is_open && (!all->list->by_status || status == all->list->status)) {
        if (all->sort == BY_RESPONSE) {
            keep_text(all, response, SLICE_EMPTY);
        }
        all->count++;
    }
    all->is_open = false;
}

// A request and then its status; only both together count.
static bool gather_row(void *context, const struct store_state_row *row)
{
    struct gathered *all = context;
    if (row->name.len != sizeof(struct uuid)) {
        gather_status(all, row);
    } else if (all->count < LISTED_MAX) {
        gather_request(all, row);
    } else {
        all->is_full = true;
    }
    return !all->is_bad && !all->is_full;
}

static int compare(const void *a, const void *b)
{
    const struct listed *left = a;
    const struct listed *right = b;
    const int by_text = slice_compare(left->text, right->text);
    if (by_text != 0) {
        return by_text;
    }
    if (left->key != right->key) {
        return left->key < right->key ? -1 : 1;
    }
    return (left->order > right->order) - (left->order < right->order);
}

static bool read_sort(struct slice property, enum sort *sort)
{
    *sort = BY_CREATION;
    for (unsigned i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
        if (slice_equal(property, slice_text(sorts[i].property))) {
            *sort = sorts[i].sort;
            return true;
        }
    }
    return property.len == 0;
}

static enum err gather(const struct core_admin *admin, struct gathered *all)
{
    const struct model_page *page = all->list->page;
    const struct store_state_query query = {.kind = STORE_STATE_RPC,
                                            .device = all->list->device->number};
    if (!read_sort(page->sort, &all->sort)) {
        core_problem_set(admin->problem, "Unsupported sort property '%.*s'",
                         SLICE_ARGS(slice_sub(page->sort, 0, 64)));
        return ERR_INVALID;
    }
    all->memory = admin->memory;
    all->items = arena_take_array(admin->memory, LISTED_MAX, sizeof(*all->items));
    if (all->items == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err = store_state_scan(admin->core->store, &query, all, gather_row);
    if (err != ERR_OK || all->is_bad) {
        return err != ERR_OK ? err : ERR_CORRUPT;
    }
    qsort(all->items, all->count, sizeof(all->items[0]), compare);
    return all->is_full ? ERR_TOO_LARGE : ERR_OK;
}

enum err core_rpc_list(const struct core_admin *admin, const struct core_rpc_list *list,
                       int64_t *total, void *context, core_rpc_fn *emit)
{
    struct gathered all = {.list = list};
    const struct model_page *page = list->page;
    enum err err = core_admin_require(admin, CORE_RPC_CALL);
    err = err == ERR_OK ? gather(admin, &all) : err;
    *total = all.count;
    const uint64_t first = (uint64_t)page->number * page->size;
    for (uint64_t i = first; err == ERR_OK && i < all.count && i < first + page->size; i++) {
        const uint64_t at = page->descending ? all.count - 1 - i : i;
        struct core_rpc rpc;
        const size_t mark = arena_mark(admin->memory);
        err = read_call(admin, &all.items[at].id, &rpc);
        if (err == ERR_OK) {
            emit(context, &rpc);
        }
        // One that was deleted meanwhile is left out.
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
        arena_rewind(admin->memory, mark);
    }
    return err;
}
