// State in the local back end: rows of a family of their own, changed in the batch of the commit.
// They need no journal row: the batch is the change.
#include "store/local_priv.h"

#define PREFIX_LEN 9U // kind, device

static uint8_t *put_prefix(uint8_t *at, enum store_state_kind kind, uint64_t device)
{
    *at++ = (uint8_t)kind;
    return store_wire_put_u64(at, device);
}

void store_local_change(struct store_local *local, const struct store_record_view *record)
{
    struct store_blocks *const blocks = local->blocks;
    struct store_wire body = store_wire_over(record->body);
    uint8_t key[PREFIX_LEN + STORE_STATE_NAME_MAX];
    for (uint32_t i = 0; i < record->count; i++) {
        const struct store_state_change change = store_record_next_change(&body);
        uint8_t *at = put_prefix(key, change.kind, record->device.number);
        at = store_wire_put_bytes(at, change.name);
        const struct slice name = slice_of(key, (size_t)(at - key));
        if (change.is_removed) {
            blocks->ops->remove(blocks, STORE_FAMILY_STATE, name);
        } else {
            blocks->ops->put(blocks, STORE_FAMILY_STATE, name, change.value);
        }
    }
    local->has_changes = true;
}

void store_local_purge_state(struct store_local *local, uint64_t device)
{
    struct store_blocks *const blocks = local->blocks;
    for (unsigned kind = 1; kind <= STORE_STATE_KINDS; kind++) {
        uint8_t from[PREFIX_LEN];
        uint8_t to[PREFIX_LEN];
        put_prefix(from, (enum store_state_kind)kind, device);
        put_prefix(to, (enum store_state_kind)kind, device + 1);
        blocks->ops->remove_range(blocks, STORE_FAMILY_STATE, slice_of(from, sizeof(from)),
                                  slice_of(to, sizeof(to)));
    }
    local->has_changes = true;
}

// Reading.

static bool is_inside(const struct store_scan *scan, const struct store_state_query *query,
                      struct store_state_row *row)
{
    struct store_wire key = store_wire_over(scan->key);
    row->kind = (enum store_state_kind)store_wire_get_u8(&key);
    row->device.number = store_wire_get_u64(&key);
    row->name = slice_of(key.at, store_wire_left(&key));
    row->value = scan->value;
    return !key.bad && row->kind == query->kind &&
           (query->device.number == 0 || row->device.number == query->device.number);
}

static void seek(struct store_blocks *blocks, struct store_scan *scan,
                 const struct store_state_query *query)
{
    uint8_t key[PREFIX_LEN + STORE_STATE_NAME_MAX];
    // The last name of a device is before the first of the next.
    const bool is_from_last = query->descending && query->from.len == 0;
    const uint64_t device = query->device.number != 0 ? query->device.number : query->since.number;
    uint8_t *at = put_prefix(key, query->kind, device + (is_from_last ? 1 : 0));
    at = store_wire_put_bytes(at, query->from);
    blocks->ops->scan_move(scan, query->descending ? STORE_SCAN_SEEK_BACK : STORE_SCAN_SEEK,
                           slice_of(key, (size_t)(at - key)));
}

enum err store_local_state(void *backend, const struct store_state_query *query, void *context,
                           store_state_fn *emit)
{
    struct store_local *const local = backend;
    const struct store_blocks_ops *const ops = local->blocks->ops;
    const enum store_scan_move step = query->descending ? STORE_SCAN_BACK : STORE_SCAN_NEXT;
    // The rows of all devices are read at the start only.
    const enum store_scan_use use = query->device.number == 0 ? STORE_SCAN_ONCE : STORE_SCAN_AGAIN;
    struct store_scan *const scan = ops->scan_open(local->blocks, STORE_FAMILY_STATE, use);
    struct store_state_row row;
    seek(local->blocks, scan, query);
    while (scan->is_valid && is_inside(scan, query, &row) && emit(context, &row)) {
        ops->scan_move(scan, step, SLICE_EMPTY);
    }
    const enum err err = scan->err;
    ops->scan_close(scan);
    return err;
}
