// server/reload.h: SIGHUP: the configuration is read again. Keys that may be reloaded take effect;
// others that differ from what runs are named in one warning; a configuration that is wrong changes
// nothing.
#pragma once

#include "server/settings.h"

struct server_reload {
    const struct server_options *options; // those of the start
    const struct conf *started;           // what runs, but for the keys that may be reloaded
    struct conf *last;                    // as of the last reload, owned; NULL: there was none
};

// Logs which reloadable keys changed since the last reload, and which others wait for a restart.
void server_reload(struct server_reload *reload);
void server_reload_end(struct server_reload *reload);
