"""The server's own commands: what they print, and how they refuse."""

import re

import pytest

from server import run

KEY = r"[a-z]+\.[a-z-]+"


@pytest.fixture
def file(place):
    return place.path / "motehub.yml"


def test_check_config_says_where_each_value_comes_from(file):
    file.write_text("# A comment.\nlog.level: warn\ncoap:\n  ack-wait: 2s\nhttp.queue: 7\n")
    code, out, error = run("check-config", "--config", file, "--set", "http.queue=9",
                           MOTEHUB_HTTP_THREADS="3")
    assert (code, error) == (0, "")
    rows = {line.split()[0]: line.split() for line in out.splitlines()[1:]}
    assert len(rows) > 50 and all(re.fullmatch(KEY, name) for name in rows)
    assert rows["log.level"][2:5] == ["warn", "info", "file:2"]
    assert rows["coap.ack-wait"][2:5] == ["2s", "500ms", "file:4"]
    assert rows["http.threads"][2:5] == ["3", "16", "environment"]
    assert rows["http.queue"][2:5] == ["9", "256", "--set"]
    assert rows["coap.workers"][2:5] == ["0", "0", "default"]


@pytest.mark.parametrize("text, place_and_reason", [
    ("log.level: loud\n", r'1:12: log\.level: "loud" is none of: debug info warn error'),
    ("a: 1\n", "1:4: a: no such key"),
    ("\ncoap:\n  workres: 2\n", r"3:12: coap\.workres: no such key; did you mean coap\.workers\?"),
    ("coap.workers: many\n", r'1:15: coap\.workers: "many" is not a number'),
    ("coap.workers: 65\n", r"1:15: coap\.workers: is 65, above 64"),
    ("coap.ack-wait: 3w\n", r'1:16: coap\.ack-wait: "3w" is not a time .*'),
    ("http.body-max: 1T\n", r'1:16: http\.body-max: "1T" is not a number of bytes .*'),
    ("coap.bind: here\n", r'1:12: coap\.bind: "here" is no address with a port.*'),
    ("coap.bind: [127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5,127.0.0.1:6,"
     "127.0.0.1:7,127.0.0.1:8,127.0.0.1:9]\n", r"1:12: coap\.bind: has more than 8 entries"),
    ("auth.login-rate: 1:1,1:2,1:3,1:4,1:5\n",
     r"1:18: auth\.login-rate: has more than 4 entries"),
    ("http.enabled: maybe\n", r'1:15: http\.enabled: "maybe" is neither true nor false'),
    ("log.level: info\nlog.level: warn\n", r"2:12: log\.level: .*"),
    ("coap: {\n", r"\d+:\d+: .*"),
])
def test_a_wrong_file_is_one_line_with_place_key_and_reason(file, text, place_and_reason):
    file.write_text(text)
    for command in ("check-config", "limits", "serve"):
        code, out, error = run(command, "--config", file)
        assert (code, out) == (1, "")
        assert re.fullmatch(rf"motehub: {re.escape(str(file))}:{place_and_reason}\n", error), error


def test_a_file_that_cannot_be_read_is_named(place):
    code, _, error = run("check-config", "--config", place.path)
    assert code == 1 and error.startswith(f"motehub: {place.path}: ")


@pytest.mark.parametrize("words, reason", [
    (["sevre"], "there is no command 'sevre'; try motehub help"),
    (["serve", "--confg", "x"], "unknown option '--confg'; try motehub help"),
    (["serve", "--data"], "--data needs a value"),
    (["check-config", *["--set", "log.level=info"] * 65], "more than 64 --set"),
])
def test_a_wrong_command_line_is_exit_code_2(words, reason):
    code, out, error = run(*words)
    assert (code, out, error) == (2, "", f"motehub: {reason}\n")


def test_demo_stays_on_loopback():
    code, _, error = run("check-config", "--demo", "--set", "coap.bind=0.0.0.0:5683")
    assert code == 1 and error.startswith("motehub: --demo has known passwords")
    assert run("check-config", "--demo-public", "--set", "coap.bind=0.0.0.0:5683")[0] == 0


@pytest.mark.parametrize("word", ["version", "--version"])
def test_version_is_one_line(word):
    code, out, error = run(word)
    assert (code, error) == (0, "")
    assert re.fullmatch(r"motehub \d+\.\d+\.\d+\S*\n", out)


def test_warnings_of_check_config_go_to_standard_error():
    code, out, error = run("check-config", COAP_DTLS_ENABLED="true", TB_TRANSPORT_LOG_ENABLED="1")
    assert code == 0 and out.startswith("key ")
    assert error == ("motehub: environment: without meaning here: COAP_DTLS_ENABLED, "
                     "TB_TRANSPORT_LOG_ENABLED\n")
