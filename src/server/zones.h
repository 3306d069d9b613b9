// server/zones.h: time zones from the tz database of the machine (package tzdata).
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

// The bytes of the zone, in `memory`. The name is of letters, digits, '_', '+', '-' and '/' and
// does not lead out of the database. ERR_NOT_FOUND, ERR_EXHAUSTED.
MUST_USE enum err server_zones_read(struct arena *memory, struct slice name, struct slice *bytes);
