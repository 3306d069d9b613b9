"""docs/rules.md names places and tests that exist."""

import re

import pytest

from server import ROOT

ROW = re.compile(r"^\| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAME = re.compile(r"`([^`]+)`")
ROWS = [found for found in ROW.findall((ROOT / "docs/rules.md").read_text())
        if found[0] != "rule"]


@pytest.fixture(scope="module")
def defined():
    """The names of all tests, in C and in Python."""
    sources = [*ROOT.glob("src/*/*_test.c"), *ROOT.glob("tests/story/*_test.c")]
    python = [*ROOT.glob("tests/test_*.py"), *ROOT.glob("tests/scenarios/test_*.py")]
    names = set()
    for path in sources:
        names.update(re.findall(r"^static void (\w+)\(void \*\*state\)", path.read_text(), re.M))
    for path in python:
        names.update(re.findall(r"^def (test_\w+)\(", path.read_text(), re.M))
    return names


def test_there_are_rules():
    assert len(ROWS) > 40


@pytest.mark.parametrize("rule, places, tests", ROWS, ids=[row[0][:40] for row in ROWS])
def test_a_rule_has_its_place_and_its_tests(defined, rule, places, tests):
    for place in NAME.findall(places):
        assert (ROOT / "src" / place).is_file(), place
    assert NAME.findall(tests)
    assert [name for name in NAME.findall(tests) if name not in defined] == []
