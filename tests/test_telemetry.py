"""Telemetry as devices send it, by three clients, and as REST reads it back."""

import json
import math
import time

import pytest

from clients import libcoap, npm
from raw_coap import CONTENT_FORMAT, NON, POST, URI_PATH, RawClient, uint

DEMO_DEVICES = {
    "Test Device A1": "A1_TEST_TOKEN", "Test Device A2": "A2_TEST_TOKEN",
    "Test Device A3": "A3_TEST_TOKEN", "Test Device B1": "B1_TEST_TOKEN",
    "Test Device C1": "C1_TEST_TOKEN", "DHT11 Demo Device": "DHT11_DEMO_TOKEN",
    "Raspberry Pi Demo Device": "RASPBERRY_PI_DEMO_TOKEN",
    "Thermostat T1": "T1_TEST_TOKEN", "Thermostat T2": "T2_TEST_TOKEN",
}


def now_ms():
    return int(time.time() * 1000)


def test_libcoap_posts_an_object(device):
    before = now_ms()
    code, _ = libcoap(device.url, payload='{"temperature":25.5}', options=["-t", "50"])
    assert code == "2.01"
    [(ts, value)] = device.points("temperature")
    assert value == 25.5
    assert before <= ts <= now_ms()


def test_npm_posts_an_array_under_one_time_stamp(device):
    assert npm(device.url, payload='[{"a":1},{"b":true}]') == ("2.01", "")
    [(a_ts, a)], [(b_ts, b)] = device.points("a"), device.points("b")
    assert (a, b) == (1, True)
    assert a_ts == b_ts


@pytest.mark.parametrize("client", [libcoap, npm])
def test_time_stamp_of_the_device_is_kept(device, client):
    code, _ = client(device.url, payload='{"ts":1451649600512,"values":{"k":"v","n":73}}')
    assert code == "2.01"
    assert device.points("k") == [(1451649600512, "v")]
    assert device.points("n") == [(1451649600512, 73)]


def test_elements_with_and_without_time_stamp_mix(device, coap):
    before = now_ms()
    body = '[{"ts":1000,"values":{"k":1}},{"k":2},{"ts":2000,"values":{"k":3}}]'
    assert coap.post(device.token, body).status == "2.01"
    points = device.points("k")
    assert points[:2] == [(1000, 1), (2000, 3)]
    assert points[2][1] == 2 and points[2][0] >= before


def test_body_of_20_kb_comes_in_blocks(device, tmp_path):
    values = {f"key{i:03}": "x" * 90 + str(i) for i in range(200)}
    body = json.dumps({"ts": 5000, "values": values})
    assert len(body) > 20_000
    file = tmp_path / "body.json"
    file.write_text(body)
    code, _ = libcoap(device.url, file=file, options=["-t", "50", "-b", "1024"])
    assert code == "2.01"
    assert device.latest() == values


def test_body_in_small_blocks(device, tmp_path):
    values = {f"key{i:02}": i for i in range(60)}
    file = tmp_path / "body.json"
    file.write_text(json.dumps(values))
    assert libcoap(device.url, file=file, options=["-b", "64"])[0] == "2.01"
    assert device.latest() == values


def test_every_one_of_1000_paced_non_posts_is_stored(device):
    with RawClient(device.server.coap_port) as client:
        for i in range(1000):
            client.send(client.message(POST, f"/api/v1/{device.token}/telemetry",
                                       json.dumps({"ts": i + 1, "values": {"n": i}}), type=NON))
            time.sleep(0.001)
    points = device.rest.wait_for_points(device.id, "n", 1000)
    assert points == [(i + 1, i) for i in range(1000)]


def test_server_times_of_quick_posts_never_overwrite_each_other(device, coap):
    for i in range(50):
        assert coap.post(device.token, json.dumps({"n": i})).status == "2.01"
    points = device.points("n")
    assert [value for _, value in points] == list(range(50))
    assert len({ts for ts, _ in points}) == 50


@pytest.mark.parametrize("name", DEMO_DEVICES)
def test_each_demo_device_can_post(server, rest, coap, name):
    assert coap.post(DEMO_DEVICES[name], '{"hello":1}').status == "2.01"
    assert rest.latest(rest.device_named(name), "hello") == {"hello": 1}


