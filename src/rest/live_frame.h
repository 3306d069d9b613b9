// rest/live_frame.h: the frames that tell about entities (server-api.md 5.3). Private to
// `rest/live`.
#pragma once

#include "codec/json.h"
#include "core/series.h"

// {"cmdId":..,"errorCode":..,"errorMsg":..,"cmdUpdateType":.. and what follows of it.
void rest_live_frame_begin(struct codec_json_writer *writer, int64_t command, bool is_count,
                           int code, const char *error);
// "data":null,"update":[ ; entities may follow, then rest_live_frame_end_update.
void rest_live_frame_begin_update(struct codec_json_writer *writer);
void rest_live_frame_end_update(struct codec_json_writer *writer);
// "allowedEntities":..}, behind `data` and `update`.
void rest_live_frame_end(struct codec_json_writer *writer);
// {"ts":..,"value":".."}
void rest_live_frame_put_point(struct codec_json_writer *writer, const struct store_point *point);
// A whole frame in the place of what the buffer holds.
void rest_live_frame_write_error(struct buf *out, int64_t command, bool is_count, int code,
                                 const char *error);
