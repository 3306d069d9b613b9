// What changed of entities that are watched: members that are marked are read again, and what they
// have new is told, all of a list in one frame.
#include "rest/live_frame.h"
#include "rest/live_priv.h"

// Members that are read before others have their turn on this thread.
#define READS_A_TURN 256U
#define RANGE_MAX 10000U
// A frame goes out when it is so long.
#define FRAME_ENOUGH (LIVE_OUT_SIZE / 4)

// A member that is looked at.
struct look {
    struct rest_live *live;
    struct live_list *list;
    struct live_member *member;
    const struct core_admin *admin;
    struct live_cell *latest; // what was sent
    struct live_cell *series;
    struct core_query_cell *cells;  // what is latest, for the keys of latestCmd
    struct core_query_cell *newest; // for those of tsCmd
    bool *has_changed;              // for the keys of latestCmd
    bool *has_points;               // for those of tsCmd
    bool is_changed;
};

static bool differs(const struct live_cell *sent, const struct core_query_cell *cell)
{
    const struct live_cell now = rest_live_cell_of(cell);
    return sent->at_ms != now.at_ms || sent->digest != now.digest;
}

static enum err read_latest(struct look *look)
{
    const struct live_keys *keys = look->list->latest;
    struct arena *memory = look->admin->memory;
    if (look->latest == NULL) {
        return ERR_OK;
    }
    look->cells = arena_take_array(memory, (size_t)keys->count + 1, sizeof(*look->cells));
    look->has_changed = arena_take_array(memory, (size_t)keys->count + 1, sizeof(bool));
    if (look->cells == NULL || look->has_changed == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err =
        core_find_read(look->admin, look->member->device, keys->items, keys->count, look->cells);
    for (uint32_t i = 0; err == ERR_OK && i < keys->count; i++) {
        // Fields are told with the query.
        look->has_changed[i] =
            keys->items[i].kind != CORE_QUERY_FIELD && differs(&look->latest[i], &look->cells[i]);
        look->is_changed = look->is_changed || look->has_changed[i];
    }
    return err;
}

static enum err read_newest(struct look *look)
{
    struct arena *memory = look->admin->memory;
    if (look->series == NULL) {
        return ERR_OK;
    }
    const struct live_keys *keys = look->list->series->keys;
    look->newest = arena_take_array(memory, (size_t)keys->count + 1, sizeof(*look->newest));
    look->has_points = arena_take_array(memory, (size_t)keys->count + 1, sizeof(bool));
    if (look->newest == NULL || look->has_points == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err =
        core_find_read(look->admin, look->member->device, keys->items, keys->count, look->newest);
    for (uint32_t i = 0; err == ERR_OK && i < keys->count; i++) {
        look->has_points[i] =
            look->newest[i].is_there && differs(&look->series[i], &look->newest[i]);
        look->is_changed = look->is_changed || look->has_points[i];
    }
    return err;
}

static bool put_point(void *context, const struct store_point *point)
{
    struct codec_json_writer *writer = context;
    rest_live_frame_put_point(writer, point);
    return !writer->out->overflow;
}

// All points since the newest that was sent, or the one that replaced it; newest first.
static void put_points(struct look *look, struct codec_json_writer *writer, uint32_t key)
{
    const struct core_query_cell *newest = &look->newest[key];
    const struct live_cell *sent = &look->series[key];
    const struct slice name = look->list->series->keys->items[key].name;
    const struct model_device device = {.number = look->member->device,
                                        .tenant = look->admin->caller->tenant};
    const bool is_range = sent->at_ms != INT64_MIN && newest->at_ms > sent->at_ms;
    const struct core_series_range range = {.key = name,
                                            .start_ms = is_range ? sent->at_ms + 1 : newest->at_ms,
                                            .end_ms = newest->at_ms + 1,
                                            .limit = RANGE_MAX,
                                            .descending = true};
    codec_json_name(writer, name);
    codec_json_begin_array(writer);
    const size_t empty_len = writer->out->len;
    const enum err err = core_series_read(look->admin, &device, &range, writer, put_point);
    if (err != ERR_OK || writer->out->len == empty_len) {
        // Only the latest is kept of it, or the range cannot be read now.
        const struct store_point point = {name, newest->at_ms, newest->value};
        (void)put_point(writer, &point);
    }
    codec_json_end_array(writer);
}

static void put_member(struct look *look, struct codec_json_writer *writer)
{
    const struct live_list *list = look->list;
    rest_query_begin_entity(writer, &look->member->id);
    if (look->cells != NULL) {
        rest_query_put_latest(writer, list->latest->items, look->cells, look->has_changed,
                              list->latest->count);
    }
    rest_query_begin_series(writer);
    for (uint32_t i = 0; look->newest != NULL && i < list->series->keys->count; i++) {
        if (look->has_points[i]) {
            put_points(look, writer, i);
        }
    }
    rest_query_end_entity(writer);
}

static void keep_sent(const struct look *look)
{
    for (uint32_t i = 0; look->cells != NULL && i < look->list->latest->count; i++) {
        if (look->has_changed[i]) {
            look->latest[i] = rest_live_cell_of(&look->cells[i]);
        }
    }
    for (uint32_t i = 0; look->newest != NULL && i < look->list->series->keys->count; i++) {
        if (look->has_points[i]) {
            look->series[i] = rest_live_cell_of(&look->newest[i]);
        }
    }
}

// Writes a member if it has anything new; what cannot be read now is read with the next change, and
// what may not be seen is not.
static bool tell_member(struct rest_live *live, struct live_list *list, struct live_member *member,
                        struct codec_json_writer *writer)
{
    struct core_problem problem = {.text = ""};
    const struct core_admin admin = rest_live_admin(live, list->session, &problem);
    const size_t at = (size_t)(member - list->members);
    struct look look = {.live = live, .list = list, .member = member, .admin = &admin};
    look.latest = list->latest_cells != NULL ? &list->latest_cells[at * list->latest->count] : NULL;
    look.series =
        list->series_cells != NULL ? &list->series_cells[at * list->series->keys->count] : NULL;
    enum err err = rest_live_may_see(live, list->session, &member->id);
    err = err == ERR_OK ? read_latest(&look) : err;
    err = err == ERR_OK ? read_newest(&look) : err;
    if (err != ERR_OK || !look.is_changed) {
        return false;
    }
    put_member(&look, writer);
    keep_sent(&look);
    return true;
}

// Tells marked members of a list until they are all told, the frame is long enough, or as many
// were read as may be.
static void tell_list(struct rest_live *live, struct live_list *list, unsigned *reads)
{
    struct buf out = buf_over(live->out, LIVE_OUT_SIZE);
    struct codec_json_writer writer = codec_json_writer_over(&out);
    unsigned told = 0;
    list->session->caller.now = live->rest->wall();
    rest_live_frame_begin(&writer, list->command, false, 0, NULL);
    rest_live_frame_begin_update(&writer);
    while (list->marked_first != NULL && *reads < READS_A_TURN && out.len < FRAME_ENOUGH) {
        struct live_member *member = list->marked_first;
        const size_t mark = arena_mark(&live->arena);
        list->marked_first = member->next_marked;
        list->marked_last = list->marked_first != NULL ? list->marked_last : NULL;
        member->is_marked = false;
        (*reads)++;
        told += tell_member(live, list, member, &writer) ? 1 : 0;
        arena_rewind(&live->arena, mark);
    }
    rest_live_frame_end_update(&writer);
    if (told > 0 && out.overflow) {
        rest_live_frame_write_error(&out, list->command, false, LIVE_CODE_INTERNAL,
                                    "The answer is too large, ask for less");
    }
    if (told > 0) {
        http_socket_send(list->session->socket, buf_view(&out));
    }
}

bool rest_live_tell_marked(struct rest_live *live)
{
    unsigned reads = 0;
    while (live->marked_first != NULL && reads < READS_A_TURN) {
        struct live_list *list = live->marked_first;
        tell_list(live, list, &reads);
        live->marked_first = list->next_marked;
        live->marked_last = live->marked_first != NULL ? live->marked_last : NULL;
        list->is_listed = false;
        if (list->marked_first != NULL) {
            rest_live_list_enlist(live, list);
        }
    }
    return live->marked_first == NULL;
}
