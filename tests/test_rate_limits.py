"""The transport rate limits of tenant profiles: over CoAP and HTTP, of devices and of a tenant."""

import re
import time

import pytest

from observer import Observer
from profiles import configure
from raw_coap import ACK, CON, GET, MAX_AGE, NON, OBSERVE, POST, RawClient
from rest_client import TENANT, Rest

ONE = "1:3600"


@pytest.fixture
def started(place, rest_of):
    """Starts a server with these settings and limits: (server, rest, device)."""
    def start(*settings, **limits):
        server = place.server(settings=["coap.workers=1", *settings])
        server.start()
        if limits:
            configure(server, **limits)
        device, rest = rest_of(server, "limited")
        return server, rest, device
    return start


def limited(rest):
    """How many were refused, by whose limit it was."""
    text = rest.call("GET", "/metrics").body.decode()
    return {by: int(count) for by, count in
            re.findall(r'^motehub_limited_total\{by="(\w+)"\} (\d+)$', text, re.MULTILINE)}


def attributes(coap, device):
    return coap.request(GET, f"/api/v1/{device.token}/attributes")


def test_a_device_over_its_limit_gets_4_29_and_nothing_is_stored(started):
    server, rest, device = started(transportDeviceTelemetryMsgRateLimit="3:30")
    other = rest.create_device("other", "OTHER")
    with RawClient(server.coap_port) as coap:
        for n in range(3):
            assert coap.post(device.token, f'{{"n":{n}}}').status == "2.01"
        for n in range(3, 6):
            refused = coap.post(device.token, f'{{"n":{n}}}')
            assert refused.status == "4.29"
            assert 8 <= refused.number(MAX_AGE) <= 10
            assert refused.text == "over the device's limit of telemetry messages"
        # Each device has its own; messages are counted apart.
        assert coap.post("OTHER", '{"n":9}').status == "2.01"
        assert attributes(coap, device).status == "4.04"
    assert [value for _, value in device.points("n")] == [0, 1, 2]
    assert len(rest.points(other, "n")) == 1
    assert limited(rest) == {"tenant": 0, "device": 3}
    assert 'motehub_coap_answers_total{code="4.29"} 3' in rest.call("GET", "/metrics").body.decode()
    # The flight recorder tells why.
    told = rest.get(f"/api/motehub/v1/devices/{device.id}/trace")["exchanges"]
    reasons = [one.get("reason") for one in told if one.get("code") == "4.29"]
    assert reasons == ["over the device's limit of telemetry messages"] * 3


def test_a_device_that_waits_max_age_is_served(started):
    server, rest, device = started(transportDeviceTelemetryMsgRateLimit="2:4")
    with RawClient(server.coap_port) as coap:
        assert [coap.post(device.token, '{"n":1}').status for _ in range(2)] == ["2.01"] * 2
        refused = coap.post(device.token, '{"n":1}')
        assert refused.status == "4.29"
        assert refused.number(MAX_AGE) == 2
        time.sleep(refused.number(MAX_AGE))
        assert coap.post(device.token, '{"n":2}').status == "2.01"
        assert coap.post(device.token, '{"n":2}').status == "4.29"


def test_every_bucket_of_a_limit_must_have_a_token(started):
    server, _, device = started(transportDeviceTelemetryMsgRateLimit="2:1,3:3600")
    with RawClient(server.coap_port) as coap:
        assert [coap.post(device.token, '{"n":1}').status for _ in range(2)] == ["2.01"] * 2
        time.sleep(1.1)
        assert coap.post(device.token, '{"n":1}').status == "2.01"
        refused = coap.post(device.token, '{"n":1}')
        assert refused.status == "4.29"
        assert 1100 < refused.number(MAX_AGE) <= 1200


def test_points_are_counted_one_by_one(started):
    server, _, device = started(transportDeviceTelemetryDataPointsRateLimit="5:50")
    with RawClient(server.coap_port) as coap:
        assert coap.post(device.token, '{"a":1,"b":2,"c":3}').status == "2.01"
        refused = coap.post(device.token, '[{"a":1},{"b":1,"c":1}]')
        assert (refused.status, refused.text) == ("4.29", "over the device's limit of data points")
        assert refused.number(MAX_AGE) == 10
        # Published attributes are points as well.
        answer = coap.request(POST, f"/api/v1/{device.token}/attributes", '{"x":1,"y":2}')
        assert answer.status == "2.01"
        assert coap.post(device.token, '{"a":1}').status == "4.29"
        # What brings nothing is no publish.
        assert coap.post(device.token, "{}").status == "2.01"


