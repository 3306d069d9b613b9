#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "cli/read.h"

// What the server takes at most is its own affair; this is against a slip of the finger.
#define TIMEOUT_S_MAX 3600UL
// Beyond the call's own time.
#define SPARE_S 10UL

static bool read_timeout(const char *text, unsigned long *seconds)
{
    char *end = NULL;
    *seconds = 10;
    if (text == NULL) {
        return true;
    }
    *seconds = strtoul(text, &end, 10);
    return end != text && *end == 0 && *seconds >= 1 && *seconds <= TIMEOUT_S_MAX;
}

static struct slice write_call(struct cli_session *session, unsigned long seconds)
{
    const struct cli_options *options = session->options;
    uint8_t *memory = arena_take(&session->memory, HTTP_CLIENT_BODY_MAX);
    struct buf body = buf_over(memory, memory != NULL ? HTTP_CLIENT_BODY_MAX : 0);
    struct codec_json_writer writer = codec_json_writer_over(&body);
    codec_json_begin_object(&writer);
    codec_json_field_string(&writer, "method", slice_text(options->words[1]));
    codec_json_name(&writer, SLICE("params"));
    const struct slice given = slice_text(options->word_count > 2 ? options->words[2] : "{}");
    cli_read_word(&session->memory, given, &writer);
    codec_json_field_int64(&writer, "timeout", (int64_t)seconds * 1000);
    codec_json_end_object(&writer);
    return body.overflow ? SLICE_EMPTY : buf_view(&body);
}

static enum cli_exit judge(const struct cli_options *options, const char *path, unsigned status,
                           struct slice text, unsigned long seconds)
{
    if (status == 200) {
        if (text.len > 0) {
            cli_print_json(text);
        }
        return CLI_DONE;
    }
    if (status == 504) {
        fprintf(stderr,
                "motehub: %s did not take or answer the call in %lu s; it is called when it "
                "observes .../rpc\n",
                options->words[0], seconds);
    } else {
        cli_session_complain("POST", path, status, text);
    }
    return CLI_FAILED;
}

enum cli_exit cli_rpc(struct cli_session *session)
{
    const struct cli_options *options = session->options;
    unsigned long seconds = 0;
    unsigned status = 0;
    struct slice device;
    struct slice text;
    if (!read_timeout(options->timeout, &seconds)) {
        fprintf(stderr, "motehub: --timeout is a number of seconds from 1 to %lu\n", TIMEOUT_S_MAX);
        return CLI_USAGE;
    }
    if (!cli_session_device(session, options->words[0], &device)) {
        return CLI_FAILED;
    }
    const struct slice body = write_call(session, seconds);
    const struct slice parts[] = {options->is_oneway ? SLICE("oneway") : SLICE("twoway"), device};
    const char *path = cli_session_path(session, "/api/rpc/%s/%s", parts, 2);
    session->deadline = span_s(seconds + SPARE_S);
    if (body.len == 0) {
        fprintf(stderr, "motehub: the params are too large\n");
        return CLI_USAGE;
    }
    return cli_session_try(session, "POST", path, body, &status, &text)
               ? judge(options, path, status, text, seconds)
               : CLI_FAILED;
}
