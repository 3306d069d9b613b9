"""What is installed beside the program."""

import re
import shutil
import socket
import subprocess

import pytest

from raw_coap import RawClient
from server import ROOT, binary, run

UNIT = binary().parents[2] / "packaging" / "motehub.service"


@pytest.fixture(scope="module")
def analyze():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the unit is not judged")
    return lambda *words: subprocess.run(["systemd-analyze", *words], capture_output=True,
                                         text=True)


def test_without_tests_everything_is_built_and_installed(tmp_path):
    """What `make install` does after `make build`, as far as it can be seen without building."""
    told = subprocess.run(["meson", "setup", "-Dtests=disabled", tmp_path / "build", ROOT],
                          capture_output=True, text=True)
    assert told.returncode == 0, told.stdout
    targets = subprocess.run(["ninja", "-C", tmp_path / "build", "-t", "targets", "all"],
                             capture_output=True, text=True, check=True).stdout
    assert re.search(r"^src/server/motehub: ", targets, re.MULTILINE)
    # They would lack the library that they are linked with.
    assert re.findall(r"^src/\S+_test: ", targets, re.MULTILINE) == []


def test_the_unit_leaves_little_open(analyze):
    told = analyze("security", "--offline=true", "--no-pager", str(UNIT))
    level = re.search(r"Overall exposure level for motehub.service: ([\d.]+)", told.stdout)
    assert level, told.stdout + told.stderr
    assert float(level.group(1)) <= 1.5


def test_the_unit_lets_the_server_do_what_it_needs():
    text = UNIT.read_text()
    calls = re.search(r"^SystemCallFilter=(@.*)$", text, re.MULTILINE).group(1).split()
    assert {"@system-service", "@resources", "seccomp"} <= set(calls)
    families = re.search(r"^RestrictAddressFamilies=(.*)$", text, re.MULTILINE).group(1).split()
    assert {"AF_INET", "AF_INET6"} <= set(families)
    assert re.search(r"^ExecStart=/\S+/motehub serve --config -/etc/motehub/motehub.yml "
                     r"--data /var/lib/motehub$", text, re.MULTILINE)
    # It says that it is ready over a socket of AF_UNIX.
    assert "AF_UNIX" in families and re.search(r"^Type=notify$", text, re.MULTILINE)


def test_the_unit_is_understood(analyze):
    told = analyze("verify", "--man=no", str(UNIT))
    wrong = [line for line in told.stderr.splitlines()
             if "motehub.service" in line and "is not executable" not in line]
    assert wrong == []


# The service manager.

def test_the_service_manager_is_told(place):
    server = place.server()
    path = str(place.path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        server.environment = {"NOTIFY_SOCKET": path}
        server.start()
        assert manager.recv(100) == b"READY=1"
        with RawClient(server.coap_port) as client:
            assert client.post("A1_TEST_TOKEN", '{"a":1}').status == "2.01"
        server.stop()
        assert manager.recv(100) == b"STOPPING=1"


def test_a_server_that_cannot_start_is_never_ready(place):
    server = place.server("--set", "log.level=loud")
    path = str(place.path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(0.5)
        server.environment = {"NOTIFY_SOCKET": path}
        with pytest.raises(AssertionError, match="ended at its start"):
            server.start()
        with pytest.raises(TimeoutError):
            manager.recv(100)


def test_a_configuration_with_a_dash_need_not_be_there(place):
    file = place.path / "motehub.yml"
    server = place.server("--config", f"-{file}")
    server.start()
    server.stop()
    file.write_text("log.level: loud\n")
    code, _, text = run("check-config", "--config", f"-{file}")
    assert code == 1 and text.startswith(f"motehub: {file}:1:12: log.level: ")
    code, _, text = run("check-config", "--config", place.path / "other.yml")
    assert code == 1 and text == f"motehub: {place.path / 'other.yml'}: not found\n"


# What is installed.

def test_make_install_puts_everything_below_destdir(place):
    build = binary().parents[2]
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "install", f"BUILD={build.resolve()}", f"DESTDIR={place.path}"],
                          cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = {file.relative_to(place.path).as_posix(): file
                 for file in place.path.rglob("*") if file.is_file()}
    prefix = "usr/local/"
    assert set(installed) == {f"{prefix}bin/motehub", f"{prefix}lib/systemd/system/motehub.service",
                              f"{prefix}share/man/man1/motehub.1"}
    program = installed[f"{prefix}bin/motehub"]
    told = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"motehub \d+\.\d+\.\d+\S*\n", told)
    unit = installed[f"{prefix}lib/systemd/system/motehub.service"].read_text()
    assert f"ExecStart=/{prefix}bin/motehub serve" in unit


MAN = binary().parents[2] / "packaging" / "motehub.1"


def test_the_man_page_has_every_command_option_and_variable():
    page = MAN.read_text().replace("\\-", "-").replace("\\&", "").replace("\\fR", "")
    page = re.sub(r"\\f[BIR]", "", page)
    told = subprocess.run([binary(), "help"], capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^  motehub ([a-z-]+)", told, re.MULTILINE))
    assert len(commands) > 8
    words = commands | set(re.findall(r"--[a-z-]+|MOTEHUB_(?:URL|USER|PASSWORD)", told))
    assert not {word for word in words if word not in page}
