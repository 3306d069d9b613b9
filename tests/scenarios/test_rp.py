"""RP and CT: calls to devices, and the types of messages."""

import json
import time
import uuid

import pytest

from clients import libcoap
from observer import NON, Later, Observer
from raw_coap import ACK, CON, GET, OBSERVE, POST
from rows import P, each, protobuf, row
from scopes import share
from watching import Libcoap

CALL = {"method": "setGpio1", "params": {"pin": "21", "value": 1}, "timeout": 6000}
RESULT = {"value1": "A", "value2": "B"}
PLACES = {"current": ("/api/rpc", 504), "legacy": ("/api/plugins/rpc", 409)}


def call(rest, device_id, way, place="/api/rpc", **more):
    return rest.call("POST", f"{place}/{way}/{device_id}", {**CALL, **more})


UNREACHED = [row("RP-1", "oneway"), row("RP-3", "twoway")]


@pytest.mark.parametrize("way, place", each(UNREACHED, **PLACES))
def test_without_observation_it_ends_at_its_deadline(of_profile, rest, way, place):
    device = of_profile("DEF")
    start = time.monotonic()
    answer = call(rest, device.id, way, place[0])
    assert (answer.status, answer.body) == (place[1], b"")
    assert 5.5 < time.monotonic() - start < 9


UNKNOWN = [row("RP-2", "oneway"), row("RP-4", "twoway")]


@pytest.mark.parametrize("way, place", each(UNKNOWN, **PLACES))
def test_an_unknown_device_is_404(rest, way, place):
    answer = call(rest, uuid.uuid1(), way, place[0])
    assert (answer.status, answer.body) == (404, b"Device with requested id wasn't found!")


def body_of(number):
    return {"id": number, "method": CALL["method"], "params": CALL["params"]}


@pytest.mark.parametrize("profile", [row("RP-5", "DEF"), row("RP-7", "JS")])
def test_oneway_calls_are_handed_over(of_profile, rest, profile):
    device = of_profile(profile)
    with Observer(device, "rpc") as watch:
        first = watch.register()
        assert (first.type, first.status, first.number(OBSERVE), first.payload) == (ACK, "2.03", 0,
                                                                                    b"")
        for number in (1, 2):
            waiting = Later(call, rest, device.id, "oneway")
            message = watch.next()
            assert (message.type, message.status, message.number(OBSERVE)) == (CON, "2.05", number)
            assert json.loads(message.payload) == body_of(number)
            answer = waiting.result()
            assert (answer.status, answer.body) == (200, b"")
        end = watch.get(1)
        assert (end.status, end.option(OBSERVE), end.payload) == ("2.03", None, b"")


TWOWAY = [row("RP-6", "DEF"), row("RP-8", "JS")]


@pytest.mark.parametrize("profile, type", each(TWOWAY, con=CON, non=NON))
def test_twoway_calls_are_answered(of_profile, rest, profile, type):
    device = of_profile(profile)
    with Observer(device, "rpc", type=type) as watch:
        watch.register()
        for number in (1, 2):
            waiting = Later(call, rest, device.id, "twoway")
            message = watch.next()
            assert message.number(OBSERVE) == number
            assert watch.answer(message, RESULT) == "2.01"
            answer = waiting.result()
            assert (answer.status, answer.json()) == (200, RESULT)


@pytest.mark.parametrize("profile, way", [
    row("RP-5-libcoap", "DEF", "oneway"), row("RP-6-libcoap", "DEF", "twoway"),
    row("RP-7-libcoap", "JS", "oneway"), row("RP-8-libcoap", "JS", "twoway")])
