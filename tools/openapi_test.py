"""openapi.py: what its short form becomes, and that each fault in the pieces ends the build."""

import copy

import pytest

import openapi

COMMON = {
    "document": {"openapi": "3.1.0", "info": {"title": "t"}, "components": {}},
    "parameters": {name: {"name": name, "in": "query", "schema": {}}
                   for name in ("pageSize", "page", "textSearch", "sortOrder")},
    "path-parameters": {"id": {"description": "An id.", "schema": {"type": "string"}}},
    "responses": {name: {"description": "no"} for name in (
        "400", "400Plain", "401", "403", "403Plain", "404", "404Plain", "411", "413", "413Plain",
        "500", "500Plain", "503", "503Plain")},
}
THING = {"type": "object", "properties": {"a": {"type": "integer"}}}


def made(operation, schemas=None, path="/thing/{id}", method="get"):
    short = {"summary": "s", "operationId": "o", "who": ["T"], "answer": "nothing", **operation}
    piece = {"tag": "Things", "description": "d", "paths": {path: {method: short}},
             "schemas": schemas or {}}
    document = openapi.merge([copy.deepcopy(COMMON), copy.deepcopy(piece)], "1.2.3")
    return document, document["paths"][path][method]


def test_failures_follow_from_who_calls_and_what_is_sent():
    _, operation = made({})
    assert list(operation["responses"]) == ["200", "400", "401", "403", "500", "503"]
    assert operation["x-authorities"] == ["TENANT_ADMIN"] and "security" not in operation
    _, operation = made({"who": [], "refuses": [404], "body": {"type": "object"}})
    assert list(operation["responses"]) == ["200", "400", "404", "411", "413", "500", "503"]
    assert operation["security"] == []


def test_plain_failures_are_those_that_have_a_twin():
    _, operation = made({"plain": True, "refuses": [404]})
    assert operation["responses"]["404"] == {"$ref": "#/components/responses/404Plain"}
    assert operation["responses"]["401"] == {"$ref": "#/components/responses/401"}


def test_parameters_come_from_the_path_the_page_and_the_query():
    _, operation = made({"paged": ["name"], "query": {
        "q": {"description": "Q.", "type": "string", "required": True}}})
    named = [one.get("name", one.get("$ref", "").split("/")[-1]) for one in operation["parameters"]]
    assert named == ["id", "pageSize", "page", "textSearch", "sortOrder", "sortProperty", "q"]
    assert operation["parameters"][0]["required"] is True
    assert operation["parameters"][-2]["schema"] == {"type": "string", "enum": ["name"]}
    assert operation["parameters"][-1] == {"name": "q", "in": "query", "description": "Q.",
                                           "required": True, "schema": {"type": "string"}}


def test_objects_are_exact_unless_they_say_otherwise():
    loose = {"type": "object", "properties": {"b": {}}, "required": [],
             "additionalProperties": True}
    document, _ = made({"answer": "Thing", "also": {"201": "Loose"}},
                       {"Thing": THING, "Loose": loose})
    schemas = document["components"]["schemas"]
    assert schemas["Thing"] == {**THING, "required": ["a"], "additionalProperties": False}
    assert schemas["Loose"] == loose


def test_pages_are_made_from_their_elements():
    document, operation = made({"answer": "page of Thing"}, {"Thing": THING})
    content = operation["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/PageOfThing"}
    page = document["components"]["schemas"]["PageOfThing"]
    assert page["required"] == ["data", "totalPages", "totalElements", "hasNext"]
    assert page["properties"]["data"]["items"] == {"$ref": "#/components/schemas/Thing"}


def test_an_answer_may_be_elsewhere():
    _, operation = made({"answer": "elsewhere"}, {})
    assert "200" not in operation["responses"]
    assert operation["responses"]["303"]["headers"]["Location"]["required"]


def test_an_answer_may_be_an_array_or_one_of_several():
    thing = {"$ref": "#/components/schemas/Thing"}
    _, operation = made({"answer": ["Thing", "array of Thing"]}, {"Thing": THING})
    content = operation["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {
        "oneOf": [thing, {"type": "array", "items": thing}]}


@pytest.mark.parametrize("operation,more,reason", [
    ({"whom": ["T"]}, {}, "unknown"),
    ({"answer": "Nothing"}, {}, "there is no schemas/Nothing"),
    ({"refuses": [418]}, {}, "there is no responses/418"),
    ({}, {"path": "/thing/{other}"}, "path-parameters"),
    ({}, {"method": "fetch"}, "no method"),
    ({}, {"schemas": {"Thing": THING}}, "not used"),
])
def test_faults_end_the_build(operation, more, reason):
    with pytest.raises(openapi.Fault, match=reason):
        made(operation, **more)


@pytest.mark.parametrize("name", ["summary", "operationId", "who", "answer"])
def test_an_operation_says_all_it_must(name):
    short = {"summary": "s", "operationId": "o", "who": [], "answer": "nothing"}
    del short[name]
    piece = {"tag": "T", "description": "d", "paths": {"/x": {"get": short}}}
    with pytest.raises(openapi.Fault, match=f"no {name}"):
        openapi.merge([copy.deepcopy(COMMON), piece], "1")


def test_what_is_there_twice_is_found():
    short = {"summary": "s", "operationId": "o", "who": [], "answer": "nothing"}
    first = {"tag": "T", "description": "d", "paths": {"/x": {"get": short}}}
    with pytest.raises(openapi.Fault, match="described twice"):
        openapi.merge([copy.deepcopy(COMMON), first, first], "1")
    other = {**first, "paths": {"/y": {"get": short}}}
    with pytest.raises(openapi.Fault, match="operationId used twice"):
        openapi.merge([copy.deepcopy(COMMON), first, other], "1")
    with pytest.raises(openapi.Fault, match="twice in responses"):
        openapi.merge([copy.deepcopy(COMMON), {"responses": {"400": {}}}], "1")


def test_the_policy_has_the_digests_of_script_and_style():
    text = openapi.page("{{policy}}<style>a</style><script>b</script>")
    assert "script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='" in text
    assert "style-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='" in text
    with pytest.raises(openapi.Fault):
        openapi.page("<style>a</style><script>b</script>")
