// coap/past.h: messages of before a restart, on their way into the table of messages (dedup.h).
//
// They come in the order of time, and the table is much larger than the caches of a processor. So a
// batch of them at a time is sorted by the part of the table that each goes to. Two messages with
// one key stay in their order.
#pragma once

#include "coap/dedup.h"

struct coap_past;

// For `batch` messages at a time; touched as used.
size_t coap_past_footprint(uint32_t batch);
// `memory` is zeroed, aligned to 64, and outlives it, as does `dedup`, which nobody used yet.
struct coap_past *coap_past_init(void *memory, uint32_t batch, struct coap_dedup *dedup,
                                 struct mono now);
// A message that was answered `age` ago with an empty answer of `code`. The oldest first.
void coap_past_put(struct coap_past *past, struct coap_dedup_key key, uint8_t code,
                   struct span age);
// Behind the last one; only then all of them are in the table.
void coap_past_end(struct coap_past *past);
