#!/usr/bin/python3
"""Writes docs/configuration.md from the tables of src/conf.

Usage: keys.py [--check]     with --check: only says whether the page is up to date
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "configuration.md"

TEXT = r'"((?:[^"\\]|\\.)*)"'
KEY = re.compile(rf"^KEY\({TEXT}, (\w+), {TEXT}, (\d+), (\d+), (YES|NO), {TEXT}\)$")
CHOICE = re.compile(rf"^CHOICE\({TEXT}, {TEXT}, {TEXT}, (YES|NO), {TEXT}\)$")
ALIAS = re.compile(rf"^(ALIAS|ALL_OF|SECONDS|STRATEGY)\({TEXT}, {TEXT}\)$")
BIND = re.compile(rf"^BIND\({TEXT}, {TEXT}, {TEXT}\)$")
KNOWN = re.compile(rf"^KNOWN\({TEXT}\)$")

KINDS = {"BOOL": "true or false", "INT": "number", "SIZE": "bytes (K, M, G)",
         "SPAN_MS": "time (ms, s, m, h, d)", "TEXT": "text", "ADDRESS": "address:port",
         "ADDRESSES": "list of address:port", "RATES": "list of count:seconds",
         "CPUS": "list of cores"}
BOUNDED = ("INT", "SIZE", "SPAN_MS")

HEAD = """# Configuration

<!-- Made by tools/keys.py from src/conf/keys.def and alias.def; a test compares. -->

A key stands in the YAML file (`--config FILE`), in the environment (`coap.ack-wait` is
`MOTEHUB_COAP_ACK_WAIT`) or on the command line (`--set coap.ack-wait=1s`); the later of these
overrides. A wrong name or value ends the start with one line that names the place. `motehub
check-config` prints every key with its value and where it comes from.

| key | value | default | range | meaning |
|---|---|---|---|---|
"""

ALIASES = """
## Names of ThingsBoard

These variables of its environment are understood, so that a configuration goes on working.

| variable | key |
|---|---|
"""

UNKNOWN = """
These have no meaning here; one warning at the start names those that are set:
"""


class Fault(Exception):
    pass


def rows(name):
    for number, line in enumerate((ROOT / "src" / "conf" / name).read_text().splitlines(), 1):
        if line.strip() and not line.startswith("//"):
            yield f"{name}:{number}", line


def key_row(place, line):
    if found := KEY.match(line):
        name, kind, default, least, most, _, text = found.groups()
        bounds = f"{least} to {most}" if kind in BOUNDED else ""
        return name, KINDS[kind], default, bounds, text
    if found := CHOICE.match(line):
        name, words, default, _, text = found.groups()
        return name, " or ".join(f"`{word}`" for word in words.split()), default, "", text
    raise Fault(f"{place}: not understood")


def page():
    lines = [HEAD.rstrip("\n")]
    for place, line in rows("keys.def"):
        name, kind, default, bounds, text = key_row(place, line)
        shown = f"`{default}`" if default else "empty"
        lines.append(f"| `{name}` | {kind} | {shown} | {bounds} | {text} |")
    known, aliases = [], [ALIASES.rstrip("\n")]
    for place, line in rows("alias.def"):
        if found := ALIAS.match(line):
            aliases.append(f"| `{found.group(2)}` | `{found.group(3)}` |")
        elif found := BIND.match(line):
            aliases.append(f"| `{found.group(1)}`, `{found.group(2)}` | `{found.group(3)}` |")
        elif found := KNOWN.match(line):
            known.append(found.group(1))
        else:
            raise Fault(f"{place}: not understood")
    names = [f"- `{name}`" for name in known]
    return "\n".join([*lines, *aliases, UNKNOWN.rstrip("\n"), "", *names]) + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        if PAGE.read_text() != page():
            sys.exit("docs/configuration.md is not up to date: run tools/keys.py")
        return
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
