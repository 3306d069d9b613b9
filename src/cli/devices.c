#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "cli/read.h"

static void print_device(struct codec_json device)
{
    const bool is_active = cli_read_truth(device, "active");
    cli_print_text(cli_read_text(cli_read_member(device, "id"), "id"));
    printf("  %-8s  ", is_active ? "active" : "inactive");
    cli_print_column(cli_read_text(device, "type"), 16);
    printf("  ");
    cli_print_text(cli_read_text(device, "name"));
    printf("\n");
}

static bool print_devices(struct codec_json devices)
{
    struct codec_json device;
    struct slice name;
    if (!cli_session_expect(devices, CODEC_JSON_ARRAY, "'data' is no array")) {
        return false;
    }
    struct codec_json_walk walk = codec_json_walk_over(devices);
    while (codec_json_walk_next(&walk, &name, &device)) {
        if (!cli_session_expect(device, CODEC_JSON_OBJECT, "a device is no object")) {
            return false;
        }
        print_device(device);
    }
    return true;
}

static bool print_page(struct cli_session *session, struct slice text, bool *has_next)
{
    struct codec_json page;
    *has_next = false;
    if (session->options->as_json) {
        cli_print_json(text);
    }
    if (!cli_session_parse(session, text, &page)) {
        return false;
    }
    const struct codec_json more = cli_read_member(page, "hasNext");
    return cli_session_expect(page, CODEC_JSON_OBJECT, "it is no object") &&
           (session->options->as_json || print_devices(cli_read_member(page, "data"))) &&
           cli_session_expect(more, CODEC_JSON_BOOLEAN, "'hasNext' is not true or false") &&
           codec_json_boolean(more, has_next);
}

enum cli_exit cli_devices(struct cli_session *session)
{
    const struct slice search =
        session->options->word_count > 0 ? slice_text(session->options->words[0]) : SLICE_EMPTY;
    bool has_next = true;
    for (unsigned number = 0; has_next; number++) {
        const size_t mark = arena_mark(&session->memory);
        char digits[16];
        (void)snprintf(digits, sizeof(digits), "%u", number);
        const struct slice parts[] = {slice_text(digits), search};
        const char *path = cli_session_path(session,
                                            "/api/tenant/deviceInfos?pageSize=1000&page=%s"
                                            "&sortProperty=name&textSearch=%s",
                                            parts, 2);
        struct slice text;
        if (!cli_session_ask(session, "GET", path, SLICE_EMPTY, &text) ||
            !print_page(session, text, &has_next)) {
            return CLI_FAILED;
        }
        arena_rewind(&session->memory, mark);
    }
    return CLI_DONE;
}
