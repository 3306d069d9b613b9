#include "rest/names.h"

enum err rest_names_make(struct rest_call *call, struct rest_names *names)
{
    *names = (struct rest_names){.memory = call->request->memory};
    names->items = arena_take_array(names->memory, REST_NAMES_MAX, sizeof(*names->items));
    return names->items != NULL ? ERR_OK : ERR_EXHAUSTED;
}

bool rest_names_add(void *context, struct slice name)
{
    struct rest_names *names = context;
    uint32_t low = 0;
    uint32_t high = names->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (slice_compare(names->items[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < names->count && slice_equal(names->items[low], name)) {
        return true;
    }
    const struct slice copy = arena_copy(names->memory, name);
    if (names->count == REST_NAMES_MAX || copy.ptr == NULL) {
        names->is_full = true;
        return false;
    }
    memmove(&names->items[low + 1], &names->items[low],
            (names->count - low) * sizeof(*names->items));
    names->items[low] = copy;
    names->count++;
    return true;
}

enum err rest_names_check(struct rest_call *call, const struct rest_names *names)
{
    return names->is_full ? rest_call_refuse(call, ERR_UNSUPPORTED, "There are more than %u keys",
                                             REST_NAMES_MAX)
                          : ERR_OK;
}

void rest_names_put(struct codec_json_writer *writer, const struct rest_names *names)
{
    codec_json_begin_array(writer);
    for (uint32_t i = 0; i < names->count; i++) {
        codec_json_put_string(writer, names->items[i]);
    }
    codec_json_end_array(writer);
}
