// Lists of entities over WebSocket, step by step: what changes before, while and after a job has
// the list, what is due, what does not find room. The pool and the sockets are the test's.
#include "rest/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus.h"
#include "core/feed.h"
#include "rest/live_priv.h"

#define REFRESH_S 60U
#define QUEUE_MAX 16U
#define FRAMES_MAX 64U
#define LONG(n) ((struct model_value){.type = MODEL_VALUE_LONG, .number = (n)})

struct queued {
    void *context;
    void (*run)(void *context);
};

struct queue {
    struct queued items[QUEUE_MAX];
    unsigned count;
};

static struct {
    struct bus *bus;
    struct bus_party *worker, *party;
    struct core_feed feed;
    struct queue pool, posts;
    bool is_pool_full;
    bool is_unreadable; // core_series_read fails
    unsigned step_s;    // the clock moves so far each time it is read
    char token[2048], refresh[2048];
    void *user; // the session
    char *frames[FRAMES_MAX];
    unsigned frame_count;
    bool is_closed;
    char one[37], other[37];
} world;

// The sockets (--wrap): one peer.

struct slice __wrap_http_socket_path(const struct http_socket *socket);
struct slice __wrap_http_socket_token(const struct http_socket *socket);
void __wrap_http_socket_send(struct http_socket *socket, struct slice text);
void __wrap_http_socket_close(struct http_socket *socket, enum http_socket_close code,
                              const char *reason);
void __wrap_http_socket_accept(struct http_socket *socket);

struct slice __wrap_http_socket_path(const struct http_socket *socket)
{
    (void)socket;
    return SLICE("/api/ws/plugins/telemetry");
}

struct slice __wrap_http_socket_token(const struct http_socket *socket)
{
    (void)socket;
    return slice_text(world.token);
}

void __wrap_http_socket_send(struct http_socket *socket, struct slice text)
{
    (void)socket;
    assert_in_range(world.frame_count, 0, FRAMES_MAX - 1);
    world.frames[world.frame_count++] = strndup((const char *)text.ptr, text.len);
}

void __wrap_http_socket_close(struct http_socket *socket, enum http_socket_close code,
                              const char *reason)
{
    (void)socket;
    (void)code;
    (void)reason;
    world.is_closed = true;
}

void __wrap_http_socket_accept(struct http_socket *socket)
{
    (void)socket;
}

enum err __real_core_series_read(const struct core_admin *admin, const struct model_device *device,
                                 const struct core_series_range *range, void *context,
                                 store_point_fn *emit);
enum err __wrap_core_series_read(const struct core_admin *admin, const struct model_device *device,
                                 const struct core_series_range *range, void *context,
                                 store_point_fn *emit);

enum err __wrap_core_series_read(const struct core_admin *admin, const struct model_device *device,
                                 const struct core_series_range *range, void *context,
                                 store_point_fn *emit)
{
    return world.is_unreadable ? ERR_IO
                               : __real_core_series_read(admin, device, range, context, emit);
}

// The pool and the sockets' thread: by hand.

static bool enqueue(struct queue *queue, void *job, void (*run)(void *job))
{
    assert_in_range(queue->count, 0, QUEUE_MAX - 1);
    queue->items[queue->count++] = (struct queued){job, run};
    return true;
}

static bool work(void *context, void *job, void (*run)(void *job))
{
    (void)context;
    return !world.is_pool_full && enqueue(&world.pool, job, run);
}

static bool post(void *context, void *job, void (*run)(void *job))
{
    (void)context;
    return enqueue(&world.posts, job, run);
}

static bool run_first(struct queue *queue)
{
    if (queue->count == 0) {
        return false;
    }
    const struct queued first = queue->items[0];
    memmove(queue->items, queue->items + 1, --queue->count * sizeof(first));
    first.run(first.context);
    return true;
}

static void take_all(void)
{
    while (run_first(&world.posts)) {
    }
}

