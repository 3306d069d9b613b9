"""The commands that speak to a running server, with the program itself and real devices."""

import http.server
import json
import os
import re
import subprocess
import threading
import time

import pytest

from observer import Later, Observer
from raw_coap import POST, RawClient
from server import binary

TENANT = {"MOTEHUB_USER": "tenant@thingsboard.org", "MOTEHUB_PASSWORD": "tenant"}
LINE = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def run(server, *words, user=TENANT, **more):
    url = f"http://127.0.0.1:{server.http_port}"
    env = {"PATH": os.environ["PATH"], "MOTEHUB_URL": url, **user, **more}
    return subprocess.run([binary(), *words], env=env, capture_output=True, text=True, timeout=60)


def done(server, *words):
    result = run(server, *words)
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def failed(server, *words, code=1, **more):
    result = run(server, *words, **more)
    assert (result.returncode, result.stdout) == (code, ""), result
    assert result.stderr.startswith("motehub: ") and result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.fixture
def name(device, rest):
    return rest.get(f"/api/device/{device.id}")["name"]


def post(device, feature, body):
    with RawClient(device.server.coap_port) as client:
        assert client.request(POST, f"/api/v1/{device.token}/{feature}", body).status == "2.01"


def test_devices_are_listed(server, device, name):
    lines = done(server, "devices").splitlines()
    assert len(lines) >= 9
    assert done(server, "devices", name).split(None, 3)[:3] == [device.id, "inactive", "default"]
    page = json.loads(done(server, "devices", name, "--json"))
    assert [one["name"] for one in page["data"]] == [name]
    assert done(server, "devices", "there is none of this name") == ""


def test_telemetry_is_shown(server, device, name):
    assert done(server, "telemetry", name) == ""
    post(device, "telemetry",
         '{"ts":1700000000000,"values":{"t":21.5,"on":true,"s":"a\\u001b[2Jb"}}')
    lines = sorted(done(server, "telemetry", name).splitlines())
    assert [line.split() for line in lines] == [
        ["2023-11-14T22:13:20.000Z", "on", "true"],
        # What a device sends is no command to the terminal.
        ["2023-11-14T22:13:20.000Z", "s", "a\\x1b[2Jb"],
        ["2023-11-14T22:13:20.000Z", "t", "21.5"]]
    assert done(server, "telemetry", device.id, "t").split()[1:] == ["t", "21.5"]
    assert json.loads(done(server, "telemetry", name, "t", "--json"))["t"][0]["value"] == "21.5"


def test_telemetry_is_followed(server, device, name):
    env = {"PATH": os.environ["PATH"], **TENANT}
    command = [binary(), "telemetry", name, "--follow", "--url",
               f"http://127.0.0.1:{server.http_port}"]
    post(device, "telemetry", '{"a":1}')
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().split()[1:] == ["a", "1"]
            post(device, "telemetry", '{"a":2}')
            post(device, "telemetry", '{"a":3}')
            assert process.stdout.readline().split()[1:] == ["a", "2"]
            assert process.stdout.readline().split()[1:] == ["a", "3"]
            # A key that was not there before.
            post(device, "telemetry", '{"b":4}')
            assert process.stdout.readline().split()[1:] == ["b", "4"]
        finally:
            process.terminate()


def test_attributes_are_set_shown_and_deleted(server, rest, device, name):
    post(device, "attributes", '{"version":"1.2"}')
    done(server, "attributes", name, "set", "level=5", "mode=eco", "list=[1,2]", "q=\"five\"")
    with Observer(device, "attributes") as observer:
        told = json.loads(observer.register().payload)
    assert told == {"level": 5, "mode": "eco", "list": [1, 2], "q": "five"}
    done(server, "attributes", name, "set", "note=a b", "--scope", "server")
    lines = [re.sub(LINE, "-", line).split(None, 3) for line in
             done(server, "attributes", name).splitlines()]
    assert ["-", "client", "version", "1.2"] in lines
    assert ["-", "shared", "list", "[1,2]"] in lines
    assert ["-", "server", "note", "a b"] in lines
    done(server, "attributes", name, "delete", "level", "mode")
    shared = done(server, "attributes", name, "--scope", "shared").splitlines()
    assert sorted(line.split()[2] for line in shared) == ["list", "q"]
    listed = json.loads(done(server, "attributes", name, "--scope", "server", "--json"))
    assert "note" in [one["key"] for one in listed]


