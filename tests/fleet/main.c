// A fleet of devices that do everything at random: tests/test_fleet.py says what for.
//
// Usage: fleet PORT COUNT SEED PACE_MS MOVES_MS
// Devices are those of bench_preload. Each tenth asks for what waits (?pending=) in place of
// observing. Reads words from standard input, one a line: calm, quiet, leave, report, quit; answers
// `report` by one JSON object a line for each device and one of the fleet.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/epoll.h>
#include <unistd.h>

#include "fleet/fleet.h"
#include "plat/clock.h"

#define EVENTS 16
#define INPUT BENCH_PEERS_SOCKETS
#define SLICES 16U // devices are looked at in so many turns
#define LOSS_LEAST 5U
#define LOSS_MOST 20U

void fleet_fault(struct fleet *fleet, const struct fleet_device *device, const char *format, ...)
{
    char text[160];
    va_list arguments;
    if (fleet->fault[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    // It is put between the quotes of a JSON text.
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '"' || *at == '\\' || *at < ' ' ? '\'' : *at;
    }
    const struct fleet_request *request = &device->request;
    snprintf(fleet->fault, sizeof(fleet->fault),
             "device %u, request of kind %d sent %u times%s: %s",
             (unsigned)(device - fleet->devices), (int)request->kind, request->sends,
             request->acknowledged ? " and acknowledged" : "", text);
}

static void make_devices(struct fleet *fleet)
{
    fleet->devices = calloc(fleet->count, sizeof(*fleet->devices));
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct fleet_device *device = &fleet->devices[i];
        random_init(&device->random, fleet->seed * 1000003U + i);
        device->loss =
            LOSS_LEAST + (uint32_t)random_below(&device->random, LOSS_MOST - LOSS_LEAST + 1);
        device->polls = i % 10 == 9;
        device->mid = (uint16_t)random_next(&device->random);
        // They do not all begin at once.
        device->act_ns = fleet->now_ns + random_below(&device->random, fleet->pace_ns);
        device->move_ns = fleet->now_ns + random_below(&device->random, 2 * fleet->moves_ns);
        fleet_state_reset(device);
    }
}

// Nothing waits for what was lost before.
static void leave(struct fleet *fleet)
{
    fleet->phase = FLEET_LEAVING;
    fleet->is_calm = true;
    for (uint32_t i = 0; i < fleet->count; i++) {
        fleet_abandon(fleet, &fleet->devices[i]);
    }
}

// False at the end.
static bool obey(struct fleet *fleet)
{
    static char words[4096];
    const ssize_t got = read(STDIN_FILENO, words, sizeof(words) - 1);
    if (got <= 0) {
        return false;
    }
    words[got] = '\0';
    for (char *word = strtok(words, "\n"); word != NULL; word = strtok(NULL, "\n")) {
        if (strcmp(word, "quiet") == 0) {
            fleet->phase = FLEET_QUIET;
        } else if (strcmp(word, "calm") == 0) {
            fleet->is_calm = true;
        } else if (strcmp(word, "leave") == 0) {
            leave(fleet);
        } else if (strcmp(word, "report") == 0) {
            fleet_report(fleet);
        } else {
            return false;
        }
    }
    return true;
}

static bool turn(struct fleet *fleet)
{
    static uint32_t slice;
    struct epoll_event events[EVENTS];
    bool goes_on = true;
    for (uint32_t i = slice++ % SLICES; i < fleet->count; i += SLICES) {
        fleet_repeat(fleet, &fleet->devices[i]);
        fleet_choose(fleet, &fleet->devices[i]);
    }
    bench_peers_flush(fleet->peers);
    const int count = epoll_wait(fleet->epoll, events, EVENTS, 1);
    fleet->now_ns = plat_clock_mono().ns;
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == INPUT) {
            goes_on = obey(fleet);
        } else {
            bench_peers_receive(fleet->peers, events[i].data.u32, fleet_take, fleet);
        }
    }
    return goes_on;
}

int main(int count, char **words)
{
    if (count != 6) {
        fprintf(stderr, "usage: fleet PORT COUNT SEED PACE_MS MOVES_MS\n");
        return 2;
    }
    struct fleet fleet = {
        .count = (uint32_t)atoi(words[2]),
        .seed = strtoull(words[3], NULL, 10),
        .pace_ns = strtoull(words[4], NULL, 10) * 1000000U,
        .moves_ns = strtoull(words[5], NULL, 10) * 1000000U,
        .epoll = epoll_create1(0),
        .now_ns = plat_clock_mono().ns,
    };
    struct epoll_event input = {.events = EPOLLIN, .data.u32 = INPUT};
    random_init(&fleet.weather, fleet.seed);
    fleet.peers = bench_peers_open((unsigned)atoi(words[1]), fleet.count, fleet.epoll);
    make_devices(&fleet);
    if (epoll_ctl(fleet.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0) {
        perror("fleet: standard input");
        return 1;
    }
    while (turn(&fleet)) {
    }
    return 0;
}
