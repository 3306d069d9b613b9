"""Attributes of devices beyond the tables of tests/scenarios (AT, AR)."""

import json

import pytest

from clients import libcoap, libcoap_get, npm
from raw_coap import ACK, BLOCK2, CONTENT_FORMAT, GET, NON, POST, URI_QUERY, uint
from scopes import scope, share

ETAG = 4


def path(device):
    return f"/api/v1/{device.token}/attributes"


def url(device, query=""):
    return f"{device.server.coap}{path(device)}{query}"


@pytest.fixture
def known(rest, device):
    """A device with attributes in both scopes, one name in both."""
    assert libcoap(url(device), payload='{"a":1,"b":2,"both":"c"}')[0] == "2.01"
    share(rest, device, {"s": 3, "both": "s"})
    return device


ALL = {"client": {"a": 1, "b": 2, "both": "c"}, "shared": {"both": "s", "s": 3}}

READS = [
    ([], ALL),
    (["clientKeys=a"], {"client": {"a": 1}}),
    (["sharedKeys=s"], {"shared": {"s": 3}}),
    (["clientKeys=both", "sharedKeys=both"], {"client": {"both": "c"}, "shared": {"both": "s"}}),
    (["clientKeys=a,none"], {"client": {"a": 1}}),
    (["clientKeys=a,b,,"], {"client": {"a": 1, "b": 2}}),
    (["clientKeys=none", "sharedKeys=s"], {"shared": {"s": 3}}),
    (["clientKeys=a", "clientKeys=b"], {"client": {"b": 2}}),
    (["clientKeys="], ALL),
    (["clientKeys"], ALL),
    (["clientKeys=a=b"], ALL),
    (["clientKeys=a=b", "sharedKeys=s"], {"shared": {"s": 3}}),
    (["clientkeys=a"], ALL),
    (["other=1"], ALL),
    (["clientKeys=none"], None),
    (["clientKeys=A"], None),
    (["sharedKeys=a"], None),
]


@pytest.mark.parametrize("queries, expected", READS)
def test_what_a_read_gives(known, coap, queries, expected):
    answer = coap.request(GET, path(known), options=[(URI_QUERY, q.encode()) for q in queries])
    if expected is None:
        assert (answer.status, answer.text) == ("4.04", "no such attribute")
    else:
        assert (answer.type, answer.status) == (ACK, "2.05")
        assert answer.number(CONTENT_FORMAT) == 50
        assert json.loads(answer.payload) == expected


@pytest.mark.parametrize("client", [libcoap, npm])
def test_a_device_without_attributes_has_none(device, client):
    assert client(url(device), method="get")[0] == "4.04"


def test_deleted_attributes_are_absent(rest, known):
    rest.delete(f"/api/plugins/telemetry/DEVICE/{known.id}/SHARED_SCOPE?keys=s")
    rest.delete(f"/api/plugins/telemetry/DEVICE/{known.id}/CLIENT_SCOPE?keys=a,b")
    assert json.loads(libcoap_get(url(known))) == {"client": {"both": "c"},
                                                   "shared": {"both": "s"}}


def test_published_attributes_survive_a_kill(place):
    server = place.server()
    server.start()
    target = f"{server.coap}/api/v1/A1_TEST_TOKEN/attributes"
    assert libcoap(target, payload='{"a":1}')[0] == "2.01"
    server.restart("kill")
    assert libcoap_get(target) == '{"client":{"a":1}}'


def test_a_large_set_comes_in_blocks(device, coap):
    values = {f"attribute {n}": "x" * 100 for n in range(40)}
    assert libcoap(url(device), payload=json.dumps(values), options=["-b", "1024"])[0] == "2.01"
    body = libcoap_get(url(device))
    assert json.loads(body) == {"client": values}
    # Any block at any time, with one ETag.
    first = coap.request(GET, path(device))
    third = coap.request(GET, path(device), options=[(BLOCK2, uint(2 << 4 | 6))])
    assert third.option(ETAG) == first.option(ETAG)
    assert third.payload == body.encode()[2048:3072]


def test_a_repeat_is_not_a_second_publish(rest, device, coap):
    message = coap.message(POST, path(device), '{"n":1}')
    assert coap.exchange(message).status == "2.01"
    assert coap.request(POST, path(device), '{"n":2}').status == "2.01"
    assert coap.exchange(message).status == "2.01"
    assert scope(rest, device, "CLIENT_SCOPE") == {"n": 2}


def test_non_is_answered_by_non(device, coap):
    assert coap.request(POST, path(device), '{"n":1}', type=NON).type == NON
    answer = coap.request(GET, path(device), type=NON)
    assert (answer.type, answer.text) == (NON, '{"client":{"n":1}}')


def test_nothing_published_is_fine(device):
    assert libcoap(url(device), payload="{}")[0] == "2.01"
    assert libcoap(url(device), payload='{"a":null}')[0] == "2.01"


def test_a_wrong_token_is_unauthorized(server):
    assert libcoap(f"{server.coap}/api/v1/NOBODY/attributes", method="get")[0] == "4.01"


def test_a_deleted_device_leaves_no_attributes(rest, server):
    target = f"{server.coap}/api/v1/GONE-1/attributes"
    device = rest.create_device("gone", "GONE-1")
    assert libcoap(target, payload='{"a":1}')[0] == "2.01"
    rest.delete(f"/api/device/{device}")
    assert libcoap(target, method="get")[0] == "4.01"
    rest.create_device("gone", "GONE-1")
    assert libcoap(target, method="get")[0] == "4.04"
