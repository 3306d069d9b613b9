#include "cli/read.h"

struct codec_json cli_read_member(struct codec_json object, const char *name)
{
    return codec_json_is(object, CODEC_JSON_OBJECT) ? codec_json_get(object, name)
                                                    : (struct codec_json){NULL};
}

struct slice cli_read_text(struct codec_json object, const char *name)
{
    struct slice text = SLICE_EMPTY;
    const struct codec_json member = cli_read_member(object, name);
    return codec_json_exists(member) && codec_json_string(member, &text) ? text : SLICE_EMPTY;
}

int64_t cli_read_number(struct codec_json object, const char *name)
{
    int64_t number = 0;
    const struct codec_json member = cli_read_member(object, name);
    return codec_json_exists(member) && codec_json_int64(member, &number) ? number : 0;
}

bool cli_read_truth(struct codec_json object, const char *name)
{
    bool truth = false;
    const struct codec_json member = cli_read_member(object, name);
    return codec_json_exists(member) && codec_json_boolean(member, &truth) && truth;
}

void cli_read_word(struct arena *memory, struct slice word, struct codec_json_writer *writer)
{
    struct codec_json value;
    struct err_place place;
    if (codec_json_parse(memory, word, false, &value, &place) == ERR_OK) {
        codec_json_put_raw(writer, word);
    } else {
        codec_json_put_string(writer, word);
    }
}
