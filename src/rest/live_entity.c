// Commands about entities (server-api.md 5.3): queries whose findings are told as they change.
#include <stdlib.h>

#include "rest/live_command.h"
#include "rest/live_frame.h"
#include "rest/live_priv.h"
#include "rest/shape.h"

static bool is_count(const struct live_command *command)
{
    return command->kind == LIVE_COUNT || command->kind == LIVE_COUNT_END;
}

void rest_live_entity_refuse(struct rest_live *live, struct live_session *session,
                             const struct live_command *command, int code, const char *text)
{
    struct buf out = buf_over(live->out, LIVE_OUT_SIZE);
    rest_live_frame_write_error(&out, command->id, is_count(command), code, text);
    http_socket_send(session->socket, buf_view(&out));
}

// Reading.

static const struct rest_word calendars[] = {
    {"MILLISECONDS", LIVE_NO_CALENDAR}, {"WEEK", CALENDAR_WEEK},
    {"WEEK_ISO", CALENDAR_WEEK_ISO},    {"MONTH", CALENDAR_MONTH},
    {"QUARTER", CALENDAR_QUARTER},      {NULL, 0},
};

// ["temperature", ...]
static enum err read_names(struct arena *memory, struct core_problem *problem,
                           struct codec_json object, const char *place, struct live_part *part)
{
    const struct codec_json array = codec_json_get(object, "keys");
    if (!rest_shape_has(object, "keys") || codec_json_count(array) == 0) {
        return rest_shape_refuse(problem, ERR_INVALID, "Keys are empty!");
    }
    if (codec_json_count(array) > REST_LIVE_KEYS) {
        return rest_shape_refuse(problem, ERR_INVALID, "%s.keys has more than %u elements", place,
                                 REST_LIVE_KEYS);
    }
    struct core_query_key *keys = arena_take_array(memory, codec_json_count(array), sizeof(*keys));
    if (keys == NULL) {
        return ERR_EXHAUSTED;
    }
    struct codec_json_walk walk = codec_json_walk_over(array);
    struct codec_json item;
    struct slice unnamed;
    part->keys = keys;
    while (codec_json_walk_next(&walk, &unnamed, &item)) {
        struct slice name = SLICE_EMPTY;
        if (!codec_json_is(item, CODEC_JSON_STRING) || !codec_json_string(item, &name)) {
            return rest_shape_refuse(problem, ERR_SYNTAX, "%s.keys[%u] is not a text", place,
                                     part->count);
        }
        bool is_double = false;
        for (uint32_t i = 0; i < part->count; i++) {
            is_double = is_double || slice_equal(keys[i].name, name);
        }
        if (!is_double) {
            keys[part->count++] = (struct core_query_key){CORE_QUERY_SERIES, name};
        }
    }
    return ERR_OK;
}

static enum err read_interval(struct core_problem *problem, struct codec_json object,
                              const char *place, struct live_window *window)
{
    const struct slice zone = rest_shape_text(object, "timeZoneId");
    if (rest_shape_has(object, "intervalType")) {
        const enum err err =
            rest_shape_word(problem, object, place, "intervalType", calendars, &window->unit);
        if (err != ERR_OK) {
            return err;
        }
    }
    if (zone.len >= sizeof(window->zone)) {
        return rest_shape_refuse(problem, ERR_INVALID, "%s.timeZoneId is unknown", place);
    }
    memcpy(window->zone, zone.len > 0 ? zone.ptr : (const uint8_t *)"", zone.len);
    if (window->interval_ms < 0) {
        return rest_shape_refuse(problem, ERR_INVALID, "%s.interval is negative", place);
    }
    const struct core_series_range range = {.start_ms = window->start_ms,
                                            .end_ms = window->end_ms,
                                            .interval_ms = window->interval_ms > 0
                                                               ? (uint64_t)window->interval_ms
                                                               : (uint64_t)INT64_MAX};
    const uint64_t count = core_series_intervals(&range);
    const bool is_cut =
        window->aggregation != CORE_AGGREGATION_NONE && window->unit == LIVE_NO_CALENDAR;
    return is_cut && count > CORE_SERIES_INTERVALS_MAX
               ? rest_shape_refuse(problem, ERR_INVALID,
                                   "%s: %llu intervals are more than %u: take a longer 'interval' "
                                   "or a shorter range",
                                   place, (unsigned long long)count, CORE_SERIES_INTERVALS_MAX)
               : ERR_OK;
}

