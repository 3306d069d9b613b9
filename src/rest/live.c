#include "rest/live.h"

#include <stdlib.h>

#include "core/mail.h"
#include "rest/live_priv.h"

#define ARENA_SIZE (64U << 20)
#define PATH SLICE("/api/ws")
#define OLDER_PATH SLICE("/api/ws/plugins/telemetry")

enum err rest_live_create(const struct rest *rest, struct bus_party *party, struct rest_live **live)
{
    struct rest_live *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return ERR_EXHAUSTED;
    }
    made->rest = rest;
    made->party = party;
    // Touched as it is used.
    made->arena_memory = malloc(ARENA_SIZE);
    made->out = malloc(LIVE_OUT_SIZE);
    if (made->arena_memory == NULL || made->out == NULL) {
        rest_live_destroy(made);
        return ERR_EXHAUSTED;
    }
    arena_init(&made->arena, made->arena_memory, ARENA_SIZE);
    *live = made;
    return ERR_OK;
}

uint64_t rest_live_footprint(void)
{
    return sizeof(struct rest_live) + ARENA_SIZE + LIVE_OUT_SIZE +
           REST_LIVE_JOBS * (uint64_t)(LIVE_JOB_MEMORY + LIVE_OUT_SIZE) +
           REST_LIVE_CELLS * (uint64_t)sizeof(struct live_cell);
}

void rest_live_destroy(struct rest_live *live)
{
    free(live->arena_memory);
    free(live->out);
    free(live);
}

static uint32_t bucket_of(struct device_id device)
{
    return (uint32_t)(hash_word(device.number) % LIVE_BUCKETS);
}

void rest_live_free(struct live_subscription *subscription)
{
    while (subscription->known != NULL) {
        struct live_known *next = subscription->known->next;
        free(subscription->known);
        subscription->known = next;
    }
    free(subscription->keys);
    free(subscription);
}

bool rest_live_count(struct rest_live *live, struct live_subscription *subscription, size_t bytes)
{
    const uint64_t cells = rest_live_cells(bytes);
    if (!rest_live_cells_fit(live, subscription->session, cells)) {
        return false;
    }
    subscription->cells += cells;
    rest_live_cells_take(live, subscription->session, cells);
    return true;
}

static void take_out(struct rest_live *live, struct live_session *session,
                     struct live_subscription **at)
{
    struct live_subscription *gone = *at;
    *at = gone->next;
    session->subscription_count--;
    struct live_subscription **in = &live->buckets[bucket_of(gone->device.number)];
    while (*in != gone) {
        in = &(*in)->next_in_bucket;
    }
    *in = gone->next_in_bucket;
    rest_live_cells_give(live, session, gone->cells);
    rest_live_free(gone);
}

void rest_live_remove(struct rest_live *live, struct live_session *session, int64_t command)
{
    struct live_subscription **at = &session->subscriptions;
    while (*at != NULL) {
        if ((*at)->command == command) {
            take_out(live, session, at);
            return;
        }
        at = &(*at)->next;
    }
}

void rest_live_remove_all(struct rest_live *live, struct live_session *session)
{
    while (session->subscriptions != NULL) {
        take_out(live, session, &session->subscriptions);
    }
    while (session->lists != NULL) {
        rest_live_list_end(live, session->lists);
    }
}

enum err rest_live_add(struct rest_live *live, struct live_session *session,
                       struct live_subscription *owned_subscription)
{
    rest_live_remove(live, session, owned_subscription->command);
    const size_t bytes = sizeof(*owned_subscription) + owned_subscription->keys_size;
    if (session->subscription_count == REST_LIVE_SUBSCRIPTIONS ||
        !rest_live_count(live, owned_subscription, bytes)) {
        rest_live_free(owned_subscription);
        return ERR_EXHAUSTED;
    }
    const uint32_t bucket = bucket_of(owned_subscription->device.number);
    owned_subscription->next = session->subscriptions;
    session->subscriptions = owned_subscription;
    session->subscription_count++;
    owned_subscription->next_in_bucket = live->buckets[bucket];
    live->buckets[bucket] = owned_subscription;
    core_feed_watch(live->rest->core->feed, owned_subscription->device.number);
    return ERR_OK;
}

static enum err send_new(struct rest_live *live, struct live_subscription *subscription)
{
    struct live_points points;
    const size_t mark = arena_mark(&live->arena);
    rest_live_points_init(&points, &live->arena);
    const enum err err = rest_live_read(live, subscription, &points);
    if (err == ERR_OK && points.count > 0) {
        rest_live_send(live, subscription->session, subscription->command, &points);
    }
    arena_rewind(&live->arena, mark);
    return err;
}

// Sends what is new, if anything is. The subscription ends if the device is not theirs any more,
// and with too much at once; what else cannot be read now is read with the next change.
static void refresh(struct rest_live *live, struct live_subscription *subscription)
{
    struct live_session *session = subscription->session;
    const int64_t command = subscription->command;
    if (subscription->serial != 0) {
        return;
    }
    session->caller.now = live->rest->wall();
    enum err err = rest_live_may_see(live, session, &subscription->device.id);
    if (err == ERR_FORBIDDEN) {
        rest_live_remove(live, session, command);
        rest_live_send_error(live, session, command, LIVE_CODE_UNAUTHORIZED, "Unauthorized");
        return;
    }
    err = err == ERR_OK ? send_new(live, subscription) : err;
    if (err == ERR_TOO_LARGE || err == ERR_EXHAUSTED) {
        rest_live_remove(live, session, command);
        rest_live_send_error(live, session, command, LIVE_CODE_INTERNAL,
                             "Too many new values, the subscription ends");
    }
}

