#include "core/event.h"

#include "base/assert.h"

// Requests of devices over CoAP and HTTP have no number of their own.
#define REQUEST_ID "0"

const char *core_event_type(enum core_event_kind kind)
{
    switch (kind) {
    case CORE_EVENT_TELEMETRY:
        return "POST_TELEMETRY_REQUEST";
    case CORE_EVENT_CALL:
        return "TO_SERVER_RPC_REQUEST";
    case CORE_EVENT_CONNECT:
        return "CONNECT_EVENT";
    case CORE_EVENT_DISCONNECT:
        return "DISCONNECT_EVENT";
    case CORE_EVENT_ACTIVITY:
        return "ACTIVITY_EVENT";
    case CORE_EVENT_INACTIVITY:
        return "INACTIVITY_EVENT";
    }
    return "";
}

struct emitter {
    void *context;
    core_metadata_fn *emit;
};

static void put_time(const struct emitter *to, int64_t ms)
{
    char text[24];
    struct buf out = buf_over(text, sizeof(text));
    buf_put_format(&out, "%lld", (long long)ms);
    to->emit(to->context, "ts", buf_view(&out));
}

// 48 bits of the place, the version and the kind, 64 bits of the name around the variant.
static struct uuid session_of(const struct core_asker *asker)
{
    struct uuid session;
    for (unsigned i = 0; i < 6; i++) {
        session.bytes[i] = (uint8_t)(asker->place >> (40 - 8 * i));
    }
    session.bytes[6] = (uint8_t)(0x80U | asker->kind);
    session.bytes[7] = (uint8_t)(asker->name >> 56);
    session.bytes[8] = 0x80;
    for (unsigned i = 0; i < 7; i++) {
        session.bytes[9 + i] = (uint8_t)(asker->name >> (48 - 8 * i));
    }
    return session;
}

static void put_call(const struct emitter *to, const struct core_asker *asker)
{
    char text[UUID_TEXT_SIZE];
    const struct uuid session = session_of(asker);
    to->emit(to->context, "requestId", SLICE(REQUEST_ID));
    to->emit(to->context, "serviceId", SLICE(CORE_SERVICE_ID));
    to->emit(to->context, "sessionId", slice_text(uuid_format(&session, text)));
}

void core_event_metadata(const struct core_event *event, const struct core_event_names *names,
                         void *context, core_metadata_fn *emit)
{
    const struct emitter to = {context, emit};
    emit(context, "deviceName", names->name);
    emit(context, "deviceType", names->type);
    switch (event->kind) {
    case CORE_EVENT_TELEMETRY:
        put_time(&to, event->reading->has_time ? event->reading->time_ms : event->at.ms);
        return;
    case CORE_EVENT_CALL:
        put_call(&to, &event->call->asker);
        return;
    case CORE_EVENT_CONNECT:
    case CORE_EVENT_DISCONNECT:
    case CORE_EVENT_ACTIVITY:
    case CORE_EVENT_INACTIVITY:
        emit(context, "deviceLabel", names->label);
        emit(context, "scope", SLICE("SERVER_SCOPE"));
        put_time(&to, event->at.ms);
        return;
    }
    ASSERT(false);
}
