#include "rest/live_job.h"

#include <stdlib.h>

#include "rest/live_frame.h"
#include "rest/live_past.h"
#include "rest/live_priv.h"

#define SECONDS_MAX 5U

struct live_job *rest_live_job_make(struct rest_live *live, struct live_list *list, unsigned wants)
{
    struct live_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    job->live = live;
    job->list = list;
    job->wants = wants;
    job->caller = list->session->caller;
    job->changes = live->change_count;
    job->memory = malloc(LIVE_JOB_MEMORY);
    job->out = malloc(LIVE_OUT_SIZE);
    if (job->memory == NULL || job->out == NULL) {
        rest_live_job_free(job);
        return NULL;
    }
    arena_init(&job->arena, job->memory, LIVE_JOB_MEMORY);
    job->frame = buf_over(job->out, LIVE_OUT_SIZE);
    return job;
}

void rest_live_job_free(struct live_job *job)
{
    free(job->memory);
    free(job->out);
    free(job->members);
    free(job->latest_cells);
    free(job->series_cells);
    free(job);
}

// A job under way.
struct task {
    struct live_job *job;
    struct core_admin admin;
    struct core_find_budget budget;
    struct core_find find;
    struct core_find_page page;
    uint32_t *columns; // of the keys of latestCmd
    bool *shown;       // by column
    const struct live_window *window;
    const struct core_series_calendar *calendar; // of the window
    uint32_t points;
};

static enum err refuse(struct task *task, enum err err, const char *text)
{
    core_problem_set(&task->job->problem, "%s", text);
    return err;
}

static enum err read_query(struct task *task, bool *is_dynamic)
{
    struct live_job *job = task->job;
    const struct rest_query_reader reader = {&job->arena, &job->problem, true};
    struct err_place place = {NULL, 0};
    struct codec_json object;
    enum err err = codec_json_parse(&job->arena, slice_of(job->list->query, job->list->query_len),
                                    false, &object, &place);
    if (err != ERR_OK) {
        return err;
    }
    return job->list->is_count ? rest_query_read_count(&reader, object, &task->find)
                               : rest_query_read(&reader, object, &task->find, is_dynamic);
}

// The columns that are told: those of the query, and those of latestCmd.
static enum err mark_shown(struct task *task, const struct live_keys *latest)
{
    struct arena *memory = &task->job->arena;
    task->shown = arena_take_array(memory, (size_t)task->find.key_count + 1, sizeof(bool));
    if (task->shown == NULL) {
        return ERR_EXHAUSTED;
    }
    for (uint32_t i = 0; i < task->find.shown_count; i++) {
        task->shown[i] = true;
    }
    for (uint32_t i = 0; latest != NULL && i < latest->count; i++) {
        task->shown[task->columns[i]] = true;
    }
    return ERR_OK;
}

static enum err add_latest(struct task *task, const struct live_keys *latest)
{
    struct live_job *job = task->job;
    const struct rest_query_reader reader = {&job->arena, &job->problem, true};
    const uint32_t count = latest != NULL ? latest->count : 0;
    enum err err = ERR_OK;
    task->columns = arena_take_array(&job->arena, (size_t)count + 1, sizeof(*task->columns));
    if (task->columns == NULL) {
        return ERR_EXHAUSTED;
    }
    if (count > 0) {
        err = rest_query_add_keys(&reader, &task->find, latest->items, count, task->columns);
    }
    return err == ERR_OK ? mark_shown(task, latest) : err;
}

static enum err evaluate(struct task *task)
{
    const struct live_list *list = task->job->list;
    bool is_dynamic = false;
    enum err err = read_query(task, &is_dynamic);
    err = err == ERR_OK ? add_latest(task, list->latest) : err;
    return err == ERR_OK
               ? core_find_run(&task->admin, &task->find, &task->budget, true, &task->page)
               : err;
}

// The members that there are and that the caller may see, with the values of these keys.
static enum err read_members(struct task *task, const struct live_keys *latest)
{
    const struct live_list *list = task->job->list;
    struct arena *memory = &task->job->arena;
    struct uuid *ids = arena_take_array(memory, (size_t)list->member_count + 1, sizeof(*ids));
    if (ids == NULL) {
        return ERR_EXHAUSTED;
    }
    for (uint32_t i = 0; i < list->member_count; i++) {
        ids[i] = list->members[i].id;
    }
    task->find = (struct core_find){.is_by_id = true,
                                    .ids = ids,
                                    .id_count = list->member_count,
                                    .page_size = REST_LIVE_ENTITIES,
                                    .sort = CORE_FIND_NO_SORT,
                                    .text = codec_value_text};
    const enum err err = add_latest(task, latest);
    return err == ERR_OK
               ? core_find_run(&task->admin, &task->find, &task->budget, false, &task->page)
               : err;
}

