// What people send over a WebSocket: log-ins and commands (server-api.md 5.1).
#include "rest/live_command.h"

#include <stdlib.h>

#include "rest/live_priv.h"
#include "rest/shape.h"

static const struct {
    const char *name;
    enum core_aggregation aggregation;
} aggregations[] = {
    {"NONE", CORE_AGGREGATION_NONE}, {"MIN", CORE_AGGREGATION_MIN},
    {"MAX", CORE_AGGREGATION_MAX},   {"AVG", CORE_AGGREGATION_AVG},
    {"SUM", CORE_AGGREGATION_SUM},   {"COUNT", CORE_AGGREGATION_COUNT},
};

bool rest_live_command_aggregation(struct slice name, enum core_aggregation *aggregation)
{
    *aggregation = CORE_AGGREGATION_NONE;
    for (unsigned i = 0; i < sizeof(aggregations) / sizeof(aggregations[0]); i++) {
        if (slice_equal(name, slice_text(aggregations[i].name))) {
            *aggregation = aggregations[i].aggregation;
            return true;
        }
    }
    return name.len == 0;
}

uint32_t rest_live_command_limit(int64_t limit)
{
    const int64_t given = limit <= 0 ? LIVE_LIMIT_USUAL : limit;
    return (uint32_t)(given > LIVE_LIMIT_MOST ? LIVE_LIMIT_MOST : given);
}

#define DEVICE_MEMBERS                                                                             \
    {"type", CODEC_JSON_STRING}, {"cmdId", CODEC_JSON_NUMBER}, {"entityType", CODEC_JSON_STRING},  \
        {"entityId", CODEC_JSON_STRING},                                                           \
    {                                                                                              \
        "keys", CODEC_JSON_STRING                                                                  \
    }
#define SERIES_MEMBERS                                                                             \
    {"startTs", CODEC_JSON_NUMBER}, {"interval", CODEC_JSON_NUMBER}, {"limit", CODEC_JSON_NUMBER}, \
    {                                                                                              \
        "agg", CODEC_JSON_STRING                                                                   \
    }

static const struct rest_member attribute_members[] = {
    DEVICE_MEMBERS, {"scope", CODEC_JSON_STRING}, {"unsubscribe", CODEC_JSON_BOOLEAN}, {NULL, 0}};
static const struct rest_member series_members[] = {DEVICE_MEMBERS,
                                                    SERIES_MEMBERS,
                                                    {"scope", CODEC_JSON_STRING},
                                                    {"timeWindow", CODEC_JSON_NUMBER},
                                                    {"unsubscribe", CODEC_JSON_BOOLEAN},
                                                    {NULL, 0}};
static const struct rest_member history_members[] = {
    DEVICE_MEMBERS, SERIES_MEMBERS, {"endTs", CODEC_JSON_NUMBER}, {NULL, 0}};

static const struct {
    const char *array; // at the older path; NULL: there is none
    const char *type;  // in `cmds`
    enum live_command_kind kind;
    const struct rest_member *members; // of commands about one device
} kinds[] = {
    {"attrSubCmds", "ATTRIBUTES", LIVE_ATTRIBUTES, attribute_members},
    {"tsSubCmds", "TIMESERIES", LIVE_SERIES, series_members},
    {"historyCmds", "TIMESERIES_HISTORY", LIVE_HISTORY, history_members},
    {"entityDataCmds", "ENTITY_DATA", LIVE_ENTITIES, NULL},
    {"entityDataUnsubscribeCmds", "ENTITY_DATA_UNSUBSCRIBE", LIVE_ENTITIES_END, NULL},
    {"entityCountCmds", "ENTITY_COUNT", LIVE_COUNT, NULL},
    {"entityCountUnsubscribeCmds", "ENTITY_COUNT_UNSUBSCRIBE", LIVE_COUNT_END, NULL},
    {"alarmDataCmds", "ALARM_DATA", LIVE_UNSERVED, NULL},
    {"alarmDataUnsubscribeCmds", "ALARM_DATA_UNSUBSCRIBE", LIVE_UNSERVED, NULL},
    {"alarmCountCmds", "ALARM_COUNT", LIVE_UNSERVED, NULL},
    {"alarmCountUnsubscribeCmds", "ALARM_COUNT_UNSUBSCRIBE", LIVE_UNSERVED, NULL},
    {NULL, "ALARM_STATUS", LIVE_UNSERVED, NULL},
    {NULL, "ALARM_STATUS_UNSUBSCRIBE", LIVE_UNSERVED, NULL},
    {NULL, "NOTIFICATIONS", LIVE_UNSERVED, NULL},
    {NULL, "NOTIFICATIONS_COUNT", LIVE_UNSERVED, NULL},
    {NULL, "NOTIFICATIONS_UNSUBSCRIBE", LIVE_UNSERVED, NULL},
    {NULL, "MARK_NOTIFICATIONS_AS_READ", LIVE_UNSERVED, NULL},
    {NULL, "MARK_ALL_NOTIFICATIONS_AS_READ", LIVE_UNSERVED, NULL},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

// The commands of a message.
struct reading {
    struct arena *memory;
    struct live_command *commands;
    uint32_t count;
    uint32_t room;
};

// Members of a command about one device.
static enum err read_simple(struct codec_json object, struct live_command *command)
{
    struct core_problem *problem = &command->problem;
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {{"startTs", &command->start_ms},
                   {"timeWindow", &command->window_ms},
                   {"endTs", &command->end_ms},
                   {"interval", &command->interval_ms},
                   {"limit", &command->limit}};
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        err = rest_shape_int(problem, object, "", numbers[i].name, 0, numbers[i].value);
    }
    command->entity_type = rest_shape_text(object, "entityType");
    command->entity = rest_shape_text(object, "entityId");
    command->keys = rest_shape_text(object, "keys");
    command->scope = rest_shape_text(object, "scope");
    command->aggregation = rest_shape_text(object, "agg");
    command->is_end = rest_shape_boolean(object, "unsubscribe");
    command->limit = rest_live_command_limit(command->limit);
    return err;
}

