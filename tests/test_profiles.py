"""Device profiles by REST: what is kept, what is refused and why (server-api.md 2.3)."""

import itertools
import os

import pytest

import shapes
from raw_coap import POST, RawClient
from rest_client import Rest
from shapes import check

_numbers = itertools.count()

COAP = {
    "configuration": {"type": "DEFAULT"},
    "transportConfiguration": {
        "type": "COAP",
        "coapDeviceTypeConfiguration": {
            "coapDeviceType": "DEFAULT",
            "transportPayloadTypeConfiguration": {"transportPayloadType": "JSON"}},
        "clientSettings": {"powerMode": "PSM", "psmActivityTimer": 7000, "edrxCycle": None,
                           "pagingTransmissionWindow": None}},
    "provisionConfiguration": {"type": "ALLOW_CREATE_NEW_DEVICES",
                               "provisionDeviceSecret": "secret"},
    "alarms": None,
}


def name():
    return f"profile {os.getpid()}-{next(_numbers)}"


def full(**more):
    return {"name": name(), "description": "for meters", "type": "DEFAULT",
            "transportType": "COAP", "provisionType": "ALLOW_CREATE_NEW_DEVICES",
            "provisionDeviceKey": name(), "profileData": COAP, **more}


def save(rest, profile):
    return rest.call("POST", "/api/deviceProfile", profile)


def refused(rest, profile, status=400, code=31):
    answer = save(rest, profile)
    error = answer.json()
    assert (answer.status, error["errorCode"]) == (status, code), error
    return error["message"]


def place(profile):
    return f"/api/deviceProfile/{profile['id']['id']}"


def test_a_profile_is_kept_as_it_was_given(rest):
    given = full()
    made = rest.post("/api/deviceProfile", given)
    assert {key: made[key] for key in given} == given
    assert (made["default"], made["version"], made["image"]) == (False, 1, None)
    assert rest.get(place(made)) == made
    listed = rest.get("/api/deviceProfiles", pageSize=10, page=0, textSearch=given["name"])
    assert listed["data"] == [made]


@pytest.mark.parametrize("transport", ["DEFAULT", "COAP"])
def test_a_name_and_a_transport_are_enough(rest, transport):
    made = rest.post("/api/deviceProfile", {"name": name(), "transportType": transport})
    check(rest.get("/api/deviceProfileInfo/" + made["id"]["id"]), shapes.PROFILE_INFO)
    assert made["profileData"]["transportConfiguration"]["type"] == transport
    assert made["provisionType"] == "DISABLED"


def test_a_profile_is_changed_unless_somebody_else_was_faster(rest):
    made = rest.post("/api/deviceProfile", full())
    changed = rest.post("/api/deviceProfile", {**made, "description": "other"})
    assert changed == {**made, "description": "other", "version": 2}
    assert "changed meanwhile" in refused(rest, made, 409, 35)
    free = {key: value for key, value in made.items() if key != "version"}
    assert rest.post("/api/deviceProfile", free)["version"] == 3


def put(**path):
    """A full profile with one thing changed: "a.b" names a member of a member."""
    profile = full()
    for where, value in path.items():
        *parents, last = where.split("__")
        here = profile
        for parent in parents:
            here[parent] = dict(here[parent])
            here = here[parent]
        here[last] = value
    return profile


TRANSPORT = "profileData__transportConfiguration"
TYPE = TRANSPORT + "__coapDeviceTypeConfiguration"


