"""The process: starts, refusals to start, commands, signals, restarts."""

import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from raw_coap import POST, RawClient
from rest_client import SYSADMIN, TENANT, Rest
from server import binary, environment, free_port, run


def one_line(text):
    """The only line that a failed start says, after the log."""
    lines = [line for line in text.splitlines() if line.startswith("motehub: ")]
    assert len(lines) == 1, text
    return lines[0]


def serve(server):
    """Runs a server that must not start: (exit code, what it said)."""
    done = subprocess.run(server.command(), env=environment(), capture_output=True, text=True,
                          timeout=20)
    return done.returncode, done.stderr


# Refusals to start.

def test_second_process_on_a_directory_ends_with_one_line(place):
    first, second = place.server(), place.server()
    first.start()
    code, text = serve(second)
    assert code == 1
    assert str(first.data) in one_line(text) and "in use" in one_line(text)
    assert first.is_ready()


def test_taken_coap_port_is_one_line(place):
    first, second = place.server(name="first"), place.server(name="second")
    first.start()
    second.coap_port = first.coap_port
    code, text = serve(second)
    assert code == 1
    assert str(first.coap_port) in one_line(text) and "taken" in one_line(text)


def test_coap_port_taken_by_another_program_is_one_line(place):
    server = place.server()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", server.coap_port))
        code, text = serve(server)
    assert code == 1
    assert str(server.coap_port) in one_line(text) and "taken" in one_line(text)


def test_taken_http_port_is_one_line(place):
    first, second = place.server(name="first"), place.server(name="second")
    first.start()
    second.http_port = first.http_port
    code, text = serve(second)
    assert code == 1
    assert str(first.http_port) in one_line(text) and "taken" in one_line(text)


def test_directory_that_cannot_be_made_is_one_line(place):
    server = place.server()
    server.data.write_text("a file")
    code, text = serve(server)
    assert code == 1
    assert str(server.data) in one_line(text)


def test_file_that_is_no_database_is_one_line_and_stays(place):
    server = place.server()
    server.start()
    server.stop()
    [database] = [path for path in server.data.iterdir() if path.suffix in (".db", ".sqlite")]
    database.write_bytes(b"x" * 4096)
    code, text = serve(server)
    assert code == 1
    assert one_line(text)
    assert database.read_bytes() == b"x" * 4096


@pytest.mark.parametrize("setting,named", [
    ("no.such-key=1", "no.such-key"), ("coap.ack-wait=soon", "coap.ack-wait"),
    ("coap.workers=1000", "coap.workers"), ("coap.workers", "coap.workers"),
    ("coap.bind=nowhere", "coap.bind"), ("coap.path-check=perhaps", "coap.path-check"),
    ("http.body-max=-1", "http.body-max"), ("json.type-cast=perhaps", "json.type-cast"),
])
@pytest.mark.parametrize("command", ["serve", "check-config"])
def test_bad_setting_is_refused_by_its_name(tmp_path, command, setting, named):
    where = ["--data", tmp_path / "data"] if command == "serve" else []
    code, out, text = run(command, *where, "--set", setting)
    assert code != 0
    assert named in one_line(text)
    assert out == ""
    assert not (tmp_path / "data").exists()


def test_bad_environment_is_refused_by_its_name():
    code, _, text = run("check-config", MOTEHUB_COAP_WORKERS="many")
    assert code != 0
    assert "coap.workers" in text or "MOTEHUB_COAP_WORKERS" in text


def test_bad_file_is_refused_by_its_name(tmp_path):
    file = tmp_path / "motehub.yaml"
    file.write_text("coap:\n  workers: many\n")
    code, _, text = run("check-config", "--config", file)
    assert code != 0
    assert "coap.workers" in text
    code, _, text = run("check-config", "--config", tmp_path / "none.yaml")
    assert code != 0
    assert "none.yaml" in text


@pytest.mark.parametrize("words,named", [
    (["fly"], "fly"), (["serve", "--fly"], "--fly"), (["serve", "--set"], "--set"),
    (["serve", "--data"], "--data"), (["serve", "extra"], "extra"),
])
def test_unknown_words_are_named(words, named):
    code, out, text = run(*words)
    assert code != 0
    assert named in one_line(text)
    assert out == ""


@pytest.mark.parametrize("key", ["coap.bind", "http.bind"])
def test_demo_refuses_a_public_address(place, key):
    server = place.server(settings=[f"{key}=0.0.0.0:{free_port(socket.SOCK_STREAM)}"])
    code, text = serve(server)
    assert code != 0
    assert "loopback" in one_line(text) and "--demo-public" in one_line(text)
    assert not server.data.exists()