#define WINDOW_MEMBERS                                                                             \
    {"keys", CODEC_JSON_ARRAY}, {"startTs", CODEC_JSON_NUMBER}, {"interval", CODEC_JSON_NUMBER},   \
        {"intervalType", CODEC_JSON_STRING}, {"timeZoneId", CODEC_JSON_STRING},                    \
        {"limit", CODEC_JSON_NUMBER}, {"agg", CODEC_JSON_STRING},                                  \
    {                                                                                              \
        "fetchLatestPreviousPoint", CODEC_JSON_BOOLEAN                                             \
    }

static const struct rest_member series_members[] = {
    WINDOW_MEMBERS, {"timeWindow", CODEC_JSON_NUMBER}, {NULL, 0}};
static const struct rest_member history_members[] = {
    WINDOW_MEMBERS, {"endTs", CODEC_JSON_NUMBER}, {NULL, 0}};

// tsCmd, with a length, or historyCmd, with an end.
static enum err read_window(struct arena *memory, struct core_problem *problem,
                            struct codec_json object, const char *place, bool has_end,
                            struct live_part *part)
{
    struct live_window *window = &part->window;
    int64_t end = 0;
    int64_t limit = 0;
    *part = (struct live_part){.is_given = true, .window.unit = LIVE_NO_CALENDAR};
    enum err err =
        rest_shape_check(problem, object, place, has_end ? history_members : series_members, true);
    err = err == ERR_OK ? read_names(memory, problem, object, place, part) : err;
    err = err == ERR_OK ? rest_shape_int(problem, object, place, "startTs", 0, &window->start_ms)
                        : err;
    err = err == ERR_OK
              ? rest_shape_int(problem, object, place, has_end ? "endTs" : "timeWindow", 0, &end)
              : err;
    err = err == ERR_OK
              ? rest_shape_int(problem, object, place, "interval", 0, &window->interval_ms)
              : err;
    err = err == ERR_OK ? rest_shape_int(problem, object, place, "limit", 0, &limit) : err;
    if (err != ERR_OK) {
        return err;
    }
    if (!has_end && __builtin_add_overflow(window->start_ms, end, &end)) {
        end = INT64_MAX;
    }
    window->end_ms = end;
    window->limit = rest_live_command_limit(limit);
    window->has_previous = rest_shape_boolean(object, "fetchLatestPreviousPoint");
    if (!rest_live_command_aggregation(rest_shape_text(object, "agg"), &window->aggregation)) {
        return rest_shape_refuse(problem, ERR_INVALID, "%s.agg is unknown: '%.*s'", place,
                                 SLICE_ARGS(slice_sub(rest_shape_text(object, "agg"), 0, 32)));
    }
    return read_interval(problem, object, place, window);
}

static enum err read_latest(const struct rest_query_reader *reader, struct codec_json object,
                            struct live_part *part)
{
    static const struct rest_member members[] = {{"keys", CODEC_JSON_ARRAY}, {NULL, 0}};
    struct core_query_key *keys = NULL;
    enum err err = rest_shape_check(reader->problem, object, "latestCmd", members, true);
    err = err == ERR_OK ? rest_query_read_keys(reader, codec_json_get(object, "keys"),
                                               "latestCmd.keys", &keys, &part->count)
                        : err;
    part->is_given = true;
    part->keys = keys;
    return err;
}

