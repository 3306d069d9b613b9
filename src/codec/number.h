// codec/number.h: number literals to values and doubles to text, by the rules of device-api.md 2.2
// with the differences of architecture.md section 6.
//
//   literal                      becomes
//   integral, no plain point     LONG if it fits 64 bits, else STRING of its digits
//   everything else              DOUBLE, the nearest IEEE value; STRING if that is infinite
//
// "Plain point" means a '.' without an exponent: 1.0 is a DOUBLE, 1e2 and 1.5e1 are LONG. A number
// that would become a STRING is an error where the type cast is off. -0.0 is 0.0.
//
// A literal is `-`, digits with at most one point, an exponent. Leading zeros and a missing digit
// before the point are allowed, because strings that look like numbers come here too.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "model/reading.h"

// Digits of a literal, and of the plain text that it stands for: `1e999999999` is four characters
// of input and would be a gigabyte of output (device-api.md Q-29).
#define CODEC_NUMBER_DIGITS_MAX 400U

// Room for any double as codec_number_put_double writes it.
#define CODEC_NUMBER_TEXT_MAX 32U

// ERR_INVALID with a reason: too many digits, or too large and the type cast is off. ERR_EXHAUSTED.
// A text is a view of the literal or stands in the arena. `literal` must be one (see above).
MUST_USE enum err codec_number_value(struct arena *arena, struct slice literal, bool type_cast,
                                     struct model_value *value, const char **reason);

// The value as an integer. `truncate`: a fraction is cut off; else a number with one is refused.
// False too if it does not fit.
MUST_USE bool codec_number_int64(struct slice literal, bool truncate, int64_t *value);

// True for strict JSON numbers (RFC 8259 section 6).
bool codec_number_is_json(struct slice text);

// The value of a string that the type cast reads as a number: an optional '-', then digits with at
// most one point that is not at the end. Decimal digits of other scripts in the basic plane count.
// False if it stays a string: another one, too long, or no LONG or DOUBLE.
MUST_USE bool codec_number_cast(struct slice text, struct model_value *value);

// As Java writes it: the shortest digits that read back the same, a point with a digit on each
// side, and an exponent from 1.0E7 up and below 0.001. "Infinity", "-Infinity" and "NaN" otherwise.
void codec_number_put_double(struct buf *out, double value);
