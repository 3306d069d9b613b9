// Level L has 64 slots of 64^L ticks each. A timer stands in the lowest level whose whole turn
// reaches it, in the slot of its deadline's digit at that level. When the tick enters a slot of a
// higher level, the timers in it are sorted again, into lower levels ("cascade"); so the slot of
// the current digit of a higher level holds only what is one whole turn away.
//
// A bit per slot says whether it has timers, so time may jump over empty slots: hours of idleness
// cost a few steps.
#include "base/wheel.h"

#include <stddef.h>

#include "base/assert.h"

#define WHEEL_DIGIT_BITS 6U
#define WHEEL_SPAN_TICKS (UINT64_C(1) << (WHEEL_DIGIT_BITS * WHEEL_LEVELS))

_Static_assert(WHEEL_SLOTS == 1U << WHEEL_DIGIT_BITS, "a digit names a slot");
_Static_assert(WHEEL_SLOTS == 64, "one bit of a word per slot");

static unsigned digit_of(uint64_t tick, unsigned level)
{
    return (unsigned)(tick >> (WHEEL_DIGIT_BITS * level)) & (WHEEL_SLOTS - 1);
}

static void list_init(struct wheel_timer *list)
{
    list->next = list;
    list->previous = list;
}

static bool list_empty(const struct wheel_timer *list)
{
    return list->next == list;
}

static void list_append(struct wheel_timer *list, struct wheel_timer *timer)
{
    timer->next = list;
    timer->previous = list->previous;
    list->previous->next = timer;
    list->previous = timer;
}

// Moves all of `from` to the empty list `to`.
static void list_move(struct wheel_timer *to, struct wheel_timer *from)
{
    ASSERT(list_empty(to));
    if (list_empty(from)) {
        return;
    }
    to->next = from->next;
    to->previous = from->previous;
    to->next->previous = to;
    to->previous->next = to;
    list_init(from);
}

void wheel_init(struct wheel *wheel, struct mono now)
{
    wheel->tick = now.ns / WHEEL_TICK_NS;
    wheel->count = 0;
    list_init(&wheel->due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) {
            list_init(&wheel->slots[level][slot]);
        }
    }
}

// Puts a timer that is in no list into its slot, as seen from the current tick.
static void place(struct wheel *wheel, struct wheel_timer *timer)
{
    const uint64_t ahead_max = WHEEL_SPAN_TICKS - 1;
    const uint64_t ahead = timer->deadline_tick - wheel->tick;
    const uint64_t target = wheel->tick + (ahead < ahead_max ? ahead : ahead_max);
    unsigned level = 0;

    ASSERT(timer->deadline_tick >= wheel->tick);
    while (level < WHEEL_LEVELS - 1 && (target - wheel->tick) >> (WHEEL_DIGIT_BITS * (level + 1))) {
        level++;
    }
    const unsigned slot = digit_of(target, level);
    list_append(&wheel->slots[level][slot], timer);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

// `list` has become empty: if it is a slot its bit goes.
static void clear_bit_of(struct wheel *wheel, const struct wheel_timer *list)
{
    const struct wheel_timer *first = &wheel->slots[0][0];

    if (list == &wheel->due) {
        return;
    }
    const size_t index = (size_t)(list - first);
    ASSERT(index < (size_t)WHEEL_LEVELS * WHEEL_SLOTS);
    wheel->occupied[index / WHEEL_SLOTS] &= ~(UINT64_C(1) << index % WHEEL_SLOTS);
}

static void take_out(struct wheel *wheel, struct wheel_timer *timer)
{
    struct wheel_timer *next = timer->next;

    ASSERT(wheel->count > 0);
    timer->previous->next = next;
    next->previous = timer->previous;
    if (list_empty(next)) {
        clear_bit_of(wheel, next);
    }
    timer->next = NULL;
    timer->previous = NULL;
    wheel->count--;
}

void wheel_set(struct wheel *wheel, struct wheel_timer *timer, struct mono deadline)
{
    // Rounded up: a timer never fires early.
    const uint64_t tick = deadline.ns / WHEEL_TICK_NS + (deadline.ns % WHEEL_TICK_NS != 0 ? 1 : 0);

    wheel_cancel(wheel, timer);
    timer->deadline_tick = tick > wheel->tick ? tick : wheel->tick;
    place(wheel, timer);
    wheel->count++;
}

void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer)
{
    if (wheel_timer_runs(timer)) {
        take_out(wheel, timer);
    }
}

