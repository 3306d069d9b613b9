// cli/cli.h: the commands of the program that speak to a running server over REST.
#pragma once

#include <stdbool.h>

// Whether `word` names one of them.
bool cli_knows(const char *word);
// Runs `motehub COMMAND ...`; the exit code: 0 done, 1 it failed, 2 it was not understood.
int cli_run(int count, char *const *words);

extern const char cli_help[];
