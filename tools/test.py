#!/usr/bin/python3
"""Runs every test and counts single cases: unit tests (cmocka, TAP) and tests/ (pytest).

Usage: test.py [--unit] [--soak] [--tsan] [--build DIR] [--meson "OPTIONS"]

Ends with the line `N passed, N failed[, N skipped]`; exit code 1 if anything failed. The output of
a failing unit test is shown whole. Each run uses directories and ports of its own.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST_SECONDS_MAX = 300
TAP = re.compile(r"^(ok|not ok)\b(?:.*#\s*(SKIP)\b(.*))?", re.IGNORECASE)


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def build(directory, options):
    """Configures once, then builds all of it."""
    if not (directory / "build.ninja").exists():
        command = ["meson", "setup", str(directory), "-Dtests=enabled", *shlex.split(options)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout + done.stderr)
    done = subprocess.run(["ninja", "-C", str(directory)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout[-20000:] + done.stderr)
        print("the build failed\n0 passed, 1 failed")
        sys.exit(1)


def unit_tests(directory):
    listing = subprocess.run(
        ["meson", "introspect", str(directory), "--tests"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    return [test for test in json.loads(listing.stdout) if "unit" in "".join(test["suite"])]


def read_tap(text, count):
    """Adds the points of one program; True if it had any."""
    seen = False
    for line in text.splitlines():
        match = TAP.match(line.strip())
        if not match:
            continue
        seen = True
        if match.group(2):
            count.skipped += 1
            print(f"skipped: {line.strip()}")
        elif match.group(1).lower() == "ok":
            count.passed += 1
        else:
            count.failed += 1
    return seen


def run_unit(test, count):
    environment = dict(os.environ, **test["env"])
    before = count.failed
    with tempfile.TemporaryDirectory(prefix="motehub-test-") as scratch:
        environment["TMPDIR"] = scratch
        try:
            done = subprocess.run(
                test["cmd"], cwd=ROOT, env=environment, text=True, errors="replace",
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TEST_SECONDS_MAX,
            )
            text, code = done.stdout, done.returncode
        except subprocess.TimeoutExpired as late:
            text, code = (late.stdout or b"").decode(errors="replace"), "timed out"
    seen = read_tap(text, count)
    if (code != 0 or not seen) and count.failed == before:
        count.failed += 1
    if count.failed != before:
        print(f"--- {test['name']} failed (exit: {code})\n{text}", flush=True)


def run_pytest(count, soak):
    if not list((ROOT / "tests").glob("**/test_*.py")):
        return
    with tempfile.TemporaryDirectory(prefix="motehub-test-") as scratch:
        report = pathlib.Path(scratch) / "report.xml"
        command = [
            "/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs",
            f"--junitxml={report}", "--no-header", "tests", "tools/tidy_test.py",
            "tools/keys_test.py", "tools/openapi_test.py",
        ]
        environment = dict(os.environ, TMPDIR=scratch, PYTHONDONTWRITEBYTECODE="1")
        if soak:
            environment["SOAK"] = "1"
        subprocess.run(command, cwd=ROOT, env=environment)
        if not report.exists():
            count.failed += 1
            return
        for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
            number = {k: int(suite.get(k, "0")) for k in ("tests", "failures", "errors", "skipped")}
            bad = number["failures"] + number["errors"]
            count.failed += bad
            count.skipped += number["skipped"]
            count.passed += number["tests"] - bad - number["skipped"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unit", action="store_true", help="unit tests only")
    parser.add_argument("--soak", action="store_true", help="long runs in full")
    parser.add_argument("--tsan", action="store_true", help="what runs under ThreadSanitizer")
    parser.add_argument("--build", default="build-test")
    parser.add_argument("--meson", default="-Dslow-checks=true")
    arguments = parser.parse_args()
    directory = ROOT / arguments.build
    build(directory, arguments.meson)
    os.environ.setdefault("BUILD_DIR", str(directory))
    if arguments.tsan:
        suppressions = ROOT / "tests" / "tsan.supp"
        os.environ["TSAN_OPTIONS"] = f"suppressions={suppressions} halt_on_error=1 die_after_fork=0"
    count = Count()
    for test in unit_tests(directory):
        run_unit(test, count)
    if not arguments.unit:
        run_pytest(count, arguments.soak)
    print(count.line())
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
