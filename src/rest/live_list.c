#include "rest/live_list.h"

#include <stdlib.h>

#include "rest/live_frame.h"
#include "rest/live_job.h"
#include "rest/live_past.h"
#include "rest/live_priv.h"

// How often it is looked what is due.
#define LOOK_EVERY span_s(1)
// Members and cells are counted alike; a member takes so many times the place of a cell.
#define MEMBER_CELLS 4U

struct live_keys *rest_live_keys_make(const struct core_query_key *keys, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes += keys[i].name.len;
    }
    const size_t size = sizeof(struct live_keys) + count * sizeof(struct core_query_key) + bytes;
    struct live_keys *made = malloc(size);
    if (made == NULL) {
        return NULL;
    }
    made->size = size;
    uint8_t *text = (uint8_t *)&made->items[count];
    made->count = count;
    for (uint32_t i = 0; i < count; i++) {
        made->items[i] = (struct core_query_key){keys[i].kind, slice_of(text, keys[i].name.len)};
        memcpy(text, keys[i].name.ptr, keys[i].name.len);
        text += keys[i].name.len;
    }
    return made;
}

struct live_cell rest_live_cell_of(const struct core_query_cell *cell)
{
    return cell->is_there ? (struct live_cell){cell->at_ms, rest_live_digest(&cell->value)}
                          : (struct live_cell){INT64_MIN, 0};
}

void rest_live_window_free(struct live_window *window)
{
    if (window != NULL) {
        free(window->keys);
        free(window);
    }
}

static size_t size_of_keys(const struct live_keys *keys)
{
    return keys != NULL ? keys->size : 0;
}

static size_t size_of_window(const struct live_window *window)
{
    return window != NULL ? sizeof(*window) + window->keys->size : 0;
}

uint64_t rest_live_list_cells(const struct live_list *list)
{
    const uint64_t latest = list->latest_cells != NULL ? list->latest->count : 0;
    const uint64_t series = list->series_cells != NULL ? list->series->keys->count : 0;
    const size_t past = list->past != NULL ? sizeof(*list->past) + list->past->keys_len : 0;
    const size_t parts = size_of_keys(list->latest) + size_of_keys(list->next_latest) +
                         size_of_window(list->series) + size_of_window(list->next_series) +
                         size_of_window(list->history) + size_of_window(list->next_history);
    return list->member_count * (MEMBER_CELLS + latest + series) +
           rest_live_cells(sizeof(*list) + list->query_len + past + parts);
}

static void free_list(struct live_list *list)
{
    free(list->past);
    free(list->query);
    free(list->latest);
    free(list->next_latest);
    rest_live_window_free(list->series);
    rest_live_window_free(list->next_series);
    rest_live_window_free(list->history);
    rest_live_window_free(list->next_history);
    free(list->members);
    free(list->latest_cells);
    free(list->series_cells);
    free(list);
}

static struct live_list *add_list(struct rest_live *live, struct live_session *session,
                                  int64_t command, struct live_list *list)
{
    rest_live_cells_take(live, session, rest_live_list_cells(list));
    list->session = session;
    list->command = command;
    list->next = session->lists;
    session->lists = list;
    session->subscription_count++;
    return list;
}

struct live_list *rest_live_list_make(struct rest_live *live, struct live_session *session,
                                      int64_t command, bool is_count, struct codec_json query)
{
    struct live_list *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    // A message is not larger, and compact JSON is not larger than what it was parsed from but for
    // escapes.
    struct buf out =
        buf_over(malloc((size_t)HTTP_SOCKET_IN_MAX * 2), (size_t)HTTP_SOCKET_IN_MAX * 2);
    if (out.ptr != NULL) {
        codec_json_write(query, &out);
    }
    if (out.ptr == NULL || out.overflow) {
        free(out.ptr);
        free(made);
        return NULL;
    }
    made->query = realloc(out.ptr, out.len + 1);
    made->query = made->query != NULL ? made->query : (char *)out.ptr;
    made->query_len = out.len;
    made->is_count = is_count;
    return add_list(live, session, command, made);
}

