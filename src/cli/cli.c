#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

const char cli_help[] =
    "Commands that speak to a running server (--url, or MOTEHUB_URL; else " CLI_URL "),\n"
    "as the user MOTEHUB_USER with MOTEHUB_PASSWORD or --password-file FILE. DEVICE is a name or "
    "an\n"
    "id. --json prints what the server answered.\n"
    "\n"
    "  motehub devices [TEXT]\n"
    "      The devices, or those whose name contains TEXT.\n"
    "  motehub telemetry DEVICE [KEYS] [--follow]\n"
    "      The latest value of each key, or of KEYS (a,b,c); --follow prints what comes in.\n"
    "  motehub attributes DEVICE [set k=v... | delete k...] [--scope shared|server|client]\n"
    "      All attributes; or sets or deletes shared ones. v is JSON, or else a text.\n"
    "  motehub rpc DEVICE METHOD [PARAMS] [--oneway] [--timeout SECONDS]\n"
    "      Calls the device and prints its answer. PARAMS is JSON, or else a text.\n"
    "  motehub trace DEVICE [--limit N]\n"
    "      The latest exchanges of the device.\n";

static const struct {
    const char *name;
    unsigned words_min;
    unsigned words_max;
    enum cli_exit (*run)(struct cli_session *session);
} commands[] = {
    {"devices", 0, 1, cli_devices},
    {"telemetry", 1, 2, cli_telemetry},
    {"attributes", 1, CLI_WORDS_MAX, cli_attributes},
    {"rpc", 2, 3, cli_rpc},
    {"trace", 1, 1, cli_trace},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static unsigned find(const char *word)
{
    unsigned at = 0;
    while (at < COMMAND_COUNT && strcmp(commands[at].name, word) != 0) {
        at++;
    }
    return at;
}

bool cli_knows(const char *word)
{
    return find(word) < COMMAND_COUNT;
}

static const char **valued(struct cli_options *options, const char *word)
{
    const struct {
        const char *name;
        const char **place;
    } all[] = {
        {"--url", &options->url},     {"--password-file", &options->password_file},
        {"--scope", &options->scope}, {"--timeout", &options->timeout},
        {"--limit", &options->limit},
    };
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(word, all[i].name) == 0) {
            return all[i].place;
        }
    }
    return NULL;
}

static bool *flag(struct cli_options *options, const char *word)
{
    return strcmp(word, "--json") == 0     ? &options->as_json
           : strcmp(word, "--oneway") == 0 ? &options->is_oneway
           : strcmp(word, "--follow") == 0 ? &options->follows
                                           : NULL;
}

static bool complain(const char *what, const char *word)
{
    fprintf(stderr, "motehub: %s '%.64s'; try motehub help\n", what, word);
    return false;
}

static bool read_options(int count, char *const *words, struct cli_options *options)
{
    for (int i = 2; i < count; i++) {
        const char **place = valued(options, words[i]);
        bool *is_set = flag(options, words[i]);
        if (place != NULL && i + 1 == count) {
            return complain("no value for", words[i]);
        }
        if (place != NULL) {
            *place = words[++i];
        } else if (is_set != NULL) {
            *is_set = true;
        } else if (strncmp(words[i], "--", 2) == 0) {
            return complain("unknown option", words[i]);
        } else if (options->word_count == CLI_WORDS_MAX) {
            return complain("too many words at", words[i]);
        } else {
            options->words[options->word_count++] = words[i];
        }
    }
    return true;
}

int cli_run(int count, char *const *words)
{
    struct cli_options options = {.word_count = 0};
    static struct cli_session session;
    const unsigned command = find(words[1]);
    if (!read_options(count, words, &options)) {
        return CLI_USAGE;
    }
    if (options.word_count < commands[command].words_min ||
        options.word_count > commands[command].words_max) {
        (void)complain("too few or too many words for", words[1]);
        return CLI_USAGE;
    }
    if (!cli_session_open(&session, &options)) {
        return CLI_FAILED;
    }
    const enum cli_exit code = commands[command].run(&session);
    cli_session_close(&session);
    return (int)code;
}
