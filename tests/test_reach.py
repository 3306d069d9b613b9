"""A device that is hard to reach still gets everything: a new address every few seconds, lost
datagrams, restarts of the server. Judged by an application that ignores what it has seen.

`SOAK=1` makes them long.
"""

import json
import os
import random
import threading
import time

from raw_coap import (ACK, CON, EMPTY, GET, OBSERVE, POST, Message, RawClient, path_options, uint)

SOAK = os.environ.get("SOAK") == "1"
REGISTER_AGAIN = 2.0


class Loss:
    """Decides what gets through."""

    def __init__(self, share, seed):
        self.random, self.share = random.Random(seed), share

    def drops(self):
        return self.random.random() < self.share


class HardDevice:
    """Observes attributes and calls on one thread; sends readings; may change its address."""

    def __init__(self, device, loss=0.0, seed=1, moves_every=None, uplink_every=(1.0, 1.0)):
        self.device, self.loss = device, Loss(loss, seed)
        self.moves_every, self.uplink_every = moves_every, uplink_every
        self.random, self.moves = random.Random(seed), 0
        self.attributes, self.calls, self.seen, self.duplicates = {}, {}, set(), 0
        self.notifications = 0
        self.number = -1
        self.waiting = {}  # token: (what, message, when to repeat, wait)
        self.registered = set()
        self.stopping = threading.Event()
        self.client = RawClient(device.server.coap_port, seed=seed)
        self.tokens = {"attributes": b"\x0aaa", "rpc": b"\x0bbb"}
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def send(self, message):
        if not self.loss.drops():
            self.client.send(message)

    def request(self, what, method, path, payload=b"", options=(), token=None):
        """A CON that is repeated until it is answered, from whatever address."""
        message = Message(CON, method, self.client.next_mid(),
                          token or self.client.random.randbytes(4),
                          path_options(path) + list(options), payload)
        self.waiting[message.token] = [what, message, time.monotonic() + REGISTER_AGAIN]
        self.send(message)

    def register(self, feature):
        self.request(feature, GET, f"/api/v1/{self.device.token}/{feature}",
                     options=[(OBSERVE, uint(0))], token=self.tokens[feature])

    def move(self):
        source = f"127.{self.random.randrange(1, 255)}.{self.random.randrange(256)}.7"
        old, self.client = self.client, RawClient(self.device.server.coap_port, source)
        old.socket.close()
        self.moves += 1
        # Message ids belong to an address: what waits is sent anew.
        for entry in self.waiting.values():
            entry[1].mid, entry[2] = self.client.next_mid(), 0

    def run(self):
        now = time.monotonic()
        next_move = now + self.moves_every if self.moves_every else float("inf")
        next_uplink, count = now, 0
        for feature in self.tokens:
            self.register(feature)
        while not self.stopping.is_set():
            now = time.monotonic()
            if now >= next_move:
                next_move = now + self.moves_every
                self.move()
            if now >= next_uplink:
                next_uplink, count = now + self.random.uniform(*self.uplink_every), count + 1
                self.request("uplink", POST, f"/api/v1/{self.device.token}/telemetry",
                             json.dumps({"n": count}).encode())
            self.repeat(now)
            message = self.client.receive(0.05)
            if message is not None and not self.loss.drops():
                self.take(message)

    def repeat(self, now):
        for entry in list(self.waiting.values()):
            if now >= entry[2]:
                entry[2] = now + REGISTER_AGAIN
                self.send(entry[1])

    def take(self, message):
        if message.code == EMPTY:
            return
        answered = self.waiting.get(message.token)
        if answered is not None and (message.type == ACK or answered[0] == "uplink"):
            self.waiting.pop(message.token)
        if message.type == CON:
            self.send(Message(ACK, EMPTY, message.mid))
        if message.token == self.tokens["attributes"] and message.status == "2.05":
            self.take_attributes(message, answered is not None and message.type == ACK)
        elif message.token == self.tokens["rpc"] and message.status == "2.05":
            self.take_call(message)

    def take_attributes(self, message, is_first):
        self.notifications += 1
        number = message.number(OBSERVE)
        if number <= self.number:
            self.duplicates += 1
            return
        self.number = number
        content = json.loads(message.payload)
        if is_first:
            self.attributes = {}
        for key in content.pop("deleted", []):
            self.attributes.pop(key, None)
        self.attributes.update(content)

    def take_call(self, message):
        self.notifications += 1
        call = json.loads(message.payload)
        if call["id"] in self.calls:
            self.duplicates += 1
        self.calls[call["id"]] = call["params"]
        self.request("reply", POST, f"/api/v1/{self.device.token}/rpc/{call['id']}",
                     json.dumps({"got": call["params"]}).encode())