@pytest.mark.parametrize("change,reason", [
    ({"name": ""}, "Device profile name"),
    ({"name": "<script>x</script>"}, "Device profile name"),
    ({"transportType": None}, "'transportType' should be specified"),
    ({"transportType": "MQTT"}, "'transportType' MQTT is not supported"),
    ({"transportType": "LWM2M"}, "'transportType' LWM2M is not supported"),
    ({"type": "OTHER"}, "'type' OTHER is not supported"),
    ({"profileData": 5}, "'profileData' must be an object"),
    ({TRANSPORT: None}, "transportConfiguration' must be an object"),
    ({TRANSPORT + "__type": "DEFAULT"}, "is not the transport type COAP"),
    ({TYPE + "__coapDeviceType": "EFENTO"}, "'coapDeviceType' EFENTO is not supported"),
    ({TYPE + "__transportPayloadTypeConfiguration": {"transportPayloadType": "PROTOBUF"}},
     "'transportPayloadType' PROTOBUF is not supported"),
    ({"provisionType": "X509_CERTIFICATE_CHAIN"}, "'provisionType' X509_CERTIFICATE_CHAIN"),
    ({"provisionType": "DISABLED"}, "'provisionConfiguration' is not"),
    ({"profileData": None}, "'provisionConfiguration' is not"),
    ({"profileData__provisionConfiguration": "DISABLED"}, "'provisionConfiguration' must be an"),
    ({TYPE: "EFENTO"}, "'coapDeviceTypeConfiguration' must be an object"),
    ({TYPE + "__transportPayloadTypeConfiguration": "PROTOBUF"},
     "'transportPayloadTypeConfiguration' must be an object"),
    ({TRANSPORT + "__clientSettings": "PSM"}, "'clientSettings' must be an object"),
    ({TRANSPORT + "__clientSettings__powerMode": "OFF"}, "'powerMode' OFF is not supported"),
    ({TRANSPORT + "__clientSettings__powerMode": ["x" * 3000]}, "'powerMode' must be a text"),
    ({TRANSPORT + "__clientSettings__edrxCycle": "long"}, "'edrxCycle' must be a whole number"),
    ({"default": True}, "Another default device profile"),
    ({"defaultRuleChainId": {"id": "784f394c-42b6-11ef-983c-b7beff2784f9"}},
     "'defaultRuleChainId' is not supported"),
    ({"firmwareId": {"id": "784f394c-42b6-11ef-983c-b7beff2784f9"}}, "'firmwareId'"),
    ({"version": "x"}, "'version' must be a whole number"),
])
def test_what_is_not_served_is_refused_by_name(rest, change, reason):
    assert reason in refused(rest, put(**change))


def test_names_and_provision_keys_are_taken_once(rest):
    made = rest.post("/api/deviceProfile", full())
    assert "such name already exists" in refused(rest, full(name=made["name"]))
    assert "such provision device key already exists" in refused(
        rest, full(provisionDeviceKey=made["provisionDeviceKey"]))
    other = rest.post("/api/deviceProfile", full())
    assert "such name already exists" in refused(rest, {**other, "name": made["name"]})


def test_the_default_moves_and_stays_one(rest):
    before = rest.get("/api/deviceProfileInfo/default")["id"]["id"]
    made = rest.post("/api/deviceProfile", full())
    now = rest.post(place(made) + "/default", {})
    assert now["default"] is True
    try:
        page = rest.get("/api/deviceProfiles", pageSize=100, page=0)
        assert [one["id"] for one in page["data"] if one["default"]] == [made["id"]]
        device = rest.post("/api/device", {"name": name()})
        assert device["type"] == made["name"]
        # It stays the default whatever a save says.
        assert rest.post("/api/deviceProfile", {**now, "default": False})["default"] is True
        answer = rest.call("DELETE", place(made))
        assert (answer.status, answer.json()["message"]) == (
            400, "Deletion of Default Device Profile is prohibited!")
    finally:
        rest.post(f"/api/deviceProfile/{before}/default", {})


def test_one_that_devices_have_stays_and_keeps_its_transport(rest, server):
    made = rest.post("/api/deviceProfile", full())
    token = name().replace(" ", "-")
    device = rest.call("POST", f"/api/device?accessToken={token}",
                       {"name": name(), "deviceProfileId": made["id"]}).json()
    with RawClient(server.coap_port) as client:
        assert client.request(POST, f"/api/v1/{token}/telemetry", "{}").status == "2.01"
    assert "referenced by the devices" in rest.call("DELETE", place(made)).json()["message"]
    other = {**made, "transportType": "DEFAULT",
             "profileData": {**COAP, "transportConfiguration": {"type": "DEFAULT"}}}
    assert "Can't change device profile transport type" in refused(rest, other)
    renamed = rest.post("/api/deviceProfile", {**made, "name": name()})
    assert rest.get(f"/api/device/{device['id']['id']}")["type"] == renamed["name"]
    assert rest.call("DELETE", f"/api/device/{device['id']['id']}").status == 200
    assert rest.call("DELETE", place(made)).status == 200
    assert rest.call("GET", place(made)).status == 404


def test_what_is_not_there_is_not_found(rest):
    nobody = "784f394c-42b6-11ef-983c-b7beff2784f9"
    for method, path in (("DELETE", ""), ("POST", "/default")):
        answer = rest.call(method, f"/api/deviceProfile/{nobody}{path}")
        assert (answer.status, answer.json()["errorCode"]) == (404, 32)
    refused(rest, full(id={"id": nobody}), 404, 32)


def test_only_tenant_administrators_write(rest, server):
    made = rest.post("/api/deviceProfile", full())
    other = Rest(server.http_port).log_in("sysadmin@thingsboard.org", "sysadmin")
    refused(other, full(), 403, 20)
    for method, path in (("DELETE", ""), ("POST", "/default")):
        assert other.call(method, place(made) + path).status == 403
