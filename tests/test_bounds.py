"""Every bounded table: filled, its rule seen, and its memory within what was said before.

`motehub limits` and /metrics are made from one list (src/server/tables.def). Here is a case for
each of its rows: a test that fills it at the running server, or the name of a unit test that does.
The memory that the program says it reserved must be what the list says, to the byte, so that a
table that takes memory and has no row is found.
"""

import collections
import contextlib
import json
import pathlib
import re
import socket
import subprocess
import time
from types import SimpleNamespace

import pytest

from observer import Later, Observer
from power import Disk
from raw_coap import ACK, BLOCK1, CON, EMPTY, GET, MAX_AGE, OBSERVE, POST, Message, RawClient, uint
from rest_client import TENANT, Rest
from server import ROOT, Place, binary, run
from test_entity_query import TEMPERATURE, device_type, key_filter, name_start, query, series
from test_entity_watch import Watch
from test_metrics import figures
from test_websocket import Live, command

REQUEST_TAG = 292
SIZE1 = 60
TOKEN = "A1_TEST_TOKEN"
PATH = f"/api/v1/{TOKEN}/telemetry"
MIB = 1 << 20
BENCH = binary().parents[2] / "bench"

FILLED = {}  # name of a row: the test here that fills it

# Rows that nobody can fill from outside, or not in a reasonable time: the test elsewhere that does.
UNIT = {
    "coap-messages": "src/coap/dedup_test.c:"
                     "a_full_table_refuses_while_all_are_young_then_forgets_the_oldest",
    "coap-repeat-answers": "src/coap/kept_test.c:the_newest_answers_overwrite_the_oldest",
    "coap-block-answers": "src/coap/kept_test.c:the_newest_answers_overwrite_the_oldest",
    "coap-own-messages": "src/coap/notify_test.c:without_a_slot_it_is_refused",
    "coap-noted": "src/coap/kept_test.c:the_oldest_noted_ids_give_way",
    "coap-peers": "src/coap/peers_test.c:"
                  "the_one_used_longest_ago_gives_way_unless_it_waits_for_an_ack",
    "coap-bodies-unproven": "src/coap/endpoint_test.c:unproven_bodies_give_way_the_oldest_first",
    "coap-transmit": "src/coap/kept_test.c:a_full_queue_gives_no_place_until_it_is_emptied",
    "turn-bytes": "src/base/arena_test.c:full_arena_gives_null_and_stays_usable",
    "refusal-sources": "src/base/rate_test.c:in_a_full_set_the_one_seen_longest_ago_gives_way",
    "log-ins": "src/base/rate_test.c:in_a_full_set_the_one_seen_longest_ago_gives_way",
    "devices-reached": "src/core/shard_test.c:a_full_table_refuses_registrations",
    "shard-commits": "src/core/shard_full_test.c:"
                     "registrations_without_a_place_for_their_commit_are_refused",
    "notification-bodies": "src/core/shard_full_test.c:"
                           "a_body_without_a_place_is_written_again_for_the_other_address",
    "lane-bytes": "src/store/writer_test.c:full_lane_refuses_and_recovers",
    "loads": "src/store/conformance_state.c:loads_are_bounded",
    "mail-bytes": "src/bus/bus_test.c:a_full_ring_is_said_and_room_comes_back",
    "recent-bytes": "src/store/recent_test.c:the_oldest_gives_way",
    "values-watched": "src/rest/live_list_test.c:cells_have_a_bound",
    "range-waiting": "src/store/merge_test.c:what_waits_is_bounded",
    "ids-of-a-parameter": "tests/test_tenants.py:test_several_tenants_are_read_at_once",
    "parked-of-a-device": "src/core/visit_test.c:too_many_of_one_device_are_refused",
    "devices-with-a-life": "src/core/lives_test.c:points_of_a_device_beyond_the_bound_stay",
    "devices-with-limits": "src/core/meters_test.c:"
                           "in_a_full_set_the_one_seen_longest_ago_gives_way",
    "tenants-with-limits": "src/core/meters_test.c:"
                           "in_a_full_set_the_one_seen_longest_ago_gives_way",
    "bodies-fetched": "src/core/observation_test.c:"
                      "without_a_place_to_wait_an_acknowledgement_is_enough",
    "presence": "src/core/presence_test.c:a_number_beyond_the_bound_has_no_presence",
    "store-head-bytes": "src/store/local_test.c:small_head_seals_in_time",
    "store-journal-bytes": "src/store/local_test.c:journal_stays_within_its_bound",
    "store-trace-bytes": "src/store/traces_test.c:bytes_stay_within_the_bound_and_the_newest_stay",
    "free-disk": "src/store/local_test.c:full_disk_refuses_and_recovers",
    "entity-jobs": "src/store/entities_test.c:jobs_beyond_the_bound_are_refused",
    "tenants": "src/model/quotas_test.c:a_tenant_beyond_the_bound_is_refused",
    "tenant-profiles": "src/model/quotas_test.c:a_profile_beyond_the_bound_is_refused",
    "predicates-of-a-query": "tests/test_entity_query.py:test_predicates_have_bounds",
    "rest-response": "src/http/server_test.c:a_response_above_the_bound_is_500",
    "list-queries": "src/rest/live_list_test.c:so_many_queries_run_at_a_time",
    "socket-texts": "src/http/socket_test.c:a_peer_that_reads_too_slowly_is_closed",
    "socket-text-bytes": "src/http/socket_test.c:a_peer_that_reads_too_slowly_is_closed",
    "socket-commands": "src/http/socket_test.c:commands_beyond_the_bound_end_the_connection",
}

