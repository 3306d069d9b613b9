"""What the device API refuses, with which code, and what a refusal leaves behind: nothing."""

import itertools
import json

import pytest

from clients import libcoap, npm
from raw_coap import (
    ACCEPT, ACK, BLOCK1, BLOCK2, CON, CONTENT_FORMAT, DELETE, EMPTY, FETCH, GET, IF_MATCH, IPATCH,
    MAX_AGE, NO_RESPONSE, NON, OBSERVE, PATCH, POST, PROXY_URI, PUT, RST, SIZE1, Message, RawClient,
    encode, uint,
)

# Wrong tokens are limited per source address; each client here has one of its own.
_sources = itertools.count(2)


@pytest.fixture
def stranger(server):
    with RawClient(server.coap_port, source=f"127.0.3.{next(_sources)}") as client:
        yield client


@pytest.fixture(params=["libcoap", "npm"])
def program(request):
    return {"libcoap": libcoap, "npm": npm}[request.param]


# With both clients.

def test_wrong_token_is_4_01(server, program):
    code, _ = program(f"{server.coap}/api/v1/NO_SUCH_TOKEN/telemetry", payload='{"a":1}')
    assert code == "4.01"


def test_broken_json_is_4_00_and_names_the_byte(device, program):
    code, text = program(device.url, payload='{"a":1,}')
    assert code == "4.00"
    assert "byte 7:" in text
    assert device.rest.keys(device.id) == []


@pytest.mark.parametrize("path", ["/nothing", "/api/v2/x", "/v1/T/telemetry"])
def test_path_outside_the_api_is_4_04(server, program, path):
    assert program(server.coap + path, payload='{"a":1}')[0] == "4.04"


@pytest.mark.parametrize("tail", ["", "/T", "/T/firmwares", "/T/telemetries"])
def test_path_without_a_feature_is_4_00(server, program, tail):
    assert program(f"{server.coap}/api/v1{tail}", payload='{"a":1}')[0] == "4.00"


def test_get_of_telemetry_is_4_00(device, program):
    assert program(device.url, method="get")[0] == "4.00"


@pytest.mark.parametrize("method", ["put", "delete"])
def test_other_methods_are_4_05(device, program, method):
    assert program(device.url, method=method, payload='{"a":1}')[0] == "4.05"
    assert device.rest.keys(device.id) == []


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_api_alone_is_4_05(server, program, method):
    assert program(f"{server.coap}/api", method=method, payload="{}")[0] == "4.05"


def test_form_is_judged_before_the_credential(server, program):
    assert program(f"{server.coap}/api/v1/NO_SUCH_TOKEN/telemetry", method="get")[0] == "4.00"


@pytest.mark.parametrize("method", ["fetch", "patch", "ipatch"])
def test_younger_methods_of_libcoap_are_4_05(device, method):
    assert libcoap(device.url, method=method, payload='{"a":1}')[0] == "4.05"


@pytest.mark.parametrize("number", [60, 110, 112])
def test_libcoap_with_a_format_not_served_is_4_15(device, number):
    code, _ = libcoap(device.url, payload='{"a":1}', options=["-t", str(number)])
    assert code == "4.15"
    assert device.rest.keys(device.id) == []


def test_npm_with_cbor_is_4_15(device):
    assert npm(device.url, payload='{"a":1}', options=["-O", "12,0x3c"])[0] == "4.15"


def test_unknown_critical_option_is_4_02(device, program):
    option = ["-O", "2049,0x61"]
    code, text = program(device.url, payload='{"a":1}', options=option)
    assert code == "4.02"
    assert "2049" in text
    assert device.rest.keys(device.id) == []


def test_unknown_elective_option_is_ignored(device, program):
    assert program(device.url, payload='{"a":1}', options=["-O", "2048,0x61"])[0] == "2.01"
    assert device.latest() == {"a": 1}


def test_too_large_body_of_libcoap_is_4_13(device, tmp_path):
    file = tmp_path / "large.json"
    file.write_text(json.dumps({"a": "x" * 70_000}))
    assert libcoap(device.url, file=file, options=["-b", "1024"])[0] == "4.13"
    assert device.rest.keys(device.id) == []


# The raw client: what those two cannot send, and every byte of the answer.