bool wheel_timer_runs(const struct wheel_timer *timer)
{
    return timer->previous != NULL;
}

// Sorts the timers of a slot again, seen from the tick that has just entered it.
static void cascade(struct wheel *wheel, unsigned level, unsigned slot)
{
    struct wheel_timer list;

    list_init(&list);
    list_move(&list, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    while (!list_empty(&list)) {
        struct wheel_timer *timer = list.next;
        list.next = timer->next;
        timer->next->previous = &list;
        place(wheel, timer);
    }
}

static void enter_tick(struct wheel *wheel, uint64_t tick)
{
    ASSERT(tick > wheel->tick);
    wheel->tick = tick;
    for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--) {
        const uint64_t below = tick & ((UINT64_C(1) << (WHEEL_DIGIT_BITS * level)) - 1);
        if (below == 0) {
            cascade(wheel, level, digit_of(tick, level));
        }
    }
}

static uint64_t rotate_right(uint64_t word, unsigned by)
{
    return by == 0 ? word : word >> by | word << (64 - by);
}

// The first tick at which something fires or cascades, UINT64_MAX if nothing runs.
static uint64_t next_tick(const struct wheel *wheel)
{
    uint64_t earliest = UINT64_MAX;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        if (wheel->occupied[level] == 0) {
            continue;
        }
        // Level 0 still has to fire the current slot; the current slot of a higher level was
        // emptied when it was entered, and what is in it now comes a whole turn later.
        const unsigned first = level == 0 ? 0 : 1;
        const unsigned start = (digit_of(wheel->tick, level) + first) % WHEEL_SLOTS;
        const uint64_t ahead =
            first + (unsigned)__builtin_ctzll(rotate_right(wheel->occupied[level], start));
        const unsigned shift = WHEEL_DIGIT_BITS * level;
        const uint64_t tick = ((wheel->tick >> shift) + ahead) << shift;
        earliest = tick < earliest ? tick : earliest;
    }
    return earliest;
}

// Goes on to the tick after `now_tick`, or to the first that has due timers.
static void advance(struct wheel *wheel, uint64_t now_tick)
{
    while (list_empty(&wheel->due) && wheel->tick <= now_tick) {
        const unsigned slot = digit_of(wheel->tick, 0);
        if ((wheel->occupied[0] >> slot & 1) != 0) {
            list_move(&wheel->due, &wheel->slots[0][slot]);
            wheel->occupied[0] &= ~(UINT64_C(1) << slot);
            enter_tick(wheel, wheel->tick + 1);
            continue;
        }
        const uint64_t next = next_tick(wheel);
        enter_tick(wheel, next <= now_tick ? next : now_tick + 1);
    }
}

struct wheel_timer *wheel_expire(struct wheel *wheel, struct mono now)
{
    advance(wheel, now.ns / WHEEL_TICK_NS);
    if (list_empty(&wheel->due)) {
        return NULL;
    }
    struct wheel_timer *timer = wheel->due.next;
    take_out(wheel, timer);
    return timer;
}

struct mono wheel_deadline(const struct wheel *wheel)
{
    if (wheel->count == 0) {
        return MONO_NEVER;
    }
    const uint64_t tick = list_empty(&wheel->due) ? next_tick(wheel) : wheel->tick - 1;
    return (struct mono){tick * WHEEL_TICK_NS};
}

static uint32_t check_list(const struct wheel *wheel, const struct wheel_timer *list)
{
    uint32_t count = 0;

    for (const struct wheel_timer *timer = list->next; timer != list; timer = timer->next) {
        ASSERT(timer->next->previous == timer);
        ASSERT(timer->previous->next == timer);
        count++;
        ASSERT(count <= wheel->count);
    }
    return count;
}

void wheel_check(const struct wheel *wheel)
{
    uint32_t count = check_list(wheel, &wheel->due);

    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) {
            const struct wheel_timer *list = &wheel->slots[level][slot];
            const bool occupied = (wheel->occupied[level] >> slot & 1) != 0;
            ASSERT(occupied == !list_empty(list));
            count += check_list(wheel, list);
        }
    }
    ASSERT(count == wheel->count);
}
