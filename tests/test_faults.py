"""Disks that are full, broken or not ours: refused meanwhile, or one clear line and exit code 1.

No success leaves before the sync that covers it; the trace of the disk (tests/disk) shows it.
"""

import contextlib
import ctypes
import os
import resource
import shutil
import socket
import subprocess
import time

import pytest

from power import Disk
from raw_coap import ACK, CON, EMPTY, POST, Message, RawClient, decode
from rest_client import TENANT, Rest
from server import START_SECONDS_MAX, environment

TOKEN = "A1_TEST_TOKEN"
PATH = f"/api/v1/{TOKEN}/telemetry"
DEVICE = "Test Device A1"


def on_disk(place, settings=(), **knobs):
    """A demo server that was started once, running again on a disk of its own: (server, disk)."""
    server = place.server(settings=list(settings))
    server.start()
    server.stop()
    disk = Disk(server.data)
    server.environment = disk.environment(**knobs)
    server.start_once()
    return server, disk


def post(client, n):
    """Posts n at the time n: the status of the answer, None without one."""
    message = client.message(POST, PATH, f'{{"ts":{n},"values":{{"n":{n}}}}}')
    answer = client.exchange(message, seconds=3)
    return answer and answer.status


def stored(server):
    rest = Rest(server.http_port).log_in(*TENANT)
    return [n for _, n in rest.points(rest.device_named(DEVICE), "n", end=1_000_000)]


def start_fails(server, before=None):
    """Starts a server that must end by itself with 1: its last line."""
    done = subprocess.run(server.command(), env=environment(**server.environment), text=True,
                          capture_output=True, timeout=START_SECONDS_MAX, preexec_fn=before)
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1 and lines[0].startswith("motehub: "), done.stderr
    return lines[0]


# What leaves, and when.

def is_answer_to(message):
    def is_answer(data):
        return len(data) >= 4 and data[0] >> 4 == 4 | ACK and data[1] == 0x41 and \
            decode(data).mid == message.mid
    return is_answer


def late(disk, expected):
    """Of [(text, end of the file's name, what confirms it)] the texts that are not synced first."""
    events = []
    for line in disk.trace.read_text().splitlines():
        kind, path, data = line.split(" ")
        events.append((kind, path, bytes.fromhex(data)))
    found = []
    for text, name, confirms in expected:
        wrote = synced = sent = path = None
        for at, (kind, where, data) in enumerate(events):
            if kind == "write" and wrote is None and where.endswith(name) and text in data:
                wrote, path = at, where
            elif kind == "sync" and wrote is not None and synced is None and where == path:
                synced = at
            elif kind == "send" and sent is None and confirms(data):
                sent = at
        assert wrote is not None and sent is not None, f"{text} was not seen"
        if synced is None or sent < synced:
            found.append(text)
    return found


@pytest.mark.parametrize("lie", [None, "*"])
def test_no_success_leaves_before_the_sync_that_covers_it(place, lie):
    """With syncs that do nothing (the planted fault) every success is found to be early."""
    server, disk = on_disk(place, lie=lie, traced=True)
    rest = Rest(server.http_port).log_in(*TENANT)
    expected = []
    with RawClient(server.coap_port) as client:
        for n in range(100):
            text = f"marker {n} of a reading"
            message = client.message(POST, PATH, f'{{"text":"{text}"}}')
            assert client.exchange(message).status == "2.01"
            expected.append((text.encode(), ".log", is_answer_to(message)))
    for n in range(10):
        body = f'"name":"marker {n} of a device"'.encode()
        rest.create_device(f"marker {n} of a device", f"MARKER-{n}")
        expected.append((f"marker {n} of a device".encode(), "entities.db-wal",
                         lambda data, body=body: body in data))
    assert len(late(disk, expected)) == (len(expected) if lie else 0)


# A full disk.

def test_below_the_watermark_readings_are_refused_until_there_is_room(place):
    server, disk = on_disk(place)
    with RawClient(server.coap_port) as client:
        assert post(client, 1) == "2.01"
        disk.leave(100_000_000)
        assert post(client, 2) == "5.03"
        assert stored(server) == [1]
        disk.leave()
        assert post(client, 3) == "2.01"
    assert stored(server) == [1, 3]
    server.restart("kill")
    assert stored(server) == [1, 3]