static void settle(void)
{
    do {
        take_all();
    } while (run_first(&world.pool));
}

static struct mono clock_read(void)
{
    rest_fixture.mono.ns += span_s(world.step_s).ns;
    return rest_fixture.mono;
}

// The peer.

static void say(const char *text)
{
    rest_live_ops.message(&rest_fixture.rest, NULL, &world.user, slice_text(text));
}

// The next frame has these texts; NULL: there is none.
static void expect(const char *first, const char *second)
{
    if (first == NULL) {
        assert_int_equal(world.frame_count, 0);
        return;
    }
    assert_in_range(world.frame_count, 1, FRAMES_MAX);
    if (strstr(world.frames[0], first) == NULL ||
        (second != NULL && strstr(world.frames[0], second) == NULL)) {
        fail_msg("%s", world.frames[0]);
    }
    free(world.frames[0]);
    memmove(world.frames, world.frames + 1, --world.frame_count * sizeof(world.frames[0]));
}

static const char *query_of(const char *filter, const char *more)
{
    return rest_fixture_text("{\"entityDataCmds\":[{\"cmdId\":1,\"query\":{\"entityFilter\":%s,"
                             "\"pageLink\":{\"pageSize\":10,\"dynamic\":true}}%s}]}",
                             filter, more);
}

static const char *one_device(void)
{
    return rest_fixture_text("{\"type\":\"singleEntity\",\"singleEntity\":"
                             "{\"entityType\":\"DEVICE\",\"id\":\"%s\"}}",
                             world.one);
}

#define LATEST ",\"latestCmd\":{\"keys\":[{\"type\":\"TIME_SERIES\",\"key\":\"t\"}]}"
#define ALL "{\"type\":\"entityType\",\"entityType\":\"DEVICE\"}"
#define SNAPSHOT "\"update\":null"
#define UPDATE "\"data\":null,\"update\":[{"

static struct device_id number_of(const char *id)
{
    struct live_session *session = world.user;
    uint8_t memory[8192] __attribute__((aligned(16)));
    struct arena arena;
    struct core_problem problem = {.text = ""};
    struct uuid uuid;
    struct model_device device;
    arena_init(&arena, memory, sizeof(memory));
    const struct core_admin admin = {rest_fixture.rest.core, &session->caller, &arena, &problem};
    assert_true(uuid_parse(slice_text(id), &uuid));
    assert_int_equal(core_device_get(&admin, &uuid, &device), ERR_OK);
    return device.number;
}

// Stores a value, and the feed says so.
static void change(const char *id, int64_t value)
{
    rest_fixture_save(id, "t", value, LONG(value));
    core_feed_publish(&world.feed, world.worker, number_of(id), CORE_FEED_SERIES);
    bus_flush(world.worker);
    rest_live_tell(rest_fixture.rest.live);
}

static int set_up(void **state)
{
    memset(&world, 0, sizeof(world));
    if (rest_fixture_set_up(state) != 0 || bus_create(&world.bus, 1, 1U << 20) != ERR_OK ||
        bus_join(world.bus, NULL, &world.worker) != ERR_OK ||
        bus_join_hub(world.bus, NULL, &world.party) != ERR_OK) {
        return -1;
    }
    world.feed.party = bus_number(world.party);
    struct rest *rest = &rest_fixture.rest;
    rest->core->feed = &world.feed;
    rest->work = work;
    rest->post = post;
    rest->mono = clock_read;
    rest->settings.query_refresh = span_s(REFRESH_S);
    if (rest_live_create(rest, world.party, &rest->live) != ERR_OK) {
        return -1;
    }
    rest_fixture_device("Test Device A1", world.one);
    rest_fixture_device("Test Device A2", world.other);
    assert_int_equal(
        rest_fixture_log_in("tenant@thingsboard.org", "tenant", world.token, world.refresh), 200);
    rest_live_ops.opened(rest, NULL, &world.user);
    assert_false(world.is_closed);
    return 0;
}

