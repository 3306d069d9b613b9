"""WebSocket: log-in, subscriptions with a snapshot first and each change after it, histories."""

import asyncio
import json

import pytest
import websockets

from raw_coap import POST, RawClient
from rest_client import CUSTOMER, Rest


SIMPLE = ["subscriptionId", "errorCode", "errorMsg", "data", "latestValues"]
ENTITY_DATA = ["cmdId", "errorCode", "errorMsg", "cmdUpdateType", "data", "update",
               "allowedEntities"]
COUNT_DATA = ["cmdId", "errorCode", "errorMsg", "cmdUpdateType", "count"]


def check_shape(frame):
    """The members of a frame, in order, by its kind."""
    kind = frame.get("cmdUpdateType")
    assert list(frame) == {None: SIMPLE, "ENTITY_DATA": ENTITY_DATA, "COUNT_DATA": COUNT_DATA}[kind]
    rows = frame.get("update") or []
    if kind == "ENTITY_DATA" and frame["data"] is not None:
        assert list(frame["data"]) == ["data", "totalPages", "totalElements", "hasNext"]
        assert frame["update"] is None
        rows = frame["data"]["data"]
    for row in rows:
        assert list(row) == ["entityId", "latest", "timeseries", "aggLatest"]
        assert list(row["entityId"]) == ["entityType", "id"] and row["aggLatest"] == {}
        for group, cells in row["latest"].items():
            for cell in cells.values():
                assert list(cell) == ["ts", "value"] + (["count"] if group == "TIME_SERIES" else [])
        for points in row["timeseries"].values():
            assert all(list(point) == ["ts", "value"] for point in points)


class Live:
    """A connection, driven by an event loop of the test's own."""

    def __init__(self, rest, path="/api/ws/plugins/telemetry", token=None):
        self.loop = asyncio.new_event_loop()
        self.url = f"ws://127.0.0.1:{rest.port}{path}"
        if token is None and path.endswith("telemetry"):
            token = rest.token
        self.url += f"?token={token}" if token else ""

    def __enter__(self):
        async def open_it():
            return await websockets.connect(self.url, max_size=None)
        self.connection = self.run(open_it())
        return self

    def __exit__(self, *_):
        self.run(self.connection.close())
        self.loop.close()

    def run(self, what):
        return self.loop.run_until_complete(what)

    def send(self, content):
        self.run(self.connection.send(content if isinstance(content, str) else json.dumps(content)))

    def next(self, seconds=5):
        """The next frame, or None."""
        async def wait():
            try:
                return json.loads(await asyncio.wait_for(self.connection.recv(), seconds))
            except asyncio.TimeoutError:
                return None
        frame = self.run(wait())
        if frame is not None:
            check_shape(frame)
        return frame

    def close_code(self, seconds=15):
        async def wait():
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(self.connection.recv(), seconds)
            return self.connection.close_code
        return self.run(wait())


def command(device, number=1, **more):
    return {"cmdId": number, "entityType": "DEVICE", "entityId": device.id, **more}


def post(device, content, feature="telemetry"):
    with RawClient(device.server.coap_port) as coap:
        answer = coap.request(POST, f"/api/v1/{device.token}/{feature}", json.dumps(content))
        assert answer.status == "2.01"


@pytest.fixture
def live(rest):
    with Live(rest) as connection:
        yield connection


def test_series_snapshot_then_each_point(device, live):
    post(device, {"ts": 1000, "values": {"t": 1}})
    live.send({"tsSubCmds": [command(device, scope="LATEST_TELEMETRY")]})
    assert live.next() == {"subscriptionId": 1, "errorCode": 0, "errorMsg": None,
                           "data": {"t": [[1000, "1"]]}, "latestValues": {"t": 1000}}
    post(device, {"ts": 2000, "values": {"t": 2.5, "u": "x"}})
    assert live.next()["data"] == {"t": [[2000, "2.5"]], "u": [[2000, "x"]]}
    # All points of a burst come, newest first.
    post(device, [{"ts": ts, "values": {"t": ts}} for ts in (3000, 4000, 5000)])
    frame = live.next()
    assert frame["data"] == {"t": [[5000, "5000"], [4000, "4000"], [3000, "3000"]]}
    assert frame["latestValues"] == {"t": 5000}


def test_the_first_frame_is_the_snapshot_even_when_empty(device, live):
    live.send({"tsSubCmds": [command(device, keys="t,u")]})
    assert live.next()["data"] == {}
    post(device, {"ts": 7, "values": {"other": 1}})
    post(device, {"ts": 8, "values": {"t": True}})
    assert live.next()["data"] == {"t": [[8, "true"]]}


