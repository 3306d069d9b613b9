// codec/telemetry.h: payloads to readings, for JSON (device-api.md 2.1, 2.2). One interface for
// every format; CBOR, SenML and Protobuf join it later.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/slice.h"
#include "codec/json.h"
#include "model/reading.h"

struct codec_telemetry_rules {
    bool type_cast;            // strings that look like numbers become numbers
    uint32_t string_units_max; // UTF-16 units of a top-level string value; 0 is no limit
    struct hash_key hash_key;  // random, so that nobody can aim keys at one place; zero works too
};

// Reads a telemetry document: an object of points, {"ts","values"}, or an array of these. Elements
// without a time have `has_time == false` and, since they share one stamp, stand in one reading, in
// the place of the first of them; of a key given twice in a reading the last stays. Nulls are
// dropped (and take an earlier value of their own object with them); a reading without points is
// left out, so `{}`, `[]` and `{"a":null}` give zero readings. At most MODEL_POINTS_MAX members.
//
// Errors with place: ERR_SYNTAX, ERR_INVALID (wrong type, `ts` not a number, too many points,
// number too large with type cast off, bad key by model_key_check), ERR_TOO_LARGE (string over the
// limit), ERR_EXHAUSTED (arena). Nothing is stored unless all of it is right.
MUST_USE enum err codec_telemetry_json(struct arena *arena, struct slice text,
                                       const struct codec_telemetry_rules *rules,
                                       struct model_readings *readings, struct err_place *place);

// Reads attributes: one object, whose members are all attributes (`ts` and `values` too). Nulls are
// dropped, of a name given twice the last stays. Errors as above; ERR_INVALID for anything but an
// object. The reading has no time.
MUST_USE enum err codec_telemetry_attributes(struct arena *arena, struct slice text,
                                             const struct codec_telemetry_rules *rules,
                                             struct model_reading *attributes,
                                             struct err_place *place);

// One value by the typing rules (2.2, with architecture.md section 6): a number literal or a string
// that looks like one. Used for attributes and for `text/plain` bodies too.
MUST_USE enum err codec_telemetry_value(struct arena *arena, struct codec_json json,
                                        const struct codec_telemetry_rules *rules,
                                        struct model_value *value, const char **reason);

// A `text/plain` body as one value: true, false, a number by the rules, else a string.
MUST_USE enum err codec_telemetry_text(struct arena *arena, struct slice text,
                                       const struct codec_telemetry_rules *rules,
                                       struct model_value *value, const char **reason);
