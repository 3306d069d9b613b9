"""The OpenAPI document: that it is served, that it is OpenAPI, and that the check of answers which
every test of REST goes through finds what is not described."""

import copy
import email.message
import json
import pathlib
import re

import jsonschema
import pytest

import openapi_check
from rest_client import CUSTOMER, SYSADMIN, TENANT, Answer, Rest

ROOT = pathlib.Path(__file__).resolve().parent.parent

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


def examples_in(value):
    if isinstance(value, dict):
        if "example" in value and ("type" in value or "properties" in value):
            yield value
        for member in value.values():
            yield from examples_in(member)
    elif isinstance(value, list):
        for element in value:
            yield from examples_in(element)


def test_every_example_fits_its_schema():
    found = list(examples_in(openapi_check.document().content))
    assert len(found) > 10
    for schema in found:
        openapi_check.document().validator(schema).validate(schema["example"])


# Names of query parameters in the handlers; those that are only refused are not described.
READERS = re.compile(r'(?:rest_call_(?:int|boolean|required|id_parameter|list_of|has)|'
                     r'http_request_parameter|read_word)\(\s*(?:call->)?\w+,\s*"(\w+)"')


def test_the_handlers_read_the_described_parameters_and_no_others():
    read = {"key"}  # in a loop over all parameters
    for source in (ROOT / "src/rest").glob("*.c"):
        if not source.name.endswith(("_test.c", "fixture.c")):
            read |= set(READERS.findall(source.read_text()))
    document = openapi_check.document()
    described = {document.resolve(one)["name"] for operations in document.content["paths"].values()
                 for operation in operations.values()
                 for one in operation.get("parameters", [])
                 if document.resolve(one)["in"] == "query"}
    assert read == described


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
            media = operation["responses"].get("200", {}).get("content", {})
            for schema in schemas_in(media):
                loose = [one["properties"] for one in exact(schema, content, set())]
                assert all(one in OPEN for one in loose), f"{method} {path}: {loose}"


def test_failures_of_the_front_door_are_described():
    content = openapi_check.document().content
    for path, operations in content["paths"].items():
        for method, operation in operations.items():
            known = set(operation["responses"])
            assert {"400", "500", "503"} <= known, f"{method} {path}"
            assert len({"200", "303"} & known) == 1, f"{method} {path}"
            assert ({"411", "413"} <= known) == ("requestBody" in operation), f"{method} {path}"
            # Devices show a token of their own.
            guarded = bool(operation["x-authorities"]) or "{deviceToken}" in path
            assert ({"401", "403"} <= known) == guarded, f"{method} {path}"
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


# What is described is so: each bound, each word and who may call, asked of the server.

PEOPLE = {"SYS_ADMIN": SYSADMIN, "TENANT_ADMIN": TENANT, "CUSTOMER_USER": CUSTOMER}
NEEDED = {"pageSize": "10", "page": "0", "deviceName": "Test Device A1",
          "customerTitle": "Customer A", "startTs": "0", "endTs": "1000", "keys": "a",
          **dict.fromkeys(("tenantIds", "customerIds", "deviceIds", "deviceProfileIds"),
                          "b8e8f1a0-0000-11ef-8000-000000000000")}
# Who is asked is the tenant administrator if that one may; of these the system administrator, since
# others may only name tenants.
OF_THE_SYSTEM = {"getTenants"}


def asked(operation):
    is_tenant = "TENANT_ADMIN" in operation["x-authorities"] or not operation["x-authorities"]
    return ("TENANT_ADMIN" if is_tenant and operation["operationId"] not in OF_THE_SYSTEM
            else "SYS_ADMIN")


@pytest.fixture(scope="module")
def people(server):
    return {name: Rest(server.http_port).log_in(*account) for name, account in PEOPLE.items()}


@pytest.fixture(scope="module")
def ids(people):
    """A value for each path parameter, of things that the customer may read too."""
    user = people["CUSTOMER_USER"].get("/api/auth/user")
    tenant = people["TENANT_ADMIN"]
    device = tenant.device_named("Test Device A1")
    new = tenant.post("/api/user", {"email": "new@example.org", "authority": "CUSTOMER_USER",
                                    "customerId": user["customerId"]})
    link = tenant.call("GET", f"/api/user/{new['id']['id']}/activationLink").body.decode()
    NEEDED["activateToken"] = link.partition("activateToken=")[2]
    return {"deviceId": device, "entityId": device, "entityType": "DEVICE",
            "customerId": user["customerId"]["id"], "tenantId": user["tenantId"]["id"],
            "userId": user["id"]["id"], "newUserId": new["id"]["id"],
            "scope": "SERVER_SCOPE", "ttl": "0", "otaPackageType": "FIRMWARE",
            "deviceToken": "A1_TEST_TOKEN", "callId": "7",
            "rpcId": tenant.post(f"/api/rpc/oneway/{device}", {"method": "m", "persistent": True,
                                                               "timeout": 600000})["rpcId"],
            "tenantProfileId": people["SYS_ADMIN"].get(
                "/api/tenantProfileInfo/default")["id"]["id"],
            "deviceProfileId": tenant.get("/api/deviceProfileInfo/default")["id"]["id"]}


