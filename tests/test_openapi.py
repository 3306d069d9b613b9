"""The OpenAPI document: that it is served, that it is OpenAPI, and that the check of answers which
every test of REST goes through finds what is not described."""

import copy
import email.message
import json
import re

import jsonschema
import pytest

import openapi_check
from rest_client import Answer, Rest

ID = "784f394c-42b6-11ef-983c-b7beff2784f9"
INFO = {
    "id": {"entityType": "DEVICE_PROFILE", "id": ID},
    "tenantId": {"entityType": "TENANT", "id": ID},
    "name": "default", "image": None, "defaultDashboardId": None, "type": "DEFAULT",
    "transportType": "DEFAULT",
}
URL = "/api/deviceProfileInfo/default"
ERROR = {"status": 404, "message": "no", "errorCode": 32, "timestamp": 1782986400000}


def answer(body, status=200, kind="application/json", **headers):
    message = email.message.Message()
    if kind:
        message["Content-Type"] = kind
    for name, value in headers.items():
        message[name] = value
    return Answer(status, message, body if isinstance(body, bytes) else json.dumps(body).encode())


def check(method, url, of):
    openapi_check.document().check(method, url, of)


def test_the_document_is_served_as_it_was_built(server):
    served = Rest(server.http_port).get("/v3/api-docs")
    assert served == openapi_check.document().content
    assert served["openapi"] == "3.1.0"


def schemas_in(value):
    """Every schema that a media type or a parameter of the document holds."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "schema":
                yield member
            yield from schemas_in(member)
    elif isinstance(value, list):
        for element in value:
            yield from schemas_in(element)


def test_every_schema_is_a_schema():
    content = openapi_check.document().content
    schemas = [*schemas_in(content), *content["components"]["schemas"].values()]
    assert len(schemas) > 100
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)


def exact(schema, content, seen):
    """Object schemas reachable from one that let unknown members pass."""
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        if name not in seen:
            seen.add(name)
            yield from exact(content["components"]["schemas"][name], content, seen)
        return
    if "properties" in schema and schema.get("additionalProperties") is not False:
        yield schema
    parts = [*schema.get("properties", {}).values(), *schema.get("oneOf", []),
             *schema.get("anyOf", [])]
    parts += [schema["items"]] if "items" in schema else []
    for part in parts:
        yield from exact(part, content, seen)


# Settings whose members depend on the transport.
OPEN = [{"type": {"$ref": "#/components/schemas/Transport"}}]


def test_every_answer_is_exact():
    content = openapi_check.document().content
    for path, operations in content["paths"].items():
        for method, operation in operations.items():
            media = operation["responses"]["200"].get("content", {})
            for schema in schemas_in(media):
                loose = [one["properties"] for one in exact(schema, content, set())]
                assert all(one in OPEN for one in loose), f"{method} {path}: {loose}"


def test_failures_of_the_front_door_are_described():
    content = openapi_check.document().content
    for path, operations in content["paths"].items():
        for method, operation in operations.items():
            known = set(operation["responses"])
            assert {"200", "400", "500", "503"} <= known, f"{method} {path}"
            assert ({"411", "413"} <= known) == ("requestBody" in operation), f"{method} {path}"
            assert ({"401", "403"} <= known) == bool(operation["x-authorities"]), f"{method} {path}"
    assert content["components"]["responses"]["405"]["headers"]["Allow"]["required"] is True


def test_what_is_described_passes():
    check("GET", URL, answer(INFO))
    check("GET", f"/api/device/{ID}", answer(ERROR, 404))
    check("DELETE", f"/api/device/{ID}", answer(b"", kind=None))
    check("GET", "/api/nothing", answer(ERROR, 404))
    check("GET", f"/api/plugins/telemetry/DEVICE/{ID}/keys/timeseries?x=1",
          answer(b"no such device", 404, "text/plain;charset=UTF-8"))
    check("PUT", f"/api/device/{ID}", answer({**ERROR, "errorCode": 31}, 405,
                                             Allow="GET, HEAD, DELETE, OPTIONS"))


without_name = {name: value for name, value in INFO.items() if name != "name"}


@pytest.mark.parametrize("method,url,wrong,reason", [
    ("GET", URL, answer({**INFO, "planted": 1}), "planted"),
    ("GET", URL, answer(without_name), "name"),
    ("GET", URL, answer({**INFO, "name": 7}), "not of type"),
    ("GET", URL, answer({**INFO, "id": {**INFO["id"], "planted": 1}}), "planted"),
    ("GET", URL, answer({**INFO, "id": {**INFO["id"], "entityType": "DEVICE"}}), "DEVICE_PROFILE"),
    ("GET", URL, answer(json.dumps(INFO).encode(), kind="text/plain"), "is none of"),
    ("GET", URL, answer(INFO, status=201), "does not know"),
    ("GET", "/api/nothing", answer(INFO), "does not know"),
    ("GET", "/api/nothing", answer({**ERROR, "planted": 1}, 404), "planted"),
    ("PUT", URL, answer(ERROR, 405), "Allow is missing"),
    ("PUT", URL, answer(ERROR, 405, Allow="GET, OPTIONS"), "Allow is"),
    ("GET", "/api/tenant/devices", answer({"data": [{"planted": 1}], "totalPages": 1,
                                           "totalElements": 1, "hasNext": False}), ""),
    ("DELETE", f"/api/device/{ID}", answer(INFO), "a body where none"),
    ("POST", "/api/auth/login", answer({**ERROR, "status": 429}, 429), "Retry-After"),
])
def test_what_is_not_described_is_found(method, url, wrong, reason):
    with pytest.raises(openapi_check.Mismatch, match=re.escape(reason)):
        check(method, url, wrong)


def test_long_arrays_are_checked_at_both_ends():
    points = [{"ts": i, "value": "1"} for i in range(1000)]
    url = f"/api/plugins/telemetry/DEVICE/{ID}/values/timeseries"
    check("GET", url, answer({"key": points}))
    for position in (0, -1):
        wrong = copy.deepcopy(points)
        wrong[position]["planted"] = 1
        with pytest.raises(openapi_check.Mismatch, match="planted"):
            check("GET", url, answer({"key": wrong}))


def test_a_call_of_the_client_is_checked(server, monkeypatch):
    """The client itself refuses an answer that the document does not describe."""
    content = copy.deepcopy(openapi_check.document().content)
    del content["components"]["schemas"]["TokenPair"]["properties"]["refreshToken"]
    monkeypatch.setattr(openapi_check, "document", lambda: openapi_check.Document(content))
    with pytest.raises(openapi_check.Mismatch, match="refreshToken"):
        Rest(server.http_port).log_in("tenant@thingsboard.org", "tenant")
