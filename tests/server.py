"""Runs the real binary in a directory and on ports of its own."""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20
START_TRIES = 5

# Below the range that the kernel hands to clients: nobody takes the port between two starts.
PORTS = range(20000, 32000)
_ports = random.Random(os.urandom(8))


def binary():
    return pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build")) / "src/server/motehub"


def environment(**more):
    """This process's environment without settings for the server, but for those given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MOTEHUB_")}
    return {**kept, **more}


def free_port(kind):
    """A port that nobody has bound: kind is socket.SOCK_DGRAM or SOCK_STREAM."""
    while True:
        port = _ports.choice(PORTS)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def run(*words, **more):
    """Runs the binary to its end: (exit code, standard output, standard error)."""
    done = subprocess.run(
        [binary(), *map(str, words)], env=environment(**more), capture_output=True, text=True,
        timeout=START_SECONDS_MAX,
    )
    return done.returncode, done.stdout, done.stderr


class PortTaken(Exception):
    pass


class Server:
    """One process at a time on one data directory; the ports stay over restarts."""

    def __init__(self, data, *options, demo=True, settings=()):
        self.data = pathlib.Path(data)
        self.options = [*(["--demo"] if demo else []), *options]
        self.settings = list(settings)
        self.environment = {}  # for the next start
        self.ready_path = "/readyz"
        self.process = None
        self.log_path = self.data.with_name(self.data.name + ".log")
        self.pick_ports()

    def pick_ports(self):
        self.coap_port = free_port(socket.SOCK_DGRAM)
        self.http_port = free_port(socket.SOCK_STREAM)
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.coap = f"coap://127.0.0.1:{self.coap_port}"

    def command(self):
        settings = [
            f"coap.bind=127.0.0.1:{self.coap_port}",
            f"http.bind=127.0.0.1:{self.http_port}",
            *self.settings,
        ]
        sets = [word for setting in settings for word in ("--set", setting)]
        return [str(binary()), "serve", "--data", str(self.data), *self.options, *sets]

    def start(self):
        """Starts and waits until ready. Ports that another run took meanwhile are given up."""
        for tries in range(START_TRIES):
            try:
                return self.start_once()
            except PortTaken:
                if tries == START_TRIES - 1:
                    raise
                self.pick_ports()
        return None

    def start_once(self):
        """Starts on the ports it has; returns the seconds until /readyz answered."""
        begin = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=environment(**self.environment), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )
        while not self.is_ready():
            if self.process.poll() is not None:
                self.process = None
                if "taken" in self.log():
                    raise PortTaken(self.log())
                raise AssertionError(f"the server ended at its start:\n{self.log()}")
            if time.monotonic() - begin > START_SECONDS_MAX:
                self.kill()
                raise AssertionError(f"the server is not ready:\n{self.log()}")
            time.sleep(0.01)
        return time.monotonic() - begin

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.http + self.ready_path, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """SIGTERM; the exit code must be 0."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = "none: it did not end"
        assert code == 0, f"exit code after SIGTERM: {code}\n{self.log()}"

    def kill(self):
        """SIGKILL."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def restart(self, how="stop"):
        """stop or kill, then start on the same ports; returns the seconds until ready."""
        getattr(self, how)()
        return self.start_once()


class Place:
    """A temporary directory for servers; ends those that still run when it closes."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="motehub-e2e-"))
        self.servers = []

    def server(self, *options, name="data", **more):
        server = Server(self.path / name, *options, **more)
        self.servers.append(server)
        return server

    def close(self):
        try:
            for server in self.servers:
                if server.process is not None:
                    server.stop()
        finally:
            for server in self.servers:
                if server.process is not None:
                    server.kill()
            shutil.rmtree(self.path, ignore_errors=True)
