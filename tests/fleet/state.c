#include <string.h>

#include "codec/json.h"
#include "fleet/fleet.h"

#define MEMORY (256U << 10)

static struct arena arena;

static bool parse(struct fleet *fleet, struct fleet_device *device, struct slice payload,
                  struct codec_json *root)
{
    static uint8_t memory[MEMORY] __attribute__((aligned(16)));
    struct err_place place;
    arena_init(&arena, memory, sizeof(memory));
    if (codec_json_parse(&arena, payload, false, root, &place) != ERR_OK ||
        !codec_json_is(*root, CODEC_JSON_OBJECT)) {
        fleet_fault(fleet, device, "no JSON object: %.*s", (int)payload.len, payload.ptr);
        return false;
    }
    return true;
}

void fleet_state_reset(struct fleet_device *device)
{
    for (unsigned key = 0; key < FLEET_KEYS; key++) {
        device->shared.values[key] = FLEET_ABSENT;
    }
}

// "k0" to "k3"; FLEET_KEYS for any other name.
static unsigned key_of(struct slice name)
{
    const bool fits = name.len == 2 && name.ptr[0] == 'k' && name.ptr[1] >= '0';
    return fits && name.ptr[1] < '0' + FLEET_KEYS ? name.ptr[1] - (unsigned)'0' : FLEET_KEYS;
}

static void set(struct fleet_shared *shared, unsigned key, int64_t value, uint32_t number)
{
    if (key < FLEET_KEYS) {
        shared->values[key] = value;
        shared->numbers[key] = number;
    }
}

static void set_members(struct fleet_shared *shared, struct codec_json object, uint32_t number)
{
    struct slice name;
    struct codec_json value;
    struct codec_json_walk walk = codec_json_walk_over(object);
    while (codec_json_walk_next(&walk, &name, &value)) {
        int64_t found;
        if (codec_json_int64(value, &found)) {
            set(shared, key_of(name), found, number);
        }
    }
}

static void remove_deleted(struct fleet_shared *shared, struct codec_json names, uint32_t number)
{
    struct slice none;
    struct slice name;
    struct codec_json value;
    struct codec_json_walk walk;
    if (!codec_json_exists(names)) {
        return;
    }
    walk = codec_json_walk_over(names);
    while (codec_json_walk_next(&walk, &none, &value)) {
        if (codec_json_string(value, &name)) {
            set(shared, key_of(name), FLEET_ABSENT, number);
        }
    }
}

void fleet_state_base(struct fleet *fleet, struct fleet_device *device, struct slice payload,
                      uint32_t number)
{
    struct codec_json root;
    struct fleet_shared base = {.number = number, .is_numbered = true};
    const struct fleet_shared before = device->shared;
    if (!parse(fleet, device, payload, &root)) {
        return;
    }
    for (unsigned key = 0; key < FLEET_KEYS; key++) {
        set(&base, key, FLEET_ABSENT, number);
    }
    set_members(&base, root, number);
    // The answer may have been overtaken by changes that were made after it.
    for (unsigned key = 0; before.is_numbered && key < FLEET_KEYS; key++) {
        if (before.numbers[key] > number) {
            set(&base, key, before.values[key], before.numbers[key]);
        }
    }
    if (before.is_numbered && before.number > number) {
        base.number = before.number;
    }
    device->shared = base;
}

void fleet_state_change(struct fleet *fleet, struct fleet_device *device, struct slice payload,
                        uint32_t number)
{
    struct codec_json root;
    struct fleet_shared *shared = &device->shared;
    if (shared->is_numbered && number <= shared->number) {
        device->duplicates++;
        return;
    }
    if (parse(fleet, device, payload, &root)) {
        shared->number = number;
        shared->is_numbered = true;
        set_members(shared, root, number);
        remove_deleted(shared, codec_json_get(root, "deleted"), number);
    }
}

static void take_call(struct fleet *fleet, struct fleet_device *device, struct codec_json object)
{
    int64_t id;
    struct slice method;
    int64_t params;
    if (!codec_json_int64(codec_json_get(object, "id"), &id) ||
        !codec_json_string(codec_json_get(object, "method"), &method) ||
        !codec_json_int64(codec_json_get(object, "params"), &params)) {
        fleet_fault(fleet, device, "a call without id, method or params");
    } else if (id < 1 || id >= FLEET_CALLS) {
        fleet_fault(fleet, device, "a call with id %lld", (long long)id);
    } else if (device->calls[id].is_seen) {
        device->duplicates++;
        if (device->calls[id].params != params) {
            fleet_fault(fleet, device, "two calls have id %lld", (long long)id);
        }
    } else {
        device->calls[id] = (struct fleet_call){
            .params = params, .is_seen = true, .wants_reply = slice_equal(method, SLICE("two"))};
    }
}

void fleet_state_call(struct fleet *fleet, struct fleet_device *device, struct slice payload)
{
    struct codec_json root;
    if (parse(fleet, device, payload, &root)) {
        take_call(fleet, device, root);
    }
}

void fleet_state_pending(struct fleet *fleet, struct fleet_device *device, struct slice payload)
{
    struct codec_json root;
    struct codec_json call;
    struct slice none;
    int64_t sequence;
    // What was said to a repeat may have been forgotten meanwhile: it is asked for again.
    if (payload.len == 0 && device->request.sends > 1) {
        fleet->blank++;
        return;
    }
    if (!parse(fleet, device, payload, &root)) {
        return;
    }
    if (!codec_json_int64(codec_json_get(root, "seq"), &sequence)) {
        fleet_fault(fleet, device, "?pending= without seq: %.*s", (int)payload.len, payload.ptr);
        return;
    }
    set_members(&device->shared, codec_json_get(root, "attributes"), 0);
    remove_deleted(&device->shared, codec_json_get(root, "deleted"), 0);
    struct codec_json_walk walk = codec_json_walk_over(codec_json_get(root, "rpc"));
    while (codec_json_walk_next(&walk, &none, &call)) {
        take_call(fleet, device, call);
    }
    device->sequence = (uint64_t)sequence;
}

void fleet_state_own(struct fleet *fleet, struct fleet_device *device, struct slice payload)
{
    struct codec_json root;
    int64_t own;
    if (!parse(fleet, device, payload, &root)) {
        return;
    }
    if (!codec_json_int64(codec_json_get(codec_json_get(root, "client"), "own"), &own) ||
        own < device->published_acknowledged || own > device->published) {
        fleet_fault(fleet, device, "own is %.*s, but %u was acknowledged and %u sent",
                    (int)payload.len, payload.ptr, device->published_acknowledged,
                    device->published);
    }
}
