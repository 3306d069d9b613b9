"""Devices that speak HTTP wait for calls and changes, answer, and call the server; beside CoAP."""

import json
import socket
import time

import pytest

from observer import Later, Observer
from raw_coap import POST, RawClient
from rest_client import Rest

CALL = {"method": "blink", "params": {"n": 3}, "timeout": 8000}
TOLD = {"id": 1, "method": "blink", "params": {"n": 3}}
UNHEARD = (408, b"")


@pytest.fixture
def http(server):
    """Nobody is logged in."""
    return Rest(server.http_port)


def path(device, feature):
    return f"/api/v1/{device.token}/{feature}"


def wait(http, device, feature, timeout=6000):
    return http.call("GET", path(device, feature), query={"timeout": timeout})


def parked(server):
    """How many requests the server has parked."""
    text = Rest(server.http_port).call("GET", "/metrics").body.decode()
    return int(next(line for line in text.splitlines()
                    if line.startswith('motehub_table_used{table="rest-parked"}')).split()[1])


def wait_parked(server, count, seconds=5):
    end = time.monotonic() + seconds
    while parked(server) != count:
        assert time.monotonic() < end, f"{parked(server)} are parked, not {count}"
        time.sleep(0.02)


def begin(server, http, device, feature, timeout=6000):
    """A request that waits: it is parked when this returns."""
    before = parked(server)
    later = Later(wait, http, device, feature, timeout)
    wait_parked(server, before + 1)
    return later


def call(rest, device, way="twoway", place="/api/rpc", **more):
    return rest.call("POST", f"{place}/{way}/{device.id}", {**CALL, **more})


def persist(rest, device, way="twoway", **more):
    return call(rest, device, way, persistent=True, timeout=20000, **more).json()["rpcId"]


def await_status(rest, rpc, status, seconds=8):
    end = time.monotonic() + seconds
    while (found := rest.get(f"/api/rpc/persistent/{rpc}"))["status"] != status:
        assert time.monotonic() < end, f"it stays {found['status']}: {found}"
        time.sleep(0.02)
    return found


def share(rest, device, **values):
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", values)