// The row of a member; NULL if it has none. Rows are in the order of the members after an
// evaluation, else in that of the numbers of their devices.
static const struct core_find_row *row_of(const struct task *task, uint32_t member)
{
    if ((task->job->wants & LIVE_WANTS_QUERY) != 0) {
        return &task->page.rows[member];
    }
    const uint64_t wanted = task->job->list->members[member].device.number;
    uint32_t low = 0;
    uint32_t high = task->page.count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (task->page.rows[middle].device.number < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool is_there = low < task->page.count && task->page.rows[low].device.number == wanted;
    return is_there ? &task->page.rows[low] : NULL;
}

// Of the fields of an entity, as they are told. They are read with the query only.
static uint64_t digest_fields(const struct task *task, const struct core_find_row *row)
{
    uint64_t digest = 0;
    for (uint32_t i = 0; i < task->find.key_count; i++) {
        if (task->shown[i] && task->find.keys[i].kind == CORE_QUERY_FIELD) {
            digest = hash_word(digest ^ rest_live_cell_of(&row->cells[i]).digest);
        }
    }
    return digest;
}

static bool is_same(const struct task *task)
{
    const struct live_list *list = task->job->list;
    bool same =
        list->is_told && list->total == task->page.total && list->member_count == task->page.count;
    for (uint32_t i = 0; same && i < list->member_count; i++) {
        const struct core_find_row *row = &task->page.rows[i];
        same = list->members[i].device.number == row->device.number &&
               list->members[i].fields == digest_fields(task, row);
    }
    return same;
}

// Nothing is known of any. NULL without memory.
static struct live_cell *make_cells(uint32_t members, uint32_t keys)
{
    const size_t count = (size_t)members * keys;
    struct live_cell *cells = calloc(count + 1, sizeof(*cells));
    for (size_t i = 0; cells != NULL && i < count; i++) {
        cells[i].at_ms = INT64_MIN;
    }
    return cells;
}

// What becomes the list's, if it is taken.
static enum err make_result(struct task *task)
{
    struct live_job *job = task->job;
    const struct live_list *list = job->list;
    const bool is_query = (job->wants & LIVE_WANTS_QUERY) != 0;
    job->total = is_query ? task->page.total : list->total;
    job->count = is_query ? task->page.count : list->member_count;
    if (is_query) {
        job->members = calloc((size_t)job->count + 1, sizeof(*job->members));
    }
    if (list->latest != NULL && (job->wants & (LIVE_WANTS_QUERY | LIVE_WANTS_LATEST)) != 0) {
        job->latest_cells = make_cells(job->count, list->latest->count);
    }
    if (list->series != NULL && (job->wants & (LIVE_WANTS_QUERY | LIVE_WANTS_SERIES)) != 0) {
        job->series_cells = make_cells(job->count, list->series->keys->count);
    }
    for (uint32_t i = 0; is_query && job->members != NULL && i < job->count; i++) {
        job->members[i].id = task->page.rows[i].id;
        job->members[i].device = task->page.rows[i].device;
        job->members[i].fields = digest_fields(task, &task->page.rows[i]);
    }
    return is_query && job->members == NULL ? ERR_EXHAUSTED : ERR_OK;
}

static void keep_latest(struct task *task, uint32_t member, const struct core_find_row *row)
{
    const struct live_keys *latest = task->job->list->latest;
    for (uint32_t i = 0; task->job->latest_cells != NULL && i < latest->count; i++) {
        task->job->latest_cells[(size_t)member * latest->count + i] =
            rest_live_cell_of(&row->cells[task->columns[i]]);
    }
}

// Series.

static enum err open_window(struct task *task, const struct live_window *window)
{
    struct arena *memory = &task->job->arena;
    task->window = window;
    task->calendar = NULL;
    if (window == NULL || window->unit == LIVE_NO_CALENDAR ||
        window->aggregation == CORE_AGGREGATION_NONE) {
        return ERR_OK;
    }
    struct core_series_calendar *calendar = arena_take_array(memory, 1, sizeof(*calendar));
    struct slice bytes;
    const char *name = window->zone[0] != 0 ? window->zone : "UTC";
    enum err err = calendar != NULL ? task->job->live->rest->zone(memory, slice_text(name), &bytes)
                                    : ERR_EXHAUSTED;
    err = err == ERR_OK ? zone_open(&calendar->zone, bytes) : err;
    if (err != ERR_OK) {
        core_problem_set(&task->job->problem, "timeZoneId is unknown: '%s'", name);
        return ERR_INVALID;
    }
    calendar->unit = (enum calendar_unit)window->unit;
    task->calendar = calendar;
    return ERR_OK;
}

struct point_writer {
    struct task *task;
    struct codec_json_writer *writer;
};

static bool put_point(void *context, const struct store_point *point)
{
    struct point_writer *points = context;
    rest_live_frame_put_point(points->writer, point);
    return ++points->task->points <= REST_LIVE_POINTS && !points->writer->out->overflow;
}

static enum err put_range(struct task *task, struct codec_json_writer *writer,
                          const struct model_device *device, struct slice key)
{
    const struct live_window *window = task->window;
    const bool is_raw = window->aggregation == CORE_AGGREGATION_NONE;
    struct point_writer points = {task, writer};
    const struct core_series_range range = {.key = key,
                                            .start_ms = window->start_ms,
                                            .end_ms = window->end_ms,
                                            .limit = is_raw ? window->limit : 0,
                                            .descending = is_raw,
                                            .aggregation = window->aggregation,
                                            .interval_ms = window->interval_ms > 0
                                                               ? (uint64_t)window->interval_ms
                                                               : (uint64_t)INT64_MAX,
                                            .calendar = task->calendar};
    const struct core_series_range before = {.key = key,
                                             .start_ms = INT64_MIN,
                                             .end_ms = window->start_ms,
                                             .limit = 1,
                                             .descending = true};
    enum err err = ERR_OK;
    // In the order of the rest: raw points come newest first.
    if (window->has_previous && !is_raw) {
        err = core_series_read(&task->admin, device, &before, &points, put_point);
    }
    err = err == ERR_OK ? core_series_read(&task->admin, device, &range, &points, put_point) : err;
    if (err == ERR_OK && window->has_previous && is_raw) {
        err = core_series_read(&task->admin, device, &before, &points, put_point);
    }
    return err;
}

static enum err check_budget(struct task *task)
{
    if (task->points > REST_LIVE_POINTS || task->job->frame.overflow) {
        return refuse(task, ERR_UNSUPPORTED, "The answer is too large, ask for less");
    }
    return mono_reached(task->budget.clock(), task->budget.until)
               ? refuse(task, ERR_UNSUPPORTED, "The query takes too long; ask for less")
               : ERR_OK;
}

// The newest points, from which on each later one is told.
static enum err keep_newest(struct task *task, uint32_t member, struct device_id device)
{
    struct live_job *job = task->job;
    const struct live_keys *keys = task->window->keys;
    const size_t mark = arena_mark(&job->arena);
    struct core_query_cell *cells =
        arena_take_array(&job->arena, (size_t)keys->count + 1, sizeof(*cells));
    if (cells == NULL) {
        return ERR_EXHAUSTED;
    }
    const enum err err = core_find_read(&task->admin, device, keys->items, keys->count, cells);
    for (uint32_t i = 0; err == ERR_OK && i < keys->count; i++) {
        job->series_cells[(size_t)member * keys->count + i] = rest_live_cell_of(&cells[i]);
    }
    arena_rewind(&job->arena, mark);
    return err;
}

static enum err put_series(struct task *task, struct codec_json_writer *writer, uint32_t member,
                           struct device_id number)
{
    const struct live_window *window = task->window;
    const struct model_device device = {.number = number, .tenant = task->job->caller.tenant};
    enum err err = ERR_OK;
    if (window == NULL) {
        return ERR_OK;
    }
    if (window == task->job->list->series) {
        err = task->job->series_cells != NULL ? keep_newest(task, member, number) : ERR_EXHAUSTED;
    }
    for (uint32_t i = 0; err == ERR_OK && i < window->keys->count; i++) {
        codec_json_name(writer, window->keys->items[i].name);
        codec_json_begin_array(writer);
        err = put_range(task, writer, &device, window->keys->items[i].name);
        codec_json_end_array(writer);
        err = err == ERR_OK ? check_budget(task) : err;
    }
    return err;
}

// The frame.

// A member that is gone, or that may not be seen any more, is told without anything.
static enum err put_members(struct task *task, struct codec_json_writer *writer)
{
    struct live_job *job = task->job;
    const struct live_member *members = job->members != NULL ? job->members : job->list->members;
    enum err err = ERR_OK;
    for (uint32_t i = 0; err == ERR_OK && i < job->count; i++) {
        const struct core_find_row *row = row_of(task, i);
        rest_query_begin_entity(writer, &members[i].id);
        if (row != NULL) {
            keep_latest(task, i, row);
            rest_query_put_latest(writer, task->find.keys, row->cells, task->shown,
                                  task->find.key_count);
        }
        rest_query_begin_series(writer);
        err = row != NULL ? put_series(task, writer, i, members[i].device) : ERR_OK;
        rest_query_end_entity(writer);
    }
    return err == ERR_OK ? check_budget(task) : err;
}

static enum err write_frame(struct task *task)
{
    struct live_job *job = task->job;
    const struct live_list *list = job->list;
    const struct live_window *window = (job->wants & LIVE_WANTS_HISTORY) != 0 ? list->history
                                       : (job->wants & (LIVE_WANTS_QUERY | LIVE_WANTS_SERIES)) != 0
                                           ? list->series
                                           : NULL;
    enum err err = open_window(task, window);
    if (err != ERR_OK) {
        return err;
    }
    struct rest_write_context context = {.writer = codec_json_writer_over(&job->frame)};
    rest_live_frame_begin(&context.writer, list->command, false, 0, NULL);
    if ((job->wants & LIVE_WANTS_QUERY) == 0) {
        rest_live_frame_begin_update(&context.writer);
        err = put_members(task, &context.writer);
        rest_live_frame_end_update(&context.writer);
        return err;
    }
    const struct model_page page = {.size = task->find.page_size, .number = task->find.page};
    codec_json_name(&context.writer, SLICE("data"));
    rest_write_page_begin(&context);
    err = put_members(task, &context.writer);
    rest_write_page_end(&context, &page, task->page.total);
    codec_json_field_null(&context.writer, "update");
    rest_live_frame_end(&context.writer);
    return err;
}

static enum err run_data(struct task *task)
{
    struct live_job *job = task->job;
    enum err err = ERR_OK;
    if ((job->wants & LIVE_WANTS_QUERY) != 0) {
        err = evaluate(task);
        job->is_same = err == ERR_OK && is_same(task);
    } else {
        err = read_members(task, (job->wants & LIVE_WANTS_LATEST) != 0 ? job->list->latest : NULL);
    }
    if (err != ERR_OK || job->is_same) {
        return err;
    }
    err = make_result(task);
    return err == ERR_OK ? write_frame(task) : err;
}

static enum err run_count(struct task *task)
{
    struct live_job *job = task->job;
    enum err err = read_query(task, NULL);
    err = err == ERR_OK ? core_find_count(&task->admin, &task->find, &task->budget, &job->total)
                        : err;
    job->is_same = err == ERR_OK && job->list->is_told && job->total == job->list->total;
    if (err == ERR_OK && !job->is_same) {
        struct codec_json_writer writer = codec_json_writer_over(&job->frame);
        rest_live_frame_begin(&writer, job->list->command, true, 0, NULL);
        codec_json_field_int64(&writer, "count", job->total);
        codec_json_end_object(&writer);
    }
    return err;
}

static int code_of(enum err err)
{
    return err == ERR_FORBIDDEN ? LIVE_CODE_UNAUTHORIZED
           : err == ERR_INVALID || err == ERR_UNSUPPORTED || err == ERR_SYNTAX
               ? LIVE_CODE_BAD_REQUEST
               : LIVE_CODE_INTERNAL;
}

static void run_entities(struct live_job *job)
{
    const struct rest *rest = job->live->rest;
    struct task task = {
        .job = job,
        .admin = {rest->core, &job->caller, &job->arena, &job->problem},
        .budget = {REST_LIVE_ENTITIES, mono_add(rest->mono(), span_s(SECONDS_MAX)), rest->mono}};
    job->err = job->list->is_count ? run_count(&task) : run_data(&task);
    if (job->err == ERR_OK && job->frame.overflow) {
        job->err = refuse(&task, ERR_UNSUPPORTED, "The answer is too large, ask for less");
    }
    if (job->err != ERR_OK) {
        const int code = code_of(job->err);
        rest_live_frame_write_error(&job->frame, job->list->command, job->list->is_count, code,
                                    code == LIVE_CODE_UNAUTHORIZED ? "Unauthorized"
                                    : job->problem.text[0] != 0    ? job->problem.text
                                                                   : err_text(job->err));
    }
}

void rest_live_job_run(void *context)
{
    struct live_job *job = context;
    const struct rest *rest = job->live->rest;
    job->caller.now = rest->wall();
    if (job->list->past != NULL) {
        rest_live_past_run(job);
    } else {
        run_entities(job);
    }
    // There is room for each job that may be under way (http/socket.h).
    const bool is_posted = rest->post(rest->context, job, rest_live_job_done);
    ASSERT(is_posted);
}
