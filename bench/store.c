// Records per second and CPU time per record of the store on local disk, at several numbers of
// records in flight: what one telemetry message costs once it is parsed.
//
//   bench_store DIRECTORY [SECONDS [DEVICES]]
//
// One producer keeps N records in flight (so groups come out near N), five points each, server
// time, devices in turn. Seals, flushes and compaction are inside. The writer's CPU is that of its
// thread, "others" that of RocksDB's background threads, "process" everything.
#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plat/clock.h"
#include "plat/loop.h"
#include "store/store.h"

struct bench {
    struct store *store;
    struct store_lane *lane;
    struct plat_loop *loop;
    uint64_t devices;
    uint64_t submitted;
    uint64_t completed;
    uint64_t failed;
    uint64_t random;
};

static const struct store_limits limits = {
    .head_bytes_max = UINT64_C(256) << 20,
    .journal_bytes_max = UINT64_C(64) << 20,
    .journal_age_max = {UINT64_C(300000000000)},
    .commit_delay_max = {1000000},
    .commit_records_max = 512,
    .keys_per_device_max = 1000,
    .keys_per_tenant_max = 100000,
    .trace_age_max = {UINT64_C(247000000000)},
    .trace_bytes_max = UINT64_C(64) << 20,
};

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

// CPU time of the thread with this name, in ns; 0 if there is none.
static uint64_t thread_cpu_ns(const char *name)
{
    uint64_t total = 0;
    DIR *const tasks = opendir("/proc/self/task");
    if (tasks == NULL) {
        return 0;
    }
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        char path[300];
        char comm[32] = "";
        uint64_t ns = 0;
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) {
            continue;
        }
        if (fgets(comm, sizeof(comm), file) != NULL) {
            comm[strcspn(comm, "\n")] = '\0';
        }
        (void)fclose(file);
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", entry->d_name);
        file = strcmp(comm, name) == 0 ? fopen(path, "r") : NULL;
        if (file != NULL) {
            total += fscanf(file, "%" SCNu64, &ns) == 1 ? ns : 0;
            (void)fclose(file);
        }
    }
    (void)closedir(tasks);
    return total;
}

static void wake(void *context)
{
    plat_loop_wake(context);
}

static uint64_t next_random(struct bench *bench)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return bench->random;
}

static bool submit(struct bench *bench, struct wall now)
{
    const uint64_t chance = next_random(bench);
    const struct model_point points[5] = {
        {SLICE("temperature"),
         {.type = MODEL_VALUE_DOUBLE, .real = 20.0 + (double)(chance % 1000) / 100.0}},
        {SLICE("humidity"), {.type = MODEL_VALUE_LONG, .number = (int64_t)(chance >> 16 & 63)}},
        {SLICE("battery"), {.type = MODEL_VALUE_LONG, .number = 90}},
        {SLICE("pressure"),
         {.type = MODEL_VALUE_DOUBLE, .real = 1000.0 + (double)(chance >> 32 & 511) / 10.0}},
        {SLICE("active"), {.type = MODEL_VALUE_BOOLEAN, .boolean = (chance >> 50 & 1) != 0}},
    };
    const struct model_reading reading = {false, 0, points, 5};
    const struct model_readings readings = {&reading, 1, 5};
    const struct store_record record = {.verb = STORE_SAVE,
                                        .ticket = bench->submitted + 1,
                                        .tenant = {1},
                                        .device = {1 + bench->submitted % bench->devices},
                                        .trace = {{(uint8_t)chance, 1}},
                                        .save = {&readings, now, 0, true, true}};
    if (store_submit(bench->lane, &record) != ERR_OK) {
        return false;
    }
    bench->submitted++;
    return true;
}

static void collect(struct bench *bench)
{
    struct store_completion completion;
    while (store_collect(bench->lane, &completion)) {
        bench->completed++;
        bench->failed += completion.err != ERR_OK;
    }
}

// Keeps `in_flight` records under way until `deadline` or `records_max`.
static void drive(struct bench *bench, uint64_t in_flight, struct mono deadline)
{
    uint32_t tags[PLAT_LOOP_READY_MAX];
    struct mono now = plat_clock_mono();
    while (!mono_reached(now, deadline)) {
        const struct wall wall = plat_clock_wall();
        while (bench->submitted - bench->completed < in_flight && submit(bench, wall)) {
        }
        store_flush(bench->lane);
        (void)plat_loop_wait(bench->loop, now, deadline, tags);
        collect(bench);
        now = plat_clock_mono();
    }
    while (bench->completed < bench->submitted) {
        (void)plat_loop_wait(bench->loop, now, mono_add(plat_clock_mono(), span_ms(100)), tags);
        collect(bench);
    }
}

static void measure(struct bench *bench, uint64_t in_flight, uint64_t seconds)
{
    const struct store_stats before = store_stats(bench->store);
    const struct mono start = plat_clock_mono();
    const uint64_t completed = bench->completed;
    const uint64_t process = plat_clock_process_cpu().ns;
    const uint64_t producer = plat_clock_thread_cpu().ns;
    const uint64_t writer = thread_cpu_ns("store");
    drive(bench, in_flight, mono_add(start, span_s(seconds)));
    const uint64_t process_ns = plat_clock_process_cpu().ns - process;
    const uint64_t producer_ns = plat_clock_thread_cpu().ns - producer;
    const uint64_t writer_ns = thread_cpu_ns("store") - writer;
    const double elapsed_s = (double)mono_since(plat_clock_mono(), start).ns / 1e9;
    const double records = (double)(bench->completed - completed);
    const struct store_stats after = store_stats(bench->store);
    printf("%9" PRIu64 " %11.0f %7.1f %8.2f %9.2f %7.2f %8.2f %9" PRIu64 " %7" PRIu64 " %6.0f\n",
           in_flight, records / elapsed_s, records / (double)(after.commits - before.commits),
           (double)writer_ns / records / 1e3, (double)producer_ns / records / 1e3,
           (double)(process_ns - writer_ns - producer_ns) / records / 1e3,
           (double)process_ns / records / 1e3, after.seals - before.seals, bench->failed,
           (double)after.head_bytes / 1e6);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static const uint64_t in_flight[] = {1, 64, 512, 2048};
    char message[256] = "";
    struct bench bench = {.random = 88172645463325252U};
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_store DIRECTORY [SECONDS [DEVICES]]\n");
        return 2;
    }
    const uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 10;
    bench.devices = argc > 3 ? strtoull(argv[3], NULL, 10) : 10000;
    (void)mkdir(argv[1], 0700);
    if (plat_loop_create(&bench.loop) != ERR_OK ||
        store_local_open(argv[1], &limits, &bench.store, message) != ERR_OK ||
        store_lane_open(bench.store, 4U << 20, bench.loop, wake, &bench.lane) != ERR_OK ||
        store_replay(bench.store, message) != ERR_OK || store_start(bench.store) != ERR_OK) {
        (void)fprintf(stderr, "bench_store: %s\n", message);
        return 1;
    }
    printf("%" PRIu64 " devices, 5 points a record; CPU in us per record\n", bench.devices);
    printf("in flight   records/s   group   writer  producer  others  process     seals  failed  "
           "head MB\n");
    for (size_t i = 0; i < sizeof(in_flight) / sizeof(in_flight[0]); i++) {
        measure(&bench, in_flight[i], seconds);
    }
    store_stop(bench.store);
    store_close(bench.store);
    plat_loop_destroy(bench.loop);
    (void)nftw(argv[1], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
