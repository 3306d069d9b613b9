// cli/read.h: members of the server's answers, with a nothing for what is not there or is of
// another type.
#pragma once

#include "codec/json.h"

// `inner == NULL` also when it is no object.
struct codec_json cli_read_member(struct codec_json object, const char *name);
struct slice cli_read_text(struct codec_json object, const char *name);
int64_t cli_read_number(struct codec_json object, const char *name);
bool cli_read_truth(struct codec_json object, const char *name);
// A word of the command line as JSON: itself if it is some, else as a text.
void cli_read_word(struct arena *memory, struct slice word, struct codec_json_writer *writer);
