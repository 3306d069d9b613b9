// server/limits.h: the table of bounds: name, value, memory, owner, and what happens when it is
// full.
#pragma once

#include "base/buf.h"
#include "server/settings.h"

void server_limits_write(const struct server_settings *settings, struct buf *out);
