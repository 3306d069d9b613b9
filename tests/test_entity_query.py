"""Entity queries: devices found by what they are and by their latest values, over REST."""

import copy
import json

import pytest

from raw_coap import POST, RawClient
from rest_client import CUSTOMER, SYSADMIN, Rest

NAME = {"type": "ENTITY_FIELD", "key": "name"}
TEMPERATURE = {"type": "TIME_SERIES", "key": "temperature"}


def entity_type():
    return {"type": "entityType", "entityType": "DEVICE"}


def device_type(*types, **more):
    return {"type": "deviceType", "deviceTypes": list(types), **more}


def name_start(text):
    return {"type": "entityName", "entityType": "DEVICE", "entityNameFilter": text}


def single(device):
    return {"type": "singleEntity", "singleEntity": {"entityType": "DEVICE", "id": device}}


def listed(*devices):
    return {"type": "entityList", "entityType": "DEVICE", "entityList": list(devices)}


def query(entity_filter, latest=(), sort=None, direction="ASC", filters=(), size=100, **link):
    order = {"key": sort, "direction": direction} if sort else None
    return {"entityFilter": entity_filter, "entityFields": [NAME], "latestValues": list(latest),
            "pageLink": {"page": 0, "pageSize": size, "textSearch": None, "dynamic": False,
                         "sortOrder": order, **link},
            "keyFilters": list(filters)}


def key_filter(key, predicate_type, operation, value, value_type=None, **more):
    return {"key": key, "valueType": value_type or predicate_type,
            "predicate": {"type": predicate_type, "operation": operation,
                          "value": {"defaultValue": value, "dynamicValue": None}, **more}}


def series(key):
    return {"type": "TIME_SERIES", "key": key}


class Fleet:
    """Devices of a profile of their own: name suffix -> (telemetry, attributes by scope)."""

    KINDS = {
        "a": ({"temperature": 21.5, "state": "on", "ok": True}, {"SERVER_SCOPE": {"floor": 1}}),
        "b": ({"temperature": 5, "state": "off", "ok": False}, {"SHARED_SCOPE": {"floor": 2}}),
        "c": ({"temperature": -3.25, "state": "On hold"}, {"SERVER_SCOPE": {"floor": 3}}),
        "d": ({"state": "12"}, {}),
        "e": ({}, {}),
    }

    def __init__(self, server, rest, prefix):
        self.prefix, self.ids = prefix, {}
        with RawClient(server.coap_port) as coap:
            for suffix, (values, attributes) in self.KINDS.items():
                token = f"{prefix}-{suffix}-token"
                device = rest.create_device(f"{prefix}-{suffix}", token, type=f"{prefix} type",
                                            label=f"label {suffix.upper()}")
                self.ids[suffix] = device
                if values:
                    answer = coap.request(POST, f"/api/v1/{token}/telemetry",
                                          json.dumps({"ts": 1000, "values": values}))
                    assert answer.status == "2.01"
                for scope, content in attributes.items():
                    rest.post(f"/api/plugins/telemetry/DEVICE/{device}/{scope}", content)

    @property
    def type(self):
        return device_type(f"{self.prefix} type")

    def suffixes(self, page):
        return "".join(row["latest"]["ENTITY_FIELD"]["name"]["value"][len(self.prefix) + 1:]
                       for row in page["data"])


@pytest.fixture(scope="module")
def fleet(server, rest):
    return Fleet(server, rest, "fleet")


def find(rest, body):
    return rest.post("/api/entitiesQuery/find", body)


def count(rest, entity_filter, *filters, **more):
    return rest.post("/api/entitiesQuery/count",
                     {"entityFilter": entity_filter, "keyFilters": list(filters), **more})


