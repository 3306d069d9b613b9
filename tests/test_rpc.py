"""Calls to devices and from devices beyond the tables of tests/scenarios (RP, CT)."""

import json
import socket
import time

import pytest

from conftest import Device
from observer import Later, Observer
from raw_coap import GET, OBSERVE, POST, RawClient, uint
from rest_client import SYSADMIN, Rest
from test_http_visits import wait_parked
from test_tenants import make_tenant
from test_users import activate, address

CALL = {"method": "setGpio1", "params": {"pin": "21", "value": 1}, "timeout": 6000}
RESULT = {"value1": "A", "value2": "B"}


def call(rest, device, body, way="twoway", place="/api/rpc"):
    return rest.call("POST", f"{place}/{way}/{device.id}", {**CALL, **body})


def persist(rest, device, way="twoway", **more):
    """A persistent call: its id."""
    answer = call(rest, device, {"persistent": True, "timeout": 20000, **more}, way)
    assert answer.status == 200, answer
    return answer.json()["rpcId"]


def stored(rest, rpc):
    return rest.get(f"/api/rpc/persistent/{rpc}")


def await_status(rest, rpc, status, seconds=8):
    end = time.monotonic() + seconds
    while (found := stored(rest, rpc))["status"] != status:
        assert time.monotonic() < end, f"it stays {found['status']}: {found}"
        time.sleep(0.02)
    return found


@pytest.fixture
def watch(device):
    with Observer(device, "rpc") as observer:
        yield observer


def test_a_silent_device_is_504_or_408(rest, device, watch):
    watch.register()
    both = [Later(call, rest, device, {"timeout": 5000}, "twoway", place)
            for place in ("/api/rpc", "/api/plugins/rpc")]
    assert watch.next() is not None and watch.next() is not None
    assert sorted(one.result().status for one in both) == [408, 504]


def test_a_call_waits_for_the_observation(rest, device, watch):
    waiting = Later(call, rest, device, {})
    time.sleep(0.3)
    watch.register()
    watch.answer(watch.next(), RESULT)
    assert waiting.result().json() == RESULT


def test_calls_go_one_after_the_other_by_id(rest, device, watch):
    watch.register()
    waiting = []
    for number in range(1, 5):
        waiting.append(Later(call, rest, device, {"params": number}, "oneway"))
        time.sleep(0.1)
    ids = []
    for _ in range(4):
        message = watch.next(confirm=False)
        assert watch.next(0.2, confirm=False) is None, "two at a time"
        watch.acknowledge(message)
        ids.append((json.loads(message.payload)["id"], json.loads(message.payload)["params"]))
    assert ids == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert {one.result().status for one in waiting} == {200}


def test_an_answer_from_another_address_counts_and_gets_no_calls(rest, device, watch):
    # The second terminal of the guide: another port, and by chance the same CoAP token.
    watch.register()
    for number in range(1, 4):
        waiting = Later(call, rest, device, {"params": number})
        message = watch.next()
        with Observer(device, "rpc", token=watch.token) as other:
            assert other.answer(message, {"got": number}) == "2.01"
            assert waiting.result().json() == {"got": number}
            assert other.client.receive(0.2) is None


def test_an_answer_that_nobody_waits_for_is_taken(device, coap):
    assert coap.request(POST, f"/api/v1/{device.token}/rpc/77", "{}").status == "2.01"


def test_an_id_must_be_a_number(device, coap):
    answer = coap.request(POST, f"/api/v1/{device.token}/rpc/abc", "{}")
    assert (answer.status, answer.text) == ("4.00", "rpc/{id}: the id is not a number")


def test_a_get_without_observe_is_refused(device, coap):
    assert coap.request(GET, f"/api/v1/{device.token}/rpc").status == "4.00"


def test_the_debug_terminals_own_request(rest, device, watch):
    watch.register()
    waiting = Later(rest.call, "POST", f"/api/rpc/twoway/{device.id}", {
        "method": "help", "params": "text", "timeout": 500, "persistent": False,
        "retries": "0bf2f1a6-1a90-4a3c-8a8c-0d8c1f2f3a4b"})
    message = watch.next()
    assert json.loads(message.payload)["params"] == "text"
    watch.answer(message, {"ok": True})
    assert waiting.result().json() == {"ok": True}


def test_too_many_waiting_calls_are_429(rest, device):
    for _ in range(100):
        persist(rest, device)
    answer = call(rest, device, {"persistent": True})
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")


