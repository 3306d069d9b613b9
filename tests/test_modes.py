"""Settings that change what devices see, and networks that lose messages."""

import json
import signal
import socket
import threading
import time

import pytest

from clients import libcoap, npm
from raw_coap import (
    ACK, BLOCK1, BLOCK2, CON, CONTENT_FORMAT, ECHO, EMPTY, GET, MAX_AGE, NO_RESPONSE, NON, POST,
    Message, RawClient, encode, uint,
)
from rest_client import TENANT, Rest

TOKEN = "A1_TEST_TOKEN"
PATH = f"/api/v1/{TOKEN}/telemetry"


class Setup:
    def __init__(self, server):
        self.server = server
        self.rest = Rest(server.http_port).log_in(*TENANT)
        self.device = self.rest.device_named("Test Device A1")
        self.url = server.coap + PATH

    def values(self, key):
        return [value for _, value in self.rest.points(self.device, key)]


@pytest.fixture
def start(place):
    def start(*settings):
        server = place.server(settings=settings)
        server.start()
        return Setup(server)
    return start


# Separate responses.

def test_separate_response_is_a_con_of_its_own_and_repeated_until_acknowledged(start):
    setup = start("coap.separate-responses=true")
    with RawClient(setup.server.coap_port) as client:
        message = client.message(POST, PATH, '{"a":1}')
        client.send(message)
        answer = client.receive(5)
        if (answer.type, answer.code) == (ACK, EMPTY):
            answer = client.receive(5)
        assert (answer.type, answer.status, answer.token) == (CON, "2.01", message.token)
        assert answer.mid != message.mid
        again = client.receive(5)
        assert again == answer
        client.send(Message(ACK, EMPTY, answer.mid))
    assert setup.values("a") == [1]


@pytest.mark.parametrize("program", [libcoap, npm])
@pytest.mark.parametrize("setting", ["coap.separate-responses=true", "coap.ack-wait=0ms"])
def test_both_clients_understand_separate_responses(start, program, setting):
    setup = start(setting)
    assert program(setup.url, payload='{"a":1}')[0] == "2.01"
    assert program(setup.url, payload='{"a":')[0] == "4.00"
    assert setup.values("a") == [1]


def test_refusal_is_piggybacked_even_when_success_is_separate(start):
    setup = start("coap.separate-responses=true")
    with RawClient(setup.server.coap_port) as client:
        answer = client.exchange(client.message(POST, PATH, "{"))
        assert (answer.type, answer.status) == (ACK, "4.00")


def test_no_response_in_a_con_still_gets_its_empty_ack_when_separate(start):
    setup = start("coap.separate-responses=true")
    with RawClient(setup.server.coap_port) as client:
        client.send(client.message(POST, PATH, '{"a":1}', [(NO_RESPONSE, uint(2))]))
        answer = client.receive(5)
        assert (answer.type, answer.code) == (ACK, EMPTY)
        assert client.receive(0.5) is None
    assert setup.values("a") == [1]


# Formats and codes.

@pytest.mark.parametrize("number,body,status", [
    (None, '{"a":1}', "2.01"), (50, '{"a":1}', "2.01"), (42, '{"a":1}', "4.15"),
    (11542, '{"a":1}', "4.15"), (0, '{"a":1}', "4.00"),
])
def test_strict_formats_take_the_label_at_its_word(start, number, body, status):
    setup = start("coap.strict-formats=true")
    with RawClient(setup.server.coap_port) as client:
        options = [] if number is None else [(CONTENT_FORMAT, uint(number))]
        assert client.post(TOKEN, body, options=options).status == status


def test_type_cast_can_be_off(start):
    setup = start("json.type-cast=false")
    with RawClient(setup.server.coap_port) as client:
        assert client.post(TOKEN, '{"a":"5","b":5}').status == "2.01"
        assert client.post(TOKEN, '{"c":1e19}').status == "4.00"
    assert setup.rest.latest(setup.device) == {"a": "5", "b": 5}