def test_a_row_has_exactly_these_members(rest, fleet):
    page = find(rest, query(single(fleet.ids["a"]), [
        TEMPERATURE, series("missing"), {"type": "ATTRIBUTE", "key": "floor"},
        {"type": "SERVER_ATTRIBUTE", "key": "floor"}, {"type": "CLIENT_ATTRIBUTE", "key": "floor"},
        {"type": "ENTITY_FIELD", "key": "label"}, {"type": "ENTITY_FIELD", "key": "email"}]))
    assert (page["totalPages"], page["totalElements"], page["hasNext"]) == (1, 1, False)
    row, = page["data"]
    assert list(row) == ["entityId", "latest", "timeseries", "aggLatest"]
    assert row["entityId"] == {"entityType": "DEVICE", "id": fleet.ids["a"]}
    assert row["latest"]["TIME_SERIES"] == {
        "temperature": {"ts": 1000, "value": "21.5", "count": None},
        "missing": {"ts": 0, "value": "", "count": None}}
    fields = {name: cell["value"] for name, cell in row["latest"]["ENTITY_FIELD"].items()}
    assert fields == {"name": "fleet-a", "label": "label A", "email": ""}
    for kind, value in (("ATTRIBUTE", "1"), ("SERVER_ATTRIBUTE", "1"), ("CLIENT_ATTRIBUTE", "")):
        cell = row["latest"][kind]["floor"]
        assert list(cell) == ["ts", "value"] and cell["value"] == value
    assert row["timeseries"] == row["aggLatest"] == {}


@pytest.mark.parametrize("entity_filter,wanted", [
    (lambda fleet: fleet.type, "abcde"),
    (lambda fleet: device_type("nothing like it"), ""),
    (lambda fleet: device_type("nothing like it", "fleet type"), "abcde"),
    (lambda fleet: device_type("fleet type", deviceNameFilter="FLEET-B"), "b"),
    (lambda fleet: name_start("fleet-"), "abcde"),
    (lambda fleet: name_start("Fleet-C"), "c"),
    (lambda fleet: name_start("leet"), ""),
    (lambda fleet: listed(fleet.ids["d"], fleet.ids["a"], fleet.ids["d"]), "ad"),
    (lambda fleet: listed(fleet.ids["d"], "784f394c-42b6-11ef-983c-b7beff2784f9"), "d"),
    (lambda fleet: listed(), ""),
    (lambda fleet: single(fleet.ids["e"]), "e")])
def test_filters_of_entities(rest, fleet, entity_filter, wanted):
    page = find(rest, query(entity_filter(fleet)))
    assert fleet.suffixes(page) == wanted
    assert page["totalElements"] == count(rest, entity_filter(fleet)) == len(wanted)


def test_all_devices_of_the_tenant(rest, fleet):
    total = rest.get("/api/tenant/devices", pageSize=1, page=0)["totalElements"]
    assert count(rest, entity_type()) == total
    assert find(rest, query(entity_type(), size=1))["totalElements"] == total


@pytest.mark.parametrize("filters,wanted", [
    ([key_filter(TEMPERATURE, "NUMERIC", "GREATER", 5)], "a"),
    ([key_filter(TEMPERATURE, "NUMERIC", "GREATER_OR_EQUAL", 5)], "ab"),
    ([key_filter(TEMPERATURE, "NUMERIC", "EQUAL", 5.0)], "b"),
    ([key_filter(TEMPERATURE, "NUMERIC", "NOT_EQUAL", 5)], "ac"),
    ([key_filter(TEMPERATURE, "NUMERIC", "LESS", 0)], "c"),
    ([key_filter(series("state"), "NUMERIC", "GREATER", 0)], "d"),
    ([key_filter(series("state"), "STRING", "STARTS_WITH", "on")], "a"),
    ([key_filter(series("state"), "STRING", "STARTS_WITH", "on", ignoreCase=True)], "ac"),
    ([key_filter(series("state"), "STRING", "IN", "off, on")], "ab"),
    ([key_filter(series("state"), "STRING", "NOT_IN", "off,on")], "cd"),
    ([key_filter(series("ok"), "BOOLEAN", "EQUAL", True)], "a"),
    ([key_filter(series("ok"), "BOOLEAN", "NOT_EQUAL", True)], "b"),
    ([key_filter({"type": "ATTRIBUTE", "key": "floor"}, "NUMERIC", "LESS", 3)], "ab"),
    ([key_filter({"type": "SERVER_ATTRIBUTE", "key": "floor"}, "NUMERIC", "LESS", 4)], "ac"),
    ([key_filter({"type": "SHARED_ATTRIBUTE", "key": "floor"}, "NUMERIC", "LESS", 4)], "b"),
    ([key_filter({"type": "CLIENT_ATTRIBUTE", "key": "floor"}, "NUMERIC", "LESS", 4)], ""),
    ([key_filter(NAME, "STRING", "ENDS_WITH", "-e")], "e"),
    ([key_filter({"type": "ENTITY_FIELD", "key": "createdTime"}, "NUMERIC", "GREATER",
                 1700000000000, "DATE_TIME")], "abcde"),
    ([key_filter(series("missing"), "STRING", "NOT_EQUAL", "x")], ""),
    ([key_filter(TEMPERATURE, "NUMERIC", "LESS", 10),
      key_filter(series("ok"), "BOOLEAN", "EQUAL", False)], "b")])