def test_calls_to_libcoap(of_profile, rest, tmp_path, profile, way):
    device = of_profile(profile)
    with Libcoap(device, "rpc", tmp_path / "told", 4) as watch:
        first = watch.next()
        assert (first.type, first.status, first.observe) == ("ACK", "2.03", 0)
        for number in (1, 2):
            waiting = Later(call, rest, device.id, way)
            message = watch.next()
            assert (message.observe, json.loads(message.text)) == (number, body_of(number))
            if way == "twoway":
                url = f"{device.server.coap}/api/v1/{device.token}/rpc/{number}"
                assert libcoap(url, payload=json.dumps(RESULT))[0] == "2.01"
            answer = waiting.result()
            assert answer.status == 200
            assert answer.body == b"" if way == "oneway" else answer.json() == RESULT
        watch.ends()


test_protobuf = protobuf("RP-9", "RP-10")

BAD = [row("RP-5-no-json", b"{", "Invalid request body"),
       row("RP-5-no-method", {"params": 1}, "method is missing"),
       row("RP-5-no-uuid", {"method": "m", "requestUUID": "5"}, "requestUUID is not a UUID"),
       row("RP-5-too-large", {"method": "m", "params": "x" * 70000}, "larger than 63 KiB")]


@pytest.mark.parametrize("body, reason", BAD)
def test_bad_calls_are_refused(of_profile, rest, body, reason):
    answer = rest.call("POST", f"/api/rpc/oneway/{of_profile('DEF').id}", body)
    assert (answer.status, answer.json()["errorCode"]) == (400, 31)
    assert reason in answer.json()["message"]


BAD_ANSWERS = [row("RP-6-array", "rpc/1", "[]"), row("RP-6-empty", "rpc/1", ""),
               row("RP-6-cut", "rpc/1", "{"), row("RP-6-number", "rpc/1", "5"),
               row("RP-6-no-id", "rpc/abc", "{}")]


@pytest.mark.parametrize("path, body", BAD_ANSWERS)
def test_bad_answers_leave_the_call_open(of_profile, rest, path, body):
    device = of_profile("DEF")
    with Observer(device, "rpc") as watch:
        watch.register()
        waiting = Later(call, rest, device.id, "twoway")
        message = watch.next()
        bad = watch.client.request(POST, f"/api/v1/{device.token}/{path}", body)
        assert (bad.status, bool(bad.payload)) == ("4.00", True)
        assert watch.answer(message, RESULT) == "2.01"
        assert waiting.result().json() == RESULT


# By default successes are piggybacked, so the type of an answer to CON reads ACK; told otherwise,
# the server sends them as upstream does.
SEPARATE = ["coap.separate-responses=true"]
TYPES = [row("CT-1", CON, SEPARATE, CON, CON), row("CT-2", NON, SEPARATE, NON, NON),
         row("CT-1-default", CON, [], ACK, CON), row("CT-2-default", NON, [], NON, None)]


@pytest.mark.parametrize("type, settings, answers, notices", TYPES)
def test_types(place, rest_of, type, settings, answers, notices):
    server = place.server(settings=settings)
    server.start()
    device, rest = rest_of(server, "parity")
    base = f"/api/v1/{device.token}/attributes"
    with Observer(device, "rpc", type=type) as watch:
        posted = watch.client.request(POST, base, json.dumps(P), type=type)
        assert (posted.status, posted.type) == ("2.01", answers)
        share(rest, device, {"sharedStr": "b"})
        first = watch.register()
        assert (first.status, first.type) == ("2.03", answers)
        for number in (1, 2):
            waiting = Later(call, rest, device.id, "twoway")
            message = watch.next(6)
            assert message.number(OBSERVE) == number
            assert notices in (None, message.type)
            watch.answer(message, RESULT)
            answer = waiting.result()
            assert (answer.status, answer.json()) == (200, RESULT)
        read = watch.client.request(GET, f"{base}?clientKeys=key1&sharedKeys=sharedStr", type=type)
        assert (read.status, read.type) == ("2.05", answers)
        assert json.loads(read.payload) == {"client": {"key1": "value1"},
                                            "shared": {"sharedStr": "b"}}
