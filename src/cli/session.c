#include "cli/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/read.h"

#define MEMORY_SIZE (64U << 20)
#define ANSWER_MAX (16U << 20)
#define PASSWORD_MAX 1024U

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "motehub: %s: %s\n", what, why);
    return false;
}

bool cli_session_try(struct cli_session *session, const char *method, const char *path,
                     struct slice body, unsigned *status, struct slice *text)
{
    char why[256];
    struct buf message = buf_over(why, sizeof(why) - 1);
    const size_t mark = arena_mark(&session->memory);
    uint8_t *memory = arena_take(&session->memory, ANSWER_MAX);
    if (memory == NULL) {
        return fail(path, "no memory");
    }
    struct buf answer = buf_over(memory, ANSWER_MAX);
    const struct http_client_request request = {
        .place = &session->place,
        .method = method,
        .path = path,
        .bearer = session->token[0] != 0 ? session->token : NULL,
        .body = body,
        .deadline = session->deadline,
    };
    *status = 0;
    const enum err err = http_client_fetch(&request, status, &answer, &message);
    // What the answer did not need is given back.
    arena_rewind(&session->memory, mark);
    *text = slice_of(arena_take(&session->memory, answer.len + 1), answer.len);
    if (err == ERR_OK) {
        return true;
    }
    why[message.len] = 0;
    fprintf(stderr, "motehub: %s://%s:%u: %s%s%s\n", session->place.is_secure ? "https" : "http",
            session->place.host, (unsigned)session->place.port,
            err == ERR_UNAVAILABLE ? "no connection" : err_text(err), message.len > 0 ? ": " : "",
            why);
    return false;
}

void cli_session_complain(const char *method, const char *path, unsigned status, struct slice text)
{
    static uint8_t memory[1U << 16];
    struct arena arena;
    struct codec_json object;
    struct err_place place;
    struct slice message = text;
    arena_init(&arena, memory, sizeof(memory));
    if (codec_json_parse(&arena, slice_sub(text, 0, 4096), false, &object, &place) == ERR_OK &&
        codec_json_is(object, CODEC_JSON_OBJECT)) {
        const struct codec_json member = codec_json_get(object, "message");
        (void)!(codec_json_exists(member) && codec_json_string(member, &message));
    }
    message = slice_sub(message, 0, 500);
    fprintf(stderr, "motehub: %s %s: %u %.*s\n", method, path, status, SLICE_ARGS(message));
}

bool cli_session_ask(struct cli_session *session, const char *method, const char *path,
                     struct slice body, struct slice *text)
{
    unsigned status = 0;
    if (!cli_session_try(session, method, path, body, &status, text)) {
        return false;
    }
    if (status / 100 != 2) {
        cli_session_complain(method, path, status, *text);
        return false;
    }
    return true;
}

bool cli_session_parse(struct cli_session *session, struct slice text, struct codec_json *value)
{
    struct err_place place = {NULL, 0};
    if (codec_json_parse(&session->memory, text, false, value, &place) == ERR_OK) {
        return true;
    }
    return fail("the answer is no JSON", place.reason != NULL ? place.reason : "it is too large");
}

bool cli_session_expect(struct codec_json value, enum codec_json_type type, const char *what)
{
    return codec_json_is(value, type) ||
           fail("the answer is of another shape than this program knows", what);
}

static void put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.ptr[i];
        const bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                              (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_' ||
                              byte == '.' || byte == '~' || byte == ',';
        if (is_plain) {
            buf_put_u8(out, byte);
        } else {
            buf_put_format(out, "%%%02X", (unsigned)byte);
        }
    }
}

const char *cli_session_path(struct cli_session *session, const char *form,
                             const struct slice *parts, unsigned count)
{
    char *memory = arena_take(&session->memory, HTTP_CLIENT_PATH_MAX);
    unsigned next = 0;
    if (memory == NULL) {
        return "/";
    }
    struct buf out = buf_over(memory, HTTP_CLIENT_PATH_MAX - 1);
    for (; *form != 0; form++) {
        if (form[0] == '%' && form[1] == 's') {
            ASSERT(next < count);
            put_escaped(&out, parts[next++]);
            form++;
        } else {
            buf_put_u8(&out, (uint8_t)*form);
        }
    }
    memory[out.len] = 0;
    return memory;
}

