// A load on loopback: each device is a peer of its own, has at most one request in flight, and
// repeats it after two seconds. Closed loops keep `--in-flight` going; with `--rate` the loop is
// open: that many requests a second.
//
// Usage: bench_load PORT MODE [--devices N] [--in-flight N] [--seconds N] [--rate N] [--warm-up N]
// [--each 1] [--http PORT --connections N]. Modes stand in `modes`; those that need REST take its
// port and BENCH_TOKEN from the environment. Says `warm` when the warm-up is over, then prints one
// JSON object: exchanges and rate since then, latency in microseconds, answers by code, repeats,
// and how many requests were still unanswered two seconds after they were begun.
#include "bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <unistd.h>

#include "bench/downlinks.h"
#include "bench/requests.h"
#include "bench/rest.h"
#include "plat/clock.h"

#define EVENTS 256
#define LATE_NS 2000000000ULL
#define SETTLE_NS 30000000000ULL

void bench_load_turn(struct bench_load *load, bench_step_fn *step)
{
    struct epoll_event events[EVENTS];
    step(load);
    bench_peers_flush(load->peers);
    const int count = epoll_wait(load->epoll, events, EVENTS, 1);
    load->now_ns = plat_clock_mono().ns;
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 < BENCH_PEERS_SOCKETS) {
            bench_peers_receive(load->peers, events[i].data.u32, bench_requests_take, load);
        } else {
            bench_rest_receive(load, events[i].data.u32);
        }
    }
    bench_requests_repeat_late(load);
}

void bench_load_run(struct bench_load *load, unsigned seconds, bench_step_fn *step)
{
    load->start_ns = load->now_ns;
    load->started = 0;
    while (load->now_ns - load->start_ns < seconds * 1000000000ULL) {
        bench_load_turn(load, step);
    }
}

void bench_load_warm(struct bench_load *load)
{
    printf("warm\n");
    fflush(stdout);
    memset(&load->count, 0, sizeof(load->count));
    load->start_ns = load->now_ns;
}

static enum bench_kind request_kind;

static void closed_step(struct bench_load *load)
{
    while (load->waiting.count < load->options.in_flight && load->idle.first != BENCH_NONE) {
        bench_requests_begin(load, load->idle.first, request_kind);
    }
}

static void open_step(struct bench_load *load)
{
    const uint64_t due = (load->now_ns - load->start_ns) * load->options.rate / 1000000000U;
    for (; load->started < due && load->idle.first != BENCH_NONE; load->started++) {
        bench_requests_begin(load, load->idle.first, request_kind);
    }
}

static void no_step(struct bench_load *load)
{
    (void)load;
}

// Who leaves calls behind keeps the server busy in the row that follows.
static void settle(struct bench_load *load)
{
    bench_load_turn(load, no_step);
    const uint64_t until_ns = load->now_ns + SETTLE_NS;
    while (load->rest != NULL && !bench_rest_is_idle(load->rest) && load->now_ns < until_ns) {
        bench_load_turn(load, no_step);
    }
}

static void print_result(const struct bench_load *load, double seconds)
{
    const struct bench_count *count = &load->count;
    uint32_t unanswered = load->missing;
    for (uint32_t i = load->waiting.first; i != BENCH_NONE; i = load->devices[i].next) {
        unanswered += load->now_ns - load->devices[i].begun_ns > LATE_NS;
    }
    printf("{\"exchanges\":%llu,\"rate\":%.0f,\"p50_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu,"
           "\"repeats\":%llu,\"unanswered\":%u,\"sent\":%llu,\"seconds\":%.3f,\"codes\":{",
           (unsigned long long)count->answered, (double)count->answered / seconds,
           (unsigned long long)bench_latency_us(&count->latency, 0.5),
           (unsigned long long)bench_latency_us(&count->latency, 0.99),
           (unsigned long long)bench_latency_us(&count->latency, 0.999),
           (unsigned long long)count->repeats, unanswered, (unsigned long long)count->sent,
           seconds);
    const char *separator = "";
    for (unsigned i = 0; i < 256; i++) {
        if (count->codes[i] > 0) {
            printf("%s\"%u.%02u\":%llu", separator, i >> 5, i & 31,
                   (unsigned long long)count->codes[i]);
            separator = ",";
        }
    }
    printf("}}\n");
}

