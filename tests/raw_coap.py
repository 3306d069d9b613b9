"""A CoAP client of a few lines, for what libcoap's and npm's clients cannot send (RFC 7252 3)."""

import dataclasses
import random
import socket
import struct
import time

CON, NON, ACK, RST = range(4)
EMPTY, GET, POST, PUT, DELETE, FETCH, PATCH, IPATCH = range(8)

IF_MATCH, OBSERVE, URI_PATH, CONTENT_FORMAT, MAX_AGE, URI_QUERY = 1, 6, 11, 12, 14, 15
ACCEPT, BLOCK2, BLOCK1, PROXY_URI, SIZE1, ECHO, NO_RESPONSE = 17, 23, 27, 35, 60, 252, 258

ACK_SECONDS = 2.0
MARKER = 0xFF


@dataclasses.dataclass
class Message:
    type: int
    code: int
    mid: int
    token: bytes = b""
    options: list = dataclasses.field(default_factory=list)  # (number, bytes)
    payload: bytes = b""

    @property
    def status(self):
        """The code as people write it: "2.01"."""
        return f"{self.code >> 5}.{self.code & 31:02}"

    @property
    def text(self):
        return self.payload.decode()

    def option(self, number):
        """The first value of an option, or None."""
        return next((value for found, value in self.options if found == number), None)

    def number(self, number):
        """The first value of an option as a number, or None."""
        value = self.option(number)
        return None if value is None else int.from_bytes(value, "big")


def uint(value):
    """A number as an option value: without leading zeros."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _nibble(value):
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes([value - 13])
    return 14, struct.pack("!H", value - 269)


def encode(message):
    out = bytearray(struct.pack("!BBH", 0x40 | message.type << 4 | len(message.token),
                                message.code, message.mid))
    out += message.token
    last = 0
    for number, value in sorted(message.options, key=lambda option: option[0]):
        delta, delta_more = _nibble(number - last)
        length, length_more = _nibble(len(value))
        out += bytes([delta << 4 | length]) + delta_more + length_more + value
        last = number
    if message.payload:
        out += bytes([MARKER]) + message.payload
    return bytes(out)


def _read_nibble(data, at, nibble):
    if nibble == 13:
        return data[at] + 13, at + 1
    if nibble == 14:
        return struct.unpack_from("!H", data, at)[0] + 269, at + 2
    assert nibble < 13, "reserved nibble"
    return nibble, at


def decode(data):
    first, code, mid = struct.unpack_from("!BBH", data)
    assert first >> 6 == 1, "version"
    at = 4 + (first & 15)
    message = Message(first >> 4 & 3, code, mid, data[4:at])
    number = 0
    while at < len(data) and data[at] != MARKER:
        head = data[at]
        delta, at = _read_nibble(data, at + 1, head >> 4)
        length, at = _read_nibble(data, at, head & 15)
        number += delta
        message.options.append((number, data[at:at + length]))
        at += length
    if at < len(data):
        message.payload = data[at + 1:]
        assert message.payload, "a marker without payload"
    return message


def path_options(path):
    """Options for "/a/b?c=d"."""
    path, _, query = path.partition("?")
    options = [(URI_PATH, part.encode()) for part in path.strip("/").split("/") if part]
    return options + [(URI_QUERY, part.encode()) for part in query.split("&") if part]


class RawClient:
    """One endpoint: a socket with its own message ids. `source` is a loopback address."""

    ack_seconds = ACK_SECONDS  # until the first repeat of a CON; doubles with each

    def __init__(self, port, source="127.0.0.1", seed=None):
        self.random = random.Random(seed)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.mid = self.random.randrange(65536)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def next_mid(self):
        self.mid = (self.mid + 1) % 65536
        return self.mid

    def message(self, method, path, payload=b"", options=(), type=CON):
        """A request with a fresh message id and token, not yet sent."""
        payload = payload.encode() if isinstance(payload, str) else payload
        return Message(type, method, self.next_mid(), self.random.randbytes(4),
                       path_options(path) + list(options), payload)

    def send(self, message):
        self.send_bytes(encode(message))

    def send_bytes(self, data):
        try:
            self.socket.send(data)
        except ConnectionRefusedError:
            pass  # an earlier datagram met a closed port; this one may be lost as well

    def receive(self, seconds):
        """The next message, or None when none came in time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                return decode(self.socket.recv(65536))
            except ConnectionRefusedError:
                time.sleep(0.005)
            except TimeoutError:
                return None
        return None

    def exchange(self, message, seconds=10.0, retransmit=True):
        """Sends a request: its answer, or None. Repeats a CON, confirms a separate answer."""
        end = time.monotonic() + seconds
        wait = self.ack_seconds
        self.send(message)
        again = time.monotonic() + wait
        acknowledged = message.type != CON
        while (left := end - time.monotonic()) > 0:
            until_again = again - time.monotonic()
            repeats = retransmit and not acknowledged
            answer = self.receive(max(0.001, min(left, until_again) if repeats else left))
            if answer is None:
                if repeats and time.monotonic() >= again:
                    self.send(message)
                    wait *= 2
                    again = time.monotonic() + wait
                continue
            if answer.type in (ACK, RST) and answer.mid != message.mid:
                continue
            if answer.type == ACK and answer.code == EMPTY:
                acknowledged = True
                continue
            if answer.type == RST:
                return answer
            if answer.token != message.token:
                continue
            if answer.type == CON:
                self.send(Message(ACK, EMPTY, answer.mid))
            return answer
        return None

    def request(self, method, path, payload=b"", options=(), type=CON, seconds=10.0):
        answer = self.exchange(self.message(method, path, payload, options, type), seconds)
        assert answer is not None, f"no answer to {path}"
        return answer

    def post(self, token, payload, query="", options=(), **more):
        """A telemetry POST."""
        return self.request(POST, f"/api/v1/{token}/telemetry{query}", payload, options, **more)
