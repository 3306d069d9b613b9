#include "rest/fixture.h"

#include <stdio.h>

#include "core/core_test.h"
#include "core/install.h"
#include "core/shard_fixture.h"

#define TOKEN_SIZE 2048
#define MEMORY_SIZE (4U << 20)
#define DEVICES_MAX 100U
#define SHAPE_IDS_MAX 32U
#define TEXTS 16U

struct rest_fixture rest_fixture;

static struct core_test base;
static struct store_lane *lane;
static struct core_desk desk;
static struct core_shard_fixture shard;
static uint64_t ticket;
static char tokens[REST_PEOPLE][TOKEN_SIZE];
static uint8_t memory[MEMORY_SIZE] __attribute__((aligned(16)));
static uint8_t answer[REST_FIXTURE_RESPONSE_MAX + 1];

static struct wall wall(void)
{
    return rest_fixture.now;
}

static struct mono mono(void)
{
    return rest_fixture.mono;
}

static bool is_ready(void *context)
{
    (void)context;
    return rest_fixture.ready;
}

static void wake(void *context)
{
    (void)context;
}

static void open_core(void)
{
    static const struct rate rate = {.capacity = {3}, .seconds = {30}, .count = 1};
    memset(&base, 0, sizeof(base));
    epoch_init(&base.epoch, 1);
    assert_int_equal(entities_test_open(&base.entities), ERR_OK);
    base.core.entities = base.entities.entities;
    base.core.epoch = &base.epoch;
    base.core.pause = core_test_pause;
    assert_int_equal(store_attempts_create(&base.core.attempts, &rate), ERR_OK);
    assert_int_equal(model_index_create(&base.core.index, &base.epoch, DEVICES_MAX), ERR_OK);
    assert_int_equal(model_quotas_create(&base.core.quotas, 8), ERR_OK);
    assert_int_equal(core_open(&base.core, rest_fixture.now), ERR_OK);
    assert_int_equal(core_install_demo(&base.core, rest_fixture.now), ERR_OK);
    assert_int_equal(core_index_fill(&base.core), ERR_OK);
}

static void open_store(void)
{
    static const struct store_limits limits = {
        .head_bytes_max = 16U << 20,
        .journal_bytes_max = 64U << 20,
        .journal_age_max = {3600000000000},
        .commit_delay_max = {0},
        .commit_records_max = 100,
        .keys_per_device_max = 2000,
        .keys_per_tenant_max = 10000,
    };
    assert_int_equal(store_memory_open(&limits, &base.core.store), ERR_OK);
    assert_int_equal(store_lane_open(base.core.store, 1U << 20, NULL, wake, &lane), ERR_OK);
    assert_int_equal(store_lane_open(base.core.store, 1U << 20, NULL, NULL, &desk.lane), ERR_OK);
    memset(&shard, 0, sizeof(shard));
    shard.core.store = base.core.store;
    shard.now.wall = rest_fixture.now;
    shard.now.mono = rest_fixture.mono;
    core_shard_fixture_open(&shard);
    desk.bus = shard.core.bus;
    desk.party = shard.desk;
    assert_int_equal(store_start(base.core.store), ERR_OK);
    core_shard_fixture_start(&shard);
}

static enum err zone(struct arena *arena, struct slice name, struct slice *bytes)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", SLICE_ARGS(name));
    FILE *const file = fopen(path, "rb");
    void *const bytes_read = arena_take(arena, 65536);
    if (file == NULL) {
        return ERR_NOT_FOUND;
    }
    assert_non_null(bytes_read);
    *bytes = slice_of(bytes_read, fread(bytes_read, 1, 65536, file));
    (void)fclose(file);
    return ERR_OK;
}

static void write_metrics(void *context, struct buf *out)
{
    (void)context;
    buf_put_text(out, "motehub_up 1\n");
}

static unsigned thread(void)
{
    return 0;
}