DOUBLES_AND_LONGS = {
    "1": 1, "1.0": 1.0, "100.00": 100.0, "1e2": 100, "1E+1": 10, "1.5e1": 15, "0.1e1": 1,
    "1.5e0": 1.5, "101E-1": 10.1, "-0": 0, "-0.0": 0.0, "9223372036854775807": 2**63 - 1,
    "-9223372036854775808": -2**63, "9223372036854775808": "9223372036854775808",
    "1e19": "10000000000000000000", "9.9701010061400066E19": "99701010061400066000",
    "12345678901234567890.5": 12345678901234567890.5,
    "0.30000000000000004": 0.30000000000000004, "1e-16": 1e-16, "1e-17": 1e-17,
    "10000000.0": 10000000.0, "1.0E10": 10000000000, "1.2345678901234568E-5": 1.2345678901234568e-5,
}
CAST_TEXTS = {
    '"5"': 5, '"-5"': -5, '"5.0"': 5.0, '"007"': 7, '".5"': 0.5, '"1e5"': "1e5", '"+7"': "+7",
    '"5."': "5.", '" 5"': " 5", '""': "", '"0x10"': "0x10", '"true"': "true",
    '"99999999999999999999"': "99999999999999999999",
}
OTHERS = {
    '"\\u0000b"': "\0b", '"\\ud83d\\ude00"': "😀", '"\\ud800"': "\ufffd", '"<b>"': "<b>",
    "true": True, "false": False, '"text"': "text", '"äöü€😀"': "äöü€😀",
    '{"a":[1,null,{"b":null}]}': {"a": [1, None, {"b": None}]}, "[1,2,3]": [1, 2, 3],
}


@pytest.mark.parametrize("literal,stored",
                         [*DOUBLES_AND_LONGS.items(), *CAST_TEXTS.items(), *OTHERS.items()])
def test_value_is_stored_with_its_type(device, coap, literal, stored):
    assert coap.post(device.token, '{"v":%s}' % literal).status == "2.01"
    value = device.latest("v")["v"]
    assert value == stored
    assert type(value) is type(stored)
    if isinstance(stored, float):
        assert math.copysign(1, value) == 1  # -0.0 loses its sign


@pytest.mark.parametrize("literal,text", [
    ("42.0", "42.0"), ("73", "73"), ("true", "true"), ('"value1"', "value1"),
    ('{"a": [1, 2]}', '{"a":[1,2]}'), ("10000000.0", "1.0E7"), ("0.0001", "1.0E-4"),
])
def test_values_are_texts_unless_strict_types_are_asked_for(device, coap, literal, text):
    assert coap.post(device.token, '{"v":%s}' % literal).status == "2.01"
    assert device.rest.series(device.id, keys="v")["v"][0]["value"] == text


LENIENT = {
    "{temperature:25}": {"temperature": 25},
    "{'a':'b'}": {"a": "b"},
    "{1:2}": {"1": 2},
    '{"a"=1;"b"=>2}': {"a": 1, "b": 2},
    '// c\n{"a":1} # d': {"a": 1},
    '/* c */{"a":/* d */1}': {"a": 1},
    '\ufeff{"a":1}': {"a": 1},
    ')]}\'\n{"a":1}': {"a": 1},
    '{"a":TRUE,"b":False,"c":Null}': {"a": True, "b": False},
    '{"a":NaN,"b":hello,"c":01,"d":+5,"e":.5,"f":0x10}':
        {"a": "NaN", "b": "hello", "c": 1, "d": "+5", "e": 0.5, "f": "0x10"},
    '{"a":1,"a":2}': {"a": 2},
    '{"a":[1,,2],"b":[1,]}': {"a": [1, None, 2], "b": [1, None]},
    '{"a":"x\ny"}': {"a": "x\ny"},
    '{"ts":5}': {"ts": 5},
    '{"values":{"a":1}}': {"values": {"a": 1}},
    '{"ts":"7","values":{"a":1}}': {"a": 1},
    '{"ts":7.9e0,"values":{"a":1},"other":2}': {"a": 1},
    '{"ts":[7],"values":{"a":1}}': {"a": 1},
}


@pytest.mark.parametrize("body", LENIENT)
def test_lenient_json_is_understood(device, coap, body):
    answer = coap.post(device.token, body)
    assert answer.status == "2.01", answer.text
    assert device.latest() == LENIENT[body]


@pytest.mark.parametrize("body", ["{}", '{"a":null}', "[]", "[{}]"])
def test_body_without_values_is_accepted_and_stores_nothing(device, coap, body):
    assert coap.post(device.token, body).status == "2.01"
    assert device.rest.keys(device.id) == []


def test_invalid_utf8_is_replaced(device, coap):
    assert coap.post(device.token, b'{"a":"x\xffy"}').status == "2.01"
    assert device.latest() == {"a": "x\ufffdy"}


