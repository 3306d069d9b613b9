"""A fleet of devices that do everything at random over a bad network, while people change
attributes and make calls and the server is killed twice. At the end all that was promised is there.

20 s with 300 devices; `SOAK=1`: five minutes with 10,000. A failure prints the seed; `SEED=n` makes
the same devices make the same choices again.
"""

import json
import os
import pathlib
import random
import re
import subprocess
import threading
import time
import urllib.request

from rest_client import TENANT, Rest
from server import binary

SOAK = os.environ.get("SOAK") == "1"
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
BUILD = binary().parents[2]
DEVICES, SECONDS, FIRST_SECONDS, PACE_MS, MOVES_MS, THREADS, CALL_SECONDS_MAX = (
    (10000, 300, 60, 5000, 60000, 24, 60) if SOAK else (300, 20, 0, 1500, 8000, 12, 15))
# A message is repeated for 93 s.
SETTLE_SECONDS = 130
JUDGE_SECONDS = 300 if SOAK else 150
RSS_GROWTH_MAX = 24 << 20
SETTINGS = ["coap.timeout=2s", "store.journal-age=20s", "log.level=warn",
            f"coap.dedup-entries={1 << 20}"]
FINAL = {"SUCCESSFUL", "EXPIRED", "FAILED"}
KEYS = ["k0", "k1", "k2", "k3"]
# What goes with the fleet; the others hold what is on disk, or give way when room is needed. A
# device that was reached once keeps its place until it is deleted.
TABLES = ["coap-exchanges", "coap-own-messages", "coap-bodies", "calls"]