def test_filters_of_values(rest, fleet, filters, wanted):
    assert fleet.suffixes(find(rest, query(fleet.type, filters=filters))) == wanted
    assert count(rest, fleet.type, *filters) == len(wanted)


def test_filters_may_be_joined_by_or_and_nested(rest, fleet):
    cold = key_filter(TEMPERATURE, "NUMERIC", "LESS", 0)
    on = key_filter(series("state"), "STRING", "EQUAL", "on")
    assert count(rest, fleet.type, cold, on) == 0
    assert count(rest, fleet.type, cold, on, keyFiltersOperation="OR") == 2
    between = key_filter(TEMPERATURE, "NUMERIC", "GREATER", 0)
    less = copy.deepcopy(between["predicate"])
    less.update(operation="LESS", value={"defaultValue": 5, "userValue": 10})
    between["predicate"] = {"type": "COMPLEX", "operation": "AND", "predicates": [
        between["predicate"],
        {"type": "COMPLEX", "operation": "OR", "predicates": [less, less]}]}
    assert fleet.suffixes(find(rest, query(fleet.type, filters=[between]))) == "b"


@pytest.mark.parametrize("sort,up,down", [
    (None, "abcde", "abcde"),
    (NAME, "abcde", "edcba"),
    ({"type": "ENTITY_FIELD", "key": "createdTime"}, "abcde", "edcba"),
    ({"type": "ENTITY_FIELD", "key": "label"}, "abcde", "edcba"),
    ({"type": "ENTITY_FIELD", "key": "additionalInfo"}, "abcde", "edcba"),
    # What has no value comes last both ways.
    (TEMPERATURE, "cbade", "abced"),
    (series("state"), "dcbae", "abcde"),
    ({"type": "ATTRIBUTE", "key": "floor"}, "abcde", "cbaed")])
def test_sorting(rest, fleet, sort, up, down):
    assert fleet.suffixes(find(rest, query(fleet.type, sort=sort))) == up
    assert fleet.suffixes(find(rest, query(fleet.type, sort=sort, direction="DESC"))) == down


@pytest.mark.parametrize("sort", [None, NAME, TEMPERATURE])
def test_pages(rest, fleet, sort):
    whole = fleet.suffixes(find(rest, query(fleet.type, sort=sort)))
    for number in range(4):
        page = find(rest, query(fleet.type, sort=sort, size=2, page=number))
        assert fleet.suffixes(page) == whole[2 * number:2 * number + 2]
        assert (page["totalPages"], page["totalElements"]) == (3, 5)
        assert page["hasNext"] == (number < 2)


@pytest.mark.parametrize("latest,text,wanted", [
    ([], "FLEET-B", "b"),
    ([], "label", ""),
    ([{"type": "ENTITY_FIELD", "key": "label"}], "label c", "c"),
    ([{"type": "ENTITY_FIELD", "key": "type"}], "fleet TYPE", "abcde"),
    ([series("state")], "hold", "c"),
    ([TEMPERATURE], "1.5", "a"),
    ([], "%", "")])
def test_a_search_looks_at_what_is_asked_for(rest, fleet, latest, text, wanted):
    assert fleet.suffixes(find(rest, query(fleet.type, latest, textSearch=text))) == wanted