@pytest.mark.parametrize("method", [PUT, DELETE, FETCH, PATCH, IPATCH])
def test_methods_other_than_get_and_post_are_4_05_without_payload(device, coap, method):
    for path in (f"/api/v1/{device.token}/telemetry", "/api/v1/NO_SUCH_TOKEN/telemetry", "/api/v1",
                 f"/api/v1/{device.token}/attributes", "/api"):
        answer = coap.request(method, path, '{"a":1}')
        assert (answer.status, answer.payload) == ("4.05", b""), path


@pytest.mark.parametrize("path", ["/nothing", "/api/v2", "/efento", "/a/b/c/d/e/f/g/h"])
def test_unknown_path_is_4_04_without_payload(coap, path):
    answer = coap.request(POST, path, "{}")
    assert (answer.status, answer.payload) == ("4.04", b"")


def test_refusal_is_piggybacked_with_token_and_message_id(device, coap):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", "{")
    answer = coap.exchange(message)
    assert (answer.type, answer.mid, answer.token) == (ACK, message.mid, message.token)
    assert answer.status == "4.00"
    assert answer.options == []


def test_success_is_piggybacked_and_empty(device, coap):
    answer = coap.post(device.token, '{"a":1}')
    assert (answer.type, answer.status, answer.options, answer.payload) == (ACK, "2.01", [], b"")


def test_answer_to_non_is_non(device, coap):
    answer = coap.post(device.token, '{"a":1}', type=NON)
    assert (answer.type, answer.status) == (NON, "2.01")
    assert coap.post(device.token, "{", type=NON).status == "4.00"


def test_wrong_token_of_the_raw_client(stranger):
    answer = stranger.post("NO_SUCH_TOKEN", '{"a":1}')
    assert (answer.type, answer.status) == (ACK, "4.01")


@pytest.mark.parametrize("path", [
    "/api/v1/telemetry", "/api/v1/%20/telemetry", "/api/v1/T/telemetry",
])
def test_path_without_a_known_token_is_4_01(stranger, path):
    assert stranger.request(POST, path, '{"a":1}').status == "4.01"


def test_wrong_tokens_over_the_limit_get_silence_and_a_valid_one_an_answer(device, stranger):
    messages = [stranger.message(POST, f"/api/v1/WRONG{i}/telemetry", "{}", type=NON)
                for i in range(60)]
    for message in messages:
        stranger.send(message)
    codes = []
    while (answer := stranger.receive(0.3)) is not None:
        codes.append(answer.status)
    assert set(codes) == {"4.01"}
    assert 20 <= len(codes) < 60
    assert stranger.post(device.token, '{"a":1}').status == "2.01"


BROKEN = {
    "{": 1, '{"a"': 4, '{"a":1,}': 7, '{"a":1} x': 8, '{"a":"\\x"}': 6, "[1}": 2, '{"a":1': 6,
}


@pytest.mark.parametrize("body", BROKEN)
def test_syntax_error_names_its_byte(device, coap, body):
    answer = coap.post(device.token, body)
    assert answer.status == "4.00"
    assert answer.text.startswith(f"byte {BROKEN[body]}: "), answer.text
    assert device.rest.keys(device.id) == []


@pytest.mark.parametrize("body", [
    "", "  ", "5", '"text"', "true", "null", "[5]", '[{"a":1},5]', '[{"a":1},[]]', '[{"a":1},null]',
    '{"ts":1,"values":5}', '{"ts":"x","values":{}}', '{"ts":true,"values":{}}',
    '{"ts":[1,2],"values":{}}', '{"ts":{},"values":{}}', '{"":1}', '{" ":1}', '{"<b>":1}',
    '{"a":1e400}', '{"a":1e999999999}', '{"a":%s}' % ("9" * 500), '{"ts":1e30,"values":{"a":1}}',
    '{"ts":9223372036854775808,"values":{"a":1}}', '{"a\\u0001":1}', '{"%s":1}' % ("k" * 256),
    "[" * 256 + "]" * 256,
])
def test_body_that_is_no_telemetry_is_4_00_with_a_reason(device, coap, body):
    answer = coap.post(device.token, body)
    assert answer.status == "4.00"
    assert answer.payload
    assert device.rest.keys(device.id) == []


def test_one_bad_element_refuses_the_whole_request(device, coap):
    assert coap.post(device.token, '[{"good":1},{"ts":"bad","values":{}}]').status == "4.00"
    assert device.rest.keys(device.id) == []


@pytest.mark.parametrize("number", [60, 110, 112])
def test_format_not_served_is_4_15(device, coap, number):
    answer = coap.post(device.token, '{"a":1}', options=[(CONTENT_FORMAT, uint(number))])
    assert answer.status == "4.15"
    assert device.rest.keys(device.id) == []


@pytest.mark.parametrize("body", [
    b"\x01\x02\x03", b"<t>25</t>", b"25.5", b"", b"\xa1\x61a\x01", b"{",
])
def test_unknown_format_whose_body_is_not_json_is_4_15(device, coap, body):
    answer = coap.post(device.token, body, options=[(CONTENT_FORMAT, uint(11542))])
    assert answer.status == "4.15"


def test_unknown_format_whose_body_is_json_but_no_telemetry_is_4_00(device, coap):
    for body in ("[5]", '{"":1}'):
        answer = coap.post(device.token, body, options=[(CONTENT_FORMAT, uint(11542))])
        assert answer.status == "4.00"


def test_plain_text_without_a_key_is_4_00(device, coap):
    assert coap.post(device.token, "25 C", options=[(CONTENT_FORMAT, b"")]).status == "4.00"


@pytest.mark.parametrize("number", [9, 2049, 65535])
def test_critical_option_that_is_unknown_is_4_02(device, coap, number):
    answer = coap.post(device.token, '{"a":1}', options=[(number, b"x")])
    assert (answer.type, answer.status) == (ACK, "4.02")
    assert str(number) in answer.text
    assert device.rest.keys(device.id) == []


def test_critical_option_that_is_unknown_in_a_non_is_dropped(device, coap):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", '{"a":1}', [(2049, b"x")],
                           NON)
    answer = coap.exchange(message, seconds=0.3)
    assert answer is None or answer.type == RST
    assert device.rest.keys(device.id) == []