def fills(*names):
    """Marks the test that fills these rows."""
    def mark(test):
        for name in names:
            assert name not in FILLED, name
            FILLED[name] = test.__name__
        return test
    return mark


def limits(*settings):
    """What `motehub limits` says: {table: (bound, unit, places, memory)}, {memory: bytes}, sum."""
    code, out, text = run("limits", *[word for one in settings for word in ("--set", one)])
    assert (code, text) == (0, "")
    tables, memories = out.split("\n\n")
    rows = {}
    for line in tables.splitlines()[1:]:
        name, bound, unit, places, memory, full = line.split(None, 5)
        assert full
        rows[name] = (int(bound), unit, int(places), memory)
    parts, total = {}, None
    for line in memories.splitlines()[1:-1]:
        name, places, reserved, heap, _ = line.split(None, 4)
        parts[name] = (int(reserved), int(heap))
        total = parts[name]
    assert name == "sum"
    del parts["sum"]
    return rows, parts, total


def started(place, *settings, **more):
    server = place.server(settings=["coap.workers=1", *settings], **more)
    server.start()
    return server


def on_slow_disk(place, sync_ms, *settings):
    """A server that was started once, and runs again where each sync takes so long."""
    server = started(place, *settings)
    server.stop()
    server.environment = Disk(server.data).environment(sync_ms=sync_ms)
    server.start_once()
    return server


def preload(server, count):
    """Devices in its data directory: names "Bench 0000000", tokens "BENCH0000000" and so on."""
    subprocess.run([BENCH / "bench_preload", server.data, str(count)], check=True)


def level(server, table):
    return figures(server)[f'motehub_table_used{{table="{table}"}}']


def anonymous(server):
    """Bytes that the process has touched and no file backs."""
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+) kB", text, re.MULTILINE).group(1)) * 1024


# The list.

def test_every_row_has_a_case_and_stands_in_memory_that_is_counted():
    rows, parts, total = limits()
    assert sorted(rows) == sorted([*FILLED, *UNIT])
    for name, place in UNIT.items():
        file, test = place.split(":")
        assert test in (ROOT / file).read_text(), f"{name}: there is no {place}"
    used = {memory for _, _, _, memory in rows.values()}
    assert used - {"disk"} <= set(parts)
    assert total == tuple(map(sum, zip(*parts.values())))


SETTINGS = [
    [], ["coap.workers=1"], ["coap.workers=3", "trace.bytes=0"], ["coap.workers=9"],
    ["http.threads=1", "http.body-max=1M"], ["limits.devices=100", "coap.exchanges=64"],
    ["rpc.calls=16", "coap.dedup-entries=65536", "trace.bytes=1M"],
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: " ".join(settings) or "default")
def test_what_is_reserved_is_what_the_list_says(place, settings):
    server = place.server(settings=settings)
    server.start()
    _, parts, (reserved, heap) = limits(*settings)
    found = figures(server)
    assert found["motehub_memory_reserved_bytes"] == reserved
    said = json.loads(next(line for line in server.log().splitlines() if "server.started" in line))
    assert (said["reserved-bytes"], said["heap-bytes-max"]) == (reserved, heap)
    for name, bytes in parts.items():
        assert found[f'motehub_memory_bound_bytes{{part="{name}"}}'] == sum(bytes)


