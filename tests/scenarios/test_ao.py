"""AO: observation of shared attributes."""

import copy
import json
import time

import pytest

from observer import Observer
from raw_coap import ACCEPT, ACK, CON, CONTENT_FORMAT, GET, MAX_AGE, OBSERVE, RawClient, uint
from rows import each, protobuf, row
from scopes import scope, share, unshare
from watching import Libcoap

S0 = {"sharedStr": "value", "sharedBool": False, "sharedDbl": 41.0, "sharedLong": 72,
      "sharedJson": {"someNumber": 41, "someArray": [], "someNestedObject": {"key": "value"}}}
S = {"sharedStr": "value1", "sharedBool": True, "sharedDbl": 42.0, "sharedLong": 73,
     "sharedJson": {"someNumber": 42, "someArray": [1, 2, 3],
                    "someNestedObject": {"key": "value"}}}


def disconnected(rest, device, seconds=5):
    """The last observation is gone when this is told."""
    end = time.monotonic() + seconds
    while "lastDisconnectTime" not in scope(rest, device, "SERVER_SCOPE"):
        assert time.monotonic() < end, "the session stays"
        time.sleep(0.02)


def told(message):
    assert message is not None and message.status == "2.05"
    return message.number(OBSERVE), json.loads(message.payload)


def watch_raw(rest, device, first, tmp_path):
    with Observer(device, "attributes") as watch:
        answer = watch.register()
        assert (answer.type, told(answer)) == (ACK, (0, first))
        assert answer.number(CONTENT_FORMAT) == 50
        share(rest, device, S)
        change = watch.next()
        assert (change.type, told(change)) == (CON, (1, S))
        assert (change.number(CONTENT_FORMAT), change.number(MAX_AGE)) == (50, 86400)
        unshare(rest, device, "sharedJson")
        assert told(watch.next()) == (2, {"deleted": ["sharedJson"]})
        end = watch.get(1)
        rest_of_it = copy.copy(S)
        del rest_of_it["sharedJson"]
        assert (end.status, end.option(OBSERVE)) == ("2.05", None)
        assert json.loads(end.payload) == rest_of_it
        disconnected(rest, device)
        share(rest, device, {"after": 1})
        assert watch.next(0.7) is None


def watch_libcoap(rest, device, first, tmp_path):
    with Libcoap(device, "attributes", tmp_path / "told", 3) as watch:
        answer = watch.next()
        assert (answer.type, answer.observe, json.loads(answer.text)) == ("ACK", 0, first)
        share(rest, device, S)
        change = watch.next()
        assert (change.type, change.observe, json.loads(change.text)) == ("CON", 1, S)
        unshare(rest, device, "sharedJson")
        change = watch.next()
        assert (change.observe, change.text) == (2, '{"deleted":["sharedJson"]}')
        # Its time is over: it cancels, and does not wait for what it is answered.
        watch.ends()
    disconnected(rest, device)


ROWS = [row("AO-1", "DEF", S0), row("AO-2", "DEF", {}),
        row("AO-3", "JS", S0), row("AO-4", "JS", {})]


@pytest.mark.parametrize("profile, first, watch", each(ROWS, raw=watch_raw,
                                                       libcoap=watch_libcoap))
def test_all_of_them_then_changes_then_deletions(of_profile, rest, tmp_path, profile, first, watch):
    device = of_profile(profile)
    if first:
        share(rest, device, first)
    watch(rest, device, first, tmp_path)


test_protobuf = protobuf("AO-5", "AO-6")

BAD = [row("AO-1-wrong-token", "/api/v1/NOBODY/attributes", [], "4.01"),
       row("AO-1-telemetry", "/api/v1/{}/telemetry", [], "4.00"),
       row("AO-1-claim", "/api/v1/{}/claim", [], "4.00"),
       row("AO-1-cbor", "/api/v1/{}/attributes", [(ACCEPT, uint(60))], "4.06")]


@pytest.mark.parametrize("path, options, code", BAD)
def test_bad_registrations_are_refused(of_profile, path, options, code):
    device = of_profile("DEF")
    with RawClient(device.server.coap_port) as client:
        answer = client.request(GET, path.format(device.token),
                                options=[(OBSERVE, uint(0)), *options])
    assert (answer.status, answer.option(OBSERVE)) == (code, None)