# Commands.

def test_version_is_printed():
    code, out, text = run("version")
    assert (code, text) == (0, "")
    assert out.startswith("motehub ") and out[8].isdigit()


def test_help_names_every_command():
    code, out, _ = run("help")
    assert code == 0
    for word in ("serve", "check-config", "limits", "version", "--demo", "--set"):
        assert word in out


def test_check_config_prints_each_key_with_its_value_by_order_of_sources(tmp_path):
    file = tmp_path / "motehub.yaml"
    file.write_text("coap:\n  workers: 3\n  ack-wait: 100ms\nlog:\n  level: warn\n")
    code, out, text = run("check-config", "--config", file, "--set", "coap.workers=5",
                          MOTEHUB_COAP_WORKERS="4", MOTEHUB_COAP_ACK_WAIT="200ms")
    assert (code, text) == (0, "")
    values = {words[0]: (words[2], words[4]) for words in map(str.split, out.splitlines())}
    assert values["coap.workers"] == ("5", "--set")
    assert values["coap.ack-wait"][0] == "200ms"
    assert values["log.level"][0] == "warn"
    assert values["http.bind"] == ("0.0.0.0:8080", "default")
    assert "store.journal-size" in values


def test_limits_prints_a_table():
    code, out, text = run("limits")
    assert (code, text) == (0, "")
    for row in ("coap-messages", "devices", "worker.coap", "MiB at most"):
        assert row in out


# Life and death.

def test_demo_banner_names_the_addresses(place):
    server = place.server()
    server.start()
    log = server.log()
    assert f"coap://127.0.0.1:{server.coap_port}" in log
    assert f"http://127.0.0.1:{server.http_port}" in log


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_with_0_and_readiness_was_there(place, word):
    server = place.server()
    server.start()
    server.process.send_signal(word)
    assert server.process.wait(20) == 0
    server.process = None
    assert not server.is_ready()


def test_idle_server_stops_at_once(place):
    server = place.server()
    server.start()
    took = []
    for _ in range(3):
        time.sleep(0.05)
        begin = time.monotonic()
        server.stop()
        took.append(time.monotonic() - begin)
        server.start_once()
    assert min(took) < 0.25, took


