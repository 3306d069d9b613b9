#include "base/wheel.h"

#include <stddef.h>

#include "base/assert.h"

#define SLOT_BITS 6
#define SLOT_MASK (WHEEL_SLOTS - 1)
#define SPAN_TICKS (1ULL << (SLOT_BITS * WHEEL_LEVELS))

static void list_init(struct wheel_timer *head)
{
    head->next = head;
    head->previous = head;
}

static bool list_empty(const struct wheel_timer *head)
{
    return head->next == head;
}

static void list_append(struct wheel_timer *head, struct wheel_timer *timer)
{
    timer->next = head;
    timer->previous = head->previous;
    head->previous->next = timer;
    head->previous = timer;
}

static void list_unlink(struct wheel_timer *timer)
{
    timer->previous->next = timer->next;
    timer->next->previous = timer->previous;
    timer->next = NULL;
    timer->previous = NULL;
}

void wheel_init(struct wheel *wheel, struct mono now)
{
    wheel->tick = now.ns / WHEEL_TICK_NS;
    wheel->count = 0;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) {
            list_init(&wheel->slots[level][slot]);
        }
    }
    list_init(&wheel->due);
}

bool wheel_timer_runs(const struct wheel_timer *timer)
{
    return timer->previous != NULL;
}

// Sorts a timer into the level whose slots its distance spans.
static void place(struct wheel *wheel, struct wheel_timer *timer)
{
    uint64_t tick = timer->deadline_tick;
    if (tick < wheel->tick) {
        tick = wheel->tick;
    }
    if (tick - wheel->tick >= SPAN_TICKS) {
        tick = wheel->tick + SPAN_TICKS - 1;
    }
    const uint64_t distance = tick - wheel->tick;
    unsigned level = 0;
    while (level + 1 < WHEEL_LEVELS && distance >> (SLOT_BITS * (level + 1)) != 0) {
        level++;
    }
    const unsigned slot = (unsigned)(tick >> (SLOT_BITS * level)) & SLOT_MASK;
    list_append(&wheel->slots[level][slot], timer);
    wheel->occupied[level] |= 1ULL << slot;
}

void wheel_set(struct wheel *wheel, struct wheel_timer *timer, struct mono deadline)
{
    if (wheel_timer_runs(timer)) {
        wheel_cancel(wheel, timer);
    }
    // Rounded up: a timer never fires early.
    timer->deadline_tick = deadline.ns / WHEEL_TICK_NS + (deadline.ns % WHEEL_TICK_NS != 0);
    place(wheel, timer);
    wheel->count++;
}

void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer)
{
    if (!wheel_timer_runs(timer)) {
        return;
    }
    // Bits of emptied slots are cleared when the wheel passes them.
    list_unlink(timer);
    wheel->count--;
}

// The slot of a higher level that has come due is spread over the lower ones.
static void cascade(struct wheel *wheel, unsigned level)
{
    const unsigned slot = (unsigned)(wheel->tick >> (SLOT_BITS * level)) & SLOT_MASK;
    struct wheel_timer *head = &wheel->slots[level][slot];
    struct wheel_timer moved;
    wheel->occupied[level] &= ~(1ULL << slot);
    if (list_empty(head)) {
        return;
    }
    moved = *head;
    moved.next->previous = &moved;
    moved.previous->next = &moved;
    list_init(head);
    while (!list_empty(&moved)) {
        struct wheel_timer *timer = moved.next;
        list_unlink(timer);
        place(wheel, timer);
    }
}

static void collect_due(struct wheel *wheel)
{
    const unsigned slot = (unsigned)wheel->tick & SLOT_MASK;
    struct wheel_timer *head = &wheel->slots[0][slot];
    wheel->occupied[0] &= ~(1ULL << slot);
    while (!list_empty(head)) {
        struct wheel_timer *timer = head->next;
        list_unlink(timer);
        list_append(&wheel->due, timer);
    }
}

// Ticks until a slot of the lowest level is occupied or the level wraps, at least 1.
static uint64_t step(const struct wheel *wheel)
{
    const unsigned slot = (unsigned)wheel->tick & SLOT_MASK;
    const uint64_t later = slot == SLOT_MASK ? 0 : wheel->occupied[0] >> (slot + 1);
    return later != 0 ? (uint64_t)__builtin_ctzll(later) + 1 : WHEEL_SLOTS - slot;
}

// Moves to `tick`: higher levels first, since what they hold may be due at once.
static void enter(struct wheel *wheel, uint64_t tick)
{
    wheel->tick = tick;
    for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--) {
        if ((tick & ((1ULL << (SLOT_BITS * level)) - 1)) == 0) {
            cascade(wheel, level);
        }
    }
}

struct wheel_timer *wheel_expire(struct wheel *wheel, struct mono now)
{
    const uint64_t target = now.ns / WHEEL_TICK_NS;
    if (wheel->count == 0 && wheel->tick < target) {
        wheel->tick = target;
    }
    collect_due(wheel);
    while (list_empty(&wheel->due) && wheel->tick < target) {
        const uint64_t next = wheel->tick + step(wheel);
        if (next > target) {
            wheel->tick = target;
            break;
        }
        enter(wheel, next);
        collect_due(wheel);
    }
    if (list_empty(&wheel->due) || wheel->tick > target) {
        return NULL;
    }
    struct wheel_timer *timer = wheel->due.next;
    list_unlink(timer);
    wheel->count--;
    return timer;
}

struct mono wheel_deadline(const struct wheel *wheel)
{
    if (wheel->count == 0) {
        return MONO_NEVER;
    }
    if (!list_empty(&wheel->due)) {
        return (struct mono){wheel->tick * WHEEL_TICK_NS};
    }
    const unsigned slot = (unsigned)wheel->tick & SLOT_MASK;
    const bool here = !list_empty(&wheel->slots[0][slot]);
    return (struct mono){(wheel->tick + (here ? 0 : step(wheel))) * WHEEL_TICK_NS};
}