def test_proxy_is_5_05(device, coap):
    answer = coap.post(device.token, '{"a":1}', options=[(PROXY_URI, b"coap://example.org/")])
    assert answer.status == "5.05"


def test_if_match_is_4_12(device, coap):
    assert coap.post(device.token, '{"a":1}', options=[(IF_MATCH, b"x")]).status == "4.12"
    assert device.rest.keys(device.id) == []


def test_accept_does_not_matter_where_success_has_no_payload(device, coap):
    assert coap.post(device.token, '{"a":1}', options=[(ACCEPT, uint(60))]).status == "2.01"


def test_observe_on_telemetry_is_4_00(device, coap):
    path = f"/api/v1/{device.token}/telemetry"
    assert coap.request(GET, path, options=[(OBSERVE, b"")]).status == "4.00"


def test_announced_size_over_the_limit_is_4_13_with_the_limit(device, coap):
    answer = coap.post(device.token, "x" * 64, options=[(BLOCK1, uint(0 << 4 | 8 | 2)),
                                                        (SIZE1, uint(1_000_000))])
    assert answer.status == "4.13"
    assert answer.number(SIZE1) == 65536


def test_body_that_grows_over_the_limit_is_4_13(device, coap):
    for number in range(65):
        answer = coap.post(device.token, b"x" * 1024,
                           options=[(BLOCK1, uint(number << 4 | 8 | 6))])
        if answer.status != "2.31":
            break
    assert number == 64
    assert answer.status == "4.13"
    assert answer.number(SIZE1) == 65536


def test_datagram_over_the_receive_buffer_is_4_13_with_a_block_hint(device, coap):
    answer = coap.post(device.token, json.dumps({"a": "x" * 5000}))
    assert answer.status == "4.13"
    assert answer.option(BLOCK1) is not None
    assert device.rest.keys(device.id) == []


def test_body_with_a_gap_is_4_08(device, coap):
    assert coap.post(device.token, b"x" * 64, options=[(BLOCK1, uint(8 | 2))]).status == "2.31"
    assert coap.post(device.token, b"x" * 64, options=[(BLOCK1, uint(2 << 4 | 2))]).status == "4.08"


def test_first_block_with_a_wrong_token_is_4_01(stranger):
    answer = stranger.post("NO_SUCH_TOKEN", b"x" * 64, options=[(BLOCK1, uint(8 | 2))])
    assert answer.status == "4.01"


# The message layer.

@pytest.mark.parametrize("type", [CON, NON])
def test_duplicate_is_stored_once(device, coap, type):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", '{"n":1}', type=type)
    first = coap.exchange(message)
    assert first.status == "2.01"
    if type == CON:
        assert coap.exchange(message) == first
    else:
        coap.send(message)
    assert coap.post(device.token, '{"done":1}').status == "2.01"
    assert len(device.points("n")) == 1


