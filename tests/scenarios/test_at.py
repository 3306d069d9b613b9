"""AT and AR: attributes, published and requested."""

import json

import pytest

from clients import libcoap, libcoap_get, npm
from raw_coap import ACCEPT, ACK, CONTENT_FORMAT, GET, POST, PUT, URI_QUERY, RawClient, uint
from rows import P, each, protobuf, row
from scopes import scope, share


def path(device):
    return f"/api/v1/{device.token}/attributes"


def raw_request(device, method, payload="", options=()):
    with RawClient(device.server.coap_port) as client:
        return client.request(method, path(device), payload, options=options)


PUBLISH = [row("AT-1", "DEF"), row("AT-2", "JS")]


@pytest.mark.parametrize("profile, client", each(PUBLISH, libcoap=libcoap, npm=npm))
def test_what_is_published_is_a_client_attribute(of_profile, rest, profile, client):
    device = of_profile(profile)
    assert client(device.server.coap + path(device), payload=json.dumps(P))[0] == "2.01"
    found = scope(rest, device, "CLIENT_SCOPE")
    assert found == P
    assert [type(found[key]) for key in P] == [str, bool, float, int, dict]
    assert scope(rest, device, "SHARED_SCOPE") == {}


BAD = [row("AT-1-array", POST, "[]", [], "4.00"), row("AT-1-number", POST, "5", [], "4.00"),
       row("AT-1-empty", POST, "", [], "4.00"), row("AT-1-cut", POST, '{"a":', [], "4.00"),
       row("AT-1-empty-key", POST, '{"":1}', [], "4.00"),
       row("AT-1-cbor", POST, "{}", [(CONTENT_FORMAT, uint(60))], "4.15"),
       row("AR-1-cbor", GET, "", [(ACCEPT, uint(60))], "4.06"),
       row("AR-1-unknown", GET, "", [(URI_QUERY, b"clientKeys=none")], "4.04"),
       row("AT-1-put", PUT, "{}", [], "4.05")]


@pytest.mark.parametrize("method, body, options, code", BAD)
def test_bad_requests_are_refused_with_a_reason(of_profile, rest, method, body, options, code):
    device = of_profile("DEF")
    answer = raw_request(device, method, body, options)
    assert answer.status == code
    assert answer.payload or code == "4.05"
    assert scope(rest, device, "CLIENT_SCOPE") == {}


def own(prefix):
    return {f"{prefix}Str": "value1", f"{prefix}Bool": True, f"{prefix}Dbl": 42.0,
            f"{prefix}Long": 73, f"{prefix}Json": P["key5"]}


def get_raw(device, queries):
    answer = raw_request(device, GET, options=[(URI_QUERY, query.encode()) for query in queries])
    assert (answer.type, answer.status, answer.number(CONTENT_FORMAT)) == (ACK, "2.05", 50)
    return json.loads(answer.payload)


def get_libcoap(device, queries):
    return json.loads(libcoap_get(f"{device.server.coap}{path(device)}?{'&'.join(queries)}"))


def get_npm(device, queries):
    code, text = npm(f"{device.server.coap}{path(device)}?{'&'.join(queries)}", method="get")
    assert code == "2.05"
    return json.loads(text)


REQUEST = [row("AR-1", "DEF"), row("AR-2", "JS")]


@pytest.mark.parametrize("profile, get", each(REQUEST, raw=get_raw, libcoap=get_libcoap,
                                              npm=get_npm))
def test_both_scopes_are_requested_by_name(of_profile, rest, profile, get):
    device = of_profile(profile)
    client, shared = own("client"), own("shared")
    assert libcoap(device.server.coap + path(device), payload=json.dumps(client))[0] == "2.01"
    share(rest, device, shared)
    if get is get_libcoap:
        # It cuts queries that are together longer than 100 bytes: in two halves.
        assert get(device, [f"clientKeys={','.join(client)}"]) == {"client": client}
        assert get(device, [f"sharedKeys={','.join(shared)}"]) == {"shared": shared}
        return
    found = get(device, [f"clientKeys={','.join(client)}", f"sharedKeys={','.join(shared)}"])
    assert found == {"client": client, "shared": shared}


test_protobuf = protobuf("AT-3", "AT-4", "AR-3")
