// Subscriptions to one device, and its history (server-api.md 5.2).
#include <stdlib.h>

#include "core/aggregate.h"
#include "rest/live_command.h"
#include "rest/live_priv.h"

// The device that a command names, if this caller may see it; else the error is sent.
static bool find_device(struct rest_live *live, struct live_session *session,
                        const struct live_command *command, struct model_device *device)
{
    struct core_problem problem = {.text = ""};
    const struct core_admin admin = rest_live_admin(live, session, &problem);
    struct uuid id;
    const char *error = NULL;
    int code = LIVE_CODE_BAD_REQUEST;
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
        code = LIVE_CODE_UNAUTHORIZED;
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

static struct live_subscription *make(struct live_session *session,
                                      const struct live_command *command,
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
                         const struct live_command *command, const struct model_device *device,
                         struct live_points *points)
{
    struct core_problem problem = {.text = ""};
    const struct core_admin admin = rest_live_admin(live, session, &problem);
    struct core_series_range range = {.start_ms = command->start_ms,
                                      .end_ms = command->end_ms,
                                      .descending = true,
                                      .limit = (uint32_t)command->limit};
    if (command->keys.len == 0) {
        rest_live_send_error(live, session, command->id, LIVE_CODE_BAD_REQUEST, "Keys are empty!");
        return false;
    }
    if (!rest_live_command_aggregation(command->aggregation, &range.aggregation)) {
        rest_live_send_error(live, session, command->id, LIVE_CODE_BAD_REQUEST,
                             "The aggregation is unknown");
        return false;
    }
    if (range.aggregation != CORE_AGGREGATION_NONE) {
        range.limit = 0;
        range.interval_ms =
            command->interval_ms > 0 ? (uint64_t)command->interval_ms : (uint64_t)INT64_MAX;
    }
    if (range.limit == 0 && core_series_intervals(&range) > CORE_SERIES_INTERVALS_MAX) {
        rest_live_send_error(live, session, command->id, LIVE_CODE_BAD_REQUEST,
                             "More than 700 intervals: take a longer one or a shorter range");
        return false;
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
        rest_live_send_error(live, session, command->id, LIVE_CODE_INTERNAL,
                             err != ERR_OK ? err_text(err)
                                           : "The answer is too large, ask for less");
        return false;
    }
    return true;
}

void rest_live_simple_history(struct rest_live *live, struct live_session *session,
                              const struct live_command *command)
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
                  const struct live_command *command, const struct model_device *device,
                  unsigned what)
{
    struct live_points points;
    struct live_subscription *subscription = make(session, command, device, what);
    const bool has_window = what == CORE_FEED_SERIES && command->window_ms > 0;
    if (subscription == NULL || rest_live_add(live, session, subscription) != ERR_OK) {
        rest_live_send_error(live, session, command->id, LIVE_CODE_INTERNAL,
                             "Too many subscriptions or keys");
        return;
    }
    rest_live_points_init(&points, &live->arena);
    const enum err err = rest_live_read(live, subscription, &points);
    if (err != ERR_OK) {
        rest_live_remove(live, session, command->id);
        rest_live_send_error(live, session, command->id, LIVE_CODE_INTERNAL, err_text(err));
        return;
    }
    if (has_window) {
        // The window shows history; what comes later is told from the latest on.
        struct live_command window = *command;
        rest_live_points_init(&points, &live->arena);
        window.end_ms = command->start_ms + command->window_ms;
        if (!read_history(live, session, &window, device, &points)) {
            rest_live_remove(live, session, command->id);
            return;
        }
    }
    rest_live_send(live, session, command->id, &points);
}

void rest_live_simple_subscribe(struct rest_live *live, struct live_session *session,
                                const struct live_command *command)
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
        command->kind == LIVE_SERIES ? CORE_FEED_SERIES : scopes_of(command->scope, &is_known);
    if (!is_known) {
        rest_live_send_error(live, session, command->id, LIVE_CODE_BAD_REQUEST,
                             "The scope is unknown");
        return;
    }
    start(live, session, command, &device, what);
}
