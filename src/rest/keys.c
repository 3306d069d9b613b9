#include "rest/keys.h"

bool rest_keys_have(const struct rest_keys *keys, struct slice key)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (slice_equal(keys->items[i], key)) {
            return true;
        }
    }
    return false;
}

static enum err add_key(struct rest_call *call, struct rest_keys *keys, struct slice key)
{
    if (key.len == 0 || rest_keys_have(keys, key)) {
        return ERR_OK;
    }
    if (keys->count == REST_KEYS_MAX) {
        return rest_call_refuse(call, ERR_INVALID, "More than %u keys are asked for",
                                REST_KEYS_MAX);
    }
    keys->items[keys->count++] = key;
    return ERR_OK;
}

// `key=` as often as needed (names with commas), else `keys=a,b`.
enum err rest_keys_read(struct rest_call *call, struct rest_keys *keys)
{
    const struct http_request *request = call->request;
    keys->count = 0;
    keys->items = arena_take_array(request->memory, REST_KEYS_MAX, sizeof(*keys->items));
    if (keys->items == NULL) {
        return ERR_EXHAUSTED;
    }
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < request->parameter_count; i++) {
        if (slice_equal(request->parameters[i].name, SLICE("key"))) {
            err = add_key(call, keys, request->parameters[i].value);
        }
    }
    if (err != ERR_OK || keys->count > 0) {
        return err;
    }
    struct slice list = http_request_parameter(request, "keys");
    while (err == ERR_OK && list.ptr != NULL) {
        err = add_key(call, keys, slice_cut(&list, ','));
    }
    return err;
}
