#!/usr/bin/python3
"""make bench: cost per exchange beside the bare UDP echo of the same run.

The server is pinned to one core, the load to another. Cost is CPU time of all threads of the
process per exchange (from /proc), divided by that of the echo. Closed loop, one peer per device.
BENCH_SECONDS sets the length of each row (default 30; the last one holds its rate for ten times
that), BENCH_DIR where the data goes (default: a directory beside the build, so that it is on disk).
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "30"))
DATA = pathlib.Path(os.environ.get("BENCH_DIR", ROOT / "build-bench-data"))
DEVICES = 10000
DEDUP_ENTRIES = 16 << 20
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core, command, **kwargs):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], **kwargs)


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def written_mib(process):
    for line in pathlib.Path(f"/proc/{process.pid}/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1]) / 2**20
    return 0


def load(server, port, mode, **options):
    """Runs one row; the server's CPU is read over just the time after the warm-up."""
    options = {"seconds": SECONDS, **options}
    command = [BUILD / "bench/bench_load", port, mode]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", value]
    generator = pinned(CORES[-1], command, stdout=subprocess.PIPE, text=True)
    assert generator.stdout.readline().strip() == "warm"
    before, wrote = cpu_seconds(server), written_mib(server)
    result = json.loads(generator.stdout.readline())
    result["cpu"] = cpu_seconds(server) - before
    result["cpu_us"] = result["cpu"] * 1e6 / max(result["exchanges"], 1)
    result["rss_mib"] = resident_mib(server)
    result["written"] = (written_mib(server) - wrote) * 2**20 / max(result["exchanges"], 1)
    generator.wait()
    return result


def start_server():
    coap, http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    command = [
        BUILD / "src/server/motehub", "serve", "--demo", "--data", DATA,
        "--set", f"coap.bind=127.0.0.1:{coap}", "--set", f"http.bind=127.0.0.1:{http}",
        "--set", "coap.workers=1", "--set", "log.level=warn",
        # Ids are remembered for 247 s, and none is forgotten under 60 s: room for this rate.
        "--set", f"coap.dedup-entries={DEDUP_ENTRIES}",
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MOTEHUB_")}
    server = pinned(CORES[0], command, stdout=subprocess.PIPE, text=True, env=environment)
    while "REST" not in server.stdout.readline():
        if server.poll() is not None:
            sys.exit("the server did not start")
    return server, coap


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def show(name, row, floor):
    ratio = f"{row['cpu_us'] / floor['cpu_us']:6.2f}" if floor else "  1.00"
    codes = " ".join(f"{code}:{count}" for code, count in row["codes"].items())
    print(f"{name:34} {ratio} {row['cpu_us']:8.2f} {row['rate']:9.0f} {row['p50_us']:8} "
          f"{row['p99_us']:8} {row['p999_us']:8} {row['repeats']:7} {row['rss_mib']:8.0f} "
          f"{row['written']:7.0f}  {codes}", flush=True)


def show_libcoap(floor):
    """The peer: the same trivial answer, but no message id is remembered and nothing is stored."""
    program = BUILD / "bench/bench_libcoap"
    if not program.exists():
        print("bare libcoap: left out, libcoap3-dev was not there when this was built")
        return
    port = free_port(socket.SOCK_DGRAM)
    peer = pinned(CORES[0], [program, port])
    time.sleep(0.3)
    # Few peers first: it keeps a session for each, and its cost grows with their number.
    few = load(peer, port, "trivial", in_flight=256, devices=256)
    show("libcoap, no dedup/store, 256 peers", few, floor)
    many = load(peer, port, "trivial", in_flight=1024)
    show("libcoap, no dedup/store, 10,000", many, floor)
    stop(peer)


def hold_rate(server, port, floor):
    """Half of what the machine took, held for ten rows' time: memory must stay flat."""
    full = load(server, port, "telemetry", in_flight=1024, seconds=min(SECONDS, 5))
    rate = int(full["rate"] / 2)
    first = load(server, port, "telemetry", rate=rate)
    held = load(server, port, "telemetry", rate=rate, seconds=SECONDS * 10)
    show(f"telemetry, {rate:,}/s held {SECONDS * 10} s", held, floor)
    print(f"  memory while it was held: {first['rss_mib']:.0f} to {held['rss_mib']:.0f} MiB")


def main():
    if len(CORES) < 2:
        sys.exit("two cores are needed: one for the server, one for the load")
    shutil.rmtree(DATA, ignore_errors=True)
    subprocess.run([BUILD / "bench/bench_preload", DATA, str(DEVICES)], check=True)
    print(f"{SECONDS} s a row, {DEVICES} devices, one peer each; ratio = CPU per exchange / echo")
    print(f"{'row':34}  ratio   us CPU       /s   p50 us   p99 us p99.9 us repeats  RSS MiB  B disk"
          "  answers")
    port = free_port(socket.SOCK_DGRAM)
    echo = pinned(CORES[0], [BUILD / "bench/bench_echo", port])
    time.sleep(0.3)
    floor = load(echo, port, "echo", in_flight=1024)
    show("echo, 1,024 in flight", floor, None)
    wide = load(echo, port, "echo", in_flight=8192)
    show("echo, 8,192 in flight", wide, None)
    stop(echo)
    show_libcoap(floor)
    server, port = start_server()
    show("trivial answer (GET /)", load(server, port, "trivial", in_flight=1024), floor)
    show("durable telemetry, 5 keys, 1,024", load(server, port, "telemetry", in_flight=1024), floor)
    show("durable telemetry, 5 keys, 8,192", load(server, port, "telemetry", in_flight=8192), wide)
    load(server, port, "publish", in_flight=1024, seconds=min(SECONDS, 5))
    # A lane of the store has 64 reads at a time, more are answered 5.03.
    show("attribute read, 5 keys, 64", load(server, port, "attributes", in_flight=64), floor)
    show("durable telemetry at 1,000/s", load(server, port, "telemetry", rate=1000), floor)
    show("durable telemetry at 10,000/s", load(server, port, "telemetry", rate=10000), floor)
    hold_rate(server, port, floor)
    stop(server)
    shutil.rmtree(DATA, ignore_errors=True)
    print("aims: trivial 1.5, durable telemetry 2.6, attribute read 2.0 (goals 1.2, 1.8, 1.6); "
          f"made by make bench, BENCH_SECONDS={SECONDS}")


if __name__ == "__main__":
    main()