static void run_requests(struct bench_load *load)
{
    bench_step_fn *step = load->options.rate > 0 ? open_step : closed_step;
    bench_load_run(load, load->options.warm_up, step);
    while (load->options.each > 0 && load->count.answered < load->options.devices) {
        bench_load_turn(load, step);
    }
    bench_load_warm(load);
    bench_load_run(load, load->options.seconds, step);
}

static void change_unwatched(struct bench_load *load)
{
    bench_downlinks_change(load, false);
}

static void change_watched(struct bench_load *load)
{
    bench_downlinks_change(load, true);
}

static const struct {
    const char *name;
    void (*run)(struct bench_load *load);
    enum bench_kind kind; // for requests
} modes[] = {
    {"echo", run_requests, BENCH_ECHO},
    {"trivial", run_requests, BENCH_TRIVIAL},
    {"telemetry", run_requests, BENCH_TELEMETRY},
    {"publish", run_requests, BENCH_PUBLISH},
    {"attributes", run_requests, BENCH_ATTRIBUTES},
    {"stranger", run_requests, BENCH_STRANGER},
    {"observe", bench_downlinks_observe, BENCH_WATCH},
    {"change", change_unwatched, BENCH_WATCH},
    {"fan-out", change_watched, BENCH_WATCH},
    {"call", bench_downlinks_call, BENCH_LISTEN},
    {"ask", bench_downlinks_ask, BENCH_LISTEN},
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

static unsigned mode_named(const char *name)
{
    unsigned mode = 0;
    while (mode < MODES && strcmp(modes[mode].name, name) != 0) {
        mode++;
    }
    return mode;
}

static void read_options(struct bench_options *options, int count, char **words)
{
    const struct {
        const char *name;
        unsigned *value;
    } known[] = {
        {"--devices", &options->devices}, {"--in-flight", &options->in_flight},
        {"--seconds", &options->seconds}, {"--warm-up", &options->warm_up},
        {"--rate", &options->rate},       {"--each", &options->each},
        {"--http", &options->http},       {"--connections", &options->connections},
    };
    for (int i = 3; i < count; i += 2) {
        unsigned k = 0;
        while (k < sizeof(known) / sizeof(known[0]) && strcmp(words[i], known[k].name) != 0) {
            k++;
        }
        if (k == sizeof(known) / sizeof(known[0]) || i + 1 == count) {
            fprintf(stderr, "bench_load: %s is unknown or has no value\n", words[i]);
            exit(2);
        }
        *known[k].value = (unsigned)atoi(words[i + 1]);
    }
}

int main(int count, char **words)
{
    static struct bench_load load = {
        .options =
            {.devices = 10000, .in_flight = 1024, .seconds = 10, .warm_up = 2, .connections = 64},
        .idle = {BENCH_NONE, BENCH_NONE, 0},
        .waiting = {BENCH_NONE, BENCH_NONE, 0},
    };
    const unsigned mode = count < 3 ? MODES : mode_named(words[2]);
    if (mode == MODES) {
        fprintf(stderr, "usage: bench_load PORT MODE [--OPTION N]...\n");
        return 2;
    }
    load.options.port = (unsigned)atoi(words[1]);
    read_options(&load.options, count, words);
    load.epoll = epoll_create1(0);
    load.peers = bench_peers_open(load.options.port, load.options.devices, load.epoll);
    load.devices = calloc(load.options.devices, sizeof(*load.devices));
    load.now_ns = plat_clock_mono().ns;
    bench_requests_init(&load);
    if (load.options.http != 0) {
        load.rest = bench_rest_open(load.options.http, load.options.connections, load.epoll);
    }
    request_kind = modes[mode].kind;
    modes[mode].run(&load);
    print_result(&load, (double)(load.now_ns - load.start_ns) / 1e9);
    fflush(stdout);
    settle(&load);
    return 0;
}
