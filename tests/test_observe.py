"""Attribute observation beyond the table of tests/scenarios (AO): routes, tokens, blocks, ends."""

import json
import time

import pytest

from observer import NON, Observer
from raw_coap import BLOCK2, CON, GET, OBSERVE, POST, RawClient, uint
from scopes import scope, share, unshare

def share(rest, device, values):
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", values)


def told(message):
    """What a notification says: (number, content)."""
    assert message is not None, "no notification"
    assert message.status == "2.05"
    return message.number(OBSERVE), json.loads(message.payload)


@pytest.fixture
def watch(device):
    with Observer(device, "attributes") as observer:
        yield observer


def test_a_change_in_other_scopes_is_not_told(rest, device, watch):
    watch.register()
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SERVER_SCOPE", {"secret": 1})
    with RawClient(device.server.coap_port) as other:
        other.request(POST, f"/api/v1/{device.token}/attributes", '{"own":1}')
    assert watch.next(0.7) is None


def test_changes_merge_while_one_is_under_way(rest, device, watch):
    watch.register()
    share(rest, device, {"a": 1})
    first = watch.next(confirm=False)
    for number in range(2, 6):
        share(rest, device, {"a": number, f"b{number}": number})
    unshare(rest, device, "b2")
    watch.acknowledge(first)
    assert told(watch.next()) == (2, {"a": 5, "b3": 3, "b4": 4, "b5": 5, "deleted": ["b2"]})
    assert watch.next(0.7) is None


def test_numbers_go_on_after_a_new_registration(rest, device, watch):
    assert told(watch.register())[0] == 0
    share(rest, device, {"a": 1})
    assert told(watch.next())[0] == 1
    assert told(watch.register()) == (2, {"a": 1})
    share(rest, device, {"a": 2})
    assert told(watch.next()) == (3, {"a": 2})


def test_a_registration_elsewhere_takes_the_place_of_the_first(rest, device, watch):
    watch.register()
    with Observer(device, "attributes") as second:
        second.register()
        share(rest, device, {"a": 1})
        assert told(second.next())[1] == {"a": 1}
    assert watch.next(0.5) is None


def test_a_body_above_one_block_is_fetched(rest, device, watch):
    watch.register()
    large = {f"key{number}": "x" * 100 for number in range(60)}
    share(rest, device, large)
    first = watch.next()
    body, number = first.payload, 1
    size = 16 << (first.number(BLOCK2) & 7)
    share(rest, device, {"later": 1})
    assert watch.next(0.5) is None, "it is what the device reads until it has all of it"
    while len(body) == number * size:
        answer = watch.client.request(GET, watch.path, options=[
            (BLOCK2, uint(number << 4 | first.number(BLOCK2) & 7))])
        assert (answer.status, answer.option(OBSERVE)) == ("2.05", None)
        body += answer.payload
        number += 1
    assert json.loads(body) == large
    assert told(watch.next())[1] == {"later": 1}


def fetched(watch, first):
    """The whole body of which `first` is the first block."""
    body, number = first.payload, 1
    while first.option(BLOCK2) is not None and len(body) == number * 1024:
        answer = watch.client.request(GET, watch.path, options=[(BLOCK2, uint(number << 4 | 6))])
        assert answer.status == "2.05"
        body += answer.payload
        number += 1
    return json.loads(body)


def test_a_change_above_64_kib_comes_in_several(rest, device, watch):
    watch.register()
    large = {f"key{number}": "x" * 1000 for number in range(150)}
    share(rest, device, large)
    found = {}
    while len(found) < len(large):
        found.update(fetched(watch, watch.next()))
    assert found == large
    # All of them in the first answer, and in that to a plain GET, each from its own first block on.
    assert fetched(watch, watch.get(0)) == large
    plain = watch.client.request(GET, watch.path)
    assert fetched(watch, plain) == {"shared": large}


