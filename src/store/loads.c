#include "store/loads.h"

#include "plat/memory.h"
#include "store/lane_priv.h"

// A slot that once held much gives it back.
#define KEPT_BYTES_MAX (16U << 10)

void store_loads_init(struct store_loads *loads)
{
    plat_mutex_init(&loads->mutex);
}

// NULL when all are in use.
static struct store_load *take_slot(struct store_loads *loads)
{
    struct store_load *load = loads->free;
    if (load != NULL) {
        loads->free = load->next;
    } else if (loads->fresh < STORE_LOADS_MAX) {
        load = &loads->slots[loads->fresh++];
    }
    metric_add(&loads->taken, load != NULL ? 1 : 0);
    return load;
}

static void give_slot(struct store_loads *loads, struct store_load *load)
{
    load->next = loads->free;
    loads->free = load;
    metric_set(&loads->taken, metric_read(&loads->taken) - 1);
}

// Under the lock: whether what was read may be kept until it is collected.
static bool hold(struct store_loads *loads, struct store_load *load)
{
    loads->bytes += load->rows.cap - load->held;
    load->held = load->rows.cap;
    return loads->bytes <= STORE_LOADS_BYTES_MAX;
}

static void let_go(struct store_loads *loads, struct store_load *load)
{
    loads->bytes -= load->held;
    load->held = 0;
    store_bytes_deinit(&load->rows);
}

size_t store_load_remember_footprint(size_t bytes)
{
    return store_recent_footprint(bytes);
}

enum err store_load_remember(struct store_lane *lane, size_t bytes)
{
    struct store_loads *const loads = &lane->loads;
    ASSERT(loads->recent == NULL);
    loads->recent_size = store_recent_footprint(bytes);
    void *const memory = plat_memory_reserve(loads->recent_size);
    if (memory == NULL) {
        return ERR_EXHAUSTED;
    }
    loads->recent = store_recent_init(memory, bytes);
    return ERR_OK;
}

void store_loads_deinit(struct store_loads *loads)
{
    if (loads->recent != NULL) {
        plat_memory_release(loads->recent, loads->recent_size);
    }
    for (unsigned i = 0; i < loads->fresh; i++) {
        store_bytes_deinit(&loads->slots[i].rows);
    }
    plat_mutex_deinit(&loads->mutex);
}

static bool take_row(void *context, const struct store_state_row *row)
{
    struct store_load *const load = context;
    const struct slice only = slice_of(load->only, load->only_len);
    if (!slice_equal(slice_sub(row->name, 0, only.len), only)) {
        return false;
    }
    if (load->enough > 0 && load->rows.len >= load->enough) {
        load->is_cut = true;
        return false;
    }
    if (load->rows.len + row->name.len + row->value.len > STORE_LOAD_BYTES_MAX) {
        load->err = ERR_TOO_LARGE;
        return false;
    }
    uint8_t *at = store_bytes_room(&load->rows,
                                   1 + 2 * STORE_WIRE_VARINT_MAX + row->name.len + row->value.len);
    *at++ = (uint8_t)row->kind;
    at = store_wire_put_text(at, row->name);
    at = store_wire_put_text(at, row->value);
    store_bytes_end(&load->rows, at);
    return true;
}

// On a reader's thread.
static void read_rows(void *context)
{
    struct store_load *const load = context;
    struct store_lane *const lane = load->lane;
    for (unsigned kind = 1; kind <= STORE_STATE_KINDS && load->err == ERR_OK && !load->is_cut;
         kind++) {
        if ((load->kinds & STORE_STATE_BIT(kind)) != 0) {
            const struct store_state_query query = {.kind = (enum store_state_kind)kind,
                                                    .device = load->device,
                                                    .from = slice_of(load->only, load->only_len)};
            const enum err err = store_state_scan(lane->store, &query, load, take_row);
            load->err = err != ERR_OK ? err : load->err;
        }
    }
    plat_mutex_lock(&lane->loads.mutex);
    if (!hold(&lane->loads, load)) {
        let_go(&lane->loads, load);
        load->err = ERR_EXHAUSTED;
    }
    load->next = lane->loads.done;
    lane->loads.done = load;
    metric_add(&lane->loads.done_count, 1);
    plat_mutex_unlock(&lane->loads.mutex);
    if (lane->wake != NULL) {
        lane->wake(lane->context);
    }
}

