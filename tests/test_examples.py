"""The files and scripts in examples/ do what they say."""

import json
import os
import subprocess
import time

import pytest

from clients import NPM_CLI
from server import ROOT

EXAMPLES = ROOT / "examples"


def content(name):
    return json.loads((EXAMPLES / name).read_text())


def run(script, device):
    """Runs a script as a person would who has coap-cli on the path: what the client said."""
    environment = dict(os.environ, PATH=f"{NPM_CLI.parent}:{os.environ['PATH']}", HOST="127.0.0.1",
                       PORT=str(device.server.coap_port), ACCESS_TOKEN=device.token)
    done = subprocess.run([str(EXAMPLES / script)], env=environment, cwd="/", capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_object_is_stored_as_it_stands(device):
    assert "2.01" in run("coap-telemetry.sh", device)
    assert device.latest() == content("telemetry-data-as-object.json")


def test_array_is_stored_under_one_time(device):
    before = time.time() * 1000
    assert "2.01" in run("coap-telemetry-data-as-array.sh", device)
    merged = {}
    for element in content("telemetry-data-as-array.json"):
        merged.update(element)
    assert device.latest() == merged
    times = {device.points(key)[0][0] for key in merged}
    assert len(times) == 1 and before - 1 <= times.pop()


def test_time_of_the_device_is_kept(device):
    assert "2.01" in run("coap-telemetry-data-with-ts.sh", device)
    wanted = content("telemetry-data-with-ts.json")
    assert device.latest() == wanted["values"]
    for key, value in wanted["values"].items():
        assert device.points(key) == [(wanted["ts"], value)]


def test_wrong_token_is_told(device):
    device.token = "NO_SUCH_TOKEN"
    assert "4.01" in run("coap-telemetry.sh", device)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_each_file_is_json(path):
    json.loads(path.read_text())


def test_every_file_that_the_device_guide_names_is_there():
    assert {path.name for path in EXAMPLES.glob("*.json")} >= {
        "telemetry-data-as-object.json", "telemetry-data-as-array.json",
        "telemetry-data-with-ts.json", "new-attributes-values.json", "rpc-response.json",
        "rpc-client-request.json"}
