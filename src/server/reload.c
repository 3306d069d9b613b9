#include "server/reload.h"

#include "base/log.h"

#define NAMES_SIZE 4096U

static void log_changes(const struct server_reload *reload, const struct conf *fresh)
{
    char changed_names[NAMES_SIZE];
    char waiting_names[NAMES_SIZE];
    struct buf changed = buf_over(changed_names, sizeof(changed_names));
    struct buf waiting = buf_over(waiting_names, sizeof(waiting_names));
    conf_write_changed(reload->last != NULL ? reload->last : reload->started, fresh, true,
                       &changed);
    // What runs is what was read at the start.
    conf_write_changed(reload->started, fresh, false, &waiting);
    LOG(LOG_INFO, "config.reloaded",
        LOG_SLICE("changed", changed.len > 0 ? buf_view(&changed) : SLICE("nothing")));
    if (waiting.len > 0) {
        LOG(LOG_WARN, "config.needs-restart", LOG_SLICE("keys", buf_view(&waiting)));
    }
}

void server_reload(struct server_reload *reload)
{
    static struct server_settings settings;
    char text[SETTINGS_MESSAGE_SIZE];
    struct buf message = buf_over(text, sizeof(text));
    struct conf *fresh = NULL;
    enum err err = conf_create(&fresh);
    if (err == ERR_OK) {
        err = server_settings_read(reload->options, fresh, &settings, &message);
    }
    if (err != ERR_OK) {
        LOG(LOG_WARN, "config.refused",
            LOG_SLICE("reason", message.len > 0 ? buf_view(&message) : slice_text(err_text(err))));
        conf_destroy(fresh);
        return;
    }
    log_set_level(settings.log_level);
    server_settings_warn(buf_view(&message));
    log_changes(reload, fresh);
    conf_destroy(reload->last);
    reload->last = fresh;
}

void server_reload_end(struct server_reload *reload)
{
    conf_destroy(reload->last);
    reload->last = NULL;
}
