#include "rest/live_frame.h"

#include "rest/error.h"
#include "rest/live.h"

void rest_live_frame_begin(struct codec_json_writer *writer, int64_t command, bool is_count,
                           int code, const char *error)
{
    codec_json_begin_object(writer);
    codec_json_field_int64(writer, "cmdId", command);
    codec_json_field_int64(writer, "errorCode", code);
    if (error == NULL) {
        codec_json_field_null(writer, "errorMsg");
    } else {
        char memory[sizeof(struct core_problem) * 3];
        struct buf clean = buf_over(memory, sizeof(memory));
        rest_error_put_clean(&clean, slice_text(error));
        codec_json_field_string(writer, "errorMsg", buf_view(&clean));
    }
    codec_json_field_string(writer, "cmdUpdateType",
                            is_count ? SLICE("COUNT_DATA") : SLICE("ENTITY_DATA"));
}

void rest_live_frame_end(struct codec_json_writer *writer)
{
    codec_json_field_int64(writer, "allowedEntities", REST_LIVE_ENTITIES);
    codec_json_end_object(writer);
}

void rest_live_frame_begin_update(struct codec_json_writer *writer)
{
    codec_json_field_null(writer, "data");
    codec_json_name(writer, SLICE("update"));
    codec_json_begin_array(writer);
}

void rest_live_frame_end_update(struct codec_json_writer *writer)
{
    codec_json_end_array(writer);
    rest_live_frame_end(writer);
}

void rest_live_frame_write_error(struct buf *out, int64_t command, bool is_count, int code,
                                 const char *error)
{
    out->len = 0;
    out->overflow = false;
    struct codec_json_writer writer = codec_json_writer_over(out);
    rest_live_frame_begin(&writer, command, is_count, code, error);
    if (is_count) {
        codec_json_field_int64(&writer, "count", 0);
        codec_json_end_object(&writer);
    } else {
        codec_json_field_null(&writer, "data");
        codec_json_field_null(&writer, "update");
        rest_live_frame_end(&writer);
    }
}

void rest_live_frame_put_point(struct codec_json_writer *writer, const struct store_point *point)
{
    codec_json_begin_object(writer);
    codec_json_field_int64(writer, "ts", point->time_ms);
    codec_json_name(writer, SLICE("value"));
    codec_json_put_value_text(writer, &point->value);
    codec_json_end_object(writer);
}
