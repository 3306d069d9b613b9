// core/recorder.h: the flight recorder: what devices and server said to each other lately, for
// people who look why a device does not do what they expect. Each worker has a tape of its own
// (base/tape.h) for all devices that it speaks with; nothing is allocated, locked or asked of the
// kernel for a record. Nothing of it is on disk: it begins anew with the process.
//
// What belongs to one exchange may be recorded at different times: a request with its answer, or
// without one yet, then the answer; a notification, then what became of it. The later records name
// the first by `link`, and repeats name their request by `message`; only the first names the
// device. A reader puts them together (core/flown.h).
//
// Of a token in a path only the first four characters are recorded, and nothing of one with fewer
// than eight (as base/log.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "base/tape.h"
#include "model/ids.h"

#define CORE_RECORD_PATH_MAX 80U
#define CORE_RECORD_BODY_MAX 64U
#define CORE_RECORD_FORMAT_NONE UINT16_MAX

enum core_record_kind {
    CORE_RECORD_REQUEST, // of the device, with its answer if that is known
    CORE_RECORD_ANSWER,  // to a request recorded before
    CORE_RECORD_REPEAT,  // of a request recorded before: answered again, not run again
    CORE_RECORD_NOTICE,  // a notification handed to the message layer
    CORE_RECORD_OUTCOME, // what became of one
};

enum core_record_verdict {
    CORE_VERDICT_WAITING,  // of a request: not answered yet; of a notice: not sent yet
    CORE_VERDICT_ANSWERED, // with `code`
    CORE_VERDICT_DROPPED,  // without an answer
    CORE_VERDICT_SENT,     // of notices from here on
    CORE_VERDICT_UNANSWERED,
    CORE_VERDICT_DELIVERED,
    CORE_VERDICT_REJECTED,
    CORE_VERDICT_LOST,
    CORE_VERDICT_BUSY,      // no room in the message layer
    CORE_VERDICT_WITHDRAWN, // not sent any more; does not count for one that has ended
};

// As it stands on the tape: the fixed part is one slot, the texts take further ones.
struct core_record {
    int64_t at_us; // since 1970: exchanges of one millisecond at several workers have an order
    struct device_id device; // of REQUEST and NOTICE, else 0
    uint64_t link;           // exchange or notice: equal only within one worker
    uint64_t message;        // keyed hash of peer and message id; 0 if it is no message of a peer
    uint32_t size;           // of the whole body
    uint32_t observe;        // if has_observe
    uint16_t content_format; // CORE_RECORD_FORMAT_NONE if none
    uint16_t port;           // of the peer
    uint8_t kind;            // enum core_record_kind
    uint8_t verdict;         // enum core_record_verdict
    uint8_t method;          // CoAP code of the request
    uint8_t code;            // CoAP code of the answer or the notification, 0 if none
    uint8_t flags;
    uint8_t address_len; // of the texts, which follow each other
    uint8_t path_len;
    uint8_t body_len;
    uint8_t reason_len;
    uint8_t unused[3];
    uint8_t texts[TAPE_RECORD_MAX - TAPE_PART_SIZE];
};

enum {
    CORE_RECORD_CONFIRMABLE = 1,
    CORE_RECORD_HAS_OBSERVE = 2,
    CORE_RECORD_BLOCKS = 4, // the body came in blocks
    CORE_RECORD_PATH_CUT = 8,
};

struct core_recorder;

// `bytes` for the tape: a power of two, at least TAPE_SIZE_MIN.
size_t core_recorder_footprint(size_t bytes);
// `memory` is zeroed, aligned to 64, and outlives it.
struct core_recorder *core_recorder_init(void *memory, size_t bytes, int64_t now_us);

// Owner. `recorder` may be NULL where nothing is recorded; then begin gives NULL.
// The time of what is recorded from now on.
void core_recorder_turn(struct core_recorder *recorder, int64_t now_us);
// A cleared record to be filled, then handed to core_recorder_end; texts in the order of the
// members, each at most once, cut to what there is room for.
struct core_record *core_recorder_begin(struct core_recorder *recorder, enum core_record_kind kind);
void core_record_put_peer(struct core_record *record, const struct address *peer);
// The segments of a path and the parameters of a query; where `token` is a view into one of them it
// is hidden.
void core_record_put_path(struct core_record *record, const struct slice *path, unsigned path_count,
                          struct slice token);
void core_record_put_query(struct core_record *record, const struct slice *query,
                           unsigned query_count);
void core_record_put_body(struct core_record *record, struct slice body);
void core_record_put_reason(struct core_record *record, struct slice reason);
void core_recorder_end(struct core_recorder *recorder);

// The texts of a record.
bool core_record_peer(const struct core_record *record, struct address *peer);
struct slice core_record_path(const struct core_record *record);
struct slice core_record_body(const struct core_record *record);
struct slice core_record_reason(const struct core_record *record);

// Any thread: bytes that hold a record; 0 for NULL.
size_t core_recorder_used(const struct core_recorder *recorder);
// For the reading side (core/flown.h): the tape, and since when it is written.
const struct tape *core_recorder_tape(const struct core_recorder *recorder, int64_t *begun_us);
