// One crash: the server is killed in the middle of its work, over a real directory. What was
// answered with 2.01 is there when it comes back; what was not answered is not there, and the
// device, which repeats it, loses nothing and stores nothing twice.
//
// The server that is killed is a child process with the same wiring; no sockets, time stands still.
//
// Read it from the bottom: `a_crash_costs_nothing_that_was_acknowledged`.
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "story/stage.h"

static char directory[] = "/tmp/motehub-crash-XXXXXX";

static const struct stage_request first = {.method = COAP_POST,
                                           .mid = 0x3001,
                                           .token = 0x51,
                                           .path = "telemetry",
                                           .payload = "{\"first\":1}"};
static const struct stage_request second = {.method = COAP_POST,
                                            .mid = 0x3002,
                                            .token = 0x52,
                                            .path = "telemetry",
                                            .payload = "{\"second\":2}"};

static void open_the_server(void)
{
    static const struct store_limits limits = {.head_bytes_max = 1U << 20,
                                               .journal_bytes_max = 1U << 20,
                                               .journal_age_max = {300000000000},
                                               .commit_records_max = 64,
                                               .keys_per_device_max = 100,
                                               .keys_per_tenant_max = 1000,
                                               .trace_age_max = {247000000000},
                                               .trace_bytes_max = 1U << 20};
    struct store *store = NULL;
    char message[256] = "";
    if (store_local_open(directory, &limits, &store, message) != ERR_OK ||
        store_replay(store, message) != ERR_OK) {
        fail_msg("%s", message);
    }
    stage_open_on(store);
}

// The answer leaves after the sync of the commit that holds the reading, and not before.
static void the_store_commits_and_the_device_hears_of_it(uint16_t mid)
{
    struct store_completion completion;
    struct coap_handle exchange;
    struct coap_reply reply;
    struct coap_options options;
    stage_hear_nothing();
    store_flush(stage.lane);
    while (!store_collect(stage.lane, &completion)) {
        sched_yield();
    }
    assert_int_equal(completion.err, ERR_OK);
    (void)api_completed(&stage.api, &completion, &exchange, &reply);
    coap_endpoint_reply(stage.endpoint, stage.now, exchange, &reply);
    const struct coap_message message = stage_hear(&options);
    assert_int_equal(message.code, COAP_CREATED);
    assert_int_equal(message.mid, mid);
}

// The life of the first server. It ends by SIGKILL: nothing is closed, nothing is said.
static void live_and_die(int told)
{
    struct coap_reply reply;
    open_the_server();
    assert_int_equal(stage_request(&first, &reply), API_PENDING);
    the_store_commits_and_the_device_hears_of_it(first.mid);
    // The second reading is taken, and waits for company in the lane of the store.
    assert_int_equal(stage_request(&second, &reply), API_PENDING);
    assert_int_equal(write(told, "!", 1), 1);
    (void)raise(SIGKILL);
}

static void a_server_lives_and_is_killed(void)
{
    int ends[2];
    char told = 0;
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        live_and_die(ends[1]);
        _exit(1);
    }
    assert_true(child > 0);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(read(ends[0], &told, 1), 1);
    assert_int_equal(close(ends[0]), 0);
}

static bool count_point(void *context, const struct store_point *point)
{
    unsigned *count = context;
    (void)point;
    (*count)++;
    return true;
}

static unsigned readings_of(struct slice key)
{
    unsigned count = 0;
    const struct store_range range = {.tenant = stage_tenant,
                                      .device = stage_device,
                                      .key = key,
                                      .start_ms = INT64_MIN,
                                      .end_ms = INT64_MAX,
                                      .limit = 10};
    assert_int_equal(store_range(stage.core.store, &range, &count, count_point), ERR_OK);
    return count;
}

static void a_crash_costs_nothing_that_was_acknowledged(void **state)
{
    (void)state;
    struct coap_reply reply;
    struct coap_options options;
    a_server_lives_and_is_killed();

    // The next one replays the journal, and is told which messages caused what is in it.
    open_the_server();
    stage_recall();
    assert_int_equal(readings_of(SLICE("first")), 1);
    assert_int_equal(readings_of(SLICE("second")), 0);

    // The answer to the first may have been lost on the way: the device repeats it, and is answered
    // the same without a second effect.
    stage_repeat(&first);
    const struct coap_message message = stage_hear(&options);
    assert_int_equal(message.type, COAP_ACK);
    assert_int_equal(message.code, COAP_CREATED);
    assert_int_equal(message.mid, first.mid);

    // The second was never answered: it is repeated as well, and is new here.
    assert_int_equal(stage_request(&second, &reply), API_PENDING);
    the_store_commits_and_the_device_hears_of_it(second.mid);

    assert_int_equal(readings_of(SLICE("first")), 1);
    assert_int_equal(readings_of(SLICE("second")), 1);
    coap_endpoint_check(stage.endpoint, true);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)stage_close(state);
    DIR *files = opendir(directory);
    assert_non_null(files);
    for (const struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
        (void)unlinkat(dirfd(files), file->d_name, 0);
    }
    (void)closedir(files);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_costs_nothing_that_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