static enum err refuse_aggregates(struct core_problem *problem, struct codec_json object)
{
    const char *name = rest_shape_has(object, "aggHistoryCmd") ? "aggHistoryCmd"
                       : rest_shape_has(object, "aggTsCmd")    ? "aggTsCmd"
                                                               : NULL;
    return name == NULL ? ERR_OK
                        : rest_shape_refuse(problem, ERR_UNSUPPORTED,
                                            "%s is not served by this version", name);
}

static enum err read_parts(const struct rest_query_reader *reader, struct codec_json object,
                           struct live_command *command)
{
    struct core_problem *problem = reader->problem;
    enum err err = refuse_aggregates(problem, object);
    if (err == ERR_OK && rest_shape_has(object, "latestCmd")) {
        err = read_latest(reader, codec_json_get(object, "latestCmd"), &command->latest);
    }
    if (err == ERR_OK && rest_shape_has(object, "tsCmd")) {
        err = read_window(reader->memory, problem, codec_json_get(object, "tsCmd"), "tsCmd", false,
                          &command->series);
    }
    if (err == ERR_OK && rest_shape_has(object, "historyCmd")) {
        err = read_window(reader->memory, problem, codec_json_get(object, "historyCmd"),
                          "historyCmd", true, &command->history);
    }
    return err;
}

static enum err read_query(const struct rest_query_reader *reader, struct live_command *command)
{
    struct core_find find;
    return command->kind == LIVE_COUNT
               ? rest_query_read_count(reader, command->query, &find)
               : rest_query_read(reader, command->query, &find, &command->is_dynamic);
}

void rest_live_entity_read(struct arena *memory, struct codec_json object,
                           struct live_command *command)
{
    static const struct rest_member end_members[] = {
        {"type", CODEC_JSON_STRING}, {"cmdId", CODEC_JSON_NUMBER}, {NULL, 0}};
    static const struct rest_member count_members[] = {{"type", CODEC_JSON_STRING},
                                                       {"cmdId", CODEC_JSON_NUMBER},
                                                       {"query", CODEC_JSON_OBJECT},
                                                       {NULL, 0}};
    static const struct rest_member data_members[] = {{"type", CODEC_JSON_STRING},
                                                      {"cmdId", CODEC_JSON_NUMBER},
                                                      {"query", CODEC_JSON_OBJECT},
                                                      {"latestCmd", CODEC_JSON_OBJECT},
                                                      {"tsCmd", CODEC_JSON_OBJECT},
                                                      {"historyCmd", CODEC_JSON_OBJECT},
                                                      {"aggHistoryCmd", CODEC_JSON_OBJECT},
                                                      {"aggTsCmd", CODEC_JSON_OBJECT},
                                                      {NULL, 0}};
    const struct rest_query_reader reader = {memory, &command->problem, true};
    const struct rest_member *members = command->kind == LIVE_ENTITIES ? data_members
                                        : command->kind == LIVE_COUNT  ? count_members
                                                                       : end_members;
    enum err err = rest_shape_check(&command->problem, object, "The command", members, true);
    if (err == ERR_OK && command->id < 0) {
        err = rest_shape_refuse(&command->problem, ERR_INVALID, "Cmd id is negative value!");
    }
    if (err == ERR_OK && rest_shape_has(object, "query")) {
        command->query = codec_json_get(object, "query");
        err = read_query(&reader, command);
    }
    if (err == ERR_OK && command->kind == LIVE_ENTITIES) {
        err = read_parts(&reader, object, command);
    }
    command->err = err;
}

// Running.

static struct live_list *find_list(const struct live_session *session, int64_t command)
{
    struct live_list *list = session->lists;
    while (list != NULL && (list->command != command || list->past != NULL)) {
        list = list->next;
    }
    return list;
}