def test_what_a_message_is(started):
    server, _, device = started(transportDeviceMsgRateLimit="2:3600")
    token = device.token
    with RawClient(server.coap_port) as coap:
        # These are refused by what they are and cost nothing; publishes are counted elsewhere.
        for _ in range(3):
            assert coap.post(token, "{").status == "4.00"
            assert coap.post("NOBODY", '{"n":1}').status == "4.01"
            assert coap.post(token, '{"n":1}').status == "2.01"
        assert attributes(coap, device).status == "4.04"  # n is no attribute
        assert coap.post(token, "[]").status == "2.01"
        for answer in (
                attributes(coap, device), coap.post(token, "{}"),
                coap.request(POST, f"/api/v1/{token}/rpc", '{"method":"m","params":{}}'),
                coap.request(POST, f"/api/v1/{token}/rpc/1", "{}"),
                coap.request(GET, f"/api/v1/{token}/rpc", options=[(OBSERVE, b"")])):
            assert (answer.status, answer.text) == ("4.29", "over the device's limit of messages")


@pytest.mark.parametrize("resource,cost", [("attributes", 3), ("rpc", 2)])
def test_what_an_observation_costs(started, resource, cost):
    server, _, device = started(transportDeviceMsgRateLimit=f"{cost - 1}:3600")
    observe = [(OBSERVE, b"")]
    with RawClient(server.coap_port) as coap:
        path = f"/api/v1/{device.token}/{resource}"
        assert coap.request(GET, path, options=observe).status == "4.29"
        configure(server, transportDeviceMsgRateLimit=f"{2 * cost - 1}:3600")
        first = coap.request(GET, path, options=observe)
        assert first.status in ("2.05", "2.03") and first.option(OBSERVE) is not None
        # The session is there now, so the second is one cheaper; and that was all.
        assert coap.request(GET, path, options=observe).status == first.status
        assert coap.request(GET, path, options=observe).status == "4.29"


def test_notifications_are_not_limited(started):
    server, rest, device = started()
    with Observer(device, "attributes") as observer:
        observer.register()
        configure(server, transportDeviceMsgRateLimit=ONE, transportTenantMsgRateLimit=ONE)
        with RawClient(server.coap_port) as coap:
            assert attributes(coap, device).status == "4.04"
            assert attributes(coap, device).status == "4.29"
        for n in range(3):
            rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", {"n": n})
            assert observer.next().text == f'{{"n":{n}}}'


def test_a_non_message_over_the_limit_is_told_too(started):
    server, _, device = started(transportDeviceTelemetryMsgRateLimit=ONE)
    with RawClient(server.coap_port) as coap:
        assert coap.post(device.token, '{"n":1}', type=NON).status == "2.01"
        refused = coap.post(device.token, '{"n":2}', type=NON)
        assert (refused.status, refused.type) == ("4.29", NON)


def test_upstream_codes_hide_the_limit(started):
    server, _, device = started("coap.upstream-codes=true",
                                transportDeviceTelemetryMsgRateLimit=ONE)
    with RawClient(server.coap_port) as coap:
        assert coap.post(device.token, '{"n":1}').status == "2.01"
        refused = coap.post(device.token, '{"n":2}')
        assert refused.status == "5.00"
        assert refused.option(MAX_AGE) is None


def test_a_tenants_limit_is_for_all_of_its_devices(started):
    server, rest, device = started(transportTenantTelemetryMsgRateLimit="4:3600",
                                   transportDeviceTelemetryMsgRateLimit="3:3600")
    rest.create_device("second", "SECOND")
    with RawClient(server.coap_port) as coap:
        assert [coap.post(device.token, '{"n":1}').status for _ in range(3)] == ["2.01"] * 3
        assert coap.post("SECOND", '{"n":1}').status == "2.01"
        refused = coap.post("SECOND", '{"n":1}')
        assert (refused.status, refused.text) == (
            "4.29", "over the tenant's limit of telemetry messages")
    assert limited(rest) == {"tenant": 1, "device": 0}