def test_string_length_is_counted_in_utf16_units_of_top_level_values(start):
    setup = start("json.string-length-max=4")
    with RawClient(setup.server.coap_port) as client:
        assert client.post(TOKEN, '{"a":"1é€x","b":"😀😀","c":{"d":"longer"}}').status == "2.01"
        assert client.post(TOKEN, '{"e":"12x45"}').status == "4.00"
        assert client.post(TOKEN, '{"e":"😀😀x"}').status == "4.00"
    assert setup.rest.latest(setup.device) == {"a": "1é€x", "b": "😀😀", "c": {"d": "longer"}}


@pytest.mark.parametrize("check,in_blocks", [("blocks", True), ("off", False)])
def test_path_check_bounds_what_a_stranger_gets(start, check, in_blocks):
    setup = start(f"coap.path-check={check}")
    with RawClient(setup.server.coap_port) as client:
        message = client.message(GET, "/.well-known/core")
        answer = client.exchange(message)
        assert answer.status == "2.05"
        assert (answer.option(BLOCK2) is not None) == in_blocks
        assert not in_blocks or len(encode(answer)) <= 3 * len(encode(message))


def test_strict_path_check_asks_a_stranger_to_echo(start):
    setup = start("coap.path-check=strict")
    with RawClient(setup.server.coap_port) as client:
        answer = client.request(GET, "/.well-known/core")
        assert answer.status == "4.01"
        answer = client.request(GET, "/.well-known/core", options=[(ECHO, answer.option(ECHO))])
        assert answer.status == "2.05"
        assert "</api/v1>" in answer.text
        assert client.post(TOKEN, '{"a":1}').status == "2.01"


def test_key_names_of_a_device_are_bounded(start):
    setup = start("limits.keys-per-device=5")
    with RawClient(setup.server.coap_port) as client:
        assert client.post(TOKEN, '{"a":1,"b":1,"c":1,"d":1,"e":1}').status == "2.01"
        answer = client.post(TOKEN, '{"f":1,"a":2}')
        assert answer.status == "4.00" and answer.payload
        assert client.post(TOKEN, '{"a":3}').status == "2.01"
    assert setup.values("a") == [1, 3]
    assert sorted(setup.rest.keys(setup.device)) == list("abcde")


def test_full_disk_refuses_readings_for_a_while_and_still_answers_reads(place):
    server = place.server(settings=["store.free-space-min=1024G"])
    server.ready_path = "/livez"
    server.start()
    setup = Setup(server)
    with RawClient(server.coap_port) as client:
        for type in (CON, NON):
            answer = client.post(TOKEN, '{"a":1}', type=type)
            assert answer.status == "5.03"
            assert 2 <= answer.number(MAX_AGE) <= 10
        message = client.message(POST, PATH, '{"a":1}')
        assert client.exchange(message) == client.exchange(message)
    assert setup.rest.keys(setup.device) == []


def test_number_of_devices_is_bounded_and_deleting_one_makes_room(start):
    setup = start("limits.devices=16")
    made = [setup.rest.create_device(f"fill {i}", f"FILL-{i}") for i in range(16 - 9)]
    answer = setup.rest.call("POST", "/api/device", {"name": "one too many"})
    assert answer.status == 503
    assert set(answer.json()) == {"status", "message", "errorCode", "timestamp"}
    assert answer.headers["Retry-After"]
    setup.rest.delete(f"/api/device/{made[0]}")
    setup.rest.create_device("has room", "FILL-0")
    setup.server.restart("kill")
    assert setup.rest.get("/api/tenant/devices", pageSize=1, page=0)["totalElements"] == 16
    with RawClient(setup.server.coap_port) as client:
        assert client.post("FILL-0", '{"a":1}').status == "2.01"