static int tear_down(void **state)
{
    struct rest *rest = &rest_fixture.rest;
    if (world.user != NULL) {
        rest_live_ops.closed(rest, NULL, &world.user);
    }
    settle();
    // Whatever happened: nothing is left behind.
    assert_int_equal(rest->live->cells, 0);
    assert_int_equal(rest->live->jobs, 0);
    assert_null(rest->live->marked_first);
    assert_null(rest->live->ready_first);
    rest_live_destroy(rest->live);
    for (unsigned i = 0; i < world.frame_count; i++) {
        free(world.frames[i]);
    }
    rest->core->feed = NULL;
    bus_destroy(world.bus);
    return rest_fixture_tear_down(state);
}

static void a_change_while_the_job_runs_comes_behind_its_snapshot(void **state)
{
    (void)state;
    change(world.one, 1);
    say(query_of(one_device(), LATEST));
    assert_true(run_first(&world.pool)); // it has read 1, and is not back yet
    const struct queued done = world.posts.items[world.posts.count - 1];
    world.posts.count--;
    change(world.one, 2);
    take_all();
    expect(NULL, NULL);
    done.run(done.context);
    take_all();
    expect(SNAPSHOT, "{\"ts\":1,\"value\":\"1\",\"count\":null}");
    expect(UPDATE, "{\"ts\":2,\"value\":\"2\",\"count\":null}");
    expect(NULL, NULL);
    change(world.one, 3);
    take_all();
    expect(UPDATE, "\"value\":\"3\"");
}

static void more_changes_than_are_remembered_mark_everything(void **state)
{
    (void)state;
    say(query_of(one_device(), LATEST));
    assert_true(run_first(&world.pool));
    const struct queued done = world.posts.items[--world.posts.count];
    change(world.one, 7);
    take_all();
    for (unsigned i = 0; i < LIVE_CHANGES; i++) {
        rest_live_list_mark(rest_fixture.rest.live, (struct device_id){1000000 + i});
    }
    done.run(done.context);
    take_all();
    expect(SNAPSHOT, "\"value\":\"\"");
    expect(UPDATE, "\"value\":\"7\"");
}

static void what_the_feed_could_not_say_is_read_again(void **state)
{
    (void)state;
    say(query_of(ALL, LATEST));
    settle();
    expect(SNAPSHOT, NULL);
    rest_fixture_save(world.one, "t", 5, LONG(5));
    rest_fixture_save(world.other, "t", 6, LONG(6));
    atomic_fetch_add(&world.feed.missed, 1);
    rest_live_tell(rest_fixture.rest.live);
    settle();
    expect(UPDATE, "\"value\":\"5\"");
    expect(NULL, NULL);
}

static void a_list_that_is_lent_tells_nothing_until_it_is_back(void **state)
{
    (void)state;
    say(query_of(one_device(), LATEST));
    settle();
    expect(SNAPSHOT, NULL);
    rest_fixture.mono.ns += span_s(REFRESH_S + 1).ns;
    rest_live_tell(rest_fixture.rest.live);
    take_all();
    assert_int_equal(world.pool.count, 1);
    change(world.one, 1);
    take_all();
    expect(NULL, NULL);
    // The page is the same, so only the change is told.
    settle();
    expect(UPDATE, "\"value\":\"1\"");
    expect(NULL, NULL);
}

static void nothing_is_evaluated_before_it_is_due(void **state)
{
    (void)state;
    say(query_of(one_device(), LATEST));
    settle();
    expect(SNAPSHOT, NULL);
    rest_fixture.mono.ns += span_s(REFRESH_S - 1).ns;
    rest_live_tell(rest_fixture.rest.live);
    take_all();
    assert_int_equal(world.pool.count, 0);
    rest_fixture.mono.ns += span_s(1).ns;
    rest_live_tell(rest_fixture.rest.live);
    take_all();
    assert_int_equal(world.pool.count, 1);
    settle();
    expect(NULL, NULL);
}