static void take_query(struct store_load *load, const struct store_load_query *query)
{
    load->device = query->device;
    load->kinds = query->kinds;
    load->ticket = query->ticket;
    load->enough = query->enough;
    load->is_cut = false;
    load->only_len = query->only.len;
    if (query->only.len > 0) {
        memcpy(load->only, query->only.ptr, query->only.len);
    }
    load->note_len = query->note.len;
    if (query->note.len > 0) {
        memcpy(load->note, query->note.ptr, query->note.len);
    }
    load->err = ERR_OK;
}

enum err store_load_submit(struct store_lane *lane, const struct store_load_query *query)
{
    if (query->note.len > STORE_LOAD_NOTE_MAX || query->only.len > STORE_LOAD_ONLY_MAX) {
        return ERR_TOO_LARGE;
    }
    struct store_load *const load = take_slot(&lane->loads);
    if (load == NULL) {
        return ERR_EXHAUSTED;
    }
    load->lane = lane;
    take_query(load, query);
    load->stamp = store_changes_read(&lane->store->changes, query->device, query->kinds);
    load->rows.len = 0;
    if (!plat_workpool_submit(lane->store->readers, load, read_rows)) {
        give_slot(&lane->loads, load);
        return ERR_EXHAUSTED;
    }
    return ERR_OK;
}

struct store_load *store_load_recall(struct store_lane *lane, const struct store_load_query *query)
{
    struct store_loads *const loads = &lane->loads;
    const struct store_recent_key key = {query->device, query->kinds};
    const uint32_t stamp = store_changes_read(&lane->store->changes, query->device, query->kinds);
    struct slice rows;
    if (loads->recent == NULL || query->note.len > STORE_LOAD_NOTE_MAX ||
        !store_recent_find(loads->recent, key, stamp, &rows)) {
        return NULL;
    }
    ASSERT(query->only.len == 0 && query->enough == 0);
    take_query(&loads->recalled, query);
    loads->recalled.left = store_wire_over(rows);
    return &loads->recalled;
}

static void remember(struct store_loads *loads, const struct store_load *load)
{
    if (loads->recent != NULL && load->err == ERR_OK && load->only_len == 0 && load->enough == 0) {
        const struct store_recent_key key = {load->device, load->kinds};
        store_recent_keep(loads->recent, key, load->stamp, store_bytes_view(&load->rows));
    }
}

struct store_load *store_load_collect(struct store_lane *lane)
{
    struct store_loads *const loads = &lane->loads;
    // Read without the lock: who adds one wakes us afterwards.
    if (metric_read(&loads->done_count) == 0) {
        return NULL;
    }
    plat_mutex_lock(&loads->mutex);
    struct store_load *const load = loads->done;
    loads->done = load->next;
    metric_set(&loads->done_count, metric_read(&loads->done_count) - 1);
    plat_mutex_unlock(&loads->mutex);
    load->left = store_wire_over(store_bytes_view(&load->rows));
    remember(loads, load);
    return load;
}

uint64_t store_load_ticket(const struct store_load *load)
{
    return load->ticket;
}

struct slice store_load_note(const struct store_load *load)
{
    return slice_of(load->note, load->note_len);
}

enum err store_load_err(const struct store_load *load)
{
    return load->err;
}

bool store_load_is_cut(const struct store_load *load)
{
    return load->is_cut;
}

bool store_load_next(struct store_load *load, struct store_state_row *row)
{
    if (load->err != ERR_OK || store_wire_left(&load->left) == 0) {
        return false;
    }
    row->kind = (enum store_state_kind)store_wire_get_u8(&load->left);
    row->device = load->device;
    row->name = store_wire_get_text(&load->left);
    row->value = store_wire_get_text(&load->left);
    ASSERT(!load->left.bad);
    return true;
}

void store_load_release(struct store_load *owned_load)
{
    struct store_loads *const loads = &owned_load->lane->loads;
    if (owned_load->rows.cap > KEPT_BYTES_MAX) {
        plat_mutex_lock(&loads->mutex);
        let_go(loads, owned_load);
        plat_mutex_unlock(&loads->mutex);
    }
    give_slot(loads, owned_load);
}

uint64_t store_loads_bytes_max(void)
{
    // Each thread may have read one more, with room to grow.
    return STORE_LOADS_BYTES_MAX + STORE_LOAD_THREADS * (uint64_t)STORE_LOAD_BYTES_MAX * 4;
}
