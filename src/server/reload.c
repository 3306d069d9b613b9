#include "server/reload.h"

#include "base/log.h"

static void take(const struct conf *started, const struct conf *fresh,
                 const struct server_settings *settings)
{
    char text[1024];
    struct buf changed = buf_over(text, sizeof(text));
    struct buf waiting = buf_over(text + sizeof(text) / 2, sizeof(text) / 2);
    changed.cap = sizeof(text) / 2;
    conf_write_changed(started, fresh, true, &changed);
    conf_write_changed(started, fresh, false, &waiting);
    log_set_level(settings->log_level);
    LOG(LOG_INFO, "config.reloaded",
        LOG_SLICE("changed", changed.len > 0 ? buf_view(&changed) : SLICE("nothing")));
    if (waiting.len > 0) {
        LOG(LOG_WARN, "config.needs-restart", LOG_SLICE("keys", buf_view(&waiting)));
    }
}

void server_reload(const struct server_options *options, const struct conf *started)
{
    static struct server_settings settings;
    char text[1024];
    struct buf message = buf_over(text, sizeof(text));
    struct conf *fresh = NULL;
    enum err err = conf_create(&fresh);
    if (err == ERR_OK) {
        err = server_settings_read(options, fresh, &settings, &message);
    }
    if (err == ERR_OK) {
        take(started, fresh, &settings);
    } else {
        LOG(LOG_WARN, "config.refused",
            LOG_SLICE("reason", message.len > 0 ? buf_view(&message) : slice_text(err_text(err))));
    }
    if (fresh != NULL) {
        conf_destroy(fresh);
    }
}
