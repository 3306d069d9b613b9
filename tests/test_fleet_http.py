"""Devices over HTTP that do everything at random, while people change attributes and make calls
and the server is killed twice. At the end all that was promised is there; each change and each call
came to the request that waited for it.

20 s with 8 devices; `SOAK=1`: five minutes with 40. `SEED=n` makes the same choices again.
"""

import random
import threading
import time

import test_fleet
from rest_client import TENANT, Rest
from test_fleet import SEED, SETTINGS, SOAK, People, judge_calls, judge_own, judge_readings, told_of

DEVICES, SECONDS = (40, 300) if SOAK else (8, 20)
JUDGE_SECONDS = 60
WAIT_MS = 3000
PACE_SECONDS = 0.3


class Device:
    """What a firmware does with three threads: it says something, waits for changes, waits for
    calls. It keeps what it knows over a loss of the connection."""

    def __init__(self, server, number, id_):
        self.http = Rest(server.http_port)
        self.path = f"/api/v1/HTTPFLEET{number}"
        self.chance = random.Random(SEED + number)
        self.known = {"id": id_, "sent": 0, "stored": [], "own": [0, 0], "shared": {}, "calls": []}
        self.faults = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(step,))
                        for step in (self.say, self.await_change, self.await_call)]

    def start(self):
        """The first request for changes makes them be kept; what is there by then is read after
        it."""
        self.await_change()
        self.known["shared"].update(self.get("attributes", sharedKeys=",".join(test_fleet.KEYS))
                                    .get("shared", {}))
        for thread in self.threads:
            thread.start()

    def stop(self):
        """After `over` is set."""
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        assert not self.faults, self.faults[:3]

    def run(self, step):
        try:
            while not self.over.is_set():
                try:
                    step()
                except OSError:
                    time.sleep(0.05)  # the server is away
        except BaseException as fault:  # told by stop()
            self.faults.append(repr(fault))

    def get(self, feature, **query):
        return self.http.get(f"{self.path}/{feature}", **query)

    def post(self, feature, body):
        """True if it was taken, False if there was no room."""
        answer = self.http.call("POST", f"{self.path}/{feature}", body)
        assert answer.status in (200, 503), answer
        return answer.status == 200

    def say(self):
        time.sleep(self.chance.uniform(0, 2 * PACE_SECONDS))
        if self.chance.random() < 0.7:
            number = self.known["sent"]
            self.known["sent"] += 1
            if self.post("telemetry", {"n": number}):
                self.known["stored"].append(number)
        else:
            self.known["own"][1] += 1
            if self.post("attributes", {"own": self.known["own"][1]}):
                self.known["own"][0] = self.known["own"][1]

    def wait(self, feature):
        """What the request waited for, or None."""
        answer = self.http.call("GET", f"{self.path}/{feature}", query={"timeout": WAIT_MS})
        assert answer.status in (200, 408, 503), answer
        return answer.json() if answer.status == 200 else None

    def await_change(self):
        change = self.wait("attributes/updates") or {}
        for key in change.pop("deleted", []):
            self.known["shared"].pop(key, None)
        self.known["shared"].update(change)

    def await_call(self):
        call = self.wait("rpc")
        if call is None:
            return
        seen = [id_ for id_, params, _ in self.known["calls"] if params == call["params"]]
        assert seen in ([], [call["id"]]), f"{call} came as {seen}"
        if not seen:
            self.known["calls"].append([call["id"], call["params"], 0])
        if call["method"] == "two":
            self.answer(call)

    def answer(self, call):
        """Until it is taken: the call may wait over a restart."""
        while not self.over.is_set():
            try:
                if self.post(f"rpc/{call['id']}", {"got": call["params"]}):
                    break
            except OSError:
                pass
            time.sleep(0.05)
        entry = next(one for one in self.known["calls"] if one[0] == call["id"])
        entry[2] = int(time.time() * 1000)


def make_devices(server):
    rest = Rest(server.http_port).log_in(*TENANT)
    return [Device(server, n, rest.create_device(f"HTTP fleet {n}", f"HTTPFLEET{n}"))
            for n in range(DEVICES)]


def await_shared(rest, devices, people):
    """Until what each device believes is what the server has."""
    end = time.monotonic() + JUDGE_SECONDS
    while wrong := [n for n, device in enumerate(devices)
                    if device.known["shared"] != people.shared[n]]:
        device = devices[wrong[0]]
        assert not device.faults, device.faults
        assert time.monotonic() < end, (
            f"{len(wrong)} devices: {device.known['shared']} is not {people.shared[wrong[0]]}\n"
            + told_of(rest, device.known["id"]))
        time.sleep(0.2)


def test_devices_over_http_do_everything_at_random(place):
    print(f"SEED={SEED}")
    server = place.server(settings=SETTINGS)
    server.start()
    devices = make_devices(server)
    for device in devices:
        device.start()
    people = People(server, [device.known["id"] for device in devices], SEED)
    begin = time.monotonic()
    for number in range(2):
        time.sleep(begin + SECONDS * (number + 1) / 3 - time.monotonic())
        server.kill()
        server.start_once()
    time.sleep(begin + SECONDS - time.monotonic())
    people.stop()
    rest = Rest(server.http_port).log_in(*TENANT)
    await_shared(rest, devices, people)
    time.sleep(max(0, test_fleet.last_deadline(people) - time.time()) + 2)
    for device in devices:
        device.over.set()
    for device in devices:
        device.stop()
    for number, device in enumerate(devices):
        judge_readings(rest, device.known["id"], device.known)
        judge_own(rest, device.known["id"], device.known)
        judge_calls(rest, device.known["id"], people.asked[number], device.known)
    assert sum(len(device.known["calls"]) for device in devices) > DEVICES
