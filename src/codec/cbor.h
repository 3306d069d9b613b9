// codec/cbor.h: CBOR (RFC 8949) out of JSON documents.
//
// Numbers are read as codec/number.h says: integers, doubles, and what is neither as its digits.
// Objects, arrays and texts have their length in front; members stand in the order of the document.
#pragma once

#include "codec/json.h"

#define CODEC_CBOR_DEPTH_MAX 64U

// False if it is nested deeper than CODEC_CBOR_DEPTH_MAX or a number cannot be read. Overflow is in
// the buffer.
MUST_USE bool codec_cbor_write(struct arena *arena, struct codec_json value, struct buf *out);
