#include "model/entity.h"

static const char *const transports[] = {"DEFAULT", "COAP", "MQTT", "LWM2M", "SNMP"};
static const char *const credentials[] = {"ACCESS_TOKEN", "X509_CERTIFICATE", "MQTT_BASIC",
                                          "LWM2M_CREDENTIALS"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *model_transport_name(enum model_transport transport)
{
    ASSERT((unsigned)transport < COUNT(transports));
    return transports[transport];
}

const char *model_credential_name(enum model_credential_kind kind)
{
    ASSERT((unsigned)kind < COUNT(credentials));
    return credentials[kind];
}

const char *model_authority_name(enum model_authority authority)
{
    switch (authority) {
    case MODEL_SYS_ADMIN:
        return "SYS_ADMIN";
    case MODEL_TENANT_ADMIN:
        return "TENANT_ADMIN";
    case MODEL_CUSTOMER_USER:
        return "CUSTOMER_USER";
    }
    return "";
}

static bool position_of(const char *const *names, unsigned count, struct slice name,
                        unsigned *position)
{
    for (unsigned i = 0; i < count; i++) {
        if (slice_equal(name, slice_text(names[i]))) {
            *position = i;
            return true;
        }
    }
    return false;
}

bool model_transport_parse(struct slice name, enum model_transport *transport)
{
    unsigned position = 0;
    if (!position_of(transports, COUNT(transports), name, &position)) {
        return false;
    }
    *transport = (enum model_transport)position;
    return true;
}

bool model_credential_parse(struct slice name, enum model_credential_kind *kind)
{
    unsigned position = 0;
    if (!position_of(credentials, COUNT(credentials), name, &position)) {
        return false;
    }
    *kind = (enum model_credential_kind)position;
    return true;
}
