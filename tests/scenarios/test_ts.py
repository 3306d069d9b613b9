"""TS: time series."""

import json
import time

import pytest

from clients import libcoap, npm
from raw_coap import CONTENT_FORMAT, POST, RawClient, uint
from rows import P, each, protobuf, row


def raw(url, payload):
    port, path = url.removeprefix("coap://127.0.0.1:").split("/", 1)
    with RawClient(int(port)) as client:
        answer = client.request(POST, "/" + path, payload, options=[(CONTENT_FORMAT, uint(50))])
    return answer.status, answer.text


ROWS = [row("TS-1", "DEF", None), row("TS-2", "DEF", 10000),
        row("TS-3", "JS", None), row("TS-4", "JS", 10000)]


@pytest.mark.parametrize("profile, ts, client", each(ROWS, raw=raw, libcoap=libcoap, npm=npm))
def test_what_is_posted_is_stored(of_profile, rest, profile, ts, client):
    device = of_profile(profile)
    before = int(time.time() * 1000)
    body = P if ts is None else {"ts": ts, "values": P}
    assert client(device.url, payload=json.dumps(body))[0] == "2.01"
    assert sorted(rest.keys(device.id)) == sorted(P)
    found = rest.series(device.id)
    compact = json.dumps(P["key5"], separators=(",", ":"))
    assert {key: points[0]["value"] for key, points in found.items()} == {
        "key1": "value1", "key2": "true", "key3": "3.0", "key4": "4", "key5": compact}
    times = {points[0]["ts"] for points in found.values()}
    # One event has one time.
    assert times == {ts} if ts is not None else len(times) == 1 and min(times) >= before


test_protobuf = protobuf("TS-5", "TS-6", "TS-7", "TS-8")

BAD = [row("TS-1-cut", json.dumps(P)[:-1]), row("TS-1-number", "5"), row("TS-1-empty", ""),
       row("TS-1-array-of-numbers", "[1,2]"), row("TS-1-empty-key", '{"":1}'),
       row("TS-2-values-missing", '{"ts":10000,"values":5}'),
       row("TS-2-values-bad", '{"ts":10000,"values":{"a":[}}')]


@pytest.mark.parametrize("profile", ["DEF", "JS"])
@pytest.mark.parametrize("body", BAD)
def test_bad_bodies_are_refused_whole(of_profile, rest, profile, body):
    device = of_profile(profile)
    code, reason = raw(device.url, body)
    assert (code, bool(reason)) == ("4.00", True)
    assert rest.keys(device.id) == []
