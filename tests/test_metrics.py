"""/metrics: what it counts is what was sent, and who may read it."""

import re
import time

from raw_coap import CON, GET, NON, POST, RawClient
from rest_client import TENANT, Rest

LINE = re.compile(r'^(motehub_\w+)(\{[^}]*\})? (\S+)$')


def figures(server):
    """{name with labels: value}, as of a moment when nothing happens."""
    time.sleep(0.25)
    answer = Rest(server.http_port).call("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"
    found = {}
    for line in answer.body.decode().splitlines():
        if not line.startswith("#"):
            name, labels, value = LINE.match(line).groups()
            assert name + (labels or "") not in found, line
            found[name + (labels or "")] = float(value)
    return found


def grown(before, after):
    return {name: after[name] - before.get(name, 0) for name in after}


def test_counters_are_what_was_sent(place):
    server = place.server()
    server.start()
    before = figures(server)
    with RawClient(server.coap_port) as client:
        for n in range(50):
            assert client.post("A1_TEST_TOKEN", f'{{"a":{n},"b":1}}').status == "2.01"
        for _ in range(3):
            assert client.post("NOBODY", "{}").status == "4.01"
        assert client.post("A1_TEST_TOKEN", "[").status == "4.00"
        assert client.request(GET, "/", type=NON).status == "2.05"
        message = client.message(POST, "/api/v1/A1_TEST_TOKEN/telemetry", '{"a":1}', type=CON)
        for _ in range(4):
            assert client.exchange(message).status == "2.01"
        client.send_bytes(b"\xff\xff")
    found = grown(before, figures(server))
    assert found['motehub_coap_answers_total{code="2.01"}'] == 51
    assert found['motehub_coap_answers_total{code="4.01"}'] == 3
    assert found['motehub_coap_answers_total{code="4.00"}'] == 1
    assert found['motehub_coap_answers_total{code="2.05"}'] == 1
    assert found["motehub_coap_wrong_tokens_total"] == 3
    assert found["motehub_coap_duplicates_total"] == 3
    assert found["motehub_coap_malformed_total"] == 1
    assert found["motehub_coap_received_total"] == 60
    assert found["motehub_coap_sent_total"] == 59
    assert found["motehub_store_records_total"] == 51
    assert found["motehub_store_points_total"] == 101
    assert found["motehub_coap_durable_seconds_count"] == 51
    assert found["motehub_store_commit_records_sum"] == 51
    commits = found["motehub_store_commit_records_count"]
    assert found["motehub_store_commit_seconds_count"] == commits
    assert found["motehub_coap_kernel_drops_total"] == 0


def test_histograms_grow_and_tables_stay_within_their_bounds(place):
    server = place.server()
    server.start()
    with RawClient(server.coap_port) as client:
        for n in range(20):
            assert client.post("A1_TEST_TOKEN", f'{{"a":{n}}}').status == "2.01"
    found = figures(server)
    for name in ("coap_durable_seconds", "store_commit_seconds", "store_commit_records"):
        buckets = [(float(re.search('le="([^"]+)"', key)[1]), value) for key, value in found.items()
                   if key.startswith(f"motehub_{name}_bucket")]
        assert len(buckets) == 26
        assert buckets == sorted(buckets), "limits and counts grow"
        assert buckets[-1] == (float("inf"), found[f"motehub_{name}_count"])
    tables = {key: value for key, value in found.items() if key.startswith("motehub_table_used")}
    assert len(tables) >= 8
    for key, used in tables.items():
        assert used <= found[key.replace("_used", "_bound")], key
    assert found['motehub_table_used{table="devices"}'] == 9
    assert found["motehub_resident_bytes"] > 1_000_000


def test_access_is_a_matter_of_configuration(place):
    for access, status in (("loopback", 200), ("all", 200), ("off", 404)):
        server = place.server(name=access, settings=[f"metrics.access={access}"])
        server.start()
        assert Rest(server.http_port).call("GET", "/metrics").status == status
        server.stop()


def test_figures_hold_no_secrets(server):
    answer = Rest(server.http_port).log_in(*TENANT).call("GET", "/metrics")
    assert b"TOKEN" not in answer.body and b"thingsboard" not in answer.body
