// server/serve.h: the whole server: opens the data directory, wires the parts, runs until it is
// told to stop, and takes it all down in order.
#pragma once

#include "server/settings.h"

// Returns the exit code. Every failure at start is one clear line on standard error.
// `options` and `conf` are those that the settings were read from; for reloading. `warning` is what
// that reading warned of, for the log.
int server_serve(const struct server_settings *settings, const struct server_options *options,
                 const struct conf *conf, struct slice warning);