static void a_peer_that_goes_while_the_job_runs_is_told_nothing(void **state)
{
    (void)state;
    say(query_of(ALL, LATEST));
    assert_true(run_first(&world.pool));
    rest_live_ops.closed(&rest_fixture.rest, NULL, &world.user);
    world.user = NULL;
    take_all();
    expect(NULL, NULL);
}

static void a_query_in_the_place_of_one_that_runs_is_the_only_one_told(void **state)
{
    (void)state;
    say(query_of(ALL, LATEST));
    assert_true(run_first(&world.pool));
    say(query_of(one_device(), ""));
    settle();
    expect(SNAPSHOT, "\"totalElements\":1,");
    expect(NULL, NULL);
}

static void a_full_pool_is_asked_again(void **state)
{
    (void)state;
    world.is_pool_full = true;
    say(query_of(one_device(), ""));
    take_all();
    expect(NULL, NULL);
    world.is_pool_full = false;
    rest_live_tell(rest_fixture.rest.live);
    settle();
    expect(SNAPSHOT, NULL);
}

static const char *command_of(const char *array, const char *more)
{
    return rest_fixture_text("{\"%s\":[{\"cmdId\":1,\"entityType\":\"DEVICE\",\"entityId\":\"%s\","
                             "\"keys\":\"t\",\"startTs\":0%s}]}",
                             array, world.one, more);
}

static void a_window_comes_first_and_then_what_changed_meanwhile(void **state)
{
    (void)state;
    change(world.one, 1);
    take_all();
    say(command_of("tsSubCmds", ",\"timeWindow\":100"));
    assert_true(run_first(&world.pool));
    const struct queued done = world.posts.items[--world.posts.count];
    change(world.one, 2);
    take_all();
    expect(NULL, NULL);
    done.run(done.context);
    expect("\"subscriptionId\":1,", "\"data\":{\"t\":[[1,\"1\"]]}");
    expect("\"subscriptionId\":1,", "\"data\":{\"t\":[[2,\"2\"]]}");
    expect(NULL, NULL);
}

static void a_window_for_a_subscription_that_was_replaced_begins_nothing(void **state)
{
    (void)state;
    say(command_of("tsSubCmds", ",\"timeWindow\":100"));
    assert_true(run_first(&world.pool));
    say(command_of("tsSubCmds", ",\"timeWindow\":50"));
    take_all();
    change(world.one, 2);
    take_all();
    // The second subscription still waits for its own.
    expect(NULL, NULL);
    settle();
    expect("\"data\":{\"t\":[[2,\"2\"]]}", NULL);
    say(command_of("tsSubCmds", ",\"timeWindow\":50"));
    say(command_of("tsSubCmds", ",\"unsubscribe\":true"));
    while (world.frame_count > 0) {
        expect("", NULL);
    }
    settle();
    expect(NULL, NULL);
}

static void what_cannot_be_read_is_told_with_the_next_change(void **state)
{
    (void)state;
    say(command_of("tsSubCmds", ""));
    change(world.one, 1);
    take_all();
    expect("\"data\":{}", NULL);
    expect("\"data\":{\"t\":[[1,\"1\"]]}", NULL);
    world.is_unreadable = true;
    change(world.one, 2);
    take_all();
    expect(NULL, NULL);
    world.is_unreadable = false;
    change(world.one, 3);
    take_all();
    expect("\"data\":{\"t\":[[3,\"3\"],[2,\"2\"]]}", NULL);
}

