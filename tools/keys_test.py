"""The page of keys is that of the tables, and the tables are understood whole."""

import pathlib
import subprocess

import keys
import pytest

import server

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_the_page_is_up_to_date():
    assert keys.PAGE.read_text() == keys.page(), "run tools/keys.py"


def test_the_page_has_every_key_that_the_program_knows():
    done = subprocess.run([server.binary(), "check-config"], capture_output=True, text=True,
                          check=True, env=server.environment())
    names = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert len(names) > 40
    page = keys.PAGE.read_text()
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_a_row_that_is_not_understood_is_named():
    with pytest.raises(keys.Fault, match="keys.def:7"):
        keys.key_row("keys.def:7", 'KEY("a.b", NUMBER)')
