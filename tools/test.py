#!/usr/bin/python3
"""Runs every test and counts single cases: unit tests (cmocka, TAP) and tests/ (pytest).

Usage: test.py [--unit] [--soak] [--tsan] [--build DIR] [--meson "OPTIONS"]

Ends with the line `N passed, N failed[, N skipped]`; exit code 1 if anything failed. The output of
a failing unit test is shown whole. Each run uses directories and ports of its own.
"""

import argparse
import concurrent.futures
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
# Files of end-to-end tests that run beside each other: they wait for most of their time.
AT_A_TIME = 2
# Those that measure, or need all of the machine; and the one that looks back at all answers.
ALONE = ["test_fleet.py", "test_overload.py", "test_answers.py"]
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


def end_to_end_files():
    """Those that may run beside others, and those that come alone and last, in their order."""
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("tools/*_test.py")]
    files = sorted(file for file in files if "node_modules" not in file.parts)
    alone = [file for name in ALONE for file in files if file.name == name]
    return [file for file in files if file not in alone], alone


def add_report(report, count):
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        number = {k: int(suite.get(k, "0")) for k in ("tests", "failures", "errors", "skipped")}
        bad = number["failures"] + number["errors"]
        count.failed += bad
        count.skipped += number["skipped"]
        count.passed += number["tests"] - bad - number["skipped"]


class Pytest:
    """Runs files of tests, each in a process of its own. What they saw of REST's answers comes
    together in a directory, for the last of them (tests/openapi_check.py)."""

    def __init__(self, scratch, soak):
        self.scratch = pathlib.Path(scratch)
        (self.scratch / "answers").mkdir()
        self.environment = dict(os.environ, TMPDIR=scratch, PYTHONDONTWRITEBYTECODE="1",
                                PYTHONPATH=str(ROOT / "tests"),
                                ANSWERS=str(self.scratch / "answers"))
        if soak:
            self.environment["SOAK"] = "1"

    def run(self, file):
        """(file, what it says, exit code, its report)"""
        name = str(file.relative_to(ROOT))
        report = self.scratch / (name.replace("/", "-") + ".xml")
        done = subprocess.run(
            ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs",
             f"--junitxml={report}", "--no-header", name],
            cwd=ROOT, env=self.environment, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return name, done.stdout, done.returncode, report


def take(done, count):
    name, text, code, report = done
    before = count.failed
    if report.exists():
        add_report(report, count)
    if code != 0 and count.failed == before:
        count.failed += 1
    last = text.strip().splitlines()[-1:] or ["nothing"]
    skips = [line for line in text.splitlines() if line.startswith("SKIPPED")]
    print("\n".join([f"{name}: {last[0]}", *skips] if code == 0 else [f"--- {name} failed", text]),
          flush=True)


def run_pytest(count, soak, at_a_time):
    beside, alone = end_to_end_files()
    with tempfile.TemporaryDirectory(prefix="motehub-test-") as scratch:
        pytest = Pytest(scratch, soak)
        with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
            for done in pool.map(pytest.run, beside):
                take(done, count)
        for file in alone:
            take(pytest.run(file), count)


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
        # What is slow or long would only wait for its neighbour.
        run_pytest(count, arguments.soak, 1 if arguments.soak or arguments.tsan else AT_A_TIME)
    print(count.line())
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
