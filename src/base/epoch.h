// base/epoch.h: lets one thread replace what many threads read without locks. Readers announce at
// the end of each turn that they hold no pointer any more; what was unlinked in epoch e may be
// freed, and a change may be called finished, once every reader has passed e.
//
// A reader that sleeps announces EPOCH_IDLE first and enters again when it wakes.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EPOCH_READERS_MAX 64
#define EPOCH_IDLE UINT64_MAX

struct epoch_reader {
    _Alignas(64) _Atomic uint64_t seen;
};

struct epoch {
    _Alignas(64) _Atomic uint64_t current;
    unsigned reader_count;
    struct epoch_reader readers[EPOCH_READERS_MAX];
};

void epoch_init(struct epoch *epoch, unsigned reader_count);

// Reader: pointers read after this are good until `epoch_leave` or the next `epoch_enter`.
void epoch_enter(struct epoch *epoch, unsigned reader);
void epoch_leave(struct epoch *epoch, unsigned reader);

// Writer: ends the current epoch; returns the number that readers must pass.
uint64_t epoch_advance(struct epoch *epoch);
// Any thread: true when no reader can hold what was unlinked before `epoch_advance` gave `number`.
bool epoch_passed(const struct epoch *epoch, uint64_t number);
