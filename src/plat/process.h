// plat/process.h: what the process was started with: its environment, and its error stream for the
// log.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

// One write for a whole line. What cannot be written is lost: nobody could be told.
void plat_process_error(struct slice line);
bool plat_process_error_is_terminal(void);
// "NAME=value" texts, with NULL behind the last.
char **plat_process_environment(void);
// Raises the limit of open descriptors to `wanted` if the system lets us; what it is then.
uint64_t plat_process_descriptors(uint64_t wanted);
// Bytes of memory that the process holds now; 0 if the kernel does not say.
uint64_t plat_process_resident(void);