struct live_list *rest_live_list_make_past(struct rest_live *live, struct live_session *session,
                                           int64_t command, struct live_past *owned_past)
{
    struct live_list *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    made->past = owned_past;
    return add_list(live, session, command, made);
}

// Members.

static struct live_member **bucket_of(struct rest_live *live, struct device_id device)
{
    return &live->members[hash_word(device.number) % LIVE_MEMBER_BUCKETS];
}

static void drop_members(struct rest_live *live, struct live_list *list)
{
    for (uint32_t i = 0; i < list->member_count; i++) {
        struct live_member **at = bucket_of(live, list->members[i].device);
        while (*at != &list->members[i]) {
            at = &(*at)->next_in_bucket;
        }
        *at = list->members[i].next_in_bucket;
    }
    free(list->members);
    list->members = NULL;
    list->member_count = 0;
    list->marked_first = list->marked_last = NULL;
}

static void put_members(struct rest_live *live, struct live_list *list,
                        struct live_member *owned_members, uint32_t count)
{
    list->members = owned_members;
    list->member_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct live_member **at = bucket_of(live, owned_members[i].device);
        owned_members[i].list = list;
        owned_members[i].next_in_bucket = *at;
        *at = &owned_members[i];
    }
}

static void leave_queue(struct live_list **first, struct live_list **last, struct live_list *list,
                        bool is_ready)
{
    struct live_list *before = NULL;
    for (struct live_list *at = *first; at != list;
         at = is_ready ? at->next_ready : at->next_marked) {
        before = at;
    }
    struct live_list *after = is_ready ? list->next_ready : list->next_marked;
    if (before == NULL) {
        *first = after;
    } else if (is_ready) {
        before->next_ready = after;
    } else {
        before->next_marked = after;
    }
    *last = *last == list ? before : *last;
}

void rest_live_list_end(struct rest_live *live, struct live_list *list)
{
    struct live_list **at = &list->session->lists;
    while (*at != list) {
        at = &(*at)->next;
    }
    *at = list->next;
    list->session->subscription_count--;
    list->session->cells -= rest_live_list_cells(list);
    list->session = NULL;
    if (list->is_ready) {
        leave_queue(&live->ready_first, &live->ready_last, list, true);
    }
    if (list->is_listed) {
        leave_queue(&live->marked_first, &live->marked_last, list, false);
    }
    // A job may still read its members, so they only leave their buckets.
    if (!list->is_busy) {
        rest_live_cells_give(live, NULL, rest_live_list_cells(list));
        drop_members(live, list);
        free_list(list);
    }
}

// Marks.

void rest_live_list_enlist(struct rest_live *live, struct live_list *list)
{
    if (!list->is_listed) {
        list->is_listed = true;
        list->next_marked = NULL;
        *(live->marked_last != NULL ? &live->marked_last->next_marked : &live->marked_first) = list;
        live->marked_last = list;
    }
}

static void mark(struct rest_live *live, struct live_member *member)
{
    struct live_list *list = member->list;
    const bool is_watched = list->latest_cells != NULL || list->series_cells != NULL;
    if (member->is_marked || !is_watched || list->session == NULL) {
        return;
    }
    member->is_marked = true;
    member->next_marked = NULL;
    *(list->marked_last != NULL ? &list->marked_last->next_marked : &list->marked_first) = member;
    list->marked_last = member;
    if (!list->is_busy) {
        rest_live_list_enlist(live, list);
    }
}

void rest_live_list_mark(struct rest_live *live, struct device_id device)
{
    live->changes[live->change_count++ % LIVE_CHANGES] = device.number;
    struct live_member *member = *bucket_of(live, device);
    for (; member != NULL; member = member->next_in_bucket) {
        if (member->device.number == device.number) {
            mark(live, member);
        }
    }
}

void rest_live_list_mark_all(struct rest_live *live, struct live_list *list)
{
    for (uint32_t i = 0; i < list->member_count; i++) {
        mark(live, &list->members[i]);
    }
}