def test_a_shared_set_is_bounded(rest, device):
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE"
    share(rest, device, {f"key{number}": "x" * 1000 for number in range(200)})
    more = {f"more{number}": "x" * 1000 for number in range(60)}
    refused = rest.call("POST", path, more)
    assert refused.status == 400
    assert b"256 KiB" in refused.body
    # What replaces others does not count twice; what was deleted does not count.
    share(rest, device, {f"key{number}": "y" * 1000 for number in range(200)})
    unshare(rest, device, ",".join(f"key{number}" for number in range(50)))
    share(rest, device, more)
    refused = rest.call("POST", path, {f"n{number}": 1 for number in range(9000)})
    assert refused.status == 400


def test_a_first_answer_above_one_block_is_fetched(rest, device, watch):
    large = {f"key{number}": "x" * 100 for number in range(30)}
    share(rest, device, large)
    body, number = watch.register().payload, 1
    while len(body) == number * 1024:
        answer = watch.client.request(GET, watch.path, options=[(BLOCK2, uint(number << 4 | 6))])
        body += answer.payload
        number += 1
    assert json.loads(body) == large


def test_an_observation_survives_a_kill(place, rest_of):
    server = place.server()
    server.start()
    device, rest = rest_of(server, "survivor")
    with Observer(device, "attributes") as watch:
        number = told(watch.register())[0]
        share(rest, device, {"before": 1})
        assert watch.next() is not None
        connected = scope(rest, device, "SERVER_SCOPE")["lastConnectTime"]
        # That it was delivered is on disk within 50 ms; a crash before repeats it.
        time.sleep(0.3)
        server.kill()
        server.start()
        share(rest, device, {"after": 1})
        change = told(watch.next())
        assert change[0] > number and change[1] == {"after": 1}
        # For the device nothing has happened.
        known = scope(rest, device, "SERVER_SCOPE")
        assert (known["lastConnectTime"], known.get("lastDisconnectTime")) == (connected, None)


def test_what_was_not_delivered_is_sent_after_a_kill(place, rest_of):
    server = place.server()
    server.start()
    device, rest = rest_of(server, "sleeper")
    with Observer(device, "attributes") as watch:
        watch.register()
        share(rest, device, {"a": 1, "b": 1})
        assert watch.next(confirm=False) is not None
        share(rest, device, {"a": 2})
        server.kill()
        server.start()
        found = {}
        while set(found) != {"a", "b"} or found["a"] != 2:
            found.update(told(watch.next(10))[1])
        assert found == {"a": 2, "b": 1}


def test_an_rst_suspends_until_the_device_is_heard(rest, device, watch):
    watch.register()
    share(rest, device, {"a": 1})
    watch.reject(watch.next(confirm=False))
    share(rest, device, {"a": 2})
    assert watch.next(0.7) is None
    # Heard: one confirmable message decides.
    watch.client.post(device.token, '{"t":1}')
    probe = watch.next()
    assert (probe.type, told(probe)[1]) == (CON, {"a": 2})
    share(rest, device, {"a": 3})
    assert told(watch.next())[1] == {"a": 3}


def test_an_rst_to_a_probe_ends_it(rest, device, watch):
    watch.register()
    for _ in range(2):
        share(rest, device, {"a": 1})
        watch.reject(watch.next(confirm=False))
        watch.client.post(device.token, '{"t":1}')
    probe = watch.next(0.7, confirm=False)
    if probe is not None:
        watch.reject(probe)
    share(rest, device, {"a": 9})
    watch.client.post(device.token, '{"t":1}')
    assert watch.next(0.7) is None


def test_a_new_address_is_tried_when_the_old_one_is_silent(rest, device, watch):
    watch.register()
    share(rest, device, {"a": 1})
    assert watch.next() is not None
    # Two workers may read two sockets in any order: by this answer the ACK was taken.
    watch.client.post(device.token, '{"t":0}')
    with RawClient(device.server.coap_port) as moved:
        moved.post(device.token, '{"t":1}')
        share(rest, device, {"a": 2})
        # The old address is silent; what is repeated there comes to the new one as well.
        watch.client = moved
        change = watch.next(8)
        assert (change.type, told(change)[1]) == (CON, {"a": 2})
        share(rest, device, {"a": 3})
        assert told(watch.next())[1] == {"a": 3}