def test_a_customer_finds_its_own_devices_only(rest, fleet):
    customer = Rest(rest.port).log_in(*CUSTOMER)
    mine = customer.get("/api/auth/user")["customerId"]["id"]
    everything = [entity_type(), fleet.type, name_start("fleet"), single(fleet.ids["b"]),
                  listed(fleet.ids["a"], fleet.ids["b"])]
    before = count(customer, entity_type())
    assert [count(customer, one) for one in everything[1:]] == [0, 0, 0, 0]
    rest.post(f"/api/customer/{mine}/device/{fleet.ids['b']}", {})
    try:
        assert count(customer, entity_type()) == before + 1
        for one in everything[1:]:
            assert fleet.suffixes(find(customer, query(one))) == "b"
    finally:
        rest.delete(f"/api/customer/device/{fleet.ids['b']}")
    assert Rest(rest.port).log_in(*SYSADMIN).call(
        "POST", "/api/entitiesQuery/count", {"entityFilter": entity_type()}).status == 403


def test_names_of_keys(rest, fleet):
    def keys(body, **parameters):
        return rest.post("/api/entitiesQuery/find/keys", body, **parameters)
    asked = query(fleet.type)
    assert keys(asked, timeseries="true", attributes="false") == {
        "entityTypes": ["DEVICE"], "timeseries": ["ok", "state", "temperature"], "attribute": []}
    found = keys(asked, timeseries="false", attributes="true", scope="SHARED_SCOPE")
    assert found == {"entityTypes": ["DEVICE"], "timeseries": [], "attribute": ["floor"]}
    found = keys(asked, timeseries="false", attributes="true")
    assert "floor" in found["attribute"]
    assert keys(query(device_type("none")), timeseries="true", attributes="true") == {
        "entityTypes": [], "timeseries": [], "attribute": []}
    for parameters in ({"timeseries": "true"}, {"attributes": "true"},
                       {"timeseries": "x", "attributes": "true"},
                       {"timeseries": "true", "attributes": "true", "scope": "ANY"}):
        path = "/api/entitiesQuery/find/keys?" + "&".join(
            f"{name}={value}" for name, value in parameters.items())
        assert rest.call("POST", path, asked).status == 400


# (where, what stands there instead, what the refusal says)
BAD = [
    (("entityFilter",), None, "entityFilter is not an object"),
    (("entityFilter",), 5, "query.entityFilter is not an object"),
    (("entityFilter", "type"), None, "entityFilter.type is missing"),
    (("entityFilter", "type"), "everything", "entityFilter.type is unknown: 'everything'"),
    (("entityFilter", "type"), "assetType", "entityFilter.type: assetType is not served"),
    (("entityFilter", "type"), "relationsQuery", "relationsQuery is not served"),
    (("entityFilter", "entityType"), "ASSET", "only DEVICE is found in this version, not 'ASSET'"),
    (("entityFilter", "entityType"), 7, "entityFilter.entityType is not a text"),
    (("entityFilter",), {"type": "singleEntity"}, "entityFilter.singleEntity is not an object"),
    (("entityFilter",), single("x"), "entityFilter.singleEntity.id is not a UUID: 'x'"),
    (("entityFilter",), listed("x"), "entityFilter.entityList[0] is not a UUID"),
    (("entityFilter",), listed(5), "entityFilter.entityList[0] is not a text"),
    (("entityFilter",), {"type": "entityList", "entityType": "DEVICE"}, "entityList is missing"),
    (("entityFilter",), {"type": "deviceType"}, "entityFilter.deviceTypes is missing"),
    (("entityFilter",), device_type(*"abcdefghijklmnopq"), "has more than 16 elements"),
    (("pageLink",), None, "pageLink is not an object"),
    (("pageLink", "page"), -1, "pageLink.page must be from 0"),
    (("pageLink", "page"), "0", "pageLink.page is not a number"),
    (("pageLink", "page"), 0.5, "pageLink.page is not an integer"),
    (("pageLink", "pageSize"), 0, "pageLink.pageSize must be from 1 to 10000"),
    (("pageLink", "pageSize"), 10001, "pageLink.pageSize must be from 1 to 10000"),
    (("pageLink", "textSearch"), 1, "pageLink.textSearch is not a text"),
    (("pageLink", "dynamic"), "true", "pageLink.dynamic is not a boolean"),
    (("pageLink", "sortOrder", "key"), None, "pageLink.sortOrder.key is not an object"),
    (("pageLink", "sortOrder", "direction"), "UP", "direction is unknown: 'UP'"),
    (("entityFields",), {}, "query.entityFields is not an array"),
    (("entityFields",), [5], "entityFields[0] is not an object"),
    (("latestValues", 0, "type"), None, "latestValues[0].type is missing"),
    (("latestValues", 0, "type"), "SERIES", "latestValues[0].type is unknown: 'SERIES'"),
    (("latestValues", 0, "type"), "ALARM_FIELD", "ALARM_FIELD is not served"),
    (("latestValues", 0, "key"), "", "latestValues[0].key is empty"),
    (("keyFilters",), {}, "query.keyFilters is not an array"),
    (("keyFilters", 0, "key"), None, "keyFilters[0].key is not an object"),
    (("keyFilters", 0, "valueType"), "DATE", "keyFilters[0].valueType is unknown"),
    (("keyFilters", 0, "valueType"), "STRING", "does not go with the valueType"),
    (("keyFilters", 0, "predicate"), None, "keyFilters[0].predicate is not an object"),
    (("keyFilters", 0, "predicate", "type"), "DATE", "keyFilters[0].predicate.type is unknown"),
    (("keyFilters", 0, "predicate", "operation"), "IN", "predicate.operation is unknown: 'IN'"),
    (("keyFilters", 0, "predicate", "value"), 5, "predicate.value is not an object"),
    (("keyFilters", 0, "predicate", "value"), {}, "value.defaultValue is missing"),
    (("keyFilters", 0, "predicate", "value", "defaultValue"), "5", "value is not a number"),
    (("keyFilters", 0, "predicate", "value", "dynamicValue"), {"sourceType": "CURRENT_DEVICE"},
     "CURRENT_DEVICE is not served"),
    (("keyFilters", 0, "predicate", "value", "dynamicValue"), {"sourceType": "X"},
     "sourceType is unknown"),
    (("keyFilters", 0, "predicate"), {"type": "COMPLEX", "operation": "AND", "predicates": []},
     "keyFilters[0].predicate.predicates is empty"),
    (("keyFilters", 0, "predicate"), {"type": "COMPLEX", "operation": "XOR", "predicates": [1]},
     "predicate.operation is unknown: 'XOR'"),
    (("keyFiltersOperation",), "XOR", "query.keyFiltersOperation is unknown"),
]