// What changed while a job ran: its members may hold what was read before.
static void mark_since(struct rest_live *live, struct live_list *list, uint64_t since)
{
    if (live->change_count - since > LIVE_CHANGES) {
        rest_live_list_mark_all(live, list);
        return;
    }
    for (uint64_t i = since; i < live->change_count; i++) {
        const struct device_id device = {live->changes[i % LIVE_CHANGES]};
        struct live_member *member = *bucket_of(live, device);
        for (; member != NULL; member = member->next_in_bucket) {
            if (member->list == list && member->device.number == device.number) {
                mark(live, member);
            }
        }
    }
}

// Jobs.

void rest_live_list_want(struct rest_live *live, struct live_list *list, unsigned wants)
{
    list->wants |= wants;
    if (!list->is_ready && !list->is_busy) {
        list->is_ready = true;
        list->next_ready = NULL;
        *(live->ready_last != NULL ? &live->ready_last->next_ready : &live->ready_first) = list;
        live->ready_last = list;
    }
}

// What a later command put in the place of the parts in force. The cells of the older ones end.
static void take_next(struct rest_live *live, struct live_list *list)
{
    rest_live_cells_give(live, list->session, rest_live_list_cells(list));
    if (list->next_latest != NULL) {
        free(list->latest);
        free(list->latest_cells);
        list->latest_cells = NULL;
        list->latest = list->next_latest;
        list->next_latest = NULL;
    }
    if (list->next_series != NULL) {
        rest_live_window_free(list->series);
        free(list->series_cells);
        list->series_cells = NULL;
        list->series = list->next_series;
        list->next_series = NULL;
    }
    if (list->next_history != NULL) {
        rest_live_window_free(list->history);
        list->history = list->next_history;
        list->next_history = NULL;
    }
    rest_live_cells_take(live, list->session, rest_live_list_cells(list));
}

// The first frame has everything but a history beside a window; an evaluation when it is due comes
// behind what people asked for.
static unsigned choose_wants(const struct live_list *list)
{
    unsigned wants = list->wants;
    if (list->is_told && (wants & ~(unsigned)LIVE_WANTS_QUERY) != 0) {
        wants &= ~(unsigned)LIVE_WANTS_QUERY;
    }
    const bool has_series = (wants & LIVE_WANTS_SERIES) != 0 ||
                            ((wants & LIVE_WANTS_QUERY) != 0 && list->series != NULL);
    return has_series ? wants & ~(unsigned)LIVE_WANTS_HISTORY : wants;
}

static void start_jobs(struct rest_live *live)
{
    while (live->ready_first != NULL && live->jobs < REST_LIVE_JOBS) {
        struct live_list *list = live->ready_first;
        take_next(live, list);
        const unsigned wants = choose_wants(list);
        struct live_job *job = rest_live_job_make(live, list, wants);
        if (job == NULL || !live->rest->work(live->rest->context, job, rest_live_job_run)) {
            // As many requests wait as may: it is tried again soon.
            if (job != NULL) {
                rest_live_job_free(job);
            }
            return;
        }
        leave_queue(&live->ready_first, &live->ready_last, list, true);
        if (list->is_listed) {
            leave_queue(&live->marked_first, &live->marked_last, list, false);
        }
        list->is_ready = list->is_listed = false;
        list->is_busy = true;
        list->wants &= ~wants;
        live->jobs++;
    }
}

// Takes over the outcome of a job. False when there are too many cells.
static bool install(struct rest_live *live, struct live_list *list, struct live_job *job)
{
    rest_live_cells_give(live, list->session, rest_live_list_cells(list));
    if (job->members != NULL) {
        drop_members(live, list);
        // Of the older members, all of them.
        free(list->latest_cells);
        free(list->series_cells);
        list->latest_cells = list->series_cells = NULL;
        put_members(live, list, job->members, job->count);
        job->members = NULL;
    }
    if (job->latest_cells != NULL) {
        free(list->latest_cells);
        list->latest_cells = job->latest_cells;
        job->latest_cells = NULL;
    }
    if (job->series_cells != NULL) {
        free(list->series_cells);
        list->series_cells = job->series_cells;
        job->series_cells = NULL;
    }
    list->total = job->total;
    rest_live_cells_take(live, list->session, rest_live_list_cells(list));
    return rest_live_cells_fit(live, list->session, 0);
}

