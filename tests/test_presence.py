"""Presence: a device is active because it was heard, and inactive because it was not."""

import time

import pytest

from observer import Observer
from raw_coap import RawClient

FAST = ["presence.inactivity=2s", "presence.report-every=1s", "presence.sweep-every=200ms"]


@pytest.fixture
def fast(place, rest_of):
    server = place.server(settings=FAST)
    server.start()
    device, rest = rest_of(server, "visible")
    return server, device, rest


def server_attributes(rest, device):
    found = rest.get(f"/api/plugins/telemetry/DEVICE/{device.id}/values/attributes/SERVER_SCOPE")
    return {one["key"]: one["value"] for one in found}


def await_attributes(rest, device, wanted, seconds=8):
    """The server attributes, once they hold what is wanted."""
    end = time.monotonic() + seconds
    while True:
        found = server_attributes(rest, device)
        if all(found.get(key) == value for key, value in wanted.items()):
            return found
        assert time.monotonic() < end, f"{found} never was {wanted}"
        time.sleep(0.05)


def test_a_reading_makes_active_and_silence_inactive(fast):
    server, device, rest = fast
    assert server_attributes(rest, device) == {}
    begin = time.time() * 1000
    with RawClient(server.coap_port) as coap:
        coap.post(device.token, '{"t":1}')
    found = await_attributes(rest, device, {"active": True})
    assert begin - 1500 < found["lastActivityTime"] < time.time() * 1000 + 1500
    assert "motehub_devices_active 1" in rest.call("GET", "/metrics").body.decode()
    found = await_attributes(rest, device, {"active": False})
    assert found["inactivityAlarmTime"] >= found["lastActivityTime"] + 1500


def test_refused_messages_are_no_sign_of_life(fast):
    server, device, rest = fast
    with RawClient(server.coap_port) as coap:
        assert coap.post(device.token, "{").status == "4.00"
        assert coap.post("NOBODY", '{"t":1}').status == "4.01"
    time.sleep(0.7)
    assert server_attributes(rest, device) == {}


def test_an_observer_that_is_switched_off_becomes_inactive(fast):
    server, device, rest = fast
    with Observer(device, "rpc") as watch:
        watch.register()
        found = await_attributes(rest, device, {"active": True})
        assert "lastConnectTime" in found and "lastDisconnectTime" not in found
        await_attributes(rest, device, {"active": False})
        watch.get(1)
        assert "lastDisconnectTime" in await_attributes(rest, device, {"active": True})


def test_an_acknowledgement_is_a_sign_of_life(fast):
    server, device, rest = fast
    with Observer(device, "attributes") as watch:
        watch.register()
        await_attributes(rest, device, {"active": False})
        rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", {"a": 1})
        assert watch.next() is not None
        await_attributes(rest, device, {"active": True})


def test_a_device_may_have_its_own_timeout(fast):
    server, device, rest = fast
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/SERVER_SCOPE"
    rest.post(path, {"inactivityTimeout": 60000})
    with RawClient(server.coap_port) as coap:
        coap.post(device.token, '{"t":1}')
    await_attributes(rest, device, {"active": True})
    time.sleep(3)
    assert server_attributes(rest, device)["active"] is True
    rest.delete(path + "?keys=inactivityTimeout")
    await_attributes(rest, device, {"active": False})


def test_presence_survives_a_kill(fast):
    server, device, rest = fast
    with RawClient(server.coap_port) as coap:
        coap.post(device.token, '{"t":1}')
    await_attributes(rest, device, {"active": True})
    server.kill()
    server.start()
    await_attributes(rest, device, {"active": False})
