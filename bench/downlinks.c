#include "bench/downlinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/devices.h"
#include "bench/requests.h"
#include "bench/rest.h"
#include "coap/code.h"

#define PATIENCE_NS 30000000000ULL // without an answer; then what is missing stays missing
#define PATH_MAX_LEN 128

// What the run is about; one at a time.
static struct {
    enum bench_kind kind;
    uint32_t next;     // device to start with
    uint64_t heard_ns; // when the last answer came
    bool *told;        // by device: its change has arrived
    uint32_t *free;    // devices without a call, a stack
    uint32_t free_count;
} run;

static void register_step(struct bench_load *load)
{
    while (run.next < load->options.devices && load->waiting.count < load->options.in_flight) {
        bench_requests_begin(load, run.next++, run.kind);
    }
}

static void register_all(struct bench_load *load, enum bench_kind kind)
{
    run.kind = kind;
    run.next = 0;
    const uint32_t devices = load->options.devices;
    do {
        bench_load_turn(load, register_step);
    } while (run.next < devices || load->waiting.count > 0);
    run.next = 0;
}

void bench_downlinks_observe(struct bench_load *load)
{
    bench_load_warm(load);
    register_all(load, BENCH_WATCH);
    register_all(load, BENCH_LISTEN);
    if (load->count.codes[COAP_CONTENT] + load->count.codes[COAP_VALID] != load->count.answered) {
        fprintf(stderr, "bench_load: some observations were refused\n");
    }
}

// Changes.

static void change_step(struct bench_load *load)
{
    while (run.next < load->options.devices) {
        char path[PATH_MAX_LEN], id[UUID_TEXT_SIZE], body[32];
        const struct uuid uuid = bench_device_id(run.next);
        snprintf(path, sizeof(path), "/api/plugins/telemetry/DEVICE/%s/SHARED_SCOPE",
                 uuid_format(&uuid, id));
        snprintf(body, sizeof(body), "{\"limit\":%u}", run.next);
        if (!bench_rest_begin(load, run.next, "POST", path, body)) {
            return;
        }
        load->devices[run.next++].asked_ns = load->now_ns;
    }
}

static void count_answer(struct bench_load *load, uint32_t device)
{
    bench_latency_add(&load->count.latency, load->now_ns - load->devices[device].asked_ns);
    load->count.answered++;
    run.heard_ns = load->now_ns;
}

static void change_notified(struct bench_load *load, uint32_t device, enum bench_kind kind,
                            struct slice payload)
{
    (void)kind;
    (void)payload;
    if (run.told[device]) {
        load->count.repeats++;
    } else {
        run.told[device] = true;
        count_answer(load, device);
    }
}

static void expect(unsigned status, unsigned wanted, struct slice body)
{
    if (status != wanted) {
        fprintf(stderr, "bench_load: REST answered %u: %.*s\n", status, (int)body.len, body.ptr);
        exit(1);
    }
}

static void change_rested(struct bench_load *load, uint32_t device, unsigned status,
                          struct slice body)
{
    expect(status, 200, body);
    if (load->notified == NULL) {
        count_answer(load, device);
    }
}

void bench_downlinks_change(struct bench_load *load, bool watched)
{
    run.told = calloc(load->options.devices, sizeof(*run.told));
    load->rested = change_rested;
    if (watched) {
        register_all(load, BENCH_WATCH);
        load->notified = change_notified;
    }
    bench_load_warm(load);
    run.heard_ns = load->now_ns;
    while (load->count.answered < load->options.devices &&
           load->now_ns - run.heard_ns < PATIENCE_NS) {
        bench_load_turn(load, change_step);
    }
    load->missing = load->options.devices - (uint32_t)load->count.answered;
    free(run.told);
}

// Calls.

static void call_step(struct bench_load *load)
{
    while (run.free_count > 0) {
        char path[PATH_MAX_LEN], id[UUID_TEXT_SIZE];
        const uint32_t device = run.free[run.free_count - 1];
        const struct uuid uuid = bench_device_id(device);
        snprintf(path, sizeof(path), "/api/rpc/twoway/%s", uuid_format(&uuid, id));
        if (!bench_rest_begin(load, device, "POST", path,
                              "{\"method\":\"m\",\"params\":{\"n\":1},\"timeout\":60000}")) {
            return;
        }
        load->devices[device].asked_ns = load->now_ns;
        run.free_count--;
    }
}

static void call_notified(struct bench_load *load, uint32_t device, enum bench_kind kind,
                          struct slice payload)
{
    static const char name[] = "\"id\":";
    const char *const id = memmem(payload.ptr, payload.len, name, sizeof(name) - 1);
    (void)kind;
    if (id != NULL) {
        bench_requests_reply(load, device, (uint32_t)strtoul(id + sizeof(name) - 1, NULL, 10));
    }
}

static void call_rested(struct bench_load *load, uint32_t device, unsigned status,
                        struct slice body)
{
    expect(status, 200, body);
    count_answer(load, device);
    run.free[run.free_count++] = device;
}

void bench_downlinks_call(struct bench_load *load)
{
    run.free = calloc(load->options.devices, sizeof(*run.free));
    register_all(load, BENCH_LISTEN);
    load->notified = call_notified;
    load->rested = call_rested;
    while (run.free_count < load->options.devices) {
        run.free[run.free_count] = run.free_count;
        run.free_count++;
    }
    bench_load_run(load, load->options.warm_up, call_step);
    bench_load_warm(load);
    bench_load_run(load, load->options.seconds, call_step);
}

static void ask_step(struct bench_load *load)
{
    while (bench_rest_begin(load, run.next, "GET", "/readyz", "")) {
        load->devices[run.next].asked_ns = load->now_ns;
        run.next = (run.next + 1) % load->options.devices;
    }
}

static void ask_rested(struct bench_load *load, uint32_t device, unsigned status, struct slice body)
{
    expect(status, 200, body);
    count_answer(load, device);
}

void bench_downlinks_ask(struct bench_load *load)
{
    load->rested = ask_rested;
    bench_load_run(load, load->options.warm_up, ask_step);
    bench_load_warm(load);
    bench_load_run(load, load->options.seconds, ask_step);
}