static struct live_window *make_window(const struct live_part *part)
{
    struct live_window *made = malloc(sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    *made = part->window;
    made->keys = rest_live_keys_make(part->keys, part->count);
    if (made->keys == NULL) {
        free(made);
        return NULL;
    }
    return made;
}

// Puts the parts of a command in the place of those of the list. False without memory.
static bool put_parts(struct live_list *list, const struct live_command *command, unsigned *wants)
{
    bool is_taken = true;
    if (command->latest.is_given) {
        free(list->next_latest);
        list->next_latest = rest_live_keys_make(command->latest.keys, command->latest.count);
        is_taken = list->next_latest != NULL;
        *wants |= LIVE_WANTS_LATEST;
    }
    if (command->series.is_given) {
        rest_live_window_free(list->next_series);
        list->next_series = make_window(&command->series);
        is_taken = is_taken && list->next_series != NULL;
        *wants |= LIVE_WANTS_SERIES;
    }
    if (command->history.is_given) {
        rest_live_window_free(list->next_history);
        list->next_history = make_window(&command->history);
        is_taken = is_taken && list->next_history != NULL;
        *wants |= LIVE_WANTS_HISTORY;
    }
    return is_taken;
}

// False without memory, or beyond the bound.
static bool take_parts(struct rest_live *live, struct live_list *list,
                       const struct live_command *command, unsigned *wants)
{
    rest_live_cells_give(live, list->session, rest_live_list_cells(list));
    const bool is_put = put_parts(list, command, wants);
    rest_live_cells_take(live, list->session, rest_live_list_cells(list));
    return is_put && rest_live_cells_fit(live, list->session, 0);
}

static struct live_list *make_list(struct rest_live *live, struct live_session *session,
                                   const struct live_command *command)
{
    struct live_list *older = find_list(session, command->id);
    if (older != NULL) {
        rest_live_list_end(live, older);
    }
    if (session->subscription_count >= REST_LIVE_SUBSCRIPTIONS) {
        return NULL;
    }
    struct live_list *made =
        rest_live_list_make(live, session, command->id, is_count(command), command->query);
    if (made != NULL) {
        made->is_dynamic = command->is_dynamic;
    }
    return made;
}

static void start(struct rest_live *live, struct live_session *session,
                  const struct live_command *command)
{
    const bool has_query = codec_json_exists(command->query);
    struct live_list *list =
        has_query ? make_list(live, session, command) : find_list(session, command->id);
    unsigned wants = has_query ? LIVE_WANTS_QUERY : 0;
    if (list == NULL && has_query) {
        rest_live_entity_refuse(live, session, command, LIVE_CODE_INTERNAL,
                                "Too many subscriptions or keys");
        return;
    }
    if (list == NULL || list->is_count != is_count(command)) {
        rest_live_entity_refuse(live, session, command, LIVE_CODE_BAD_REQUEST,
                                "There is no query with this cmdId");
        return;
    }
    if (!take_parts(live, list, command, &wants)) {
        rest_live_list_end(live, list);
        rest_live_entity_refuse(live, session, command, LIVE_CODE_INTERNAL,
                                "Too many subscriptions or keys");
        return;
    }
    if (wants == 0) {
        rest_live_entity_refuse(live, session, command, LIVE_CODE_BAD_REQUEST,
                                "The command asks for nothing");
        return;
    }
    rest_live_list_want(live, list, wants);
}

void rest_live_entity_run(struct rest_live *live, struct live_session *session,
                          const struct live_command *command)
{
    struct live_list *list = find_list(session, command->id);
    if (command->err == ERR_EXHAUSTED) {
        rest_live_entity_refuse(live, session, command, LIVE_CODE_INTERNAL,
                                "Internal Server error!");
    } else if (command->err != ERR_OK) {
        rest_live_entity_refuse(live, session, command, LIVE_CODE_BAD_REQUEST,
                                command->problem.text);
    } else if (command->kind == LIVE_ENTITIES || command->kind == LIVE_COUNT) {
        start(live, session, command);
    } else if (list != NULL && list->is_count == is_count(command)) {
        rest_live_list_end(live, list);
    }
}
