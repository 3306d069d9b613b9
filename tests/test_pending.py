"""`?pending=`: what waits for a device comes with the answer to its own POST."""

import json
import time

import cbor2
import pytest

from observer import Later, Observer
from raw_coap import ACCEPT, CONTENT_FORMAT, CON, POST, RawClient, uint

EMPTY = {"attributes": {}, "deleted": [], "rpc": [], "more": False}


def post(device, n, feature="telemetry", body='{"t":1}', options=()):
    """The answer of a POST that asks for what is beyond `n`."""
    client = RawClient(device.server.coap_port)
    try:
        return client.request(POST, f"/api/v1/{device.token}/{feature}?pending={n}", body,
                              options=options)
    finally:
        client.socket.close()


def poll(device, n, **more):
    answer = post(device, n, **more)
    assert answer.status == "2.01", answer
    assert answer.option(CONTENT_FORMAT) == uint(50)
    return json.loads(answer.payload)


def share(rest, device, **values):
    rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", values)


def unshare(rest, device, *keys):
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE?keys={','.join(keys)}"
    assert rest.call("DELETE", path).status == 200


def call(rest, device, way="twoway", **more):
    body = {"method": "blink", "params": {"n": 3}, "timeout": 8000, **more}
    return rest.call("POST", f"/api/rpc/{way}/{device.id}", body)


def await_status(rest, ids, status, seconds=5):
    end = time.monotonic() + seconds
    while any(rest.get(f"/api/rpc/persistent/{rpc}")["status"] != status for rpc in ids):
        assert time.monotonic() < end, f"not all are {status}"
        time.sleep(0.01)


def test_without_the_query_nothing_changes(device):
    client = RawClient(device.server.coap_port)
    answer = client.request(POST, f"/api/v1/{device.token}/telemetry", '{"t":1}')
    assert (answer.status, answer.payload) == ("2.01", b"")


def test_changes_come_until_they_are_acknowledged(rest, device):
    share(rest, device, mode="eco", level=3)
    first = poll(device, 0)
    assert first["attributes"] == {"mode": "eco", "level": 3}
    assert poll(device, 0) == first
    share(rest, device, level=4)
    unshare(rest, device, "mode")
    second = poll(device, first["seq"])
    assert (second["attributes"], second["deleted"]) == ({"level": 4}, ["mode"])
    assert second["seq"] > first["seq"]
    assert poll(device, second["seq"]) == {**EMPTY, "seq": second["seq"]}


def test_a_call_comes_with_the_answer_and_is_answered(rest, device):
    seq = poll(device, 0)["seq"]
    waiting = Later(call, rest, device)
    while not (found := poll(device, seq))["rpc"]:
        time.sleep(0.02)
    assert found["rpc"] == [{"id": 1, "method": "blink", "params": {"n": 3}}]
    after = poll(device, found["seq"], feature="rpc/1", body='{"ok":true}')
    assert after["rpc"] == []
    answer = waiting.result()
    assert (answer.status, answer.json()) == (200, {"ok": True})


def test_persistent_calls_are_delivered_by_their_number(rest, device):
    poll(device, 0)
    ids = [call(rest, device, persistent=True).json()["rpcId"] for _ in range(3)]
    found = poll(device, 0)
    assert [rpc["id"] for rpc in found["rpc"]] == [1, 2, 3]
    await_status(rest, ids, "SENT")
    assert poll(device, found["seq"])["rpc"] == []
    await_status(rest, ids, "DELIVERED")
    poll(device, found["seq"], feature="rpc/2", body='{"done":2}')
    await_status(rest, ids[1:2], "SUCCESSFUL")


def test_an_answer_fits_into_one_block(rest, device):
    values = {f"key-{i:03}": "x" * 40 for i in range(60)}
    share(rest, device, **values)
    got, seq, rounds = {}, 0, 0
    while True:
        answer = post(device, seq)
        assert len(answer.payload) <= 1024
        found = json.loads(answer.payload)
        assert found["seq"] > seq and not got.keys() & found["attributes"].keys()
        got |= found["attributes"]
        seq, rounds = found["seq"], rounds + 1
        if not found["more"]:
            break
    assert got == values and rounds > 2


def test_cbor_comes_to_who_accepts_it(rest, device):
    share(rest, device, mode="eco", level=3.5, on=True, j={"a": [1, None]})
    answer = post(device, 0, options=[(ACCEPT, uint(60))])
    assert (answer.status, answer.option(CONTENT_FORMAT)) == ("2.01", uint(60))
    found = cbor2.loads(answer.payload)
    assert found["attributes"] == {"mode": "eco", "level": 3.5, "on": True, "j": {"a": [1, None]}}
    assert found["more"] is False


@pytest.mark.parametrize("feature", ["telemetry", "attributes"])
def test_the_request_counts_first(rest, device, feature):
    share(rest, device, mode="eco")
    found = poll(device, 0, feature=feature, body='{"here":5}')
    assert found["attributes"] == {"mode": "eco"}
    scope = "timeseries" if feature == "telemetry" else "attributes/CLIENT_SCOPE"
    values = rest.get(f"/api/plugins/telemetry/DEVICE/{device.id}/values/{scope}")
    assert "here" in json.dumps(values)


@pytest.mark.parametrize("n", ["", "x", "-1", "1.5", "18446744073709551616"])
def test_a_bad_number_is_refused_before_any_effect(rest, device, n):
    answer = post(device, n)
    assert answer.status == "4.00" and b"pending" in answer.payload
    assert rest.get(f"/api/plugins/telemetry/DEVICE/{device.id}/keys/timeseries") == []


def test_a_format_that_is_not_there_is_refused_before_any_effect(rest, device):
    answer = post(device, 0, options=[(ACCEPT, uint(112))])
    assert answer.status == "4.06" and b"CBOR" in answer.payload
    assert rest.get(f"/api/plugins/telemetry/DEVICE/{device.id}/keys/timeseries") == []


def test_a_request_that_is_refused_has_no_answer_of_it(device):
    answer = post(device, 0, body="{")
    assert answer.status == "4.00" and b"byte" in answer.payload


def test_a_repeat_gets_the_same_answer(rest, device):
    share(rest, device, a=1)
    client = RawClient(device.server.coap_port)
    message = client.message(POST, f"/api/v1/{device.token}/telemetry?pending=0", b'{"t":1}')
    first = client.exchange(message)
    share(rest, device, a=2)
    assert client.exchange(message).payload == first.payload


def test_an_observer_has_it_once(rest, device):
    with Observer(device, "attributes") as observer:
        observer.register()
        seq = poll(device, 0)["seq"]
        share(rest, device, a=1)
        # It is not acknowledged: the device asks instead.
        assert observer.next(confirm=False) is not None
        found = poll(device, seq)
        assert found["attributes"] == {"a": 1}
        poll(device, found["seq"])
        share(rest, device, b=2)
        end = time.monotonic() + 8
        while json.loads(observer.next(end - time.monotonic()).payload) != {"b": 2}:
            assert time.monotonic() < end


def test_it_goes_on_after_a_restart(rest, device):
    share(rest, device, a=1)
    seq = poll(device, 0)["seq"]
    share(rest, device, b=2)
    rpc = call(rest, device, persistent=True, timeout=60000).json()["rpcId"]
    device.server.restart("kill")
    found = poll(device, seq)
    assert found["attributes"] == {"b": 2}
    assert [item["method"] for item in found["rpc"]] == ["blink"]
    poll(device, found["seq"])
    await_status(rest, [rpc], "DELIVERED")
