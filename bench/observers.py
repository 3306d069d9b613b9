#!/usr/bin/python3
"""Memory of a device that observes and is otherwise silent, and the start with many of them.

Usage: BUILD_DIR=build bench/observers.py [DEVICES]     (10,000 unless given)

Each device observes its attributes and its calls. Resident memory is compared between two fresh
starts over the same directory, without and with the observations, since while they are made the
store's own buffers grow as well.
"""

import http.client
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from raw_coap import GET, OBSERVE, RawClient
from rest_client import TENANT, Rest
from server import Place

THREADS, ENDPOINTS = 8, 50


def create(server, token, numbers):
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
    headers = {"X-Authorization": f"Bearer {token}"}
    for number in numbers:
        body = json.dumps({"name": f"watched {number}", "type": "default"})
        connection.request("POST", f"/api/device?accessToken=W{number}", body, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    connection.close()


def create_all(server, count):
    token = Rest(server.http_port).log_in(*TENANT).token
    threads = [threading.Thread(target=create, args=(server, token, range(n, count, THREADS)))
               for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def observe_all(server, count):
    clients = [RawClient(server.coap_port) for _ in range(ENDPOINTS)]
    for number in range(count):
        client = clients[number % ENDPOINTS]
        for feature in ("attributes", "rpc"):
            message = client.message(GET, f"/api/v1/W{number}/{feature}", options=[(OBSERVE, b"")])
            answer = client.exchange(message)
            assert answer is not None and answer.option(OBSERVE) is not None
    for client in clients:
        client.socket.close()


def resident(server):
    """Bytes, a second after a start."""
    time.sleep(1)
    pages = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    place = Place()
    try:
        server = place.server()
        server.start()
        create_all(server, count)
        server.kill()
        server.start()
        before = resident(server)
        observe_all(server, count)
        server.kill()
        seconds = server.start()
        after = resident(server)
        print(f"{count} devices, two observations each: {(after - before) / count:.0f} bytes "
              f"a device, ready {seconds:.2f} s after SIGKILL")
    finally:
        place.close()


if __name__ == "__main__":
    main()
