"""What is installed beside the program."""

import re
import shutil
import subprocess

import pytest

from server import binary

UNIT = binary().parents[2] / "packaging" / "motehub.service"


@pytest.fixture(scope="module")
def analyze():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the unit is not judged")
    return lambda *words: subprocess.run(["systemd-analyze", *words], capture_output=True,
                                         text=True)


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
    assert re.search(r"^ExecStart=/\S+/motehub serve --data /var/lib/motehub$", text, re.MULTILINE)


MAN = binary().parents[2] / "packaging" / "motehub.1"


def test_the_man_page_has_every_command_option_and_variable():
    page = MAN.read_text().replace("\\-", "-").replace("\\&", "").replace("\\fR", "")
    page = re.sub(r"\\f[BIR]", "", page)
    told = subprocess.run([binary(), "help"], capture_output=True, text=True, check=True).stdout
    commands = set(re.findall(r"^  motehub ([a-z-]+)", told, re.MULTILINE))
    assert len(commands) > 8
    words = commands | set(re.findall(r"--[a-z-]+|MOTEHUB_(?:URL|USER|PASSWORD)", told))
    assert not {word for word in words if word not in page}
