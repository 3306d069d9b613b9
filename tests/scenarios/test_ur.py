"""UR: which feature a path means, seen from its answer."""

import pytest

from clients import libcoap
from raw_coap import GET, OBSERVE, POST, RawClient, uint
from rows import row

# Without a token in the path nobody is known over plain CoAP: the feature is found, then 4.01.
# What this version does not serve is 5.01, whoever asks.
FEATURES = [
    (POST, "telemetry", '{"a":1}', [], "2.01"),
    (POST, "attributes", '{"a":1}', [], "2.01"),
    (GET, "attributes?clientKeys=a&sharedKeys=b", "", [], "4.04"),
    (GET, "attributes", "", [], "4.04"),
    (GET, "rpc", "", [(OBSERVE, uint(0))], "2.03"),
    (POST, "rpc/{}", "{}", [], "2.01"),
    (POST, "rpc", "{}", [], "4.00"),
    (POST, "claim", "{}", [], "5.01"),
]
ROWS = [row(f"UR-{number}", "/api/v1/TOKEN/", *feature)
        for number, feature in enumerate(FEATURES, 1)] + [
    row(f"UR-{number}", "/api/v1/", *feature[:4], "5.01" if feature[4] == "5.01" else "4.01")
    for number, feature in enumerate(FEATURES, 9)] + [
    row("UR-17", "/api/v1/", POST, "provision", "{}", [], "5.01")]


@pytest.fixture
def device(of_profile):
    return of_profile("DEF")


@pytest.mark.parametrize("base, method, feature, body, options, code", ROWS)
def test_paths(device, base, method, feature, body, options, code):
    path = base.replace("TOKEN", device.token) + feature
    with RawClient(device.server.coap_port) as client:
        # Calls by the ids 0 to 99.
        for number in range(100 if "{}" in feature else 1):
            answer = client.request(method, path.format(number), body, options)
            assert answer.status == code, answer
    if code == "4.00":
        assert answer.text == "the call has no method"


@pytest.mark.parametrize("base, method, feature, body, options, code",
                         [one for one in ROWS if one.values[1] == POST])
def test_paths_of_libcoap(device, base, method, feature, body, options, code):
    url = device.server.coap + base.replace("TOKEN", device.token) + feature.format(7)
    assert libcoap(url, payload=body)[0] == code


BAD = [row("UR-1-get", GET, "/api/v1/TOKEN/telemetry", "4.00"),
       row("UR-1-unknown", POST, "/api/v1/TOKEN/telemetries", "4.00"),
       row("UR-1-nothing", POST, "/api/v1/TOKEN", "4.00"),
       row("UR-1-version", POST, "/api/v2/TOKEN/telemetry", "4.04"),
       row("UR-5-plain", GET, "/api/v1/TOKEN/rpc", "4.00"),
       row("UR-6-no-number", POST, "/api/v1/TOKEN/rpc/abc", "4.00"),
       row("UR-6-too-large", POST, "/api/v1/TOKEN/rpc/99999999999", "4.00"),
       row("UR-17-get", GET, "/api/v1/provision", "4.00")]


@pytest.mark.parametrize("method, path, code", BAD)
def test_bad_paths(device, method, path, code):
    with RawClient(device.server.coap_port) as client:
        answer = client.request(method, path.replace("TOKEN", device.token), "{}")
    assert answer.status == code
