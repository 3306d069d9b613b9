// coap/answers.h: bytes of answers kept by key, for repeats and for further blocks. A ring of bytes
// in which the newest overwrite the oldest, found through an index with four places per key hash.
//
// Bounds: `bytes_max` bytes; an answer may have half of them. What was overwritten is not found any
// more, nor is the oldest of five whose keys share their places. One worker owns it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/slice.h"

struct coap_answers;

size_t coap_answers_footprint(uint32_t bytes_max);
// `memory` is zeroed, aligned to 64, and outlives it.
struct coap_answers *coap_answers_init(void *memory, uint32_t bytes_max);

// False if it is too long. An older answer under the same key is replaced. `tail` follows `head`.
MUST_USE bool coap_answers_keep(struct coap_answers *answers, uint64_t key, struct slice head,
                                struct slice tail);
// It is not found any more. Nothing if it is not there.
void coap_answers_forget(struct coap_answers *answers, uint64_t key);
// Bytes that hold an answer.
uint32_t coap_answers_used(const struct coap_answers *answers);
// `ptr == NULL` if it is not there. Valid until the next keep.
struct slice coap_answers_find(const struct coap_answers *answers, uint64_t key);
