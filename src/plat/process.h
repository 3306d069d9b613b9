// plat/process.h: what the process was started with: its environment, and its error stream for the
// log.
#pragma once

#include <stdbool.h>

#include "base/slice.h"

// One write for a whole line. What cannot be written is lost: nobody could be told.
void plat_process_error(struct slice line);
bool plat_process_error_is_terminal(void);
// "NAME=value" texts, with NULL behind the last.
char **plat_process_environment(void);