def test_a_tenants_limit_is_split_over_the_workers(place):
    server = place.server(settings=["coap.workers=2"])
    server.start()
    configure(server, transportTenantTelemetryMsgRateLimit="40:4")
    # Many ports, so that both workers have some; ten a second in all.
    clients = [RawClient(server.coap_port) for _ in range(16)]
    admitted, refused = 0, 0
    begin = time.monotonic()
    while time.monotonic() - begin < 8:
        for client in clients:
            status = client.post("A1_TEST_TOKEN", '{"n":1}').status
            assert status in ("2.01", "4.29")
            admitted += status == "2.01"
            refused += status == "4.29"
        time.sleep(0.02)
    took = time.monotonic() - begin
    for client in clients:
        client.__exit__()
    assert refused > 100
    assert admitted <= 40 + 10 * took + 1
    assert admitted >= 10 * took / 2


def test_limits_change_at_once_and_survive_a_restart(started):
    server, _, device = started()
    with RawClient(server.coap_port) as coap:
        assert [coap.post(device.token, '{"n":1}').status for _ in range(5)] == ["2.01"] * 5
        configure(server, transportDeviceTelemetryMsgRateLimit=ONE)
        assert coap.post(device.token, '{"n":1}').status == "2.01"
        assert coap.post(device.token, '{"n":1}').status == "4.29"
        configure(server, transportDeviceTelemetryMsgRateLimit="")
        assert [coap.post(device.token, '{"n":1}').status for _ in range(5)] == ["2.01"] * 5
        configure(server, transportDeviceTelemetryMsgRateLimit=ONE)
    server.restart("kill")
    with RawClient(server.coap_port) as coap:
        assert coap.post(device.token, '{"n":1}').status == "2.01"
        assert coap.post(device.token, '{"n":1}').status == "4.29"


def test_a_repeated_message_is_not_counted_twice(started):
    server, _, device = started(transportDeviceTelemetryMsgRateLimit="2:3600")
    with RawClient(server.coap_port) as coap:
        message = coap.message(POST, f"/api/v1/{device.token}/telemetry", '{"n":1}', type=CON)
        for _ in range(4):
            answer = coap.exchange(message)
            assert (answer.status, answer.type) == ("2.01", ACK)
        assert coap.post(device.token, '{"n":2}').status == "2.01"
        assert coap.post(device.token, '{"n":3}').status == "4.29"


def test_devices_over_http_get_429(started):
    server, rest, device = started(transportDeviceTelemetryMsgRateLimit="2:3600",
                                   transportDeviceTelemetryDataPointsRateLimit="4:3600",
                                   transportDeviceMsgRateLimit=ONE)
    nobody = Rest(server.http_port)
    path = f"/api/v1/{device.token}"
    assert nobody.call("POST", f"{path}/telemetry", {"a": 1, "b": 2, "c": 3}).status == 200
    refused = nobody.call("POST", f"{path}/telemetry", {"a": 5, "b": 5})
    assert refused.status == 429
    assert refused.json()["message"] == "over the device's limit of data points"
    assert nobody.call("POST", f"{path}/attributes", {"x": 1}).status == 200
    assert nobody.call("POST", f"{path}/attributes", {"x": 2}).status == 429
    assert nobody.call("GET", f"{path}/attributes").status == 200
    for answer in (nobody.call("GET", f"{path}/attributes"),
                   nobody.call("GET", f"{path}/rpc?timeout=100"),
                   nobody.call("GET", f"{path}/attributes/updates?timeout=100"),
                   nobody.call("POST", f"{path}/rpc", {"method": "m", "params": {}}),
                   nobody.call("POST", f"{path}/rpc/1", {})):
        assert answer.status == 429
        assert answer.json()["message"] == "over the device's limit of messages"
    assert limited(rest) == {"tenant": 0, "device": 7}
    assert device.latest("a") == {"a": 1}
    # People are not limited by what their devices do.
    assert Rest(server.http_port).log_in(*TENANT).latest(device.id, "c") == {"c": 3}