def test_hangup_does_not_end_the_server(place):
    server = place.server()
    server.start()
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert server.process.poll() is None
    assert server.is_ready()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_data_accounts_and_sessions_outlive_a_restart(place, how):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.create_device("kept", "KEPT")
    with RawClient(server.coap_port) as client:
        assert client.post("KEPT", '{"ts":1000,"values":{"a":1.5,"b":"x"}}').status == "2.01"
        assert client.post("KEPT", '{"ts":2000,"values":{"a":[1]}}').status == "2.01"
        server.restart(how)
        assert rest.points(device, "a") == [(1000, 1.5), (2000, [1])]
        assert rest.latest(device) == {"a": [1], "b": "x"}
        assert client.post("KEPT", '{"ts":3000,"values":{"a":3}}').status == "2.01"
    assert rest.points(device, "a") == [(1000, 1.5), (2000, [1]), (3000, 3)]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_deleted_device_stays_deleted_over_a_restart(place, how):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.create_device("gone", "GONE")
    with RawClient(server.coap_port) as client:
        assert client.post("GONE", '{"a":1}').status == "2.01"
        rest.delete(f"/api/device/{device}")
        server.restart(how)
        assert client.post("GONE", '{"a":2}').status == "4.01"
    assert rest.call("GET", f"/api/device/{device}").status == 404


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("workers", [("1", "1"), ("2", "2"), ("1", "2")])
def test_retransmission_over_a_restart_is_not_stored_twice(place, how, workers):
    server = place.server(settings=[f"coap.workers={workers[0]}"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.device_named("Test Device A1")
    with RawClient(server.coap_port) as client:
        messages = [client.message(POST, "/api/v1/A1_TEST_TOKEN/telemetry", '{"n":%d}' % i)
                    for i in range(10)]
        first = [client.exchange(message) for message in messages]
        assert {answer.status for answer in first} == {"2.01"}
        server.settings = [f"coap.workers={workers[1]}"]
        server.restart(how)
        assert [client.exchange(message) for message in messages] == first
        assert client.post("A1_TEST_TOKEN", '{"n":10}').status == "2.01"
    assert [value for _, value in rest.points(device, "n")] == list(range(11))


def test_answer_that_was_lost_in_a_kill_comes_by_retransmission(place):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.device_named("Test Device A1")
    with RawClient(server.coap_port) as client:
        message = client.message(POST, "/api/v1/A1_TEST_TOKEN/telemetry", '{"n":1}')
        client.send(message)
        server.restart("kill")
        assert client.exchange(message).status == "2.01"
    assert len(rest.points(device, "n")) == 1


def test_first_start_makes_one_password_for_its_accounts(place):
    server = place.server(demo=False)
    server.start()
    file = server.data / "first-password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    accounts, password = text.strip().rsplit(": ", 1)
    assert SYSADMIN[0] in accounts and len(password) >= 12
    assert password not in server.log()
    rest = Rest(server.http_port).log_in(SYSADMIN[0], password)
    assert rest.get("/api/auth/user")["authority"] == "SYS_ADMIN"
    assert rest.call("POST", "/api/auth/login", {
        "username": SYSADMIN[0], "password": SYSADMIN[1]}).status == 401
    with RawClient(server.coap_port) as client:
        assert client.post("A1_TEST_TOKEN", "{}").status == "4.01"
    server.restart()
    assert file.read_text() == text
    Rest(server.http_port).log_in(SYSADMIN[0], password)


@pytest.mark.parametrize("demo", [False, True])
def test_a_renamed_administrator_stays_the_only_one(place, demo):
    server = place.server(demo=demo)
    server.start()
    file = server.data / "first-password"
    password = SYSADMIN[1] if demo else file.read_text().strip().rsplit(": ", 1)[1]
    rest = Rest(server.http_port).log_in(SYSADMIN[0], password)
    rest.post("/api/user", {**rest.get("/api/auth/user"), "email": "root@example.org"})
    file.unlink(missing_ok=True)
    for start_with_demo in (demo, not demo):
        server.stop()
        server.options = ["--demo"] if start_with_demo else []
        server.start()
        assert not file.exists()
        for guess in (password, SYSADMIN[1]):
            assert rest.call("POST", "/api/auth/login", {
                "username": SYSADMIN[0], "password": guess}).status == 401
        Rest(server.http_port).log_in("root@example.org", password)


def test_a_password_that_cannot_be_kept_stops_the_first_start(place):
    server = place.server(demo=False)
    (server.data / "first-password.new").mkdir(parents=True)
    code, text = serve(server)
    assert code == 1
    assert "first-password" in one_line(text)
    (server.data / "first-password.new").rmdir()
    server.start()
    password = (server.data / "first-password").read_text().strip().rsplit(": ", 1)[1]
    Rest(server.http_port).log_in(SYSADMIN[0], password)


def test_data_is_readable_by_its_owner_only(place):
    server = place.server()
    server.start()
    mode = stat.S_IMODE(server.data.stat().st_mode)
    assert mode & 0o077 == 0, oct(mode)


def test_second_start_is_quick(place):
    server = place.server()
    server.start()
    with RawClient(server.coap_port) as client:
        for i in range(200):
            assert client.post("A1_TEST_TOKEN", '{"n":%d}' % i).status == "2.01"
    for how in ("stop", "kill"):
        assert server.restart(how) < 2


def test_demo_on_a_directory_with_demo_data_changes_nothing(place):
    server = place.server()
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    before = rest.get("/api/tenant/devices", pageSize=100, page=0)
    server.restart()
    assert rest.get("/api/tenant/devices", pageSize=100, page=0) == before
    assert before["totalElements"] == 9


def test_log_holds_no_token_and_no_password(place):
    server = place.server(settings=["log.level=debug"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.create_device("secret", "SECRET_TOKEN_OF_A_DEVICE")
    rest.get(f"/api/device/{device}/credentials")
    with RawClient(server.coap_port) as client:
        client.post("SECRET_TOKEN_OF_A_DEVICE", '{"a":1}')
        client.post("WRONG_TOKEN_OF_A_DEVICE", '{"a":1}')
    server.stop()
    log = server.log()
    for secret in ("SECRET_TOKEN_OF_A_DEVICE", "WRONG_TOKEN_OF_A_DEVICE", rest.token[:40]):
        assert secret not in log


def test_binary_needs_no_environment(tmp_path):
    done = subprocess.run([binary(), "version"], env={}, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0
    assert os.listdir(tmp_path) == []
