#include <stdio.h>

#include "cli/cli.h"
#include "server/limits.h"
#include "server/options.h"
#include "server/serve.h"
#include "server/settings.h"

#define OUTPUT_SIZE 65536U

struct setup {
    const struct server_options *options;
    const struct conf *conf;
    const struct server_settings *settings;
    struct slice warning;
};

static int with_settings(const struct server_options *options,
                         int (*run)(const struct setup *setup))
{
    static struct server_settings settings;
    char text[SETTINGS_MESSAGE_SIZE];
    struct buf message = buf_over(text, sizeof(text));
    struct conf *conf = NULL;
    int code = 1;
    enum err err = conf_create(&conf);
    if (err == ERR_OK) {
        err = server_settings_read(options, conf, &settings, &message);
    }
    if (err == ERR_OK) {
        code = run(&(struct setup){options, conf, &settings, buf_view(&message)});
    } else {
        fprintf(stderr, "motehub: %.*s\n", SLICE_ARGS(buf_view(&message)));
    }
    conf_destroy(conf);
    return code;
}

static int run_serve(const struct setup *setup)
{
    return server_serve(setup->settings, setup->options, setup->conf, setup->warning);
}

static int print(const struct setup *setup, const struct buf *out)
{
    if (setup->warning.len > 0) {
        fprintf(stderr, "motehub: %.*s\n", SLICE_ARGS(setup->warning));
    }
    printf("%.*s", SLICE_ARGS(buf_view(out)));
    return 0;
}

static int run_check(const struct setup *setup)
{
    static char text[OUTPUT_SIZE];
    struct buf out = buf_over(text, sizeof(text));
    conf_write_table(setup->conf, &out);
    return print(setup, &out);
}

static int run_limits(const struct setup *setup)
{
    static char text[OUTPUT_SIZE];
    struct buf out = buf_over(text, sizeof(text));
    server_limits_write(setup->settings, &out);
    return print(setup, &out);
}

int main(int count, char **words)
{
    struct server_options options;
    char text[256];
    struct buf message = buf_over(text, sizeof(text));
    if (count > 1 && cli_knows(words[1])) {
        return cli_run(count, words);
    }
    if (server_options_read(count, words, &options, &message) != ERR_OK) {
        fprintf(stderr, "motehub: %.*s\n", SLICE_ARGS(buf_view(&message)));
        return 2;
    }
    switch (options.command) {
    case SERVER_COMMAND_HELP:
        printf("%s\n%s", server_options_help, cli_help);
        return 0;
    case SERVER_COMMAND_VERSION:
        printf("motehub %s\n", MOTEHUB_VERSION);
        return 0;
    case SERVER_COMMAND_SERVE:
        return with_settings(&options, run_serve);
    case SERVER_COMMAND_CHECK_CONFIG:
        return with_settings(&options, run_check);
    case SERVER_COMMAND_LIMITS:
        return with_settings(&options, run_limits);
    }
    return 2;
}
