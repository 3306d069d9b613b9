"""Entities watched over WebSocket: a snapshot first, then each change; lists that are evaluated
again; counts; histories; what is refused."""

import json
import time

import pytest

from raw_coap import POST, RawClient
from rest_client import CUSTOMER, SYSADMIN, Rest
from test_entity_query import (BAD, NAME, TEMPERATURE, device_type, entity_type, key_filter, listed,
                               name_start, query, series, single, spoilt)
from test_websocket import Live

OLDER = "/api/ws/plugins/telemetry"
FAST = ["http.query-refresh=400ms"]


class Watch:
    """A connection at either path, by commands."""

    def __init__(self, live, is_wrapped):
        self.live, self.is_wrapped = live, is_wrapped

    def send(self, kind, **command):
        """`kind`: "entityData", "entityCountUnsubscribe" and so on."""
        if self.is_wrapped:
            words = "".join("_" + letter if letter.isupper() else letter for letter in kind)
            self.live.send({"cmds": [{"type": words.upper(), **command}]})
        else:
            self.live.send({f"{kind}Cmds": [command]})

    def data(self, number=1, **command):
        self.send("entityData", cmdId=number, **command)

    def next(self, seconds=5):
        return self.live.next(seconds)

    def snapshot(self, number=1):
        """The page of the next frame, which must be a snapshot."""
        frame = self.next()
        assert frame is not None and frame["errorCode"] == 0, frame
        assert (frame["cmdId"], frame["update"]) == (number, None)
        assert frame["allowedEntities"] == 10000
        return frame["data"]

    def update(self, number=1, seconds=5):
        frame = self.next(seconds)
        assert frame is not None and frame["errorCode"] == 0, frame
        assert (frame["cmdId"], frame["data"]) == (number, None)
        return frame["update"]

    def refused(self, number=1):
        """(code, text) of the next frame, which tells an error."""
        frame = self.next()
        assert frame["cmdId"] == number
        assert frame.get("data") is None and frame.get("update") is None
        return frame["errorCode"], frame["errorMsg"]

    def barrier(self):
        """All that was sent before was looked at."""
        self.data(-1, latestCmd=None)
        assert self.refused(-1)[0] == 2

    def is_silent(self, seconds=0.4):
        return self.next(seconds) is None


def open_watch(rest, is_wrapped=False):
    if not is_wrapped:
        return Live(rest)
    live = Live(rest, "/api/ws")
    return live


@pytest.fixture(params=["older", "wrapped"])
def watch(request, rest):
    is_wrapped = request.param == "wrapped"
    with open_watch(rest, is_wrapped) as live:
        if is_wrapped:
            live.send({"authCmd": {"cmdId": 0, "token": rest.token}})
        yield Watch(live, is_wrapped)


def post(device, content):
    with RawClient(device.server.coap_port) as coap:
        answer = coap.request(POST, f"/api/v1/{device.token}/telemetry", json.dumps(content))
        assert answer.status == "2.01"


def point(device, ts, **values):
    post(device, {"ts": ts, "values": values})


def latest(row, kind="TIME_SERIES"):
    return {key: cell["value"] for key, cell in row["latest"].get(kind, {}).items()}


def test_one_device_snapshot_then_each_change(device, watch):
    point(device, 1000, temperature=20)
    watch.data(query=query(single(device.id), [TEMPERATURE]),
               latestCmd={"keys": [TEMPERATURE, series("u")]})
    page = watch.snapshot()
    assert (page["totalElements"], page["totalPages"], page["hasNext"]) == (1, 1, False)
    row, = page["data"]
    assert row["entityId"] == {"entityType": "DEVICE", "id": device.id}
    assert row["latest"]["TIME_SERIES"] == {
        "temperature": {"ts": 1000, "value": "20", "count": None},
        "u": {"ts": 0, "value": "", "count": None}}
    assert latest(row, "ENTITY_FIELD") == {"name": device.name}
    assert row["timeseries"] == {}
    point(device, 2000, temperature=21.5, other=1)
    row, = watch.update()
    # Only what changed, and nothing that nobody asked for.
    assert row["latest"] == {
        "TIME_SERIES": {"temperature": {"ts": 2000, "value": "21.5", "count": None}}}
    point(device, 3000, other=2)
    assert watch.is_silent()
    point(device, 2500, u=True)
    assert latest(watch.update()[0]) == {"u": "true"}