// A parked request is waited for by the test, as its peer would.
static struct {
    struct plat_mutex mutex;
    struct plat_cond changed;
    bool is_parked;
    bool is_answered;
    struct http_watch watch;
} later;

static enum err park(const struct http_request *request, uint64_t owner,
                     const struct http_watch *watch, struct http_parked **parked)
{
    (void)request;
    (void)owner;
    later.watch = watch != NULL ? *watch : (struct http_watch){.context = NULL};
    later.is_parked = true;
    later.is_answered = false;
    *parked = (struct http_parked *)(void *)&later;
    return ERR_OK;
}

static void answer_later(struct http_parked *parked, const struct http_response *response)
{
    assert_ptr_equal(parked, &later);
    plat_mutex_lock(&later.mutex);
    struct http_response *own = &rest_fixture.response;
    own->status = response->status;
    own->content_type = response->content_type;
    own->retry_after_s = response->retry_after_s;
    own->body.len = 0;
    buf_put_slice(&own->body, buf_view(&response->body));
    later.is_answered = true;
    plat_cond_broadcast(&later.changed);
    plat_mutex_unlock(&later.mutex);
}

static void wait_if_parked(void)
{
    plat_mutex_lock(&later.mutex);
    while (later.is_parked && !later.is_answered) {
        plat_cond_wait(&later.changed, &later.mutex);
    }
    const bool was_parked = later.is_parked;
    later.is_parked = false;
    plat_mutex_unlock(&later.mutex);
    if (was_parked && later.watch.ended != NULL) {
        later.watch.ended(later.watch.context, !rest_fixture.is_unwritten);
    }
}

int rest_fixture_set_up(void **state)
{
    static const char *const people[REST_PEOPLE][2] = {
        [REST_SYSADMIN] = {"sysadmin@thingsboard.org", "sysadmin"},
        [REST_TENANT] = {"tenant@thingsboard.org", "tenant"},
        [REST_CUSTOMER] = {"customer@thingsboard.org", "customer"},
    };
    (void)state;
    rest_fixture =
        (struct rest_fixture){.now = {REST_FIXTURE_NOW}, .mono = {1000000000}, .ready = true};
    assert_int_equal(address_parse(SLICE("192.0.2.1:1"), &rest_fixture.remote), ERR_OK);
    open_core();
    open_store();
    rest_fixture.rest = (struct rest){.core = &base.core,
                                      .settings = {.token_life_s = 9000,
                                                   .refresh_life_s = 604800,
                                                   .type_cast = true,
                                                   .rpc_timeout_min_ms = 5000,
                                                   .rpc_timeout_ms = 10000,
                                                   .rpc_timeout_max_ms = 600000,
                                                   .visit_wait_ms = 60000,
                                                   .visit_wait_most_ms = 300000,
                                                   .answer_wait_ms = 10000},
                                      .desks = &desk,
                                      .door = &desk,
                                      .thread = thread,
                                      .zone = zone,
                                      .wall = wall,
                                      .mono = mono,
                                      .ready = is_ready,
                                      .metrics = write_metrics,
                                      .park = park,
                                      .answer = answer_later};
    plat_mutex_init(&later.mutex);
    plat_cond_init(&later.changed);
    char refresh[TOKEN_SIZE];
    for (unsigned i = REST_SYSADMIN; i < REST_PEOPLE; i++) {
        assert_int_equal(rest_fixture_log_in(people[i][0], people[i][1], tokens[i], refresh), 200);
    }
    rest_fixture_as(REST_TENANT);
    return 0;
}

int rest_fixture_tear_down(void **state)
{
    (void)state;
    core_shard_fixture_stop(&shard);
    plat_cond_deinit(&later.changed);
    plat_mutex_deinit(&later.mutex);
    store_stop(base.core.store);
    core_shard_fixture_close(&shard);
    store_close(base.core.store);
    core_test_close(&base);
    return 0;
}

