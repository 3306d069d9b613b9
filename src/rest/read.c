#include "rest/read.h"

#include <stdlib.h>

bool rest_read_is_absent(struct codec_json value)
{
    return !codec_json_exists(value) || codec_json_is(value, CODEC_JSON_NULL);
}

enum err rest_read_text(struct rest_call *call, struct codec_json object, const char *name,
                        struct slice *text)
{
    const struct codec_json value = codec_json_get(object, name);
    *text = SLICE_EMPTY;
    if (rest_read_is_absent(value) || codec_json_string(value, text)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID, "Validation error: '%s' must be a text", name);
}

enum err rest_read_id(struct rest_call *call, struct codec_json object, const char *name,
                      struct uuid *id)
{
    const struct codec_json value = codec_json_get(object, name);
    struct slice text;
    *id = uuid_null;
    if (rest_read_is_absent(value)) {
        return ERR_OK;
    }
    if (codec_json_is(value, CODEC_JSON_OBJECT) &&
        codec_json_string(codec_json_get(value, "id"), &text) && uuid_parse(text, id)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID, "Validation error: '%s' must hold an id", name);
}

enum err rest_read_boolean(struct rest_call *call, struct codec_json object, const char *name,
                           bool *value)
{
    const struct codec_json member = codec_json_get(object, name);
    if (rest_read_is_absent(member) || codec_json_boolean(member, value)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID, "Validation error: '%s' must be true or false",
                            name);
}

enum err rest_read_object(struct rest_call *call, struct codec_json object, const char *name,
                          struct codec_json *member)
{
    *member = codec_json_get(object, name);
    if (rest_read_is_absent(*member)) {
        *member = (struct codec_json){NULL};
        return ERR_OK;
    }
    return codec_json_is(*member, CODEC_JSON_OBJECT)
               ? ERR_OK
               : rest_call_refuse(call, ERR_INVALID, "Validation error: '%s' must be an object",
                                  name);
}

enum err rest_read_choice(struct rest_call *call, struct codec_json object, const char *name,
                          const char *const *served, unsigned count, struct slice *value)
{
    const enum err err = rest_read_text(call, object, name, value);
    if (err != ERR_OK || value->ptr == NULL) {
        return err;
    }
    for (unsigned i = 0; i < count; i++) {
        if (slice_equal(*value, slice_text(served[i]))) {
            return ERR_OK;
        }
    }
    return rest_call_refuse(call, ERR_INVALID,
                            "Validation error: '%s' %.*s is not supported by this version", name,
                            SLICE_ARGS(slice_sub(*value, 0, 64)));
}

enum err rest_read_power(struct rest_call *call, struct codec_json object)
{
    static const char *const modes[] = {"DRX", "E_DRX", "PSM"};
    static const char *const times[] = {"psmActivityTimer", "edrxCycle",
                                        "pagingTransmissionWindow"};
    struct slice mode;
    bool given = false;
    int64_t time_ms = 0;
    enum err err = rest_read_choice(call, object, "powerMode", modes, 3, &mode);
    for (unsigned i = 0; err == ERR_OK && i < sizeof(times) / sizeof(times[0]); i++) {
        err = rest_read_int(call, object, times[i], &given, &time_ms);
    }
    return err;
}

enum err rest_read_contact(struct rest_call *call, struct codec_json object,
                           struct model_contact *contact)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < MODEL_CONTACT_FIELDS; i++) {
        err = rest_read_text(call, object, rest_write_contact_names[i], &contact->fields[i]);
    }
    return err;
}

enum err rest_read_json(struct rest_call *call, struct codec_json object, const char *name,
                        struct slice *json)
{
    const struct codec_json value = codec_json_get(object, name);
    *json = SLICE_EMPTY;
    if (rest_read_is_absent(value)) {
        return ERR_OK;
    }
    // Compact text is never longer than what it was read from.
    const size_t size = call->request->body.len + 1;
    const size_t mark = arena_mark(call->request->memory);
    void *memory = arena_take(call->request->memory, size);
    if (memory == NULL) {
        return ERR_TOO_LARGE;
    }
    struct buf out = buf_over(memory, size);
    codec_json_write(value, &out);
    if (NEVER(out.overflow)) {
        return ERR_TOO_LARGE;
    }
    // What the text did not need is given back.
    arena_rewind(call->request->memory, mark);
    *json = slice_of(arena_take(call->request->memory, out.len), out.len);
    ASSERT(json->ptr == memory);
    return ERR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

// A name that stands twice in this object, if there is one.
static enum err find_twice(struct arena *memory, struct codec_json object, struct slice *twice)
{
    const size_t mark = arena_mark(memory);
    struct codec_json_walk walk = codec_json_walk_over(object);
    struct codec_json value;
    size_t count = 0;
    struct slice *names =
        arena_take_array(memory, (size_t)codec_json_count(object) + 1, sizeof(*names));
    if (names == NULL) {
        return ERR_TOO_LARGE;
    }
    while (codec_json_walk_next(&walk, &names[count], &value)) {
        count++;
    }
    qsort(names, count, sizeof(*names), by_bytes);
    for (size_t i = 1; i < count; i++) {
        if (slice_equal(names[i - 1], names[i])) {
            *twice = names[i];
        }
    }
    arena_rewind(memory, mark);
    return ERR_OK;
}

// The same for every object within.
static enum err find_twice_within(struct arena *memory, struct codec_json value,
                                  struct slice *twice)
{
    struct codec_json_walk open[CODEC_JSON_DEPTH_MAX];
    struct slice name;
    enum err err = ERR_OK;
    unsigned depth = 0;
    do {
        const bool is_object = codec_json_is(value, CODEC_JSON_OBJECT);
        err = is_object ? find_twice(memory, value, twice) : ERR_OK;
        if (is_object || codec_json_is(value, CODEC_JSON_ARRAY)) {
            ASSERT(depth < CODEC_JSON_DEPTH_MAX);
            open[depth++] = codec_json_walk_over(value);
        }
        while (depth > 0 && !codec_json_walk_next(&open[depth - 1], &name, &value)) {
            depth--;
        }
    } while (err == ERR_OK && twice->ptr == NULL && depth > 0);
    return err;
}

enum err rest_read_stored(struct rest_call *call, struct codec_json object, const char *name,
                          struct slice *json)
{
    struct slice twice = SLICE_EMPTY;
    const struct codec_json value = codec_json_get(object, name);
    enum err err = ERR_OK;
    if (codec_json_exists(value)) {
        err = find_twice_within(call->request->memory, value, &twice);
    }
    if (err == ERR_OK && twice.ptr != NULL) {
        return rest_call_refuse(call, ERR_INVALID,
                                "Validation error: '%s' has a member '%.*s' twice in one object",
                                name, SLICE_ARGS(slice_sub(twice, 0, 64)));
    }
    return err == ERR_OK ? rest_read_json(call, object, name, json) : err;
}

enum err rest_read_unserved(struct rest_call *call, struct codec_json object, const char *name)
{
    return rest_read_is_absent(codec_json_get(object, name))
               ? ERR_OK
               : rest_call_refuse(call, ERR_INVALID,
                                  "Validation error: '%s' is not supported by this version", name);
}

enum err rest_read_int(struct rest_call *call, struct codec_json object, const char *name,
                       bool *given, int64_t *value)
{
    const struct codec_json member = codec_json_get(object, name);
    *given = !rest_read_is_absent(member);
    *value = 0;
    if (!*given || codec_json_int64(member, value)) {
        return ERR_OK;
    }
    return rest_call_refuse(call, ERR_INVALID, "Validation error: '%s' must be a whole number",
                            name);
}
