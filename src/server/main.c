#include <stdio.h>

#include "cli/cli.h"
#include "server/limits.h"
#include "server/options.h"
#include "server/serve.h"
#include "server/settings.h"

static int with_settings(const struct server_options *options,
                         int (*run)(const struct server_options *options, const struct conf *conf,
                                    const struct server_settings *settings))
{
    static struct server_settings settings;
    char text[1024];
    struct buf message = buf_over(text, sizeof(text));
    struct conf *conf = NULL;
    enum err err = conf_create(&conf);
    if (err == ERR_OK) {
        err = server_settings_read(options, conf, &settings, &message);
    }
    // What was read without error may still be worth a warning.
    if (message.len > 0) {
        fprintf(stderr, "motehub: %.*s\n", SLICE_ARGS(buf_view(&message)));
    }
    const int code = err == ERR_OK ? run(options, conf, &settings) : 1;
    if (conf != NULL) {
        conf_destroy(conf);
    }
    return code;
}

static int run_serve(const struct server_options *options, const struct conf *conf,
                     const struct server_settings *settings)
{
    return server_serve(settings, options, conf);
}

static int run_check(const struct server_options *options, const struct conf *conf,
                     const struct server_settings *settings)
{
    (void)options;
    static char text[65536];
    (void)settings;
    struct buf out = buf_over(text, sizeof(text));
    conf_write_table(conf, &out);
    printf("%.*s", SLICE_ARGS(buf_view(&out)));
    return 0;
}

static int run_limits(const struct server_options *options, const struct conf *conf,
                      const struct server_settings *settings)
{
    (void)options;
    static char text[65536];
    (void)conf;
    struct buf out = buf_over(text, sizeof(text));
    server_limits_write(settings, &out);
    printf("%.*s", SLICE_ARGS(buf_view(&out)));
    return 0;
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