static bool has_id_form(struct slice text)
{
    if (text.len != 36) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char *among = is_dash ? "-" : "0123456789abcdefABCDEF";
        if (text.ptr[i] == 0 || strchr(among, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

bool cli_session_device(struct cli_session *session, const char *device, struct slice *id)
{
    const struct slice name = slice_text(device);
    struct slice text;
    struct codec_json object;
    unsigned status = 0;
    if (has_id_form(name)) {
        *id = name;
        return true;
    }
    const char *path = cli_session_path(session, "/api/tenant/devices?deviceName=%s", &name, 1);
    if (!cli_session_try(session, "GET", path, SLICE_EMPTY, &status, &text)) {
        return false;
    }
    if (status == 404) {
        return fail(device, "there is no device of this name or id");
    }
    if (status != 200) {
        cli_session_complain("GET", path, status, text);
        return false;
    }
    if (!cli_session_parse(session, text, &object)) {
        return false;
    }
    *id = cli_read_text(cli_read_member(object, "id"), "id");
    return id->len > 0 || fail(device, "the answer names no id");
}

static bool read_password(const struct cli_options *options, char password[PASSWORD_MAX])
{
    const char *given = getenv("MOTEHUB_PASSWORD");
    if (options->password_file == NULL) {
        if (given == NULL || strlen(given) >= PASSWORD_MAX) {
            return fail("log in", "set MOTEHUB_USER, and MOTEHUB_PASSWORD or --password-file FILE");
        }
        memcpy(password, given, strlen(given) + 1);
        return true;
    }
    FILE *file = fopen(options->password_file, "r");
    if (file == NULL || fgets(password, PASSWORD_MAX, file) == NULL) {
        if (file != NULL) {
            (void)fclose(file);
        }
        return fail(options->password_file, "no password can be read there");
    }
    (void)fclose(file);
    password[strcspn(password, "\r\n")] = 0;
    return true;
}

static bool keep_token(struct cli_session *session, struct slice text)
{
    struct codec_json object;
    struct slice token;
    if (!cli_session_parse(session, text, &object) ||
        !codec_json_string(cli_read_member(object, "token"), &token) ||
        token.len >= sizeof(session->token)) {
        return fail("log in", "the server gave no token");
    }
    memcpy(session->token, token.ptr, token.len);
    session->token[token.len] = 0;
    return true;
}

static bool log_in(struct cli_session *session)
{
    char password[PASSWORD_MAX];
    char memory[4 * PASSWORD_MAX];
    unsigned status = 0;
    struct slice text;
    const char *user = getenv("MOTEHUB_USER");
    if (!read_password(session->options, password)) {
        return false;
    }
    if (user == NULL || strlen(user) >= PASSWORD_MAX) {
        return fail("log in", "set MOTEHUB_USER, and MOTEHUB_PASSWORD or --password-file FILE");
    }
    struct buf body = buf_over(memory, sizeof(memory));
    struct codec_json_writer writer = codec_json_writer_over(&body);
    codec_json_begin_object(&writer);
    codec_json_field_string(&writer, "username", slice_text(user));
    codec_json_field_string(&writer, "password", slice_text(password));
    codec_json_end_object(&writer);
    if (body.overflow) {
        return fail("log in", "the user or the password is too long");
    }
    if (!cli_session_try(session, "POST", "/api/auth/login", buf_view(&body), &status, &text)) {
        return false;
    }
    if (status != 200) {
        cli_session_complain("log in as", user, status, text);
        return false;
    }
    return keep_token(session, text);
}

bool cli_session_open(struct cli_session *session, const struct cli_options *options)
{
    const char *url = options->url != NULL ? options->url : getenv("MOTEHUB_URL");
    *session = (struct cli_session){.options = options, .deadline = span_s(30)};
    url = url != NULL ? url : CLI_URL;
    if (http_client_parse(url, &session->place) != ERR_OK) {
        return fail(url, "not of the form http://host:port");
    }
    void *memory = malloc(MEMORY_SIZE);
    if (memory == NULL) {
        return fail("start", "no memory");
    }
    arena_init(&session->memory, memory, MEMORY_SIZE);
    if (!log_in(session)) {
        cli_session_close(session);
        return false;
    }
    return true;
}

void cli_session_close(struct cli_session *session)
{
    free(session->memory.memory);
    session->memory = (struct arena){0};
}