def test_token_is_exchanged_under_load_without_a_gap(start):
    setup = start()
    device = setup.rest.create_device("changing", "CHANGE-0")
    path = f"/api/device/{device}/credentials"
    statuses = []
    with RawClient(setup.server.coap_port) as client:
        for i in range(1, 21):
            found = setup.rest.get(path)
            setup.rest.post("/api/device/credentials", {**found, "credentialsId": f"CHANGE-{i}"})
            for n in range(10):
                statuses.append(client.post(f"CHANGE-{i}", json.dumps({"n": n})).status)
    assert set(statuses) == {"2.01"}
    assert len(setup.rest.points(device, "n")) == 200


def test_coap_over_ipv6(place):
    server = place.server()
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    server.settings = [f"coap.bind=127.0.0.1:{server.coap_port},[::1]:{server.coap_port}"]
    server.start()
    setup = Setup(server)
    code, _ = libcoap(f"coap://[::1]:{server.coap_port}{PATH}", payload='{"a":1}')
    assert code == "2.01"
    assert setup.values("a") == [1]


# Networks.

def test_body_in_blocks_over_a_line_that_loses_some_is_stored_once(start, tmp_path):
    setup = start()
    values = {f"k{i:03}": "x" * 40 for i in range(60)}
    file = tmp_path / "body.json"
    file.write_text(json.dumps(values))
    code, _ = libcoap(setup.url, file=file, options=["-b", "256", "-l", "2,5"], seconds=30)
    assert code == "2.01"
    assert setup.rest.latest(setup.device) == values
    assert len(setup.values("k000")) == 1


def block(number, more, size_exponent=2):
    return [(BLOCK1, uint(number << 4 | (8 if more else 0) | size_exponent))]


def test_repeated_blocks_do_not_repeat_the_body(start):
    setup = start()
    body = json.dumps({"n": 1, "pad": "x" * 150}).encode()
    parts = [body[i:i + 64] for i in range(0, len(body), 64)]
    with RawClient(setup.server.coap_port) as client:
        for i, part in enumerate(parts):
            more = i < len(parts) - 1
            message = client.message(POST, PATH, part, block(i, more))
            first = client.exchange(message)
            assert first.status == ("2.31" if more else "2.01")
            assert client.exchange(message) == first
    assert setup.values("n") == [1]


