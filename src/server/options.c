#include "server/options.h"

#include <string.h>

const char server_options_help[] =
    "motehub: an IoT server for devices that speak CoAP\n"
    "\n"
    "  motehub serve [--config FILE] [--data DIR] [--demo] [--set key=value]...\n"
    "      Runs the server in the foreground. --demo loads demo accounts and devices and binds\n"
    "      loopback only; --demo-public lifts that.\n"
    "  motehub check-config [--config FILE] [--set key=value]...\n"
    "      Reads the configuration as serve would and prints every key with its value.\n"
    "  motehub limits [--config FILE] [--set key=value]...\n"
    "      Prints the bound of every table, and what happens when it is full.\n"
    "  motehub version\n"
    "\n"
    "Keys may also stand in the environment: coap.bind is MOTEHUB_COAP_BIND. File, environment "
    "and\n"
    "--set override in that order.\n";

static const struct {
    const char *name;
    enum server_command command;
} commands[] = {
    {"serve", SERVER_COMMAND_SERVE},       {"check-config", SERVER_COMMAND_CHECK_CONFIG},
    {"limits", SERVER_COMMAND_LIMITS},     {"version", SERVER_COMMAND_VERSION},
    {"--version", SERVER_COMMAND_VERSION}, {"help", SERVER_COMMAND_HELP},
    {"--help", SERVER_COMMAND_HELP},       {"-h", SERVER_COMMAND_HELP},
};

static bool find_command(const char *word, enum server_command *command)
{
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(word, commands[i].name) == 0) {
            *command = commands[i].command;
            return true;
        }
    }
    return false;
}

// An option with a value. False if the word is none of them.
static bool read_valued(struct server_options *options, const char *word, const char *value,
                        enum err *err, struct buf *message)
{
    const bool is_set = strcmp(word, "--set") == 0;
    const char **place = strcmp(word, "--config") == 0 ? &options->config_file
                         : strcmp(word, "--data") == 0 ? &options->data
                                                       : NULL;
    if (!is_set && place == NULL) {
        return false;
    }
    if (value == NULL) {
        buf_put_format(message, "%s needs a value", word);
        *err = ERR_INVALID;
    } else if (place != NULL) {
        *place = value;
    } else if (options->set_count == OPTIONS_SETS_MAX) {
        buf_put_format(message, "more than %d --set", OPTIONS_SETS_MAX);
        *err = ERR_INVALID;
    } else {
        options->sets[options->set_count++] = value;
    }
    return true;
}

enum err server_options_read(int count, char *const *words, struct server_options *options,
                             struct buf *message)
{
    *options = (struct server_options){.command = SERVER_COMMAND_HELP};
    if (count < 2) {
        return ERR_OK;
    }
    if (!find_command(words[1], &options->command)) {
        buf_put_format(message, "there is no command '%.64s'; try motehub help", words[1]);
        return ERR_INVALID;
    }
    enum err err = ERR_OK;
    for (int i = 2; err == ERR_OK && i < count; i++) {
        if (strcmp(words[i], "--demo") == 0) {
            options->demo = true;
        } else if (strcmp(words[i], "--demo-public") == 0) {
            options->demo = options->demo_public = true;
        } else if (read_valued(options, words[i], i + 1 < count ? words[i + 1] : NULL, &err,
                               message)) {
            i++;
        } else {
            buf_put_format(message, "unknown option '%.64s'; try motehub help", words[i]);
            err = ERR_INVALID;
        }
    }
    return err;
}
