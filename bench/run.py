#!/usr/bin/python3
"""make bench: cost per exchange beside the bare UDP echo of the same run.

The server is pinned to one core, the load to another. Cost is CPU time of all threads of the
process per exchange (from /proc), divided by that of the echo. Closed loop, one peer per device.
BENCH_SECONDS sets the length of each row (default 30; the held one takes ten times that), BENCH_DIR
where the data goes (default: a directory beside the build, so that it is on disk), BENCH_ROWS which
groups of rows run (names with commas between; default all).
"""

import os
import resource
import shutil
import socket
import sys
import time

import machine
from machine import BUILD, CORES, DATA, SECONDS, Server, load, preload, program, serving

DEVICES = 10000
MANY = 100000
MOST = 1000000


class Table:
    """Prints the rows; `floor` and `wide` are the echo with 1,024 and with 8,192 in flight."""

    def __init__(self):
        self.floor = self.wide = None

    def head(self):
        print(f"{SECONDS} s a row; ratio = CPU per exchange / echo; lost = repeats/unanswered")
        print(f"{'row':36}  ratio   aim    us CPU       /s   p50 us   p99 us p99.9 us      lost "
              " RSS MiB  B disk  answers")

    def row(self, name, row, aim=None, floor=None):
        floor = floor or self.floor or row
        codes = " ".join(f"{code}:{count}" for code, count in row["codes"].items())
        lost = f"{row['repeats']}/{row['unanswered']}"
        print(f"{name:36} {row['cpu_us'] / floor['cpu_us']:6.2f} {aim or '':>5} "
              f"{row['cpu_us']:9.2f} {row['rate']:8.0f} {row['p50_us']:8} {row['p99_us']:8} "
              f"{row['p999_us']:8} {lost:>9} {row['rss_mib']:8.0f} {row['written']:7.0f}  {codes}",
              flush=True)

    def note(self, text):
        print(f"  {text}", flush=True)


def echo(table):
    port = machine.free_port(socket.SOCK_DGRAM)
    with program(BUILD / "bench/bench_echo", port) as process:
        table.row("echo, 1,024 in flight", floor := load(process, port, "echo", in_flight=1024))
        table.row("echo, 8,192 in flight", wide := load(process, port, "echo", in_flight=8192))
    table.floor, table.wide = floor, wide


def libcoap(table):
    """The peer: the same trivial answer, but no message id is remembered and nothing is stored."""
    if not (BUILD / "bench/bench_libcoap").exists():
        table.note("bare libcoap: left out, libcoap3-dev was not there when this was built")
        return
    port = machine.free_port(socket.SOCK_DGRAM)
    with program(BUILD / "bench/bench_libcoap", port) as peer:
        # Few peers first: it keeps a session for each, and its cost grows with their number.
        few = load(peer, port, "trivial", in_flight=256, devices=256)
        table.row("libcoap, no dedup/store, 256 peers", few)
        many = load(peer, port, "trivial", in_flight=1024)
        table.row("libcoap, no dedup/store, 10,000", many)


def messages(table):
    with serving(preload("messages", DEVICES)) as server:
        def run(mode, **options):
            return load(server.process, server.coap, mode, **options)

        table.row("trivial answer (GET /)", run("trivial"), aim=1.5)
        table.row("durable telemetry, 5 keys, 1,024", run("telemetry"), aim=2.6)
        table.row("durable telemetry, 5 keys, 8,192", run("telemetry", in_flight=8192), aim=2.6,
                  floor=table.wide)
        table.row("durable telemetry at 1,000/s", run("telemetry", rate=1000))
        table.row("durable telemetry at 10,000/s", run("telemetry", rate=10000))


def reads(table):
    with serving(preload("reads", DEVICES)) as server:
        load(server.process, server.coap, "publish", seconds=1, each=1)
        for in_flight in (64, 1024):
            found = load(server.process, server.coap, "attributes", in_flight=in_flight)
            table.row(f"attribute read, 5 keys, {in_flight:,}", found, aim=2.0)


def growth(table):
    """The same with 1,000 and with 1,000,000 devices, each of which is a peer and has sent."""
    found, memory = {}, {}
    for count in (1000, MOST):
        with serving(preload(f"growth-{count}", count), f"limits.devices={MOST + 1000}") as server:
            memory[count] = server.resident_after_start()
            found[count] = load(server.process, server.coap, "telemetry", devices=count,
                                in_flight=1000, each=1)
        table.row(f"durable telemetry, {count:,} devices", found[count])
    ratio = found[MOST]["cpu_us"] / found[1000]["cpu_us"]
    table.note(f"1,000,000 devices cost {ratio:.2f} of 1,000 (aim 1.5, goal 1.2)")
    each = (memory[MOST] - memory[1000]) / (MOST - 1000)
    table.note(f"a registered device, silent: {each:.0f} bytes resident after a start")