void rest_fixture_as(enum rest_fixture_who who)
{
    if (who == REST_NOBODY) {
        rest_fixture.authorization[0] = 0;
    } else {
        rest_fixture_as_bearer(tokens[who]);
    }
}

void rest_fixture_as_bearer(const char *token)
{
    snprintf(rest_fixture.authorization, sizeof(rest_fixture.authorization), "Bearer %s", token);
}

static void read_query(struct http_request *request, struct slice query)
{
    while (query.ptr != NULL && query.len > 0) {
        struct slice value = slice_cut(&query, '&');
        const struct slice name = slice_cut(&value, '=');
        assert_true(request->parameter_count < HTTP_PARAMETERS_MAX);
        request->parameters[request->parameter_count++] = (struct http_parameter){name, value};
    }
}

int rest_fixture_ask(enum http_method method, const char *url, const char *body)
{
    static struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    struct slice query = slice_text(url);
    const struct slice path = slice_cut(&query, '?');
    rest_fixture.request = (struct http_request){
        .method = method,
        .path = path,
        .authorization = slice_text(rest_fixture.authorization),
        .body = slice_text(body != NULL ? body : ""),
        .remote = rest_fixture.remote,
        .memory = &arena,
    };
    read_query(&rest_fixture.request, query);
    rest_fixture.response = (struct http_response){.status = 200,
                                                   .content_type = "application/json",
                                                   .body = buf_over(answer, sizeof(answer) - 1)};
    rest_handle(&rest_fixture.rest, &rest_fixture.request, &rest_fixture.response);
    wait_if_parked();
    assert_false(rest_fixture.response.body.overflow);
    answer[rest_fixture.response.body.len] = 0;
    rest_fixture.body = (const char *)answer;
    return rest_fixture.response.status;
}

int rest_fixture_get(const char *url)
{
    return rest_fixture_ask(HTTP_GET, url, NULL);
}

int rest_fixture_post(const char *url, const char *body)
{
    return rest_fixture_ask(HTTP_POST, url, body);
}

int rest_fixture_delete(const char *url)
{
    // As the Python client does.
    return rest_fixture_ask(HTTP_DELETE, url, "{}");
}

static void take_text(const char *name, char *out)
{
    const char *at = strstr(rest_fixture.body, name);
    assert_non_null(at);
    at += strlen(name);
    const size_t len = strcspn(at, "\"");
    assert_true(len < TOKEN_SIZE);
    memcpy(out, at, len);
    out[len] = 0;
}

void rest_fixture_take_tokens(char *token, char *refresh)
{
    take_text("\"token\":\"", token);
    take_text("\"refreshToken\":\"", refresh);
}

int rest_fixture_log_in(const char *email, const char *password, char *token, char *refresh)
{
    rest_fixture_as(REST_NOBODY);
    const int status = rest_fixture_post(
        "/api/auth/login",
        rest_fixture_text("{\"username\":\"%s\",\"password\":\"%s\"}", email, password));
    if (status == 200) {
        rest_fixture_take_tokens(token, refresh);
    }
    return status;
}

const char *rest_fixture_text(const char *format, ...)
{
    static char texts[TEXTS][8192];
    static unsigned turn;
    char *text = texts[turn++ % TEXTS];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof(texts[0]), format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof(texts[0]));
    return text;
}

// Where the next UUID starts at or after `at`, or NULL.
static const char *next_id(const char *at, struct uuid *id)
{
    const size_t len = UUID_TEXT_SIZE - 1;
    for (const char *end = at + strlen(at); end - at >= (ptrdiff_t)len; at++) {
        if (uuid_parse(slice_of(at, len), id)) {
            return at;
        }
    }
    return NULL;
}

