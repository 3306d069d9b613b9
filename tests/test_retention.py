"""How long points stay: by their write, the TTL of their device, their tenant's profile."""

import concurrent.futures
import random
import time

import pytest

from power import Disk
from profiles import configure
from raw_coap import RawClient

DAY = 86_400
# Everything comes soon: blocks are made at once, and what expired is looked for all the time.
FAST = ["store.expiry-every=200ms", "store.journal-age=1s"]
# Nothing is ever removed: what reads leave out is still there.
NEVER = ["store.expiry-every=7d"]


def now_ms():
    return int(time.time() * 1000)


def post(server, token, points, key="k"):
    """Posts points as the device does, 20 at a time."""
    with RawClient(server.coap_port) as coap:
        for start in range(0, len(points), 20):
            body = ",".join(f'{{"ts":{ts},"values":{{"{key}":{value}}}}}'
                            for ts, value in points[start:start + 20])
            assert coap.post(token, f"[{body}]").status == "2.01"


def aged(*days):
    """A point for each age: its value is the age."""
    return [(now_ms() - round(age * DAY * 1000), age) for age in days]


def ages(rest, device, key="k"):
    return sorted(value for _, value in rest.points(device.id, key, start=0, end=10**15))


def set_ttl(rest, device, ttl):
    path = f"/api/plugins/telemetry/DEVICE/{device.id}"
    if ttl is None:
        rest.delete(f"{path}/SERVER_SCOPE?keys=TTL")
    else:
        rest.post(f"{path}/SERVER_SCOPE", {"TTL": ttl})


