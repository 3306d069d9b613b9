"""A device that observes: registers, takes notifications and confirms them or not (RFC 7641)."""

import json
import threading

from raw_coap import ACK, CON, EMPTY, GET, NON, OBSERVE, POST, RST, Message, RawClient, uint


class Observer:
    """One endpoint that observes `attributes` or `rpc` of a device."""

    def __init__(self, device, feature, type=CON, client=None, token=None):
        self.device, self.feature, self.type = device, feature, type
        self.client = client or RawClient(device.server.coap_port)
        self.token = token or self.client.random.randbytes(4)
        self.path = f"/api/v1/{device.token}/{feature}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.close()

    def get(self, observe, options=()):
        """A GET with this Observe value: its answer."""
        message = self.client.message(GET, self.path, type=self.type,
                                      options=[(OBSERVE, uint(observe)), *options])
        message.token = self.token
        answer = self.client.exchange(message)
        assert answer is not None, f"no answer to {self.path}"
        return answer

    def register(self):
        answer = self.get(0)
        assert answer.status in ("2.05", "2.03"), answer
        assert answer.option(OBSERVE) is not None, "not registered"
        return answer

    def next(self, seconds=5.0, confirm=True):
        """The next notification, confirmed if it asks for it; None when none comes in time."""
        while (message := self.client.receive(seconds)) is not None:
            if message.code == EMPTY or message.token != self.token:
                continue
            if message.type == CON and confirm:
                self.acknowledge(message)
            return message
        return None

    def acknowledge(self, message):
        self.client.send(Message(ACK, EMPTY, message.mid))

    def reject(self, message):
        self.client.send(Message(RST, EMPTY, message.mid))

    def answer(self, call, result):
        """Answers a call; the status of the POST."""
        call_id = json.loads(call.payload)["id"]
        return self.client.request(POST, f"{self.path}/{call_id}", json.dumps(result)).status


class Later:
    """Something that runs meanwhile; `result()` waits for what it came to."""

    def __init__(self, call, *arguments, **named):
        self.value = self.fault = None
        self.thread = threading.Thread(target=self.run, args=(call, arguments, named), daemon=True)
        self.thread.start()

    def run(self, call, arguments, named):
        try:
            self.value = call(*arguments, **named)
        except BaseException as fault:  # told to the test, wherever it came from
            self.fault = fault

    def result(self, seconds=30):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "it still runs"
        if self.fault is not None:
            raise self.fault
        return self.value


__all__ = ["Later", "NON", "Observer"]
