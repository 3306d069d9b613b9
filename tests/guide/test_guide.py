"""The device API's guide, command by command in its order, with the clients that it names. Only
host, port and token are replaced, and `&` is quoted.

Left out until the server has them: DTLS, Protobuf, rule chains (the answer to a client-side call),
claiming, provisioning, firmware.
"""

import json
import subprocess
import time

import pytest

from clients import NPM_CLI, libcoap_program
from observer import Later
from raw_coap import POST, RawClient
from server import ROOT

EXAMPLES = ROOT / "examples"


def shell(device, command, seconds=20):
    """A command of the guide as typed into a terminal: (standard output, standard error)."""
    host = f"127.0.0.1:{device.server.coap_port}"
    command = command.replace("$THINGSBOARD_HOST_NAME", host)
    command = command.replace("$ACCESS_TOKEN", device.token)
    command = command.replace("coap-client ", f"{libcoap_program()} ")
    command = command.replace("coap post", f"{NPM_CLI} post")
    done = subprocess.run(command, shell=True, cwd=EXAMPLES, capture_output=True, text=True,
                          timeout=seconds)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


class Terminal:
    """The first terminal: a client that observes, and what it prints."""

    def __init__(self, device, feature, tmp_path):
        self.path = tmp_path / "terminal"
        url = f"coap://127.0.0.1:{device.server.coap_port}/api/v1/{device.token}/{feature}"
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                [libcoap_program(), "-m", "get", url, "-s", "100", "-B", "100"],
                stdout=out, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def text(self):
        return self.path.read_text()

    def until(self, text, seconds=10):
        end = time.monotonic() + seconds
        while text not in self.text():
            assert time.monotonic() < end, f"{text!r} never came: {self.text()!r}"
            assert self.process.poll() is None, f"the client ended: {self.text()!r}"
            time.sleep(0.02)


def observes(rest, device, seconds=10):
    """Waits until the device observes: the client prints nothing for the empty first answer."""
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/values/attributes/SERVER_SCOPE"
    end = time.monotonic() + seconds
    while "lastConnectTime" not in {one["key"] for one in rest.get(path)}:
        assert time.monotonic() < end, "it never registered"
        time.sleep(0.02)


def example(device, name):
    """One of our scripts, where the guide includes a file."""
    return shell(device, f"PATH={NPM_CLI.parent}:$PATH PORT={device.server.coap_port} "
                         f"ACCESS_TOKEN={device.token} ./{name}")


def call(rest, device, method):
    return rest.call("POST", f"/api/rpc/twoway/{device.id}",
                     {"method": method, "params": {}, "timeout": 10000})


@pytest.mark.parametrize("name,sent", [
    ("coap-telemetry.sh", "telemetry-data-as-object.json"),
    ("coap-telemetry-data-as-array.sh", "telemetry-data-as-array.json"),
    ("coap-telemetry-data-with-ts.sh", "telemetry-data-with-ts.json")])
def test_telemetry_upload(device, name, sent):
    assert "2.01" in example(device, name)[1]
    content = json.loads((EXAMPLES / sent).read_text())
    flat = {}
    for one in content if isinstance(content, list) else [content]:
        flat.update(one.get("values", one))
    assert device.latest() == flat


def test_attributes_publish_and_request(device):
    assert "2.01" in example(device, "coap-attributes-publish.sh")[1]
    assert example(device, "coap-attributes-request.sh")[0] == \
        '{"client":{"calibrated":true,"model":"TH-2"}}'


def test_attributes_request_by_the_guides_own_names(device):
    with RawClient(device.server.coap_port) as coap:
        coap.request(POST, f"/api/v1/{device.token}/attributes",
                     '{"attribute1":"value1","attribute2":true,"attribute3":42.0}')
    found, _ = shell(device, "coap-client -m get "
                             "'coap://$THINGSBOARD_HOST_NAME/api/v1/$ACCESS_TOKEN/attributes"
                             "?clientKeys=attribute1,attribute2&sharedKeys=shared1,shared2'")
    # As the guide prints it.
    assert found == '{"client":{"attribute1":"value1","attribute2":true}}'


def test_attributes_subscribe(rest, device, tmp_path):
    with Terminal(device, "attributes", tmp_path) as first:
        first.until("{}")
        rest.post(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", {"shared1": "x"})
        first.until('{"shared1":"x"}')
        rest.delete(f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE?keys=shared1")
        first.until('{"deleted":["shared1"]}')


@pytest.mark.parametrize("round", range(20))
def test_server_side_rpc_with_two_terminals(rest, device, tmp_path, round):
    with Terminal(device, "rpc", tmp_path) as first:
        observes(rest, device)
        waiting = Later(call, rest, device, "connect")
        first.until('{"id":1,"method":"connect","params":{}}')
        _, said = shell(device, "coap-client -f rpc-response.json -m post "
                                "coap://$THINGSBOARD_HOST_NAME/api/v1/$ACCESS_TOKEN/rpc/1")
        assert said == ""
        answer = waiting.result()
        # As the guide prints it.
        assert (answer.status, answer.body) == (200, b'{"result":"ok"}')


def test_five_calls_in_a_row_under_one_subscription(rest, device, tmp_path):
    with Terminal(device, "rpc", tmp_path) as first:
        observes(rest, device)
        for number in range(1, 6):
            waiting = Later(call, rest, device, f"m{number}")
            first.until(f'{{"id":{number},"method":"m{number}","params":{{}}}}')
            # Another process answers, from another port; it is sent none of the calls.
            shell(device, "cat rpc-response.json | coap post "
                          f"coap://$THINGSBOARD_HOST_NAME/api/v1/$ACCESS_TOKEN/rpc/{number}")
            assert waiting.result().json() == {"result": "ok"}


def test_client_side_rpc_waits_for_a_rule_chain(device):
    pytest.skip("client-side RPC: no rule chain answers yet; tests/test_rpc.py shows the 5.04")