def test_a_call_is_answered(server, device, name):
    with Observer(device, "rpc") as observer:
        observer.register()
        calling = Later(done, server, "rpc", name, "blink", '{"n":3}')
        call = observer.next()
        assert json.loads(call.payload) == {"id": 1, "method": "blink", "params": {"n": 3}}
        assert observer.answer(call, {"ok": True}) == "2.01"
        assert json.loads(calling.result()) == {"ok": True}
        calling = Later(done, server, "rpc", device.id, "say", "plain words", "--oneway")
        assert json.loads(observer.next().payload)["params"] == "plain words"
        assert calling.result() == ""


def test_a_call_that_nobody_takes(server, name):
    start = time.monotonic()
    told = failed(server, "rpc", name, "blink", "--timeout", "5")
    assert "did not take or answer the call in 5 s" in told
    assert time.monotonic() - start < 15


def test_the_exchanges_of_a_device_are_shown(server, device, name):
    post(device, "telemetry", '{"t":1}')
    with RawClient(server.coap_port) as client:
        assert client.request(POST, f"/api/v1/{device.token}/telemetry", "{").status == "4.00"
    first, second = done(server, "trace", name).splitlines()[-2:]
    assert "POST" in first and '{"t":1}' in first and "2.01 ACCEPTED" in first
    assert "4.00 REFUSED (" in second and device.token not in first + second
    assert len(json.loads(done(server, "trace", name, "--limit", "1", "--json"))["exchanges"]) == 1
    assert "left out" in done(server, "trace", name, "--limit", "1")


@pytest.mark.parametrize("words,reason", [
    (["devices", "a", "b"], "too few or too many words for 'devices'"),
    (["telemetry"], "too few or too many words"),
    (["rpc", "x"], "too few or too many words"),
    (["devices", "--what"], "unknown option '--what'"),
    (["devices", "--url"], "no value for '--url'"),
    (["attributes", "Test Device A1", "set"], "Words are missing behind 'set'"),
    (["attributes", "Test Device A1", "put", "a=1"], "set or delete, not 'put'"),
    (["attributes", "Test Device A1", "set", "a"], "not of the form key=value: 'a'"),
    (["attributes", "Test Device A1", "--scope", "mine"], "the scope is shared, server or client"),
    (["rpc", "Test Device A1", "m", "--timeout", "x"], "--timeout is a number of seconds"),
    (["devices", *["x"] * 65], "too many words"),
])
def test_what_is_not_understood(server, words, reason):
    assert reason in failed(server, *words, code=2)


@pytest.mark.parametrize("words,reason", [
    (["telemetry", "nobody"], "nobody: there is no device of this name or id"),
    (["telemetry", "784f394c-42b6-11ef-983c-b7beff2784f9"], "404 "),
    (["attributes", "Test Device A1", "set", "a=1", "--scope", "client"], "400 "),
    (["trace", "Test Device A1", "--limit", "0"], "400 "),
    (["devices", "--url", "http://127.0.0.1:1"], "http://127.0.0.1:1: no connection"),
    (["devices", "--url", "nonsense"], "nonsense: not of the form http://host:port"),
    (["devices", "--password-file", "/nonexistent"], "/nonexistent: no password can be read"),
])
def test_what_fails_says_why(server, words, reason):
    assert reason in failed(server, *words)


