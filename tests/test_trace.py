"""The flight recorder: what a tenant's administrator sees of the latest exchanges of a device."""

import json
import time

import pytest

from observer import Observer
from raw_coap import (
    BLOCK1, CON, CONTENT_FORMAT, DELETE, GET, NON, POST, SIZE1, RawClient, uint,
)
from rest_client import CUSTOMER, SYSADMIN, Rest


def trace(rest, device, **query):
    return rest.get(f"/api/motehub/v1/devices/{device.id}/trace", **query)


def exchanges(rest, device, count=0, seconds=5, until=lambda found: True):
    """The exchanges of a device, once there are `count` of them and `until` holds."""
    end = time.monotonic() + seconds
    while True:
        found = trace(rest, device)["exchanges"]
        if (len(found) >= count and until(found)) or time.monotonic() > end:
            return found
        time.sleep(0.02)


def share(rest, device, values):
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", values)


def test_a_device_that_never_spoke_has_no_exchanges(rest, device):
    before = trace(rest, device)
    assert before["exchanges"] == []
    assert before["leftOut"] == 0
    assert 0 < before["since"] <= time.time() * 1000


def test_a_stored_reading_is_told_with_all_that_matters(rest, device, coap):
    body = json.dumps({"text": "x" * 100})
    path = f"/api/v1/{device.token}/telemetry?a=1&b=2"
    coap.request(POST, path, body, options=[(CONTENT_FORMAT, uint(50))])
    (found,) = exchanges(rest, device, 1)
    took = found.pop("ended") - found["time"]
    assert 0 <= took < 5000
    assert abs(found.pop("time") - time.time() * 1000) < 10_000
    port = coap.socket.getsockname()[1]
    assert found == {
        "type": "REQUEST", "peer": f"127.0.0.1:{port}", "moved": False, "method": "POST",
        "path": f"/api/v1/{device.token[:4]}.../telemetry?a=1&b=2", "confirmable": True,
        "observe": None, "contentFormat": 50, "blocks": False, "size": len(body),
        "payload": body[:64], "code": "2.01", "verdict": "ACCEPTED", "reason": None,
        "duplicates": 0, "retransmitted": False,
    }


def test_the_token_is_nowhere(rest, device, coap):
    coap.post(device.token, '{"a":1}')
    coap.request(GET, f"/api/v1/{device.token}/attributes?clientKeys=a")
    coap.request(POST, f"/api/v1/{device.token}/nothing", "{}")
    answer = rest.call("GET", f"/api/motehub/v1/devices/{device.id}/trace")
    assert len(answer.json()["exchanges"]) == 3
    assert device.token not in answer.body.decode()


def test_refusals_say_why(rest, device, coap):
    coap.post(device.token, '{"a":')
    coap.request(POST, f"/api/v1/{device.token}/nothing", "{}")
    coap.request(DELETE, f"/api/v1/{device.token}/telemetry")
    coap.request(POST, "/api/v1/no-such-token/telemetry", "{}")
    syntax, path, method = exchanges(rest, device, 3)
    assert (syntax["code"], syntax["verdict"]) == ("4.00", "REFUSED")
    assert syntax["reason"].startswith("byte 5")
    assert syntax["ended"] is not None
    assert (path["code"], path["verdict"]) == ("4.00", "REFUSED")
    assert path["reason"].startswith("path is not")
    assert path["path"] == f"/api/v1/{device.token[:4]}.../nothing"
    assert (method["method"], method["code"]) == ("DELETE", "4.05")


def test_duplicates_are_counted_at_their_request(rest, device, coap):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", '{"a":1}')
    first = coap.exchange(message)
    assert [coap.exchange(message) for _ in range(2)] == [first, first]
    coap.post(device.token, '{"a":2}')
    once, other = exchanges(rest, device, 2)
    assert (once["duplicates"], other["duplicates"]) == (2, 0)


def test_a_body_in_blocks_is_one_exchange(rest, device, coap):
    body = json.dumps({"text": "x" * 100}).encode()
    path = f"/api/v1/{device.token}/telemetry"
    for number, at in enumerate(range(0, len(body), 64)):
        more = at + 64 < len(body)
        option = (BLOCK1, uint(number << 4 | more << 3 | 2))
        answer = coap.request(POST, path, body[at:at + 64], options=[option])
        assert answer.status == ("2.31" if more else "2.01")
    too_large = [(BLOCK1, uint(8 | 2)), (SIZE1, uint(1 << 20))]
    assert coap.request(POST, path, body[:64], options=too_large).status == "4.13"
    whole, refused = exchanges(rest, device, 2)
    assert (whole["blocks"], whole["size"], whole["code"]) == (True, len(body), "2.01")
    assert whole["payload"] == body[:64].decode()
    assert (refused["blocks"], refused["code"], refused["verdict"]) == (True, "4.13", "REFUSED")


def test_what_is_no_text_is_shown_as_bytes(rest, device, coap):
    coap.post(device.token, b'\x00\xff\xc3\xa9"')
    (found,) = exchanges(rest, device, 1)
    assert found["payload"] == '\\x00\\xff\u00e9"'
    assert (found["size"], found["verdict"]) == (5, "REFUSED")