def operations(*methods):
    for path, described in openapi_check.document().content["paths"].items():
        for method, operation in described.items():
            if method in methods:
                yield pytest.param(path, method, operation, id=f"{method} {path}")


def url_of(path, ids):
    # Links are for users who have no password yet.
    path = path.replace("{userId}/activation", "{newUserId}/activation")
    return re.sub(r"{(\w+)}", lambda found: ids[found.group(1)], path)


def query_of(operation):
    """The parameters of an operation by name, and a query that it accepts."""
    document = openapi_check.document()
    every = [document.resolve(one) for one in operation.get("parameters", [])]
    known = {one["name"]: one for one in every if one["in"] == "query"}
    base = {name: NEEDED[name] for name, one in known.items() if one.get("required")}
    if "timeout" in known:
        base = {"timeout": 1}  # what waits ends at once
    if "startTs" in known:
        base = {name: NEEDED[name] for name in ("startTs", "endTs", "keys")}
    return known, base


def good_and_bad(schema):
    """Values at the bounds of a schema, and values just outside."""
    good, bad = [], []
    if "enum" in schema:
        good, bad = schema["enum"], ["NONSENSE"]
    elif schema.get("type") == "integer":
        good = [schema[name] for name in ("minimum", "maximum") if name in schema]
        bad = ["x", *(schema[name] + step for name, step in (("minimum", -1), ("maximum", 1))
                      if name in schema)]
    elif schema.get("type") == "boolean":
        good, bad = ["true", "OFF", "1"], ["x"]
    elif schema.get("format") == "uuid":
        bad = ["x"]
    return good, bad


@pytest.mark.parametrize("path,method,operation", operations("get"))
def test_parameters_have_the_described_bounds(people, ids, path, method, operation):
    caller = people[asked(operation)]
    known, base = query_of(operation)
    for name, parameter in known.items():
        good, bad = good_and_bad(parameter["schema"])
        for value in good:
            answer_ = caller.call("GET", url_of(path, ids), query={**base, name: value})
            assert answer_.status == 200, f"{name}={value}: {answer_}"
        for value in bad:
            answer_ = caller.call("GET", url_of(path, ids), query={**base, name: value})
            assert answer_.status == 400, f"{name}={value}: {answer_}"
        if parameter.get("required"):
            less = {other: value for other, value in base.items() if other != name}
            assert caller.call("GET", url_of(path, ids), query=less).status == 400, name


@pytest.mark.parametrize("path,method,operation", operations("get"))
def test_those_may_call_who_are_described(server, people, ids, path, method, operation):
    _, query = query_of(operation)
    for name, caller in people.items():
        status = caller.call("GET", url_of(path, ids), query=query).status
        may = name in operation["x-authorities"] or not operation["x-authorities"]
        if not may:
            assert status == 403, name
        elif name == asked(operation):
            is_silent = status == 408 and "timeout" in query
            assert str(status) in operation["responses"] and (status < 400 or is_silent), name
    status = Rest(server.http_port).call("GET", url_of(path, ids), query=query).status
    assert (status == 401) == bool(operation["x-authorities"])


@pytest.mark.parametrize("path,method,operation", operations("post"))
def test_a_body_is_needed_where_one_is_described(people, ids, path, method, operation):
    if "requestBody" in operation:
        answer_ = people[asked(operation)].call("POST", url_of(path, ids), b"{")
        assert answer_.status == 400, answer_


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "nonsense"])
def test_the_content_type_of_a_request_does_not_matter(people, kind):
    body = json.dumps(dict(zip(("username", "password"), TENANT))).encode()
    answer_ = people["TENANT_ADMIN"].call("POST", "/api/auth/login", body,
                                          headers={"Content-Type": kind})
    assert answer_.status == 200, answer_


def test_the_described_size_of_a_body_is_the_one_that_holds(server):
    words = openapi_check.document().content["info"]["description"]
    size = int(re.search(r"`http.body-max` bytes \((\d+)\s+MiB", words).group(1)) << 20
    rest = Rest(server.http_port)
    assert rest.call("POST", "/api/auth/login", b" " * size).status == 400
    assert rest.call("POST", "/api/auth/login", b" " * (size + 1)).status == 413