def test_what_was_kept_for_a_full_disk_is_given_up_and_kept_again(place):
    server, disk = on_disk(place, ["store.ballast=8M"])
    ballast = server.data / "ballast"

    def wait_until(is_there):
        end = time.monotonic() + 10
        while ballast.exists() != is_there:
            assert time.monotonic() < end, server.log()
            time.sleep(0.05)
    wait_until(True)
    about = ballast.stat()
    assert about.st_size == about.st_blocks * 512 == 8 << 20 and about.st_mode & 0o777 == 0o600
    disk.leave(200_000_000)  # below the watermark, but not by half
    time.sleep(2)
    assert ballast.exists()
    disk.leave(100_000_000)
    wait_until(False)
    assert '"event":"store.ballast-released","bytes":8388608,"result":"ok"' in server.log()
    server.restart()  # there is none to be given up, and none is made meanwhile
    assert not ballast.exists()
    disk.leave()
    wait_until(True)
    with RawClient(server.coap_port) as client:
        assert post(client, 1) == "2.01"
    server.stop()
    server.settings = ["store.ballast=0"]
    server.start_once()
    assert not ballast.exists()


def test_a_disk_that_is_full_without_warning_ends_the_process_and_loses_nothing(place):
    server, disk = on_disk(place, ["store.free-space-min=0"])
    kept = []
    with RawClient(server.coap_port) as client:
        for n in range(20):
            assert post(client, n) == "2.01"
            kept.append(n)
        disk.leave(0, "*/devices/*")
        assert post(client, 20) != "2.01"
    assert server.process.wait(10) == 1
    server.process = None
    assert f"motehub: a write to {server.data} failed" in server.log()
    disk.leave()
    server.start_once()
    assert stored(server)[:20] == kept
    with RawClient(server.coap_port) as client:
        assert post(client, 21) == "2.01"


def test_entities_are_refused_on_a_full_disk_and_taken_again_with_room(place):
    server, disk = on_disk(place)
    rest = Rest(server.http_port).log_in(*TENANT)
    rest.create_device("before", "BEFORE")
    disk.leave(0, "*/entities.db*")
    refused = rest.call("POST", "/api/device", {"name": "during"}, {"accessToken": "DURING"})
    assert refused.status == 503, refused
    disk.leave()
    rest.create_device("after", "AFTER")
    server.restart("kill")
    listed = rest.get("/api/tenant/devices", pageSize=100, page=0)["data"]
    names = {device["name"] for device in listed}
    assert {"before", "after"} <= names and "during" not in names


def test_after_a_failed_sync_of_entities_nothing_is_confirmed(place):
    server, disk = on_disk(place)
    Rest(server.http_port).log_in(*TENANT)
    server.stop()
    server.environment = disk.environment(fail="*/entities.db-wal:4")
    server.start_once()
    rest = Rest(server.http_port).log_in(*TENANT)
    answers = [rest.call("POST", "/api/device", {"name": f"made {n}"}) for n in range(12)]
    confirmed = {f"made {n}" for n, answer in enumerate(answers) if answer.status == 200}
    assert 0 < len(confirmed) < 12
    assert all(answer.status in (200, 500, 503) for answer in answers)
    server.kill()
    server.environment = {}
    server.start_once()
    listed = rest.get("/api/tenant/devices", pageSize=100, page=0)["data"]
    assert confirmed <= {device["name"] for device in listed}


# A slow disk.

def test_a_slow_disk_makes_two_datagrams_of_each_answer_and_no_more(place):
    """100 devices at once: an empty ACK and a separate response each, nothing is repeated."""
    server, _ = on_disk(place, sync_ms=700)
    with contextlib.ExitStack() as clients:
        made = [clients.enter_context(RawClient(server.coap_port)) for _ in range(100)]
        sent = [client.message(POST, PATH, f'{{"n":{n}}}') for n, client in enumerate(made)]
        for client, message in zip(made, sent):
            client.send(message)
        for client, message in zip(made, sent):
            first = client.receive(10)
            if (first.type, first.code, first.mid) == (ACK, EMPTY, message.mid):
                answer = client.receive(10)
                assert (answer.type, answer.status) == (CON, "2.01")
                client.send(Message(ACK, EMPTY, answer.mid))
            else:
                assert (first.type, first.status) == (ACK, "2.01")
        time.sleep(4.0)  # a first repeat would come within 3 s
        assert [client.receive(0.001) for client in made] == [None] * len(made)


# A directory that cannot be used.

def test_a_second_process_on_the_same_directory_is_refused(place):
    server = place.server()
    server.start()
    second = place.server()
    line = start_fails(second)
    assert "in use by another process" in line
    assert server.is_ready()


def test_a_file_in_the_place_of_the_directory_is_refused(place):
    server = place.server()
    server.data.write_text("")
    assert str(server.data) in start_fails(server)


def without_override():
    """Root, too, must have leave to write: drops CAP_DAC_OVERRIDE for the program that follows."""
    drop_from_bounding_set, dac_override = 24, 1
    libc = ctypes.CDLL(None)
    if os.geteuid() == 0 and libc.prctl(drop_from_bounding_set, dac_override, 0, 0, 0) != 0:
        raise OSError("prctl")