def raw_wait(server, device, feature):
    """A socket on which a request waits, to be closed at any time."""
    peer = socket.create_connection(("127.0.0.1", server.http_port), 10)
    peer.sendall(f"GET {path(device, feature)}?timeout=20000 HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return peer


@pytest.mark.parametrize("place", ["/api/rpc", "/api/plugins/rpc"])
def test_a_twoway_call_is_fetched_and_answered(server, http, rest, device, place):
    waiting = begin(server, http, device, "rpc")
    caller = Later(call, rest, device, "twoway", place)
    got = waiting.result()
    assert (got.status, got.json()) == (200, TOLD)
    answer = http.call("POST", path(device, "rpc/1"), {"done": True})
    assert (answer.status, answer.body) == (200, b"")
    back = caller.result()
    assert (back.status, back.json()) == (200, {"done": True})


def test_calls_that_wait_are_fetched_by_id(http, rest, device):
    callers = [Later(call, rest, device, "oneway")]
    time.sleep(0.2)
    callers.append(Later(call, rest, device, "oneway", params=2))
    time.sleep(0.2)
    assert [wait(http, device, "rpc").json()["id"] for _ in range(2)] == [1, 2]
    assert [caller.result().status for caller in callers] == [200, 200]


@pytest.mark.parametrize("place,status", [("/api/rpc", 504), ("/api/plugins/rpc", 408)])
def test_a_device_that_does_not_answer_is_silent(server, http, rest, device, place, status):
    waiting = begin(server, http, device, "rpc")
    caller = Later(call, rest, device, "twoway", place, timeout=5000)
    assert waiting.result().json() == TOLD
    assert caller.result().status == status


def test_persistent_calls_have_their_states(http, rest, device):
    oneway, twoway = persist(rest, device, "oneway"), persist(rest, device)
    assert await_status(rest, oneway, "QUEUED") and await_status(rest, twoway, "QUEUED")
    assert wait(http, device, "rpc").json()["id"] == 1
    await_status(rest, oneway, "DELIVERED")
    assert wait(http, device, "rpc").json()["id"] == 2
    await_status(rest, twoway, "DELIVERED")
    http.call("POST", path(device, "rpc/2"), {"y": 2})
    assert await_status(rest, twoway, "SUCCESSFUL")["response"] == {"y": 2}


@pytest.mark.parametrize("feature", ["rpc", "attributes/updates"])
def test_nothing_in_time_is_408(http, device, feature):
    start = time.monotonic()
    answer = wait(http, device, feature, 300)
    assert (answer.status, answer.body) == UNHEARD
    assert 0.25 < time.monotonic() - start < 3


def test_waits_have_a_default_and_a_limit(place, rest_of):
    server = place.server(settings=["http.device-wait=300ms", "http.device-wait-max=600ms"])
    server.start()
    device, _ = rest_of(server, "short")
    http = Rest(server.http_port)
    for query, least, most in (({}, 0.25, 0.58), ({"timeout": 0}, 0.25, 0.58),
                               ({"timeout": -5}, 0.25, 0.58), ({"timeout": 100000}, 0.58, 3)):
        start = time.monotonic()
        answer = http.call("GET", path(device, "rpc"), query=query)
        assert (answer.status, answer.body) == UNHEARD
        assert least < time.monotonic() - start < most, query


def test_changes_are_told_one_way_or_the_other(server, http, rest, device):
    share(rest, device, before=1)
    waiting = begin(server, http, device, "attributes/updates")
    share(rest, device, a=1, s="x", j={"k": [1]})
    assert waiting.result().json() == {"a": 1, "s": "x", "j": {"k": [1]}}
    waiting = begin(server, http, device, "attributes/updates")
    rest.delete(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE?keys=a")
    assert waiting.result().json() == {"deleted": ["a"]}
    # Other scopes are not told.
    waiting = begin(server, http, device, "attributes/updates", 1000)
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SERVER_SCOPE", {"b": 1})
    http.call("POST", path(device, "attributes"), {"c": 1})
    answer = waiting.result()
    assert (answer.status, answer.body) == UNHEARD


def test_changes_between_two_waits_and_over_a_restart_are_not_lost(place, rest_of):
    server = place.server()
    server.start()
    device, rest = rest_of(server, "slow")
    http = Rest(server.http_port)
    assert wait(http, device, "attributes/updates", 100).status == 408
    share(rest, device, a=1, b=1)
    server.restart("kill")
    share(rest, device, b=2)
    assert wait(http, device, "attributes/updates").json() == {"a": 1, "b": 2}
    server.restart("stop")
    assert wait(http, device, "attributes/updates", 300).status == 408


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_call_is_not_lost_with_its_peer(server, http, rest, device, is_seen):
    before = parked(server)
    peer = raw_wait(server, device, "rpc")
    wait_parked(server, before + 1)
    peer.close()
    if is_seen:
        # Seen within a second, long before its time-out.
        wait_parked(server, before)
    rpc = persist(rest, device)
    time.sleep(0.3)
    assert rest.get(f"/api/rpc/persistent/{rpc}")["status"] == "QUEUED"
    assert wait(http, device, "rpc").json() == TOLD
    await_status(rest, rpc, "DELIVERED")


def test_a_change_is_not_lost_with_its_peer(server, http, rest, device):
    before = parked(server)
    peer = raw_wait(server, device, "attributes/updates")
    wait_parked(server, before + 1)
    peer.close()
    share(rest, device, a=1)
    assert wait(http, device, "attributes/updates").json() == {"a": 1}


def test_a_newer_wait_ends_the_older(server, http, rest, device):
    older = begin(server, http, device, "rpc", 20000)
    other = begin(server, http, device, "attributes/updates", 3000)
    newer = Later(wait, http, device, "rpc")
    assert older.result(5).status == 408
    caller = Later(call, rest, device, "oneway")
    assert newer.result().json() == TOLD
    assert caller.result().status == 200
    assert other.result().status == 408


def test_many_devices_wait_without_a_thread_each(server, http, rest, place, rest_of):
    # More than there are threads; each gets its own.
    devices = [rest_of(server, f"many-{number}")[0] for number in range(24)]
    waiting = [begin(server, http, one, "rpc", 15000) for one in devices]
    for number, one in enumerate(devices):
        assert call(rest, one, "oneway", params=number).status == 200
    assert [one.result().json()["params"] for one in waiting] == list(range(24))


def test_one_call_goes_to_one_place_at_a_time(server, http, rest, device):
    with Observer(device, "rpc") as watch:
        watch.register()
        # While a request waits it comes there, and the observer hears nothing of it.
        waiting = begin(server, http, device, "rpc")
        caller = Later(call, rest, device)
        assert waiting.result().json() == TOLD
        assert watch.next(0.3) is None
        http.call("POST", path(device, "rpc/1"), {"by": "http"})
        assert caller.result().json() == {"by": "http"}
        # Nobody waits: to the observer; what it has not confirmed is not given to another.
        caller = Later(call, rest, device, params=2)
        message = watch.next(confirm=False)
        assert json.loads(message.payload)["id"] == 2
        assert wait(http, device, "rpc", 300).status == 408
        watch.acknowledge(message)
        assert watch.answer(message, {"by": "coap"}) == "2.01"
        assert caller.result().json() == {"by": "coap"}
        # The peer went without a word: the observer has it.
        peer = raw_wait(server, device, "rpc")
        time.sleep(0.3)
        peer.close()
        caller = Later(call, rest, device, params=3)
        assert watch.answer(watch.next(), {"by": "coap"}) == "2.01"
        assert caller.result().json() == {"by": "coap"}


def test_an_answer_may_come_by_the_other_protocol(server, http, rest, device, coap):
    waiting = begin(server, http, device, "rpc")
    caller = Later(call, rest, device)
    waiting.result()
    assert coap.request(POST, path(device, "rpc/1"), '{"by":"coap"}').status == "2.01"
    assert caller.result().json() == {"by": "coap"}


def test_one_change_is_told_once(server, http, rest, device):
    with Observer(device, "attributes") as watch:
        watch.register()
        waiting = begin(server, http, device, "attributes/updates")
        share(rest, device, a=1)
        assert waiting.result().json() == {"a": 1}
        assert watch.next(0.3) is None
        share(rest, device, b=2)
        assert json.loads(watch.next().payload) == {"b": 2}
        assert wait(http, device, "attributes/updates", 300).status == 408


@pytest.mark.parametrize("body,status", [
    ({"method": "getTime", "params": {}}, 408), ({"method": 5}, 408), ({"params": 1}, 400),
    ({"method": None}, 400), ({"method": {}}, 400), ([], 400), (b"{", 400), (b"", 400)])
def test_a_call_to_the_server_waits_and_ends(place, rest_of, body, status):
    server = place.server(settings=["coap.timeout=300ms"])
    server.start()
    device, _ = rest_of(server, "asks")
    start = time.monotonic()
    answer = Rest(server.http_port).call("POST", path(device, "rpc"), body)
    assert answer.status == status
    assert (time.monotonic() - start > 0.25) == (status == 408)
    assert status != 408 or answer.body == b""


def test_a_call_to_the_server_is_the_same_event_over_both_protocols(place, rest_of):
    server = place.server(settings=["coap.timeout=300ms", "log.level=debug"])
    server.start()
    device, _ = rest_of(server, "asks")
    ask = {"method": "getTime", "params": {}}
    assert Rest(server.http_port).call("POST", path(device, "rpc"), ask).status == 408
    with RawClient(server.coap_port) as coap:
        assert coap.request(POST, path(device, "rpc"), json.dumps(ask)).status == "5.04"
    lines = [line for line in server.log().splitlines() if "plan.event" in line]
    assert len(lines) == 2 and all("TO_SERVER_RPC_REQUEST" in line for line in lines), lines
    assert all("getTime" in line for line in lines)


def test_too_many_calls_of_one_device_are_refused(server, http, device):
    asks = [Later(http.call, "POST", path(device, "rpc"), {"method": "m"}) for _ in range(17)]
    assert sorted(ask.result().status for ask in asks) == [408] * 16 + [429]


@pytest.mark.parametrize("feature,body,text", [
    ("rpc/x", {}, "rpc/{id}: the id is not a number"),
    ("rpc/-1", {}, "rpc/{id}: the id is not a number"),
    ("rpc/4294967296", {}, "rpc/{id}: the id is not a number"),
    ("rpc/1", [], "the body is not a JSON object"), ("rpc/1", b"{", "byte 1")])
def test_bad_answers_are_refused(http, device, feature, body, text):
    answer = http.call("POST", path(device, feature), body)
    assert (answer.status, answer.json()["errorCode"]) == (400, 31)
    assert text in answer.json()["message"]


def test_an_answer_that_nobody_waits_for_is_taken(http, device):
    assert http.call("POST", path(device, "rpc/7"), {"x": 1}).status == 200


def test_a_bad_timeout_is_refused(http, device):
    answer = http.call("GET", path(device, "rpc"), query={"timeout": "soon"})
    assert answer.json()["message"] == "Parameter 'timeout' is not a number: soon"


def test_a_head_takes_nothing(http, rest, device):
    rpc = persist(rest, device)
    assert http.call("HEAD", path(device, "rpc")).status == 400
    assert rest.get(f"/api/rpc/persistent/{rpc}")["status"] == "QUEUED"


def test_unknown_tokens_are_401_and_limited(place):
    server = place.server(settings=["auth.login-rate=5:3600"])
    server.start()
    http = Rest(server.http_port)
    stranger = type("Stranger", (), {"token": "NOBODY"})
    asks = [("GET", "rpc", None), ("GET", "attributes/updates", None), ("POST", "rpc", {}),
            ("POST", "rpc/1", {}), ("GET", "attributes", None), ("GET", "rpc", None)]
    answers = [http.call(method, path(stranger, feature), body) for method, feature, body in asks]
    assert [(one.status, one.body) for one in answers[:5]] == [(401, b"")] * 5
    assert answers[5].status == 429


@pytest.mark.parametrize("how", ["delete", "rotate"])
def test_a_wait_ends_with_its_credential(server, http, rest, device, how):
    waiting = begin(server, http, device, "rpc", 20000)
    if how == "delete":
        rest.delete(f"/api/device/{device.id}")
    else:
        old = rest.get(f"/api/device/{device.id}/credentials")
        rest.post("/api/device/credentials", {**old, "credentialsId": device.token + "-new"})
    answer = waiting.result(5)
    assert (answer.status, answer.body) == (401, b"")


def test_a_full_table_is_said(place, rest_of):
    server = place.server(settings=["http.parked=1"])
    server.start()
    (one, _), (two, _) = rest_of(server, "one"), rest_of(server, "two")
    http = Rest(server.http_port)
    waiting = begin(server, http, one, "rpc", 1500)
    assert wait(http, two, "rpc").status == 503
    assert waiting.result().status == 408
    assert wait(http, two, "rpc", 100).status == 408


def test_a_stopping_server_answers_those_that_wait(place, rest_of):
    server = place.server()
    server.start()
    device, _ = rest_of(server, "waits")
    http = Rest(server.http_port)
    waiting = [begin(server, http, device, "rpc", 60000),
               begin(server, http, device, "attributes/updates", 60000)]
    start = time.monotonic()
    server.stop()
    assert [one.result().status for one in waiting] == [503, 503]
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("feature", ["rpc", "attributes/updates", "attributes"])
def test_asking_makes_active_and_connects_nothing(place, rest_of, feature):
    server = place.server(settings=["presence.sweep-every=200ms"])
    server.start()
    device, rest = rest_of(server, "asks")
    wait(Rest(server.http_port), device, feature, 100)
    found, end = {}, time.monotonic() + 5
    while not found.get("active"):
        assert time.monotonic() < end, f"never active: {found}"
        time.sleep(0.05)
        found = {one["key"]: one["value"] for one in rest.get(
            f"/api/plugins/telemetry/DEVICE/{device.id}/values/attributes/SERVER_SCOPE")}
    assert "lastConnectTime" not in found and "lastDisconnectTime" not in found
