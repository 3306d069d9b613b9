"""Time series over REST: written, aggregated, deleted; a month of seconds beside live devices."""

import datetime
import threading
import time
import zoneinfo

import pytest

from raw_coap import RawClient
from rest_client import TENANT, Rest

DAY_MS = 86_400_000
AGGREGATE_SECONDS_MAX = 3.0  # ten times the aim of 0.3 s


def path(device, rest_of_it):
    return f"/api/plugins/telemetry/DEVICE/{device.id}/{rest_of_it}"


def write(rest, device, points, key="k", ttl=None):
    body = [{"ts": ts, "values": {key: value}} for ts, value in points]
    rest.post(path(device, "timeseries/ANY" + (f"/{ttl}" if ttl is not None else "")), body)


def read(rest, device, start, end, key="k", **query):
    found = rest.series(device.id, keys=key, startTs=start, endTs=end, useStrictDataTypes="true",
                        **query)
    return [(point["ts"], point["value"]) for point in found.get(key, [])]


def test_what_is_written_over_rest_is_one_series_with_what_devices_post(rest, device, coap):
    write(rest, device, [(1000, 1), (3000, "three")])
    assert coap.post(device.token, '{"ts":2000,"values":{"k":2.5}}').status == "2.01"
    assert read(rest, device, 0, 9999, orderBy="ASC") == [(1000, 1), (2000, 2.5), (3000, "three")]


def test_points_with_a_life_expire(rest, device):
    now = int(time.time() * 1000)
    write(rest, device, [(now, 1)], ttl=1)
    write(rest, device, [(now + 1, 2)], ttl=1000)
    assert [value for _, value in read(rest, device, 0, now + 2)] == [2, 1]
    time.sleep(1.2)
    assert [value for _, value in read(rest, device, 0, now + 2)] == [2]


def test_deleted_points_stay_deleted_after_a_kill(place):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.device_named("Test Device A1")
    base = f"/api/plugins/telemetry/DEVICE/{device}/timeseries"
    rest.post(f"{base}/ANY", [{"ts": ts, "values": {"k": ts}} for ts in range(200)])
    rest.delete(f"{base}/delete?keys=k&startTs=50&endTs=150")
    server.restart("kill")
    stored = [value for _, value in rest.points(device, "k", start=0, end=1000)]
    assert stored == [*range(50), *range(150, 200)]


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]


def beginning(moment, unit):
    """The local midnight that begins the unit with this moment."""
    day = moment.date()
    if unit == "WEEK":
        day -= datetime.timedelta((day.weekday() + 1) % 7)
    elif unit == "WEEK_ISO":
        day -= datetime.timedelta(day.weekday())
    else:
        month = day.month if unit == "MONTH" else (day.month - 1) // 3 * 3 + 1
        day = day.replace(day=1, month=month)
    return datetime.datetime(day.year, day.month, day.day, tzinfo=moment.tzinfo)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit", ["WEEK", "WEEK_ISO", "MONTH", "QUARTER"])
def test_calendar_intervals_are_those_of_another_library(rest, device, zone, unit):
    start, step = 1_704_500_000_000, 7_200_000
    times = [start + n * step for n in range(5000)]  # 14 months, both changes of clocks
    write(rest, device, [(ts, 1) for ts in times])
    end = times[-1] + 1
    counts = {}
    for ts in times:
        local = datetime.datetime.fromtimestamp(ts / 1000, zoneinfo.ZoneInfo(zone))
        first = beginning(local, unit)
        counts[first] = counts.get(first, 0) + 1
    begins = [int(first.timestamp() * 1000) for first in counts]
    cuts = [start, *begins[1:], end]
    expected = [(a + (b - a) // 2, count)
                for a, b, count in zip(cuts, cuts[1:], counts.values())]
    assert read(rest, device, start, end, agg="COUNT", intervalType=unit,
                timeZone=zone) == expected


@pytest.mark.parametrize("zone", ["../../../etc/passwd", "/etc/passwd", "Europe/", "Europe//Berlin",
                                  "Europe", "zone.tab", "x" * 100])
def test_names_that_are_no_time_zones_are_refused(rest, device, zone):
    answer = rest.call("GET", path(device, "values/timeseries"), query={
        "keys": "k", "startTs": 0, "endTs": 9, "agg": "MAX", "intervalType": "MONTH",
        "timeZone": zone})
    assert answer.status == 400
    assert b"Unknown time zone" in answer.body


def test_a_month_of_seconds_is_aggregated_while_devices_are_served(rest, device, server):
    base, count = 1_700_000_000_000, 2_592_000
    for first in range(0, count, 10_000):
        last = min(first + 10_000, count)
        write(rest, device, [(base + 1000 * n, n % 500) for n in range(first, last)])
    waits, done = [], threading.Event()

    def post():
        with RawClient(server.coap_port) as client:
            while not done.is_set():
                before = time.monotonic()
                assert client.post(device.token, '{"live":1}').status == "2.01"
                waits.append(time.monotonic() - before)

    poster = threading.Thread(target=post)
    poster.start()
    try:
        for agg, expected in (("SUM", 249.5 * count), ("COUNT", count), ("MAX", 499)):
            before = time.monotonic()
            found = read(rest, device, base, base + 1000 * count, agg=agg, interval=30 * DAY_MS)
            seconds = time.monotonic() - before
            assert found == [(base + 15 * DAY_MS, expected)]
            assert seconds < AGGREGATE_SECONDS_MAX, f"{agg}: {seconds:.2f} s"
    finally:
        done.set()
        poster.join()
    assert len(waits) > 10 and max(waits) < AGGREGATE_SECONDS_MAX