@pytest.fixture
def ramp(device, coap):
    """A device with n = 1..10 at ts = 1000..10000."""
    body = json.dumps([{"ts": 1000 * n, "values": {"n": n, "m": -n}} for n in range(1, 11)])
    assert coap.post(device.token, body).status == "2.01"
    return device


def values_of(device, **query):
    found = device.rest.series(device.id, keys="n", useStrictDataTypes="true", **query)
    return [point["value"] for point in found.get("n", [])]


def test_range_is_half_open_and_newest_first(ramp):
    assert values_of(ramp, startTs=2000, endTs=5000) == [4, 3, 2]


def test_range_in_ascending_order(ramp):
    assert values_of(ramp, startTs=2000, endTs=5000, orderBy="ASC") == [2, 3, 4]


def test_limit_counts_from_the_end_that_the_order_names(ramp):
    assert values_of(ramp, startTs=0, endTs=99999, limit=3) == [10, 9, 8]
    assert values_of(ramp, startTs=0, endTs=99999, limit=3, orderBy="ASC") == [1, 2, 3]


def test_limit_is_100_when_not_given(device, coap):
    for first in (1, 51, 101):
        body = json.dumps([{"ts": n, "values": {"n": n}} for n in range(first, first + 50)])
        assert coap.post(device.token, body).status == "2.01"
    assert values_of(device, startTs=0, endTs=1000) == list(range(150, 50, -1))


def test_empty_range_leaves_the_key_out(ramp):
    assert ramp.rest.series(ramp.id, keys="n", startTs=1, endTs=1000) == {}


def test_history_is_the_same_as_the_range(ramp):
    query = {"keys": "n,m", "startTs": 0, "endTs": 99999}
    history = ramp.rest.get(
        f"/api/plugins/telemetry/DEVICE/{ramp.id}/values/timeseries/history", **query)
    assert history == ramp.rest.series(ramp.id, **query)
    assert set(history) == {"n", "m"}


def test_latest_is_that_of_the_newest_time_stamp(ramp, coap):
    assert coap.post(ramp.token, '{"ts":500,"values":{"n":0}}').status == "2.01"
    assert ramp.latest("n") == {"n": 10}
    assert coap.post(ramp.token, '{"ts":10000,"values":{"n":11}}').status == "2.01"
    assert ramp.latest("n") == {"n": 11}


def test_missing_key_is_null_now(device):
    before = now_ms()
    [point] = device.rest.series(device.id, keys="nothing")["nothing"]
    assert point["value"] is None
    assert before <= point["ts"] <= now_ms()


def test_keys_are_listed_once(ramp):
    assert sorted(ramp.rest.keys(ramp.id)) == ["m", "n"]


def test_key_with_a_comma_is_read_by_key_parameters(device, coap):
    assert coap.post(device.token, '{"a,b":1,"a":2,"b":3}').status == "2.01"
    found = device.rest.call("GET", f"/api/plugins/telemetry/DEVICE/{device.id}/values/timeseries"
                                    "?key=a%2Cb&keys=a,b&useStrictDataTypes=true").json()
    assert {key: points[0]["value"] for key, points in found.items()} == {"a,b": 1}


@pytest.mark.parametrize("text,stored", [("25.5", 25.5), ("17", 17), ("open", "open")])
def test_plain_text_is_one_value_under_the_key_of_the_query(device, coap, text, stored):
    answer = coap.post(device.token, text, query="?key=v", options=[(CONTENT_FORMAT, uint(0))])
    assert answer.status == "2.01", answer.text
    assert device.latest() == {"v": stored}


def test_libcoap_posts_plain_text_with_a_key(device):
    code, text = libcoap(device.url + "?key=door", payload="open", options=["-t", "0"])
    assert code == "2.01", text
    assert device.latest() == {"door": "open"}


@pytest.mark.parametrize("number", [0, 42, 50, 11542])
def test_json_with_a_wrong_label_is_taken(device, coap, number):
    answer = coap.post(device.token, '{"a":1}', options=[(CONTENT_FORMAT, uint(number))])
    assert answer.status == "2.01"
    assert device.latest() == {"a": 1}


def test_path_in_one_option_is_split(device, coap):
    path = f"api/v1/{device.token}/telemetry".encode()
    assert coap.request(POST, "", '{"a":1}', [(URI_PATH, path)]).status == "2.01"
    assert device.latest() == {"a": 1}


@pytest.mark.parametrize("tail", ["TELEMETRY", "Telemetry", "telemetry/more"])
def test_feature_name_ignores_case_and_what_follows(device, coap, tail):
    assert coap.request(POST, f"/api/v1/{device.token}/{tail}", '{"a":1}').status == "2.01"