def test_a_query_alone_is_told_once(device, watch):
    watch.data(query=query(single(device.id), [TEMPERATURE]))
    assert latest(watch.snapshot()["data"][0]) == {"temperature": ""}
    point(device, 1000, temperature=20)
    assert watch.is_silent()


def test_attributes_of_each_scope_and_their_end(rest, device, watch):
    path = f"/api/plugins/telemetry/DEVICE/{device.id}"
    keys = [{"type": kind, "key": "a"} for kind in
            ("ATTRIBUTE", "CLIENT_ATTRIBUTE", "SHARED_ATTRIBUTE", "SERVER_ATTRIBUTE")]
    watch.data(query=query(single(device.id)), latestCmd={"keys": keys})
    row, = watch.snapshot()["data"]
    assert [row["latest"][key["type"]]["a"] for key in keys] == [{"ts": 0, "value": ""}] * 4
    rest.post(f"{path}/SHARED_SCOPE", {"a": 1})
    row, = watch.update()
    assert {kind: cells["a"]["value"] for kind, cells in row["latest"].items()} == {
        "ATTRIBUTE": "1", "SHARED_ATTRIBUTE": "1"}
    rest.post(f"{path}/SERVER_SCOPE", {"a": {"x": True}})
    row, = watch.update()
    assert {kind: cells["a"]["value"] for kind, cells in row["latest"].items()} == {
        "ATTRIBUTE": '{"x":true}', "SERVER_ATTRIBUTE": '{"x":true}'}
    rest.delete(f"{path}/SERVER_SCOPE?keys=a")
    row, = watch.update()
    assert row["latest"]["SERVER_ATTRIBUTE"]["a"] == {"ts": 0, "value": ""}
    assert row["latest"]["ATTRIBUTE"]["a"]["value"] == "1"


def test_later_commands_add_and_replace_parts(device, watch):
    point(device, 1000, temperature=1, u=1)
    watch.data(query=query(single(device.id)))
    assert watch.snapshot()["data"][0]["latest"].keys() == {"ENTITY_FIELD"}
    watch.data(latestCmd={"keys": [TEMPERATURE, NAME]})
    row, = watch.update()
    assert latest(row) == {"temperature": "1"}
    assert latest(row, "ENTITY_FIELD") == {"name": device.name}
    point(device, 2000, temperature=2, u=2)
    assert latest(watch.update()[0]) == {"temperature": "2"}
    # Another latestCmd takes the place of the first.
    watch.data(latestCmd={"keys": [series("u")]})
    assert latest(watch.update()[0]) == {"u": "2"}
    point(device, 3000, temperature=3)
    assert watch.is_silent()
    # A tsCmd comes beside it.
    watch.data(tsCmd={"keys": ["temperature"], "startTs": 0, "timeWindow": 10000})
    row, = watch.update()
    assert row["latest"] == {}
    assert row["timeseries"] == {"temperature": [
        {"ts": 3000, "value": "3"}, {"ts": 2000, "value": "2"}, {"ts": 1000, "value": "1"}]}
    post(device, [{"ts": ts, "values": {"temperature": ts, "u": ts}} for ts in (4000, 5000)])
    row, = watch.update()
    assert latest(row) == {"u": "5000"}
    assert row["timeseries"] == {"temperature": [
        {"ts": 5000, "value": "5000"}, {"ts": 4000, "value": "4000"}]}
    # A history is told once.
    watch.data(historyCmd={"keys": ["u", "none"], "startTs": 2000, "endTs": 5000})
    row, = watch.update()
    assert row["timeseries"] == {"u": [{"ts": 4000, "value": "4000"}, {"ts": 2000, "value": "2"}],
                                 "none": []}
    # A new query begins anew.
    watch.data(query=query(single(device.id), [series("u")]))
    assert latest(watch.snapshot()["data"][0]) == {"u": "5000"}
    point(device, 6000, temperature=6, u=6)
    assert watch.is_silent()


