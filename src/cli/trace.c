#include <inttypes.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "cli/read.h"

// time  peer  what was asked -> code verdict (reason), and what else happened.
static void print_exchange(struct codec_json exchange)
{
    const struct slice reason = cli_read_text(exchange, "reason");
    const bool is_request = cli_read_text(exchange, "method").len > 0;
    cli_print_time(cli_read_number(exchange, "time"));
    printf("  ");
    cli_print_column(cli_read_text(exchange, "peer"), 21);
    printf(cli_read_truth(exchange, "moved") ? " moved" : "      ");
    printf(cli_read_truth(exchange, "confirmable") ? "  CON " : "  NON ");
    if (is_request) {
        cli_print_text(cli_read_text(exchange, "method"));
        printf(" ");
        cli_print_text(cli_read_text(exchange, "path"));
    } else {
        printf("notification");
    }
    printf(" ");
    cli_print_text(cli_read_text(exchange, "payload"));
    printf(" -> ");
    cli_print_text(cli_read_text(exchange, "code"));
    printf(" ");
    cli_print_text(cli_read_text(exchange, "verdict"));
    if (reason.len > 0) {
        printf(" (");
        cli_print_text(reason);
        printf(")");
    }
    if (cli_read_number(exchange, "duplicates") > 0) {
        printf(", %" PRId64 " more copies", cli_read_number(exchange, "duplicates"));
    }
    printf(cli_read_truth(exchange, "retransmitted") ? ", retransmitted\n" : "\n");
}

static void print_bounds(struct codec_json trace)
{
    const int64_t overwritten = cli_read_number(trace, "overwritten");
    const int64_t left_out = cli_read_number(trace, "leftOut");
    if (left_out > 0) {
        printf("%" PRId64 " older exchanges are left out; see --limit\n", left_out);
    } else if (overwritten > 0) {
        printf("older ones were overwritten; complete since ");
        cli_print_time(cli_read_number(trace, "since"));
        printf("\n");
    }
}

static bool print_trace(struct codec_json trace)
{
    struct slice name;
    struct codec_json exchange;
    const struct codec_json exchanges = cli_read_member(trace, "exchanges");
    if (!cli_session_expect(exchanges, CODEC_JSON_ARRAY, "it has no array 'exchanges'")) {
        return false;
    }
    print_bounds(trace);
    struct codec_json_walk walk = codec_json_walk_over(exchanges);
    while (codec_json_walk_next(&walk, &name, &exchange)) {
        if (!cli_session_expect(exchange, CODEC_JSON_OBJECT, "an exchange is no object")) {
            return false;
        }
        print_exchange(exchange);
    }
    return true;
}

enum cli_exit cli_trace(struct cli_session *session)
{
    const struct cli_options *options = session->options;
    struct slice device;
    struct slice text;
    struct codec_json trace;
    if (!cli_session_device(session, options->words[0], &device)) {
        return CLI_FAILED;
    }
    const struct slice parts[] = {device, slice_text(options->limit != NULL ? options->limit : "")};
    const char *form = options->limit != NULL ? "/api/motehub/v1/devices/%s/trace?limit=%s"
                                              : "/api/motehub/v1/devices/%s/trace";
    const char *path = cli_session_path(session, form, parts, 2);
    if (!cli_session_ask(session, "GET", path, SLICE_EMPTY, &text) ||
        !cli_session_parse(session, text, &trace)) {
        return CLI_FAILED;
    }
    if (options->as_json) {
        cli_print_json(text);
        return CLI_DONE;
    }
    return print_trace(trace) ? CLI_DONE : CLI_FAILED;
}
