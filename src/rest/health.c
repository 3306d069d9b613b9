#include "rest/handlers.h"

static enum err say(struct rest_call *call, const char *text)
{
    call->response->content_type = "text/plain";
    buf_put_text(&call->response->body, text);
    return ERR_OK;
}

enum err rest_health_live(struct rest_call *call)
{
    return say(call, "ok\n");
}

enum err rest_health_ready(struct rest_call *call)
{
    if (!call->rest->ready(call->rest->context)) {
        call->response->status = 503;
        return say(call, "not ready: the server is stopping or cannot store readings\n");
    }
    return say(call, "ok\n");
}

enum err rest_health_metrics(struct rest_call *call)
{
    const enum rest_metrics_access access = call->rest->settings.metrics_access;
    if (access == REST_METRICS_OFF) {
        return ERR_NOT_FOUND;
    }
    if (access == REST_METRICS_LOOPBACK && !address_is_loopback(&call->request->remote)) {
        return rest_call_refuse(call, ERR_FORBIDDEN,
                                "Figures are given to this machine only: see metrics.access");
    }
    call->response->content_type = "text/plain; version=0.0.4";
    call->rest->metrics(call->rest->context, &call->response->body);
    return ERR_OK;
}