def test_commands_in_one_breath_lose_nothing(device, watch):
    point(device, 1000, temperature=1)
    watch.data(query=query(single(device.id)))
    watch.data(latestCmd={"keys": [TEMPERATURE]})
    watch.data(tsCmd={"keys": ["temperature"], "startTs": 0, "timeWindow": 5000})
    watch.data(historyCmd={"keys": ["temperature"], "startTs": 0, "endTs": 5000, "agg": "COUNT"})
    frames = [watch.next()]
    assert frames[0]["data"] is not None
    while (frame := watch.next(0.5)) is not None:
        frames.append(frame)
    assert all(frame["data"] is None for frame in frames[1:])
    rows = [frames[0]["data"]["data"][0]] + [frame["update"][0] for frame in frames[1:]]
    assert {"temperature": "1"} in [latest(row) for row in rows]
    told = [row["timeseries"].get("temperature") for row in rows]
    assert [{"ts": 1000, "value": "1"}] in told and [{"ts": 2500, "value": "1"}] in told
    point(device, 2000, temperature=2)
    row, = watch.update()
    assert latest(row) == {"temperature": "2"}
    assert row["timeseries"] == {"temperature": [{"ts": 2000, "value": "2"}]}


def history(watch, device, **more):
    watch.data(query=query(single(device.id)), historyCmd={"keys": ["t"], **more})
    return [(entry["ts"], entry["value"])
            for entry in watch.snapshot()["data"][0]["timeseries"]["t"]]