def metric(rest, name):
    lines = rest.call("GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"motehub_{name} "))


def wait_for(question, seconds=15):
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


@pytest.fixture
def started(place, rest_of):
    """Starts a server with these settings and a device in it: (server, rest, device)."""
    def start(settings, name="kept"):
        server = place.server(settings=settings)
        server.start()
        device, rest = rest_of(server, name)
        return server, rest, device
    return start


def test_a_ttl_of_the_device_hides_old_points_at_once(started):
    server, rest, device = started(NEVER)
    post(server, device.token, aged(0, 1, 2, 3))
    assert ages(rest, device) == [0, 1, 2, 3]
    set_ttl(rest, device, DAY * 5 // 2)
    assert ages(rest, device) == [0, 1, 2]
    set_ttl(rest, device, 3600)
    assert ages(rest, device) == [0]
    set_ttl(rest, device, 1)
    time.sleep(1.1)
    assert ages(rest, device) == []
    # Latest is no function of the series.
    assert device.latest("k")["k"] == 0
    # A TTL that is no number of seconds says nothing, and so does one that is gone.
    for nothing in ("soon", -5, True, 1.5):
        set_ttl(rest, device, nothing)
        assert ages(rest, device) == [0, 1, 2, 3]
    set_ttl(rest, device, 3600)
    set_ttl(rest, device, 0)
    assert ages(rest, device) == [0, 1, 2, 3]
    set_ttl(rest, device, 3600)
    set_ttl(rest, device, None)
    assert ages(rest, device) == [0, 1, 2, 3]


def test_of_those_who_set_a_ttl_at_once_the_last_one_counts(started):
    server, rest, device = started(NEVER)
    post(server, device.token, aged(0, 3))
    path = f"/api/plugins/telemetry/DEVICE/{device.id}"
    with concurrent.futures.ThreadPoolExecutor(8) as people:
        for _ in range(30):
            list(people.map(lambda ttl: set_ttl(rest, device, ttl), [3600, 10 * DAY] * 8))
            (stored,) = rest.get(f"{path}/values/attributes/SERVER_SCOPE", keys="TTL")
            assert ages(rest, device) == ([0] if stored["value"] == 3600 else [0, 3])


def test_aggregates_leave_out_what_has_expired(started):
    server, rest, device = started(NEVER)
    post(server, device.token, aged(0, 1, 2, 3))
    set_ttl(rest, device, DAY * 3 // 2)
    found = rest.series(device.id, keys="k", startTs=now_ms() - 10 * DAY * 1000,
                        endTs=now_ms() + 1000, interval=20 * DAY * 1000, agg="COUNT")
    assert [point["value"] for point in found["k"]] == ["2"]


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_ttl_acts_after_a_restart(started, how):
    server, rest, device = started(NEVER)
    other = rest.create_device("other", "OTHER_TOKEN")
    post(server, device.token, aged(0, 1, 2, 3))
    post(server, "OTHER_TOKEN", aged(0, 1, 2, 3))
    set_ttl(rest, device, DAY * 3 // 2)
    server.restart(how)
    assert ages(rest, device) == [0, 1]
    assert len(rest.points(other, "k", start=0, end=10**15)) == 4


def test_a_life_of_the_write_comes_before_the_ttl_of_the_device(started):
    server, rest, device = started(NEVER)
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/timeseries/ANY"
    old = now_ms() - 50 * DAY * 1000
    rest.post(path, {"ts": old, "values": {"k": 1}})
    rest.post(f"{path}/{100 * DAY}", {"ts": old + 1, "values": {"k": 2}})
    rest.post(f"{path}/1", {"ts": now_ms(), "values": {"k": 3}})
    set_ttl(rest, device, 10 * DAY)
    time.sleep(1.1)
    assert ages(rest, device) == [2]
    set_ttl(rest, device, None)
    assert ages(rest, device) == [1, 2]


def test_what_has_expired_leaves_the_disk(started):
    server, rest, device = started(FAST)
    post(server, device.token, [(ts, age) for age in range(10) for ts, _ in aged(age + 0.1)])
    many = now_ms() - 20 * DAY * 1000
    post(server, device.token, [(many + i, i) for i in range(1000)], key="many")
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/timeseries/ANY"
    rest.post(f"{path}/1", [{"ts": many + i, "values": {"own": i}} for i in range(100)])
    # The blocks with an end of their own are looked at once an hour is over, so the clock has to
    # move for those: only the others go here.
    time.sleep(1.5)
    assert metric(rest, "store_expired_total") == 0
    set_ttl(rest, device, DAY * 4)
    wait_for(lambda: metric(rest, "store_expired_total") >= 1000)
    # Gone for good: not even a longer life brings them back. The day on which the life ends may
    # stay for a while.
    time.sleep(1.0)
    set_ttl(rest, device, None)
    found = ages(rest, device)
    assert found[:4] == [0, 1, 2, 3]
    assert len(found) < 10
    assert ages(rest, device, "many") == []
    server.restart("kill")
    assert ages(rest, device) == found
    assert device.latest("many")["many"] == 999


def test_the_clock_brings_the_end_of_every_kind(started):
    server, rest, device = started([*FAST, "auth.token-life=30d"])
    server.stop()
    disk = Disk(server.data)
    server.environment = disk.environment()
    server.start_once()
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/timeseries/ANY"
    start = now_ms()
    rest.post(f"{path}/7200", [{"ts": start + i, "values": {"own": i}} for i in range(100)])
    # Far ahead of its arrival, so its life counts from there.
    post(server, device.token, [(start + 900 * DAY * 1000 + i, i) for i in range(100)], key="ahead")
    post(server, device.token, [(start + 3600 * 1000 + i, i) for i in range(100)], key="near")
    set_ttl(rest, device, 3600)
    time.sleep(1.5)
    assert len(ages(rest, device, "own")) == 100
    assert len(ages(rest, device, "ahead")) == 100
    disk.turn_clock(3700)
    assert ages(rest, device, "ahead") == []
    assert len(ages(rest, device, "near")) == 100
    assert len(ages(rest, device, "own")) == 100
    disk.turn_clock(4 * 3600)
    assert ages(rest, device, "own") == ages(rest, device, "near") == []
    wait_for(lambda: metric(rest, "store_expired_total") == 300)
    disk.turn_clock(0)
    assert ages(rest, device, "own") == ages(rest, device, "ahead") == []


def test_a_profile_says_how_long_points_stay(started):
    server, rest, device = started(NEVER)
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/timeseries/ANY"
    post(server, device.token, aged(0, 1, 2, 3))
    rest.post(f"{path}/{100 * DAY}", {"ts": now_ms() - 50 * DAY * 1000, "values": {"k": 50}})
    assert ages(rest, device) == [0, 1, 2, 3, 50]
    configure(server, defaultStorageTtlDays=2)
    assert ages(rest, device) == [0, 1, 50]
    server.restart("kill")
    assert ages(rest, device) == [0, 1, 50]
    # The device's own comes first, also if it is longer.
    set_ttl(rest, device, DAY * 7 // 2)
    assert ages(rest, device) == [0, 1, 2, 3, 50]
    set_ttl(rest, device, None)
    configure(server, defaultStorageTtlDays=0)
    assert ages(rest, device) == [0, 1, 2, 3, 50]


def test_points_of_a_profile_leave_the_disk(started):
    server, rest, device = started(FAST)
    old = now_ms() - 5 * DAY * 1000
    post(server, device.token, [(old + i, i) for i in range(300)])
    post(server, device.token, aged(0.5))
    time.sleep(1.5)
    configure(server, defaultStorageTtlDays=2)
    wait_for(lambda: metric(rest, "store_expired_total") == 300)
    configure(server, defaultStorageTtlDays=0)
    assert ages(rest, device) == [0.5]


def test_calls_that_ended_go_after_the_days_of_the_profile(started):
    server, rest, device = started([*FAST, "auth.token-life=30d"])
    server.stop()
    disk = Disk(server.data)
    server.environment = disk.environment()
    server.start_once()
    configure(server, rpcTtlDays=2)

    def call(timeout_ms):
        answer = rest.post(f"/api/rpc/oneway/{device.id}", {
            "method": "m", "params": {}, "persistent": True, "timeout": timeout_ms})
        return answer["rpcId"]

    def status(rpc):
        answer = rest.call("GET", f"/api/rpc/persistent/{rpc}")
        return answer.json()["status"] if answer.status == 200 else answer.status
    short, long = call(5000), call(30 * DAY * 1000)
    wait_for(lambda: status(short) == "EXPIRED")
    disk.turn_clock(2 * DAY - 60)
    time.sleep(2)
    assert (status(short), status(long)) == ("EXPIRED", "QUEUED")
    disk.turn_clock(2 * DAY + 60)
    wait_for(lambda: status(short) == 404)
    time.sleep(1)
    assert status(long) == "QUEUED"


def test_the_space_of_what_expired_comes_back(started):
    server, rest, device = started([*FAST, "store.journal-size=1M"])
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/timeseries/ANY"

    def on_disk():
        return sum(file.stat().st_size for file in (server.data / "devices").glob("*.sst"))
    for start in range(0, 200_000, 5000):
        old = now_ms() - 30 * DAY * 1000 + start * 10_000
        rest.post(path, [{"ts": old + i * 10_000, "values": {"k": random.random()}}
                         for i in range(5000)])
    time.sleep(1.5)
    server.restart("stop")  # what is in memory goes to files behind a start
    wait_for(lambda: on_disk() > 1_000_000)
    full = on_disk()
    set_ttl(rest, device, DAY)
    wait_for(lambda: metric(rest, "store_expired_total") == 200_000)
    server.restart("stop")
    wait_for(lambda: on_disk() < full / 4)
    assert ages(rest, device) == []
