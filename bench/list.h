// bench/list.h: devices in a row, joined by their numbers. A device is in one list at a time.
#pragma once

#include "bench/load.h"

static inline void bench_list_push(struct bench_list *list, struct bench_device *devices,
                                   uint32_t number)
{
    devices[number].next = BENCH_NONE;
    devices[number].previous = list->last;
    if (list->last == BENCH_NONE) {
        list->first = number;
    } else {
        devices[list->last].next = number;
    }
    list->last = number;
    list->count++;
}

static inline void bench_list_remove(struct bench_list *list, struct bench_device *devices,
                                     uint32_t number)
{
    const struct bench_device *device = &devices[number];
    if (device->previous == BENCH_NONE) {
        list->first = device->next;
    } else {
        devices[device->previous].next = device->next;
    }
    if (device->next == BENCH_NONE) {
        list->last = device->previous;
    } else {
        devices[device->next].previous = device->previous;
    }
    list->count--;
}
