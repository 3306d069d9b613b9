#include "base/log.h"

#include <stdatomic.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/time.h"

// The closing brace and the newline always have their place.
#define LOG_ENDING_SIZE 2U
#define LOG_TOKEN_SHOWN 4U

static struct {
    _Atomic int least; // any thread reads it
    enum log_format format;
    void *context;
    log_clock_fn *clock;
    log_sink_fn *sink;
} log_state;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(enum log_level least, enum log_format format, void *context, log_clock_fn *clock,
              log_sink_fn *sink)
{
    ASSERT(sink == NULL || clock != NULL);
    log_state.least = least;
    log_state.format = format;
    log_state.context = context;
    log_state.clock = clock;
    log_state.sink = sink;
}

// How one character of a value stands between quotes, the same in both formats.
static struct slice escape(struct slice character, char scratch[8])
{
    const uint8_t byte = character.ptr[0];

    if (byte == '"' || byte == '\\') {
        (void)snprintf(scratch, 8, "\\%c", byte);
        return slice_text(scratch);
    }
    if (byte < 0x20 || byte == 0x7f) {
        (void)snprintf(scratch, 8, "\\u%04x", byte);
        return slice_text(scratch);
    }
    return character;
}

// Puts characters while they leave `kept` bytes free; true if all were put. Bytes that are no UTF-8
// become U+FFFD, so that a line is always text.
static bool put_escaped(struct buf *line, struct slice s, size_t kept)
{
    struct slice rest = s;

    while (rest.len > 0) {
        char scratch[8];
        const size_t step = slice_utf8_step(rest);
        const struct slice shown =
            step == 0 ? SLICE("\xef\xbf\xbd") : escape(slice_sub(rest, 0, step), scratch);
        if (shown.len + kept > buf_room(line)) {
            return false;
        }
        buf_put_slice(line, shown);
        rest = slice_sub(rest, step == 0 ? 1 : step, rest.len);
    }
    return true;
}

// Text that a reader of `name=value` can tell from what follows it.
static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        const uint8_t byte = s.ptr[i];
        if (byte <= ' ' || byte == '"' || byte == '=' || byte == '\\' || byte >= 0x7f) {
            return false;
        }
    }
    return s.len > 0;
}

// Overflows only if not even the quotes fit.
static void put_text(struct buf *line, struct slice s)
{
    if (log_state.format == LOG_FORMAT_TEXT && is_plain(s)) {
        (void)put_escaped(line, s, 0);
        return;
    }
    buf_put_u8(line, '"');
    (void)put_escaped(line, s, 1);
    buf_put_u8(line, '"');
}

static void put_token(struct buf *line, struct slice token)
{
    char shown[LOG_TOKEN_SHOWN + sizeof("...")];
    struct buf text = buf_over(shown, sizeof(shown));

    if (token.len >= 2 * (size_t)LOG_TOKEN_SHOWN) {
        buf_put_slice(&text, slice_sub(token, 0, LOG_TOKEN_SHOWN));
    }
    buf_put_text(&text, "...");
    ASSERT(!text.overflow);
    put_text(line, buf_view(&text));
}

static void put_field(struct buf *line, const struct log_field *field)
{
    buf_put_format(line, log_state.format == LOG_FORMAT_JSON ? ",\"%s\":" : " %s=", field->name);
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        put_text(line, field->text);
        break;
    case LOG_FIELD_INT:
        buf_put_format(line, "%" PRId64, field->number);
        break;
    case LOG_FIELD_TOKEN:
        put_token(line, field->text);
        break;
    }
}

static void put_head(struct buf *line, enum log_level level, const char *event)
{
    char time[25];
    wall_format((struct wall){log_state.clock(log_state.context)}, time);
    if (log_state.format == LOG_FORMAT_JSON) {
        buf_put_format(line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", time,
                       level_names[level], event);
    } else {
        buf_put_format(line, "%s %-5s %s", time, level_names[level], event);
    }
    ASSERT(!line->overflow);
}

void log_set_level(enum log_level least)
{
    atomic_store_explicit(&log_state.least, (int)least, memory_order_relaxed);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count)
{
    char memory[LOG_LINE_SIZE];
    struct buf line = buf_over(memory, sizeof(memory) - LOG_ENDING_SIZE);

    ASSERT(level <= LOG_ERROR);
    ASSERT(count <= LOG_FIELDS_MAX);
    if (log_state.sink == NULL ||
        (int)level < atomic_load_explicit(&log_state.least, memory_order_relaxed)) {
        return;
    }
    put_head(&line, level, event);
    for (unsigned i = 0; i < count; i++) {
        const struct buf before = line;
        put_field(&line, &fields[i]);
        if (line.overflow) {
            line = before;
            break;
        }
    }
    line.cap += LOG_ENDING_SIZE;
    buf_put_text(&line, log_state.format == LOG_FORMAT_JSON ? "}\n" : "\n");
    ASSERT(!line.overflow);
    log_state.sink(log_state.context, level, buf_view(&line));
}
