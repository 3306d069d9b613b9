"""The power goes: what was acknowledged is there afterwards, whole and once.

The server runs on a disk that keeps only what was synced (tests/disk) and is cut at chosen syncs:
of the log of device data, of its sorted files and their list, of directories, of the entities, at
the first start. SOAK=1 cuts 200 times; POWER_SEED repeats a run.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

import pytest

from observer import Later, Observer
from power import Disk
from raw_coap import ACK, CON, EMPTY, POST, RawClient
from rest_client import TENANT, Rest
from test_kill import ANSWER_SECONDS, Poster, check

CUTS = 200 if os.environ.get("SOAK") else 20
CLIENTS = 8

# What the disk itself is worth: programs that forget a sync.

PROGRAM = """
import os, sys
os.chdir(sys.argv[1])
def put(name, text, sync=True):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT)
    os.lseek(fd, 0, os.SEEK_END)
    os.write(fd, text)
    if sync: os.fsync(fd)
    os.close(fd)
def sync_directory():
    fd = os.open(".", os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
put("kept", b"synced ")
put("renamed.new", b"synced")
sync_directory()
put("kept", b"not synced", sync=False)
put("nameless", b"synced, but not its directory")
os.rename("renamed.new", "renamed")
put("end", b"")
raise SystemExit("still alive")
"""


def cut_program(root, seed):
    disk = Disk(root)
    environment = {**os.environ, **disk.environment(cut="*/end:1:before", seed=seed)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(root)], env=environment,
                          capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    return {path.name: path.read_bytes() for path in disk.root.iterdir()}


def test_the_disk_keeps_what_was_synced_and_may_lose_the_rest(tmp_path):
    outcomes = [cut_program(tmp_path / str(seed), seed) for seed in range(30)]
    for files in outcomes:
        assert files["kept"].startswith(b"synced ")
        assert (files.get("renamed") or files.get("renamed.new")) == b"synced"
    kept = {files["kept"] for files in outcomes}
    assert {b"synced ", b"synced not synced"} < kept, "neither lost, nor kept, nor torn"
    assert 0 < sum("nameless" in files for files in outcomes) < len(outcomes)
    assert 0 < sum("renamed" in files for files in outcomes) < len(outcomes)


def test_the_disk_undoes_truncation_and_removal(tmp_path):
    program = ("import os, sys; os.chdir(sys.argv[1])\n"
               "os.ftruncate(os.open('short', os.O_RDWR), 1)\n"
               "os.unlink('gone')\n"
               "fd = os.open('over', os.O_RDWR); os.pwrite(fd, b'XX', 1)\n"
               "os.fsync(os.open('end', os.O_WRONLY | os.O_CREAT))\n")
    seen = set()
    for seed in range(30):
        disk = Disk(tmp_path / str(seed))
        for name in ("short", "gone", "over"):
            (disk.root / name).write_bytes(b"0123")
        subprocess.run([sys.executable, "-c", program, str(disk.root)], check=False,
                       env={**os.environ, **disk.environment(cut="*/end:1:before", seed=seed)})
        files = {path.name: path.read_bytes() for path in disk.root.iterdir()}
        seen.add((files["short"], files.get("gone"), files["over"]))
    assert {short for short, _, _ in seen} >= {b"0123", b"0"}
    assert {gone for _, gone, _ in seen} == {b"0123", None}
    assert {over for _, _, over in seen} >= {b"0123", b"0XX3"}


# The server on it.

class Padded(Poster):
    """Posts enough for the database to write files while the test runs."""

    def body(self, n):
        return super().body(n).replace('"twin"', f'"pad":"{"x" * 900}","twin"')


class Registrar(threading.Thread):
    """Creates devices over REST, one after the other."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.created, self.done = server, set(), threading.Event()
        self.tried = 0

    def run(self):
        rest = None
        while not self.done.is_set():
            try:
                rest = rest or Rest(self.server.http_port).log_in(*TENANT)
                name = f"made {self.tried}"
                self.tried += 1
                device = rest.create_device(name, f"MADE-{self.tried}")
                self.created.add((name, device))
            except (OSError, AssertionError, AttributeError, http.client.HTTPException):
                rest = None  # the power is off
            time.sleep(0.02)


PLACES = [
    # (pattern, the latest sync that is cut)
    ("*/devices/*.log", 800), ("*/devices/*.log", 60), ("*/devices/*.sst", 2),
    ("*/devices/MANIFEST-*", 3), ("*/devices", 3), ("*/entities.db*", 60), ("*/entities.db*", 6),
    ("*", 30),
]


def cuts(choice):
    while True:
        for pattern, latest in PLACES:
            yield f"{pattern}:{choice.randint(1, latest)}:{choice.choice(['before', 'after'])}"


def run_until_cut(server, disk, cut, seed, seconds=2.5):
    """Starts the server on the disk and waits until its power goes; True if it went."""
    server.environment = disk.environment(cut=cut, seed=seed)
    try:
        server.start_once()
    except AssertionError as error:
        assert "the server ended at its start" in str(error) and server.process is None
        return True
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            assert server.process.returncode == -9, server.log()[-2000:]
            server.process = None
            return True
        time.sleep(0.01)
    server.kill()
    return False


def test_what_was_acknowledged_survives_power_loss(place):
    seed = int(os.environ.get("POWER_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"POWER_SEED={seed}")
    choice = random.Random(seed)
    server = place.server(settings=["store.journal-size=1M", "store.head-size=16M"])
    disk = Disk(server.data)
    places = cuts(choice)
    # The first start may be cut as well: whatever is there then, the next start goes on with it.
    run_until_cut(server, disk, f"*:{choice.randint(1, 25)}:before", choice.randrange(1 << 30), 1.0)
    server.environment = {}
    server.start_once()
    rest = Rest(server.http_port).log_in(*TENANT)
    tokens = [f"POWER-{i}" for i in range(CLIENTS)]
    posters = [Padded(server.coap_port, token, rest.create_device(token, token), stamped=i % 2 == 0)
               for i, token in enumerate(tokens)]
    registrar = Registrar(server)
    server.stop()
    gone = 0
    for thread in (*posters, registrar):
        thread.start()
    try:
        for _ in range(CUTS):
            gone += run_until_cut(server, disk, next(places), choice.randrange(1 << 30))
    finally:
        server.environment = {}
        server.start_once()
        time.sleep(0.3)
        for thread in (*posters, registrar):
            thread.done.set()
    for thread in (*posters, registrar):
        thread.join(ANSWER_SECONDS + 5)
    assert [poster.problem for poster in posters if poster.problem] == []
    rest = Rest(server.http_port).log_in(*TENANT)
    for poster in posters:
        assert len(poster.acknowledged) > CUTS
        check(rest, poster)
    listed = rest.get("/api/tenant/devices", pageSize=10000, page=0)["data"]
    there = {(device["name"], device["id"]["id"]) for device in listed}
    assert registrar.created and registrar.created <= there
    assert gone >= CUTS * 3 // 4, f"the power went {gone} times only"
    readings = sum(len(poster.acknowledged) for poster in posters)
    print(f"{readings} readings and {len(registrar.created)} devices acknowledged, "
          f"the power went {gone} times")


# A slow disk, and one that fails.

@pytest.mark.parametrize("sync_ms, separate", [(50, False), (700, True)])
def test_answers_wait_for_the_sync_of_their_reading(place, sync_ms, separate):
    server = place.server()
    server.start_once()
    server.stop()
    disk = Disk(server.data)
    server.environment = disk.environment(sync_ms=sync_ms)
    server.start_once()
    with RawClient(server.coap_port) as client:
        for n in range(3):
            message = client.message(POST, "/api/v1/A1_TEST_TOKEN/telemetry", f'{{"n":{n}}}')
            before = time.monotonic()
            client.send(message)
            answer = client.receive(10)
            if separate:
                assert (answer.type, answer.code) == (ACK, EMPTY)
                assert 0.4 < time.monotonic() - before < sync_ms / 1000
                answer = client.receive(10)
                assert answer.type == CON and answer.token == message.token
                client.send(type(message)(ACK, EMPTY, answer.mid))
            else:
                assert answer.type == ACK
            assert answer.status == "2.01"
            # Nothing is said to be safe before the sync is over.
            assert time.monotonic() - before >= sync_ms / 1000
        assert client.receive(1.0) is None, "nothing is sent twice"


def test_after_a_failed_sync_nothing_is_acknowledged(place):
    server = place.server()
    server.start_once()
    server.stop()
    disk = Disk(server.data)
    server.environment = disk.environment(fail="*/devices/*.log:20")
    server.start_once()
    stored = []
    with RawClient(server.coap_port) as client:
        for n in range(100):
            body = f'{{"ts":{n},"values":{{"n":1}}}}'
            message = client.message(POST, "/api/v1/A1_TEST_TOKEN/telemetry", body)
            answer = client.exchange(message, seconds=2)
            if answer is None:
                break
            if answer.status != "2.01":
                assert answer.status == "5.03"
                break
            stored.append(n)
    assert 1 <= len(stored) < 99
    assert server.process.wait(10) == 1, "it ends, so that it can be started anew"
    server.process = None
    assert "store.read_only" in server.log()
    assert f"motehub: a write to {server.data} failed" in server.log()
    server.environment = {}
    server.start_once()
    rest = Rest(server.http_port).log_in(*TENANT)
    found = [ts for ts, _ in rest.points(rest.device_named("Test Device A1"), "n", end=1000)]
    assert set(stored) <= set(found)


def test_a_clock_that_jumps_changes_nothing_that_matters(place):
    server = place.server()
    server.start_once()
    server.stop()
    disk = Disk(server.data)
    server.environment = disk.environment()
    server.start_once()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.device_named("Test Device A1")
    now = int(time.time() * 1000)
    with RawClient(server.coap_port) as client:
        first = client.message(POST, "/api/v1/A1_TEST_TOKEN/telemetry", '{"n":0}')
        assert client.exchange(first).status == "2.01"
        for n, seconds in enumerate((3600, 3600, -3600, -3600, 0, 0), 1):
            disk.turn_clock(seconds)
            before = time.monotonic()
            assert client.post("A1_TEST_TOKEN", f'{{"n":{n}}}').status == "2.01"
            assert time.monotonic() - before < 1.0
        # A repeat is still known, and nothing was stamped behind what was there.
        assert client.exchange(first).status == "2.01"
    points = rest.points(device, "n", start=now - 10_000_000, end=now + 10_000_000)
    assert [n for _, n in points] == [0, 1, 2, 3, 4, 5, 6]
    stamps = [ts for ts, _ in points]
    assert stamps == sorted(set(stamps))


def test_a_clock_that_jumps_moves_no_deadline_and_ends_no_session(place, rest_of):
    """An hour either way while a call waits, a device observes and a person is logged in."""
    server = place.server(settings=["rpc.timeout-min=1s"])
    server.start_once()
    server.stop()
    disk = Disk(server.data)
    server.environment = disk.environment()
    server.start_once()
    device, rest = rest_of(server, "jumping")
    body = {"method": "m", "params": {}, "timeout": 3000}
    path = f"/api/rpc/twoway/{device.id}"
    with Observer(device, "rpc") as calls, Observer(device, "attributes") as attributes:
        calls.register()
        attributes.register()
        for n, seconds in enumerate((3600, -3600, 0)):
            begin = time.monotonic()
            answered = Later(rest.call, "POST", path, body)
            call = calls.next()
            disk.turn_clock(seconds)
            # A second later it is still waited for, and at its deadline no more.
            time.sleep(1.0)
            assert calls.answer(call, {"n": n}) == "2.01"
            assert answered.result().json() == {"n": n}
            late = Later(rest.call, "POST", path, body)
            assert calls.next() is not None
            assert late.result().status == 504
            assert 3.5 < time.monotonic() - begin < 6.0
            # Who logged in before the jump stays so, and who logs in now is known after the next.
            rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", {"n": n})
            assert json.loads(attributes.next().payload) == {"n": n}
            rest.log_in(*TENANT)
    now = int(time.time() * 1000)
    active = rest.get(f"/api/plugins/telemetry/DEVICE/{device.id}/values/attributes/SERVER_SCOPE")
    heard = {one["key"]: one["value"] for one in active}
    assert heard["active"] is True and abs(heard["lastActivityTime"] - now) < 2 * 3600_000
