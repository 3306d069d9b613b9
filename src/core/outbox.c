// The outbox of a device, as far as it is about shared attributes: a row for each that changed
// since the device last took them all, with the number of its newest change. The newest of these
// numbers is the outbox's own: counters need not be written with each change. Rows up to `covered`
// are known to the device; they are removed when the outbox is read next.
//
// Bound: CORE_OUTBOX_BYTES_MAX, each row with its cost. What is there now never reaches it, since
// the shared set is bounded; names that were removed do. Then those are forgotten, and the
// observation has lapsed: the device is told to register again, with which it gets everything. The
// bytes are an estimate upwards, which a reading puts right; changes that come faster than that
// are refused.
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "core/flight_priv.h"
#include "core/outbox_priv.h"

// Rows that one load may bring.
#define ROWS_MAX 8192U
// Of these, so many are removed by one record.
#define STALE_A_NOTE 1024U
#define NUMBER_MAX 16U
// So that the bound is one of rows, too.
#define ROW_COST 64U
static_assert(CORE_OUTBOX_BYTES_MAX / ROW_COST <= ROWS_MAX, "what is within the bound is read");
// Without a reading in between.
#define BYTES_MOST (4 * CORE_OUTBOX_BYTES_MAX)

static struct slice copy_name(struct arena *memory, struct slice key)
{
    uint8_t *name = arena_take(memory, key.len + 1);
    if (name == NULL) {
        return SLICE_EMPTY;
    }
    name[0] = 'a';
    memcpy(name + 1, key.ptr, key.len);
    return slice_of(name, key.len + 1);
}

static void weigh(struct core_downlink *link, struct slice name)
{
    const uint64_t bytes = link->outbox_bytes + ROW_COST + name.len;
    link->outbox_bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

bool core_outbox_put(const struct core_reach *reach, struct slice key,
                     struct store_state_change *note)
{
    struct arena *memory = reach->shard->plan.memory;
    const struct slice name = copy_name(memory, key);
    uint8_t *number = arena_take(memory, NUMBER_MAX);
    if (name.len == 0 || number == NULL) {
        return false;
    }
    struct buf value = buf_over(number, NUMBER_MAX);
    buf_put_varint(&value, reach->link->seq);
    *note = (struct store_state_change){STORE_STATE_OUTBOX, name, false, buf_view(&value)};
    weigh(reach->link, name);
    return true;
}

bool core_outbox_is_heavy(const struct core_reach *reach)
{
    const struct core_downlink *link = reach->link;
    return link->outbox_bytes > CORE_OUTBOX_BYTES_MAX && link->change_newest <= link->delta_seq;
}

bool core_outbox_is_full(const struct core_reach *reach)
{
    return reach->link->outbox_bytes > BYTES_MOST;
}

bool core_outbox_restore(const struct core_reach *reach, const struct store_state_row *row)
{
    struct core_downlink *link = reach->link;
    struct buf_reader reader = buf_reader_over(row->value);
    const uint64_t seq = buf_read_varint(&reader);
    if (reader.overflow) {
        return false;
    }
    weigh(link, row->name);
    if (seq > link->delta_seq) {
        link->delta_seq = seq;
    }
    // Calls that nobody stores may have taken numbers since.
    if (seq + CORE_CALLS_RESERVED > link->seq) {
        link->seq = seq + CORE_CALLS_RESERVED;
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const struct store_state_row *left = a;
    const struct store_state_row *right = b;
    return slice_compare(left->name, right->name);
}

static void add_stale(struct core_gathered *all, struct slice name)
{
    all->stale[all->stale_count++] =
        (struct store_state_change){STORE_STATE_OUTBOX, name, true, SLICE_EMPTY};
}

static void gather_row(const struct core_reach *reach, const struct store_state_row *row,
                       struct core_gathered *all)
{
    struct buf_reader reader = buf_reader_over(row->value);
    if (row->name.len == 0 || row->name.ptr[0] != 'a') {
        return;
    }
    const uint64_t seq = buf_read_varint(&reader);
    if (seq <= reach->link->covered) {
        add_stale(all, row->name);
        return;
    }
    all->bytes += ROW_COST + (uint32_t)row->name.len;
    if (seq > reach->link->load_upto) {
        return;
    }
    const struct store_state_row wanted = {.name = slice_sub(row->name, 1, row->name.len)};
    const struct store_state_row *found =
        bsearch(&wanted, all->shared, all->shared_count, sizeof(wanted), compare_names);
    struct core_waiting *waiting = &all->waiting[all->waiting_count++];
    *waiting = (struct core_waiting){.seq = seq, .name = row->name, .is_removed = found == NULL};
    waiting->attribute.key = wanted.name;
    if (found != NULL && !store_attribute_get(found, &waiting->attribute)) {
        all->is_bad = true;
    }
}

// Rows come by kind, then by name: the shared scope is complete before the outbox begins.
enum err core_outbox_gather(const struct core_reach *reach, struct store_load *load,
                            struct core_gathered *all)
{
    struct arena *memory = reach->shard->plan.memory;
    struct store_state_row row;
    all->shared = arena_take_array(memory, ROWS_MAX, sizeof(*all->shared));
    all->stale = arena_take_array(memory, ROWS_MAX, sizeof(*all->stale));
    all->waiting = arena_take_array(memory, ROWS_MAX, sizeof(*all->waiting));
    all->calls = arena_take_array(memory, CORE_GATHERED_CALLS, sizeof(*all->calls));
    if (all->shared == NULL || all->stale == NULL || all->waiting == NULL || all->calls == NULL) {
        return ERR_EXHAUSTED;
    }
    uint32_t outbox = 0;
    while (store_load_next(load, &row)) {
        if (row.kind == STORE_STATE_SHARED && all->shared_count < ROWS_MAX) {
            all->shared[all->shared_count++] = row;
        } else if (row.kind == STORE_STATE_OUTBOX && outbox++ < ROWS_MAX) {
            gather_row(reach, &row, all);
        } else if (row.kind == STORE_STATE_CALL && all->call_count < CORE_GATHERED_CALLS) {
            all->calls[all->call_count++] = row;
        } else {
            all->is_partial = row.kind == STORE_STATE_OUTBOX;
            return ERR_TOO_LARGE;
        }
    }
    if (store_load_err(load) != ERR_OK) {
        return store_load_err(load);
    }
    // Calls come last: if none was read, other rows may be missing.
    all->is_partial = store_load_is_cut(load) && all->call_count == 0;
    return all->is_bad ? ERR_CORRUPT : all->is_partial ? ERR_TOO_LARGE : ERR_OK;
}

// The device is not told of these one by one any more.
static void lapse(const struct core_reach *reach, uint32_t forgotten)
{
    struct core_downlink *link = reach->link;
    LOG(LOG_INFO, "outbox.full", LOG_INT("device", reach->device.number),
        LOG_INT("forgotten", forgotten));
    link->is_lapsed = link->observations[CORE_RESOURCE_ATTRIBUTES].state != CORE_OBSERVATION_NONE;
    if (!core_delta_is_noted(reach)) {
        link->covered = link->delta_seq;
    }
}

// Names that were removed, whether the device knows it or not.
static void forget_removed(const struct core_reach *reach, struct core_gathered *all)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < all->waiting_count; i++) {
        if (all->waiting[i].is_removed) {
            all->bytes -= ROW_COST + (uint32_t)all->waiting[i].name.len;
            add_stale(all, all->waiting[i].name);
        } else {
            all->waiting[kept++] = all->waiting[i];
        }
    }
    if (kept < all->waiting_count) {
        lapse(reach, all->waiting_count - kept);
    }
    all->waiting_count = kept;
}