struct live_subscription *rest_live_waiting(const struct live_session *session, int64_t command,
                                            uint64_t serial)
{
    struct live_subscription *at = session->subscriptions;
    while (at != NULL && (at->command != command || at->serial != serial)) {
        at = at->next;
    }
    return at;
}

void rest_live_begin(struct rest_live *live, struct live_subscription *subscription, bool is_good)
{
    subscription->serial = 0;
    if (is_good) {
        refresh(live, subscription);
    } else {
        rest_live_remove(live, subscription->session, subscription->command);
    }
}

static void refresh_device(struct rest_live *live, struct device_id device, unsigned what)
{
    struct live_subscription *at = live->buckets[bucket_of(device)];
    while (at != NULL) {
        struct live_subscription *next = at->next_in_bucket;
        if (at->device.number.number == device.number && (at->what & what) != 0) {
            refresh(live, at);
        }
        at = next;
    }
}

static void refresh_all(struct rest_live *live)
{
    live->change_count += LIVE_CHANGES + 1;
    for (struct live_session *session = live->sessions; session != NULL; session = session->next) {
        for (struct live_list *list = session->lists; list != NULL; list = list->next) {
            rest_live_list_mark_all(live, list);
        }
    }
    for (unsigned i = 0; i < LIVE_BUCKETS; i++) {
        for (struct live_subscription *at = live->buckets[i]; at != NULL;) {
            struct live_subscription *next = at->next_in_bucket;
            refresh(live, at);
            at = next;
        }
    }
}

// Takes what the feed said.
static void take(void *context)
{
    struct rest_live *live = context;
    struct slice message;
    unsigned from;
    atomic_store(&live->is_told, false);
    rest_live_check_all(live);
    while (bus_next(live->party, &from, &message)) {
        const struct core_mail *mail = (const struct core_mail *)(const void *)message.ptr;
        if (mail->kind == CORE_MAIL_CHANGED) {
            refresh_device(live, mail->device, mail->number);
            rest_live_list_mark(live, mail->device);
        }
    }
    bus_release(live->party);
    const uint64_t missed =
        atomic_load_explicit(&live->rest->core->feed->missed, memory_order_relaxed);
    if (missed != live->missed) {
        live->missed = missed;
        refresh_all(live);
    }
    rest_live_list_turn(live);
}

void rest_live_tell(struct rest_live *live)
{
    const bool waits = atomic_exchange(&live->is_told, true);
    if (!waits && !live->rest->post(live->rest->context, live, take)) {
        atomic_store(&live->is_told, false);
    }
}

static bool serves(void *context, struct slice path)
{
    (void)context;
    return slice_equal(path, PATH) || slice_equal(path, OLDER_PATH);
}

static void opened(void *context, struct http_socket *socket, void **user)
{
    const struct rest *rest = context;
    struct rest_live *live = rest->live;
    struct live_session *session = calloc(1, sizeof(*session));
    const struct slice token = http_socket_token(socket);
    if (session == NULL) {
        http_socket_close(socket, HTTP_SOCKET_POLICY, "No memory");
        return;
    }
    session->socket = socket;
    session->is_wrapped = slice_equal(http_socket_path(socket), PATH);
    session->next = live->sessions;
    live->sessions = session;
    *user = session;
    if (token.len > 0 && rest_live_log_in(live, session, token) != ERR_OK) {
        http_socket_close(socket, HTTP_SOCKET_NOT_TEXT, "The token is not valid");
    } else if (token.len == 0 && !session->is_wrapped) {
        http_socket_close(socket, HTTP_SOCKET_POLICY, "The query has no token");
    }
    arena_reset(&live->arena);
}

// Who is not logged in may do so at the newer path.
static bool may_speak(struct rest_live *live, struct live_session *session)
{
    return session->is_logged_in ? rest_live_check(live, session, true)
                                 : session->is_wrapped && !session->is_over;
}

static void message(void *context, struct http_socket *socket, void **user, struct slice text)
{
    const struct rest *rest = context;
    struct live_session *session = *user;
    (void)socket;
    if (session == NULL || !may_speak(rest->live, session)) {
        return;
    }
    rest_live_command_run(rest->live, session, text);
    arena_reset(&rest->live->arena);
    rest_live_list_turn(rest->live);
}

static void closed(void *context, struct http_socket *socket, void **user)
{
    const struct rest *rest = context;
    struct live_session *session = *user;
    (void)socket;
    if (session == NULL) {
        return;
    }
    rest_live_remove_all(rest->live, session);
    ASSERT(session->cells == 0);
    struct live_session **at = &rest->live->sessions;
    while (*at != session) {
        at = &(*at)->next;
    }
    *at = session->next;
    free(session);
}

const struct http_socket_ops rest_live_ops = {serves, opened, message, closed};