static void what_subscriptions_keep_is_counted(void **state)
{
    (void)state;
    struct rest_live *live = rest_fixture.rest.live;
    const uint64_t most = REST_LIVE_CELLS;
    assert_int_equal(live->cells, 0);
    live->cells = most;
    say(command_of("tsSubCmds", ""));
    say(command_of("historyCmds", ",\"endTs\":10"));
    say(query_of(one_device(), ""));
    for (unsigned i = 0; i < 3; i++) {
        expect("Too many subscriptions or keys", NULL);
    }
    assert_int_equal(live->cells, most);
    live->cells = 0;
    say(command_of("tsSubCmds", ""));
    expect("\"errorCode\":0", NULL);
    assert_in_range(live->cells, 1, 100);
    // A name more is one too many: the subscription ends.
    live->cells += most - live->cells;
    change(world.one, 1);
    take_all();
    expect("\"errorCode\":1,\"errorMsg\":\"Too many new values, the subscription ends\"", NULL);
    assert_in_range(live->cells, most - 100, most - 1);
    assert_int_equal(((const struct live_session *)world.user)->cells, 0);
    live->cells = 0;
    change(world.one, 2);
    take_all();
    expect(NULL, NULL);
}

// Another connection of the same or of another tenant, that remembers so much.
static void take_for(struct live_session *other, uint64_t tenant, uint64_t cells)
{
    struct rest_live *live = rest_fixture.rest.live;
    *other = (struct live_session){.caller = {.tenant = {tenant}}, .next = live->sessions};
    live->sessions = other;
    rest_live_cells_take(live, other, cells);
}

static void give_back(struct live_session *other)
{
    struct rest_live *live = rest_fixture.rest.live;
    rest_live_cells_give(live, other, other->cells);
    assert_ptr_equal(live->sessions, other);
    live->sessions = other->next;
}

static void one_tenant_leaves_half_of_it_to_others(void **state)
{
    (void)state;
    struct live_session other;
    const struct live_session *own = world.user;
    const uint64_t tenant = own->caller.tenant.number;
    // All connections of a tenant count together, whoever's they are.
    take_for(&other, tenant, REST_LIVE_TENANT_CELLS);
    say(command_of("tsSubCmds", ""));
    say(command_of("historyCmds", ",\"endTs\":10"));
    say(query_of(one_device(), LATEST));
    for (unsigned i = 0; i < 3; i++) {
        expect("Too many subscriptions or keys", NULL);
    }
    assert_int_equal(own->cells, 0);
    give_back(&other);
    // What others have is no hindrance while there is room.
    take_for(&other, tenant + 1, REST_LIVE_CELLS - 1000);
    say(command_of("tsSubCmds", ""));
    expect("\"errorCode\":0", NULL);
    assert_in_range(own->cells, 1, 100);
    // A list that grows beyond the share ends.
    say(query_of(one_device(), LATEST));
    give_back(&other);
    take_for(&other, tenant, REST_LIVE_TENANT_CELLS - own->cells);
    settle();
    expect("\"errorCode\":1,\"errorMsg\":\"Too many entities and values are watched\"", NULL);
    give_back(&other);
}

static void histories_run_in_the_pool(void **state)
{
    (void)state;
    change(world.one, 1);
    take_all();
    say(command_of("historyCmds", ",\"endTs\":10"));
    take_all();
    expect(NULL, NULL);
    assert_int_equal(world.pool.count, 1);
    settle();
    expect("\"errorCode\":0", "\"data\":{\"t\":[[1,\"1\"]]}");
    // It is no query, so nothing can be added to it.
    say(command_of("historyCmds", ",\"endTs\":10"));
    say("{\"entityDataCmds\":[{\"cmdId\":1" LATEST "}]}");
    expect("\"errorMsg\":\"There is no query with this cmdId\"", NULL);
    rest_live_ops.closed(&rest_fixture.rest, NULL, &world.user);
    world.user = NULL;
}