// What the rows say of the sequence goes into the counters. False: not all of it was given to the
// store.
static bool remove_stale(const struct core_reach *reach, const struct core_gathered *all)
{
    struct store_state_change *items =
        arena_take_array(reach->shard->plan.memory, STALE_A_NOTE + 1, sizeof(*items));
    if (items == NULL || core_shard_put_counters(reach, &items[0]) != ERR_OK) {
        return false;
    }
    bool is_given = true;
    for (uint32_t i = 0; i < all->stale_count; i += STALE_A_NOTE) {
        const uint32_t left = all->stale_count - i;
        const uint32_t count = left < STALE_A_NOTE ? left : STALE_A_NOTE;
        memcpy(items + 1, all->stale + i, count * sizeof(*items));
        is_given = core_shard_note(reach, items, count + 1) && is_given;
    }
    return is_given;
}

bool core_outbox_clean(const struct core_reach *reach, struct core_gathered *all)
{
    struct core_downlink *link = reach->link;
    // A change that was under way then, or was submitted meanwhile, may put one of these rows anew.
    if (link->change_newest > link->load_upto || link->seq != link->load_seq) {
        return true;
    }
    if (all->is_partial || all->bytes > CORE_OUTBOX_BYTES_MAX) {
        forget_removed(reach, all);
    }
    const bool is_given = all->stale_count == 0 || remove_stale(reach, all);
    if (is_given && !all->is_partial) {
        link->outbox_bytes =
            all->bytes < CORE_OUTBOX_BYTES_MAX ? all->bytes : CORE_OUTBOX_BYTES_MAX;
    }
    return all->stale_count > 0;
}

bool core_outbox_may_pass(const struct core_reach *reach, struct core_gathered *all, enum err err)
{
    return err == ERR_EXHAUSTED || (err == ERR_TOO_LARGE && core_outbox_clean(reach, all));
}