const char *rest_fixture_shape(void)
{
    static char shape[REST_FIXTURE_RESPONSE_MAX];
    struct uuid ids[SHAPE_IDS_MAX];
    unsigned count = 0;
    struct buf out = buf_over(shape, sizeof(shape) - 1);
    struct uuid id;
    const char *at = rest_fixture.body;
    for (const char *next = next_id(at, &id); next != NULL; next = next_id(at, &id)) {
        buf_put(&out, at, (size_t)(next - at));
        at = next + UUID_TEXT_SIZE - 1;
        unsigned i = 0;
        while (i < count && !uuid_equal(&ids[i], &id)) {
            i++;
        }
        if (uuid_equal(&id, &uuid_null)) {
            buf_put_text(&out, "<null>");
            continue;
        }
        if (i == count) {
            assert_true(count < SHAPE_IDS_MAX);
            ids[count++] = id;
        }
        buf_put_format(&out, "<%u>", i + 1);
    }
    buf_put_text(&out, at);
    assert_false(out.overflow);
    shape[out.len] = 0;
    return shape;
}

void rest_fixture_expect(int status, const char *shape)
{
    if (rest_fixture.response.status != status) {
        fail_msg("%d: %s", rest_fixture.response.status, rest_fixture.body);
    }
    assert_string_equal(rest_fixture_shape(), shape);
}

void rest_fixture_expect_error(int status, int code, const char *message)
{
    assert_string_equal(rest_fixture.body,
                        rest_fixture_text("{\"status\":%d,\"message\":\"%s\",\"errorCode\":%d,"
                                          "\"timestamp\":%lld}",
                                          status, message, code, (long long)rest_fixture.now.ms));
    assert_int_equal(rest_fixture.response.status, status);
    assert_string_equal(rest_fixture.response.content_type, "application/json");
}

void rest_fixture_take_id(unsigned n, char id[37])
{
    struct uuid found;
    const char *at = next_id(rest_fixture.body, &found);
    for (unsigned i = 0; i < n; i++) {
        assert_non_null(at);
        at = next_id(at + 1, &found);
    }
    assert_non_null(at);
    (void)uuid_format(&found, id);
}

void rest_fixture_device(const char *name, char id[37])
{
    assert_int_equal(rest_fixture_get(rest_fixture_text("/api/tenant/device?deviceName=%s", name)),
                     200);
    rest_fixture_take_id(0, id);
}

void rest_fixture_customer(const char *title, char id[37])
{
    assert_int_equal(
        rest_fixture_get(rest_fixture_text("/api/tenant/customers?customerTitle=%s", title)), 200);
    rest_fixture_take_id(0, id);
}

// Looked up below the API, which does not show the numbers of the store.
static struct model_device find_device(const char *device)
{
    static uint8_t bytes[8192] __attribute__((aligned(16)));
    static struct arena arena;
    struct uuid id;
    struct model_device found;
    struct core_problem problem;
    const struct core_caller caller = {.authority = MODEL_TENANT_ADMIN,
                                       .tenant = {1},
                                       .customer = uuid_null,
                                       .now = rest_fixture.now};
    arena_init(&arena, bytes, sizeof(bytes));
    const struct core_admin admin = {&base.core, &caller, &arena, &problem};
    assert_true(uuid_parse(slice_text(device), &id));
    assert_int_equal(core_device_get(&admin, &id, &found), ERR_OK);
    return found;
}

void rest_fixture_save(const char *device, const char *key, int64_t time_ms,
                       struct model_value value)
{
    const struct model_device found = find_device(device);
    const struct model_point point = {slice_text(key), value};
    const struct model_reading reading = {true, time_ms, &point, 1};
    const struct model_readings readings = {&reading, 1, 1};
    const struct store_record record = {
        .verb = STORE_SAVE,
        .ticket = ++ticket,
        .tenant = found.tenant,
        .device = found.number,
        .save = {
            .readings = &readings, .proposed = rest_fixture.now, .series = true, .latest = true}};
    struct store_completion completion;
    assert_int_equal(store_submit(lane, &record), ERR_OK);
    store_flush(lane);
    assert_int_equal(store_await(lane, ticket, &completion), ERR_OK);
    assert_int_equal(completion.err, ERR_OK);
}
