// core/visit_priv.h: visits (core/visit.h) as the shard sees them, for the files that make it up.
#pragma once

#include "core/flight_priv.h"
#include "core/visit.h"

void core_visit_order(const struct core_reach *reach, struct core_order *order);
// Whoever waited has gone.
void core_visit_gone(const struct core_reach *reach, uint64_t number);
MUST_USE bool core_visit_waits(const struct core_reach *reach, enum core_resource resource);
// Ends the one that waits for it; the outcome comes under the ticket.
void core_visit_give(const struct core_reach *reach, enum core_resource resource, uint64_t ticket,
                     struct slice body);
void core_visit_expire(const struct core_reach *reach);
void core_visit_end_all(const struct core_reach *reach, enum err err);