def test_two_bodies_at_once_of_two_devices_at_one_endpoint(start):
    setup = start()
    bodies = {token: json.dumps({"who": token, "pad": "x" * 150}).encode()
              for token in (TOKEN, "A2_TEST_TOKEN")}
    with RawClient(setup.server.coap_port) as client:
        for i in range(0, len(bodies[TOKEN]) // 64 + 1):
            for token, body in bodies.items():
                more = len(body) > (i + 1) * 64
                answer = client.post(token, body[i * 64:(i + 1) * 64], options=block(i, more))
                assert answer.status == ("2.31" if more else "2.01")
    other = setup.rest.device_named("Test Device A2")
    assert setup.rest.latest(setup.device, "who") == {"who": TOKEN}
    assert setup.rest.latest(other, "who") == {"who": "A2_TEST_TOKEN"}


def test_largest_body_is_taken_whole(start):
    setup = start()
    body = json.dumps({"a": "x" * (65536 - 8)}, separators=(",", ":")).encode()
    assert len(body) == 65536
    with RawClient(setup.server.coap_port) as client:
        for i in range(64):
            answer = client.post(TOKEN, body[i * 1024:(i + 1) * 1024], options=block(i, i < 63, 6))
            assert answer.status == ("2.31" if i < 63 else "2.01")
    assert setup.rest.latest(setup.device) == {"a": "x" * (65536 - 8)}


def test_many_devices_at_once(start):
    setup = start()
    count, rounds = 16, 30
    devices = [setup.rest.create_device(f"many {i}", f"MANY-{i}") for i in range(count)]
    failures = []

    def post(i):
        with RawClient(setup.server.coap_port) as client:
            for n in range(rounds):
                answer = client.post(f"MANY-{i}", json.dumps({"n": n}))
                if answer.status != "2.01":
                    failures.append((i, n, answer))

    threads = [threading.Thread(target=post, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for device in devices:
        assert [value for _, value in setup.rest.points(device, "n")] == list(range(rounds))


@pytest.mark.parametrize("ts", [0, 1, -1, -62135596800000, 4102444800000, 253402300799999])
def test_times_far_away_are_kept(start, ts):
    setup = start()
    with RawClient(setup.server.coap_port) as client:
        assert client.post(TOKEN, '{"ts":%d,"values":{"a":1}}' % ts).status == "2.01"
    found = setup.rest.points(setup.device, "a", start=ts, end=ts + 1)
    assert found == [(ts, 1)]
    assert setup.rest.points(setup.device, "a", start=-2**63, end=2**63 - 1) == [(ts, 1)]


def test_sigterm_under_load_loses_nothing_that_was_acknowledged(start):
    setup = start()
    acknowledged = []
    ended = threading.Event()

    def post():
        with RawClient(setup.server.coap_port) as client:
            n = 0
            while not ended.is_set():
                message = client.message(POST, PATH, json.dumps({"ts": n + 1, "values": {"n": n}}))
                answer = client.exchange(message, seconds=1, retransmit=False)
                if answer is not None and answer.status == "2.01":
                    acknowledged.append(n)
                n += 1

    thread = threading.Thread(target=post)
    thread.start()
    time.sleep(0.5)
    setup.server.stop()
    ended.set()
    thread.join()
    setup.server.start_once()
    assert acknowledged
    assert set(acknowledged) <= set(setup.values("n"))


def test_non_posts_over_both_workers_from_one_address(start):
    setup = start("coap.workers=2")
    clients = [RawClient(setup.server.coap_port) for _ in range(8)]
    try:
        for n in range(400):
            client = clients[n % 8]
            client.send(client.message(POST, PATH, json.dumps({"ts": n + 1, "values": {"n": n}}),
                                       type=NON))
            time.sleep(0.001)
        points = setup.rest.wait_for_points(setup.device, "n", 400)
        assert points == [(n + 1, n) for n in range(400)]
    finally:
        for client in clients:
            client.socket.close()


def await_log(server, text, count=1, seconds=5):
    end = time.monotonic() + seconds
    while server.log().count(text) < count:
        assert time.monotonic() < end, f"{text!r} never came: {server.log()}"
        time.sleep(0.02)


def test_sighup_reloads_what_can_be_reloaded(place, tmp_path):
    file = tmp_path / "motehub.yaml"
    file.write_text("log.level: info\nhttp.queue: 100\n")
    server = place.server("--config", str(file))
    server.start()
    file.write_text("log.level: debug\nhttp.queue: 200\ncoap.ack-wait: 1s\n")
    server.process.send_signal(signal.SIGHUP)
    await_log(server, '"event":"config.reloaded","changed":"log.level"')
    await_log(server, '"event":"config.needs-restart","keys":"coap.ack-wait, http.queue"')
    file.write_text("log.level: loud\n")
    server.process.send_signal(signal.SIGHUP)
    await_log(server, '"event":"config.refused"')
    assert "log.level" in server.log().split("config.refused")[1]
    # It goes on with what it had, and what changed is told against the last reload.
    file.write_text("log.level: debug\nhttp.queue: 100\ncoap.ack-wait: 1s\n")
    server.process.send_signal(signal.SIGHUP)
    await_log(server, '"event":"config.reloaded","changed":"nothing"')
    await_log(server, '"event":"config.needs-restart","keys":"coap.ack-wait"')
    file.write_text("log.level: info\nhttp.queue: 100\n")
    server.process.send_signal(signal.SIGHUP)
    await_log(server, '"event":"config.reloaded","changed":"log.level"', count=2)
    server.stop()
    # With what it was started with nothing waits for a restart.
    assert server.log().count("config.needs-restart") == 2