def spoilt(where, what):
    body = copy.deepcopy(query(entity_type(), [TEMPERATURE], NAME,
                               filters=[key_filter(TEMPERATURE, "NUMERIC", "GREATER", 0)]))
    place = body
    for step in where[:-1]:
        place = place[step]
    if what is None:
        place.pop(where[-1], None)
    else:
        place[where[-1]] = what
    return body


@pytest.mark.parametrize("where,what,text", BAD)
def test_what_is_wrong_is_named(rest, where, what, text):
    answer = rest.call("POST", "/api/entitiesQuery/find", spoilt(where, what))
    assert answer.status == 400
    assert text in answer.json()["message"]


def test_predicates_have_bounds(rest):
    leaf = key_filter(TEMPERATURE, "NUMERIC", "GREATER", 0)

    def refused(filters):
        body = {"entityFilter": entity_type(), "keyFilters": filters}
        answer = rest.call("POST", "/api/entitiesQuery/count", body)
        return answer.status, answer.json()["message"] if answer.status != 200 else None

    def nested(depth):
        predicate = leaf["predicate"]
        for _ in range(depth):
            predicate = {"type": "COMPLEX", "operation": "OR", "predicates": [predicate]}
        return [{**leaf, "predicate": predicate}]
    assert refused(nested(8))[0] == 200
    assert "more than 8 COMPLEX" in refused(nested(9))[1]
    assert refused([leaf] * 255)[0] == 200
    assert "more than 256 predicates" in refused([leaf] * 256)[1]
    keys = [{"type": "TIME_SERIES", "key": f"k{i}"} for i in range(1000)]
    answer = rest.call("POST", "/api/entitiesQuery/find", query(entity_type(), keys))
    assert "more than 1000 different keys" in answer.json()["message"]


def test_unknown_members_are_ignored_here(rest, fleet):
    body = query(fleet.type)
    body.update(extra=1)
    body["pageLink"]["extra"] = body["entityFilter"]["extra"] = {}
    assert find(rest, body)["totalElements"] == 5