def start(table):
    """SIGKILL with the journal just below the size that starts a seal."""
    server = Server(preload("start", MANY))
    server.start()
    driver = machine.generator(server.coap, "telemetry",
                               {"devices": MANY, "rate": 40000, "seconds": 600})
    while (level := server.level("store-journal-bytes"))[0] < 0.97 * level[1]:
        time.sleep(0.02)
    server.kill()
    driver.kill()
    driver.wait()
    table.note(f"start after SIGKILL, {MANY:,} devices, journal of {level[0] / 2**20:.1f} MiB "
               f"({level[0] / level[1]:.0%} full); aim 1 s, goal 0.1 s")
    kept = server.data.with_name("start-kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(server.data, kept)
    for cores in (CORES[:1], CORES):
        shutil.rmtree(server.data)
        shutil.copytree(kept, server.data)
        os.sync()  # writing the copy is not part of the start
        begin = time.monotonic()
        server.start(wait=False, cores=cores)
        seconds = first_answer(server.coap, begin)
        spent = machine.cpu_seconds(server.process)
        table.note(f"cores {len(cores)}: first 2.01 after {seconds:.2f} s, {spent:.2f} s of CPU")
        server.kill()


def first_answer(port, begin):
    """Seconds until a reading was acknowledged, sent again every two milliseconds."""
    payload = b'\xb3api\x02v1\x0cBENCH0000001\x09telemetry\x11\x32\xff{"n":1}'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.settimeout(0.002)
        for mid in range(65536):
            try:
                device.sendto(b"\x40\x02" + mid.to_bytes(2, "big") + payload, ("127.0.0.1", port))
                while (answer := device.recv(2048))[1] != 0x41:
                    if answer[1] not in (0, 0xa3):
                        sys.exit(f"the first answer was {answer!r}")
                return time.monotonic() - begin
            except OSError:
                continue
    sys.exit("no answer after the start")


def held(table):
    """Half of what the machine took, held for ten rows' time: memory must stay flat."""
    with serving(preload("held", DEVICES)) as server:
        full = load(server.process, server.coap, "telemetry", seconds=min(SECONDS, 5))
        rate = int(full["rate"] / 2)
        first = load(server.process, server.coap, "telemetry", rate=rate)
        long = load(server.process, server.coap, "telemetry", rate=rate, seconds=SECONDS * 10)
    table.row(f"telemetry, {rate:,}/s held {SECONDS * 10} s", long)
    table.note(f"memory while it was held: {first['rss_mib']:.0f} to {long['rss_mib']:.0f} MiB")


def by_thread(row):
    return ", ".join(f"{name} {spent:.2f}" for name, spent in sorted(
        row["threads_us"].items(), key=lambda item: -item[1]) if spent >= 0.01)


def fanout(table):
    """One change of a shared attribute at each of 100,000 devices: first while none observes, which
    is what REST and the store cost, then while each does."""
    found = {}
    for mode in ("change", "fan-out"):
        # A change holds a thread until it is on disk: as many as share a commit well.
        with serving(preload("fanout", MANY), "http.threads=64") as server:
            found[mode] = load(server.process, server.coap, mode, devices=MANY, http=server.http,
                               connections=256, environment={"BENCH_TOKEN": server.token()})
    table.row(f"change by REST, {MANY:,}, unobserved", found["change"])
    table.row(f"the same, {MANY:,} observers", found["fan-out"])
    table.note(f"the last of {MANY:,} came after {found['fan-out']['seconds']:.2f} s")
    for mode, row in found.items():
        table.note(f"{mode}: us by thread: {by_thread(row)}")
    alone, all_of_it = ((row["threads_us"]["worker"] + row["threads_us"]["store"])
                        for row in (found["change"], found["fan-out"]))
    more = all_of_it - alone
    table.note(f"worker and store: {more:.2f} us more when it is observed, "
               f"{more / table.floor['cpu_us']:.2f} of the echo a notification (aim 2.0, goal 1.5)")


def calls(table):
    """Two-way calls, one request over HTTP for each: 10,000 at a time, then one at a time."""
    settings = (f"http.connections={DEVICES + 100}", f"http.queue={DEVICES}")
    with serving(preload("calls", DEVICES), *settings) as server:
        environment = {"BENCH_TOKEN": server.token()}

        def run(mode, connections):
            return load(server.process, server.coap, mode, environment, devices=DEVICES,
                        http=server.http, connections=connections)

        table.row(f"two-way calls, {DEVICES:,} in flight", many := run("call", DEVICES))
        table.note(f"us by thread: {by_thread(many)}")
        table.row("HTTP GET /readyz, one at a time", run("ask", 1))
        table.row("two-way calls, one at a time", run("call", 1))
    port = machine.free_port(socket.SOCK_DGRAM)
    with program(BUILD / "bench/bench_echo", port) as process:
        table.row("echo, one at a time", load(process, port, "echo", in_flight=1))


def observers(table):
    """Two observations of each device. Memory is that of two fresh starts, without and with them:
    while they are made the store's own buffers grow as well."""
    with serving(preload("observers", MANY)) as server:
        before = server.resident_after_start()
        made = load(server.process, server.coap, "observe", devices=MANY)
        server.kill()
        begin = time.monotonic()
        server.start()
        seconds = time.monotonic() - begin
        after = server.resident_after_start()
    table.row("registration of an observation", made)
    table.note(f"an idle device with two observations: {(after - before) / MANY:.0f} bytes "
               f"(aim 1,024, goal 512); with {MANY:,} of them ready {seconds:.2f} s after SIGKILL")


GROUPS = {"echo": echo, "libcoap": libcoap, "messages": messages, "reads": reads, "growth": growth,
          "observers": observers, "fanout": fanout, "calls": calls, "start": start, "held": held}


def main():
    wanted = [name for name in os.environ.get("BENCH_ROWS", "").split(",") if name] or list(GROUPS)
    if unknown := set(wanted) - set(GROUPS):
        sys.exit(f"no such rows: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    if len(CORES) < 2:
        sys.exit("two cores are needed: one for the server, one for the load")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    table = Table()
    table.head()
    echo(table)
    for name in wanted:
        if name != "echo":
            GROUPS[name](table)
    shutil.rmtree(DATA, ignore_errors=True)
    print("goals: trivial 1.2, durable telemetry 1.8, attribute read 1.6; made by make bench, "
          f"BENCH_SECONDS={SECONDS}")


if __name__ == "__main__":
    main()