def test_histories_in_the_first_frame(device, watch):
    post(device, [{"ts": ts, "values": {"t": ts // 1000}} for ts in range(1000, 11000, 1000)])
    whole = {"startTs": 1000, "endTs": 11000}
    assert history(watch, device, startTs=2000, endTs=4000) == [(3000, "3"), (2000, "2")]
    assert history(watch, device, **whole, limit=2) == [(10000, "10"), (9000, "9")]
    assert history(watch, device, **whole, limit=0)[-1] == (1000, "1")
    assert history(watch, device, **whole, interval=5000, agg="SUM") == [(3500, "15"), (8500, "40")]
    assert history(watch, device, **whole, agg="AVG") == [(6000, "5.5")]
    assert history(watch, device, **whole, agg="MAX", intervalType="MONTH",
                   timeZoneId="Europe/Berlin") == [(6000, "10")]
    assert history(watch, device, startTs=9000, endTs=11000, fetchLatestPreviousPoint=True) == [
        (10000, "10"), (9000, "9"), (8000, "8")]
    assert history(watch, device, startTs=9000, endTs=11000, agg="MIN",
                   fetchLatestPreviousPoint=True) == [(8000, "8"), (10000, "9")]
    assert history(watch, device, startTs=5, endTs=1) == []


def test_unsubscribed_is_told_no_more(device, watch):
    for number in (1, 2):
        watch.data(number, query=query(single(device.id)), latestCmd={"keys": [TEMPERATURE]})
        watch.snapshot(number)
    watch.send("entityDataUnsubscribe", cmdId=1)
    # One that is not there is nothing to tell.
    watch.send("entityDataUnsubscribe", cmdId=77)
    watch.send("entityCountUnsubscribe", cmdId=2)
    watch.barrier()
    point(device, 1000, temperature=1)
    watch.update(2)
    assert watch.is_silent()
    watch.data(latestCmd={"keys": [TEMPERATURE]})
    assert watch.refused() == (2, "There is no query with this cmdId")


def test_the_rights_of_a_customer(rest, device):
    customer = Rest(rest.port).log_in(*CUSTOMER)
    with Live(customer) as live:
        watch = Watch(live, False)
        watch.data(query=query(single(device.id)), latestCmd={"keys": [TEMPERATURE]})
        assert watch.snapshot() == {"data": [], "totalPages": 0, "totalElements": 0,
                                    "hasNext": False}
        point(device, 1000, temperature=1)
        assert watch.is_silent()
        watch.send("entityCount", cmdId=2, query={"entityFilter": name_start(device.name)})
        assert watch.next()["count"] == 0


def test_a_system_administrator_finds_nothing(rest, device):
    with Live(Rest(rest.port).log_in(*SYSADMIN)) as live:
        watch = Watch(live, False)
        watch.data(query=query(single(device.id)))
        assert watch.refused() == (3, "Unauthorized")
        watch.send("entityCount", cmdId=2, query={"entityFilter": entity_type()})
        assert watch.refused(2) == (3, "Unauthorized")


SNAPSHOTS = {
    "entityType": lambda fleet: entity_type(),
    "entityName": lambda fleet: name_start("watched"),
    "deviceType": lambda fleet: device_type("watched"),
    "entityList": lambda fleet: listed(*[device.id for device in fleet]),
}


@pytest.fixture(scope="module")
def fast(request):
    """A server that evaluates queries again every 400 ms, and three devices on it."""
    from conftest import Device
    from rest_client import TENANT
    from server import Place
    place = Place()
    server = place.server(settings=FAST)
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)

    def make(name):
        device = Device.__new__(Device)
        device.server, device.rest, device.name, device.token = server, rest, name, f"T-{name}"
        device.id = rest.create_device(name, device.token, type="watched")
        return device
    yield rest, make, [make(f"watched {i}") for i in range(3)]
    place.close()


@pytest.mark.parametrize("kind", SNAPSHOTS)
def test_lists_by_each_filter(fast, kind):
    rest, _, fleet = fast
    with Live(rest) as live:
        watch = Watch(live, False)
        watch.data(query=query(SNAPSHOTS[kind](fleet)), latestCmd={"keys": [series("p")]})
        page = watch.snapshot()
        assert {device.id for device in fleet} <= {row["entityId"]["id"] for row in page["data"]}
        for device in fleet:
            value = f"{kind} {device.name}"
            point(device, 1000, p=value)
            row, = watch.update()
            assert row["entityId"]["id"] == device.id
            assert latest(row) == {"p": value}


def test_a_device_enters_and_leaves_a_list(fast):
    rest, make, fleet = fast
    hot = key_filter(series("heat"), "NUMERIC", "GREATER", 50)
    with Live(rest) as live:
        watch = Watch(live, False)
        watch.data(query=query(device_type("watched"), filters=[hot], sort=series("heat"),
                               direction="DESC", dynamic=True),
                   latestCmd={"keys": [series("heat")]})
        assert watch.snapshot()["data"] == []
        point(fleet[0], 1000, heat=60)
        row, = watch.snapshot()["data"]
        assert latest(row) == {"heat": "60"}
        # One that is in it is told at once; another one that is hotter comes with the next page.
        point(fleet[0], 2000, heat=61)
        assert latest(watch.update()[0]) == {"heat": "61"}
        point(fleet[1], 2000, heat=99)
        assert [latest(row)["heat"] for row in watch.snapshot()["data"]] == ["99", "61"]
        point(fleet[1], 3000, heat=98)
        assert latest(watch.update()[0]) == {"heat": "98"}
        point(fleet[0], 3000, heat=10)
        assert latest(watch.update()[0]) == {"heat": "10"}
        assert [latest(row)["heat"] for row in watch.snapshot()["data"]] == ["98"]
        point(fleet[0], 4000, heat=11)
        assert watch.is_silent(1)
        extra = make("watched extra")
        point(extra, 1000, heat=70)
        assert [latest(row)["heat"] for row in watch.snapshot()["data"]] == ["98", "70"]
        rest.delete(f"/api/device/{extra.id}")
        # That its data went may be told before the page without it.
        while (frame := watch.next())["update"] is not None:
            row, = frame["update"]
            assert (row["entityId"]["id"], latest(row)) == (extra.id, {"heat": ""})
        assert [latest(row)["heat"] for row in frame["data"]["data"]] == ["98"]


def test_a_new_name_is_told_with_the_next_evaluation(fast):
    rest, make, _ = fast
    device = make("old name")
    with Live(rest) as live:
        watch = Watch(live, False)
        watch.data(query=query(single(device.id), dynamic=True))
        assert latest(watch.snapshot()["data"][0], "ENTITY_FIELD") == {"name": "old name"}
        content = rest.get(f"/api/device/{device.id}")
        rest.post("/api/device", {**content, "name": "new name"})
        assert latest(watch.snapshot()["data"][0], "ENTITY_FIELD") == {"name": "new name"}
        assert watch.is_silent(1)
    rest.delete(f"/api/device/{device.id}")


def test_a_list_that_is_not_dynamic_stays(fast):
    rest, make, _ = fast
    with Live(rest) as live:
        watch = Watch(live, False)
        watch.data(query=query(device_type("watched")), latestCmd={"keys": [series("q")]})
        count = watch.snapshot()["totalElements"]
        extra = make("watched late")
        point(extra, 1000, q=1)
        assert watch.is_silent(1)
        watch.data(query=query(device_type("watched")))
        assert watch.snapshot()["totalElements"] == count + 1
    rest.delete(f"/api/device/{extra.id}")


def test_counts_are_told_when_they_change(fast):
    rest, make, fleet = fast
    with Live(rest) as live:
        watch = Watch(live, False)
        watch.send("entityCount", cmdId=4, query={"entityFilter": device_type("watched"),
                                                  "keyFilters": None})
        assert watch.next() == {"cmdId": 4, "errorCode": 0, "errorMsg": None,
                                "cmdUpdateType": "COUNT_DATA", "count": len(fleet)}
        assert watch.is_silent(1)
        extra = make("watched more")
        assert watch.next()["count"] == len(fleet) + 1
        rest.delete(f"/api/device/{extra.id}")
        assert watch.next()["count"] == len(fleet)
        watch.send("entityCountUnsubscribe", cmdId=4)
        watch.barrier()
        extra = make("watched again")
        assert watch.is_silent(1)
        rest.delete(f"/api/device/{extra.id}")


def test_pages_of_a_list(fast):
    rest, _, fleet = fast
    with Live(rest) as live:
        watch = Watch(live, False)
        watch.data(query=query(device_type("watched"), sort=NAME, size=2, page=1),
                   latestCmd={"keys": [series("r")]})
        page = watch.snapshot()
        assert [row["entityId"]["id"] for row in page["data"]] == [fleet[2].id]
        assert (page["totalPages"], page["totalElements"], page["hasNext"]) == (2, 3, False)
        # What is on another page is not told.
        point(fleet[0], 1000, r=1)
        assert watch.is_silent()
        point(fleet[2], 1000, r=2)
        assert latest(watch.update()[0]) == {"r": "2"}


def test_a_thousand_devices_with_a_change_each(fast):
    rest, _, _ = fast
    count = 1000
    tokens = [f"many-{i}" for i in range(count)]
    ids = {rest.create_device(f"many {i}", token, type="many"): i for i, token in enumerate(tokens)}
    with Live(rest) as live, RawClient(fast[2][0].server.coap_port) as coap:
        watch = Watch(live, False)
        watch.data(query=query(device_type("many"), size=count, dynamic=True),
                   latestCmd={"keys": [series("n")]})
        page = watch.snapshot()
        assert len(page["data"]) == page["totalElements"] == count
        for i, token in enumerate(tokens):
            answer = coap.request(POST, f"/api/v1/{token}/telemetry",
                                  json.dumps({"ts": 1000 + i, "values": {"n": i}}))
            assert answer.status == "2.01"
        seen = {}
        end = time.monotonic() + 10
        while len(seen) < count and time.monotonic() < end:
            for row in watch.update():
                assert row["entityId"]["id"] not in seen
                seen[row["entityId"]["id"]] = row["latest"]["TIME_SERIES"]["n"]
        assert {device: int(cell["value"]) for device, cell in seen.items()} == ids
        assert all(cell["ts"] == 1000 + ids[device] for device, cell in seen.items())
        assert watch.is_silent()


@pytest.mark.parametrize("where,what,text", BAD)
def test_what_is_wrong_with_a_query_is_named(watch, where, what, text):
    watch.data(5, query=spoilt(where, what))
    code, message = watch.refused(5)
    assert code == 2 and text in message


WINDOW = {"keys": ["t"], "startTs": 0, "timeWindow": 1000}
PAST = {"keys": ["t"], "startTs": 0, "endTs": 1000}


@pytest.mark.parametrize("command,text", [
    ({"extra": 1}, "The command has no 'extra'"),
    ({"query": 5}, "The command.query is not an object"),
    ({"query": {"entityFilter": {}, "extra": 1}}, "query has no 'extra'"),
    ({"latestCmd": {"keys": [], "extra": 1}}, "latestCmd has no 'extra'"),
    ({"latestCmd": {"keys": ["t"]}}, "latestCmd.keys[0] is not an object"),
    ({"latestCmd": {"keys": [{**TEMPERATURE, "extra": 1}]}}, "latestCmd.keys[0] has no 'extra'"),
    ({"tsCmd": {**WINDOW, "endTs": 1}}, "tsCmd has no 'endTs'"),
    ({"tsCmd": {**WINDOW, "keys": []}}, "Keys are empty!"),
    ({"tsCmd": {**WINDOW, "keys": [5]}}, "tsCmd.keys[0] is not a text"),
    ({"tsCmd": {**WINDOW, "startTs": 0.5}}, "tsCmd.startTs is not an integer"),
    ({"tsCmd": {**WINDOW, "timeWindow": "1"}}, "tsCmd.timeWindow is not a number"),
    ({"tsCmd": {**WINDOW, "interval": -1}}, "tsCmd.interval is negative"),
    ({"tsCmd": {**WINDOW, "agg": "MEDIAN"}}, "tsCmd.agg is unknown: 'MEDIAN'"),
    ({"tsCmd": {**WINDOW, "intervalType": "DAY"}}, "tsCmd.intervalType is unknown: 'DAY'"),
    ({"tsCmd": {**WINDOW, "fetchLatestPreviousPoint": 1}}, "is not a boolean"),
    ({"historyCmd": {**PAST, "timeWindow": 1}}, "historyCmd has no 'timeWindow'"),
    ({"historyCmd": {**PAST, "endTs": 701_000, "interval": 1, "agg": "SUM"}}, "701 intervals"),
    ({"historyCmd": {**PAST, "intervalType": "WEEK", "agg": "SUM", "timeZoneId": "Moon"}},
     "timeZoneId is unknown: 'Moon'"),
    ({"aggHistoryCmd": {}}, "aggHistoryCmd is not served by this version"),
    ({"aggTsCmd": {}}, "aggTsCmd is not served by this version"),
    ({"latestCmd": None}, "The command asks for nothing")])
def test_what_is_wrong_with_a_command_is_named(device, watch, command, text):
    watch.data(5, query=query(single(device.id)))
    watch.snapshot(5)
    watch.data(5, **command)
    code, message = watch.refused(5)
    assert code == 2 and text in message
    # What was there before still is.
    watch.data(5, latestCmd={"keys": [TEMPERATURE]})
    assert watch.update(5)


def test_negative_and_unknown_commands(watch):
    watch.data(-1, query=query(entity_type()))
    assert watch.refused(-1) == (2, "Cmd id is negative value!")
    watch.data(3, latestCmd={"keys": []})
    assert watch.refused(3) == (2, "There is no query with this cmdId")
    watch.send("entityCount", cmdId=4, query={"entityFilter": {"type": "assetType"}})
    code, text = watch.refused(4)
    assert code == 2 and "assetType is not served" in text
    watch.send("entityCount", cmdId=4, query=query(entity_type()))
    assert "query has no 'entityFields'" in watch.refused(4)[1]


def test_a_message_runs_as_a_whole_or_not_at_all(rest, device):
    with Live(rest) as live:
        good = {"cmdId": 1, "query": query(single(device.id))}
        live.send({"entityDataCmds": [good, {"cmdId": 2, "extra": 1}]})
        frame = live.next()
        assert (frame["cmdId"], frame["errorCode"]) == (2, 2)
        live.send({"entityDataCmds": [good], "tsSubCmds": [{"extra": 1}]})
        assert live.next()["errorMsg"] == "Failed to parse the payload"
        assert live.next(0.3) is None
        # What only makes no sense is told, and the others run.
        live.send({"entityDataCmds": [{"cmdId": 2, "query": query(single("x"))}, good]})
        assert sorted(live.next()["errorCode"] for _ in range(2)) == [0, 2]


def test_lists_and_subscriptions_share_a_bound(rest, device):
    with Live(rest) as live:
        number = 0
        for _ in range(10):
            live.send({"tsSubCmds": [{"cmdId": (number := number + 1), "entityId": device.id,
                                      "entityType": "DEVICE", "keys": "t"} for _ in range(100)]})
            for _ in range(100):
                assert live.next()["errorCode"] == 0
        live.send({"entityDataCmds": [{"cmdId": 5000, "query": query(single(device.id))}]})
        frame = live.next()
        assert (frame["errorCode"], frame["errorMsg"]) == (1, "Too many subscriptions or keys")
        live.send({"tsSubCmds": [{"cmdId": 1, "entityId": "", "unsubscribe": True}]})
        live.send({"entityDataCmds": [{"cmdId": 5000, "query": query(single(device.id))}]})
        assert live.next()["errorCode"] == 0


def test_a_connection_that_ends_leaves_nothing_behind(rest, device):
    for _ in range(20):
        with Live(rest) as live:
            live.send({"entityDataCmds": [{"cmdId": 1, "query": query(entity_type()),
                                           "latestCmd": {"keys": [TEMPERATURE]}}]})
    point(device, 1000, temperature=1)
    with Live(rest) as live:
        asked = query(single(device.id), [TEMPERATURE])
        live.send({"entityDataCmds": [{"cmdId": 1, "query": asked}]})
        assert latest(live.next()["data"]["data"][0]) == {"temperature": "1"}
