"""The response shapes of REST: every member by name and type, nothing more and nothing less."""

import re

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NULL_ID = "13814000-1dd2-11b2-8080-808080808080"

# A shape is a type, None for null, a tuple of alternatives, a list with the shape of each element,
# a set of allowed texts, a dict of members, or a function that asserts.


def uuid(value):
    assert isinstance(value, str) and UUID.fullmatch(value), value


def time_ms(value):
    assert type(value) is int and value > 1_500_000_000_000, value


def anything(_value):
    pass


def check(value, shape, place="$"):
    """Asserts that a value has a shape."""
    if isinstance(shape, tuple):
        errors = []
        for alternative in shape:
            try:
                return check(value, alternative, place)
            except AssertionError as error:
                errors.append(str(error))
        raise AssertionError("; ".join(errors))
    if shape is None:
        assert value is None, f"{place}: {value!r} is not null"
    elif isinstance(shape, dict):
        assert isinstance(value, dict), f"{place}: {value!r} is no object"
        assert set(value) == set(shape), (
            f"{place}: missing {sorted(set(shape) - set(value))}, "
            f"unknown {sorted(set(value) - set(shape))}")
        for name, member in shape.items():
            check(value[name], member, f"{place}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{place}: {value!r} is no array"
        for i, element in enumerate(value):
            check(element, shape[0], f"{place}[{i}]")
    elif isinstance(shape, (set, frozenset)):
        assert value in shape, f"{place}: {value!r} is none of {sorted(shape)}"
    elif isinstance(shape, type):
        assert type(value) is shape, f"{place}: {value!r} is no {shape.__name__}"
    else:
        shape(value)
    return None


def entity_id(kind):
    return {"entityType": {kind}, "id": uuid}


def page(of):
    return {"data": [of], "totalPages": int, "totalElements": int, "hasNext": bool}


TEXT = (str, None)
TRANSPORTS = {"DEFAULT", "MQTT", "COAP", "LWM2M", "SNMP"}
CONTACT = {name: TEXT for name in
           ("country", "state", "city", "address", "address2", "zip", "phone", "email")}

TOKENS = {"token": str, "refreshToken": str}
ERROR = {"status": int, "message": str, "errorCode": int, "timestamp": time_ms}
LIMIT = {**ERROR, "entityType": {"DEVICE", "CUSTOMER", "USER"}, "limit": int}

DEVICE = {
    "id": entity_id("DEVICE"), "createdTime": time_ms, "tenantId": entity_id("TENANT"),
    "customerId": entity_id("CUSTOMER"), "name": str, "type": str, "label": TEXT,
    "deviceProfileId": entity_id("DEVICE_PROFILE"), "firmwareId": None, "softwareId": None,
    "externalId": None, "version": int, "additionalInfo": anything,
    "deviceData": {"configuration": {"type": {"DEFAULT"}},
                   "transportConfiguration": {"type": TRANSPORTS}},
}
DEVICE_INFO = {**DEVICE, "customerTitle": TEXT, "customerIsPublic": bool,
               "deviceProfileName": str, "active": bool}
CREDENTIALS = {
    "id": {"id": uuid}, "createdTime": time_ms, "deviceId": entity_id("DEVICE"),
    "credentialsType": {"ACCESS_TOKEN"}, "credentialsId": str, "credentialsValue": None,
    "version": int,
}
CUSTOMER = {
    "id": entity_id("CUSTOMER"), "createdTime": time_ms, "title": str, "name": str,
    "tenantId": entity_id("TENANT"), "externalId": None, "version": int, **CONTACT,
    "additionalInfo": anything,
}
TENANT = {
    "id": entity_id("TENANT"), "createdTime": time_ms, "title": str, "name": str, "region": TEXT,
    "tenantProfileId": entity_id("TENANT_PROFILE"), "version": int, **CONTACT,
    "additionalInfo": anything,
}
TENANT_INFO = {**TENANT, "tenantProfileName": str}
TENANT_PROFILE = {
    "id": entity_id("TENANT_PROFILE"), "createdTime": time_ms, "name": str, "description": TEXT,
    "default": bool, "isolatedTbRuleEngine": bool, "profileData": dict,
}
TENANT_PROFILE_INFO = {"id": entity_id("TENANT_PROFILE"), "name": str}
USER = {
    "id": entity_id("USER"), "createdTime": time_ms, "tenantId": entity_id("TENANT"),
    "customerId": entity_id("CUSTOMER"), "email": str, "name": str,
    "authority": {"SYS_ADMIN", "TENANT_ADMIN", "CUSTOMER_USER"}, "firstName": TEXT,
    "lastName": TEXT, "phone": TEXT, "version": int, "additionalInfo": anything,
}
PROFILE = {
    "id": entity_id("DEVICE_PROFILE"), "createdTime": time_ms, "tenantId": entity_id("TENANT"),
    "name": str, "description": TEXT, "image": TEXT, "default": bool, "type": {"DEFAULT"},
    "transportType": TRANSPORTS, "provisionType": str, "defaultRuleChainId": None,
    "defaultDashboardId": None, "defaultQueueName": None, "provisionDeviceKey": TEXT,
    "firmwareId": None, "softwareId": None, "defaultEdgeRuleChainId": None, "externalId": None,
    "version": int,
    "profileData": {"configuration": {"type": {"DEFAULT"}},
                    "transportConfiguration": {"type": TRANSPORTS},
                    "provisionConfiguration": {"type": {"DISABLED"}, "provisionDeviceSecret": None},
                    "alarms": None},
}
PROFILE_INFO = {
    "id": entity_id("DEVICE_PROFILE"), "tenantId": entity_id("TENANT"), "name": str, "image": TEXT,
    "defaultDashboardId": None, "type": {"DEFAULT"}, "transportType": TRANSPORTS,
}
PROFILE_NAME = {"id": entity_id("DEVICE_PROFILE"), "name": str}
DEVICE_TYPE = {"tenantId": entity_id("TENANT"), "entityType": {"DEVICE"}, "type": str}
POINTS = [{"ts": int, "value": anything}]
