#!/usr/bin/python3
"""Ten times the rate that a slow disk sustains, and a flood of unknown sources.

Usage: BUILD_DIR=build-test bench/overload.py     (a build with tests: it has the slow disk)

Prints the useful rate beside the best, the growth of resident memory while it lasts, and what came
of the rest. BENCH_SECONDS sets the length of each phase (default 30).
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

import test_overload as overload
from raw_coap import RawClient
from server import Place

SECONDS = int(os.environ.get("BENCH_SECONDS", "30"))


def codes(result):
    return " ".join(f"{code}:{count}" for code, count in result["codes"].items())


def late(waits):
    return f"{len(waits)} pings, {waits.count(None)} without RST"


def ten_times(place):
    server = overload.overloaded(place)
    best = overload.load(server, "telemetry", in_flight=256, seconds=SECONDS)
    rate = int(best["rate"] * 10)
    overload.load(server, "telemetry", rate=rate, seconds=5)
    before = overload.resident(server)
    with overload.pinged(server) as waits:
        found = overload.load(server, "telemetry", rate=rate, seconds=SECONDS)
    grown = (overload.resident(server) - before) / 1024
    useful = found["codes"]["2.01"] / SECONDS
    print(f"best {best['rate']:.0f}/s; at {found['sent'] / SECONDS:.0f}/s useful {useful:.0f}/s, "
          f"{useful / best['rate']:.2f} of the best; {codes(found)}; memory {grown:+.0f} KiB; "
          f"{late(waits)}", flush=True)


def unknown(place):
    server = place.server(name="flood", settings=["coap.workers=1", "coap.dedup-entries=65536"])
    server.start()
    overload.load(server, "stranger", devices=150000, rate=10000, warm_up=15, seconds=1)
    before = overload.resident(server)
    with overload.pinged(server) as waits, RawClient(server.coap_port) as client:
        found = overload.load(server, "stranger", devices=1000000, rate=10000, seconds=SECONDS)
        status = client.post("A1_TEST_TOKEN", '{"n":1}').status
    grown = (overload.resident(server) - before) / 1024
    print(f"{min(found['sent'], 1000000)} unknown sources at 10,000/s: {codes(found)}; memory "
          f"{grown:+.0f} KiB; {late(waits)}; a known device got {status}")


def main():
    place = Place()
    try:
        ten_times(place)
        unknown(place)
    finally:
        place.close()


if __name__ == "__main__":
    main()