static void so_many_queries_run_at_a_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REST_LIVE_JOBS + 3; i++) {
        say(rest_fixture_text(
            "{\"entityCountCmds\":[{\"cmdId\":%u,\"query\":{\"entityFilter\":%s}}]}", i, ALL));
    }
    assert_int_equal(world.pool.count, REST_LIVE_JOBS);
    settle();
    for (unsigned i = 0; i < REST_LIVE_JOBS + 3; i++) {
        expect(rest_fixture_text("{\"cmdId\":%u,", i), "\"count\":");
    }
}

static void cells_have_a_bound(void **state)
{
    (void)state;
    struct rest_live *live = rest_fixture.rest.live;
    say(query_of(one_device(), LATEST));
    live->cells += REST_LIVE_CELLS;
    settle();
    expect("\"errorCode\":1,\"errorMsg\":\"Too many entities and values are watched\"", NULL);
    live->cells -= REST_LIVE_CELLS;
    change(world.one, 1);
    settle();
    expect(NULL, NULL);
}

static void a_query_that_takes_too_long_is_refused_and_later_tried_again(void **state)
{
    (void)state;
    world.step_s = 6;
    say(query_of(one_device(), LATEST));
    settle();
    expect("\"errorCode\":2,\"errorMsg\":\"The query takes too long", NULL);
    // It never began, so there is nothing to add to.
    say("{\"entityDataCmds\":[{\"cmdId\":1" LATEST "}]}");
    expect("\"errorMsg\":\"There is no query with this cmdId\"", NULL);
    world.step_s = 0;
    say(query_of(one_device(), LATEST));
    settle();
    expect(SNAPSHOT, NULL);
    world.step_s = 6;
    rest_fixture.mono.ns += span_s(REFRESH_S).ns;
    rest_live_tell(rest_fixture.rest.live);
    settle();
    expect("\"errorMsg\":\"The query takes too long", NULL);
    world.step_s = 0;
    change(world.one, 4);
    settle();
    expect(UPDATE, "\"value\":\"4\"");
}

static void too_large_an_answer_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[200000];
    memset(bytes, 'x', sizeof(bytes));
    for (int64_t i = 1; i <= 45; i++) {
        rest_fixture_save(world.one, "t", i,
                          (struct model_value){.type = MODEL_VALUE_STRING,
                                               .text = slice_of(bytes, sizeof(bytes))});
    }
    say(query_of(one_device(), ",\"historyCmd\":{\"keys\":[\"t\"],\"startTs\":0,\"endTs\":100}"));
    settle();
    expect("\"errorCode\":2,\"errorMsg\":\"The answer is too large, ask for less\"", NULL);
    say(query_of(one_device(),
                 ",\"historyCmd\":{\"keys\":[\"t\"],\"startTs\":0,\"endTs\":100,\"limit\":2}"));
    settle();
    expect(SNAPSHOT, "xxx");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_while_the_job_runs_comes_behind_its_snapshot),
        TEST(more_changes_than_are_remembered_mark_everything),
        TEST(what_the_feed_could_not_say_is_read_again),
        TEST(a_list_that_is_lent_tells_nothing_until_it_is_back),
        TEST(nothing_is_evaluated_before_it_is_due),
        TEST(a_peer_that_goes_while_the_job_runs_is_told_nothing),
        TEST(a_query_in_the_place_of_one_that_runs_is_the_only_one_told),
        TEST(a_full_pool_is_asked_again),
        TEST(a_window_comes_first_and_then_what_changed_meanwhile),
        TEST(a_window_for_a_subscription_that_was_replaced_begins_nothing),
        TEST(what_cannot_be_read_is_told_with_the_next_change),
        TEST(what_subscriptions_keep_is_counted),
        TEST(one_tenant_leaves_half_of_it_to_others),
        TEST(histories_run_in_the_pool),
        TEST(so_many_queries_run_at_a_time),
        TEST(cells_have_a_bound),
        TEST(a_query_that_takes_too_long_is_refused_and_later_tried_again),
        TEST(too_large_an_answer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
