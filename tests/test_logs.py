"""The log: every line parses, has the fields that docs/operating.md names, and holds no secret."""

import contextlib
import json
import re
import signal
import socket
import time

from observer import Later, Observer
from raw_coap import POST, RawClient
from rest_client import Rest
from server import ROOT, run

PAGE = ROOT / "docs" / "operating.md"
CALL = re.compile(r'\bLOG\((?:LOG_)?(\w+), "([^"]+)"(.*?)\);', re.DOTALL)
FIELD = re.compile(r'LOG_(?:TEXT|SLICE|INT|TOKEN)\(\s*"([^"]+)"')
ALWAYS = ["time", "level", "event"]


def documented():
    """{event: (level, [fields])} of the page."""
    found = {}
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `"):
            events, level, fields, _ = [cell.strip() for cell in line.strip("|").split("|")]
            for event in re.findall(r"`([^`]+)`", events):
                found[event] = (level, re.findall(r"`([^`]+)`", fields))
    return found


def written():
    """The same of the sources."""
    found = {}
    for file in (ROOT / "src").rglob("*.c"):
        if not file.name.endswith("_test.c"):
            for level, event, fields in CALL.findall(file.read_text()):
                found[event] = (level.lower(), FIELD.findall(fields))
    return found


def test_the_page_has_every_event_with_its_level_and_fields():
    wrote = written()
    wrote["http.library"] = ("debug", wrote["http.library"][1])  # the level is the library's
    assert len(wrote) > 20
    assert documented() == wrote


def lines_of(server):
    """The log as objects. What is no JSON is the banner alone, on standard output."""
    banner = re.compile(r"(Motehub |  (CoAP|REST|data) )")
    found = []
    for line in server.log().splitlines():
        if not banner.match(line):
            found.append(json.loads(line))
    return found


def expect_documented(lines):
    page = documented()
    for line in lines:
        assert list(line)[:3] == ALWAYS, line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        level, fields = page[line["event"]]
        assert list(line)[3:] == fields, line
        assert line["level"] == level or line["event"] == "http.library", line


def raw_http(server, data):
    """Sends it, whatever becomes of it."""
    with contextlib.suppress(OSError), \
            socket.create_connection(("127.0.0.1", server.http_port), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


class Secrets:
    """Everything that must not be seen, as it comes up."""

    def __init__(self):
        self.all = {}

    def add(self, name, value):
        self.all[name] = value
        return value

    def expect_none_in(self, where, text):
        seen = [name for name, value in self.all.items() if value in text]
        assert seen == [], f"in {where}"


def people(server, rest, secrets):
    """Log-ins right and wrong, sessions, a new password."""
    password = secrets.add("first password",
                           (server.data / "first-password").read_text().split(": ")[1].strip())
    wrong = secrets.add("wrong password", "wrong-Pa55word-of-somebody")
    assert rest.call("POST", "/api/auth/login", {"username": "tenant@thingsboard.org",
                                                 "password": wrong}).status == 401
    rest.log_in("tenant@thingsboard.org", password)
    secrets.add("access token of REST", rest.token)
    secrets.add("refresh token", rest.refresh_token)
    pair = rest.post("/api/auth/token", {"refreshToken": rest.refresh_token})
    rest.token = secrets.add("second access token", pair["token"])
    forged = secrets.add("forged token", rest.token[:-6] + "AAAAAA")
    assert Rest(server.http_port, forged).call("GET", "/api/auth/user").status == 401
    unknown = secrets.add("unknown refresh token", "no.such-refresh.token-of-mine")
    rest.call("POST", "/api/auth/token", {"refreshToken": unknown})


def devices(server, rest, secrets):
    """A device posts, well and badly, is called, and strangers try."""
    token = secrets.add("device token", "Secret-Device-Token-1")
    stranger = secrets.add("wrong device token", "Secret-Token-Of-Nobody")
    parameters = secrets.add("parameters of a call", "unlock-code-4711")
    reading = secrets.add("reading", "private-text-of-a-reading")
    device = type("Device", (), {"token": token, "server": server})
    device.id = rest.create_device("keeper", token)
    with RawClient(server.coap_port) as client, Observer(device, "rpc") as observer:
        assert client.post(token, json.dumps({"a": reading})).status == "2.01"
        assert client.post(token, "{").status == "4.00"
        assert client.post(stranger, "{}").status == "4.01"
        assert client.request(POST, f"/api/v1/{token}/nothing", "{}").status[0] == "4"
        client.send_bytes(b"\xff\x00" + token.encode())
        observer.register()
        call = {"method": "unlock", "params": {"code": parameters}, "timeout": 5000}
        later = Later(rest.call, "POST", f"/api/rpc/twoway/{device.id}", call)
        observer.answer(observer.next(), {"ok": True})
        assert later.result().status == 200
    rest.call("POST", f"/api/v1/{token}/telemetry", b"{")
    rest.call("POST", f"/api/v1/{stranger}/telemetry", b"{}")
    raw_http(server, f"GET /api/v1/{token}/%zz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    raw_http(server, f"NONSENSE /{token}\r\n\r\n".encode())
    raw_http(server, f"GET /{token} HTTP/9.9\r\nX-Authorization: {token * 2000}\r\n\r\n".encode())
    return device.id


def test_no_secret_is_seen_anywhere(place):
    secrets = Secrets()
    server = place.server("--set", "log.level=debug", demo=False)
    server.environment = {
        "COAP_DTLS_PEM_KEY_PASSWORD": secrets.add("variable of upstream", "s3cret-of-a-key"),
        "MOTEHUB_PASSWORD": secrets.add("password of a person", "s3cret-of-a-person"),
    }
    server.start()
    rest = Rest(server.http_port)
    people(server, rest, secrets)
    device = devices(server, rest, secrets)
    metrics = Rest(server.http_port).call("GET", "/metrics").body.decode()
    trace = json.dumps(rest.get(f"/api/motehub/v1/devices/{device}/trace"))
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    server.stop()
    lines = lines_of(server)
    expect_documented(lines)
    events = {line["event"] for line in lines}
    assert {"server.started", "server.first-password", "config.warning", "config.reloaded",
            "server.stopping"} <= events
    secrets.expect_none_in("the log", server.log())
    secrets.expect_none_in("/metrics", metrics)
    for file in server.data.glob("devices/LOG*"):
        secrets.expect_none_in(file, file.read_text(errors="replace"))
    # The trace is the device's: it shows what was said, but not who may say it.
    for data in ("parameters of a call", "reading"):
        del secrets.all[data]
    secrets.expect_none_in("the trace", trace)


def test_a_wrong_configuration_does_not_tell_values_of_unknown_names(place):
    secret = "hunter2-and-more"
    file = place.path / "motehub.yml"
    for text in (f"auth.secret: {secret}\n", f"auth:\n  password: {secret}\n",
                 f"[{secret}]\n", f"log.level: info\n{secret}\n"):
        file.write_text(text)
        code, out, error = run("check-config", "--config", file)
        assert code == 1 and secret not in out + error, error
        assert re.match(rf"motehub: {file}:\d+:\d+: ", error)
    for words, more in (
        (["--set", f"auth.secret={secret}"], {}),
        ([], {"MOTEHUB_AUTH_SECRET": secret}),
    ):
        code, out, error = run("check-config", *words, **more)
        assert code == 1 and secret not in out + error, error


def test_at_a_failing_start_the_log_is_json_and_the_reason_one_line(place):
    first = place.server()
    first.start()
    second = place.server(name="data")
    code, _, error = run(*second.command()[1:])
    assert code == 1
    *log, last = error.splitlines()
    assert last.startswith("motehub: ") and "in use" in last
    expect_documented([json.loads(line) for line in log])