class Application:
    """Changes attributes and makes persistent calls, also while the server restarts."""

    def __init__(self, rest, device, seed=5):
        self.rest, self.device, self.random = rest, device, random.Random(seed)
        self.shared, self.calls = {}, {}

    def patiently(self, method, path, body=None):
        while True:
            try:
                answer = self.rest.call(method, path, body)
                if answer.status != 503:
                    assert answer.status == 200, answer
                    return answer.json() if answer.body else None
            except OSError:
                pass  # the server is down
            time.sleep(0.05)

    def change(self):
        path = f"/api/plugins/telemetry/DEVICE/{self.device.id}/SHARED_SCOPE"
        key = f"key{self.random.randrange(12)}"
        if self.random.random() < 0.25:
            self.patiently("DELETE", f"{path}?keys={key}")
            self.shared.pop(key, None)
        else:
            value = self.random.randrange(1_000_000)
            self.patiently("POST", path, {key: value})
            self.shared[key] = value

    def call(self, seconds):
        number = len(self.calls)
        made = self.patiently("POST", f"/api/rpc/twoway/{self.device.id}", {
            "method": "m", "params": number, "persistent": True, "timeout": seconds * 1000,
            "retries": 5})
        self.calls[made["rpcId"]] = number

    def unfinished(self):
        return {number: found["status"] for rpc, number in self.calls.items()
                if (found := self.rest.get(f"/api/rpc/persistent/{rpc}"))["status"]
                != "SUCCESSFUL" or found["response"] != {"got": number}}


def judge(application, device, seconds):
    """Everything that was promised has come, in time."""
    end = time.monotonic() + seconds
    while device.attributes != application.shared or application.unfinished():
        assert time.monotonic() < end, (
            f"attributes {device.attributes} are not {application.shared}, or calls are missing: "
            f"{application.unfinished()}")
        time.sleep(0.2)
    assert sorted(device.calls.values()) == sorted(application.calls.values())


def test_a_device_behind_nat_gets_everything_across_restarts(place, rest_of):
    server = place.server()
    server.start()
    device, rest = rest_of(server, "wanderer")
    application = Application(rest, device)
    hard = HardDevice(device, moves_every=3.0, uplink_every=(1.0, 10.0) if SOAK else (0.5, 2.0))
    begin = time.monotonic()
    duration = 600 if SOAK else 20
    restarts = [duration / 3, duration * 2 / 3]
    try:
        while (now := time.monotonic() - begin) < duration:
            if restarts and now > restarts[0]:
                restarts.pop(0)
                server.kill()
                server.start()
            application.change()
            if application.random.random() < 0.2:
                application.call(120)
            time.sleep(0.25)
        judge(application, hard, 60)
    finally:
        hard.stop()
    print(f"{hard.notifications} notifications, {hard.duplicates} of them duplicates")
    assert len(application.calls) > 5 and hard.notifications > 20 and hard.moves > 4
    # 2%, and what was under way when the server was killed.
    assert hard.duplicates <= 2 + 0.02 * hard.notifications


def test_a_burst_at_a_device_that_loses_a_fifth(rest, device):
    application = Application(rest, device)
    hard = HardDevice(device, loss=0.2, uplink_every=(2.0, 2.0))
    calls, changes = (100, 1000) if SOAK else (10, 100)
    try:
        for number in range(changes):
            application.change()
            if number % (changes // calls) == 0:
                application.call(600)
        judge(application, hard, 500 if SOAK else 90)
    finally:
        hard.stop()
