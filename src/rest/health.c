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
    if (!call->rest->ready(call->rest->ready_context)) {
        call->response->status = 503;
        return say(call, "not ready: the server is stopping or cannot store readings\n");
    }
    return say(call, "ok\n");
}