def test_every_table_tells_how_full_it_is(place):
    settings = ["coap.workers=2"]
    server = place.server(settings=settings)
    server.start()
    rows, _, _ = limits(*settings)
    found = figures(server)
    for name, (bound, _, places, _) in rows.items():
        table = f'{{table="{name}"}}'
        if f"motehub_table_used{table}" in found:
            assert found[f"motehub_table_bound{table}"] == bound * places, name
            assert found[f"motehub_table_used{table}"] <= bound * places, name


SMALL = ["coap.workers=1", "coap.dedup-entries=65536", "limits.devices=5000", "trace.bytes=1M",
         "limits.keys=10000", "store.head-size=8M", "store.journal-size=1M", "http.memory=8M",
         "http.threads=1", "rpc.calls=16"]


def test_under_load_memory_and_levels_stay_within_the_bounds(place):
    server = place.server(settings=SMALL)
    preload(server, 4000)
    server.start()
    for mode, seconds in (("telemetry", 6), ("stranger", 3)):
        subprocess.run([BENCH / "bench_load", str(server.coap_port), mode, "--devices", "4000",
                        "--seconds", str(seconds)], check=True, capture_output=True, timeout=600)
    found = figures(server)
    for name, used in found.items():
        if name.startswith("motehub_table_used"):
            # The journal is not refused at its bound but sealed, which takes a few commits.
            most = 1.5 if "journal" in name else 1.0
            assert used <= found[name.replace("used", "bound", 1)] * most, (name, used)
    _, parts, (reserved, heap) = limits(*SMALL)
    bound = reserved + heap - sum(parts["presence"] + parts["lives"] + parts["store.ranges"])
    assert found["motehub_store_seals_total"] > 100
    assert anonymous(server) < min(bound, 256 * MIB), f"{anonymous(server)} of {bound}"


# CoAP.

@fills("coap-exchanges")
def test_requests_beyond_those_in_hand_are_told_when_to_come_back(place):
    server = on_slow_disk(place, 500, "coap.exchanges=64", "coap.ack-wait=10s")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.coap_port)) for _ in range(100)]
        for client in clients:
            client.send(client.message(POST, PATH, '{"a":1}'))
        answers = [client.receive(10) for client in clients]
        statuses = [answer.status for answer in answers]
        assert statuses.count("5.03") >= 30 and set(statuses) == {"2.01", "5.03"}
        assert all(2 <= answer.number(MAX_AGE) <= 10 for answer in answers
                   if answer.status == "5.03")
        assert clients[0].exchange(clients[0].message(POST, PATH, '{"a":2}')).status == "2.01"


def send_blocks(client, tag, numbers, size_exponent=6, token=TOKEN):
    """These blocks of a body that does not end: the last answer."""
    answer = None
    for number in numbers:
        options = [(BLOCK1, uint(number << 4 | 8 | size_exponent)), (REQUEST_TAG, uint(tag))]
        answer = client.request(POST, f"/api/v1/{token}/telemetry", b"x" * (16 << size_exponent),
                                options)
        if answer.status != "2.31":
            return answer
    return answer


def senders(server, count):
    """New devices: their tokens."""
    rest = Rest(server.http_port).log_in(*TENANT)
    tokens = [f"SENDER{number}" for number in range(count)]
    for token in tokens:
        rest.create_device(token, token)
    return tokens