def test_a_directory_that_cannot_be_written_is_refused(place):
    server = place.server()
    server.data.mkdir(mode=0o500)
    assert str(server.data) in start_fails(server, without_override)


def limited(count):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


@pytest.mark.parametrize("count", [8, 16, 24])
def test_too_few_descriptors_are_one_clear_line(place, count):
    server = place.server()
    assert start_fails(server, limited(count))
    server.start()


def test_without_descriptors_readings_go_on_and_connections_wait(place):
    server = place.server()
    server.start()
    used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 4, used + 4))
    with contextlib.ExitStack() as open_connections:
        for _ in range(16):
            connection = socket.create_connection(("127.0.0.1", server.http_port))
            open_connections.enter_context(connection)
        with RawClient(server.coap_port) as client:
            for n in range(20):
                assert post(client, n) == "2.01"
    assert stored(server) == list(range(20))


# Damage.

def damaged(server, pattern, at):
    """Turns bits of the newest file that matches; `at` is a part of its size."""
    file = max(server.data.glob(pattern), key=lambda path: (path.stat().st_size > 0, path.name))
    data = bytearray(file.read_bytes())
    assert data, file
    place = min(int(len(data) * at), len(data) - 1)
    data[place:place + 4] = bytes(byte ^ 0xA5 for byte in data[place:place + 4])
    file.write_bytes(data)


@pytest.mark.parametrize("pattern, at", [
    ("devices/*.log", 0.2), ("devices/MANIFEST-*", 0.3), ("devices/CURRENT", 0.0),
    ("entities.db", 0.0),
])
def test_a_damaged_file_is_one_clear_line(place, pattern, at):
    server = place.server()
    server.start()
    with RawClient(server.coap_port) as client:
        for n in range(300):
            assert post(client, n) == "2.01"
    server.kill() if "log" in pattern else server.stop()
    intact = server.data.with_name("intact")
    shutil.copytree(server.data, intact)
    damaged(server, pattern, at)
    assert start_fails(server)
    # The refusal changed nothing that is needed: with the file as it was everything is there.
    shutil.rmtree(server.data)
    intact.rename(server.data)
    server.start_once()
    assert stored(server) == list(range(300))


def test_when_both_databases_are_damaged_the_one_line_names_device_data(place):
    server = place.server()
    server.start()
    server.stop()
    damaged(server, "devices/CURRENT", 0.0)
    damaged(server, "entities.db", 0.0)
    for _ in range(3):  # they are opened at the same time
        assert "device data" in start_fails(server)


def flip_everywhere(file, step=512):
    """Turns bits in each part of a file that is open elsewhere, in place."""
    with open(file, "r+b") as there:
        size = there.seek(0, os.SEEK_END)
        for at in range(0, size, step):
            there.seek(at)
            byte = there.read(1)
            there.seek(at)
            there.write(bytes([byte[0] ^ 0xA5]))


def test_sorted_files_damaged_while_it_runs_are_noticed_and_nothing_wrong_is_served(place):
    server = place.server(settings=["store.journal-size=1M", "store.head-size=1M"])
    server.start()
    with RawClient(server.coap_port) as client:
        for n in range(1500):
            assert post(client, n) == "2.01"
        message = client.message(POST, f"/api/v1/{TOKEN}/attributes", '{"kept":"as it was"}')
        assert client.exchange(message).status == "2.01"
    # What the log holds becomes sorted files behind the next start; nothing of them was read yet.
    server.restart("kill")
    end = time.monotonic() + 10
    while len(files := list(server.data.glob("devices/*.sst"))) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    assert files
    time.sleep(1)
    for file in files:
        flip_everywhere(file)
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.device_named(DEVICE)
    series = f"/api/plugins/telemetry/DEVICE/{device}/values/timeseries"
    wish = {"keys": "n", "startTs": 0, "endTs": 1_000_000, "limit": 100000, "orderBy": "ASC",
            "useStrictDataTypes": "true"}
    answer = rest.call("GET", series, query=wish)
    assert answer.status in (500, 503), answer
    attributes = rest.call("GET", f"/api/plugins/telemetry/DEVICE/{device}/values/attributes")
    assert attributes.status in (500, 503) or \
        [one["value"] for one in attributes.json() if one["key"] == "kept"] == ["as it was"]
    with RawClient(server.coap_port) as client:
        # Stored and confirmed, refused, or the end of the process; never a wrong answer.
        answers = {post(client, n) for n in range(1500, 1510)}
        assert answers <= {"2.01", "5.03", "5.00", None}, answers
    assert '"event":"store.database","reason":"Corruption' in server.log()
    if server.process.poll() is not None:
        assert server.process.returncode == 1
        server.process = None
        assert "motehub: a write to" in server.log()
