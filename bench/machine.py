"""What the rows of the bench stand on: servers pinned to one core, the load on another, and what
/proc says of both."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "30"))
DATA = pathlib.Path(os.environ.get("BENCH_DIR", ROOT / "build-bench-data"))
DEDUP_ENTRIES = 16 << 20
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
CORES = sorted(os.sched_getaffinity(0))


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core, command, **kwargs):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], **kwargs)


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_of_threads(process):
    """Seconds by the name of the thread, numbers at its end left out."""
    sums = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip().rstrip("-0123456789")
        spent = int((task / "schedstat").read_text().split()[0]) / 1e9
        sums[name] = sums.get(name, 0) + spent
    return sums


def resident(process):
    """Bytes."""
    return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * PAGE


def written(process):
    """Bytes that went to the disk."""
    text = pathlib.Path(f"/proc/{process.pid}/io").read_text()
    return int(re.search(r"^write_bytes: (\d+)", text, re.MULTILINE).group(1))


def preload(name, devices):
    """A fresh data directory with this many devices."""
    directory = DATA / name
    shutil.rmtree(directory, ignore_errors=True)
    DATA.mkdir(exist_ok=True)
    subprocess.run([BUILD / "bench/bench_preload", directory, str(devices)], check=True)
    return directory


def stop(process, how=signal.SIGTERM):
    process.send_signal(how)
    process.wait()


@contextlib.contextmanager
def program(*command):
    """One that is not ours to know when it is ready."""
    process = pinned(CORES[0], command)
    time.sleep(0.3)
    try:
        yield process
    finally:
        stop(process)


class Server:
    """Motehub with one worker on one core; the ports stay over restarts."""

    def __init__(self, data, *settings):
        self.data, self.settings = data, settings
        self.coap, self.http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        self.process = None

    def start(self, wait=True, cores=CORES[:1]):
        sets = [
            f"coap.bind=127.0.0.1:{self.coap}", f"http.bind=127.0.0.1:{self.http}",
            "coap.workers=1", "log.level=warn",
            # Ids are remembered for 247 s, and none is forgotten under 60 s: room for this rate.
            f"coap.dedup-entries={DEDUP_ENTRIES}", *self.settings,
        ]
        command = [BUILD / "src/server/motehub", "serve", "--demo", "--data", self.data,
                   *(word for setting in sets for word in ("--set", setting))]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MOTEHUB_")}
        self.process = pinned(",".join(map(str, cores)), command, stdout=subprocess.PIPE,
                              text=True, env=environment)
        while wait and "REST" not in self.process.stdout.readline():
            if self.process.poll() is not None:
                sys.exit("the server did not start")

    def kill(self):
        stop(self.process, signal.SIGKILL)

    def stop(self):
        stop(self.process)

    def resident_after_start(self):
        """Bytes, once what a start needs only for itself has had time to go."""
        time.sleep(1)
        return resident(self.process)

    def level(self, table):
        """What a bounded table holds, and its bound."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics") as answer:
            text = answer.read().decode()
        return tuple(int(re.search(rf'^motehub_table_{what}{{table="{table}"}} (\d+)', text,
                                   re.MULTILINE).group(1)) for what in ("used", "bound"))

    def token(self):
        """Of the demo's tenant administrator, for REST."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/api/auth/login",
            json.dumps({"username": "tenant@thingsboard.org", "password": "tenant"}).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["token"]


@contextlib.contextmanager
def serving(data, *settings):
    server = Server(data, *settings)
    server.start()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def generator(port, mode, options, **kwargs):
    command = [BUILD / "bench/bench_load", port, mode]
    for name, value in {"seconds": SECONDS, **options}.items():
        command += [f"--{name.replace('_', '-')}", value]
    return pinned(CORES[-1], command, stdout=subprocess.PIPE, text=True, **kwargs)


def load(process, port, mode, environment=None, **options):
    """Runs one row; the CPU of `process` is read over just the time after the warm-up."""
    with generator(port, mode, options, env={**os.environ, **(environment or {})}) as driver:
        if driver.stdout.readline().strip() != "warm":
            sys.exit(f"the load {mode} did not get warm")
        before, threads, wrote = cpu_seconds(process), cpu_of_threads(process), written(process)
        result = json.loads(driver.stdout.readline())
        count = max(result["exchanges"], 1)
        result["cpu_us"] = (cpu_seconds(process) - before) * 1e6 / count
        result["threads_us"] = {name: (spent - threads.get(name, 0)) * 1e6 / count
                                for name, spent in cpu_of_threads(process).items()}
        result["rss_mib"] = resident(process) / 2**20
        result["written"] = (written(process) - wrote) / count
    return result
