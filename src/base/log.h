// base/log.h: structured log lines through a sink that `server` sets. A line has a level, a dotted
// event name and up to eight fields. Secrets never go in: a token is logged as its first four
// characters by LOG_TOKEN (nothing of it if it is shorter than twice that).
//
// Text:  2026-01-31T23:59:59.123Z warn  coap.refused peer=127.0.0.1:5683 reason="no room"
// JSON:  {"time":"2026-01-31T23:59:59.123Z","level":"warn","event":"coap.refused",...}
// Values are escaped, so that no field can forge a line. A line ends with a newline.
//
// Lines are formatted on the caller's stack (at most LOG_LINE_SIZE bytes; what does not fit is left
// out, and a JSON line stays well-formed) and given to the sink in one piece; the sink may be
// called from any thread. Without a sink nothing happens.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define LOG_LINE_SIZE 4096
#define LOG_FIELDS_MAX 8

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_TOKEN };

struct log_field {
    const char *name;
    enum log_field_kind kind;
    struct slice text;
    int64_t number;
};

#define LOG_TEXT(name_, text_) ((struct log_field){(name_), LOG_FIELD_TEXT, slice_text(text_), 0})
#define LOG_SLICE(name_, s_) ((struct log_field){(name_), LOG_FIELD_TEXT, (s_), 0})
#define LOG_INT(name_, n_) ((struct log_field){(name_), LOG_FIELD_INT, SLICE_EMPTY, (int64_t)(n_)})
#define LOG_TOKEN(name_, s_) ((struct log_field){(name_), LOG_FIELD_TOKEN, (s_), 0})

typedef void log_sink_fn(void *context, enum log_level level, struct slice line);
// Gives the wall time in ms for a line; `base` has no clock of its own.
typedef int64_t log_clock_fn(void *context);

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

// Set once at start, before threads. `sink` NULL: nothing is logged.
void log_init(enum log_level least, enum log_format format, void *context, log_clock_fn *clock,
              log_sink_fn *sink);
// Any thread, later.
void log_set_level(enum log_level least);

// `event` and the names are static text of the program, written as they stand.
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count);

#define LOG(level, event, ...)                                                                     \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                           \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
