// What a query found, as EntityData (server-api.md 5.3).
#include "rest/query_priv.h"
#include "rest/write.h"

// The order in which the kinds of keys are written.
static const enum core_query_key_kind kinds[] = {CORE_QUERY_FIELD,     CORE_QUERY_SERIES,
                                                 CORE_QUERY_ATTRIBUTE, CORE_QUERY_CLIENT,
                                                 CORE_QUERY_SHARED,    CORE_QUERY_SERVER};

void rest_query_begin_entity(struct codec_json_writer *writer, const struct uuid *id)
{
    codec_json_begin_object(writer);
    rest_write_id(writer, "entityId", "DEVICE", id);
    codec_json_name(writer, SLICE("latest"));
    codec_json_begin_object(writer);
}

static void put_cell(struct codec_json_writer *writer, const struct core_query_key *key,
                     const struct core_query_cell *cell)
{
    static const struct model_value nothing = {.type = MODEL_VALUE_STRING};
    codec_json_name(writer, key->name);
    codec_json_begin_object(writer);
    codec_json_field_int64(writer, "ts", cell->is_there ? cell->at_ms : 0);
    codec_json_name(writer, SLICE("value"));
    codec_json_put_value_text(writer, cell->is_there ? &cell->value : &nothing);
    if (key->kind == CORE_QUERY_SERIES) {
        codec_json_field_null(writer, "count");
    }
    codec_json_end_object(writer);
}

void rest_query_put_latest(struct codec_json_writer *writer, const struct core_query_key *keys,
                           const struct core_query_cell *cells, const bool *only, uint32_t count)
{
    for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        bool is_open = false;
        for (uint32_t i = 0; i < count; i++) {
            if (keys[i].kind != kinds[k] || (only != NULL && !only[i])) {
                continue;
            }
            if (!is_open) {
                codec_json_name(writer, slice_text(rest_query_kind_name(kinds[k])));
                codec_json_begin_object(writer);
                is_open = true;
            }
            put_cell(writer, &keys[i], &cells[i]);
        }
        if (is_open) {
            codec_json_end_object(writer);
        }
    }
}

void rest_query_begin_series(struct codec_json_writer *writer)
{
    codec_json_end_object(writer);
    codec_json_name(writer, SLICE("timeseries"));
    codec_json_begin_object(writer);
}

void rest_query_end_entity(struct codec_json_writer *writer)
{
    codec_json_end_object(writer);
    codec_json_name(writer, SLICE("aggLatest"));
    codec_json_begin_object(writer);
    codec_json_end_object(writer);
    codec_json_end_object(writer);
}
