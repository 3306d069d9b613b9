"""libcoap's client as an observer: what it was told, in the form of our own observer's answers."""

import re
import subprocess
import time

from clients import libcoap_program

# At level 6 it prints every message: type, code, id, token, options and, unless empty, the payload.
MESSAGE = re.compile(r"v:1 t:(\w+) c:(\S+) i:\w+ \{(\w*)\} \[ (.*?) \](?: :: '(.*)')?$",
                     re.MULTILINE)


class Told:
    def __init__(self, found):
        self.type, self.status, self.token, options, text = found
        self.text = text
        named = dict(option.split(":", 1) for option in options.split(", ") if ":" in option)
        self.observe = int(named["Observe"]) if "Observe" in named else None


class Libcoap:
    """Observes for `seconds`, then cancels by a GET with Observe 1, and ends."""

    def __init__(self, device, feature, path, seconds):
        self.path, self.taken = path, 0
        url = f"{device.server.coap}/api/v1/{device.token}/{feature}"
        with open(path, "wb") as out:
            self.process = subprocess.Popen(
                # Line by line, though it is a file.
                ["stdbuf", "-oL", libcoap_program(), "-v", "6", "-m", "get", "-s", str(seconds),
                 "-B", str(seconds + 5), url], stdout=out, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def told(self):
        """The responses and notifications so far."""
        found = MESSAGE.findall(self.path.read_text())
        return [Told(one) for one in found if one[1][0] in "245"]

    def next(self, seconds=10):
        end = time.monotonic() + seconds
        while len(told := self.told()) <= self.taken:
            assert time.monotonic() < end, f"it was told no more: {self.path.read_text()}"
            time.sleep(0.02)
        self.taken += 1
        return told[self.taken - 1]

    def ends(self, seconds=20):
        assert self.process.wait(seconds) == 0
