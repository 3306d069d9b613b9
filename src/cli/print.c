#include "cli/print.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/calendar.h"

#define DAY_MS 86400000

static bool is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

void cli_print_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        // C1 control characters are two bytes in UTF-8.
        const bool is_c1 = text.ptr[i] == 0xc2 && i + 1 < text.len && text.ptr[i + 1] < 0xa0;
        if (is_c1) {
            printf("\\x%02x", (unsigned)text.ptr[++i]);
        } else if (is_control(text.ptr[i])) {
            printf("\\x%02x", (unsigned)text.ptr[i]);
        } else {
            putchar(text.ptr[i]);
        }
    }
}

void cli_print_column(struct slice text, size_t width)
{
    size_t shown = 0;
    cli_print_text(text);
    for (size_t i = 0; i < text.len; i++) {
        // Bytes that go on with a character take no place.
        shown += is_control(text.ptr[i]) ? 4 : (text.ptr[i] & 0xc0) != 0x80;
    }
    for (; shown < width; shown++) {
        putchar(' ');
    }
}

void cli_print_value(struct codec_json value)
{
    struct slice text;
    char memory[4096];
    if (codec_json_string(value, &text)) {
        cli_print_text(text);
        return;
    }
    struct buf out = buf_over(memory, sizeof(memory));
    if (codec_json_exists(value)) {
        codec_json_write(value, &out);
    }
    cli_print_text(buf_view(&out));
    if (out.overflow) {
        printf("...");
    }
}

void cli_print_time(int64_t ms)
{
    const int64_t day = ms >= 0 ? ms / DAY_MS : (ms + 1) / DAY_MS - 1;
    const int64_t in_day = ms - day * DAY_MS;
    const struct calendar_date date = calendar_date(day);
    printf("%04" PRId64 "-%02d-%02dT%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64 "Z",
           date.year, date.month, date.day, in_day / 3600000, in_day / 60000 % 60,
           in_day / 1000 % 60, in_day % 1000);
}

void cli_print_json(struct slice text)
{
    (void)fwrite(text.ptr, 1, text.len, stdout);
    putchar('\n');
}
