// cli/session.h: a person at a terminal, logged in at a server: requests, and answers as JSON.
//
// Where and who: --url or MOTEHUB_URL, MOTEHUB_USER, and MOTEHUB_PASSWORD or --password-file; never
// a password on the command line, where others see it. What fails is said on standard error.
#pragma once

#include "codec/json.h"
#include "http/client.h"

#define CLI_URL "http://127.0.0.1:8080"
#define CLI_WORDS_MAX 64U

// Exit codes.
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
};

struct cli_options {
    bool as_json;
    bool is_oneway;
    bool follows;
    const char *scope; // NULL: shared
    const char *timeout;
    const char *limit;
    const char *url;
    const char *password_file;
    const char *words[CLI_WORDS_MAX];
    unsigned word_count;
};

struct cli_session {
    const struct cli_options *options;
    struct http_client_place place;
    struct arena memory;
    char token[4096];
    struct span deadline; // of a request: 30 s
};

// False: said why.
MUST_USE bool cli_session_open(struct cli_session *session, const struct cli_options *options);
void cli_session_close(struct cli_session *session);

// A request, its body as JSON or empty. False, and said why, unless the status is 2xx. `text` lives
// until the memory is rewound.
MUST_USE bool cli_session_ask(struct cli_session *session, const char *method, const char *path,
                              struct slice body, struct slice *text);
// The same with the answer's status, which the caller judges; 0 and false when there is none.
MUST_USE bool cli_session_try(struct cli_session *session, const char *method, const char *path,
                              struct slice body, unsigned *status, struct slice *text);
// Says what the server answered instead.
void cli_session_complain(const char *method, const char *path, unsigned status, struct slice text);
// Reads an answer; false: said why.
MUST_USE bool cli_session_parse(struct cli_session *session, struct slice text,
                                struct codec_json *value);
// Whether a value is of the type that it must be to be understood; false: said `what` is not so, as
// in "'data' is no array".
MUST_USE bool cli_session_expect(struct codec_json value, enum codec_json_type type,
                                 const char *what);
// A path with its parts escaped: "%s" in the form takes the next of `parts`.
const char *cli_session_path(struct cli_session *session, const char *form,
                             const struct slice *parts, unsigned count);
// The device by its name or id. False: said why.
MUST_USE bool cli_session_device(struct cli_session *session, const char *device, struct slice *id);
