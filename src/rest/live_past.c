#include "rest/live_past.h"

#include <stdlib.h>

#include "rest/live_priv.h"

// What is wrong with a history, or NULL.
static const char *check(const struct live_command *command, struct live_past *past)
{
    if (command->keys.len == 0) {
        return "Keys are empty!";
    }
    if (!rest_live_command_aggregation(command->aggregation, &past->aggregation)) {
        return "The aggregation is unknown";
    }
    if (past->aggregation == CORE_AGGREGATION_NONE) {
        past->limit = (uint32_t)command->limit;
        return NULL;
    }
    past->interval_ms =
        command->interval_ms > 0 ? (uint64_t)command->interval_ms : (uint64_t)INT64_MAX;
    const struct core_series_range range = {
        .start_ms = past->start_ms, .end_ms = past->end_ms, .interval_ms = past->interval_ms};
    return core_series_intervals(&range) > CORE_SERIES_INTERVALS_MAX
               ? "More than 700 intervals: take a longer one or a shorter range"
               : NULL;
}

bool rest_live_past_want(struct rest_live *live, struct live_session *session,
                         const struct live_command *command, struct device_id device,
                         uint64_t serial)
{
    struct live_past *past = calloc(1, sizeof(*past) + command->keys.len);
    const char *error = NULL;
    struct live_list *list = NULL;
    if (past != NULL) {
        past->device = device;
        past->serial = serial;
        past->start_ms = command->start_ms;
        past->end_ms = command->end_ms;
        past->keys_len = command->keys.len;
        memcpy(past->keys, command->keys.len > 0 ? command->keys.ptr : (const uint8_t *)"",
               command->keys.len);
        error = check(command, past);
    }
    const bool has_room = session->subscription_count < REST_LIVE_SUBSCRIPTIONS &&
                          rest_live_cells_fit(live, session, 1);
    if (past != NULL && error == NULL && has_room) {
        list = rest_live_list_make_past(live, session, command->id, past);
    }
    if (list == NULL) {
        free(past);
        rest_live_send_error(live, session, command->id,
                             error != NULL ? LIVE_CODE_BAD_REQUEST : LIVE_CODE_INTERNAL,
                             error != NULL ? error : "Too many subscriptions or keys");
        return false;
    }
    rest_live_list_want(live, list, LIVE_WANTS_PAST);
    return true;
}

struct reading {
    struct live_points points;
    struct slice key;
};

static bool add_point(void *context, const struct store_point *point)
{
    struct reading *reading = context;
    rest_live_points_add(&reading->points, reading->key, point->time_ms, &point->value);
    return !reading->points.is_full;
}

void rest_live_past_run(struct live_job *job)
{
    const struct live_past *past = job->list->past;
    const struct rest *rest = job->live->rest;
    const struct core_admin admin = {rest->core, &job->caller, &job->arena, &job->problem};
    const struct model_device device = {.number = past->device, .tenant = job->caller.tenant};
    struct core_series_range range = {.start_ms = past->start_ms,
                                      .end_ms = past->end_ms,
                                      .descending = true,
                                      .limit = past->limit,
                                      .aggregation = past->aggregation,
                                      .interval_ms = past->interval_ms};
    struct reading reading;
    struct slice keys = slice_of(past->keys, past->keys_len);
    rest_live_points_init(&reading.points, &job->arena);
    while (job->err == ERR_OK && keys.ptr != NULL) {
        range.key = reading.key = slice_cut(&keys, ',');
        job->err = range.key.len > 0
                       ? core_series_read(&admin, &device, &range, &reading, add_point)
                       : ERR_OK;
    }
    if (job->err == ERR_OK) {
        rest_live_write(&job->frame, job->list->command, &reading.points);
    }
    if (job->err == ERR_OK && (reading.points.is_full || job->frame.overflow)) {
        job->err = ERR_TOO_LARGE;
    }
    if (job->err != ERR_OK) {
        rest_live_write_error(&job->frame, job->list->command, LIVE_CODE_INTERNAL,
                              job->err == ERR_TOO_LARGE ? "The answer is too large, ask for less"
                                                        : err_text(job->err));
    }
}
