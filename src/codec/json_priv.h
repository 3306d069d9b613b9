// codec/json_priv.h: a document with what is needed to say where in the text a value stands.
#pragma once

#include "codec/json.h"

struct codec_json_document {
    struct codec_json root;
    struct slice original; // as it came
    struct slice strict;   // what was parsed: `original`, or its normal form in the arena
};

// As codec_json_parse.
MUST_USE enum err codec_json_read(struct arena *arena, struct slice text, bool lenient,
                                  struct codec_json_document *document, struct err_place *place);

// The byte offset of a value of the document in the original text. Reads the text again, so it is
// for error messages. The arena gives scratch memory; without any left the answer is 0.
size_t codec_json_offset(const struct codec_json_document *document, struct arena *arena,
                         struct codec_json value);
