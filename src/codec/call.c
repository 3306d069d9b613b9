#include "codec/call.h"

#include "codec/scratch.h"

static enum err write_text(struct arena *arena, struct codec_json value, struct slice *text)
{
    struct buf out = codec_scratch_open(arena);
    codec_json_write(value, &out);
    *text = codec_scratch_close(arena, &out);
    return text->ptr != NULL ? ERR_OK : ERR_EXHAUSTED;
}

static enum err read_method(struct arena *arena, struct codec_json value, struct slice *method)
{
    if (!codec_json_exists(value)) {
        return ERR_INVALID;
    }
    switch (codec_json_type(value)) {
    case CODEC_JSON_STRING:
        return codec_json_string(value, method) ? ERR_OK : ERR_INVALID;
    case CODEC_JSON_NUMBER:
    case CODEC_JSON_BOOLEAN:
        return write_text(arena, value, method);
    case CODEC_JSON_NULL:
    case CODEC_JSON_ARRAY:
    case CODEC_JSON_OBJECT:
        break;
    }
    return ERR_INVALID;
}

enum err codec_call_read(struct arena *arena, struct codec_json object, struct codec_call *call)
{
    const struct codec_json params = codec_json_get(object, "params");
    const enum err err = read_method(arena, codec_json_get(object, "method"), &call->method);
    call->params = SLICE_EMPTY;
    if (err != ERR_OK || !codec_json_exists(params) || codec_json_is(params, CODEC_JSON_NULL)) {
        return err;
    }
    return write_text(arena, params, &call->params);
}
