"""What was acknowledged is there after SIGKILL, whole and once, whenever the kill falls.

Devices post without pause while the server is killed and started again on the same directory and
ports. A client whose answer is lost repeats its message as a device would: same id, same token.
SOAK=1 kills 200 times; KILL_SEED repeats a run.
"""

import json
import os
import random
import threading
import time

from raw_coap import POST, RawClient
from rest_client import TENANT, Rest

KILLS = 200 if os.environ.get("SOAK") else 20
CLIENTS = 8
PAUSE_SECONDS = 0.002  # keeps a client under 265 messages/s, so that no message id comes again
ANSWER_SECONDS = 30


class Poster(threading.Thread):
    """One device: posts n = 1, 2, ... with a twin, one after the other."""

    def __init__(self, port, token, device, stamped):
        super().__init__(daemon=True)
        self.client = RawClient(port)
        self.client.ack_seconds = 0.05
        self.token, self.device, self.stamped = token, device, stamped
        self.sent = 0
        self.acknowledged = set()
        self.problem = None
        self.done = threading.Event()

    def body(self, n):
        values = {"n": n, "twin": n}
        return json.dumps({"ts": n, "values": values} if self.stamped else values)

    def run(self):
        while not self.done.is_set() and self.problem is None:
            self.sent += 1
            message = self.client.message(POST, f"/api/v1/{self.token}/telemetry",
                                          self.body(self.sent))
            answer = self.client.exchange(message, ANSWER_SECONDS)
            if answer is not None and answer.status == "2.01":
                self.acknowledged.add(self.sent)
            elif answer is None or answer.status != "5.03":
                self.problem = f"{self.token}, n = {self.sent}: {answer}"
            time.sleep(PAUSE_SECONDS)
        self.client.socket.close()


def check(rest, poster):
    """Compares what a device was told with what is stored."""
    points = rest.points(poster.device, "n", limit=1_000_000)
    twins = rest.points(poster.device, "twin", limit=1_000_000)
    assert points == twins, "half of a reading"
    stored = [n for _, n in points]
    assert not poster.acknowledged - set(stored), "acknowledged and lost"
    assert set(stored) <= set(range(1, poster.sent + 1)), "never sent"
    assert stored == sorted(set(stored)), "stored twice, or out of order"
    if poster.stamped:
        assert [ts for ts, _ in points] == stored


def test_what_was_acknowledged_survives_kills_under_load(place):
    seed = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"KILL_SEED={seed}")
    moments = random.Random(seed)
    # A small journal, so that kills fall into seals as well.
    server = place.server(settings=["store.journal-size=1M"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    posters = [Poster(server.coap_port, f"KILL-{i}", rest.create_device(f"kill {i}", f"KILL-{i}"),
                      stamped=i % 2 == 0) for i in range(CLIENTS)]
    for poster in posters:
        poster.start()
    try:
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.01, 0.8))
            server.restart("kill")
        time.sleep(0.2)
    finally:
        for poster in posters:
            poster.done.set()
    for poster in posters:
        poster.join(ANSWER_SECONDS + 5)
    assert [poster.problem for poster in posters if poster.problem] == []
    for poster in posters:
        assert len(poster.acknowledged) > KILLS
        check(rest, poster)
    print(f"{sum(len(poster.acknowledged) for poster in posters)} acknowledged, {KILLS} kills")


def test_a_repeat_is_known_after_its_reading_was_sealed(place):
    """The journal, which said who sent the reading, is gone by the time of the repeat."""
    server = place.server(settings=["store.journal-age=1s"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device, other = (rest.create_device(f"seal {token}", token) for token in ("SEAL-1", "SEAL-2"))
    with RawClient(server.coap_port) as client:
        message = client.message(POST, "/api/v1/SEAL-1/telemetry", '{"n":1}')
        assert client.exchange(message).status == "2.01"
        assert client.post("SEAL-2", '{"n":1}').status == "2.01"
        time.sleep(2.5)  # twice the age and more: both are sealed
        assert client.post("SEAL-2", '{"n":2}').status == "2.01"
        # The second kill finds what the first restart left.
        for _ in range(2):
            server.restart("kill")
            assert client.exchange(message).status == "2.01"
    assert [n for _, n in rest.points(device, "n")] == [1]
    assert [n for _, n in rest.points(other, "n")] == [1, 2]


def test_repeats_that_arrive_while_the_server_starts_are_known(place):
    """Sockets come one by one: what arrives before the last one may meet a wrong worker."""
    server = place.server(settings=["coap.workers=4"])
    server.start()
    rest = Rest(server.http_port).log_in(*TENANT)
    device = rest.create_device("many doors", "DOORS-1")
    clients = [RawClient(server.coap_port) for _ in range(200)]
    messages = [client.message(POST, "/api/v1/DOORS-1/telemetry", f'{{"n":{n}}}')
                for n, client in enumerate(clients)]
    for client, message in zip(clients, messages):
        assert client.exchange(message).status == "2.01"
    for _ in range(5):
        server.kill()
        starting = threading.Thread(target=server.start_once)
        starting.start()
        while starting.is_alive():
            for client, message in zip(clients, messages):
                client.send(message)
        starting.join()
    time.sleep(0.5)
    for client in clients:
        client.socket.close()
    stored = sorted(n for _, n in rest.points(device, "n"))
    assert stored == list(range(len(clients)))