def test_attributes_of_each_scope(rest, device, live):
    path = f"/api/plugins/telemetry/DEVICE/{device.id}"
    for number, scope in enumerate(("CLIENT_SCOPE", "SHARED_SCOPE", "SERVER_SCOPE", ""), 1):
        live.send({"attrSubCmds": [command(device, number, scope=scope, keys="a")]})
        assert live.next()["data"] == {}
    post(device, {"a": 1}, "attributes")
    assert {(frame := live.next())["subscriptionId"]: frame["data"]["a"][0][1],
            (frame := live.next())["subscriptionId"]: frame["data"]["a"][0][1]} == {1: "1", 4: "1"}
    rest.post(f"{path}/SHARED_SCOPE", {"a": "shared", "b": 1})
    assert sorted(live.next()["subscriptionId"] for _ in range(2)) == [2, 4]
    rest.post(f"{path}/SERVER_SCOPE", {"a": {"x": 1}})
    frames = [live.next() for _ in range(2)]
    assert sorted(frame["subscriptionId"] for frame in frames) == [3, 4]
    assert frames[0]["data"]["a"][0][1] == '{"x":1}'
    rest.delete(f"{path}/SHARED_SCOPE?keys=a")
    frames = [live.next() for _ in range(2)]
    assert [frame["data"] for frame in frames] == [{"a": [[0, ""]]}] * 2


def test_presence_is_seen_live(place, rest_of):
    server = place.server(settings=["presence.sweep-every=200ms"])
    server.start()
    device, rest = rest_of(server, "visible")
    with Live(rest) as live:
        live.send({"attrSubCmds": [command(device, scope="SERVER_SCOPE", keys="active")]})
        assert live.next()["data"] == {}
        post(device, {"t": 1})
        assert live.next()["data"]["active"][0][1] == "true"


def test_unsubscribed_is_told_no_more(device, live):
    for number in (1, 2):
        live.send({"tsSubCmds": [command(device, number)]})
        live.next()
    live.send({"tsSubCmds": [command(device, 1, unsubscribe=True)]})
    post(device, {"t": 1})
    assert live.next()["subscriptionId"] == 2
    live.send({"tsSubCmds": [{"cmdId": 5, "entityId": "", "unsubscribe": True}]})
    post(device, {"t": 2})
    assert live.next(0.5) is None