class Fleet:
    """The program that is all devices."""

    def __init__(self, server, seed):
        self.process = subprocess.Popen(
            [BUILD / "tests/fleet/fleet", *map(str, (server.coap_port, DEVICES, seed, PACE_MS,
                                                      MOVES_MS))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def report(self):
        """([what each device knows], what the fleet counted)"""
        self.say("report")
        lines = [json.loads(self.process.stdout.readline()) for _ in range(DEVICES + 1)]
        return lines[:-1], lines[-1]

    def leave(self, seconds):
        """Ends each observation."""
        self.say("leave")
        end = time.monotonic() + seconds
        while (staying := self.report()[1]["staying"]) > 0:
            assert time.monotonic() < end, f"{staying} devices cannot end their observations"
            time.sleep(1)

    def close(self):
        self.process.kill()
        self.process.wait()


class People:
    """Threads that change attributes and make calls at their own share of the devices."""

    def __init__(self, server, ids, seed):
        self.server, self.ids = server, ids
        self.shared = [{} for _ in ids]
        self.asked = [{} for _ in ids]  # persistent: {number: {rpcId, oneway, expires}}
        self.answers = {}
        self.faults = []
        self.unsure = set()  # devices of which a change may come late: its caller had to hang up
        self.number = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        token = Rest(server.http_port).log_in(*TENANT).token
        self.threads = [threading.Thread(target=self.run, args=(n, token, random.Random(seed + n)))
                        for n in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        assert not self.faults, self.faults[:3]
        rest = Rest(self.server.http_port).log_in(*TENANT)
        for device in self.unsure:
            rows = rest.get(f"/api/plugins/telemetry/DEVICE/{self.ids[device]}/values/attributes/"
                            "SHARED_SCOPE")
            self.shared[device] = {row["key"]: row["value"] for row in rows}

    def run(self, share, token, chance):
        rest = Rest(self.server.http_port, token)
        try:
            while not self.over.is_set():
                device = chance.randrange(len(self.ids)) // THREADS * THREADS + share
                if device < len(self.ids):
                    self.act(rest, device, chance)
        except BaseException as fault:  # told by stop()
            self.faults.append(repr(fault))

    def act(self, rest, device, chance):
        dice = chance.random()
        if dice < 0.6:
            self.change(rest, device, chance)
        elif dice < 0.85:
            self.persist(rest, device, chance)
        else:
            self.call(rest, device, chance)

    def patiently(self, rest, device, method, path, body=None):
        """Repeats what may be repeated until the server is there and has room."""
        while True:
            try:
                answer = rest.call(method, path, body)
                if answer.status != 503:
                    return answer
            except OSError:
                self.unsure.add(device)
            time.sleep(0.05)

    def change(self, rest, device, chance):
        path = f"/api/plugins/telemetry/DEVICE/{self.ids[device]}/SHARED_SCOPE"
        key, value = chance.choice(KEYS), chance.randrange(1_000_000)
        if chance.random() < 0.25:
            answer = self.patiently(rest, device, "DELETE", f"{path}?keys={key}")
            self.shared[device].pop(key, None)
        else:
            answer = self.patiently(rest, device, "POST", path, {key: value})
            self.shared[device][key] = value
        assert answer.status == 200, answer

    def next_number(self):
        with self.lock:
            self.number += 1
            return self.number

    def persist(self, rest, device, chance):
        way = chance.choice(["oneway", "twoway"])
        number = self.next_number()
        body = {"method": way[:-3], "params": number, "persistent": True,
                "timeout": chance.randrange(5, CALL_SECONDS_MAX) * 1000,
                "retries": chance.randrange(6)}
        begun = time.time()
        try:
            answer = rest.call("POST", f"/api/rpc/{way}/{self.ids[device]}", body)
        except OSError:
            return  # nobody knows whether it was taken
        assert answer.status in (200, 429, 503), answer
        if answer.status == 200:
            self.asked[device][number] = {
                "rpcId": answer.json()["rpcId"], "oneway": way == "oneway",
                "expires": begun + body["timeout"] / 1000}

    def call(self, rest, device, chance):
        way = chance.choice(["oneway", "twoway"])
        number = self.next_number()
        body = {"method": way[:-3], "params": number, "timeout": 5000}
        try:
            answer = rest.call("POST", f"/api/rpc/{way}/{self.ids[device]}", body)
        except OSError:
            return
        with self.lock:
            self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        assert answer.status in (200, 429, 503, 504), answer
        if answer.status == 200 and way == "twoway":
            assert answer.json() == {"got": number}, answer


def metrics(server):
    with urllib.request.urlopen(f"{server.http}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {table: int(used) for table, used in
            re.findall(r'^motehub_table_used{table="([^"]*)"} (\d+)', text, re.MULTILINE)}


def resident(server):
    pages = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def settle(server, baseline):
    """Waits until what went with the fleet is gone; the resident memory then."""
    end = time.monotonic() + SETTLE_SECONDS
    while above := {table: used for table, used in metrics(server).items()
                    if table in TABLES and used > baseline[table]}:
        assert time.monotonic() < end, f"not back to {baseline}: {above}"
        time.sleep(1)
    return resident(server)


def judge_readings(rest, device, known):
    """Each acknowledged reading once, none twice, none that was not sent."""
    found = [value for _, value in rest.points(device, "n", limit=10000)]
    missing = set(known["stored"]) - set(found)
    assert not missing, f"{device}: acknowledged but not there: {sorted(missing)[:5]}"
    twice = sorted({value for value in found if found.count(value) > 1})
    assert not twice, f"{device}: there more than once: {twice[:5]}"
    assert set(found) <= set(range(known["sent"])), f"{device}: never sent: {found}"


def judge_own(rest, device, known):
    acknowledged, sent = known["own"]
    path = f"/api/plugins/telemetry/DEVICE/{device}/values/attributes/CLIENT_SCOPE"
    own = {row["key"]: row["value"] for row in rest.get(path)}.get("own", 0)
    assert acknowledged <= own <= sent, f"{device}: own is {own}, not {acknowledged} to {sent}"


def listed(rest, device):
    """All persistent calls of a device, by their number."""
    found, page = {}, 0
    while True:
        part = rest.get(f"/api/rpc/persistent/device/{device}", pageSize=100, page=page)
        found.update({int(json.loads(row["request"]["body"]["params"])): row
                      for row in part["data"]})
        if not part["hasNext"]:
            return found
        page += 1


def judge_call(device, number, row, known):
    """The state is a final one, and what the device remembers fits it."""
    status, oneway = row["status"], row["request"]["oneway"]
    place = f"{device}: call {number} is {status}, response {row['response']}, {known}"
    assert status in FINAL or (oneway and status == "DELIVERED"), place
    if status == "SUCCESSFUL":
        assert not oneway and known is not None and row["response"] == {"got": number}, place
    elif status == "DELIVERED":
        assert known is not None, place
    elif status == "EXPIRED":
        assert row["expirationTime"] <= time.time() * 1000, place
        # An answer that was taken in time ends it.
        replied = known[2] if known else 0
        assert replied == 0 or replied > row["expirationTime"] - 1000, place
    else:
        assert "retry attempts" in row["response"]["error"], place


def judge_calls(rest, device, asked, known):
    rows = listed(rest, device)
    seen = {params: call for call in known["calls"] for params in [call[1]]}
    assert len(seen) == len(known["calls"]), f"{device}: one call came under two ids"
    for number, made in asked.items():
        assert rows.get(number, {}).get("id", {}).get("id") == made["rpcId"], (device, number)
    for number, row in rows.items():
        judge_call(device, number, row, seen.get(number))


def told_of(rest, device):
    """What the server has of a device, and its latest exchanges with it."""
    scope = rest.get(f"/api/plugins/telemetry/DEVICE/{device}/values/attributes/SHARED_SCOPE")
    trace = rest.call("GET", f"/api/motehub/v1/devices/{device}/trace", query={"limit": "40"})
    return "\n".join(json.dumps(line) for line in [scope, *trace.json()["exchanges"]])


def await_shared(fleet, people, rest):
    """Until what each device believes is what the server has."""
    end = time.monotonic() + JUDGE_SECONDS
    while True:
        known, counted = fleet.report()
        wrong = [n for n, device in enumerate(known) if device["shared"] != people.shared[n]]
        if not wrong:
            return known, counted
        assert time.monotonic() < end, (
            f"{len(wrong)} devices, {[(n, known[n]['id']) for n in wrong[:5]]}: "
            f"{known[wrong[0]]['shared']} is not {people.shared[wrong[0]]}\n"
            + told_of(rest, known[wrong[0]]["id"]))
        time.sleep(1)


def last_deadline(people):
    return max((call["expires"] for asked in people.asked for call in asked.values()), default=0)


def judge(fleet, people, server):
    rest = Rest(server.http_port).log_in(*TENANT)
    begin = time.monotonic()
    await_shared(fleet, people, rest)
    print(f"the last change arrived after {time.monotonic() - begin:.0f} s")
    time.sleep(max(0, last_deadline(people) - time.time()) + 2)
    fleet.leave(JUDGE_SECONDS)
    known, counted = fleet.report()
    for number, device in enumerate(known):
        judge_readings(rest, device["id"], device)
        judge_own(rest, device["id"], device)
        judge_calls(rest, device["id"], people.asked[number], device)
    assert counted["fault"] == "", counted["fault"]
    # What was said to a message is not known any more after a restart, only that it was done.
    assert counted["blank"] <= counted["answers"]["2.01"] // 1000, counted
    print(counted, people.answers, f"{sum(map(len, people.asked))} persistent calls")
    return counted


def run(server, seed, seconds, restarts):
    """Everything for so many seconds, then nothing but what is still owed."""
    fleet = Fleet(server, seed)
    try:
        people = People(server, [device["id"] for device in fleet.report()[0]], seed)
        begin = time.monotonic()
        for number in range(restarts):
            time.sleep(begin + seconds * (number + 1) / (restarts + 1) - time.monotonic())
            server.kill()
            server.start_once()
        time.sleep(begin + seconds - time.monotonic())
        fleet.say("quiet")
        if not SOAK:
            fleet.say("calm")  # else what is repeated for 93 s and lost again takes minutes
        people.stop()
        return judge(fleet, people, server)
    finally:
        fleet.close()


def prepare(place, name):
    server = place.server(name=name, settings=SETTINGS)
    subprocess.run([BUILD / "bench/bench_preload", server.data, str(DEVICES)], check=True)
    server.start()
    return server


def short_run(place):
    """The resident memory after a fleet of the same size has come and gone."""
    server = prepare(place, "first")
    baseline = metrics(server)
    run(server, SEED, FIRST_SECONDS, restarts=0)
    before = settle(server, baseline)
    server.stop()
    return before


def test_a_fleet_does_everything_at_random(place):
    print(f"SEED={SEED}")
    before = short_run(place) if FIRST_SECONDS else None
    server = prepare(place, "second")
    baseline = metrics(server)
    counted = run(server, SEED, SECONDS, restarts=2)
    after = settle(server, baseline)
    print(f"resident memory {before} after a short run, {after} after this")
    assert metrics(server)["devices-reached"] <= DEVICES
    assert before is None or after < before + RSS_GROWTH_MAX
    assert counted["moves"] > 0 and counted["notified"] > DEVICES
