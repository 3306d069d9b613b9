#include "api/telemetry.h"

#include "api/limit.h"
#include "api/payload.h"
#include "core/feed.h"

enum api_outcome api_telemetry_post(const struct api_call *call, struct coap_reply *reply)
{
    struct err_place place = {NULL, 0};
    struct model_readings readings;
    enum err err = api_payload_read(call, API_PAYLOAD_TELEMETRY, &readings, &place);
    if (err != ERR_OK) {
        return api_refuse_at(call, err, &place, reply);
    }
    if (!api_limit_admit(call, api_limit_publish(readings.point_count), reply)) {
        return API_REPLIED;
    }
    enum core_step step = CORE_DONE;
    err = core_telemetry_save(&call->api->core, &call->principal, &readings, call->now.wall,
                              &call->origin->trace, api_ticket(call->request->exchange), &step);
    if (step == CORE_PENDING) {
        api_watch_completion(call, CORE_FEED_SERIES);
    }
    return api_stored(call, err, step, reply);
}
