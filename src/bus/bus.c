#include "bus/bus.h"

#include <stdlib.h>

#include "base/ring.h"
#include "plat/clock.h"
#include "plat/memory.h"

struct bus_party {
    struct bus *bus;
    struct plat_loop *loop;
    bool owns_loop;
    unsigned number;
    unsigned next_from; // where bus_next goes on
    struct ring *to[BUS_PARTIES_MAX];
    size_t unsent[BUS_PARTIES_MAX]; // bytes since the last flush
    bool is_taken[BUS_PARTIES_MAX];
};

struct bus {
    size_t ring_bytes;
    unsigned workers;
    unsigned count;
    struct bus_party *parties[BUS_PARTIES_MAX];
};

enum err bus_create(struct bus **bus, unsigned workers, size_t ring_bytes)
{
    struct bus *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return ERR_EXHAUSTED;
    }
    made->ring_bytes = ring_bytes;
    made->workers = workers;
    *bus = made;
    return ERR_OK;
}

void bus_destroy(struct bus *bus)
{
    const size_t size = ring_footprint(bus->ring_bytes);
    for (unsigned i = 0; i < bus->count; i++) {
        struct bus_party *party = bus->parties[i];
        for (unsigned to = 0; to < bus->count; to++) {
            if (party->to[to] != NULL) {
                plat_memory_release(party->to[to], size);
            }
        }
        if (party->owns_loop) {
            plat_loop_destroy(party->loop);
        }
        free(party);
    }
    free(bus);
}

size_t bus_footprint(unsigned workers, unsigned others, size_t ring_bytes)
{
    // One from each to each, but for those of the others to each other.
    const size_t hub = others > 0 ? 2 * (size_t)(others - 1) + 1 : 0;
    const size_t rings = (size_t)workers * workers + 2 * (size_t)workers * others + hub;
    return rings * ring_footprint(ring_bytes);
}

uint64_t bus_used(const struct bus *bus)
{
    uint64_t used = 0;
    for (unsigned from = 0; from < bus->count; from++) {
        for (unsigned to = 0; to < bus->count; to++) {
            const struct ring *const ring = bus->parties[from]->to[to];
            used += ring != NULL ? ring_used(ring) : 0;
        }
    }
    return used;
}

unsigned bus_workers(const struct bus *bus)
{
    return bus->workers;
}

static enum err connect(struct bus *bus, struct bus_party *from, unsigned to)
{
    void *memory = plat_memory_reserve(ring_footprint(bus->ring_bytes));
    if (memory == NULL) {
        return ERR_EXHAUSTED;
    }
    from->to[to] = ring_init(memory, bus->ring_bytes);
    return ERR_OK;
}

static enum err join(struct bus *bus, struct plat_loop *loop, bool is_hub, struct bus_party **party)
{
    struct bus_party *made = bus->count < BUS_PARTIES_MAX ? calloc(1, sizeof(*made)) : NULL;
    if (made == NULL) {
        return ERR_EXHAUSTED;
    }
    *made = (struct bus_party){
        .bus = bus, .loop = loop, .owns_loop = loop == NULL, .number = bus->count};
    enum err err = loop == NULL ? plat_loop_create(&made->loop) : ERR_OK;
    if (err != ERR_OK) {
        free(made);
        return err;
    }
    bus->parties[bus->count++] = made;
    *party = made;
    for (unsigned i = 0; err == ERR_OK && i < bus->count; i++) {
        if (!is_hub && made->number >= bus->workers && i >= bus->workers) {
            continue;
        }
        err = connect(bus, made, i);
        if (err == ERR_OK && i != made->number) {
            err = connect(bus, bus->parties[i], made->number);
        }
    }
    return err;
}

enum err bus_join(struct bus *bus, struct plat_loop *loop, struct bus_party **party)
{
    return join(bus, loop, false, party);
}

enum err bus_join_hub(struct bus *bus, struct plat_loop *loop, struct bus_party **party)
{
    return join(bus, loop, true, party);
}

unsigned bus_number(const struct bus_party *party)
{
    return party->number;
}

void *bus_reserve(struct bus_party *party, unsigned to, size_t len)
{
    ASSERT(to < party->bus->count && party->to[to] != NULL);
    if (len > ring_record_max(party->to[to])) {
        return NULL;
    }
    return ring_reserve(party->to[to], len);
}

void bus_commit(struct bus_party *party, unsigned to, size_t len)
{
    ring_commit(party->to[to], len);
    party->unsent[to] += len;
}

// False if nothing was sent to that party since.
static bool publish(struct bus_party *party, unsigned to)
{
    if (party->unsent[to] == 0) {
        return false;
    }
    party->unsent[to] = 0;
    ring_publish(party->to[to]);
    return true;
}

void bus_flush(struct bus_party *party)
{
    for (unsigned to = 0; to < party->bus->count; to++) {
        if (publish(party, to)) {
            plat_loop_wake(party->bus->parties[to]->loop);
        }
    }
}

bool bus_flush_own(struct bus_party *party)
{
    return publish(party, party->number);
}

bool bus_has_room(const struct bus_party *party, unsigned to)
{
    return ring_used(party->to[to]) + party->unsent[to] <= party->bus->ring_bytes / 2;
}

bool bus_next(struct bus_party *party, unsigned *from, struct slice *message)
{
    const struct bus *bus = party->bus;
    for (unsigned i = 0; i < bus->count; i++) {
        const unsigned sender = (party->next_from + i) % bus->count;
        struct ring *ring = bus->parties[sender]->to[party->number];
        *message = ring != NULL ? ring_peek(ring) : SLICE_EMPTY;
        if (message->ptr == NULL) {
            continue;
        }
        ring_advance(ring);
        party->is_taken[sender] = true;
        party->next_from = sender;
        *from = sender;
        return true;
    }
    return false;
}

void bus_release(struct bus_party *party)
{
    for (unsigned sender = 0; sender < party->bus->count; sender++) {
        if (party->is_taken[sender]) {
            party->is_taken[sender] = false;
            ring_release(party->bus->parties[sender]->to[party->number]);
        }
    }
    // The next batch begins with another one, however much this one has left.
    party->next_from = (party->next_from + 1) % party->bus->count;
}

void bus_wake(struct bus_party *party)
{
    plat_loop_wake(party->loop);
}

void bus_wait(struct bus_party *party, struct mono deadline)
{
    uint32_t tags[PLAT_LOOP_READY_MAX];
    ASSERT(party->owns_loop);
    (void)plat_loop_wait(party->loop, plat_clock_mono(), deadline, tags);
}
