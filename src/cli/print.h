// cli/print.h: what people read on a terminal. Texts of devices may hold anything: control
// characters are shown as \xNN, so that nothing of theirs is a command to the terminal.
#pragma once

#include "base/slice.h"
#include "codec/json.h"

void cli_print_text(struct slice text);
// Filled up with spaces to `width` characters.
void cli_print_column(struct slice text, size_t width);
// A value as people write it: a text without quotes, everything else as JSON; nothing for one that
// does not exist.
void cli_print_value(struct codec_json value);
// Milliseconds since 1970 as 2026-01-31T12:00:00.000Z.
void cli_print_time(int64_t ms);
// The answer as it came, and a line's end.
void cli_print_json(struct slice text);
