#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "cli/read.h"

static const struct {
    const char *word;
    const char *scope;
} scopes[] = {
    {"client", "CLIENT_SCOPE"},
    {"shared", "SHARED_SCOPE"},
    {"server", "SERVER_SCOPE"},
};

#define SCOPE_COUNT (sizeof(scopes) / sizeof(scopes[0]))

// The scope that was asked for, as a place in `scopes`; SCOPE_COUNT: there is none of that name.
static unsigned find_scope(const char *word)
{
    unsigned at = 0;
    while (at < SCOPE_COUNT && strcmp(scopes[at].word, word) != 0) {
        at++;
    }
    return at;
}

static enum cli_exit refuse(const char *what, const char *word)
{
    fprintf(stderr, "motehub: %s '%.64s'\n", what, word);
    return CLI_USAGE;
}

static void print_attribute(const char *scope, struct codec_json attribute)
{
    cli_print_time(cli_read_number(attribute, "lastUpdateTs"));
    printf("  %-6s  ", scope);
    cli_print_column(cli_read_text(attribute, "key"), 24);
    printf("  ");
    cli_print_value(cli_read_member(attribute, "value"));
    printf("\n");
}

static enum cli_exit show(struct cli_session *session, struct slice device, unsigned scope)
{
    const struct slice parts[] = {device, slice_text(scopes[scope].scope)};
    const char *path = cli_session_path(
        session, "/api/plugins/telemetry/DEVICE/%s/values/attributes/%s", parts, 2);
    struct slice text;
    struct slice name;
    struct codec_json all;
    struct codec_json attribute;
    if (!cli_session_ask(session, "GET", path, SLICE_EMPTY, &text) ||
        !cli_session_parse(session, text, &all)) {
        return CLI_FAILED;
    }
    if (session->options->as_json) {
        cli_print_json(text);
        return CLI_DONE;
    }
    if (!cli_session_expect(all, CODEC_JSON_ARRAY, "it is no array")) {
        return CLI_FAILED;
    }
    struct codec_json_walk walk = codec_json_walk_over(all);
    while (codec_json_walk_next(&walk, &name, &attribute)) {
        if (!cli_session_expect(attribute, CODEC_JSON_OBJECT, "an attribute is no object")) {
            return CLI_FAILED;
        }
        print_attribute(scopes[scope].word, attribute);
    }
    return CLI_DONE;
}

static enum cli_exit set(struct cli_session *session, struct slice device, const char *scope)
{
    const struct cli_options *options = session->options;
    const struct slice parts[] = {device, slice_text(scope)};
    uint8_t *memory = arena_take(&session->memory, HTTP_CLIENT_BODY_MAX);
    struct buf body = buf_over(memory, memory != NULL ? HTTP_CLIENT_BODY_MAX : 0);
    struct codec_json_writer writer = codec_json_writer_over(&body);
    codec_json_begin_object(&writer);
    for (unsigned i = 2; i < options->word_count; i++) {
        struct slice value = slice_text(options->words[i]);
        const struct slice key = slice_cut(&value, '=');
        if (value.ptr == NULL || key.len == 0) {
            return refuse("not of the form key=value:", options->words[i]);
        }
        codec_json_name(&writer, key);
        cli_read_word(&session->memory, value, &writer);
    }
    codec_json_end_object(&writer);
    struct slice text;
    const char *path = cli_session_path(session, "/api/plugins/telemetry/DEVICE/%s/%s", parts, 2);
    return cli_session_ask(session, "POST", path, buf_view(&body), &text) ? CLI_DONE : CLI_FAILED;
}

static enum cli_exit remove_keys(struct cli_session *session, struct slice device,
                                 const char *scope)
{
    const struct cli_options *options = session->options;
    char memory[HTTP_CLIENT_PATH_MAX / 4];
    struct buf keys = buf_over(memory, sizeof(memory));
    for (unsigned i = 2; i < options->word_count; i++) {
        buf_put_format(&keys, "%s%s", i > 2 ? "," : "", options->words[i]);
    }
    if (keys.overflow) {
        return refuse("too many keys at", options->words[2]);
    }
    const struct slice parts[] = {device, slice_text(scope), buf_view(&keys)};
    const char *path =
        cli_session_path(session, "/api/plugins/telemetry/DEVICE/%s/%s?keys=%s", parts, 3);
    struct slice text;
    return cli_session_ask(session, "DELETE", path, SLICE_EMPTY, &text) ? CLI_DONE : CLI_FAILED;
}

static enum cli_exit show_all(struct cli_session *session, struct slice device)
{
    enum cli_exit code = CLI_DONE;
    for (unsigned i = 0; code == CLI_DONE && i < SCOPE_COUNT; i++) {
        const size_t mark = arena_mark(&session->memory);
        code = show(session, device, i);
        arena_rewind(&session->memory, mark);
    }
    return code;
}

enum cli_exit cli_attributes(struct cli_session *session)
{
    const struct cli_options *options = session->options;
    const unsigned scope = find_scope(options->scope != NULL ? options->scope : "shared");
    const char *verb = options->word_count > 1 ? options->words[1] : "";
    const bool sets = strcmp(verb, "set") == 0;
    struct slice device;
    if (scope == SCOPE_COUNT) {
        return refuse("the scope is shared, server or client, not", options->scope);
    }
    if (options->word_count > 1 && !sets && strcmp(verb, "delete") != 0) {
        return refuse("set or delete, not", verb);
    }
    if (options->word_count == 2) {
        return refuse("which ones? Words are missing behind", verb);
    }
    if (!cli_session_device(session, options->words[0], &device)) {
        return CLI_FAILED;
    }
    if (options->word_count == 1) {
        return options->scope != NULL ? show(session, device, scope) : show_all(session, device);
    }
    return sets ? set(session, device, scopes[scope].scope)
                : remove_keys(session, device, scopes[scope].scope);
}
