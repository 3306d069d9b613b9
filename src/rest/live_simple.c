// Subscriptions to one device, and its history (server-api.md 5.2).
#include <stdlib.h>

#include "core/aggregate.h"
#include "rest/live_command.h"
#include "rest/live_past.h"
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

// Those of "a,b", that are not empty; all of them are counted.
static uint32_t cut_keys(struct slice text, struct slice *keys, uint32_t max)
{
    uint32_t count = 0;
    while (text.ptr != NULL) {
        const struct slice key = slice_cut(&text, ',');
        if (key.len > 0 && count < max) {
            keys[count] = key;
        }
        count += key.len > 0;
    }
    return count;
}

// Its own copy of the keys "a,b". False without memory, or with too many.
static bool keep_keys(struct live_subscription *subscription, struct slice keys)
{
    const uint32_t count = cut_keys(keys, NULL, 0);
    if (count > REST_LIVE_KEYS) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    subscription->keys_size = count * sizeof(*subscription->keys) + keys.len;
    subscription->keys = malloc(subscription->keys_size);
    if (subscription->keys == NULL) {
        return false;
    }
    char *texts = (char *)&subscription->keys[count];
    memcpy(texts, keys.ptr, keys.len);
    subscription->key_count = cut_keys(slice_of(texts, keys.len), subscription->keys, count);
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

void rest_live_simple_history(struct rest_live *live, struct live_session *session,
                              const struct live_command *command)
{
    struct model_device device;
    if (find_device(live, session, command, &device)) {
        // The answer comes from the job, or was sent.
        (void)!rest_live_past_want(live, session, command, device.number, 0);
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

// The window shows history; what comes later is told from the latest on, once it was sent.
static void start_with_window(struct rest_live *live, struct live_session *session,
                              const struct live_command *command,
                              struct live_subscription *subscription)
{
    struct live_command window = *command;
    subscription->serial = ++live->serials;
    if (__builtin_add_overflow(command->start_ms, command->window_ms, &window.end_ms)) {
        window.end_ms = INT64_MAX;
    }
    if (!rest_live_past_want(live, session, &window, subscription->device.number,
                             subscription->serial)) {
        rest_live_remove(live, session, command->id);
    }
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
        rest_live_send_error(live, session, command->id, LIVE_CODE_INTERNAL,
                             err == ERR_EXHAUSTED ? "Too many subscriptions or keys"
                                                  : err_text(err));
        return;
    }
    if (has_window) {
        start_with_window(live, session, command, subscription);
        return;
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