@fills("coap-bodies")
def test_bodies_beyond_the_bound_are_refused(place):
    server = started(place)
    rows = limits("coap.workers=1")[0]
    bound, of_one = rows["coap-bodies"][0], rows["coap-bodies-of-one"][0]
    with RawClient(server.coap_port) as client:
        for token in senders(server, bound // of_one):
            for tag in range(1, of_one + 1):
                assert send_blocks(client, tag, [0], 0, token).status == "2.31"
        answer = send_blocks(client, 1, [0], 0)
        assert (answer.status, bool(answer.number(MAX_AGE))) == ("5.03", True)
        assert level(server, "coap-bodies") == bound
        assert client.post(TOKEN, '{"a":1}').status == "2.01"


@fills("coap-bodies-of-one")
def test_the_oldest_body_of_a_device_gives_way(place):
    server = started(place)
    of_one = limits("coap.workers=1")[0]["coap-bodies-of-one"][0]
    with RawClient(server.coap_port) as client:
        for tag in range(1, of_one + 2):
            assert send_blocks(client, tag, [0], 0).status == "2.31"
        assert level(server, "coap-bodies") == of_one
        assert send_blocks(client, 1, [1], 0).status == "4.08"
        assert send_blocks(client, 2, [1], 0).status == "2.31"


@fills("coap-body-bytes", "coap-body")
def test_bytes_of_bodies_are_bounded_for_one_and_for_all(place):
    # With a small table of message ids, since the pages of a large one are touched here and there.
    server = started(place, "coap.dedup-entries=65536")
    rows = limits("coap.workers=1")[0]
    all_bytes, one = rows["coap-body-bytes"][0], rows["coap-body"][0]
    of_one = rows["coap-bodies-of-one"][0]
    tokens = senders(server, all_bytes // one // of_one)
    before = anonymous(server)
    with RawClient(server.coap_port) as client:
        answer = send_blocks(client, 1, range(one // 1024 + 1))
        assert (answer.status, answer.number(SIZE1)) == ("4.13", one)
        for token in tokens:
            for tag in range(of_one):
                assert send_blocks(client, tag, range(one // 1024), token=token).status == "2.31"
        answer = send_blocks(client, 999, [0])
        assert (answer.status, bool(answer.number(MAX_AGE))) == ("5.03", True)
        assert level(server, "coap-body-bytes") == all_bytes
        assert client.post(TOKEN, '{"a":1}').status == "2.01"
    assert anonymous(server) - before < all_bytes + 8 * MIB


@fills("device-calls")
def test_calls_of_devices_that_wait_are_bounded(place):
    server = started(place, "coap.timeout=30s", "coap.ack-wait=10s")
    rows = limits("coap.workers=1")[0]
    bound, of_one = rows["device-calls"][0], rows["device-calls-of-one"][0]
    refused = 0
    tokens = senders(server, bound // of_one + 2)
    with RawClient(server.coap_port) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        for number in range(bound + 20):
            client.send(client.message(POST, f"/api/v1/{tokens[number // of_one]}/rpc",
                                       '{"method":"m","params":{}}'))
            time.sleep(0.0001)
        while (answer := client.receive(1)) is not None:
            assert answer.status == "5.03" and answer.number(MAX_AGE)
            refused += 1
    assert refused == 20
    assert level(server, "device-calls") == bound


@fills("device-calls-of-one")
def test_calls_of_one_device_that_wait_are_bounded(place):
    server = started(place, "coap.timeout=5s", "coap.ack-wait=10s")
    of_one = limits("coap.workers=1")[0]["device-calls-of-one"][0]
    with RawClient(server.coap_port) as client:
        def call():
            client.send(client.message(POST, f"/api/v1/{TOKEN}/rpc", '{"method":"m","params":{}}'))

        for _ in range(of_one):
            call()
        assert client.receive(1) is None
        call()
        refused = client.receive(1)
        assert (refused.status, 1 <= refused.number(MAX_AGE) <= 5) == ("4.29", True)
        assert {client.receive(10).status for _ in range(of_one)} == {"5.04"}
        call()
        assert client.receive(10).status == "5.04"


@fills("questions")
def test_questions_to_shards_are_bounded(place):
    server = on_slow_disk(place, 700)
    bound = limits("coap.workers=1")[0]["questions"][0]
    with RawClient(server.coap_port) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        for _ in range(bound + 20):
            client.send(client.message(GET, f"/api/v1/{TOKEN}/attributes",
                                       options=[(OBSERVE, b"")]))
            time.sleep(0.0001)
        refused = 0
        while (answer := client.receive(1)) is not None and answer.code != EMPTY:
            assert answer.status == "5.03" and answer.number(MAX_AGE), answer
            refused += 1
        assert refused >= 20


# Calls.

class Called:
    """A device that observes its calls and takes them without answering."""

    def __init__(self, stack, server, rest_of, name="called"):
        self.device, self.rest = rest_of(server, name)
        self.observer = stack.enter_context(Observer(self.device, "rpc"))
        self.observer.register()

    def call(self, **more):
        body = {"method": "m", "params": {}, "timeout": 2500, **more}
        return self.rest.call("POST", f"/api/rpc/twoway/{self.device.id}", body)

    def call_later(self):
        later = Later(self.call)
        assert self.observer.next() is not None
        return later


@fills("calls-of-a-device", "calls", "rest-parked", "parked-of-a-tenant")
@pytest.mark.parametrize("setting, most, table, status", [
    ("rpc.per-device=2", 2, None, 429), ("rpc.calls=16", 16, "calls", 503),
    ("http.parked=1", 1, "rest-parked", 503), ("http.parked=4", 2, "rest-parked", 429),
])
def test_calls_that_wait_are_bounded(place, rest_of, setting, most, table, status):
    server = started(place, setting, "rpc.timeout-min=1s")
    with contextlib.ExitStack() as stack:
        called = Called(stack, server, rest_of)
        waiting = [called.call_later() for _ in range(most)]
        assert called.call().status == status
        assert table is None or level(server, table) == most
        assert {one.result().status for one in waiting} == {504}
        assert table is None or level(server, table) == 0


@fills("recorder-bytes")
def test_the_recorder_overwrites_its_oldest_exchanges(place):
    server = started(place, "trace.bytes=4K")
    with RawClient(server.coap_port) as client:
        for n in range(50):
            assert client.post(TOKEN, f'{{"n":{n}}}').status == "2.01"
        half_way = time.time() * 1000
        for n in range(50):
            assert client.post(TOKEN, f'{{"n":{n}}}').status == "2.01"
    assert level(server, "recorder-bytes") == 4096
    rest = Rest(server.http_port).log_in(*TENANT)
    trace = rest.get(f"/api/motehub/v1/devices/{rest.device_named('Test Device A1')}/trace")
    assert 0 < len(trace["exchanges"]) < 50
    assert trace["since"] > half_way


# Devices and keys.

@fills("devices")
def test_devices_are_bounded(place):
    server = started(place, "limits.devices=16")
    rest = Rest(server.http_port).log_in(*TENANT)
    for n in range(16 - 9):
        rest.create_device(f"more {n}", f"MORE-{n}")
    assert rest.call("POST", "/api/device", {"name": "beyond"}).status == 503
    assert level(server, "devices") == 16


@pytest.mark.parametrize("setting", ["keys-per-device", "keys-per-tenant", "keys"])
def test_names_of_keys_are_bounded(place, setting):
    server = started(place, f"limits.{setting}=16")
    with RawClient(server.coap_port) as client:
        for n in range(16):
            assert client.post(TOKEN, f'{{"k{n}":1}}').status == "2.01"
        assert client.post(TOKEN, '{"k16":1}').status == "4.00"
        assert client.post(TOKEN, '{"k3":2}').status == "2.01"
        others = "2.01" if setting == "keys-per-device" else "4.00"
        assert client.post("A2_TEST_TOKEN", '{"k17":2}').status == others
    assert level(server, "keys") == (17 if others == "2.01" else 16)


fills("keys-of-a-device", "keys-of-a-tenant", "keys")(test_names_of_keys_are_bounded)


@fills("key-name", "points-of-a-request")
def test_one_name_and_one_request_are_bounded(place):
    server = started(place)
    rows = limits()[0]
    longest, points = rows["key-name"][0], rows["points-of-a-request"][0]
    path = "/api/v1/A1_TEST_TOKEN/telemetry"
    rest = Rest(server.http_port)

    def post(content):
        return rest.call("POST", path, content).status
    assert post({"k" * longest: 1}) == 200
    assert post({"k" * (longest + 1): 1}) == 400
    assert post([{"ts": n, "values": {"n": n}} for n in range(points)]) == 200
    assert post([{"ts": n, "values": {"n": n}} for n in range(points + 1)]) == 400


@fills("records-of-a-commit", "store-database-bytes")
def test_a_commit_holds_no_more_records_than_it_may(place):
    server = on_slow_disk(place, 100, "store.commit-max=4")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.coap_port)) for _ in range(40)]
        for client in clients:
            client.send(client.message(POST, PATH, '{"a":1}'))
        for client in clients:
            answer = client.receive(10)
            while answer.code == EMPTY:
                answer = client.receive(10)
            assert answer.status == "2.01"
            if answer.type == CON:
                client.send(Message(ACK, EMPTY, answer.mid))
    found = figures(server)
    count = found["motehub_store_commit_records_count"]
    assert count >= 10
    assert found['motehub_store_commit_records_bucket{le="4"}'] == count
    database = found['motehub_table_used{table="store-database-bytes"}']
    assert 0 < database < found['motehub_table_bound{table="store-database-bytes"}']


def shared_scope(rest):
    """Where the shared attributes of the device with TOKEN are set and removed."""
    return f"/api/plugins/telemetry/DEVICE/{rest.device_named('Test Device A1')}/SHARED_SCOPE"


@fills("shared-attributes")
def test_shared_attributes_of_a_device_are_bounded(place):
    server = started(place)
    rest = Rest(server.http_port).log_in(*TENANT)
    most = limits()[0]["shared-attributes"][0]
    path = shared_scope(rest)
    statuses = {}
    for n in range(most // 10000 + 2):
        statuses[n] = rest.call("POST", path, {f"k{n}": "x" * 10000}).status
    assert set(statuses.values()) == {200, 400}
    assert statuses[0] == 200 and statuses[most // 10000 + 1] == 400


@fills("changes-of-a-device")
def test_names_that_come_and_go_are_bounded(place):
    server = started(place)
    rest = Rest(server.http_port).log_in(*TENANT)
    most = limits()[0]["changes-of-a-device"][0]
    path = shared_scope(rest)
    with Observer(SimpleNamespace(server=server, token=TOKEN), "attributes") as watch:
        watch.register()
        rest.post(path, {"stays": 1})
        watch.reject(watch.next(confirm=False))
        for n in range(most // (10 * (250 + 64)) + 5):
            names = [f"{n:03}{i}".ljust(250, "x") for i in range(10)]
            rest.post(path, dict.fromkeys(names, 1))
            rest.delete(f"{path}?keys={','.join(names)}")
        # It is heard: what it missed was too much to be told.
        watch.client.post(TOKEN, '{"t":1}')
        end = watch.next()
        assert (end.status, end.option(OBSERVE)) == ("5.03", None)
        assert watch.next(0.5) is None
        assert json.loads(watch.register().payload) == {"stays": 1}
        rest.post(path, {"more": 2})
        assert json.loads(watch.next().payload) == {"more": 2}


# REST.

@fills("rest-connections")
def test_connections_beyond_the_bound_are_closed(place):
    server = started(place, "http.connections=8")
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(socket.create_connection(("127.0.0.1", server.http_port)))
                for _ in range(8)]
        for connection in kept:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", server.http_port)) as beyond:
            beyond.settimeout(5)
            with contextlib.suppress(OSError):
                beyond.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                assert beyond.recv(4096) == b""
    assert figures(server)["motehub_http_refused_connections_total"] >= 1


@fills("rest-waiting")
def test_requests_that_wait_for_a_thread_are_bounded(place):
    server = on_slow_disk(place, 500, "http.threads=1", "http.queue=1")
    rest = Rest(server.http_port).log_in(*TENANT)
    answers = [Later(rest.call, "POST", "/api/device", {"name": f"slow {n}"}) for n in range(6)]
    statuses = [answer.result().status for answer in answers]
    assert set(statuses) == {200, 503} and statuses.count(200) in (2, 3)
    refused = next(one.value for one in answers if one.value.status == 503)
    assert refused.headers["Retry-After"] == "1"


@fills("rest-bytes", "rest-body")
def test_bodies_are_bounded_for_one_and_for_all(place):
    server = started(place, "http.memory=1M", "http.body-max=4M")
    rest = Rest(server.http_port)
    path = f"/api/v1/{TOKEN}/telemetry"
    before = anonymous(server)
    assert rest.call("POST", path, b" " * (4 * MIB + 1)).status == 413
    refused = rest.call("POST", path, b" " * (2 * MIB))
    assert refused.status == 503 and b"no memory for the request body" in refused.body
    assert rest.call("POST", path, {"a": 1}).status == 200
    assert anonymous(server) - before < 8 * MIB


@fills("sockets")
def test_websockets_beyond_the_bound_are_refused(place):
    server = started(place, "http.sockets=2")
    rest = Rest(server.http_port).log_in(*TENANT)
    with Live(rest), Live(rest):
        assert level(server, "sockets") == 2
        with pytest.raises(Exception, match=r"(?i)did not receive|closed|connection|rejected|EOF"):
            Live(rest).__enter__()
    with Live(rest):
        pass


Named = collections.namedtuple("Named", "id")


@fills("subscriptions-of-a-socket", "keys-of-a-subscription")
def test_subscriptions_and_their_keys_are_bounded(place):
    server = started(place)
    rows = limits()[0]
    rest = Rest(server.http_port).log_in(*TENANT)
    device = Named(rest.device_named("Test Device A1"))
    most = rows["subscriptions-of-a-socket"][0]
    with Live(rest) as live:
        for number in range(1, most + 2):
            live.send({"tsSubCmds": [command(device, number, keys="a")]})
            frame = live.next()
            assert (frame["subscriptionId"], frame["errorCode"]) == (number, int(number > most))
    with Live(rest) as live:
        keys = ",".join(f"k{n}" for n in range(rows["keys-of-a-subscription"][0] + 1))
        live.send({"tsSubCmds": [command(device, keys=keys)]})
        assert live.next()["errorCode"] == 1


@fills("keys-of-a-query")
def test_keys_of_an_entity_query_are_bounded(place):
    rest = Rest(started(place).http_port).log_in(*TENANT)
    most = limits()[0]["keys-of-a-query"][0]

    def find(count):
        keys = [{"type": "TIME_SERIES", "key": f"k{n}"} for n in range(count)]
        body = query(device_type("none"), latest=keys)
        return rest.call("POST", "/api/entitiesQuery/find", body)
    assert find(most - 2).status == 200
    refused = find(most + 1)
    assert refused.status == 400 and "different keys" in refused.json()["message"]


# Many devices, of which some are chosen by how their names begin.

CROWD = 100001
ALL, ALL_BUT_ONE, TEN_THOUSAND = "Bench ", "Bench 00", "Bench 000"


@pytest.fixture(scope="module")
def crowd():
    """A server with that many devices beside those of the demo, and who administers them."""
    place = Place()
    server = place.server(settings=["coap.workers=1"])
    preload(server, CROWD)
    server.start()
    yield server, Rest(server.http_port).log_in(*TENANT)
    place.close()


WARM = key_filter(TEMPERATURE, "NUMERIC", "GREATER", 0)


@fills("devices-of-a-query")
@pytest.mark.parametrize("what", ["find", "count"])
def test_devices_that_a_query_looks_at_are_bounded(crowd, what):
    _, rest = crowd
    most = limits()[0]["devices-of-a-query"][0]
    assert most == CROWD - 1

    def ask(name):
        return rest.call("POST", f"/api/entitiesQuery/{what}",
                         query(name_start(name), filters=[WARM]))
    assert ask(ALL_BUT_ONE).status == 200
    refused = ask(ALL)
    assert refused.status == 400
    assert f"more than {most} devices" in refused.json()["message"]


@fills("devices-of-activity")
def test_devices_that_are_asked_whether_they_are_active_are_bounded(crowd):
    _, rest = crowd
    most = limits()[0]["devices-of-activity"][0]
    assert most == CROWD - 1

    def ask(name):
        return rest.call("GET", "/api/tenant/deviceInfos", query={
            "pageSize": 1, "page": 0, "active": "false", "textSearch": name})
    assert ask(ALL_BUT_ONE).json()["totalElements"] == most
    refused = ask(ALL)
    assert refused.status == 400 and f"at most {most} devices" in refused.json()["message"]


@fills("devices-of-key-names")
def test_names_of_keys_are_those_of_the_newest_devices(crowd):
    server, rest = crowd
    most = limits()[0]["devices-of-key-names"][0]
    with RawClient(server.coap_port) as client:
        for n in range(most + 1):
            assert client.post(f"BENCH{CROWD - 1 - n:07}", f'{{"k{n}":1}}').status == "2.01"
    names = [f"k{n}" for n in range(most)]
    assert sorted(rest.get("/api/deviceProfile/devices/keys/timeseries")) == sorted(names)
    newest = query(name_start(ALL), sort={"type": "ENTITY_FIELD", "key": "createdTime"},
                   direction="DESC", size=10 * most)
    found = rest.post("/api/entitiesQuery/find/keys", newest, timeseries="true", attributes="false")
    assert sorted(found["timeseries"]) == sorted(names)


@fills("entities-of-a-list")
def test_entities_of_a_list_are_bounded(crowd):
    _, rest = crowd
    most = limits()[0]["entities-of-a-list"][0]
    with Live(rest) as live:
        watch = Watch(live, False)
        watch.data(1, query=query(name_start(TEN_THOUSAND), size=most), latestCmd={"keys": []})
        assert len(watch.snapshot(1)["data"]) == most
        watch.data(2, query=query(name_start(TEN_THOUSAND), size=most + 1), latestCmd={"keys": []})
        code, text = watch.refused(2)
        assert code == 2 and f"from 1 to {most}" in text
        # So are those that are looked at for it.
        watch.data(3, query=query(name_start(TEN_THOUSAND), filters=[WARM]), latestCmd={"keys": []})
        assert watch.snapshot(3)["data"] == []
        watch.data(4, query=query(name_start(ALL), filters=[WARM]), latestCmd={"keys": []})
        code, text = watch.refused(4)
        assert code == 2 and f"more than {most} devices" in text


@fills("values-watched-by-a-tenant")
def test_values_that_a_tenant_watches_are_bounded(crowd):
    server, rest = crowd
    rows = limits()[0]
    entities, most = rows["entities-of-a-list"][0], rows["values-watched-by-a-tenant"][0]
    keys = [series(f"v{n}") for n in range(10)]
    # A device counts as four values.
    lists = most // (entities * (4 + len(keys)))
    body = query(name_start(TEN_THOUSAND), size=entities)
    with Live(rest) as live:
        watch = Watch(live, False)
        for number in range(lists):
            watch.data(number, query=body, latestCmd={"keys": keys})
            watch.snapshot(number)
        watch.data(lists, query=body, latestCmd={"keys": keys})
        assert watch.refused(lists) == (1, "Too many entities and values are watched")
        # That list is gone, the others are not; when one of them ends there is room for another.
        with RawClient(server.coap_port) as client:
            assert client.post("BENCH0000000", '{"v3":1}').status == "2.01"
        told = [watch.next()["cmdId"] for _ in range(lists)]
        assert sorted(told) == list(range(lists)) and watch.is_silent()
        watch.send("entityDataUnsubscribe", cmdId=0)
        watch.data(lists, query=body, latestCmd={"keys": keys})
        assert len(watch.snapshot(lists)["data"]) == entities


@fills("key-names-of-an-answer")
def test_names_of_keys_in_an_answer_are_bounded(place):
    server = started(place, "limits.keys-per-device=20000")
    most = limits()[0]["key-names-of-an-answer"][0]
    rest = Rest(server.http_port).log_in(*TENANT)

    def post(first, count):
        values = {f"k{n}": 1 for n in range(first, first + count)}
        assert rest.call("POST", PATH, values).status == 200

    def ask():
        devices = query(device_type("default"))
        return (rest.call("GET", "/api/deviceProfile/devices/keys/timeseries"),
                rest.call("POST", "/api/entitiesQuery/find/keys?timeseries=true&attributes=false",
                          devices))
    post(0, most)
    of_profile, of_query = ask()
    assert len(of_profile.json()) == len(of_query.json()["timeseries"]) == most
    post(most, 1)
    for refused in ask():
        assert refused.status == 400
        assert refused.json()["message"] == f"There are more than {most} keys"


@fills("names-tried-for-a-device")
def test_names_that_are_tried_for_a_device_are_bounded(place):
    server = started(place)
    most = limits()[0]["names-tried-for-a-device"][0]
    rest = Rest(server.http_port).log_in(*TENANT)
    for n in ["", *range(1, most)]:
        rest.post("/api/device", {"name": f"meter{n}"})

    def save():
        return rest.call("POST", "/api/device", {"name": "meter"}, query={
            "nameConflictPolicy": "UNIQUIFY", "uniquifySeparator": "",
            "uniquifyStrategy": "INCREMENTAL"})
    assert save().json()["name"] == f"meter{most}"
    refused = save()
    assert refused.status == 400
    assert refused.json()["message"] == f"No free name was found in {most} tries"
