// store/journal.h: one row per commit, with everything that the group changed.
//
//   version 1 | checksum 8 | number 8 | wall ms 8 | first sequence 8 | next sequence 8 | count 4
//   then `count` records: verb and flags 1 | device | tenant | [trace 16] | and for a save
//   [stamp] | readings | the readings (reading.h)
//
// Layout 1 kept traces here; they have rows of their own now (traces.h).
//
// The checksum covers all behind it. A delete or purge has only its head here: what it changed
// stands in the same batch. Rows are numbered without gaps; sequences go on where the row before
// ended.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "store/bytes.h"
#include "store/record.h"
#include "store/wire.h"

#define STORE_JOURNAL_KEY 8U

struct store_journal_row {
    uint64_t number;
    struct wall at;
    uint64_t sequence_first;
    uint64_t sequence_next; // of the row behind
    uint32_t record_count;
    struct store_wire records; // reading position
};

struct store_journal_record {
    enum store_verb verb;
    uint64_t device;
    uint64_t tenant;
    bool has_trace;
    struct store_trace trace;
    bool has_stamp; // the server assigned a time
    int64_t stamp_ms;
    uint32_t reading_count; // they follow; take each by store_reading_get
};

// Room for the head of a record.
#define STORE_JOURNAL_RECORD_MAX (1U + STORE_TRACE_SIZE + 4U * STORE_WIRE_VARINT_MAX)

void store_journal_key(uint8_t key[STORE_JOURNAL_KEY], uint64_t number);

// Begins a row in `bytes`, which is emptied; records are put behind.
void store_journal_begin(struct store_bytes *bytes);
// Writes the head of a record at `at`, which has STORE_JOURNAL_RECORD_MAX bytes of room.
uint8_t *store_journal_put_record(uint8_t *at, const struct store_journal_record *record);
// Fills in the head of the row and its checksum.
void store_journal_end(struct store_bytes *bytes, const struct store_journal_row *row);

// ERR_CORRUPT, ERR_NEWER_VERSION.
MUST_USE enum err store_journal_open(struct slice bytes, struct store_journal_row *row);
// The head of the next record; `row->records.bad` if it is damaged.
void store_journal_next(struct store_journal_row *row, struct store_journal_record *record);