def test_quick_duplicates_of_one_con_are_stored_once(device, coap):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", '{"n":1}')
    for _ in range(20):
        coap.send(message)
    answers = []
    while (answer := coap.receive(0.5)) is not None:
        answers.append(answer)
    assert answers and {answer.status for answer in answers} == {"2.01"}
    assert len(device.points("n")) == 1


def test_duplicate_of_a_refused_request_is_refused_alike(device, coap):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", "{")
    assert coap.exchange(message) == coap.exchange(message)


def test_same_message_id_from_another_endpoint_is_another_message(device, coap, server):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", '{"n":1}')
    assert coap.exchange(message).status == "2.01"
    with RawClient(server.coap_port) as other:
        assert other.exchange(message).status == "2.01"
    assert len(device.points("n")) == 2


def test_ping_is_answered_by_rst(coap):
    ping = Message(CON, EMPTY, coap.next_mid())
    coap.send(ping)
    answer = coap.receive(2)
    assert (answer.type, answer.code, answer.mid) == (RST, EMPTY, ping.mid)


@pytest.mark.parametrize("data", [
    b"", b"\x40", b"\x00\x00\x00\x00", b"\x80\x02\x00\x01", b"\xc0\x02\x00\x01", b"\xff" * 40,
], ids=lambda data: data.hex()[:12] or "empty")
def test_garbage_is_ignored_and_the_server_lives(device, coap, data):
    coap.send_bytes(data)
    assert coap.receive(0.1) is None
    assert coap.post(device.token, '{"a":1}').status == "2.01"


@pytest.mark.parametrize("tail", [b"\xf0", b"\x0f", b"\xff", b"\xb9api", b"\xd0"])
def test_malformed_con_is_answered_by_rst(coap, tail):
    head = encode(Message(CON, POST, coap.next_mid()))
    coap.send_bytes(head + tail)
    answer = coap.receive(2)
    assert (answer.type, answer.code, answer.mid) == (RST, EMPTY, coap.mid)


@pytest.mark.parametrize("mask,body,silent", [
    (2, '{"a":1}', True), (2, "{", False), (8, '{"a":1}', False), (8, "{", True),
    (26, '{"a":1}', True), (26, "{", True), (0, '{"a":1}', False),
])
def test_no_response_of_a_non(device, coap, mask, body, silent):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", body,
                           [(NO_RESPONSE, uint(mask))], NON)
    answer = coap.exchange(message, seconds=0.4 if silent else 5)
    assert (answer is None) == silent
    if body != "{":
        assert [value for _, value in device.rest.wait_for_points(device.id, "a", 1)] == [1]


def test_no_response_of_a_con_leaves_the_empty_ack_after_the_commit(device, coap):
    message = coap.message(POST, f"/api/v1/{device.token}/telemetry", '{"a":1}',
                           [(NO_RESPONSE, uint(2))])
    coap.send(message)
    answer = coap.receive(5)
    assert (answer.type, answer.code, answer.mid) == (ACK, EMPTY, message.mid)
    assert len(device.points("a")) == 1


def whole(client, path):
    """A representation in the block size that the server offers."""
    blocks = []
    answer = client.request(GET, path)
    while True:
        blocks.append(answer.payload)
        block = answer.number(BLOCK2) or 0
        if not block & 8:
            return answer, b"".join(blocks).decode()
        following = (block >> 4) + 1
        answer = client.request(GET, path, options=[(BLOCK2, uint(following << 4 | block & 7))])


def test_root_answers_to_get(coap):
    answer = coap.request(GET, "/")
    assert answer.status == "2.05"
    assert answer.number(CONTENT_FORMAT) == 0


def test_discovery_lists_the_api(coap):
    answer, text = whole(coap, "/.well-known/core")
    assert (answer.status, answer.number(CONTENT_FORMAT)) == ("2.05", 40)
    assert "</api/v1>" in text
    options = [(ACCEPT, uint(60))]
    assert coap.request(GET, "/.well-known/core", options=options).status == "4.06"


def test_stranger_gets_at_most_three_times_what_it_sent(stranger):
    message = stranger.message(GET, "/.well-known/core")
    stranger.send(message)
    received = len(stranger.socket.recv(65536))
    assert received <= 3 * len(encode(message))


def test_refusals_carry_no_max_age(stranger):
    assert stranger.post("NO_SUCH_TOKEN", "{}").option(MAX_AGE) is None
