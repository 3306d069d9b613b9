"""What the whole run has seen of the answers that the OpenAPI document describes, and that their
schemas are exact. Runs last (conftest.py, tools/test.py)."""

import os

import pytest

import openapi_check

# Failures that come before the route or from below: one of each kind is enough for all operations.
COMMON = {"400", "401", "403", "411", "413", "500", "503"}
# Only a rule chain could answer, and there is none yet; nor is there mail.
UNANSWERED = {("POST", "/api/v1/{deviceToken}/rpc", 200),
              ("POST", "/api/user/sendActivationMail", 200)}
# Only a store that is broken gives these, the last one at /readyz; src/rest has unit tests of them.
OF_FAULTS = {"500 application/json", "500 application/json text/plain", "503 text/plain"}
# Where an answer holds somebody's data: any JSON, or an object with names of theirs.
FREE = {
    "AnyJson", "Device.deviceData", "DeviceInfo.deviceData", "TenantProfile.profileData",
    "Series.*[].value", "DeviceProfile.profileData.transportConfiguration", "Rpc.additionalInfo",
    "Rpc.response",
    "EntityData.aggLatest", "EntityData.timeseries",
    "GET /api/v1/{deviceToken}/attributes 200.client",
    "GET /api/v1/{deviceToken}/attributes 200.shared",
    "GET /api/v1/{deviceToken}/attributes/updates 200",
    "GET /api/v1/{deviceToken}/rpc 200.params", "POST /api/v1/{deviceToken}/rpc 200",
    "GET /v3/api-docs 200", "GET /v3/api-docs/thingsboard 200",
    *(f"POST /api/{older}rpc/{way}/{{deviceId}} 200"
      for older in ("", "plugins/") for way in ("oneway", "twoway")),
}


def described():
    """(method, path, status, response) of each answer in the document."""
    for path, methods in openapi_check.document().content["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                yield method.upper(), path, status, response


def kind_of(status, response):
    """What a client tells common failures apart by: the status and the form of the body."""
    content = openapi_check.document().resolve(response).get("content", {})
    return " ".join([status, *sorted(content)])


def unseen(seen):
    """Answers that no test has got, as text; of the common failures one of each kind will do."""
    kinds, seen_kinds = set(), OF_FAULTS
    for method, path, status, response in described():
        answer = (method, path, int(status))
        if status in COMMON:
            kinds.add(kind_of(status, response))
            seen_kinds = seen_kinds | ({kind_of(status, response)} if answer in seen else set())
        elif answer not in seen | UNANSWERED:
            yield f"{method} {path} {status}"
    yield from sorted(kinds - seen_kinds)


def free_places(schema, place, above=frozenset()):
    """Where a schema lets anything pass: any value, or an object with unknown members."""
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        if name not in above:
            schema = openapi_check.document().resolve(schema)
            yield from free_places(schema, name, above | {name})
        return
    is_object = "object" in schema.get("type", []) or "properties" in schema
    others = schema.get("additionalProperties", True)
    if (is_object and others is True) or not set(schema) - {"description", "example"}:
        yield place
    for name, member in schema.get("properties", {}).items():
        yield from free_places(member, f"{place}.{name}", above)
    if isinstance(others, dict):
        yield from free_places(others, f"{place}.*", above)
    if "items" in schema:
        yield from free_places(schema["items"], f"{place}[]", above)
    for each in (*schema.get("oneOf", []), *schema.get("anyOf", []), *schema.get("allOf", [])):
        yield from free_places(each, place, above)


def test_answers_have_no_more_than_their_schemas_say():
    found = set()
    for method, path, status, response in described():
        content = openapi_check.document().resolve(response).get("content", {})
        for media in content.values():
            found |= set(free_places(media["schema"], f"{method} {path} {status}"))
    assert found == FREE


def test_what_is_excused_is_described():
    assert {(method, path, int(status)) for method, path, status, _ in described()} >= UNANSWERED


def test_an_answer_that_no_test_got_is_found():
    every = {(method, path, int(status)) for method, path, status, _ in described()}
    assert list(unseen(every)) == []
    assert list(unseen(every - {("GET", "/livez", 200)})) == ["GET /livez 200"]
    assert list(unseen({one for one in every if one[2] != 411}))[0].startswith("411 ")


def test_every_described_answer_was_got(request):
    seen = openapi_check.document().seen
    if "ANSWERS" in os.environ:
        seen = openapi_check.gather_seen(os.environ["ANSWERS"])
    elif not request.config.is_whole_run:
        pytest.skip("only in a run of all tests")
    assert list(unseen(seen)) == []