def test_a_change_of_address_is_marked(rest, device, server):
    ports = []
    for _ in range(2):
        with RawClient(server.coap_port) as client:
            client.post(device.token, '{"a":1}', type=NON)
            client.post(device.token, '{"a":2}')
            ports.append(client.socket.getsockname()[1])
    found = exchanges(rest, device, 4)
    assert [one["moved"] for one in found] == [False, False, True, False]
    assert [one["confirmable"] for one in found] == [False, True, False, True]
    assert [one["peer"] for one in found] == [f"127.0.0.1:{ports[i // 2]}" for i in range(4)]


def test_an_observation_and_its_notifications(rest, device):
    with Observer(device, "attributes") as observer:
        observer.register()
        share(rest, device, {"a": 1})
        assert observer.next().type == CON
        share(rest, device, {"a": 2})
        assert observer.next(confirm=False).type == CON
        again = observer.next(confirm=False)
        found = exchanges(rest, device, 3, until=lambda all: all[-1]["verdict"] == "UNANSWERED")
        assert (found[-1]["verdict"], found[-1]["retransmitted"]) == ("UNANSWERED", True)
        observer.reject(again)
        register, first, second = exchanges(
            rest, device, 3, until=lambda all: all[-1]["verdict"] == "REJECTED")
    assert (register["method"], register["observe"], register["code"]) == ("GET", 0, "2.05")
    assert (first["type"], first["method"], first["path"]) == ("NOTIFICATION", None, None)
    assert (first["payload"], first["code"], first["observe"]) == ('{"a":1}', "2.05", 1)
    assert (first["verdict"], first["retransmitted"]) == ("DELIVERED", False)
    assert first["peer"] == register["peer"]
    assert (second["verdict"], second["retransmitted"]) == ("REJECTED", True)


def test_a_notification_of_an_observation_that_ends_is_withdrawn(rest, device):
    with Observer(device, "attributes") as observer:
        observer.register()
        share(rest, device, {"a": 1})
        assert observer.next(confirm=False).type == CON
        assert observer.get(1).status == "2.05"
        _, told, ended = exchanges(
            rest, device, 3, until=lambda all: all[1]["verdict"] == "WITHDRAWN")
    assert (told["type"], told["verdict"]) == ("NOTIFICATION", "WITHDRAWN")
    assert (ended["method"], ended["observe"]) == ("GET", 1)


def test_a_request_that_waits_is_told_as_waiting(place, rest_of):
    server = place.server(settings=["coap.timeout=1500ms"])
    server.start()
    device, rest = rest_of(server, "waits")
    with RawClient(server.coap_port) as client:
        message = client.message(POST, f"/api/v1/{device.token}/rpc", '{"method":"m","params":1}')
        client.send(message)
        (found,) = exchanges(rest, device, 1)
        assert (found["code"], found["verdict"], found["ended"]) == (None, "WAITING", None)
        assert client.exchange(message).status == "5.04"
        (found,) = exchanges(rest, device, 1, until=lambda all: all[0]["ended"])
    assert (found["code"], found["verdict"]) == ("5.04", "FAILED")
    assert found["reason"] == "nothing answers calls of devices"
    assert 1400 <= found["ended"] - found["time"] < 5000


def test_the_latest_are_told_and_the_others_counted(rest, device, coap):
    for i in range(5):
        coap.post(device.token, json.dumps({"n": i}))
    found = trace(rest, device, limit=2)
    assert [one["payload"] for one in found["exchanges"]] == ['{"n": 3}', '{"n": 4}']
    assert found["leftOut"] == 3


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x"])
def test_bad_limits_are_refused(rest, device, limit):
    answer = rest.call("GET", f"/api/motehub/v1/devices/{device.id}/trace", query={"limit": limit})
    assert answer.status == 400


def test_what_gave_way_is_said(place, rest_of):
    server = place.server(settings=["trace.bytes=4K", "coap.workers=1"])
    server.start()
    device, rest = rest_of(server, "quiet")
    loud, _ = rest_of(server, "loud")
    with RawClient(server.coap_port) as client:
        client.post(device.token, '{"a":1}')
        before = trace(rest, device)
        assert (len(before["exchanges"]), before["overwritten"]) == (1, 0)
        for i in range(40):
            client.post(loud.token, json.dumps({"n": i}))
    after = trace(rest, device)
    assert after["exchanges"] == []
    assert after["overwritten"] > 0
    assert after["since"] > before["since"]
    found = trace(rest, loud)["exchanges"]
    assert 0 < len(found) < 40
    assert [one["payload"] for one in found] == [
        json.dumps({"n": i}) for i in range(40 - len(found), 40)]


def test_switched_off_nothing_is_recorded(place, rest_of):
    server = place.server(settings=["trace.bytes=0"])
    server.start()
    device, rest = rest_of(server, "off")
    with RawClient(server.coap_port) as client:
        client.post(device.token, '{"a":1}')
    assert trace(rest, device) == {"since": None, "overwritten": 0, "leftOut": 0, "exchanges": []}


def test_only_administrators_of_the_tenant_may_look(server, rest, device):
    path = f"/api/motehub/v1/devices/{device.id}/trace"
    for who in (CUSTOMER, SYSADMIN):
        answer = Rest(server.http_port).log_in(*who).call("GET", path)
        assert (answer.status, answer.json()["errorCode"]) == (403, 20)
    assert Rest(server.http_port).call("GET", path).status == 401
    unknown = "784f394c-42b6-11ef-983c-b7beff2784f9"
    assert rest.call("GET", f"/api/motehub/v1/devices/{unknown}/trace").status == 404
    assert rest.call("GET", "/api/motehub/v1/devices/x/trace").status == 400
