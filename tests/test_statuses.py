"""Answers that no other table brings: each route to what is not there, and each bound that many
routes share. That none is missing is checked at the end of a whole run (test_answers.py)."""

import uuid

import pytest

import openapi_check
from rest_client import SYSADMIN, TENANT, Rest
from server import Place

NOBODY = "b8e8f1a0-0000-11ef-8000-000000000000"
CALL = {"method": "m", "persistent": True, "timeout": 600000}


def of(kind):
    return {"entityType": kind, "id": NOBODY}


def telemetry(*features):
    return [f"/api/plugins/telemetry/DEVICE/{NOBODY}/{feature}" for feature in features]


CREDENTIALS = {"deviceId": of("DEVICE"), "credentialsType": "ACCESS_TOKEN",
               "credentialsId": "nobody"}

# Method, path, body; DEVICE at the end is a device that is there.
ABSENT = [
    ("POST", "/api/device", {"id": of("DEVICE"), "name": "nobody"}),
    ("POST", "/api/device-with-credentials",
     {"device": {"id": of("DEVICE"), "name": "nobody"}, "credentials": CREDENTIALS}),
    ("POST", "/api/device/credentials", {**CREDENTIALS, "id": of("DEVICE_CREDENTIALS")}),
    ("POST", f"/api/customer/{NOBODY}/device/DEVICE", None),
    ("DELETE", f"/api/customer/device/{NOBODY}", None),
    ("POST", "/api/customer", {"id": of("CUSTOMER"), "title": "nobody"}),
    ("DELETE", f"/api/customer/{NOBODY}", None),
    ("GET", "/api/tenant/customers?customerTitle=nobody", None),
    ("GET", f"/api/deviceProfileInfo/{NOBODY}", None),
    *(("GET", path, None) for path in telemetry(
        "keys/attributes", "keys/attributes/SERVER_SCOPE", "values/attributes",
        "values/attributes/SERVER_SCOPE", "values/timeseries/history?keys=a&startTs=0&endTs=1")),
    *(("POST", path, {"a": 1}) for path in telemetry(
        "SERVER_SCOPE", "attributes/SERVER_SCOPE", "timeseries/ANY", "timeseries/ANY/0")),
    *(("DELETE", path, None) for path in telemetry(
        "SERVER_SCOPE?keys=a", "timeseries/delete?keys=a&deleteAllDataForKeys=true")),
    ("POST", f"/api/plugins/telemetry/{NOBODY}/SERVER_SCOPE", {"a": 1}),
    ("DELETE", f"/api/plugins/telemetry/{NOBODY}/SERVER_SCOPE?keys=a", None),
    ("POST", f"/api/plugins/rpc/oneway/{NOBODY}", CALL),
    ("POST", f"/api/plugins/rpc/twoway/{NOBODY}", CALL),
    ("DELETE", f"/api/rpc/persistent/{NOBODY}", None),
    ("GET", f"/api/rpc/persistent/device/{NOBODY}?pageSize=1&page=0", None),
]


@pytest.mark.parametrize("method,path,body", ABSENT)
def test_what_is_not_there_is_404(rest, device, method, path, body):
    answer = rest.call(method, path.replace("/DEVICE", f"/{device.id}")
                       if path.endswith("/device/DEVICE") else path, body)
    assert answer.status == 404, answer


@pytest.mark.parametrize("method,path,body", [
    ("GET", f"/api/tenantProfileInfo/{NOBODY}", None),
    ("POST", "/api/tenant", {"id": of("TENANT"), "title": "nobody"})])
def test_what_is_not_there_is_404_for_the_system(server, method, path, body):
    answer = Rest(server.http_port).log_in(*SYSADMIN).call(method, path, body)
    assert answer.status == 404, answer


def test_a_version_that_is_not_the_newest_is_409(rest):
    other = f"other {uuid.uuid4()}"
    made = rest.post("/api/device", {"name": other})
    answer = rest.call("POST", "/api/device-with-credentials", {
        "device": {**made, "version": made["version"] + 7},
        "credentials": {"credentialsType": "ACCESS_TOKEN", "credentialsId": other}})
    assert answer.status == 409, answer


def test_attributes_are_written_by_every_path(rest, device):
    base = "/api/plugins/telemetry"
    for path in (f"{base}/DEVICE/{device.id}/attributes/SERVER_SCOPE",
                 f"{base}/{device.id}/SERVER_SCOPE"):
        assert rest.post(path, {"a": path}) is None
        found = rest.get(f"{base}/DEVICE/{device.id}/values/attributes/SERVER_SCOPE")
        assert [(one["key"], one["value"]) for one in found] == [("a", path)]
    assert rest.delete(f"{base}/{device.id}/SERVER_SCOPE?keys=a") is None
    assert rest.get(f"{base}/DEVICE/{device.id}/values/attributes/SERVER_SCOPE") == []


@pytest.fixture(scope="module")
def bounded():
    """A server whose bounds are soon reached."""
    place = Place()
    server = place.server(settings=["auth.login-rate=3:3600", "rpc.per-device=1",
                                    "http.body-max=2K", "metrics.access=off"])
    server.start()
    yield server
    place.close()


@pytest.fixture(scope="module")
def tenant(bounded):
    return Rest(bounded.http_port).log_in(*TENANT)


@pytest.mark.parametrize("base", ["/api/rpc", "/api/plugins/rpc"])
@pytest.mark.parametrize("way", ["oneway", "twoway"])
def test_too_many_calls_are_429(tenant, base, way):
    device = tenant.create_device(f"{base}{way}", f"{base}{way}".replace("/", "-"))
    assert tenant.call("POST", f"{base}/{way}/{device}", CALL).status == 200
    assert tenant.call("POST", f"{base}/{way}/{device}", CALL).status == 429


def test_a_body_too_large_is_413(tenant):
    device = tenant.device_named("Test Device A1")
    for path in ("/api/device", f"/api/plugins/telemetry/DEVICE/{device}/timeseries/ANY"):
        assert tenant.call("POST", path, b"{%s}" % (b" " * 4096)).status == 413


def test_a_body_without_a_length_is_411(tenant):
    answer = tenant.call("POST", "/api/device", b"{}", headers={"Transfer-Encoding": "chunked"})
    assert answer.status == 411


def test_metrics_may_be_off(tenant):
    assert tenant.call("GET", "/metrics").status == 404


def test_wrong_passwords_are_limited(bounded, tenant):
    wrong = {"currentPassword": "wrong", "newPassword": "a new one"}
    codes = [tenant.call("POST", "/api/auth/changePassword", wrong).status for _ in range(5)]
    assert codes[-1] == 429 and codes[0] != 429, codes


def test_wrong_tokens_are_limited_on_every_path(place):
    server = place.server(settings=["auth.login-rate=1:3600"])
    server.start()
    http = Rest(server.http_port)
    assert http.call("GET", "/api/v1/NOBODY/rpc").status == 401
    for path, methods in openapi_check.document().content["paths"].items():
        for method in methods if path.startswith("/api/v1/") else ():
            url = path.replace("{deviceToken}", "NOBODY").replace("{callId}", "1")
            body = {} if method == "post" else None
            assert http.call(method.upper(), url, body).status == 429, path


def test_without_room_on_the_disk_it_is_503(place, rest_of):
    server = place.server(settings=["store.free-space-min=1024G"])
    server.ready_path = "/livez"
    server.start()
    device, rest = rest_of(server, "full")
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/timeseries/ANY"
    assert rest.call("POST", path, {"a": 1}).status == 503