// ERR_SYNTAX: not even whose command it is can be told.
static enum err read_command(struct reading *reading, unsigned kind, struct codec_json object)
{
    ASSERT(reading->count < reading->room);
    struct live_command *command = &reading->commands[reading->count];
    struct core_problem *problem = &command->problem;
    *command = (struct live_command){.kind = kinds[kind].kind};
    if (!codec_json_is(object, CODEC_JSON_OBJECT)) {
        return ERR_SYNTAX;
    }
    enum err err = rest_shape_int(problem, object, "", "cmdId", 0, &command->id);
    if (err == ERR_OK && kinds[kind].members != NULL) {
        err = rest_shape_check(problem, object, "", kinds[kind].members, true);
        err = err == ERR_OK ? read_simple(object, command) : err;
    } else if (err == ERR_OK && command->kind != LIVE_UNSERVED) {
        rest_live_entity_read(reading->memory, object, command);
    }
    reading->count++;
    return err;
}

static enum err make_room(struct reading *reading, uint32_t count)
{
    reading->commands =
        arena_take_array(reading->memory, (size_t)count + 1, sizeof(*reading->commands));
    reading->room = count;
    return reading->commands != NULL ? ERR_OK : ERR_EXHAUSTED;
}

static uint32_t count_commands(struct codec_json root)
{
    struct codec_json_walk walk = codec_json_walk_over(root);
    struct codec_json array;
    struct slice name;
    uint32_t count = 0;
    while (codec_json_walk_next(&walk, &name, &array)) {
        count += codec_json_is(array, CODEC_JSON_ARRAY) ? codec_json_count(array) : 0;
    }
    return count;
}

// {"attrSubCmds":[..],"tsSubCmds":[..],...}
static enum err read_arrays(struct reading *reading, struct codec_json root)
{
    struct codec_json_walk walk = codec_json_walk_over(root);
    struct codec_json array;
    struct slice name;
    enum err err = make_room(reading, count_commands(root));
    while (err == ERR_OK && codec_json_walk_next(&walk, &name, &array)) {
        unsigned at = 0;
        while (at < KIND_COUNT &&
               !(kinds[at].array != NULL && slice_equal(name, slice_text(kinds[at].array)))) {
            at++;
        }
        const bool is_absent = codec_json_is(array, CODEC_JSON_NULL);
        if (at == KIND_COUNT || (!is_absent && !codec_json_is(array, CODEC_JSON_ARRAY))) {
            return ERR_SYNTAX;
        }
        if (is_absent) {
            continue;
        }
        struct codec_json_walk items = codec_json_walk_over(array);
        struct codec_json item;
        struct slice unnamed;
        while (err == ERR_OK && codec_json_walk_next(&items, &unnamed, &item)) {
            err = read_command(reading, at, item);
        }
    }
    return err;
}

// {"type":"ATTRIBUTES",...}, each in `cmds`.
static enum err read_typed(struct reading *reading, struct codec_json root)
{
    const struct codec_json cmds = codec_json_get(root, "cmds");
    if (!rest_shape_has(root, "cmds")) {
        return ERR_OK;
    }
    struct codec_json_walk walk = codec_json_walk_over(cmds);
    struct codec_json item;
    struct slice unnamed;
    enum err err = make_room(reading, codec_json_count(cmds));
    while (err == ERR_OK && codec_json_walk_next(&walk, &unnamed, &item)) {
        struct slice type = SLICE_EMPTY;
        if (codec_json_is(item, CODEC_JSON_OBJECT)) {
            (void)!codec_json_string(codec_json_get(item, "type"), &type);
        }
        unsigned at = 0;
        while (at < KIND_COUNT && !slice_equal(type, slice_text(kinds[at].type))) {
            at++;
        }
        err = at < KIND_COUNT ? read_command(reading, at, item) : ERR_SYNTAX;
    }
    return err;
}

