// What people send over a WebSocket: log-ins, subscriptions, histories (server-api.md 5.1, 5.2).
#include <stdlib.h>

#include "core/aggregate.h"
#include "rest/live_priv.h"

enum {
    CODE_INTERNAL = 1,
    CODE_BAD_REQUEST = 2,
    CODE_UNAUTHORIZED = 3,
};

#define LIMIT_USUAL 100
#define LIMIT_MOST 50000

// A command that is being read: its members with their defaults.
struct command {
    int64_t id;
    struct slice entity_type;
    struct slice entity;
    struct slice keys;
    struct slice scope;
    bool is_end; // "unsubscribe": true
    int64_t start_ms;
    int64_t window_ms;
    int64_t end_ms;
    int64_t interval_ms;
    int64_t limit;
    struct slice aggregation;
};

enum kind { KIND_ATTRIBUTES, KIND_SERIES, KIND_HISTORY, KIND_OTHER };

static const struct {
    const char *array; // at the older path
    const char *type;  // in `cmds`
    enum kind kind;
} kinds[] = {
    {"attrSubCmds", "ATTRIBUTES", KIND_ATTRIBUTES},
    {"tsSubCmds", "TIMESERIES", KIND_SERIES},
    {"historyCmds", "TIMESERIES_HISTORY", KIND_HISTORY},
    {"entityDataCmds", "ENTITY_DATA", KIND_OTHER},
    {"entityDataUnsubscribeCmds", "ENTITY_DATA_UNSUBSCRIBE", KIND_OTHER},
    {"entityCountCmds", "ENTITY_COUNT", KIND_OTHER},
    {"entityCountUnsubscribeCmds", "ENTITY_COUNT_UNSUBSCRIBE", KIND_OTHER},
    {"alarmDataCmds", "ALARM_DATA", KIND_OTHER},
    {"alarmDataUnsubscribeCmds", "ALARM_DATA_UNSUBSCRIBE", KIND_OTHER},
    {"alarmCountCmds", "ALARM_COUNT", KIND_OTHER},
    {"alarmCountUnsubscribeCmds", "ALARM_COUNT_UNSUBSCRIBE", KIND_OTHER},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static struct slice text_member(struct codec_json object, const char *name)
{
    struct slice text = SLICE_EMPTY;
    (void)!codec_json_string(codec_json_get(object, name), &text);
    return text;
}

static int64_t number_member(struct codec_json object, const char *name, int64_t otherwise)
{
    int64_t value = otherwise;
    (void)!codec_json_int64(codec_json_get(object, name), &value);
    return value;
}

static struct command read_command(struct codec_json object)
{
    struct command command = {
        .id = number_member(object, "cmdId", 0),
        .entity_type = text_member(object, "entityType"),
        .entity = text_member(object, "entityId"),
        .keys = text_member(object, "keys"),
        .scope = text_member(object, "scope"),
        .start_ms = number_member(object, "startTs", 0),
        .window_ms = number_member(object, "timeWindow", 0),
        .end_ms = number_member(object, "endTs", 0),
        .interval_ms = number_member(object, "interval", 0),
        .limit = number_member(object, "limit", 0),
        .aggregation = text_member(object, "agg"),
    };
    (void)!codec_json_boolean(codec_json_get(object, "unsubscribe"), &command.is_end);
    command.limit = command.limit <= 0 ? LIMIT_USUAL : command.limit;
    command.limit = command.limit > LIMIT_MOST ? LIMIT_MOST : command.limit;
    return command;
}

// The device that a command names, if this caller may see it; else the error is sent.
static bool find_device(struct rest_live *live, struct live_session *session,
                        const struct command *command, struct model_device *device)
{
    struct core_problem problem = {.text = ""};
    const struct core_admin admin = rest_live_admin(live, session, &problem);
    struct uuid id;
    const char *error = NULL;
    int code = CODE_BAD_REQUEST;
    if (command->id < 0) {
        error = "Cmd id is negative value!";
    } else if (command->entity.len == 0) {
        error = "Device id is empty!";
    } else if (command->entity_type.len > 0 &&
               !slice_equal(command->entity_type, SLICE("DEVICE"))) {
        error = "Only devices are watched in this version";
    } else if (!uuid_parse(command->entity, &id)) {
        error = "Device id is not valid!";
    } else if (core_device_get(&admin, &id, device) != ERR_OK) {
        code = CODE_UNAUTHORIZED;
        error = "Unauthorized";
    }
    if (error != NULL) {
        rest_live_send_error(live, session, command->id, code, error);
    }
    return error == NULL;
}

// Its own copy of the keys "a,b". False without memory, or with too many.
static bool keep_keys(struct live_subscription *subscription, struct slice keys)
{
    subscription->texts = malloc(keys.len + 1);
    subscription->keys = calloc(REST_LIVE_KEYS, sizeof(*subscription->keys));
    if (subscription->texts == NULL || subscription->keys == NULL) {
        return false;
    }
    if (keys.len > 0) {
        memcpy(subscription->texts, keys.ptr, keys.len);
    }
    struct slice rest = slice_of(subscription->texts, keys.len);
    while (rest.ptr != NULL) {
        const struct slice key = slice_cut(&rest, ',');
        if (key.len > 0 && subscription->key_count == REST_LIVE_KEYS) {
            return false;
        }
        if (key.len > 0) {
            subscription->keys[subscription->key_count++] = key;
        }
    }
    return true;
}

static struct live_subscription *make(struct live_session *session, const struct command *command,
                                      const struct model_device *device, unsigned what)
{
    struct live_subscription *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    made->session = session;
    made->command = command->id;
    made->device = *device;
    made->what = what;
    if (!keep_keys(made, command->keys)) {
        rest_live_free(made);
        return NULL;
    }
    return made;
}

static const struct {
    const char *name;
    enum core_aggregation aggregation;
} aggregations[] = {
    {"NONE", CORE_AGGREGATION_NONE}, {"MIN", CORE_AGGREGATION_MIN},
    {"MAX", CORE_AGGREGATION_MAX},   {"AVG", CORE_AGGREGATION_AVG},
    {"SUM", CORE_AGGREGATION_SUM},   {"COUNT", CORE_AGGREGATION_COUNT},
};

static bool read_aggregation(struct slice name, enum core_aggregation *aggregation)
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

struct history {
    struct live_points *points;
    struct slice key;
};

static bool add_point(void *context, const struct store_point *point)
{
    const struct history *history = context;
    rest_live_points_add(history->points, history->key, point->time_ms, &point->value);
    return !history->points->is_full;
}

// Points of [start, end) of each key. False when the error is sent.
static bool read_history(struct rest_live *live, struct live_session *session,
                         const struct command *command, const struct model_device *device,
                         struct live_points *points)
{
    struct core_problem problem = {.text = ""};
    const struct core_admin admin = rest_live_admin(live, session, &problem);
    struct core_series_range range = {.start_ms = command->start_ms,
                                      .end_ms = command->end_ms,
                                      .descending = true,
                                      .limit = (uint32_t)command->limit};
    if (command->keys.len == 0) {
        rest_live_send_error(live, session, command->id, CODE_BAD_REQUEST, "Keys are empty!");
        return false;
    }
    if (!read_aggregation(command->aggregation, &range.aggregation)) {
        rest_live_send_error(live, session, command->id, CODE_BAD_REQUEST,
                             "The aggregation is unknown");
        return false;
    }
    if (range.aggregation != CORE_AGGREGATION_NONE) {
        range.limit = 0;
        range.interval_ms =
            command->interval_ms > 0 ? (uint64_t)command->interval_ms : (uint64_t)INT64_MAX;
    }
    struct slice keys = command->keys;
    enum err err = ERR_OK;
    while (err == ERR_OK && keys.ptr != NULL) {
        struct history history = {points, slice_cut(&keys, ',')};
        range.key = history.key;
        err = history.key.len > 0 ? core_series_read(&admin, device, &range, &history, add_point)
                                  : ERR_OK;
    }
    if (err != ERR_OK || points->is_full) {
        rest_live_send_error(live, session, command->id, CODE_INTERNAL,
                             err != ERR_OK ? err_text(err)
                                           : "The answer is too large, ask for less");
        return false;
    }
    return true;
}

static void run_history(struct rest_live *live, struct live_session *session,
                        const struct command *command)
{
    struct model_device device;
    struct live_points points;
    rest_live_points_init(&points, &live->arena);
    if (find_device(live, session, command, &device) &&
        read_history(live, session, command, &device, &points)) {
        rest_live_send(live, session, command->id, &points);
    }
}

static unsigned scopes_of(struct slice scope, bool *is_known)
{
    enum core_scope one;
    *is_known = true;
    if (scope.len == 0) {
        return CORE_FEED_CLIENT | CORE_FEED_SHARED | CORE_FEED_SERVER;
    }
    *is_known = core_scope_parse(scope, &one);
    return !*is_known                 ? 0
           : one == CORE_SCOPE_CLIENT ? CORE_FEED_CLIENT
           : one == CORE_SCOPE_SHARED ? CORE_FEED_SHARED
                                      : CORE_FEED_SERVER;
}

// The first frame is always the snapshot, even when there is nothing in it.
static void start(struct rest_live *live, struct live_session *session,
                  const struct command *command, const struct model_device *device, unsigned what)
{
    struct live_points points;
    struct live_subscription *subscription = make(session, command, device, what);
    const bool has_window = what == CORE_FEED_SERIES && command->window_ms > 0;
    if (subscription == NULL || rest_live_add(live, session, subscription) != ERR_OK) {
        rest_live_send_error(live, session, command->id, CODE_INTERNAL,
                             "Too many subscriptions or keys");
        return;
    }
    rest_live_points_init(&points, &live->arena);
    const enum err err = rest_live_read(live, subscription, &points);
    if (err != ERR_OK) {
        rest_live_remove(live, session, command->id);
        rest_live_send_error(live, session, command->id, CODE_INTERNAL, err_text(err));
        return;
    }
    if (has_window) {
        // The window shows history; what comes later is told from the latest on.
        struct command window = *command;
        rest_live_points_init(&points, &live->arena);
        window.end_ms = command->start_ms + command->window_ms;
        if (!read_history(live, session, &window, device, &points)) {
            rest_live_remove(live, session, command->id);
            return;
        }
    }
    rest_live_send(live, session, command->id, &points);
}

static void run_subscription(struct rest_live *live, struct live_session *session,
                             const struct command *command, enum kind kind)
{
    struct model_device device;
    bool is_known = true;
    if (command->is_end && command->entity.len == 0) {
        rest_live_remove_all(live, session);
        return;
    }
    if (command->is_end) {
        rest_live_remove(live, session, command->id);
        return;
    }
    if (!find_device(live, session, command, &device)) {
        return;
    }
    const unsigned what =
        kind == KIND_SERIES ? CORE_FEED_SERIES : scopes_of(command->scope, &is_known);
    if (!is_known) {
        rest_live_send_error(live, session, command->id, CODE_BAD_REQUEST, "The scope is unknown");
        return;
    }
    start(live, session, command, &device, what);
}

static void run_one(struct rest_live *live, struct live_session *session, enum kind kind,
                    struct codec_json object)
{
    const struct command command = read_command(object);
    switch (kind) {
    case KIND_ATTRIBUTES:
    case KIND_SERIES:
        run_subscription(live, session, &command, kind);
        return;
    case KIND_HISTORY:
        run_history(live, session, &command);
        return;
    case KIND_OTHER:
        rest_live_send_error(live, session, command.id, CODE_BAD_REQUEST,
                             "This version does not serve this command");
        return;
    }
}

static void refuse_payload(struct rest_live *live, struct live_session *session)
{
    rest_live_send_error(live, session, 1, CODE_BAD_REQUEST, "Failed to parse the payload");
}

// {"attrSubCmds":[..],"tsSubCmds":[..],...}
static void run_arrays(struct rest_live *live, struct live_session *session, struct codec_json root)
{
    struct codec_json_walk walk = codec_json_walk_over(root);
    struct codec_json array;
    struct slice name;
    while (codec_json_walk_next(&walk, &name, &array)) {
        unsigned at = 0;
        while (at < KIND_COUNT && !slice_equal(name, slice_text(kinds[at].array))) {
            at++;
        }
        if (at == KIND_COUNT) {
            refuse_payload(live, session);
            return;
        }
        if (!codec_json_is(array, CODEC_JSON_ARRAY)) {
            continue;
        }
        struct codec_json_walk items = codec_json_walk_over(array);
        struct codec_json item;
        struct slice unnamed;
        while (codec_json_walk_next(&items, &unnamed, &item)) {
            run_one(live, session, kinds[at].kind, item);
        }
    }
}

// {"type":"ATTRIBUTES",...}, each in `cmds`.
static void run_typed(struct rest_live *live, struct live_session *session, struct codec_json cmds)
{
    struct codec_json_walk walk = codec_json_walk_over(cmds);
    struct codec_json item;
    struct slice unnamed;
    while (codec_json_walk_next(&walk, &unnamed, &item)) {
        const struct slice type = text_member(item, "type");
        unsigned at = 0;
        while (at < KIND_COUNT && !slice_equal(type, slice_text(kinds[at].type))) {
            at++;
        }
        if (at < KIND_COUNT) {
            run_one(live, session, kinds[at].kind, item);
        } else {
            refuse_payload(live, session);
        }
    }
}

// False when the connection is closed.
static bool authenticate(struct rest_live *live, struct live_session *session,
                         struct codec_json root)
{
    const struct codec_json command = codec_json_get(root, "authCmd");
    if (codec_json_exists(command) && codec_json_is(command, CODEC_JSON_OBJECT)) {
        if (rest_live_log_in(live, session, text_member(command, "token")) != ERR_OK) {
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
    const bool is_object = err == ERR_OK && codec_json_is(root, CODEC_JSON_OBJECT);
    if (!is_object && session->is_logged_in) {
        refuse_payload(live, session);
        return;
    }
    if (!is_object) {
        http_socket_close(session->socket, HTTP_SOCKET_POLICY, "Auth cmd is missing");
        return;
    }
    if (!session->is_wrapped) {
        run_arrays(live, session, root);
        return;
    }
    const struct codec_json cmds = codec_json_get(root, "cmds");
    if (authenticate(live, session, root) && codec_json_exists(cmds) &&
        codec_json_is(cmds, CODEC_JSON_ARRAY)) {
        run_typed(live, session, cmds);
    }
}
