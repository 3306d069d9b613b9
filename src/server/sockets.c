#include "server/sockets.h"

#include "base/log.h"

static enum err open_group(const struct server_settings *settings, const struct address *bind,
                           struct server_worker_plan *plans)
{
    struct plat_udp_options options = {
        .bind = *bind,
        .group_size = settings->workers,
        .receive_bytes = settings->receive_bytes,
        .tells_unreachable = true,
    };
    for (unsigned w = 0; w < settings->workers; w++) {
        struct server_worker_plan *plan = &plans[w];
        options.group_first = w == 0;
        const enum err err = plat_udp_open(&plan->sockets[plan->socket_count], &options);
        if (err != ERR_OK) {
            return err;
        }
        plan->socket_count++;
        // Port 0 takes a free one; the rest of the group shares it.
        options.bind.port = plat_udp_local(plan->sockets[plan->socket_count - 1]).port;
    }
    return ERR_OK;
}

static void warn_small_buffer(const struct server_settings *settings,
                              const struct server_worker_plan *plans)
{
    if (plans[0].socket_count == 0) {
        return;
    }
    const uint32_t granted = plat_udp_receive_bytes(plans[0].sockets[0]);
    if (granted < settings->receive_bytes) {
        LOG(LOG_WARN, "coap.small-receive-buffer", LOG_INT("wanted", settings->receive_bytes),
            LOG_INT("granted", granted), LOG_TEXT("remedy", "raise the sysctl net.core.rmem_max"));
    }
}

enum err server_sockets_open(const struct server_settings *settings,
                             struct server_worker_plan *plans, struct buf *message)
{
    for (unsigned i = 0; settings->coap_enabled && i < settings->coap_bind_count; i++) {
        const struct address *bind = &settings->coap_bind[i];
        char text[ADDRESS_TEXT_SIZE];
        const enum err err = open_group(settings, bind, plans);
        if (err == ERR_OK) {
            continue;
        }
        const bool lacks_family = err == ERR_INVALID || err == ERR_UNSUPPORTED;
        if (lacks_family && settings->coap_bind_is_default && !address_is_ipv4(bind)) {
            LOG(LOG_WARN, "coap.no-ipv6", LOG_TEXT("left-out", address_format(bind, text)));
            continue;
        }
        buf_put_format(message, "cannot bind CoAP to %s: %s", address_format(bind, text),
                       err == ERR_IN_USE ? "the port is taken" : err_text(err));
        return err;
    }
    warn_small_buffer(settings, plans);
    return ERR_OK;
}

void server_sockets_close(const struct server_settings *settings, struct server_worker_plan *plans)
{
    for (unsigned w = 0; w < settings->workers; w++) {
        for (unsigned i = 0; i < plans[w].socket_count; i++) {
            plat_udp_close(plans[w].sockets[i]);
        }
        plans[w].socket_count = 0;
    }
}