static void run_one(struct rest_live *live, struct live_session *session,
                    const struct live_command *command)
{
    switch (command->kind) {
    case LIVE_ATTRIBUTES:
    case LIVE_SERIES:
        rest_live_simple_subscribe(live, session, command);
        return;
    case LIVE_HISTORY:
        rest_live_simple_history(live, session, command);
        return;
    case LIVE_ENTITIES:
    case LIVE_ENTITIES_END:
    case LIVE_COUNT:
    case LIVE_COUNT_END:
        rest_live_entity_run(live, session, command);
        return;
    case LIVE_UNSERVED:
        rest_live_send_error(live, session, command->id, LIVE_CODE_BAD_REQUEST,
                             "This version does not serve this command");
        return;
    }
}

static void refuse_payload(struct rest_live *live, struct live_session *session)
{
    rest_live_send_error(live, session, 1, LIVE_CODE_BAD_REQUEST, "Failed to parse the payload");
}

// False when a command cannot be parsed; that is told, and nothing runs.
static bool check(struct rest_live *live, struct live_session *session,
                  const struct reading *reading)
{
    bool is_parsed = true;
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct live_command *command = &reading->commands[i];
        if (command->err == ERR_SYNTAX) {
            rest_live_entity_refuse(live, session, command, LIVE_CODE_BAD_REQUEST,
                                    command->problem.text);
            is_parsed = false;
        }
    }
    return is_parsed;
}

static void run_commands(struct rest_live *live, struct live_session *session,
                         struct codec_json root)
{
    struct reading reading = {.memory = &live->arena};
    const enum err err =
        session->is_wrapped ? read_typed(&reading, root) : read_arrays(&reading, root);
    if (err == ERR_EXHAUSTED) {
        rest_live_send_error(live, session, 1, LIVE_CODE_INTERNAL, "Internal Server error!");
        return;
    }
    if (err != ERR_OK) {
        refuse_payload(live, session);
        return;
    }
    if (!check(live, session, &reading)) {
        return;
    }
    for (uint32_t i = 0; i < reading.count; i++) {
        const size_t mark = arena_mark(&live->arena);
        run_one(live, session, &reading.commands[i]);
        arena_rewind(&live->arena, mark);
    }
}

// {"authCmd":{..},"cmds":[..]}
static bool has_wrapper_shape(struct codec_json root)
{
    static const struct rest_member members[] = {
        {"authCmd", CODEC_JSON_OBJECT}, {"cmds", CODEC_JSON_ARRAY}, {NULL, 0}};
    static const struct rest_member auth_members[] = {{"type", CODEC_JSON_STRING},
                                                      {"cmdId", CODEC_JSON_NUMBER},
                                                      {"token", CODEC_JSON_STRING},
                                                      {NULL, 0}};
    struct core_problem problem;
    return rest_shape_check(&problem, root, "", members, true) == ERR_OK &&
           (!rest_shape_has(root, "authCmd") ||
            rest_shape_check(&problem, codec_json_get(root, "authCmd"), "", auth_members, true) ==
                ERR_OK);
}

// False when the connection is closed.
static bool authenticate(struct rest_live *live, struct live_session *session,
                         struct codec_json root)
{
    if (rest_shape_has(root, "authCmd")) {
        const struct slice token = rest_shape_text(codec_json_get(root, "authCmd"), "token");
        if (rest_live_log_in(live, session, token) != ERR_OK) {
            http_socket_close(session->socket, HTTP_SOCKET_NOT_TEXT, "The token is not valid");
            return false;
        }
    }
    if (!session->is_logged_in) {
        http_socket_close(session->socket, HTTP_SOCKET_POLICY, "Auth cmd is missing");
    }
    return session->is_logged_in;
}

void rest_live_command_run(struct rest_live *live, struct live_session *session, struct slice text)
{
    struct err_place place = {NULL, 0};
    struct codec_json root;
    const enum err err = codec_json_parse(&live->arena, text, false, &root, &place);
    const bool is_parsed = err == ERR_OK && codec_json_is(root, CODEC_JSON_OBJECT) &&
                           (!session->is_wrapped || has_wrapper_shape(root));
    if (!is_parsed && session->is_logged_in) {
        refuse_payload(live, session);
    } else if (!is_parsed) {
        http_socket_close(session->socket, HTTP_SOCKET_POLICY, "Auth cmd is missing");
    } else if (!session->is_wrapped || authenticate(live, session, root)) {
        run_commands(live, session, root);
    }
}
