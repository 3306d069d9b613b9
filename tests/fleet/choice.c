#include "fleet/fleet.h"

// A time between half and one and a half of the mean.
static uint64_t about(struct fleet_device *device, uint64_t mean_ns)
{
    return mean_ns / 2 + random_below(&device->random, mean_ns);
}

static void send_reading(struct fleet *fleet, struct fleet_device *device, enum fleet_kind kind)
{
    if (device->readings < FLEET_READINGS) {
        fleet_begin(fleet, device, kind, device->readings++);
    }
}

// A call that waits for an answer; 0: none.
static uint32_t owed(struct fleet_device *device)
{
    for (uint32_t i = 0; i < FLEET_CALLS; i++) {
        device->reply_next = (device->reply_next + 1) % FLEET_CALLS;
        if (device->calls[device->reply_next].wants_reply) {
            return device->reply_next;
        }
    }
    return 0;
}

static void do_anything(struct fleet *fleet, struct fleet_device *device)
{
    const uint64_t dice = random_below(&device->random, 100);
    const enum fleet_kind uplink = device->polls ? FLEET_POLL : FLEET_TELEMETRY;
    if (fleet->phase == FLEET_QUIET || dice < 60) {
        send_reading(fleet, device, uplink);
    } else if (dice < 72) {
        fleet_begin(fleet, device, FLEET_PUBLISH, ++device->published);
    } else if (dice < 84 && device->published_acknowledged > 0) {
        fleet_begin(fleet, device, FLEET_READ, 0);
    } else if (dice < 88) {
        fleet_begin(fleet, device, FLEET_ASK, 0);
    } else if (dice < 92 && !device->polls) {
        fleet_begin(fleet, device, dice < 90 ? FLEET_WATCH : FLEET_LISTEN, 0);
    } else {
        send_reading(fleet, device, uplink);
    }
}

// Only where it was registered can an observation be ended (RFC 7641 3.6).
static void leave(struct fleet *fleet, struct fleet_device *device)
{
    const struct fleet_observation *watch = &device->watch;
    const struct fleet_observation *listen = &device->listen;
    if (device->polls || (watch->is_over && listen->is_over)) {
        return;
    }
    if (!watch->is_over) {
        const bool is_here = watch->is_known && watch->moves == device->moves;
        fleet_begin(fleet, device, is_here ? FLEET_UNWATCH : FLEET_WATCH, 0);
    } else {
        const bool is_here = listen->is_known && listen->moves == device->moves;
        fleet_begin(fleet, device, is_here ? FLEET_UNLISTEN : FLEET_LISTEN, 0);
    }
}

static void move(struct fleet *fleet, struct fleet_device *device)
{
    device->move_ns = fleet->now_ns + about(device, fleet->moves_ns);
    device->moves++;
    device->mid = (uint16_t)random_next(&device->random);
    fleet_abandon(fleet, device);
}

void fleet_choose(struct fleet *fleet, struct fleet_device *device)
{
    if (fleet->phase == FLEET_BUSY && fleet->now_ns >= device->move_ns) {
        move(fleet, device);
    }
    if (device->request.kind != FLEET_NOTHING) {
        return;
    }
    if (fleet->phase == FLEET_LEAVING) {
        leave(fleet, device);
        return;
    }
    if (!device->polls && (!device->watch.is_known || !device->listen.is_known)) {
        fleet_begin(fleet, device, device->watch.is_known ? FLEET_LISTEN : FLEET_WATCH, 0);
        return;
    }
    const uint32_t call = owed(device);
    if (call != 0) {
        fleet_begin(fleet, device, FLEET_REPLY, call);
    } else if (fleet->now_ns >= device->act_ns) {
        device->act_ns = fleet->now_ns + about(device, fleet->pace_ns);
        do_anything(fleet, device);
    }
}