def test_a_closed_port_is_not_waited_for(rest, device, watch):
    # ICMP says that nobody is there: the new address is tried at once, before any time-out.
    # The kernel sends no more than so many of these in a second, for all that run here.
    watch.register()
    share(rest, device, {"a": 0})
    assert watch.next() is not None
    soon = []
    while not any(soon) and len(soon) < 5:
        moved = RawClient(device.server.coap_port)
        moved.post(device.token, '{"t":1}')
        watch.client.socket.close()
        watch.client = moved
        share(rest, device, {"a": len(soon) + 1})
        start = time.monotonic()
        change = watch.next(8)
        assert (change.type, told(change)[1]) == (CON, {"a": len(soon) + 1})
        soon.append(time.monotonic() - start < 0.9)
    assert any(soon)


def test_another_address_of_the_device_does_not_move_it(rest, device, watch):
    watch.register()
    with RawClient(device.server.coap_port) as other:
        other.post(device.token, '{"t":1}')
        share(rest, device, {"a": 1})
        assert told(watch.next())[1] == {"a": 1}
        assert other.receive(0.5) is None


def test_non_notifications_are_paced_and_merged(rest, device):
    with Observer(device, "attributes", type=NON) as watch:
        assert watch.register().type == NON
        share(rest, device, {"a": 1})
        first = watch.next(confirm=False)
        # The first to an endpoint is a CON all the same; here its round trip takes a second.
        assert (first.type, told(first)[1]) == (CON, {"a": 1})
        time.sleep(1)
        watch.acknowledge(first)
        share(rest, device, {"a": 2})
        second = watch.next()
        assert (second.type, told(second)[1]) == (NON, {"a": 2})
        for number in range(3, 6):
            share(rest, device, {"a": number})
        assert watch.next(0.6) is None
        assert told(watch.next(2))[1] == {"a": 5}


def test_another_request_with_the_token_ends_the_observation(rest, device, watch):
    watch.register()
    # Elsewhere it says nothing about it.
    with RawClient(device.server.coap_port) as other:
        message = other.message(POST, f"/api/v1/{device.token}/telemetry", '{"t":1}')
        message.token = watch.token
        assert other.exchange(message).status == "2.01"
    share(rest, device, {"a": 1})
    assert told(watch.next())[1] == {"a": 1}
    message = watch.client.message(POST, f"/api/v1/{device.token}/telemetry", '{"t":2}')
    message.token = watch.token
    assert watch.client.exchange(message).status == "2.01"
    share(rest, device, {"a": 2})
    assert watch.next(0.7) is None


def test_two_observations_of_one_endpoint_have_two_tokens(rest, device, watch):
    watch.register()
    with Observer(device, "rpc", client=watch.client, token=watch.token) as second:
        second.register()
        share(rest, device, {"a": 1})
        assert watch.next(0.7) is None


@pytest.mark.parametrize("feature", ["attributes", "rpc"])
def test_the_end_of_a_device_is_told(rest, device, feature):
    with Observer(device, feature) as watch:
        watch.register()
        rest.delete(f"/api/device/{device.id}")
        end = watch.next()
        assert (end.type, end.status, end.option(OBSERVE)) == (CON, "4.04", None)
        assert watch.get(0).status == "4.01"


def test_a_new_token_ends_observations(rest, device, watch):
    watch.register()
    credentials = rest.get(f"/api/device/{device.id}/credentials")
    credentials["credentialsId"] = device.token + "-new"
    rest.post("/api/device/credentials", credentials)
    end = watch.next()
    assert (end.status, end.option(OBSERVE)) == ("4.01", None)
    share(rest, device, {"a": 1})
    assert watch.next(0.5) is None


def test_only_attributes_and_rpc_are_observed(device, coap):
    for feature in ("telemetry", "claim", "provision"):
        answer = coap.request(GET, f"/api/v1/{device.token}/{feature}", options=[(OBSERVE, b"")])
        assert answer.status == "4.00"


def test_other_observe_values_are_ignored(rest, device, coap):
    share(rest, device, {"a": 1})
    answer = coap.request(GET, f"/api/v1/{device.token}/attributes", options=[(OBSERVE, uint(7))])
    assert (answer.option(OBSERVE), json.loads(answer.payload)) == (None, {"shared": {"a": 1}})
