"""Devices that speak HTTP: the same readings and attributes as over CoAP."""

import json
import time

import pytest

from rest_client import Rest


@pytest.fixture
def http(server):
    """Nobody is logged in."""
    return Rest(server.http_port)


def path(device, feature):
    return f"/api/v1/{device.token}/{feature}"


def scope(rest, device, name):
    found = rest.get(f"/api/plugins/telemetry/DEVICE/{device.id}/values/attributes/{name}")
    return {one["key"]: one["value"] for one in found}


@pytest.mark.parametrize("content,latest", [
    ({"t": 21.5, "ok": True}, {"t": 21.5, "ok": True}),
    ({"ts": 1000, "values": {"t": 1}}, {"t": 1}),
    ([{"ts": 1000, "values": {"t": 1}}, {"ts": 2000, "values": {"t": 2, "u": "x"}}],
     {"t": 2, "u": "x"})])
def test_readings_are_stored(http, device, content, latest):
    answer = http.call("POST", path(device, "telemetry"), content)
    assert (answer.status, answer.body) == (200, b"")
    assert device.latest() == latest


def test_the_lenient_grammar_holds_as_over_coap(http, device):
    assert http.call("POST", path(device, "telemetry"), b"{temperature:25}").status == 200
    assert device.latest() == {"temperature": 25}


def test_attributes_are_published_and_read(http, rest, device):
    values = {"s": "a", "n": 5, "d": 1.5, "b": False, "j": {"x": [1]}}
    assert http.call("POST", path(device, "attributes"), values).status == 200
    assert scope(rest, device, "CLIENT_SCOPE") == values
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", {"c": 1, "s": "b"})
    every = http.get(path(device, "attributes"))
    assert every == {"client": values, "shared": {"c": 1, "s": "b"}}
    some = http.get(path(device, "attributes"), clientKeys="s,n,none", sharedKeys="c")
    assert some == {"client": {"s": "a", "n": 5}, "shared": {"c": 1}}
    assert http.get(path(device, "attributes"), sharedKeys="none") == {}


@pytest.mark.parametrize("feature,body,place", [
    ("telemetry", b"{", "byte 1"), ("telemetry", b"5", None), ("telemetry", b"", None),
    ("attributes", b"[]", None), ("telemetry", b'{" ":1}', None)])
def test_bad_bodies_are_refused_with_the_place(http, device, feature, body, place):
    answer = http.call("POST", path(device, feature), body)
    assert (answer.status, answer.json()["errorCode"]) == (400, 31)
    assert place is None or place in answer.json()["message"]
    assert device.latest() == {}


def test_an_unknown_token_is_401_without_body(http):
    for method, feature in (("POST", "telemetry"), ("POST", "attributes"), ("GET", "attributes")):
        answer = http.call(method, f"/api/v1/NOBODY/{feature}", b"{}" if method == "POST" else None)
        assert (answer.status, answer.body) == (401, b"")


def test_wrong_tokens_are_limited_and_right_ones_too_then(place, rest_of):
    server = place.server(settings=["auth.login-rate=3:3600"])
    server.start()
    http = Rest(server.http_port)
    codes = [http.call("POST", "/api/v1/NOBODY/telemetry", b"{}").status for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]


def test_a_reading_makes_active(place, rest_of):
    server = place.server(settings=["presence.sweep-every=200ms"])
    server.start()
    device, rest = rest_of(server, "visible")
    Rest(server.http_port).call("POST", path(device, "telemetry"), {"t": 1})
    for _ in range(100):
        found = scope(rest, device, "SERVER_SCOPE")
        if found.get("active"):
            return
        time.sleep(0.05)
    raise AssertionError(f"never active: {json.dumps(found)}")
