#include "base/log.h"

#include "base/buf.h"
#include "base/time.h"

static struct {
    enum log_level least;
    enum log_format format;
    void *context;
    log_clock_fn *clock;
    log_sink_fn *sink;
} logger;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(enum log_level least, enum log_format format, void *context, log_clock_fn *clock,
              log_sink_fn *sink)
{
    logger.least = least;
    logger.format = format;
    logger.context = context;
    logger.clock = clock;
    logger.sink = sink;
}

// As inside a JSON string; also used for text lines, so that nothing can forge a line.
static void put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.ptr[i];
        if (c == '"' || c == '\\') {
            buf_put_u8(out, '\\');
            buf_put_u8(out, c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_put_format(out, "\\u%04x", c);
        } else {
            buf_put_u8(out, c);
        }
    }
}

static void put_field_value(struct buf *out, const struct log_field *field)
{
    struct slice text = field->text;
    if (field->kind == LOG_FIELD_INT) {
        buf_put_format(out, "%lld", (long long)field->number);
        return;
    }
    buf_put_u8(out, '"');
    if (field->kind == LOG_FIELD_TOKEN) {
        text = slice_sub(text, 0, 4);
    }
    put_escaped(out, text);
    buf_put_text(out, field->kind == LOG_FIELD_TOKEN ? "...\"" : "\"");
}

static void put_head(struct buf *out, enum log_level level, const char *event)
{
    char time[25];
    wall_format((struct wall){logger.clock != NULL ? logger.clock(logger.context) : 0}, time);
    if (logger.format == LOG_FORMAT_JSON) {
        buf_put_format(out, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", time,
                       level_names[level], event);
    } else {
        buf_put_format(out, "%s %-5s %s", time, level_names[level], event);
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               unsigned count)
{
    if (logger.sink == NULL || level < logger.least) {
        return;
    }
    char memory[LOG_LINE_SIZE];
    // Two bytes stay free, so that a cut line still ends as it should.
    struct buf out = buf_over(memory, sizeof(memory) - 2);
    put_head(&out, level, event);
    for (unsigned i = 0; i < count; i++) {
        const struct buf before = out;
        buf_put_format(&out, logger.format == LOG_FORMAT_JSON ? ",\"%s\":" : " %s=",
                       fields[i].name);
        put_field_value(&out, &fields[i]);
        if (out.overflow) {
            out = before;
            break;
        }
    }
    out.cap = sizeof(memory);
    buf_put_text(&out, logger.format == LOG_FORMAT_JSON ? "}\n" : "\n");
    logger.sink(logger.context, level, buf_view(&out));
}