static void refuse(struct rest_live *live, struct live_list *list, const char *text)
{
    struct buf out = buf_over(live->out, LIVE_OUT_SIZE);
    rest_live_frame_write_error(&out, list->command, list->is_count, LIVE_CODE_INTERNAL, text);
    http_socket_send(list->session->socket, buf_view(&out));
    rest_live_list_end(live, list);
}

static void finish_past(struct rest_live *live, struct live_list *list, const struct live_job *job)
{
    struct live_session *session = list->session;
    const uint64_t serial = list->past->serial;
    struct live_subscription *waiting =
        serial != 0 ? rest_live_waiting(session, list->command, serial) : NULL;
    // A subscription that was ended or replaced is told nothing.
    if (serial == 0 || waiting != NULL) {
        http_socket_send(session->socket, buf_view(&job->frame));
    }
    rest_live_list_end(live, list);
    if (waiting != NULL) {
        rest_live_begin(live, waiting, job->err == ERR_OK);
        arena_reset(&live->arena);
    }
}

static void finish(struct rest_live *live, struct live_list *list, struct live_job *job)
{
    if (job->wants & LIVE_WANTS_HISTORY) {
        rest_live_cells_give(live, list->session, rest_live_list_cells(list));
        rest_live_window_free(list->history);
        list->history = NULL;
        rest_live_cells_take(live, list->session, rest_live_list_cells(list));
    }
    list->due = mono_add(live->rest->mono(), live->rest->settings.query_refresh);
    if (job->err == ERR_OK && !job->is_same && !install(live, list, job)) {
        refuse(live, list, "Too many entities and values are watched");
        return;
    }
    if (job->frame.len > 0) {
        http_socket_send(list->session->socket, buf_view(&job->frame));
    }
    if (job->err != ERR_OK && !list->is_told) {
        rest_live_list_end(live, list);
        return;
    }
    list->is_told = true;
    mark_since(live, list, job->changes);
    if (list->marked_first != NULL) {
        rest_live_list_enlist(live, list);
    }
    if (list->wants != 0) {
        rest_live_list_want(live, list, 0);
    }
}

void rest_live_job_done(void *context)
{
    struct live_job *job = context;
    struct rest_live *live = job->live;
    struct live_list *list = job->list;
    list->is_busy = false;
    live->jobs--;
    if (list->session != NULL && list->past != NULL) {
        finish_past(live, list, job);
    } else if (list->session != NULL) {
        finish(live, list, job);
    } else {
        rest_live_cells_give(live, NULL, rest_live_list_cells(list));
        drop_members(live, list);
        free_list(list);
    }
    rest_live_job_free(job);
    rest_live_list_turn(live);
}

static void look(struct rest_live *live)
{
    const struct mono now = live->rest->mono();
    if (!mono_reached(now, live->look_due)) {
        return;
    }
    const struct span refresh = live->rest->settings.query_refresh;
    const struct span step = refresh.ns < LOOK_EVERY.ns ? refresh : LOOK_EVERY;
    live->look_due = mono_add(now, span_us(step.ns / 4000));
    for (struct live_session *session = live->sessions; session != NULL; session = session->next) {
        for (struct live_list *list = session->lists; list != NULL; list = list->next) {
            const bool is_evaluated = list->is_told && (list->is_dynamic || list->is_count);
            if (is_evaluated && !list->is_busy && mono_reached(now, list->due)) {
                rest_live_list_want(live, list, LIVE_WANTS_QUERY);
            }
        }
    }
}

void rest_live_list_turn(struct rest_live *live)
{
    look(live);
    start_jobs(live);
    if (!rest_live_tell_marked(live)) {
        rest_live_tell(live);
    }
}