class Stranger(http.server.BaseHTTPRequestHandler):
    """A server of another version: what it answers is JSON, and not what was asked for."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps(self.server.token if self.path == "/api/auth/login"
                          else self.server.content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def stranger():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        server.http_port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


ID = "784f394c-42b6-11ef-983c-b7beff2784f9"
SHAPE = "the answer is of another shape than this program knows: "


@pytest.mark.parametrize("words, content, reason", [
    (["devices"], 5, SHAPE + "it is no object"),
    (["devices", "--json"], [], SHAPE + "it is no object"),
    (["devices"], {}, SHAPE + "'data' is no array"),
    (["devices"], {"data": {}, "hasNext": False}, SHAPE + "'data' is no array"),
    (["devices"], {"data": [1], "hasNext": False}, SHAPE + "a device is no object"),
    (["devices"], {"data": [], "hasNext": 0}, SHAPE + "'hasNext' is not true or false"),
    (["attributes", ID], {}, SHAPE + "it is no array"),
    (["attributes", ID], ["a"], SHAPE + "an attribute is no object"),
    (["telemetry", ID], [], SHAPE + "it is no object"),
    (["telemetry", ID], {"t": 5}, SHAPE + "the points of a key are no array"),
    (["telemetry", ID], {"t": [5]}, SHAPE + "a point is no object"),
    (["telemetry", ID, "--follow"], {}, SHAPE + "it is no array"),
    (["trace", ID], "x", SHAPE + "it has no array 'exchanges'"),
    (["trace", ID], {"exchanges": 1}, SHAPE + "it has no array 'exchanges'"),
    (["trace", ID], {"exchanges": [[]]}, SHAPE + "an exchange is no object"),
    (["telemetry", "by name"], [], "by name: the answer names no id"),
    (["telemetry", "by name"], {"id": ID}, "by name: the answer names no id"),
])
def test_answers_of_another_shape_are_errors(stranger, words, content, reason):
    stranger.token, stranger.content = {"token": "t"}, content
    result = run(stranger, *words)
    assert (result.returncode, result.stderr) == (1, f"motehub: {reason}\n"), result


@pytest.mark.parametrize("token", [5, [], {"token": 5}])
def test_a_log_in_without_a_token_is_an_error(stranger, token):
    stranger.token = token
    assert "log in: the server gave no token" in failed(stranger, "devices")


def test_members_that_are_not_there_are_shown_as_nothing(stranger):
    stranger.token, stranger.content = {"token": "t"}, {"t": [{"ts": 0}]}
    shown = done(stranger, "telemetry", ID)
    assert shown.split() == ["1970-01-01T00:00:00.000Z", "t"]
    stranger.content = {"data": [{"id": 5, "active": "x"}], "hasNext": False}
    assert done(stranger, "devices").split() == ["inactive"]
    stranger.content = {"exchanges": [{"time": "x"}]}
    assert "1970-01-01" in done(stranger, "trace", ID)


def test_who_may_not_is_told(server):
    told = failed(server, "devices", MOTEHUB_PASSWORD="wrong")
    assert "log in as tenant@thingsboard.org: 401 Invalid username or password" in told
    assert "wrong" not in told
    assert "set MOTEHUB_USER" in failed(server, "devices", user={})
    sysadmin = {"MOTEHUB_USER": "sysadmin@thingsboard.org", "MOTEHUB_PASSWORD": "sysadmin"}
    assert "403 You don't have permission" in failed(server, "devices", user=sysadmin)


def test_the_password_may_stand_in_a_file(server, tmp_path):
    file = tmp_path / "password"
    file.write_text("tenant\n")
    result = run(server, "devices", "--password-file", str(file), MOTEHUB_PASSWORD="wrong")
    assert result.returncode == 0 and result.stdout


def test_help_names_every_command(server):
    text = done(server, "help")
    for command in ("serve", "devices", "telemetry", "attributes", "rpc", "trace"):
        assert f"motehub {command} " in text