def test_persistent_calls_pass_their_states(rest, device, watch):
    rpc = persist(rest, device, retries=2, additionalInfo={"why": "test"})
    queued = stored(rest, rpc)
    assert (queued["status"], queued["response"]) == ("QUEUED", None)
    assert queued["additionalInfo"] == {"why": "test"}
    assert queued["request"]["body"] == {"method": "setGpio1",
                                         "params": '{"pin":"21","value":1}'}
    assert (queued["request"]["retries"], queued["request"]["oneway"]) == (2, False)
    assert queued["deviceId"]["id"] == device.id
    watch.register()
    message = watch.next(confirm=False)
    await_status(rest, rpc, "SENT")
    watch.acknowledge(message)
    await_status(rest, rpc, "DELIVERED")
    assert watch.answer(message, RESULT) == "2.01"
    assert stored(rest, rpc)["status"] == "SUCCESSFUL"
    assert stored(rest, rpc)["response"] == RESULT
    rest.delete(f"/api/rpc/persistent/{rpc}")
    assert rest.call("GET", f"/api/rpc/persistent/{rpc}").status == 404


def test_a_persistent_oneway_call_ends_delivered(rest, device, watch):
    rpc = persist(rest, device, "oneway")
    watch.register()
    assert watch.next() is not None
    await_status(rest, rpc, "DELIVERED")
    watch.register()
    assert watch.next(0.5) is None


def test_a_persistent_call_expires(rest, device):
    rpc = persist(rest, device, timeout=5000)
    await_status(rest, rpc, "EXPIRED")
    past = persist(rest, device, expirationTime=1000)
    await_status(rest, past, "EXPIRED")


def test_persistent_calls_survive_a_kill_and_are_not_sent_again(place, rest_of):
    server = place.server()
    server.start()
    device, rest = rest_of(server, "sleeper")
    with Observer(device, "rpc") as watch:
        watch.register()
        done = persist(rest, device, params="done")
        taken = watch.next()
        await_status(rest, done, "DELIVERED")
        server.kill()
        server.start()
        later = persist(rest, device, params="later")
        message = watch.next()
        assert json.loads(message.payload)["params"] == "later"
        assert json.loads(message.payload)["id"] > json.loads(taken.payload)["id"]
        watch.answer(message, RESULT)
        watch.answer(taken, RESULT)
        assert stored(rest, done)["status"] == stored(rest, later)["status"] == "SUCCESSFUL"


@pytest.mark.parametrize("far", [{"timeout": 3600000},
                                 {"expirationTime": int(time.time() * 1000) + 3600000}])
def test_nobody_waits_longer_than_a_call_may_last(place, rest_of, far):
    server = place.server(settings=["rpc.timeout-max=700ms"])
    server.start()
    device, rest = rest_of(server, "silent")
    begin = time.monotonic()
    assert call(rest, device, far).status == 504
    assert 0.6 < time.monotonic() - begin < 5
    # Nobody waits for a persistent one.
    rpc = persist(rest, device, **far)
    until = stored(rest, rpc)["expirationTime"]
    assert until > (time.time() + 3500) * 1000
    assert "expirationTime" not in far or until == far["expirationTime"]


def test_half_of_the_places_is_left_to_other_tenants(place, rest_of):
    server = place.server(settings=["http.parked=4", "rpc.timeout-min=1s"])
    server.start()
    (one, rest), (two, _) = rest_of(server, "one"), rest_of(server, "two")
    waiting = [Later(call, rest, device, {"timeout": 3000}) for device in (one, two)]
    wait_parked(server, 2)
    refused = call(rest, one, {"timeout": 3000})
    assert refused.status == 429
    assert refused.json()["message"] == "Too many requests of this tenant wait already"
    # So are its devices that wait over HTTP, and nobody else.
    answer = Rest(server.http_port).call("GET", f"/api/v1/{two.token}/rpc?timeout=100")
    assert answer.status == 429
    system = Rest(server.http_port).log_in(*SYSADMIN)
    user = system.post("/api/user", {"email": address(), "authority": "TENANT_ADMIN",
                                     "tenantId": make_tenant(system)["id"]})
    other = activate(system, user)
    theirs = Device(server, other, "theirs", "TOKEN-theirs")
    assert call(other, theirs, {"timeout": 3000}).status == 504
    assert [one.result().status for one in waiting] == [504, 504]


def test_a_deleted_call_is_not_sent(rest, device, watch):
    rpc = persist(rest, device)
    rest.delete(f"/api/rpc/persistent/{rpc}")
    assert rest.call("GET", f"/api/rpc/persistent/{rpc}").status == 404
    watch.register()
    assert watch.next(0.5) is None


