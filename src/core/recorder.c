#include "core/recorder.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"

#define TOKEN_SHOWN 4U
#define CUT_MARK "..."

struct core_recorder {
    struct core_record record; // the one being filled
    int64_t now_us;
    int64_t begun_us;
    struct tape *tape;
};

static_assert(offsetof(struct core_record, texts) == TAPE_PART_SIZE, "one slot without texts");
static_assert(sizeof(struct core_record) == TAPE_RECORD_MAX, "a record fits the tape");

static size_t head_size(void)
{
    return (sizeof(struct core_recorder) + 63U) & ~(size_t)63U;
}

size_t core_recorder_footprint(size_t bytes)
{
    return head_size() + tape_footprint(bytes);
}

struct core_recorder *core_recorder_init(void *memory, size_t bytes, int64_t now_us)
{
    struct core_recorder *recorder = memory;
    recorder->begun_us = now_us;
    recorder->now_us = now_us;
    recorder->tape = tape_init((uint8_t *)memory + head_size(), bytes);
    return recorder;
}

const struct tape *core_recorder_tape(const struct core_recorder *recorder, int64_t *begun_us)
{
    *begun_us = recorder->begun_us;
    return recorder->tape;
}

void core_recorder_turn(struct core_recorder *recorder, int64_t now_us)
{
    if (recorder != NULL) {
        recorder->now_us = now_us;
    }
}

struct core_record *core_recorder_begin(struct core_recorder *recorder, enum core_record_kind kind)
{
    if (recorder == NULL) {
        return NULL;
    }
    memset(&recorder->record, 0, TAPE_PART_SIZE);
    recorder->record.at_us = recorder->now_us;
    recorder->record.kind = (uint8_t)kind;
    recorder->record.content_format = CORE_RECORD_FORMAT_NONE;
    return &recorder->record;
}

static size_t used(const struct core_record *record)
{
    return (size_t)record->address_len + record->path_len + record->body_len + record->reason_len;
}

void core_recorder_end(struct core_recorder *recorder)
{
    tape_write(recorder->tape, &recorder->record, TAPE_PART_SIZE + used(&recorder->record));
}

void core_record_put_peer(struct core_record *record, const struct address *peer)
{
    ASSERT(used(record) == 0);
    record->port = peer->port;
    record->address_len = sizeof(peer->ip);
    memcpy(record->texts, peer->ip, sizeof(peer->ip));
}

// Behind the texts so far, as much as `max` and the record have room for.
static struct buf behind(struct core_record *record, size_t max)
{
    const size_t room = sizeof(record->texts) - used(record);
    return buf_over(record->texts + used(record), max < room ? max : room);
}

// As much of it as there is room for. False if something is missing. A path is many short pieces,
// so this is worth more than a call of buf_put.
static inline bool put(struct buf *out, struct slice text)
{
    const size_t room = buf_room(out);
    const size_t len = text.len <= room ? text.len : room;
    if (len > 0) {
        memcpy(out->ptr + out->len, text.ptr, len);
        out->len += len;
    }
    return len == text.len;
}

static bool holds(struct slice whole, struct slice view)
{
    return view.ptr != NULL && view.ptr >= whole.ptr &&
           view.ptr + view.len <= whole.ptr + whole.len;
}

static bool put_segment(struct buf *out, struct slice segment, struct slice token)
{
    if (!holds(segment, token)) {
        return put(out, segment);
    }
    const size_t before = (size_t)(token.ptr - segment.ptr);
    const size_t shown = token.len >= 2 * (size_t)TOKEN_SHOWN ? TOKEN_SHOWN : 0;
    return put(out, slice_sub(segment, 0, before)) && put(out, slice_sub(token, 0, shown)) &&
           put(out, SLICE(CUT_MARK)) &&
           put(out, slice_sub(segment, before + token.len, segment.len));
}

static void set_path(struct core_record *record, const struct buf *path, bool is_whole)
{
    record->path_len = (uint8_t)(record->path_len + path->len);
    record->flags |= is_whole ? 0 : CORE_RECORD_PATH_CUT;
}

void core_record_put_path(struct core_record *record, const struct slice *path, unsigned path_count,
                          struct slice token)
{
    struct buf out = behind(record, CORE_RECORD_PATH_MAX);
    bool is_whole = true;
    for (unsigned i = 0; is_whole && i < path_count; i++) {
        const bool is_split = path[i].len > 0 && path[i].ptr[0] == '/';
        is_whole = (is_split || put(&out, SLICE("/"))) && put_segment(&out, path[i], token);
    }
    set_path(record, &out, is_whole);
}

void core_record_put_query(struct core_record *record, const struct slice *query,
                           unsigned query_count)
{
    ASSERT(record->body_len == 0);
    struct buf out = behind(record, CORE_RECORD_PATH_MAX - record->path_len);
    bool is_whole = (record->flags & CORE_RECORD_PATH_CUT) == 0;
    for (unsigned i = 0; is_whole && i < query_count; i++) {
        is_whole = put(&out, i == 0 ? SLICE("?") : SLICE("&")) && put(&out, query[i]);
    }
    set_path(record, &out, is_whole);
}

void core_record_put_body(struct core_record *record, struct slice body)
{
    struct buf out = behind(record, CORE_RECORD_BODY_MAX);
    (void)put(&out, body);
    record->size = (uint32_t)body.len;
    record->body_len = (uint8_t)out.len;
}

void core_record_put_reason(struct core_record *record, struct slice reason)
{
    struct buf out = behind(record, UINT8_MAX);
    (void)put(&out, reason);
    record->reason_len = (uint8_t)out.len;
}

bool core_record_peer(const struct core_record *record, struct address *peer)
{
    *peer = (struct address){.port = record->port};
    if (record->address_len != sizeof(peer->ip)) {
        return false;
    }
    memcpy(peer->ip, record->texts, sizeof(peer->ip));
    return true;
}

struct slice core_record_path(const struct core_record *record)
{
    return slice_of(record->texts + record->address_len, record->path_len);
}

struct slice core_record_body(const struct core_record *record)
{
    return slice_of(record->texts + record->address_len + record->path_len, record->body_len);
}

struct slice core_record_reason(const struct core_record *record)
{
    return slice_of(record->texts + record->address_len + record->path_len + record->body_len,
                    record->reason_len);
}

size_t core_recorder_used(const struct core_recorder *recorder)
{
    return recorder != NULL ? tape_used(recorder->tape) : 0;
}
