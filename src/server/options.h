// server/options.h: the command line of the server's own commands.
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define OPTIONS_SETS_MAX 64

enum server_command {
    SERVER_COMMAND_HELP,
    SERVER_COMMAND_VERSION,
    SERVER_COMMAND_SERVE,
    SERVER_COMMAND_CHECK_CONFIG,
    SERVER_COMMAND_LIMITS,
};

struct server_options {
    enum server_command command;
    const char *config_file; // NULL: none; with a '-' in front it need not be there
    const char *data;        // NULL: as configured
    bool demo;
    bool demo_public;
    const char *sets[OPTIONS_SETS_MAX];
    unsigned set_count;
};

// ERR_INVALID with one line in `message`.
MUST_USE enum err server_options_read(int count, char *const *words, struct server_options *options,
                                      struct buf *message);

extern const char server_options_help[];
