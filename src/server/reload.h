// server/reload.h: SIGHUP: the configuration is read again. Keys that may be reloaded take effect;
// others that changed are named in one warning; a configuration that is wrong changes nothing.
#pragma once

#include "server/settings.h"

// `options` and `started` are those of the start. What differs from it is named.
void server_reload(const struct server_options *options, const struct conf *started);
