import itertools
import os
import pathlib

import pytest

import openapi_check
from raw_coap import RawClient
from rest_client import TENANT, Rest
from server import Place, binary

_numbers = itertools.count(1)


def pytest_sessionstart(session):
    if not binary().exists():
        pytest.exit(f"there is no {binary()}; set BUILD_DIR or run make build", 1)


def pytest_sessionfinish(session):
    """A part of a run of all tests (tools/test.py) tells what it saw."""
    if "ANSWERS" in os.environ:
        openapi_check.leave_seen(os.environ["ANSWERS"])


def pytest_collection_modifyitems(session, config, items):
    """What looks back at all answers runs last; it can only when every test runs."""
    def looks_back(item):
        return item.path.name == "test_answers.py"

    here = pathlib.Path(__file__).parent
    every = {path for path in here.rglob("test_*.py") if "node_modules" not in path.parts}
    config.is_whole_run = not config.option.keyword and {item.path for item in items} >= every
    items.sort(key=looks_back)


@pytest.fixture
def place():
    """A directory of the test's own; servers made in it end with it, by SIGTERM and exit code 0."""
    place = Place()
    yield place
    place.close()


@pytest.fixture(scope="module")
def server():
    """A running demo server, shared by the tests of a module."""
    place = Place()
    server = place.server()
    server.start()
    yield server
    place.close()


@pytest.fixture(scope="module")
def rest(server):
    """The tenant administrator of the shared server."""
    return Rest(server.http_port).log_in(*TENANT)


@pytest.fixture
def coap(server):
    """A raw client of the shared server."""
    with RawClient(server.coap_port) as client:
        yield client


class Device:
    """A device of the test's own on the shared server."""

    def __init__(self, server, rest, name, token, **more):
        self.server, self.rest, self.name, self.token = server, rest, name, token
        self.id = rest.create_device(name, token, **more)
        self.url = f"{server.coap}/api/v1/{token}/telemetry"

    def latest(self, *keys):
        return self.rest.latest(self.id, *keys)

    def points(self, key, **more):
        return self.rest.points(self.id, key, **more)


@pytest.fixture
def device(server, rest):
    number = f"{os.getpid()}-{next(_numbers)}"
    return Device(server, rest, f"device {number}", f"TOKEN-{number}")


@pytest.fixture
def of_profile(server, rest):
    """Makes a device of the default profile (DEF) or of a profile for CoAP and JSON (JS)."""
    def make(profile):
        number = f"{os.getpid()}-{next(_numbers)}"
        more = {}
        if profile == "JS":
            # What its devices send is JSON, since nothing else is said.
            made = rest.post("/api/deviceProfile", {"name": f"JS {number}", "type": "DEFAULT",
                                                    "transportType": "COAP"})
            more["deviceProfileId"] = made["id"]
        return Device(server, rest, f"device {number}", f"TOKEN-{number}", **more)
    return make


@pytest.fixture
def rest_of():
    """For tests with a server of their own: a device of this name on it, and its administrator."""
    def make(server, name):
        rest = Rest(server.http_port).log_in(*TENANT)
        return Device(server, rest, name, f"TOKEN-{name}"), rest
    return make
