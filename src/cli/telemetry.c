#include <inttypes.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "cli/read.h"
#include "plat/thread.h"

static void print_point(struct slice key, struct codec_json point)
{
    cli_print_time(cli_read_number(point, "ts"));
    printf("  ");
    cli_print_column(key, 24);
    printf("  ");
    cli_print_value(cli_read_member(point, "value"));
    printf("\n");
}

// The points of one key; the newest time of all goes up.
static bool print_series(struct slice key, struct codec_json points, int64_t *newest)
{
    struct slice none;
    struct codec_json point;
    if (!cli_session_expect(points, CODEC_JSON_ARRAY, "the points of a key are no array")) {
        return false;
    }
    struct codec_json_walk walk = codec_json_walk_over(points);
    while (codec_json_walk_next(&walk, &none, &point)) {
        if (!cli_session_expect(point, CODEC_JSON_OBJECT, "a point is no object")) {
            return false;
        }
        const int64_t at = cli_read_number(point, "ts");
        if (codec_json_is(cli_read_member(point, "value"), CODEC_JSON_NULL)) {
            continue;
        }
        print_point(key, point);
        *newest = at > *newest ? at : *newest;
    }
    return true;
}

static bool print_points(struct codec_json all, int64_t *newest)
{
    struct slice key;
    struct codec_json points;
    bool is_good = cli_session_expect(all, CODEC_JSON_OBJECT, "it is no object");
    if (!is_good) {
        return false;
    }
    struct codec_json_walk keys = codec_json_walk_over(all);
    while (is_good && codec_json_walk_next(&keys, &key, &points)) {
        is_good = print_series(key, points, newest);
    }
    return is_good;
}

static enum cli_exit show(struct cli_session *session, const char *path, int64_t *newest)
{
    struct slice text;
    struct codec_json all;
    if (!cli_session_ask(session, "GET", path, SLICE_EMPTY, &text) ||
        !cli_session_parse(session, text, &all)) {
        return CLI_FAILED;
    }
    if (session->options->as_json && !session->options->follows) {
        cli_print_json(text);
    } else if (!print_points(all, newest)) {
        return CLI_FAILED;
    }
    // Who follows sees it now, also through a pipe.
    return fflush(stdout) == 0 ? CLI_DONE : CLI_FAILED;
}

// The keys to look at: those asked for, or all that there are by now; empty: none yet.
static bool find_keys(struct cli_session *session, struct slice device, struct slice *keys)
{
    const char *path =
        cli_session_path(session, "/api/plugins/telemetry/DEVICE/%s/keys/timeseries", &device, 1);
    struct slice text;
    struct slice name;
    struct codec_json all;
    struct codec_json key;
    uint8_t *memory = arena_take(&session->memory, HTTP_CLIENT_PATH_MAX);
    struct buf out = buf_over(memory, memory != NULL ? HTTP_CLIENT_PATH_MAX : 0);
    if (!cli_session_ask(session, "GET", path, SLICE_EMPTY, &text) ||
        !cli_session_parse(session, text, &all) ||
        !cli_session_expect(all, CODEC_JSON_ARRAY, "it is no array")) {
        return false;
    }
    struct codec_json_walk walk = codec_json_walk_over(all);
    while (codec_json_walk_next(&walk, &name, &key)) {
        if (codec_json_string(key, &text)) {
            buf_put_format(&out, "%s%.*s", out.len > 0 ? "," : "", SLICE_ARGS(text));
        }
    }
    *keys = buf_view(&out);
    if (out.overflow) {
        fprintf(stderr, "motehub: too many keys to follow, name some\n");
    }
    return !out.overflow;
}

// One look each second, at what is newer than what was seen.
static enum cli_exit follow(struct cli_session *session, struct slice device, struct slice given,
                            int64_t newest)
{
    enum cli_exit code = CLI_DONE;
    while (code == CLI_DONE) {
        const size_t mark = arena_mark(&session->memory);
        struct slice keys = given;
        char since[32];
        (void)snprintf(since, sizeof(since), "%" PRId64, newest + 1);
        plat_thread_sleep(span_s(1));
        if (given.len == 0 && !find_keys(session, device, &keys)) {
            return CLI_FAILED;
        }
        const struct slice parts[] = {device, keys, slice_text(since)};
        if (keys.len > 0) {
            code =
                show(session,
                     cli_session_path(session,
                                      "/api/plugins/telemetry/DEVICE/%s/values/timeseries?keys=%s"
                                      "&startTs=%s&endTs=9999999999999&limit=10000&orderBy=ASC",
                                      parts, 3),
                     &newest);
        }
        arena_rewind(&session->memory, mark);
    }
    return code;
}

enum cli_exit cli_telemetry(struct cli_session *session)
{
    const struct cli_options *options = session->options;
    const struct slice keys = options->word_count > 1 ? slice_text(options->words[1]) : SLICE_EMPTY;
    struct slice device;
    int64_t newest = 0;
    if (!cli_session_device(session, options->words[0], &device)) {
        return CLI_FAILED;
    }
    const struct slice parts[] = {device, keys};
    const char *form = keys.len > 0 ? "/api/plugins/telemetry/DEVICE/%s/values/timeseries?keys=%s"
                                    : "/api/plugins/telemetry/DEVICE/%s/values/timeseries";
    const enum cli_exit code = show(session, cli_session_path(session, form, parts, 2), &newest);
    return code == CLI_DONE && options->follows ? follow(session, device, keys, newest) : code;
}