def test_persistent_calls_are_listed(rest, device):
    made = [persist(rest, device, params=number) for number in range(5)]
    path = f"/api/rpc/persistent/device/{device.id}"
    page = rest.get(path, pageSize=2, page=0, sortProperty="createdTime", sortOrder="ASC")
    assert [one["id"]["id"] for one in page["data"]] == made[:2]
    assert (page["totalElements"], page["totalPages"], page["hasNext"]) == (5, 3, True)
    last = rest.get(path, pageSize=10, page=0, sortProperty="createdTime", sortOrder="DESC",
                    rpcStatus="QUEUED")
    assert [one["id"]["id"] for one in last["data"]] == made[::-1]
    assert rest.get(path, pageSize=10, page=0, rpcStatus="FAILED")["data"] == []
    assert rest.call("GET", path, query={"pageSize": 1, "page": 0,
                                         "rpcStatus": "DELETED"}).status == 400


def test_listed_calls_are_searched_and_sorted(rest, device, watch):
    path = f"/api/rpc/persistent/device/{device.id}"

    def listed(**query):
        page = rest.get(path, pageSize=10, page=0, **query)
        assert page["totalElements"] == len(page["data"])
        return [names[one["id"]["id"]] for one in page["data"]]

    names = {persist(rest, device, method=method, params=params): name for name, method, params in [
        ("blink", "setLed", {"mode": "Blink"}), ("on", "setLed", {"mode": "on"}),
        ("reboot", "reboot", None)]}
    assert listed(textSearch="SETLED", sortProperty="createdTime") == ["blink", "on"]
    assert listed(textSearch="blink") == ["blink"]
    assert listed(textSearch="led", rpcStatus="FAILED") == []
    assert listed(textSearch="nothing") == []
    assert listed(sortProperty="request") == ["reboot", "blink", "on"]
    assert listed(sortProperty="request", sortOrder="DESC") == ["on", "blink", "reboot"]
    watch.register()
    for result in ({"r": 2}, {"r": 3}, {"r": 1}):
        watch.answer(watch.next(), result)
    assert listed(sortProperty="response") == ["reboot", "blink", "on"]
    assert listed(sortProperty="response", textSearch="set", sortOrder="DESC") == ["on", "blink"]
    refused = rest.call("GET", path, query={"pageSize": 1, "page": 0, "sortProperty": "status"})
    assert (refused.status, refused.body) == (400, b"Unsupported sort property 'status'")


def test_a_call_of_a_device_times_out(place, rest_of):
    server = place.server(settings=["coap.timeout=700ms"])
    server.start()
    device, _ = rest_of(server, "caller")
    with RawClient(server.coap_port) as coap:
        start = time.monotonic()
        answer = coap.request(POST, f"/api/v1/{device.token}/rpc", '{"method":"getTime"}')
        assert (answer.status, answer.text) == ("5.04", "nothing answers calls of devices")
        assert 0.6 < time.monotonic() - start < 3
        bad = coap.request(POST, f"/api/v1/{device.token}/rpc", '{"params":1}')
        assert (bad.status, bad.text) == ("4.00", "the call has no method")


def test_waiting_calls_hold_no_thread_and_end_with_the_server(place, rest_of):
    server = place.server(settings=["rpc.per-device=1000", "http.threads=2"])
    server.start()
    device, rest = rest_of(server, "patient")
    body = json.dumps({**CALL, "timeout": 60000}).encode()
    request = (f"POST /api/rpc/twoway/{device.id} HTTP/1.1\r\nHost: h\r\n"
               f"X-Authorization: Bearer {rest.token}\r\nContent-Length: {len(body)}\r\n"
               "Connection: close\r\n\r\n").encode() + body
    waiting = [socket.create_connection(("127.0.0.1", server.http_port)) for _ in range(400)]
    for one in waiting:
        one.sendall(request)
    with Observer(device, "rpc") as watch:
        watch.register()
        message = watch.next()
        assert watch.answer(message, RESULT) == "2.01"
        # The first of them was answered; people are served meanwhile.
        assert rest.get("/api/auth/user")["authority"] == "TENANT_ADMIN"
    server.stop()
    answers = [b"".join(iter(lambda one=one: one.recv(65536), b"")) for one in waiting]
    codes = sorted(answer.split(b" ")[1] for answer in answers)
    assert codes == [b"200"] + [b"503"] * 399
    for one in waiting:
        one.close()


@pytest.mark.parametrize("observe", [0, 1])
def test_observing_calls_by_id_is_refused(device, coap, observe):
    answer = coap.request(GET, f"/api/v1/{device.token}/rpc/5", options=[(OBSERVE, uint(observe))])
    assert answer.status == "4.00"
