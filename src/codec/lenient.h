// codec/lenient.h: the JSON dialect that devices may send (device-api.md 2.1), rewritten into
// strict JSON, so that one parser reads both.
//
//   accepted                                   becomes
//   {a:1}  {'a':'b'}  {1:2}                    names and texts without quotes or with single ones
//   {"a"=1;"b"=>2}                             ':' and ','
//   // line, # line, /* block */ comments      nothing
//   UTF-8 byte order mark, `)]}'` and newline  nothing, at the start only
//   [1,,2]  [1,]                               null where an element is missing
//   TRUE, Null                                 the keyword
//   NaN, hello, 01, +5, .5, 0x10               a string of the same characters
//   control characters inside texts            escapes
//   malformed UTF-8, lone surrogates           U+FFFD
//   nothing, or blanks only                    null
//
// What is strict already comes out with the same meaning. `{"a":1,}`, unknown escapes, anything
// after the document and nesting above CODEC_JSON_DEPTH_MAX are errors.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

// ERR_SYNTAX with the place in `text`; ERR_EXHAUSTED when `out` is full.
MUST_USE enum err codec_lenient_normalise(struct slice text, struct buf *out,
                                          struct err_place *place);

// Where in `text` stands what the normaliser wrote at `offset`: the start of the token. `scratch`
// has room for `offset` bytes. For error messages: it normalises once more.
size_t codec_lenient_origin(struct slice text, size_t offset, void *scratch);

// The text with U+FFFD in place of malformed UTF-8. Overflow is in the buffer.
void codec_lenient_repair(struct slice text, struct buf *out);