def test_history_once_and_in_a_window(device, live):
    post(device, [{"ts": ts, "values": {"t": ts // 1000}} for ts in range(1000, 11000, 1000)])
    live.send({"historyCmds": [command(device, keys="t", startTs=2000, endTs=5000)]})
    assert live.next()["data"] == {"t": [[4000, "4"], [3000, "3"], [2000, "2"]]}
    live.send({"historyCmds": [command(device, keys="t", startTs=1000, endTs=11000,
                                       interval=5000, agg="SUM")]})
    assert live.next()["data"] == {"t": [[8500, "40"], [3500, "15"]]}
    live.send({"tsSubCmds": [command(device, 2, keys="t", startTs=9000, timeWindow=5000)]})
    assert live.next()["data"] == {"t": [[10000, "10"], [9000, "9"]]}
    post(device, {"ts": 12000, "values": {"t": 12}})
    assert live.next() == {"subscriptionId": 2, "errorCode": 0, "errorMsg": None,
                           "data": {"t": [[12000, "12"]]}, "latestValues": {"t": 12000}}


@pytest.mark.parametrize("content,code,text", [
    ("{", 2, "Failed to parse the payload"),
    ({"unknownCmds": []}, 2, "Failed to parse the payload"),
    ({"tsSubCmds": [{"cmdId": -1, "entityId": "x"}]}, 2, "Cmd id is negative value!"),
    ({"tsSubCmds": [{"cmdId": 1, "entityId": ""}]}, 2, "Device id is empty!"),
    ({"tsSubCmds": [{"cmdId": 1, "entityId": "5"}]}, 2, "Device id is not valid!"),
    ({"tsSubCmds": [{"cmdId": 1, "entityId": "a0000000-1dd2-11b2-8080-808080808080"}]}, 3,
     "Unauthorized"),
    ({"alarmDataCmds": [{"cmdId": 1}]}, 2, "This version does not serve this command")])
def test_bad_commands_are_told(live, content, code, text):
    live.send(content)
    frame = live.next()
    assert (frame["errorCode"], frame["errorMsg"], frame["data"]) == (code, text, {})


@pytest.mark.parametrize("bad", [
    {"tsSubCmds": {}}, {"tsSubCmds": [5]}, {"tsSubCmds": [{"extra": 1}]},
    {"tsSubCmds": [{"cmdId": "1"}]}, {"tsSubCmds": [{"cmdId": 1.5}]},
    {"tsSubCmds": [{"entityId": 5}]}, {"tsSubCmds": [{"keys": ["a"]}]},
    {"tsSubCmds": [{"startTs": "0"}]}, {"tsSubCmds": [{"unsubscribe": "true"}]},
    {"tsSubCmds": [{"endTs": 0}]}, {"attrSubCmds": [{"agg": "NONE"}]},
    {"historyCmds": [{"timeWindow": 1}]}, {"historyCmds": [{"unsubscribe": True}]}])
def test_a_message_that_cannot_be_parsed_runs_not_at_all(device, live, bad):
    live.send({"attrSubCmds": [command(device, 7)], **bad})
    frame = live.next()
    assert (frame["subscriptionId"], frame["errorCode"]) == (1, 2)
    assert frame["errorMsg"] == "Failed to parse the payload"
    assert live.next(0.2) is None


def test_absent_arrays_may_be_null_and_commands_may_name_their_type(device, live):
    live.send({"historyCmds": None, "attrSubCmds": [command(device, 3, type="ATTRIBUTES")]})
    assert live.next()["subscriptionId"] == 3


def test_too_many_intervals_are_told(device, live):
    live.send({"historyCmds": [command(device, keys="t", startTs=0, endTs=701_000, interval=1000,
                                       agg="AVG")]})
    assert "700 intervals" in live.next()["errorMsg"]


def test_empty_keys_of_a_history_are_told(device, live):
    live.send({"historyCmds": [command(device, keys="", startTs=0, endTs=1)]})
    assert live.next()["errorMsg"] == "Keys are empty!"


def test_a_customer_sees_its_own_devices_only(rest, device):
    customer = Rest(rest.port).log_in(*CUSTOMER)
    with Live(customer) as live:
        live.send({"tsSubCmds": [command(device)]})
        assert live.next()["errorCode"] == 3


def test_commands_with_log_in(rest, device):
    with Live(rest, "/api/ws") as live:
        live.send({"authCmd": {"cmdId": 0, "token": rest.token},
                   "cmds": [{"type": "TIMESERIES", **command(device)}]})
        assert live.next()["data"] == {}
        live.send({"cmds": [{"type": "ATTRIBUTES", **command(device, 2, scope="SHARED_SCOPE")}]})
        assert live.next()["subscriptionId"] == 2
        post(device, {"t": 1})
        assert live.next()["subscriptionId"] == 1


def test_what_is_wrong_with_a_wrapped_message(rest, device):
    with Live(rest, "/api/ws") as live:
        live.send({"authCmd": {"cmdId": 0, "token": rest.token}, "cmds": []})
        for bad in ({"cmds": {}}, {"extra": []}, {"cmds": [5]}, {"cmds": [{"cmdId": 1}]},
                    {"cmds": [{"type": "SOMETHING"}]}, {"cmds": [{"type": "ATTRIBUTES", "x": 1}]}):
            live.send(bad)
            assert live.next()["errorMsg"] == "Failed to parse the payload"
        live.send({"cmds": [{"type": "NOTIFICATIONS", "cmdId": 9, "limit": 5}]})
        frame = live.next()
        assert (frame["subscriptionId"], frame["errorCode"]) == (9, 2)


@pytest.mark.parametrize("first,code", [
    ({"cmds": []}, 1008), ({"authCmd": {"token": "no"}}, 1007), ("{", 1008),
    ({"authCmd": {"token": "no", "extra": 1}}, 1008)])
def test_without_a_log_in_it_is_closed(rest, first, code):
    with Live(rest, "/api/ws") as live:
        live.send(first)
        assert live.close_code() == code


def test_silence_instead_of_a_log_in_is_closed(rest):
    with Live(rest, "/api/ws") as live:
        assert live.close_code() == 1008


def test_a_wrong_token_is_closed(rest):
    with Live(rest, token="no") as live:
        assert live.close_code() == 1007


def test_too_large_a_message_is_closed(live):
    live.send("x" * 40000)
    assert live.close_code() == 1009


def test_elsewhere_there_is_no_socket(rest):
    with pytest.raises(Exception), Live(rest, "/api/ws/nothing"):
        pass
    assert rest.get("/api/auth/user")["authority"] == "TENANT_ADMIN"


def test_a_stopping_server_says_so(place, rest_of):
    server = place.server()
    server.start()
    _, rest = rest_of(server, "any")
    with Live(rest) as live:
        live.send({"tsSubCmds": []})
        server.stop()
        assert live.close_code() == 1001
